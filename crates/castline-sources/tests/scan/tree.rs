use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
        net::UnixListener,
    },
    path::Path,
    sync::Arc,
};

use castline_core::{
    Rootfs, Watch,
    rootfs::{Node, NodeKind},
    tar::Mtime,
};
use castline_sources::{ScanOptions, scan};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, UTIME_OMIT, XattrFlags, chown, lsetxattr, makedev,
    mknodat, utimensat,
};

use crate::{file, folder, is_root, scanned};

/// What the standard library says of `path`, and what the test knows.
fn node(root: &Path, path: &str, kind: NodeKind, xattrs: &[(&str, &[u8])]) -> Node {
    let metadata = fs::symlink_metadata(root.join(path)).expect("is there");
    Node {
        mode: metadata.mode() & 0o7777,
        kind,
        uid: metadata.uid().into(),
        gid: metadata.gid().into(),
        mtime: Mtime {
            secs: metadata.mtime(),
            nanos: u32::try_from(metadata.mtime_nsec()).expect("less than 10^9"),
        },
        xattrs: xattrs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect(),
        implicit: false,
        verity: None,
    }
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permits");
}

#[test]
fn every_type_of_file_is_seen_as_it_is() {
    let outside = folder();
    fs::write(outside.path().join("secret"), "secret").expect("writes");
    let folder = folder();
    let root = folder.path();
    let at = |path: &str| root.join(path);
    let mut expected = BTreeMap::new();

    fs::create_dir_all(at("usr/bin")).expect("makes");
    let large: Vec<u8> = (0..3_000_001_u32).map(|at| at.to_le_bytes()[1]).collect();
    for (path, content) in [
        ("usr/bin/empty", &b""[..]),
        ("usr/bin/block", &large[..64]),
        ("usr/bin/chunk", &large[..128 << 10]),
        ("usr/bin/more", &large[..=128 << 10]),
        ("usr/bin/large", &large),
        ("usr/bin/other-large", &large[7..]),
    ] {
        fs::write(at(path), content).expect("writes");
        expected.insert(path, file(content));
    }
    permit(&at("usr/bin/more"), 0o4755);
    permit(&at("usr/bin/block"), 0o400);
    permit(&at("usr"), 0o1777);
    symlink(outside.path(), at("out")).expect("links");
    expected.insert("out", NodeKind::Symlink { target: outside.path().as_os_str().as_bytes().to_vec() });
    symlink("nothing/\u{fc}", at("usr/dangling")).expect("links");
    expected.insert("usr/dangling", NodeKind::Symlink { target: "nothing/\u{fc}".into() });
    mknodat(CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("makes");
    expected.insert("fifo", NodeKind::Fifo);
    let _listener = UnixListener::bind(at("socket")).expect("listens");
    expected.insert("socket", NodeKind::Socket);
    for path in ["", "usr", "usr/bin"] {
        expected.insert(path, NodeKind::Directory);
    }
    lsetxattr(at("usr/bin/large"), "user.long", &large[..2000], XattrFlags::empty()).expect("sets");
    lsetxattr(at("usr"), "user.empty", b"", XattrFlags::empty()).expect("sets");

    let expected: Rootfs = expected
        .into_iter()
        .map(|(path, kind)| {
            let xattrs: &[(&str, &[u8])] = match path {
                "usr/bin/large" => &[("user.long", &large[..2000])],
                "usr" => &[("user.empty", b"")],
                _ => &[],
            };
            (path.into(), Arc::new(node(root, path, kind, xattrs)))
        })
        .collect();
    // So long ago that any reading would touch it, whatever the filesystem is mounted with. Reading a link always does.
    let read: Vec<_> =
        expected.iter().filter(|(_, node)| !matches!(node.kind, NodeKind::Symlink { .. })).collect();
    let place = |path: &[u8]| root.join(std::ffi::OsStr::from_bytes(path));
    for (path, _) in &read {
        let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let times = Timestamps { last_access: Timespec::default(), last_modification: omit };
        utimensat(CWD, place(path), &times, AtFlags::SYMLINK_NOFOLLOW).expect("sets");
    }
    let scan = scanned(root);
    for (path, node) in expected.iter() {
        assert_eq!(scan.rootfs.get(path), Some(node), "{}", path.escape_ascii());
    }
    assert_eq!(scan.rootfs, expected);
    assert!(scan.unread.is_empty() && scan.mounts.is_empty());
    assert_eq!(scan.bytes, 64 + 2 * (128 << 10) + 1 + 2 * 3_000_001 - 7);
    for (path, _) in read {
        assert_eq!(
            fs::symlink_metadata(place(path)).expect("is there").atime(),
            0,
            "{}",
            path.escape_ascii()
        );
    }
}

#[test]
fn names_of_one_file_share_it() {
    let folder = folder();
    let at = |path: &str| folder.path().join(path);
    fs::create_dir_all(at("a/b")).expect("makes");
    fs::write(at("a/b/one"), vec![1; 2 << 20]).expect("writes");
    for other in ["a/two", "three"] {
        fs::hard_link(at("a/b/one"), at(other)).expect("links");
    }
    fs::write(at("alike"), vec![1; 2 << 20]).expect("writes");
    symlink("x", at("link")).expect("links");
    rustix::fs::link(at("link"), at("a/link")).expect("links");
    let scan = scanned(folder.path());
    let node = |path: &str| std::ptr::from_ref(scan.rootfs.get(path.as_bytes()).expect("is there"));
    assert_eq!(node("a/b/one"), node("a/two"));
    assert_eq!(node("a/b/one"), node("three"));
    assert_eq!(node("link"), node("a/link"));
    assert_ne!(node("three"), node("alike"));
    assert_eq!(scan.bytes, 2 * (2 << 20), "a file is read once");
}

#[test]
fn names_need_not_be_text() {
    let folder = folder();
    for name in [&b"\xff\xfe"[..], b"new\nline", b"-", b" ", b"back\\slash"] {
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), name).expect("writes");
    }
    let scan = scanned(folder.path());
    assert_eq!(scan.rootfs.len(), 6);
    for (path, node) in scan.rootfs.iter().filter(|(path, _)| !path.is_empty()) {
        assert_eq!(node.kind, file(path));
    }
}

