//! Tokens: what they are got for, and what becomes of a transfer when one ends half way.

use std::{
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use castline_core::{Digest, ErrorCode, Platforms, Watch};
use castline_sources::{
    Reference,
    registry::{Credentials, Extent, RegistryOptions},
};

use crate::{
    client,
    images::{self, image, layout_of, reference},
    server::folder,
    wire::{Mock, answer, body},
    with,
};

/// A challenge that sends to `/token` of the same server.
fn challenge(port: &Mutex<u16>) -> String {
    let port = port.lock().expect("a lock");
    format!("WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"our registry\"\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_is_given_to_the_token_server_only_and_in_its_body() {
    let port = Arc::new(Mutex::new(0));
    let (known, bodies) = (Arc::clone(&port), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&bodies);
    let mock = Mock::start(move |request, stream| {
        if request.line == "POST /token" {
            let form = body(request, stream);
            let good = form.contains("refresh_token=hunter2%2B%2F&");
            kept.lock().expect("a lock").push(form);
            return if good {
                // Docker Hub answers `access_token`; a new refresh token may come along.
                let token = br#"{"access_token": "t1", "refresh_token": "other", "expires_in": 300}"#;
                answer(stream, "200 OK", "", token);
            } else {
                answer(
                    stream,
                    "401 Unauthorized",
                    "",
                    br#"{"errors":[{"code":"UNAUTHORIZED","message":"revoked"}]}"#,
                );
            };
        }
        match request.header("authorization") {
            Some("Bearer t1") => answer(stream, "200 OK", "", br#"{"tags": ["v1"]}"#),
            _ => answer(stream, "401 Unauthorized", &challenge(&known), b""),
        }
    });
    *port.lock().expect("a lock") = mock.port;
    let host = format!("127.0.0.1:{}", mock.port);
    let knowing = |token: &str| {
        // With a name and a password beside it, as `docker login` leaves them there: the token counts.
        let text =
            format!(r#"{{"auths": {{"{host}": {{"auth": "YW5uOg==", "identitytoken": "{token}"}}}}}}"#);
        let credentials = Credentials::from_json(text.as_bytes()).expect("credentials");
        with(RegistryOptions::default().with_credentials(credentials))
    };
    let to = reference(&format!("docker://{host}/team/app"));
    assert_eq!(knowing("hunter2+/").tags(&to).await.expect("tags"), ["v1"]);
    let error = knowing("hunter3").tags(&to).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::RegistryUnauthorized, "{error}");
    assert!(error.to_string().contains("revoked") && !error.to_string().contains("hunter"), "{error}");
    let bodies = bodies.lock().expect("a lock");
    let form = |token: &str| {
        format!(
            "grant_type=refresh_token&client_id=castline&refresh_token={token}&service=our+registry\
             &scope=repository%3Ateam%2Fapp%3Apull"
        )
    };
    assert_eq!(*bodies, [form("hunter2%2B%2F"), form("hunter3")]);
    for request in mock.seen() {
        assert!(!format!("{request:?}").contains("hunter"), "{request:?}");
        assert!(request.header("authorization").is_none_or(|value| value == "Bearer t1"), "{request:?}");
    }
}

/// A registry that serves the layout in `blobs`. `allowed` says of a token, and of how many requests came with it before,
/// whether it still holds; tokens are `t1`, `t2`, ….
struct Issuer {
    mock: Mock,
    issued: Arc<AtomicUsize>,
}

impl Issuer {
    fn start(
        blobs: PathBuf,
        root: Digest,
        cut: Option<Digest>,
        allowed: impl Fn(usize, usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (port, issued) = (Arc::new(Mutex::new(0)), Arc::new(AtomicUsize::new(0)));
        let (known, count, cut) = (Arc::clone(&port), Arc::clone(&issued), Mutex::new(cut));
        let used = Mutex::new(vec![0_usize; 1000]);
        let mock = Mock::start(move |request, stream| {
            if request.line.starts_with("GET /token?") {
                let token = count.fetch_add(1, Ordering::SeqCst) + 1;
                return answer(stream, "200 OK", "", format!(r#"{{"token": "t{token}"}}"#).as_bytes());
            }
            let token: Option<usize> = request
                .header("authorization")
                .and_then(|value| value.strip_prefix("Bearer t"))
                .map(|number| number.parse().expect("a token of ours"));
            let holds = token.is_some_and(|token| {
                let before = &mut used.lock().expect("a lock")[token];
                *before += 1;
                allowed(token, *before - 1)
            });
            if !holds {
                return answer(stream, "401 Unauthorized", &challenge(&known), b"");
            }
            if request.line.ends_with("/manifests/v1") {
                let bytes = std::fs::read(blobs.join(root.encoded())).expect("a manifest");
                return answer(stream, "200 OK", "", &bytes);
            }
            let digest: Digest = request.line.rsplit('/').next().expect("a name").parse().expect("a digest");
            let bytes = std::fs::read(blobs.join(digest.encoded())).expect("a blob");
            let first = cut.lock().expect("a lock").take_if(|cut| *cut == digest).is_some();
            if first {
                // Half of it, and the connection ends.
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&bytes[..bytes.len() / 2]);
                return;
            }
            let from =
                request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
            match from.map(|from| from.parse::<usize>().expect("a number")) {
                None => answer(stream, "200 OK", "", &bytes),
                Some(from) => {
                    let range =
                        format!("Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len());
                    answer(stream, "206 Partial Content", &range, &bytes[from..]);
                }
            }
        });
        *port.lock().expect("a lock") = mock.port;
        Self { mock, issued }
    }

    fn image(&self) -> Reference {
        reference(&format!("docker://127.0.0.1:{}/app:v1", self.mock.port))
    }

    fn issued(&self) -> usize {
        self.issued.load(Ordering::SeqCst)
    }

    /// Requests that came with this token.
    fn with(&self, token: &str) -> usize {
        let value = format!("Bearer {token}");
        self.mock.seen().iter().filter(|request| request.header("authorization") == Some(&value)).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_during_a_pull_is_renewed_once_for_all() {
    let folder = folder();
    let made = layout_of(&folder.path().join("made"));
    let root = image(&made, "v1", &[1 << 10; 12]).digest;
    // Good for the manifest, and four blobs.
    let issuer =
        Issuer::start(made.path().join("blobs/sha256"), root, None, |token, before| token > 1 || before < 5);
    let layout = layout_of(&folder.path().join("pulled"));
    let pulled = client()
        .pull(&issuer.image(), &Platforms::Present, Extent::Everything, &layout, &Watch::none())
        .await
        .expect("pulled");
    images::verified(&pulled.image(&layout, &issuer.image()).expect("a source"));
    assert_eq!(issuer.issued(), 2);
    // 1 manifest, 13 blobs: whoever was refused asked once more, and nobody twice.
    let (first, second) = (issuer.with("t1"), issuer.with("t2"));
    assert_eq!(second, 14 - 5);
    assert!((6..=5 + 4).contains(&first), "{first} of four at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_cut_goes_on_with_another_token() {
    let folder = folder();
    let made = layout_of(&folder.path().join("made"));
    let root = image(&made, "v1", &[1 << 20]).digest;
    let manifest = std::fs::read(made.path().join("blobs/sha256").join(root.encoded())).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let layer: Digest =
        manifest["layers"][0]["digest"].as_str().expect("a digest").parse().expect("a digest");
    // The manifest, the configuration, half of the layer.
    let blobs = made.path().join("blobs/sha256");
    let issuer = Issuer::start(blobs, root, Some(layer), |token, before| token > 1 || before < 3);
    let layout = layout_of(&folder.path().join("pulled"));
    let pulled = client()
        .pull(&issuer.image(), &Platforms::Present, Extent::Everything, &layout, &Watch::none())
        .await
        .expect("pulled");
    images::verified(&pulled.image(&layout, &issuer.image()).expect("a source"));
    assert_eq!((issuer.issued(), pulled.fetched_bytes), (2, pulled.bytes));
    assert!(issuer.mock.seen().iter().any(|request| request.header("range").is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_never_hold_are_not_asked_for_without_end() {
    let folder = folder();
    let made = layout_of(&folder.path().join("made"));
    let root = image(&made, "v1", &[1]).digest;
    let issuer = Issuer::start(made.path().join("blobs/sha256"), root, None, |_, _| false);
    let layout = layout_of(&folder.path().join("pulled"));
    let error = client()
        .pull(&issuer.image(), &Platforms::Present, Extent::Everything, &layout, &Watch::none())
        .await
        .expect_err("refused");
    assert_eq!(error.code(), ErrorCode::RegistryUnauthorized, "{error}");
    assert!(issuer.issued() <= 2, "{} tokens", issuer.issued());
}
