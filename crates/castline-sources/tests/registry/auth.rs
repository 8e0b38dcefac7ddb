//! Who we are: passwords, tokens, certificates.

use std::{fs, path::Path};

use castline_core::{ErrorCode, Watch};
use castline_sources::{
    Error, Reference,
    registry::{Credentials, Registry, RegistryOptions},
};

use crate::{
    available, client,
    images::{reference, shipment, vector},
    server::{Server, folder, run},
    wire::{Mock, answer},
    with,
};

async fn push(registry: &Registry, to: &Reference) -> Result<(), Error> {
    let (shipment, source) = shipment(vector("three-layers"));
    registry.push(&shipment, &source, to, &[], &Watch::none()).await.map(|_| ())
}

/// `user` with `password`, as Docker keeps it.
fn credentials(host: &str, user: &str, password: &str) -> Credentials {
    let text = format!(r#"{{"auths": {{"{host}": {{"username": "{user}", "password": "{password}"}}}}}}"#);
    Credentials::from_json(text.as_bytes()).expect("credentials")
}

fn known(host: &str, password: &str) -> Registry {
    with(RegistryOptions::default().with_credentials(credentials(host, "ann", password)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_for_and_the_right_one_is_let_in() {
    if !available(&["htpasswd"]) {
        return;
    }
    let folder = folder();
    let file = folder.path().join("htpasswd");
    fs::write(&file, run("htpasswd", &["-Bbn", "ann", "hunter2"])).expect("written");
    let auth = format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", file.display());
    let server = Server::start(folder.path(), "", &auth);
    let to = server.image("app:v1");
    for registry in [client(), known(&server.host(), "wrong")] {
        let error = push(&registry, &to).await.expect_err("not let in");
        assert_eq!(error.code(), ErrorCode::RegistryUnauthorized, "{error}");
        assert!(
            error.to_string().contains(&server.host()) && !error.to_string().contains("wrong"),
            "{error}"
        );
    }
    let registry = known(&server.host(), "hunter2");
    push(&registry, &to).await.expect("let in");
    assert_eq!(registry.tags(&to).await.expect("tags"), ["v1"]);
}

/// An authority and a certificate of it for 127.0.0.1 and `registry.invalid`.
pub(crate) fn certificates(folder: &Path) {
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    run(
        "openssl",
        &[
            &["req", "-x509", "-days", "2", "-subj", "/CN=castline test"][..],
            &key,
            &["-keyout", &at("ca.key"), "-out", &at("ca.crt")],
        ]
        .concat(),
    );
    run(
        "openssl",
        &[&["req", "-subj", "/CN=127.0.0.1"][..], &key, &["-keyout", &at("tls.key"), "-out", &at("tls.csr")]]
            .concat(),
    );
    fs::write(
        folder.join("ext"),
        "subjectAltName=IP:127.0.0.1,DNS:registry.invalid\nbasicConstraints=CA:FALSE\n",
    )
    .expect("written");
    run(
        "openssl",
        &[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            &at("tls.csr"),
            "-CA",
            &at("ca.crt"),
            "-CAkey",
            &at("ca.key"),
            "-CAcreateserial",
            "-extfile",
            &at("ext"),
            "-out",
            &at("tls.crt"),
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_of_an_own_authority_is_spoken_once_that_is_given() {
    if !available(&["openssl"]) {
        return;
    }
    let folder = folder();
    certificates(folder.path());
    let place = folder.path().display();
    let tls = format!("  tls:\n    certificate: {place}/tls.crt\n    key: {place}/tls.key\n");
    let server = Server::start(folder.path(), &tls, "");
    let to = server.image("app:v1");
    let error = push(&client(), &to).await.expect_err("not trusted");
    assert_eq!(error.code(), ErrorCode::RegistryUnreachable, "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");

    let authority = fs::read(folder.path().join("ca.crt")).expect("the authority");
    push(&with(RegistryOptions::default().with_authorities(authority)), &to).await.expect("trusted");
    let error =
        Registry::new(RegistryOptions::default().with_authorities("nonsense")).expect_err("no certificate");
    assert_eq!(error.code(), ErrorCode::InvalidCredentials, "{error}");
}

/// `ann:hunter2`.
const ANN: &str = "Basic YW5uOmh1bnRlcjI=";

/// Base64 as tokens have it.
fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A token that a registry believes, which knows `certificate`.
fn token(folder: &Path, scopes: &[String]) -> String {
    let pem = fs::read_to_string(folder.join("ca.crt")).expect("a certificate");
    let der: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
    let access: Vec<_> = scopes
        .iter()
        .map(|scope| {
            let mut parts = scope.splitn(3, ':');
            let mut part = || parts.next().expect("a scope").to_owned();
            let (kind, name, actions) = (part(), part(), part());
            let actions: Vec<&str> = actions.split(',').collect();
            serde_json::json!({"type": kind, "name": name, "actions": actions})
        })
        .collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let header = serde_json::json!({"typ": "JWT", "alg": "RS256", "x5c": [der]}).to_string();
    let claims = serde_json::json!({"iss": "test", "sub": "ann", "aud": "registry", "exp": now + 600,
        "nbf": now - 60, "iat": now, "jti": format!("{now}"), "access": access})
    .to_string();
    let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let unique = base64url(&castline_core::Digest::of(signed.as_bytes()).encoded().into_bytes());
    let (input, output) = (folder.join(format!("{unique}.in")), folder.join(format!("{unique}.out")));
    fs::write(&input, &signed).expect("written");
    let at = |path: &Path| path.to_string_lossy().into_owned();
    run(
        "openssl",
        &["dgst", "-sha256", "-sign", &at(&folder.join("ca.key")), "-out", &at(&output), &at(&input)],
    );
    format!("{signed}.{}", base64url(&fs::read(output).expect("a signature")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_where_the_registry_says_and_used_there_only() {
    if !available(&["openssl"]) {
        return;
    }
    let folder = folder();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=tokens",
            "-keyout",
            &at("ca.key"),
            "-out",
            &at("ca.crt"),
        ],
    );
    let place = folder.path().to_owned();
    let tokens = Mock::start(move |request, stream| {
        if request.header("authorization") != Some(ANN) {
            return answer(
                stream,
                "401 Unauthorized",
                "",
                br#"{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}"#,
            );
        }
        let query = request.line.split_once('?').map_or("", |(_, query)| query);
        let scopes: Vec<String> = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("scope="))
            .map(|scope| scope.replace("%3A", ":").replace("%2C", ",").replace("%2F", "/"))
            .collect();
        let body = serde_json::json!({"token": token(&place, &scopes), "expires_in": 300}).to_string();
        answer(stream, "200 OK", "Content-Type: application/json\r\n", body.as_bytes());
    });
    let auth = format!(
        "auth:\n  token:\n    realm: http://127.0.0.1:{}/token\n    service: registry\n    issuer: test\n    rootcertbundle: {}\n",
        tokens.port,
        at("ca.crt")
    );
    let server = Server::start(folder.path(), "", &auth);
    let to = server.image("team/app:v1");
    for registry in [client(), known(&server.host(), "wrong")] {
        let error = push(&registry, &to).await.expect_err("not let in");
        assert_eq!(error.code(), ErrorCode::RegistryUnauthorized, "{error}");
        assert!(error.to_string().contains("who?"), "{error}");
    }
    // What was under way for others when they were refused may come late.
    let asked = || -> Vec<String> {
        let seen = tokens.seen().into_iter();
        seen.filter(|request| request.header("authorization") == Some(ANN))
            .map(|request| request.line)
            .collect()
    };
    let registry = known(&server.host(), "hunter2");
    push(&registry, &to).await.expect("let in");
    assert_eq!(
        asked(),
        ["GET /token?service=registry&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"],
        "one is enough"
    );
    assert_eq!(registry.tags(&to).await.expect("tags"), ["v1"]);
    assert_eq!(asked().len(), 2, "reading needs one that is for reading");
    // To mount, one token for both.
    let (shipment, source) = shipment(vector("three-layers"));
    let pushed = registry
        .push(&shipment, &source, &server.image("other:v1"), std::slice::from_ref(&to), &Watch::none())
        .await
        .expect("mounted");
    assert_eq!((pushed.mounted_blobs, pushed.sent_blobs), (pushed.blobs, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_sent_without_tls_to_where_a_registry_points() {
    let (tokens, answers) =
        (Mock::start(|_, stream| answer(stream, "200 OK", "", br#"{"token": "x"}"#)), "401 Unauthorized");
    // Loopback, by another name: not the registry's own host.
    let header = format!("WWW-Authenticate: Bearer realm=\"http://localhost:{}/token\"\r\n", tokens.port);
    let registry = Mock::start(move |_, stream| answer(stream, answers, &header, b""));
    let host = format!("127.0.0.1:{}", registry.port);
    let error =
        known(&host, "hunter2").tags(&reference(&format!("docker://{host}/app"))).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::RegistryRefused, "{error}");
    assert!(error.to_string().contains("not asked by HTTPS"), "{error}");
    assert!(tokens.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_is_followed_without_authorization_and_its_challenge_is_not_answered() {
    let store = Mock::start(|request, stream| match request.line.as_str() {
        "GET /stored" => {
            answer(stream, "200 OK", "Content-Type: application/json\r\n", br#"{"tags": ["v1"]}"#);
        }
        _ => answer(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
    });
    let port = store.port;
    let registry = Mock::start(move |request, stream| match request.header("authorization") {
        None if request.line != "GET /v2/" => {
            answer(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b"");
        }
        None => answer(stream, "200 OK", "", b""),
        Some(_) => {
            let place = if request.line.contains("/good/") { "stored" } else { "asks" };
            let header = format!("Location: http://127.0.0.1:{port}/{place}?signature=hunter3\r\n");
            let header = header.replace("stored?signature=hunter3", "stored");
            answer(stream, "307 Temporary Redirect", &header, b"");
        }
    });
    let host = format!("127.0.0.1:{}", registry.port);
    let client = known(&host, "hunter2");
    let tags = client.tags(&reference(&format!("docker://{host}/good/app"))).await.expect("tags");
    assert_eq!(tags, ["v1"]);
    let error = client.tags(&reference(&format!("docker://{host}/bad/app"))).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::RegistryUnauthorized, "{error}");
    assert!(!error.to_string().contains("hunter"), "{error}");
    assert_eq!(store.seen().len(), 2);
    for request in store.seen() {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
}
