//! What refers to an image is found: by the registry's API, or by a list that those keep who push.

use std::{
    io::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use castline_core::{Descriptor, Digest, ErrorCode, Options, Selection, Watch, verify};
use castline_sources::{
    Error, LayoutWriter, Reference,
    registry::{Pushed, Registry, Shipment},
};
use serde_json::{Value, json};

use crate::{
    available, client,
    images::{image, layout_of, reference, shipment},
    server::{Server, folder, run},
    wire::{Mock, answer, body},
};

const SIGNATURE: &str = "application/vnd.example.signature";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A manifest that refers to `subject`, named by its content. It has an annotation that names entries of layouts.
fn signature(layout: &LayoutWriter, subject: &Descriptor, content: &str) -> Descriptor {
    let blob = layout.write(content.as_bytes()).expect("a blob");
    let config = layout.write(b"{}").expect("a configuration");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": SIGNATURE,
        "config": Descriptor::new("application/vnd.oci.empty.v1+json", config.digest, config.size),
        "layers": [Descriptor::new("text/plain", blob.digest, blob.size)],
        "subject": subject,
        "annotations": {"org.opencontainers.image.ref.name": "signature", "org.example.of": content},
    });
    let stored = layout.write(manifest.to_string().as_bytes()).expect("a manifest");
    let descriptor = Descriptor::new(MANIFEST, stored.digest, stored.size);
    layout.name(Some(content), &descriptor).expect("named");
    descriptor
}

async fn push(
    registry: &Registry,
    layout: &LayoutWriter,
    tag: &str,
    to: &Reference,
) -> Result<Pushed, Error> {
    let source = layout.layout().expect("a layout");
    let options = Options::default().with_selection(Selection::everything().with_tag(tag));
    let images = verify(&source, &options, &Watch::none()).expect("verified").images;
    let shipment = Shipment::of_images(&images, &source).expect("a shipment");
    registry.push(&shipment, &Arc::new(source), to, &[], &Watch::none()).await
}

