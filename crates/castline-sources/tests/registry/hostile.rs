//! Programs that answer without end, send in circles, or are busy.

use std::{
    io::Write as _,
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use castline_core::{Digest, ErrorCode, Platforms, Watch};
use castline_sources::{
    Error, Reference,
    registry::{Extent, Registry, RegistryOptions, Retries},
};

use crate::{
    client,
    images::{layout_of, reference},
    server::folder,
    wire::{Mock, Seen, answer},
};

fn mock(answers: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> (Mock, Reference) {
    let mock = Mock::start(move |request, stream| match request.line.as_str() {
        "GET /v2/" => answer(stream, "200 OK", "", b""),
        _ => answers(request, stream),
    });
    let reference = reference(&format!("docker://127.0.0.1:{}/app:v1", mock.port));
    (mock, reference)
}

/// What was asked, but for what finds out whether TLS is spoken.
fn asked(mock: &Mock) -> usize {
    mock.seen().iter().filter(|request| request.line.contains("/app/")).count()
}

fn endless(stream: &mut TcpStream, status: &str) {
    let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes());
    while stream.write_all(&[b' '; 8 << 10]).is_ok() {}
}

async fn refused(reference: &Reference) -> Error {
    client().resolve(reference).await.expect_err("refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_without_end_is_read_up_to_the_limit() {
    let (_mock, reference) = mock(|_, stream| endless(stream, "200 OK"));
    let error = refused(&reference).await;
    assert_eq!(error.code(), ErrorCode::RegistryRefused, "{error}");
    assert!(error.to_string().contains("longer than 4194304 bytes"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_without_end_is_read_up_to_the_limit() {
    let (mock, reference) = mock(|_, stream| endless(stream, "400 Bad Request"));
    let error = refused(&reference).await;
    assert_eq!(error.code(), ErrorCode::RegistryRefused, "{error}");
    assert_eq!(asked(&mock), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_error_says_cannot_steer_a_terminal() {
    let body =
        format!(r#"{{"errors": [{{"code": "DENIED", "message": "\u001b[31m{}"}}]}}"#, "x".repeat(10_000));
    let (_mock, reference) = mock(move |_, stream| answer(stream, "400 Bad Request", "", body.as_bytes()));
    let text = refused(&reference).await.to_string();
    assert!(text.contains("DENIED") && !text.contains('\u{1b}') && text.len() < 500, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_in_a_circle_end() {
    let (mock, reference) = mock(|request, stream| {
        let header = format!("Location: {}\r\n", request.line.trim_start_matches("GET "));
        answer(stream, "302 Found", &header, b"");
    });
    let error = refused(&reference).await;
    assert_eq!(error.code(), ErrorCode::RegistryRefused, "{error}");
    assert!(error.to_string().contains("redirects more than 5 times"), "{error}");
    assert_eq!(asked(&mock), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_never_ends_is_given_up() {
    let (mock, reference) = mock(|request, stream| {
        let page: usize = request.line.rsplit('=').next().and_then(|page| page.parse().ok()).unwrap_or(0);
        let header = format!("Link: </v2/app/tags/list?last={}>; rel=\"next\"\r\n", page + 1);
        answer(stream, "200 OK", &header, br#"{"tags": ["v1"]}"#);
    });
    let error = client().tags(&reference).await.expect_err("given up");
    assert!(error.to_string().contains("more than 1000 pages"), "{error}");
    assert_eq!(asked(&mock), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_at_the_registry_only() {
    let (mock, reference) = mock(|_, stream| {
        answer(stream, "200 OK", "Link: <http://127.0.0.2:1/v2/>; rel=\"next\"\r\n", br#"{"tags": []}"#);
    });
    let error = client().tags(&reference).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::RegistryRefused, "{error}");
    assert_eq!(asked(&mock), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_busy_is_asked_again_and_not_without_end() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (mock, reference) = mock(|_, stream| match COUNT.fetch_add(1, Ordering::SeqCst) {
        0 => answer(stream, "503 Service Unavailable", "", b""),
        1 => answer(stream, "429 Too Many Requests", "Retry-After: 0\r\n", b""),
        // Closed without a word.
        2 => {}
        _ => answer(stream, "200 OK", "", br#"{"tags": ["v1"]}"#),
    });
    assert_eq!(client().tags(&reference).await.expect("at last"), ["v1"]);
    assert_eq!(asked(&mock), 4);

    let (mock, reference) = self::mock(|_, stream| answer(stream, "503 Service Unavailable", "", b""));
    let error = client().tags(&reference).await.expect_err("given up");
    assert_eq!(error.code(), ErrorCode::RegistryUnreachable, "{error}");
    assert_eq!(asked(&mock), 5);
    let error = refused(&reference).await;
    assert_eq!(error.code(), ErrorCode::RegistryUnreachable, "{error}");
    assert_eq!(asked(&mock), 10, "a manifest is asked for no more often");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_not_waited_for_without_end() {
    let (_mock, reference) = mock(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
        std::thread::sleep(Duration::from_secs(3));
    });
    let once = Retries::default().with(1, Duration::ZERO);
    let options = RegistryOptions::default().with_retries(once).with_patience(Duration::from_millis(300));
    let error = Registry::new(options).expect("a client").tags(&reference).await.expect_err("given up");
    assert!(error.to_string().contains("nothing came for"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_said_with_the_place() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let error = refused(&reference(&format!("docker://127.0.0.1:{port}/app:v1"))).await;
    assert_eq!(error.code(), ErrorCode::RegistryUnreachable, "{error}");
    let text = error.to_string().to_lowercase();
    assert!(text.contains(&format!("127.0.0.1:{port}")) && text.contains("refused"), "{text}");
}

/// Serves `manifest`, with a header that may lie.
fn serving(manifest: String, media_type: &'static str, digest: Option<Digest>) -> (Mock, Reference) {
    mock(move |request, stream| {
        if request.line.contains("/blobs/") {
            return endless(stream, "200 OK");
        }
        let mut headers = format!("Content-Type: {media_type}\r\n");
        headers.extend(digest.iter().map(|digest| format!("Docker-Content-Digest: {digest}\r\n")));
        answer(stream, "200 OK", &headers, manifest.as_bytes());
    })
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_without_end_is_read_up_to_its_size() {
    let blob = Digest::of(b"7 bytes");
    let manifest = format!(
        r#"{{"schemaVersion": 2, "config": {{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "{blob}", "size": 7}}, "layers": []}}"#
    );
    let (_mock, reference) = serving(manifest, MANIFEST, None);
    let folder = folder();
    let layout = layout_of(&folder.path().join("cache"));
    let pulled =
        client().pull(&reference, &Platforms::Present, Extent::Everything, &layout, &Watch::none()).await;
    let error = pulled.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::ContentMismatch, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_larger_than_the_limit_is_not_asked_for() {
    let manifest = format!(
        r#"{{"schemaVersion": 2, "config": {{"digest": "{}", "size": 9000000000000000000}}, "layers": []}}"#,
        Digest::of(b"")
    );
    let (mock, reference) = serving(manifest, MANIFEST, None);
    let folder = folder();
    let layout = layout_of(&folder.path().join("cache"));
    let pulled =
        client().pull(&reference, &Platforms::Present, Extent::Everything, &layout, &Watch::none()).await;
    let error = pulled.expect_err("refused");
    assert!(error.to_string().contains("blobBytes"), "{error}");
    assert_eq!(asked(&mock), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_names_another_digest_or_type_is_not_believed() {
    let manifest = format!(r#"{{"schemaVersion": 2, "mediaType": "{MANIFEST}", "layers": []}}"#);
    let (_mock, reference) = serving(manifest.clone(), MANIFEST, Some(Digest::of(b"another")));
    assert_eq!(refused(&reference).await.code(), ErrorCode::ContentMismatch);
    let (_mock, reference) = serving(
        manifest.clone(),
        "application/vnd.oci.image.index.v1+json",
        Some(Digest::of(manifest.as_bytes())),
    );
    let error = refused(&reference).await;
    assert!(error.to_string().contains("is served as"), "{error}");
    let (_mock, reference) = serving(r#"{"schemaVersion": 1, "fsLayers": []}"#.into(), MANIFEST, None);
    let error = refused(&reference).await;
    assert!(error.to_string().contains("schema 1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_leads_to_ever_more_indexes_ends() {
    // Each manifest that is asked for would have to have the digest that it is asked by.
    let (mock, reference) = mock(|request, stream| {
        let next = Digest::of(request.line.as_bytes());
        let index = format!(r#"{{"schemaVersion": 2, "manifests": [{{"digest": "{next}", "size": 7}}]}}"#);
        answer(stream, "200 OK", "", index.as_bytes());
    });
    let folder = folder();
    let layout = layout_of(&folder.path().join("cache"));
    let pulled =
        client().pull(&reference, &Platforms::Present, Extent::Everything, &layout, &Watch::none()).await;
    assert_eq!(pulled.expect_err("refused").code(), ErrorCode::ContentMismatch);
    assert_eq!(asked(&mock), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn referrers_come_from_the_api_where_there_is_one() {
    let subject = Digest::of(b"subject");
    let listed = Digest::of(b"signature");
    let (mock, _) = mock(move |_, stream| {
        let index = format!(
            r#"{{"schemaVersion": 2, "manifests": [{{"mediaType": "{MANIFEST}", "digest": "{listed}", "size": 7, "artifactType": "a/b", "annotations": {{"k": "v"}}}}]}}"#
        );
        answer(stream, "200 OK", "", index.as_bytes());
    });
    let reference = reference(&format!("docker://127.0.0.1:{}/app@{subject}", mock.port));
    let found = client().referrers(&reference, Some("a/b")).await.expect("referrers");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].artifact_type.as_deref(), found[0].annotations["k"].as_str()), (Some("a/b"), "v"));
    assert!(
        mock.seen()
            .iter()
            .any(|request| request.line.ends_with(&format!("/referrers/{subject}?artifactType=a%2Fb")))
    );
}
