//! A source that changes after it was verified.

#[allow(dead_code, reason = "it is made for other tests")]
#[path = "../../../tests/support/images.rs"]
mod images;

use std::fs;

use castline_core::{BlobName, Image, Options, Rootfs, Watch, verify};
use castline_sources::{Layout, ScanOptions, scan};
use xtask::engines::available;

use super::tree::{Contents, as_made_by, make};
use crate::DriverError;

struct Bench {
    folder: tempfile::TempDir,
    image: Image,
    tree: Rootfs,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let image = images::Images::new(folder.path().join("images")).add("v1").into_inner();
        let layout = Layout::open(folder.path().join("images")).expect("opens");
        let options = Options::default().with_rootfs(true);
        let verification = verify(&layout, &options, &Watch::none()).expect("verifies");
        let tree = verification.rootfs.into_values().next().expect("a tree");
        let own = rustix::process::geteuid();
        let user = (!own.is_root()).then(|| (own.as_raw(), rustix::process::getegid().as_raw()));
        Self { folder, image, tree: as_made_by(user, &tree) }
    }

    fn make(&self) -> Result<Rootfs, DriverError> {
        let root = self.folder.path().join("root");
        fs::create_dir(&root).expect("a folder");
        let layout = Layout::open(self.folder.path().join("images")).expect("opens");
        make(&root, &self.tree, &Contents::Layers(&layout, &self.image), self.folder.path())?;
        Ok(scan(&root, &ScanOptions::default(), &Watch::none()).expect("scans").rootfs)
    }

    /// Puts something else in the place of a layer.
    fn replace(&self, layer: usize, with: &[u8]) {
        let name = BlobName::Digest(self.image.layers()[layer].digest.clone()).path();
        fs::write(self.folder.path().join("images").join(name), with).expect("writes");
    }
}

#[test]
fn what_is_made_is_the_tree_that_was_verified() {
    if !available(&["busybox"], false) {
        return;
    }
    let bench = Bench::new();
    let made = bench.make().expect("makes");
    // Folders that no layer has have no time of their own; this image has none of them.
    assert_eq!(made.len(), bench.tree.len());
    for (path, node) in bench.tree.iter() {
        assert_eq!(made.get(path), Some(node), "{}", path.escape_ascii());
    }
    assert_eq!(made, bench.tree, "which names share a file included");
}

#[test]
fn a_layer_that_was_changed_after_it_was_verified_gives_nothing_else() {
    if !available(&["busybox"], false) {
        return;
    }
    let bench = Bench::new();
    let name = BlobName::Digest(bench.image.layers()[0].digest.clone()).path();
    let mut bytes = fs::read(bench.folder.path().join("images").join(name)).expect("a layer");
    let at = bytes.windows(7).position(|window| window == b"listen\n").expect("a file");
    bytes[at] = b'L';
    bench.replace(0, &bytes);
    let error = bench.make().expect_err("refused");
    assert!(!error.is_temporary() && error.to_string().contains("/etc/app.conf"), "{error}");
}

#[test]
fn a_layer_that_becomes_nonsense_is_refused() {
    if !available(&["busybox"], false) {
        return;
    }
    for nonsense in [&b""[..], b"nonsense", &[0; 1024], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]] {
        let bench = Bench::new();
        bench.replace(0, nonsense);
        let error = bench.make().expect_err("refused");
        assert!(error.to_string().contains("not what was verified"), "{error}");
    }
}