#[test]
fn what_only_root_makes_is_seen_as_it_is() {
    if !is_root("devices, capabilities and owners in a scan") {
        return;
    }
    let folder = folder();
    let root = folder.path();
    let at = |path: &str| root.join(path);
    let mode = Mode::from_raw_mode(0o620);
    mknodat(CWD, at("tty"), FileType::CharacterDevice, mode, makedev(4, 64)).expect("makes");
    mknodat(CWD, at("disk"), FileType::BlockDevice, mode, makedev(259, 70_000)).expect("makes");
    fs::write(at("ping"), "ping").expect("writes");
    chown(at("ping"), Some(rustix::fs::Uid::from_raw(4_000_000)), Some(rustix::fs::Gid::from_raw(7)))
        .expect("gives");
    permit(&at("ping"), 0o6755);
    // VFS_CAP_REVISION_2 with the effective bit; cap_net_raw permitted.
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    lsetxattr(at("ping"), "security.capability", &capability, XattrFlags::empty()).expect("sets");
    symlink("ping", at("link")).expect("links");
    lsetxattr(at("link"), "trusted.of-a-link", b"1", XattrFlags::empty()).expect("sets");
    lsetxattr(at("tty"), "trusted.of-a-device", b"2", XattrFlags::empty()).expect("sets");
    let expected: Rootfs = [
        ("", NodeKind::Directory, vec![]),
        ("tty", NodeKind::CharDevice { major: 4, minor: 64 }, vec![("trusted.of-a-device", &b"2"[..])]),
        ("disk", NodeKind::BlockDevice { major: 259, minor: 70_000 }, vec![]),
        ("ping", file(b"ping"), vec![("security.capability", &capability[..])]),
        ("link", NodeKind::Symlink { target: b"ping".to_vec() }, vec![("trusted.of-a-link", &b"1"[..])]),
    ]
    .into_iter()
    .map(|(path, kind, xattrs)| (path.into(), Arc::new(node(root, path, kind, &xattrs))))
    .collect();
    assert_eq!(scanned(root).rootfs, expected);
}

#[test]
fn what_is_skipped_is_nowhere() {
    let folder = folder();
    for path in ["keep/skip", "skip/keep", "logs/a"] {
        fs::create_dir_all(folder.path().join(path)).expect("makes");
        fs::write(folder.path().join(path).join("file"), "x").expect("writes");
    }
    let logs = |path: &[u8]| path.starts_with(b"logs");
    let options = ScanOptions::default().with_skip([b"skip".to_vec()]).with_skip_if(&logs);
    let scan = scan(folder.path(), &options, &Watch::none()).expect("scans");
    let paths: Vec<_> = scan.rootfs.iter().map(|(path, _)| String::from_utf8_lossy(path)).collect();
    assert_eq!(paths, ["", "keep", "keep/skip", "keep/skip/file"]);
}

#[test]
fn a_root_may_be_reached_through_links() {
    let folder = folder();
    fs::create_dir(folder.path().join("real")).expect("makes");
    fs::write(folder.path().join("real/file"), "x").expect("writes");
    symlink("real", folder.path().join("link")).expect("links");
    let through = scanned(&folder.path().join("link"));
    assert_eq!(through, scanned(&folder.path().join("real")));
    assert_eq!(through.rootfs.len(), 2);
    for wrong in ["real/file", "nothing"] {
        assert!(
            scan(&folder.path().join(wrong), &ScanOptions::default(), &Watch::none()).is_err(),
            "{wrong}"
        );
    }
}
