use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use castline_core::{
    Rootfs, Watch,
    drift::Unread,
    rootfs::{Change, NodeKind},
};
use castline_sources::{OverlayXattrs, ScanOptions, Upper, scan_upper};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, lsetxattr, mknodat};
use tempfile::TempDir;

use crate::{folder, is_root, scanned, skip};

/// A mount that ends with the test.
struct Mounted(PathBuf);

impl Mounted {
    fn new(place: &Path, arguments: &[OsString]) -> Option<Self> {
        let output = Command::new("mount").args(arguments).arg(place).output().ok()?;
        output.status.success().then(|| Self(place.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// An overlayfs on a tmpfs: the folders `lower`, `upper` and `merged`.
struct Overlay {
    _merged: Mounted,
    _memory: Mounted,
    folder: TempDir,
}

impl Overlay {
    fn new(fill_lower: impl FnOnce(&Path), options: &str) -> Option<Self> {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let arguments = ["-t", "tmpfs", "tmpfs"].map(OsString::from);
        let memory = Mounted::new(folder.path(), &arguments)?;
        for name in ["lower", "upper", "work", "merged"] {
            fs::create_dir(at(name)).expect("makes");
        }
        fill_lower(&at("lower"));
        let show = |name: &str| at(name).display().to_string();
        let (lower, upper, work) = (show("lower"), show("upper"), show("work"));
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work},{options}");
        let arguments = ["-t", "overlay", "overlay", "-o", &options].map(OsString::from);
        let merged = Mounted::new(&at("merged"), &arguments)?;
        Some(Self { _merged: merged, _memory: memory, folder })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn upper(&self, xattrs: OverlayXattrs) -> Upper {
        scan_upper(&self.at("upper"), xattrs, &ScanOptions::default(), &Watch::none()).expect("scans")
    }
}

fn fill(lower: &Path) {
    for path in ["usr/bin", "usr/lib/a/b", "etc/conf.d", "var/log", "gone/deep"] {
        fs::create_dir_all(lower.join(path)).expect("makes");
    }
    for path in [
        "usr/bin/sh",
        "usr/bin/ls",
        "usr/lib/a/b/c",
        "etc/passwd",
        "etc/conf.d/x",
        "var/log/y",
        "gone/deep/z",
    ] {
        fs::write(lower.join(path), path).expect("writes");
    }
    symlink("usr/bin", lower.join("bin")).expect("links");
    symlink("usr/lib", lower.join("lib")).expect("links");
}

/// What an instance might do to its root filesystem.
fn change(merged: &Path) {
    let at = |path: &str| merged.join(path);
    fs::write(at("etc/passwd"), "changed").expect("writes");
    fs::write(at("etc/new"), "new").expect("writes");
    fs::hard_link(at("etc/new"), at("var/new")).expect("links");
    fs::remove_file(at("usr/bin/ls")).expect("removes");
    fs::remove_dir_all(at("gone")).expect("removes");
    // An opaque folder.
    fs::remove_dir_all(at("etc/conf.d")).expect("removes");
    fs::create_dir(at("etc/conf.d")).expect("makes");
    fs::write(at("etc/conf.d/y"), "y").expect("writes");
    // A link becomes a folder: what it led to stays.
    fs::remove_file(at("bin")).expect("removes");
    fs::create_dir(at("bin")).expect("makes");
    fs::write(at("bin/tool"), "tool").expect("writes");
    // A folder becomes a file, and a file a folder.
    fs::remove_dir_all(at("var/log")).expect("removes");
    fs::write(at("var/log"), "log").expect("writes");
    fs::remove_file(at("usr/lib/a/b/c")).expect("removes");
    fs::create_dir(at("usr/lib/a/b/c")).expect("makes");
    fs::set_permissions(at("usr/bin/sh"), fs::Permissions::from_mode(0o4755)).expect("permits");
    lsetxattr(at("etc/new"), "user.mark", b"1", XattrFlags::empty()).expect("sets");
}

/// One line for each entry, so that a difference can be read.
fn shown(tree: &Rootfs) -> Vec<String> {
    tree.iter().map(|(path, node)| format!("{} {node:?}", path.escape_ascii())).collect()
}

#[test]
fn the_upper_directory_over_the_lower_is_what_the_overlay_shows() {
    for (xattrs, options) in
        [(OverlayXattrs::Trusted, "redirect_dir=off,metacopy=off"), (OverlayXattrs::User, "userxattr")]
    {
        if !is_root("overlayfs") {
            return;
        }
        let Some(overlay) = Overlay::new(fill, options) else {
            skip("mounting an overlayfs");
            return;
        };
        change(&overlay.at("merged"));
        let lower = scanned(&overlay.at("lower"));
        let merged = scanned(&overlay.at("merged"));
        let upper = overlay.upper(xattrs);
        assert!(upper.unread.is_empty() && upper.mounts.is_empty(), "{upper:?}");
        let computed = lower.rootfs.with_layer(&upper.layer).expect("merges");
        assert_eq!(shown(&computed), shown(&merged.rootfs), "{options}");
        assert_eq!(computed, merged.rootfs, "{options}");
    }
}

#[test]
fn what_is_redirected_or_only_metadata_is_unread() {
    if !is_root("overlayfs with redirects") {
        return;
    }
    let Some(overlay) = Overlay::new(fill, "redirect_dir=on,metacopy=on") else {
        skip("mounting an overlayfs with redirects");
        return;
    };
    fs::rename(overlay.at("merged/usr/lib/a"), overlay.at("merged/usr/lib/moved")).expect("renames");
    fs::write(overlay.at("merged/usr/lib/moved/new"), "new").expect("writes");
    fs::set_permissions(overlay.at("merged/usr/bin/sh"), fs::Permissions::from_mode(0o700)).expect("permits");
    let upper = overlay.upper(OverlayXattrs::Trusted);
    let unread: Vec<_> = upper.unread.keys().map(|path| String::from_utf8_lossy(path)).collect();
    assert_eq!(unread, ["usr/bin/sh", "usr/lib/moved"]);
    assert!(upper.unread.values().all(|why| matches!(why, Unread::Refused(why) if why.contains("merged"))));
    let below = castline_core::rootfs::Layer::from_iter([Change::Remove { path: b"usr/lib/a".to_vec() }]);
    let lower = scanned(&overlay.at("lower")).rootfs;
    let computed = lower.with_layer(&upper.layer).expect("merges");
    assert!(computed.get(b"usr/lib/moved").is_none());
    assert_eq!(computed.len(), lower.with_layer(&below).expect("merges").len());
}

/// Marks that the kernel writes only in layers it did not make itself.
#[test]
fn marks_of_other_makers_are_understood() {
    let folder = folder();
    let at = |path: &str| folder.path().join(path);
    let mark = |path: &str, name: &str, value: &[u8]| {
        lsetxattr(at(path), name, value, XattrFlags::empty()).expect("sets");
    };
    for path in ["x", "none", "opaque"] {
        fs::create_dir(at(path)).expect("makes");
    }
    for path in ["x/gone", "x/full", "none/empty"] {
        fs::write(at(path), if path == "x/full" { "full" } else { "" }).expect("writes");
        mark(path, "user.overlay.whiteout", b"");
    }
    mark("x", "user.overlay.opaque", b"x");
    mark("opaque", "user.overlay.opaque", b"y");
    mark("opaque", "user.overlay.overlay.opaque", b"inner");
    mark("opaque", "user.own", b"1");
    let upper = scan_upper(folder.path(), OverlayXattrs::User, &ScanOptions::default(), &Watch::none())
        .expect("scans");
    assert!(upper.unread.is_empty());
    let lower = Rootfs::merge([]).expect("merges");
    let tree = lower.with_layer(&upper.layer).expect("merges");
    let paths: Vec<_> = tree.iter().map(|(path, _)| String::from_utf8_lossy(path)).collect();
    assert_eq!(paths, ["", "none", "none/empty", "opaque", "x", "x/full"]);
    let xattrs: Vec<_> = tree.get(b"opaque").expect("is there").xattrs.iter().collect();
    let expected =
        [(b"user.overlay.opaque".to_vec(), b"inner".to_vec()), (b"user.own".to_vec(), b"1".to_vec())];
    assert_eq!(xattrs, expected.iter().map(|(name, value)| (name, value)).collect::<Vec<_>>());
    // The other namespace's marks are attributes like any other.
    let upper = scan_upper(folder.path(), OverlayXattrs::Trusted, &ScanOptions::default(), &Watch::none())
        .expect("scans");
    let tree = lower.with_layer(&upper.layer).expect("merges");
    assert!(tree.get(b"x/gone").is_some_and(|node| node.xattrs.contains_key(&b"user.overlay.whiteout"[..])));
}

#[test]
fn a_whiteout_is_a_character_device_of_no_number() {
    if !is_root("whiteout devices") {
        return;
    }
    let folder = folder();
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, folder.path().join("gone"), FileType::CharacterDevice, mode, 0).expect("makes");
    mknodat(CWD, folder.path().join("null"), FileType::CharacterDevice, mode, rustix::fs::makedev(1, 3))
        .expect("makes");
    let upper = scan_upper(folder.path(), OverlayXattrs::Trusted, &ScanOptions::default(), &Watch::none())
        .expect("scans");
    let tree = Rootfs::merge([&upper.layer]).expect("merges");
    assert!(tree.get(b"gone").is_none());
    assert!(
        tree.get(b"null")
            .is_some_and(|node| matches!(node.kind, NodeKind::CharDevice { major: 1, minor: 3 }))
    );
    let removed = castline_core::rootfs::Layer::from_iter([Change::Remove { path: b"gone".to_vec() }]);
    assert_eq!(upper.layer.len(), 2 + removed.len());
}

#[test]
fn mounts_are_seen_but_not_entered() {
    if !is_root("mounts in a tree") {
        return;
    }
    let outside = folder();
    fs::write(outside.path().join("hosts"), "hosts").expect("writes");
    fs::create_dir(outside.path().join("volume")).expect("makes");
    fs::write(outside.path().join("volume/data"), "data").expect("writes");
    let folder = folder();
    let at = |path: &str| folder.path().join(path);
    for path in ["proc", "volume", "etc"] {
        fs::create_dir(at(path)).expect("makes");
    }
    fs::write(at("etc/hosts"), "").expect("writes");
    let bind =
        |from: PathBuf, to: &str| Mounted::new(&at(to), &[OsString::from("--bind"), from.into_os_string()]);
    // Of the same filesystem as the tree: only the mount tells.
    let hosts = bind(outside.path().join("hosts"), "etc/hosts");
    let volume = bind(outside.path().join("volume"), "volume");
    let memory = Mounted::new(&at("proc"), &["-t", "tmpfs", "tmpfs"].map(OsString::from));
    let (Some(_hosts), Some(_volume), Some(_memory)) = (hosts, volume, memory) else {
        skip("mounting");
        return;
    };
    fs::write(at("proc/inside"), "x").expect("writes");
    let scan = scanned(folder.path());
    let paths: Vec<_> = scan.rootfs.iter().map(|(path, _)| String::from_utf8_lossy(path)).collect();
    assert_eq!(paths, ["", "etc", "etc/hosts", "proc", "volume"]);
    let mounts: Vec<_> = scan.mounts.iter().map(|path| String::from_utf8_lossy(path)).collect();
    assert_eq!(mounts, ["etc/hosts", "proc", "volume"]);
    assert_eq!(scan.rootfs.get(b"etc/hosts").expect("is there").kind, crate::file(b"hosts"));
}
