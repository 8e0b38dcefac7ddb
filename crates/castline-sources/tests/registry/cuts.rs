//! Connections that are cut half way.

use std::{fs, time::Duration};

use castline_core::{ErrorCode, Platforms, Watch};
use castline_sources::registry::{Extent, Registry, RegistryOptions, Retries};

use crate::{
    available, client,
    images::{image, layout_of, reference, shipment},
    server::{Server, folder},
    wire::Cutter,
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
    let error = impatient
        .pull(&through, &all, Extent::Everything, &layout, &Watch::none())
        .await
        .expect_err("cut");
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
async fn a_push_that_is_cut_goes_on_where_the_registry_says_or_ends_with_the_right_bytes() {
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
    // The first 5 MiB went through; the registry keeps what it had when the connection ended.
    assert!(cutter.up() < (SIZE + (2 << 20)) as u64, "{} bytes went through", cutter.up());
    let layout = layout_of(&folder.path().join("back"));
    let pulled = client()
        .pull(&server.image("app:v1"), &Platforms::Present, Extent::Everything, &layout, &Watch::none())
        .await
        .expect("pulled");
    assert_eq!(&pulled.descriptor, shipment.descriptor());
}
