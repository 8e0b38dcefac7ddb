//! Trees on disk and what a scan of them says.
#![cfg(target_os = "linux")]

mod cache;
mod changing;
mod limits;
mod tree;
mod upper;

use std::{env, num::NonZeroUsize, path::Path};

use castline_core::{Digest, Watch, drift::Scan, rootfs::NodeKind};
use castline_sources::{ScanOptions, scan};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn on(jobs: usize) -> ScanOptions<'static> {
    ScanOptions::default().with_jobs(NonZeroUsize::new(jobs).expect("more than none"))
}

/// The scan on one thread, after seeing that more say the same.
fn scanned(root: &Path) -> Scan {
    let one = scan(root, &on(1), &Watch::none()).expect("scans");
    for jobs in [2, 4] {
        assert_eq!(scan(root, &on(jobs), &Watch::none()).expect("scans"), one, "{jobs} threads");
    }
    one
}

fn file(content: &[u8]) -> NodeKind {
    NodeKind::File { size: content.len() as u64, digest: Digest::of(content) }
}

/// Whether the caller is root. Where it is not, what only root can test is skipped aloud; in CI it must be.
fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip(what);
    }
    root
}

fn skip(what: &str) {
    assert!(env::var_os("CI").is_none(), "{what} must be tested in CI");
    xtask::say(&format!("SKIPPED: {what}. It takes root."));
}
