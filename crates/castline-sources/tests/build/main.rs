//! Images that are built: what is in them, and that the same inputs give the same bytes.
#![cfg(target_os = "linux")]

mod faults;
mod images;
mod laws;
mod pins;
mod zstd;

use std::{fs, num::NonZeroUsize, path::Path};

use castline_core::{Options, Platform, Rootfs, Verification, Watch, verify};
use castline_sources::{BuiltImage, ImageBuilder, LayoutWriter};

fn platform() -> Platform {
    "linux/amd64".parse().expect("a platform")
}

fn jobs(jobs: usize) -> NonZeroUsize {
    NonZeroUsize::new(jobs).expect("not 0")
}

/// Builds into a new layout.
fn built(builder: &ImageBuilder) -> (tempfile::TempDir, BuiltImage) {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = LayoutWriter::create_or_open(folder.path()).expect("opens");
    let image = builder.build(&layout, &Watch::none()).expect("builds");
    layout.name(Some("v1"), &image.descriptor).expect("names");
    (folder, image)
}

/// What castline says of a layout; it has to be intact, and nothing in it too much.
fn verified(layout: &Path) -> Verification {
    let layout = LayoutWriter::create_or_open(layout).expect("opens").layout().expect("opens");
    let options = Options::default().with_rootfs(true).with_unreferenced(true);
    let verification = verify(&layout, &options, &Watch::none()).expect("verifies");
    assert!(verification.report.is_complete(), "{:?}", verification.report.findings);
    assert_eq!(verification.report.findings, []);
    verification
}

fn tree(layout: &Path) -> Rootfs {
    verified(layout).rootfs.into_values().next().expect("a tree")
}

fn paths(tree: &Rootfs) -> Vec<String> {
    tree.iter().map(|(path, _)| String::from_utf8(path.to_vec()).expect("UTF-8")).collect()
}

fn json(layout: &Path, digest: &castline_core::Digest) -> serde_json::Value {
    let bytes = fs::read(layout.join("blobs/sha256").join(digest.encoded())).expect("reads");
    serde_json::from_slice(&bytes).expect("JSON")
}
