//! Pulls that are verified while they come: they say what a verification of what they leave behind says.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use castline_core::{Cancel, ErrorCode, Options, Watch, verify};
use castline_sources::{Error, Reference, registry::RegistryOptions};

use crate::{
    available, client,
    disk::pushed,
    images::{image, layout_of, noise, reference},
    server::{damage, folder},
    wire::{Cutter, Mock, answer},
    with,
};

/// Four MiB in two layers.
const SIZES: [usize; 2] = [3 << 20, 1 << 20];

/// Pulls, and compares what was said with what a second look says. Whether it is intact.
async fn pulls(from: &Reference, to: &Path, fetched: u64) -> bool {
    let layout = layout_of(to);
    let options = Options::default();
    let (pulled, verification) =
        client().pull_verified(from, &options, &layout, &Watch::none()).await.expect("pulled");
    assert_eq!(pulled.fetched_blobs, fetched, "{pulled:?}");
    let image = pulled.image(&layout, from).expect("an image");
    let again = verify(&image, &options, &Watch::none()).expect("verified");
    assert_eq!(verification.report, again.report);
    let digests = |images: &[castline_core::Verified<castline_core::Image>]| {
        images.iter().map(|image| image.digest().clone()).collect::<Vec<_>>()
    };
    assert_eq!(digests(&verification.images), digests(&again.images));
    verification.report.is_complete()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_says_of_an_image_what_a_second_look_says() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let (server, from, layer) = pushed(folder.path(), &SIZES).await;
    let target = folder.path().join("target");
    assert!(pulls(&from, &target, 4).await);
    assert!(pulls(&from, &target, 0).await, "all of it is there");

    let blob = target.join("blobs/sha256").join(layer.encoded());
    damage(&blob).expect("damaged");
    assert!(pulls(&from, &target, 1).await, "what is damaged is fetched anew, and that is what is verified");

    // Half of it is there, and right; all of it, and wrong; half of it, and wrong; more than all of it.
    let right = fs::read(&blob).expect("the layer");
    let wrong = [right.len(), right.len() / 2, right.len() + 1].map(|length| noise(length, 7));
    for bytes in [right[..right.len() / 2].to_vec(), [&right[..], b"more"].concat()].into_iter().chain(wrong)
    {
        fs::remove_file(&blob).expect("removed");
        fs::create_dir_all(target.join(".castline")).expect("a folder");
        let partial = target.join(".castline").join(format!("partial-sha256-{}", layer.encoded()));
        fs::write(partial, bytes).expect("written");
        assert!(pulls(&from, &target, 1).await);
        assert_eq!(fs::read(&blob).expect("the layer"), right);
    }

    let cutter = Cutter::start(server.port, 1 << 20, 2);
    let through = reference(&format!("docker://127.0.0.1:{}/app:v1", cutter.port));
    assert!(pulls(&through, &folder.path().join("cut"), 4).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_blobs_than_may_wait_for_their_reader_all_come_by_one_connection() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let sizes: Vec<usize> = (0..40).map(|at| (256 << 10) + at).collect();
    let (_server, from, _) = pushed(folder.path(), &sizes).await;
    let options = Options::default().with_jobs(NonZeroUsize::MIN);
    let one = with(RegistryOptions::default().with_connections(NonZeroUsize::MIN));
    let layout = layout_of(&folder.path().join("target"));
    let (pulled, verification) =
        one.pull_verified(&from, &options, &layout, &Watch::none()).await.expect("pulled");
    assert_eq!(pulled.fetched_blobs, 42);
    assert!(verification.report.is_complete());
    let image = pulled.image(&layout, &from).expect("an image");
    assert!(verify(&image, &options, &Watch::none()).expect("verified").report.is_complete());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_what_it_says_is_found_out_while_it_comes() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let (server, from, layer) = pushed(folder.path(), &SIZES).await;

    // What a registry has under a digest is something else.
    damage(&server.blob(&layer)).expect("damaged");
    let layout = layout_of(&folder.path().join("target"));
    let refused = client().pull_verified(&from, &Options::default(), &layout, &Watch::none()).await;
    let error: Error = refused.map(|_| ()).expect_err("refused");
    assert_eq!(error.code(), ErrorCode::ContentMismatch, "{error}");

    // All digests of blobs are right, and those of their contents are not.
    let made = layout_of(&folder.path().join("other"));
    let good = image(&made, "good", &SIZES);
    let read = |digest: &str| {
        let bytes = fs::read(stored(made.path(), digest)).expect("a document");
        serde_json::from_slice::<serde_json::Value>(&bytes).expect("JSON")
    };
    let mut manifest = read(&good.digest.encoded());
    let mut config = read(manifest["config"]["digest"].as_str().expect("a digest"));
    config["rootfs"]["diff_ids"].as_array_mut().expect("digests").reverse();
    let config = made.write(config.to_string().as_bytes()).expect("written");
    manifest["config"]["digest"] = config.digest.to_string().into();
    manifest["config"]["size"] = config.size.into();
    let manifest = made.write(manifest.to_string().as_bytes()).expect("written");
    let mock = serve(made.path(), &manifest.digest.encoded(), |_, _| false);
    assert!(!pulls(&mock.1, &folder.path().join("wrong"), 4).await);
}

fn stored(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
}

/// Serves what a layout has; `app:v1` is the manifest of this digest. `other` may answer for a blob instead.
fn serve(
    layout: &Path,
    manifest: &str,
    other: impl Fn(&[u8], &mut TcpStream) -> bool + Send + Sync + 'static,
) -> (Mock, Reference) {
    let (layout, manifest) = (layout.to_owned(), manifest.to_owned());
    let mock = Mock::start(move |request, stream| {
        let name = request.line.rsplit('/').next().unwrap_or_default();
        if name.is_empty() {
            return answer(stream, "200 OK", "", b"");
        }
        let (digest, kind) = match name {
            "v1" => (manifest.as_str(), "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"),
            digest => (digest, ""),
        };
        let bytes = fs::read(stored(&layout, digest)).expect("a blob");
        if name == "v1" || !other(&bytes, stream) {
            answer(stream, "200 OK", kind, &bytes);
        }
    });
    let reference = reference(&format!("docker://127.0.0.1:{}/app:v1", mock.port));
    (mock, reference)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_cancelled_ends_and_so_does_its_verification() {
    let folder = folder();
    let made = layout_of(&folder.path().join("made"));
    let image = image(&made, "v1", &SIZES);
    // It sends half of each layer, and then nothing until the connection is closed.
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let (_mock, from) = serve(made.path(), &image.digest.encoded(), move |bytes, stream| {
        let half = bytes.len() / 2;
        if half < 1 << 19 {
            return false;
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes[..half]));
        stop.cancel();
        let _ = stream.read(&mut [0]);
        true
    });
    let layout = layout_of(&folder.path().join("target"));
    let watch = Watch::none().with_cancel(&cancel);
    let pulled = client().pull_verified(&from, &Options::default(), &layout, &watch).await;
    assert_eq!(pulled.map(|_| ()).expect_err("stopped").code(), ErrorCode::Cancelled);
}