/// What a descriptor is in a list of referrers.
fn listed(signature: &Descriptor, content: &str) -> Descriptor {
    let mut descriptor = signature.clone().with_artifact_type(SIGNATURE);
    descriptor.annotations.insert("org.opencontainers.image.ref.name".into(), "signature".into());
    descriptor.annotations.insert("org.example.of".into(), content.into());
    descriptor
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_with_a_subject_is_found_where_the_registry_has_no_api() {
    if !available(&["skopeo"]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let made = layout_of(&folder.path().join("made"));
    let subject = image(&made, "v1", &[1]);
    let to = server.image("app:v1");
    push(&client(), &made, "v1", &to).await.expect("pushed");
    assert_eq!(client().referrers(&to, None).await.expect("none"), []);

    let signatures = layout_of(&folder.path().join("signatures"));
    let (one, two) = (signature(&signatures, &subject, "one"), signature(&signatures, &subject, "two"));
    // By digest alone, as signatures are.
    let untagged = server.image("app");
    for (tag, _) in [("one", &one), ("two", &two), ("one", &one)] {
        push(&client(), &signatures, tag, &untagged).await.expect("pushed");
    }
    let expected = [listed(&one, "one"), listed(&two, "two")];
    assert_eq!(client().referrers(&to, None).await.expect("referrers"), expected);
    assert_eq!(client().referrers(&to, Some(SIGNATURE)).await.expect("referrers"), expected);
    assert_eq!(client().referrers(&to, Some("application/other")).await.expect("none"), []);

    // Others find it, too.
    let tag = server.image(&format!("app:{}", subject.digest.to_string().replace(':', "-")));
    let list: Value =
        serde_json::from_str(&run("skopeo", &["inspect", "--raw", "--tls-verify=false", &tag.to_string()]))
            .expect("JSON");
    assert_eq!(list["mediaType"], "application/vnd.oci.image.index.v1+json");
    assert_eq!(list["manifests"], json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_push_at_once_are_all_listed() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let made = layout_of(&folder.path().join("made"));
    let subject = image(&made, "v1", &[1]);
    let to = server.image("app:v1");
    push(&client(), &made, "v1", &to).await.expect("pushed");
    let signatures = layout_of(&folder.path().join("signatures"));
    let names = ["a", "b", "c", "d"];
    for name in names {
        signature(&signatures, &subject, name);
    }
    // By one client, which waits for itself.
    let (registry, untagged) = (client(), server.image("app"));
    let pushing = |position: usize| push(&registry, &signatures, names[position], &untagged);
    let pushed = tokio::join!(pushing(0), pushing(1), pushing(2), pushing(3));
    for pushed in [pushed.0, pushed.1, pushed.2, pushed.3] {
        pushed.expect("pushed");
    }
    let found = registry.referrers(&to, None).await.expect("referrers");
    let mut contents: Vec<&str> =
        found.iter().map(|found| found.annotations["org.example.of"].as_str()).collect();
    contents.sort_unstable();
    assert_eq!(contents, names);
}

/// A registry that takes everything. It says of manifests what `headers` says, keeps the list under the stand-in's tag, and
/// `meddle`s with it whenever it is put.
fn keeper(
    headers: &'static str,
    list: Option<&str>,
    meddle: impl Fn(String) -> String + Send + Sync + 'static,
) -> (Mock, Arc<Mutex<Option<String>>>) {
    let list = Arc::new(Mutex::new(list.map(str::to_owned)));
    let kept = Arc::clone(&list);
    let mock = Mock::start(move |request, stream| {
        let is_list = request.line.contains("/manifests/sha256-");
        match request.line.split(' ').next().expect("a method") {
            "GET" if request.line == "GET /v2/" => answer(stream, "200 OK", "", b""),
            "HEAD" => {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n");
            }
            "GET" if is_list => match &*kept.lock().expect("a lock") {
                Some(text) => answer(stream, "200 OK", "", text.as_bytes()),
                None => answer(stream, "404 Not Found", "", b""),
            },
            "PUT" => {
                let text = body(request, stream);
                if is_list {
                    *kept.lock().expect("a lock") = Some(meddle(text));
                }
                answer(stream, "201 Created", headers, b"");
            }
            _ => answer(stream, "400 Bad Request", "", b""),
        }
    });
    (mock, list)
}

fn lists(mock: &Mock) -> usize {
    mock.seen()
        .iter()
        .filter(|request| request.line.starts_with("PUT ") && request.line.contains("/sha256-"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_kept_only_for_registries_that_keep_none_and_what_others_wrote_into_it_stays() {
    let folder = folder();
    let signatures = layout_of(&folder.path().join("signatures"));
    let subject = Descriptor::new(MANIFEST, Digest::of(b"subject"), 7);
    signature(&signatures, &subject, "one");
    let theirs =
        r#"{"schemaVersion":2,"x-unknown":[1.0],"manifests":[{"digest":"sha256:00","size":1e0,"x":null}]}"#;

    let (mock, list) = keeper("OCI-Subject: sha256:00\r\n", Some(theirs), |text| text);
    let to = reference(&format!("docker://127.0.0.1:{}/app", mock.port));
    push(&client(), &signatures, "one", &to).await.expect("pushed");
    assert_eq!((lists(&mock), list.lock().expect("a lock").as_deref()), (0, Some(theirs)));

    let (mock, list) = keeper("", Some(theirs), |text| text);
    let to = reference(&format!("docker://127.0.0.1:{}/app", mock.port));
    for _ in 0..2 {
        push(&client(), &signatures, "one", &to).await.expect("pushed");
    }
    assert_eq!(lists(&mock), 1, "it is there the second time");
    let text = list.lock().expect("a lock").clone().expect("a list");
    assert!(text.starts_with(theirs.trim_end_matches("]}")), "{text}");

    // What is no list is not written over.
    for other in
        [r#"{"schemaVersion":2,"config":{}}"#, r#"{"manifests":[7]}"#, r#"{"manifests":[],"manifests":[]}"#]
    {
        let (mock, list) = keeper("", Some(other), |text| text);
        let to = reference(&format!("docker://127.0.0.1:{}/app", mock.port));
        let error = push(&client(), &signatures, "one", &to).await.expect_err("refused");
        assert_eq!(error.code(), ErrorCode::RegistryRefused, "{error}");
        assert!(error.to_string().contains("/manifests/sha256-"), "{error}");
        assert_eq!(list.lock().expect("a lock").as_deref(), Some(other));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_written_over_in_a_list_adds_again_and_not_without_end() {
    let folder = folder();
    let signatures = layout_of(&folder.path().join("signatures"));
    let subject = Descriptor::new(MANIFEST, Digest::of(b"subject"), 7);
    let one = signature(&signatures, &subject, "one");
    let theirs = r#"{"schemaVersion":2,"manifests":[{"digest":"sha256:00","size":1}]}"#;
    let over = AtomicBool::new(true);
    // Once.
    let (mock, list) =
        keeper("", None, move |text| if over.swap(false, Ordering::SeqCst) { theirs.into() } else { text });
    let to = reference(&format!("docker://127.0.0.1:{}/app", mock.port));
    push(&client(), &signatures, "one", &to).await.expect("pushed");
    let text = list.lock().expect("a lock").clone().expect("a list");
    assert!(text.contains(&one.digest.to_string()) && text.contains("sha256:00"), "{text}");
    assert_eq!(lists(&mock), 2);
    // Every time.
    let (mock, _) = keeper("", None, |_| theirs.into());
    let to = reference(&format!("docker://127.0.0.1:{}/app", mock.port));
    let error = push(&client(), &signatures, "one", &to).await.expect_err("given up");
    assert!(error.to_string().contains("push again"), "{error}");
    assert_eq!(lists(&mock), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_refers_to_nothing_is_pushed_without_a_list() {
    let folder = folder();
    let made = layout_of(&folder.path().join("made"));
    image(&made, "v1", &[1]);
    let (mock, list) = keeper("", None, |text| text);
    let (shipment, source) = shipment(made.path());
    let to = reference(&format!("docker://127.0.0.1:{}/app:v1", mock.port));
    client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");
    assert_eq!((lists(&mock), &*list.lock().expect("a lock")), (0, &None));
}
