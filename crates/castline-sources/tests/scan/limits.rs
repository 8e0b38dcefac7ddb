use std::fs;

use castline_core::{Watch, drift::Unread};
use castline_sources::{ScanLimits, ScanOptions, scan};
use rustix::fs::{CWD, Mode, OFlags, XattrFlags, lsetxattr, mkdirat, openat};

use crate::{folder, scanned};

#[test]
fn past_a_limit_is_unread() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("a/b/c")).expect("makes");
    fs::write(folder.path().join("a/b/c/file"), "x").expect("writes");
    fs::write(folder.path().join("marked"), "x").expect("writes");
    lsetxattr(folder.path().join("marked"), "user.mark", &[1; 100], XattrFlags::empty()).expect("sets");
    let limits = ScanLimits::default;
    for (limits, path, rest) in [
        (ScanLimits { entries: 4, ..limits() }, "", 0),
        (ScanLimits { depth: 2, ..limits() }, "a/b/c", 4),
        (ScanLimits { path_bytes: 8, ..limits() }, "a/b/c/file", 5),
        (ScanLimits { xattr_bytes: 108, ..limits() }, "marked", 5),
    ] {
        for jobs in [1, 3] {
            let options = crate::on(jobs).with_limits(limits.clone());
            let scan = scan(folder.path(), &options, &Watch::none()).expect("scans");
            let unread: Vec<_> = scan.unread.iter().collect();
            assert!(
                matches!(&unread[..], [(at, Unread::Refused(_))] if **at == path.as_bytes()),
                "{limits:?}: {unread:?}"
            );
            assert_eq!(scan.rootfs.len(), rest, "{limits:?}");
        }
    }
    let enough = ScanLimits { entries: 5, depth: 3, path_bytes: 10, xattr_bytes: 109 };
    let options = ScanOptions::default().with_limits(enough);
    let scan = scan(folder.path(), &options, &Watch::none()).expect("scans");
    assert!(scan.unread.is_empty() && scan.rootfs.len() == 6);
}

/// Each folder has folders beside the one that goes deeper, so that open ones would pile up.
#[test]
fn a_tree_deeper_than_a_path_may_be_long_is_scanned() {
    let folder = folder();
    let mut here =
        openat(CWD, folder.path(), OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).expect("opens");
    let name = "d".repeat(9);
    for _ in 0..1000 {
        for other in [name.as_str(), "a", "z"] {
            mkdirat(&here, other, Mode::from_raw_mode(0o755)).expect("makes");
        }
        here = openat(&here, &name, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).expect("opens");
    }
    let scan = scanned(folder.path());
    assert_eq!((scan.rootfs.len(), scan.unread.len()), (3001, 0));
    drop(here);
    // The standard library removes it only if it has as many descriptors as there are levels.
    let status = std::process::Command::new("rm").arg("-rf").arg(folder.path().join(&name)).status();
    assert!(status.expect("runs").success());
}

#[test]
fn a_folder_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    if rustix::process::geteuid().is_root() {
        // Nothing is refused to root.
        return;
    }
    let folder = folder();
    for (path, mode) in [("closed", 0o000), ("listed", 0o400)] {
        fs::create_dir(folder.path().join(path)).expect("makes");
        fs::write(folder.path().join(path).join("file"), "x").expect("writes");
        fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(mode)).expect("permits");
    }
    let scan = scanned(folder.path());
    for path in ["closed", "listed/file"] {
        assert!(matches!(scan.unread.get(path.as_bytes()), Some(Unread::Refused(_))), "{path}");
    }
    for path in ["closed", "listed"] {
        fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(0o700)).expect("permits");
    }
}
