//! There and back again.

use std::{fs, sync::Arc};

use castline_core::{Digest, ErrorCode, Options, Platforms, Watch, verify};
use castline_sources::{
    Layout,
    registry::{Extent, Pulled},
};

use crate::{
    available, client,
    images::{self, image, layout_of, reference, shipment, vector},
    server::{Server, folder, run},
};

const ALL: Platforms = Platforms::Present;

async fn pull(from: &castline_sources::Reference, to: &std::path::Path) -> castline_sources::Result<Pulled> {
    client().pull(from, &ALL, Extent::Everything, &layout_of(to), &Watch::none()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_pulled_again_byte_for_byte_and_only_what_is_missing_moves() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    for name in ["three-layers", "platforms", "artifact"] {
        let (shipment, source) = shipment(vector(name));
        let to = server.image(&format!("vectors/{name}:v1"));
        let pushed = client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect(name);
        assert!(pushed.sent_blobs > 0 && pushed.sent_blobs == pushed.blobs, "{name}: {pushed:?}");
        let again = client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect(name);
        assert_eq!((again.sent_blobs, again.sent_bytes), (0, 0), "{name}");

        let target = folder.path().join(name);
        let pulled = pull(&to, &target).await.expect(name);
        assert_eq!(pulled.descriptor, pushed.descriptor, "{name}");
        assert_eq!((pulled.fetched_blobs, pulled.fetched_bytes), (pulled.blobs, pulled.bytes), "{name}");
        let again = pull(&to, &target).await.expect(name);
        assert_eq!((again.blobs, again.fetched_blobs, again.fetched_bytes), (pulled.blobs, 0, 0), "{name}");

        let image = pulled.image(&layout_of(&target), &to).expect("a source");
        let verification = verify(&image, &Options::default(), &Watch::none()).expect("verified");
        assert!(verification.report.is_complete(), "{name}: {:?}", verification.report.findings);
        for entry in fs::read_dir(target.join("blobs/sha256")).expect("blobs") {
            let path = entry.expect("an entry").path();
            let own = vector(name).join("blobs/sha256").join(path.file_name().expect("a name"));
            assert_eq!(fs::read(&path).expect("a blob"), fs::read(own).expect("the same blob"), "{name}");
        }
        assert!(!target.join(".castline").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_is_pinned_to_the_digest_of_its_bytes_and_tags_are_listed() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let (shipment, source) = shipment(vector("three-layers"));
    for tag in ["v1", "v2"] {
        let to = server.image(&format!("app:{tag}"));
        client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");
    }
    let pinned = client().resolve(&server.image("app:v2")).await.expect("pinned");
    assert_eq!(&pinned, shipment.descriptor());
    assert_eq!(client().tags(&server.image("app")).await.expect("tags"), ["v1", "v2"]);
    let absent = client().resolve(&server.image("app:v3")).await.expect_err("not there");
    assert_eq!(absent.code(), ErrorCode::RegistryNotFound, "{absent}");
    assert!(absent.to_string().contains("/v2/app/manifests/v3"), "{absent}");
    // Another digest than the one that is pushed is a mistake of whoever pushes.
    let wrong = format!("app:v1@{}", Digest::of(b""));
    let error = client().push(&shipment, &source, &server.image(&wrong), &[], &Watch::none()).await;
    assert_eq!(error.expect_err("refused").code(), ErrorCode::ContentMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_platform_is_pulled_without_the_others() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let (shipment, source) = shipment(vector("platforms"));
    let to = server.image("app:v1");
    client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");

    let platforms = Platforms::One("linux/arm64".parse().expect("a platform"));
    let layout = layout_of(&folder.path().join("one"));
    let one =
        client().pull(&to, &platforms, Extent::Everything, &layout, &Watch::none()).await.expect("pulled");
    let all = pull(&to, &folder.path().join("all")).await.expect("pulled");
    assert!(one.blobs < all.blobs && one.descriptor == all.descriptor, "{one:?} {all:?}");
    layout.name(Some("v1"), &one.descriptor).expect("named");
    let source = Layout::open(layout.path()).expect("a layout");
    let options = Options::default().with_platforms(platforms);
    let verification = verify(&source, &options, &Watch::none()).expect("verified");
    assert!(verification.report.is_complete(), "{:?}", verification.report.findings);
    assert_eq!(verification.images.len(), 1);

    let layout = layout_of(&folder.path().join("documents"));
    let documents =
        client().pull(&to, &ALL, Extent::Documents, &layout, &Watch::none()).await.expect("pulled");
    assert!(documents.blobs < all.blobs, "{documents:?}");
    let image = documents.image(&layout, &to).expect("a source");
    let inspection = castline_core::inspect(&image, &Options::default(), &Watch::none()).expect("inspected");
    assert!(inspection.is_sound() && inspection.images.len() > 1, "{:?}", inspection.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_another_repository_is_mounted_and_not_sent() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let (shipment, source) = shipment(vector("three-layers"));
    client().push(&shipment, &source, &server.image("a:v1"), &[], &Watch::none()).await.expect("pushed");
    let others = [reference("docker://elsewhere.example/x"), server.image("nothing"), server.image("a")];
    let pushed = client()
        .push(&shipment, &source, &server.image("b:v1"), &others, &Watch::none())
        .await
        .expect("pushed");
    assert_eq!((pushed.mounted_blobs, pushed.sent_blobs), (pushed.blobs, 0), "{pushed:?}");
    pull(&server.image("b:v1"), &folder.path().join("b")).await.expect("pulled");
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_copies_what_we_push_and_we_pull_what_it_pushes() {
    if !available(&["skopeo"]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    for name in ["three-layers", "platforms"] {
        let (shipment, source) = shipment(vector(name));
        let ours = server.image(&format!("ours/{name}:v1"));
        client().push(&shipment, &source, &ours, &[], &Watch::none()).await.expect("pushed");
        let copy = folder.path().join(format!("skopeo-{name}"));
        let policy = ["--insecure-policy", "copy", "--all", "--preserve-digests"];
        let to = format!("oci:{}:v1", copy.display());
        run("skopeo", &[&policy[..], &["--src-tls-verify=false", &ours.to_string(), &to]].concat());
        assert_eq!(images::shipment(&copy).0.descriptor().digest, shipment.descriptor().digest, "{name}");

        let theirs = server.image(&format!("theirs/{name}:v1"));
        let from = format!("oci:{}:v1", vector(name).display());
        run("skopeo", &[&policy[..], &["--dest-tls-verify=false", &from, &theirs.to_string()]].concat());
        let pulled = pull(&theirs, &folder.path().join(format!("ours-{name}"))).await.expect("pulled");
        assert_eq!(pulled.descriptor.digest, shipment.descriptor().digest, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_pulls_into_one_layout_at_once_leave_one_image() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let made = layout_of(&folder.path().join("made"));
    image(&made, "v1", &[3 << 20, 2 << 20, 1]);
    let (shipment, source) = shipment(made.path());
    let to = server.image("app:v1");
    client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");
    let target = Arc::new(folder.path().join("cache"));
    let pulls: Vec<_> = (0..4)
        .map(|_| {
            let (to, target) = (to.clone(), Arc::clone(&target));
            tokio::spawn(async move { pull(&to, &target).await })
        })
        .collect();
    for pulled in pulls {
        let pulled = pulled.await.expect("a task").expect("pulled");
        assert_eq!(&pulled.descriptor, shipment.descriptor());
    }
    let layout = layout_of(&target);
    layout.name(Some("v1"), shipment.descriptor()).expect("named");
    images::verified(&layout.layout().expect("a layout"));
    assert!(!target.join(".castline").exists(), "nothing unfinished is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_blob_in_the_layout_is_fetched_anew() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let (shipment, source) = shipment(vector("three-layers"));
    let to = server.image("app:v1");
    client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");
    let target = folder.path().join("cache");
    let pulled = pull(&to, &target).await.expect("pulled");
    let victim = fs::read_dir(target.join("blobs/sha256"))
        .expect("blobs")
        .map(|entry| entry.expect("an entry").path())
        .max_by_key(|path| fs::metadata(path).expect("a size").len())
        .expect("a blob");
    crate::server::damage(&victim).expect("damaged");
    let again = pull(&to, &target).await.expect("pulled");
    assert_eq!((again.descriptor, again.fetched_blobs), (pulled.descriptor, 1));
    let image = pull(&to, &target).await.expect("pulled").image(&layout_of(&target), &to).expect("a source");
    images::verified(&image);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changed_after_it_was_verified_is_not_pushed() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let made = layout_of(&folder.path().join("made"));
    image(&made, "v1", &[1 << 20]);
    let (shipment, source) = shipment(made.path());
    let manifest: serde_json::Value =
        serde_json::from_slice(images::verified(&*source)[0].raw()).expect("a manifest");
    let layer: Digest =
        manifest["layers"][0]["digest"].as_str().expect("a digest").parse().expect("a digest");
    crate::server::damage(&made.path().join("blobs/sha256").join(layer.encoded())).expect("damaged");
    let to = server.image("app:v1");
    let error = client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect_err("refused");
    assert_eq!(error.code(), ErrorCode::ContentMismatch, "{error}");
    assert!(error.to_string().contains(&layer.to_string()), "{error}");
    assert!(!server.blob(&layer).exists());
    let absent = client().resolve(&to).await.expect_err("not pushed");
    assert_eq!(absent.code(), ErrorCode::RegistryNotFound, "{absent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_cancelled_ends_and_names_nothing() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let server = Server::plain(folder.path());
    let (shipment, source) = shipment(vector("three-layers"));
    let to = server.image("app:v1");
    client().push(&shipment, &source, &to, &[], &Watch::none()).await.expect("pushed");
    let cancel = castline_core::Cancel::default();
    cancel.cancel();
    let layout = layout_of(&folder.path().join("cache"));
    let watch = Watch::none().with_cancel(&cancel);
    let error = client().pull(&to, &ALL, Extent::Everything, &layout, &watch).await.expect_err("stopped");
    assert_eq!(error.code(), ErrorCode::Cancelled);
}
