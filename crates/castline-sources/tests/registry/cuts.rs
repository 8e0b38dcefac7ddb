//! Connections that are cut half way.

use std::{
    fs,
    io::Read as _,
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use castline_core::{Digest, ErrorCode, Platforms, Watch};
use castline_sources::registry::{Extent, Registry, RegistryOptions, Retries};

use crate::{
    available, client,
    images::{image, layout_of, reference, shipment},
    server::{Server, folder},
    wire::{Cutter, Mock, Seen, answer},
};

const SIZE: usize = 8 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_cut_goes_on_where_it_was() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let made = layout_of(&folder.path().join("made"));
    image(&made, "v1", &[SIZE]);
    let (shipment, source) = shipment(made.path());
    client().push(&shipment, &source, &server.image("app:v1"), &[], &Watch::none()).await.expect("pushed");

    // Cut three times, within one pull.
    let cutter = Cutter::start(server.port, 2 << 20, 3);
    let through = reference(&format!("docker://127.0.0.1:{}/app:v1", cutter.port));
    let layout = layout_of(&folder.path().join("once"));
    let pulled = client()
        .pull(&through, &Platforms::Present, Extent::Everything, &layout, &Watch::none())
        .await
        .expect("pulled");
    assert_eq!(&pulled.descriptor, shipment.descriptor());
    let size = SIZE as u64;
    // What is on the way when a connection is cut is lost: some hundred KiB each time, far from all.
    assert!((size..size + (3 << 20)).contains(&cutter.down()), "{} bytes went through", cutter.down());
    assert_eq!(pulled.fetched_bytes, pulled.bytes);

    // Cut once, and not tried again; then a second pull.
    let cutter = Cutter::start(server.port, 5 << 20, 1);
    let through = reference(&format!("docker://127.0.0.1:{}/app:v1", cutter.port));
    let layout = layout_of(&folder.path().join("twice"));
    let once = Retries::default().with(1, Duration::ZERO);
    let impatient = Registry::new(RegistryOptions::default().with_retries(once)).expect("a client");
    let all = Platforms::Present;
    let error =
        impatient.pull(&through, &all, Extent::Everything, &layout, &Watch::none()).await.expect_err("cut");
    assert_eq!(error.code(), ErrorCode::RegistryUnreachable, "{error}");
    assert!(error.is_temporary());
    let blobs = fs::read_dir(layout.path().join("blobs/sha256")).map_or(0, Iterator::count);
    assert!(blobs <= 1, "the layer has no name yet, nor has the manifest");
    drop(layout);
    let layout = layout_of(&folder.path().join("twice"));
    let pulled =
        impatient.pull(&through, &all, Extent::Everything, &layout, &Watch::none()).await.expect("pulled");
    assert!(pulled.fetched_bytes < size / 2, "{pulled:?}");
    assert!((size..size + (1 << 20)).contains(&cutter.down()), "{} bytes went through", cutter.down());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_cut_is_begun_anew_where_the_registry_has_forgotten_it() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let made = layout_of(&folder.path().join("made"));
    image(&made, "v1", &[SIZE]);
    let (shipment, source) = shipment(made.path());
    let cutter = Cutter::start(server.port, 5 << 20, 1);
    let through = reference(&format!("docker://127.0.0.1:{}/app:v1", cutter.port));
    let pushed = client().push(&shipment, &source, &through, &[], &Watch::none()).await.expect("pushed");
    assert_eq!(pushed.sent_blobs, 2);
    // The 5 MiB before the cut, and all of it.
    assert!(cutter.up() > (SIZE + (5 << 20)) as u64, "{} bytes went through", cutter.up());
    let layout = layout_of(&folder.path().join("back"));
    let pulled = client()
        .pull(&server.image("app:v1"), &Platforms::Present, Extent::Everything, &layout, &Watch::none())
        .await
        .expect("pulled");
    assert_eq!(&pulled.descriptor, shipment.descriptor());
}

/// A registry that keeps what came of an upload that was cut: 3 MiB of the first large one.
#[derive(Default)]
struct Keeper {
    uploads: Mutex<Vec<Vec<u8>>>,
    cut: AtomicBool,
    /// Digests that were named, and bytes of which they are.
    named: Mutex<Vec<String>>,
}

impl Keeper {
    fn answer(&self, request: &Seen, stream: &mut TcpStream) {
        let (method, place) = request.line.split_once(' ').expect("a request");
        let upload =
            place.split("/uploads/").nth(1).and_then(|rest| rest.split('?').next()?.parse::<usize>().ok());
        let mut uploads = self.uploads.lock().expect("a lock");
        match (method, upload) {
            ("GET", None) => answer(stream, "200 OK", "", b""),
            ("HEAD", None) => answer(stream, "404 Not Found", "", b""),
            ("POST", None) => {
                uploads.push(Vec::new());
                let header = format!("Location: /v2/app/blobs/uploads/{}\r\n", uploads.len() - 1);
                answer(stream, "202 Accepted", &header, b"");
            }
            ("PATCH", Some(upload)) => {
                let length: usize =
                    request.header("content-length").and_then(|text| text.parse().ok()).expect("a length");
                let begin =
                    request.header("content-range").and_then(|range| range.split('-').next()?.parse().ok());
                assert_eq!(begin.unwrap_or(0), uploads[upload].len());
                let cut = length > 1 << 20 && !self.cut.swap(true, Ordering::SeqCst);
                let mut body = vec![0; if cut { 3 << 20 } else { length }];
                stream.read_exact(&mut body).expect("a body");
                uploads[upload].extend_from_slice(&body);
                if !cut {
                    answer(stream, "202 Accepted", &format!("Location: {place}\r\n"), b"");
                }
            }
            ("GET", Some(upload)) => {
                let header = format!("Location: {place}\r\nRange: 0-{}\r\n", uploads[upload].len() - 1);
                answer(stream, "204 No Content", &header, b"");
            }
            ("PUT", Some(upload)) => {
                let digest = Digest::of(&uploads[upload]).to_string();
                let status = if place.contains(&digest.replace(':', "%3A")) {
                    "201 Created"
                } else {
                    "400 Bad Request"
                };
                self.named.lock().expect("a lock").push(digest);
                answer(stream, status, "", b"");
            }
            _ => answer(stream, "201 Created", "", b""),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_cut_goes_on_where_the_registry_has_kept_it() {
    let folder = folder();
    let made = layout_of(&folder.path().join("made"));
    image(&made, "v1", &[SIZE]);
    let (shipment, source) = shipment(made.path());
    let keeper = Arc::new(Keeper::default());
    let mock = Mock::start({
        let keeper = Arc::clone(&keeper);
        move |request, stream| keeper.answer(request, stream)
    });
    let to = reference(&format!("docker://127.0.0.1:{}/app:v1", mock.port));
    let pushed = client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");
    assert_eq!((pushed.sent_blobs, keeper.named.lock().expect("a lock").len()), (2, 2));
    let ranges: Vec<String> =
        mock.seen().iter().filter_map(|request| Some(request.header("content-range")?.to_owned())).collect();
    assert_eq!(ranges.len(), 1, "{ranges:?}");
    assert!(ranges[0].starts_with(&format!("{}-", 3 << 20)), "{ranges:?}");
}
