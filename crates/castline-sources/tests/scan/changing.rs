use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use castline_core::{Cancel, Watch, drift::Unread, rootfs::NodeKind};
use castline_sources::{Error, ScanOptions, scan};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};

use crate::{folder, on};

/// Does `change` again and again while the tree is scanned `times` times.
fn while_scanning(
    root: &Path,
    times: usize,
    change: impl Fn() + Sync,
    check: impl Fn(&castline_core::drift::Scan),
) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                change();
            }
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..times {
                check(&scan(root, &on(2), &Watch::none()).expect("scans"));
            }
        }));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn a_folder_that_turns_into_a_link_leads_nowhere() {
    let outside = folder();
    fs::create_dir(outside.path().join("inner")).expect("makes");
    for name in ["file", "inner/file"] {
        fs::write(outside.path().join(name), "secret").expect("writes");
    }
    let secret = crate::file(b"secret");
    let folder = folder();
    let root = folder.path();
    for path in ["tree/inner", "tree/other"] {
        fs::create_dir_all(root.join(path)).expect("makes");
        fs::write(root.join(path).join("file"), "public").expect("writes");
    }
    symlink(outside.path(), root.join("link")).expect("links");
    let (tree, link) = (root.join("tree"), root.join("link"));
    let swap = || renameat_with(CWD, &tree, CWD, &link, RenameFlags::EXCHANGE).expect("swaps");
    while_scanning(root, 300, swap, |scan| {
        for (path, node) in scan.rootfs.iter() {
            assert_ne!(node.kind, secret, "{}", path.escape_ascii());
        }
        for (path, why) in &scan.unread {
            assert!(matches!(why, Unread::Vanished | Unread::Changing), "{}: {why:?}", path.escape_ascii());
        }
    });
}

#[test]
fn a_file_that_turns_into_a_fifo_or_a_link_does_not_hold_the_scan_up() {
    let outside = folder();
    fs::write(outside.path().join("secret"), "secret").expect("writes");
    let folder = folder();
    let root = folder.path();
    fs::write(root.join("file"), "public").expect("writes");
    mknodat(CWD, root.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("makes");
    symlink(outside.path().join("secret"), root.join("link")).expect("links");
    let names = [root.join("file"), root.join("fifo"), root.join("link")];
    let turn = AtomicU64::new(0);
    let swap = || {
        let other = if turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 1 } else { 2 };
        renameat_with(CWD, &names[0], CWD, &names[other], RenameFlags::EXCHANGE).expect("swaps");
    };
    while_scanning(root, 300, swap, |scan| {
        for (_, node) in scan.rootfs.iter() {
            let fine = match &node.kind {
                NodeKind::File { .. } => node.kind == crate::file(b"public"),
                kind => matches!(kind, NodeKind::Directory | NodeKind::Fifo | NodeKind::Symlink { .. }),
            };
            assert!(fine, "{node:?}");
        }
    });
}

#[test]
fn files_that_come_and_go_are_vanished_or_whole() {
    let folder = folder();
    let root = folder.path();
    for name in 0..50 {
        fs::write(root.join(name.to_string()), "lasting").expect("writes");
    }
    let turn = AtomicU64::new(0);
    let change = || {
        let path = root.join(format!("fleeting-{}", turn.fetch_add(1, Ordering::Relaxed) % 7));
        fs::write(&path, "fleeting").expect("writes");
        fs::remove_file(path).expect("removes");
    };
    while_scanning(root, 200, change, |scan| {
        for name in 0..50 {
            let node = scan.rootfs.get(name.to_string().as_bytes()).expect("is there");
            assert_eq!(node.kind, crate::file(b"lasting"));
        }
        for (path, why) in &scan.unread {
            assert!(path.starts_with(b"fleeting-"), "{}", path.escape_ascii());
            assert!(matches!(why, Unread::Vanished | Unread::Changing), "{why:?}");
        }
    });
}

#[test]
fn a_file_that_grows_all_the_time_is_changing_or_whole() {
    let folder = folder();
    let root = folder.path();
    let path = root.join("log");
    fs::write(&path, vec![7; 4 << 20]).expect("writes");
    let grow = || {
        use std::io::Write as _;
        let mut file = fs::OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(&[7; 100]).expect("writes");
    };
    while_scanning(root, 20, grow, |scan| match (scan.rootfs.get(b"log"), scan.unread.get(&b"log"[..])) {
        (Some(node), None) => {
            let NodeKind::File { size, .. } = node.kind else { panic!("{node:?}") };
            assert_eq!(node.kind, crate::file(&vec![7; usize::try_from(size).expect("fits")]));
        }
        (None, Some(why)) => assert_eq!(*why, Unread::Changing),
        both => panic!("{both:?}"),
    });
}

#[test]
fn a_cancelled_scan_stops() {
    let folder = folder();
    for name in 0..200 {
        fs::write(folder.path().join(name.to_string()), vec![1; 100 << 10]).expect("writes");
    }
    for jobs in [1, 3] {
        let cancel = Cancel::default();
        cancel.cancel();
        let result = scan(folder.path(), &on(jobs), &Watch::none().with_cancel(&cancel));
        assert!(matches!(result, Err(Error::Cancelled)));
        let cancel = Cancel::default();
        let told = |_| cancel.cancel();
        let watch = Watch::none().with_cancel(&cancel).with_progress(&told);
        assert!(matches!(scan(folder.path(), &on(jobs), &watch), Err(Error::Cancelled)));
    }
}

#[test]
fn progress_ends_with_all_entries_and_bytes() {
    let folder = folder();
    for name in 0..20 {
        fs::write(folder.path().join(name.to_string()), vec![1; 1 << 20]).expect("writes");
    }
    let (bytes, entries) = (AtomicU64::new(0), AtomicU64::new(0));
    let told = |progress: castline_core::Progress| {
        bytes.fetch_max(progress.bytes, Ordering::Relaxed);
        entries.fetch_max(progress.blobs, Ordering::Relaxed);
    };
    scan(folder.path(), &ScanOptions::default(), &Watch::none().with_progress(&told)).expect("scans");
    assert_eq!((bytes.into_inner(), entries.into_inner()), (20 << 20, 21));
}

#[test]
fn a_panic_of_the_caller_is_no_deadlock() {
    let folder = folder();
    for name in 0..50 {
        fs::create_dir(folder.path().join(name.to_string())).expect("makes");
    }
    for jobs in [1, 4] {
        let skip = |path: &[u8]| -> bool { panic!("{path:?}") };
        let result =
            std::panic::catch_unwind(|| scan(folder.path(), &on(jobs).with_skip_if(&skip), &Watch::none()));
        assert!(result.is_err());
    }
}
