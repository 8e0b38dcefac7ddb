//! Through proxies: in the open, by a tunnel for TLS, and past them.

use std::{fs, path::Path};

use castline_core::{ErrorCode, Platforms, Watch};
use castline_sources::{
    Error, Reference,
    registry::{Extent, Proxies, Registry, RegistryOptions},
};

use xtask::certificates::{Authority, Proves};

use crate::{
    available,
    images::{layout_of, reference, shipment, vector},
    server::{Server, folder},
    wire::proxy,
    with,
};

/// `ann:hunter2`.
const ANN: &str = "Basic YW5uOmh1bnRlcjI=";

async fn there_and_back(registry: &Registry, to: &Reference, folder: &Path) -> Result<(), Error> {
    let (shipment, source) = shipment(vector("three-layers"));
    registry.push(&shipment, &source, to, &[], &Watch::none()).await?;
    let layout = layout_of(folder);
    let pulled = registry.pull(to, &Platforms::Present, Extent::Everything, &layout, &Watch::none()).await?;
    assert_eq!(&pulled.descriptor, shipment.descriptor());
    assert_eq!(pulled.fetched_blobs, pulled.blobs);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_told_its_own_password_and_takes_all_that_is_asked() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let proxy = proxy(server.port, Some(ANN));
    let through = |login: &str| {
        let address = format!("http://{login}127.0.0.1:{}", proxy.port);
        let proxies = Proxies::new(None, Some(&address), "");
        with(RegistryOptions::default().with_plain_http(true).with_proxies(proxies))
    };
    // A name that no resolver knows: only the proxy can.
    let to = reference("docker://registry.invalid/app:v1");
    for wrong in ["", "ann:hunter3@"] {
        let error = there_and_back(&through(wrong), &to, &folder.path().join("wrong")).await;
        let error = error.expect_err("not let through");
        assert_eq!(error.code(), ErrorCode::RegistryUnauthorized, "{error}");
        assert!(error.to_string().contains("proxy") && !error.to_string().contains("hunter"), "{error}");
    }
    there_and_back(&through("ann:hunter2@"), &to, &folder.path().join("right")).await.expect("let through");
    let seen = proxy.seen();
    assert!(
        !seen.is_empty() && seen.iter().all(|request| request.line.contains(" http://registry.invalid/v2/"))
    );
    assert!(seen.iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_sees_nothing_of_what_goes_by_tls_but_the_host() {
    if !available(&["openssl"]) {
        return;
    }
    let folder = folder();
    let believed = Authority::new(folder.path(), "ca").expect("an authority");
    let (certificate, key) = believed.issue("tls", Proves::Server).expect("a certificate");
    let (certificate, key) = (certificate.display(), key.display());
    let tls = format!("  tls:\n    certificate: {certificate}\n    key: {key}\n");
    let server = Server::start(folder.path(), &tls, "");
    let proxy = proxy(server.port, Some(ANN));
    let authority = fs::read(believed.certificate()).expect("the authority");
    let through = |address: &str| {
        let proxies = Proxies::new(Some(address), Some("http://127.0.0.1:1"), "");
        with(RegistryOptions::default().with_authorities(authority.clone()).with_proxies(proxies))
    };
    let to = reference("docker://registry.invalid/app:v1");
    let error = there_and_back(
        &through(&format!("http://ann:hunter3@127.0.0.1:{}", proxy.port)),
        &to,
        &folder.path().join("wrong"),
    )
    .await
    .expect_err("not let through");
    assert!(error.to_string().contains("proxy") && !error.to_string().contains("hunter"), "{error}");
    // Without a scheme, as many write it.
    let right = through(&format!("ann:hunter2@127.0.0.1:{}", proxy.port));
    there_and_back(&right, &to, &folder.path().join("right")).await.expect("let through");
    for request in proxy.seen() {
        assert_eq!(request.line, "CONNECT registry.invalid:443");
        assert_eq!(request.header("authorization"), None);
    }
    // The certificate is that of the registry, whoever passes it on.
    let untrusting = with(RegistryOptions::default().with_proxies(Proxies::new(
        Some(&format!("http://ann:hunter2@127.0.0.1:{}", proxy.port)),
        None,
        "",
    )));
    let error =
        there_and_back(&untrusting, &to, &folder.path().join("untrusted")).await.expect_err("refused");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_excepted_and_what_is_on_loopback_is_asked_directly() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    // All addresses of this machine: loopback, without being called so.
    let any = format!("0.0.0.0:{}", server.port);
    for (host, except, is_direct) in [
        (server.host().as_str(), "", true),
        (&any, "", false),
        (&any, "registry.example, 10.0.0.0/8", false),
        (&any, "0.0.0.0", true),
        (&any, "registry.example, 0.0.0.0/8", true),
        (&any, &any, true),
        (&any, "registry.example, *", true),
    ] {
        let proxy = proxy(server.port, None);
        let proxies = Proxies::new(None, Some(&format!("http://127.0.0.1:{}", proxy.port)), except);
        let registry = with(RegistryOptions::default().with_plain_http(true).with_proxies(proxies));
        let to = reference(&format!("docker://{host}/app:v1"));
        let target = tempfile::tempdir_in(folder.path()).expect("a folder");
        there_and_back(&registry, &to, target.path()).await.expect(except);
        assert_eq!(proxy.seen().is_empty(), is_direct, "{host} except {except}: {:?}", proxy.seen());
    }
}
