//! Damage on the registry's disk, and no room on ours.

use std::fs;

use castline_core::{Digest, ErrorCode, Platforms, Watch};
use castline_sources::{
    Error, Reference,
    registry::{Extent, Pulled},
};

use crate::{
    available, client,
    images::{image, layout_of, shipment},
    server::{Server, damage, folder, run},
};

/// A registry with an image of layers of these sizes, and the digest of the first one.
pub(crate) async fn pushed(folder: &std::path::Path, sizes: &[usize]) -> (Server, Reference, Digest) {
    let server = Server::plain(folder);
    let made = layout_of(&folder.join("made"));
    image(&made, "v1", sizes);
    let (shipment, source) = shipment(made.path());
    let to = server.image("app:v1");
    client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");
    let manifest = fs::read(server.blob(&shipment.descriptor().digest)).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("a manifest");
    let layer = manifest["layers"][0]["digest"].as_str().expect("a digest").parse().expect("a digest");
    (server, to, layer)
}

async fn pull(from: &Reference, to: &std::path::Path) -> Result<Pulled, Error> {
    client().pull(from, &Platforms::Present, Extent::Everything, &layout_of(to), &Watch::none()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_was_altered_truncated_or_removed_is_not_taken() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let (server, to, layer) = pushed(folder.path(), &[1 << 20]).await;
    let stored = server.blob(&layer);
    let right = fs::read(&stored).expect("the blob");
    let target = folder.path().join("cache");
    let blob = target.join("blobs/sha256").join(layer.encoded());

    damage(&stored).expect("damaged");
    let error = pull(&to, &target).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::ContentMismatch, "{error}");
    assert!(error.to_string().contains(&layer.to_string()), "{error}");
    assert!(!blob.exists());

    for length in [right.len() - 1, right.len() / 2, 0] {
        fs::write(&stored, &right[..length]).expect("truncated");
        let error = pull(&to, &target).await.expect_err("refused");
        let codes = [ErrorCode::ContentMismatch, ErrorCode::RegistryUnreachable, ErrorCode::RegistryNotFound];
        assert!(codes.contains(&error.code()), "{length}: {error}");
        assert!(!blob.exists(), "{length}");
    }
    fs::write(&stored, [&right[..], b"x"].concat()).expect("longer");
    let error = pull(&to, &target).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::ContentMismatch, "{error}");

    fs::remove_file(&stored).expect("removed");
    let error = pull(&to, &target).await.expect_err("refused");
    assert!(matches!(error.code(), ErrorCode::RegistryNotFound | ErrorCode::RegistryUnreachable), "{error}");
    assert!(!blob.exists());

    fs::write(&stored, &right).expect("repaired");
    pull(&to, &target).await.expect("what was left is no obstacle");
    assert_eq!(fs::read(blob).expect("the blob"), right);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_manifest_is_not_taken_whatever_its_header_says() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let (server, to, _) = pushed(folder.path(), &[1]).await;
    let digest = client().resolve(&to).await.expect("pinned").digest;
    let stored = server.blob(&digest);
    let text = fs::read_to_string(&stored).expect("a manifest").replace("amd64", "arm64");
    fs::write(&stored, text.replacen("schemaVersion\":2", "schemaVersion\": 2", 1)).expect("altered");
    for reference in [to.clone(), server.image(&format!("app@{digest}"))] {
        let error = pull(&reference, &folder.path().join("cache")).await.expect_err("refused");
        assert_eq!(error.code(), ErrorCode::ContentMismatch, "{error}");
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
    }
}

/// A small filesystem of its own, gone with the test.
struct Mount(std::path::PathBuf);

impl Mount {
    fn of(path: std::path::PathBuf, size: &str) -> Self {
        fs::create_dir(&path).expect("a folder");
        run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "castline", &path.to_string_lossy()]);
        Self(path)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_with_its_path_and_leaves_nothing_that_counts() {
    if !available(&[]) || !xtask::engines::available(&["mount"], true) {
        return;
    }
    let folder = folder();
    let (server, to, layer) = pushed(folder.path(), &[4 << 20]).await;
    let small = Mount::of(folder.path().join("small"), "2m");
    let target = small.0.join("cache");
    let error = pull(&to, &target).await.expect_err("there is no room");
    assert_eq!(error.code(), ErrorCode::Io, "{error}");
    assert!(error.to_string().contains(&*small.0.to_string_lossy()), "{error}");
    assert!(error.to_string().to_lowercase().contains("no space"), "{error}");
    assert!(!target.join("blobs/sha256").join(layer.encoded()).exists());
    // With more room it goes on.
    run("mount", &["-o", "remount,size=32m", &small.0.to_string_lossy()]);
    let pulled = pull(&to, &target).await.expect("pulled");
    assert!(pulled.fetched_bytes < pulled.bytes, "what was there was used: {pulled:?}");
    drop(server);
}
