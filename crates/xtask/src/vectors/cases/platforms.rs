//! Images of several platforms, here and absent.

use serde_json::{Value, json};

use crate::vectors::{
    case::{Case, Section},
    layout::{
        IN_TOTO, INDEX, Layer, Layout, Parts, TAG, digest_of, files, greeting, index_of, layout, on, tagged,
        with,
    },
};

pub(super) fn sections() -> Vec<Section> {
    vec![Section { title: "Several platforms", cases: platforms() }]
}

fn platforms() -> Vec<Case> {
    vec![
        layout("platforms", |l| {
            let images = three_platforms(l);
            let statement = attestation(l, &images[0]);
            let mut manifests: Vec<_> =
                images.iter().map(|(name, parts)| on(&parts.manifest, name)).collect();
            manifests.push(statement);
            let inner = l.document(INDEX, &index_of(&manifests));
            l.index(&[tagged(&inner, TAG)]);
            let arm = digest_of(&images[1].1.manifest).to_owned();
            l.expect("verify", &format!("@{arm}"), "intact");
        })
        .verify("intact")
        .select(":v1", "intact")
        .row("verify --platform all", "", "intact")
        .row("verify --platform linux/amd64", "", "intact")
        .row("verify --platform linux/arm64", "", "intact")
        .row("verify --platform linux/arm64/v8", "", "intact")
        .row("verify --platform linux/arm", ":v1", "intact")
        .row("verify --platform linux/arm64 --unreferenced", "", "intact")
        .row("verify --platform linux/s390x", "", "platform-absent")
        .because("nothing unreferenced: the other platforms' blobs have their referrers"),
        layout("platforms-of-which-one-is-absent", |l| {
            let images = three_platforms(l);
            forget(l, &images[1].1);
            index_inside(l, &images);
        })
        .verify("warning:platform-absent")
        .row("verify --platform linux/amd64", "", "intact")
        .row("verify --platform linux/arm64", "", "platform-absent")
        .row("verify --platform all", "", "platform-absent")
        .because("docker save and containerd keep the whole index and the blobs of one platform"),
        layout("platforms-of-which-two-are-absent", |l| {
            let images = three_platforms(l);
            forget(l, &images[1].1);
            forget(l, &images[2].1);
            index_inside(l, &images);
        })
        .verify("warning:platform-absent warning:platform-absent")
        .row("verify --platform all", "", "platform-absent platform-absent"),
        layout("platforms-all-absent", |l| {
            let images = three_platforms(l);
            for (_, parts) in &images {
                forget(l, parts);
            }
            index_inside(l, &images);
        })
        .verify("blob-missing blob-missing blob-missing")
        .because("with no sibling present this is a hole, and nothing was checked"),
        layout("platform-whose-layer-is-absent", |l| {
            let images = three_platforms(l);
            l.remove_blob(&images[1].1.layers[0]);
            index_inside(l, &images);
        })
        .verify("blob-missing")
        .row("verify --platform linux/amd64", "", "intact")
        .row("verify --platform linux/arm64", "", "blob-missing")
        .because("a manifest without its layer is no absent platform"),
        layout("platform-that-is-broken", |l| {
            let images = three_platforms(l);
            l.edit(&images[2].1.layers[0], |bytes| {
                let checksum = bytes.len() - 8;
                bytes[checksum] ^= 1;
            });
            index_inside(l, &images);
        })
        .verify("blob-digest-mismatch layer-gzip-corrupt")
        .row("verify --platform linux/arm64", "", "intact")
        .row("verify --platform linux/arm/v7", "", "blob-digest-mismatch layer-gzip-corrupt")
        .row("verify --platform all", "", "blob-digest-mismatch layer-gzip-corrupt"),
        layout("platform-named-by-the-configuration-only", |l| {
            let parts = l.image_for("linux/arm64", &[Layer::gzip(&greeting())]);
            l.index(&[parts.manifest]);
        })
        .verify("intact")
        .row("verify --platform linux/arm64", "", "intact")
        .row("verify --platform linux/amd64", "", "platform-absent"),
        layout("platform-of-an-altered-configuration", |l| {
            let parts = l.image_for("linux/arm64", &[Layer::gzip(&greeting())]);
            l.edit(&parts.config, |bytes| {
                *bytes =
                    String::from_utf8(bytes.clone()).expect("JSON").replace("arm64", "amd64").into_bytes();
            });
            l.index(&[parts.manifest]);
        })
        .row("verify --platform linux/arm64", "", "blob-digest-mismatch")
        .row("verify --platform linux/amd64", "", "blob-digest-mismatch")
        .because("what an altered configuration says of its platform leaves nothing out"),
        layout("platform-of-a-missing-configuration", |l| {
            let parts = l.image_for("linux/arm64", &[Layer::gzip(&greeting())]);
            l.remove_blob(&parts.config);
            l.index(&[parts.manifest]);
        })
        .row("verify --platform linux/arm64", "", "blob-missing"),
        layout("platform-with-a-statement-left-alone", |l| {
            let images = three_platforms(l);
            let statement = attestation(l, &images[0]);
            forget(l, &images[0].1);
            let inner = l.document(INDEX, &index_of(&[on(&images[0].1.manifest, "linux/amd64"), statement]));
            l.index(&[tagged(&inner, TAG)]);
        })
        .verify("blob-missing")
        .because("a statement about an image is no other platform"),
    ]
}

fn three_platforms(l: &mut Layout) -> Vec<(&'static str, Parts)> {
    let build = |name| (name, l.image_for(name, &[Layer::gzip(&files(name))]));
    ["linux/amd64", "linux/arm64/v8", "linux/arm/v7"].map(build).into()
}

fn index_inside(l: &mut Layout, images: &[(&str, Parts)]) {
    let manifests: Vec<_> = images.iter().map(|(name, parts)| on(&parts.manifest, name)).collect();
    let inner = l.document(INDEX, &index_of(&manifests));
    l.index(&[tagged(&inner, TAG)]);
}

fn forget(l: &mut Layout, parts: &Parts) {
    l.remove_blob(&parts.manifest);
    l.remove_blob(&parts.config);
    for layer in &parts.layers {
        l.remove_blob(layer);
    }
}

/// What `BuildKit` puts beside an image to say how it was made.
fn attestation(l: &mut Layout, (_, of): &(&str, Parts)) -> Value {
    let statement = b"{\"predicateType\":\"https://slsa.dev/provenance/v0.2\"}";
    let layer = Layer::new(IN_TOTO, statement.to_vec(), statement);
    let parts = l.image_for("unknown/unknown", &[layer]);
    with(
        &on(&parts.manifest, "unknown/unknown"),
        "annotations",
        json!({"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest_of(&of.manifest)}),
    )
}
