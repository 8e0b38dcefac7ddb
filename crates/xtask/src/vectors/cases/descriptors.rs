//! Descriptors that are malformed or say something else than the blob does.

use serde_json::Value;

use crate::vectors::{
    bytes::{base64, digest, json as text},
    case::{Case, Section},
    layout::{
        INDEX, Layer, Layout, MANIFEST, TAG, config_of, descriptor, digest_of, files, greeting, index_of,
        layout, manifest_of, size_of, tagged, with, without,
    },
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Sizes in descriptors", cases: sizes() },
        Section { title: "Digests in descriptors", cases: digests() },
        Section { title: "Inline data", cases: data() },
    ]
}

/// An image whose layer's descriptor is edited: the manifest's own digest is right again.
fn layer(name: &str, edit: impl FnOnce(&Value) -> Value) -> Case {
    layout(name, |l| layer_in(l, edit))
}

fn layer_in(l: &mut Layout, edit: impl FnOnce(&Value) -> Value) {
    let parts = l.image(&[Layer::gzip(&greeting())]);
    l.remove_blob(&parts.manifest);
    l.plain_manifest(&manifest_of(&parts.config, &[edit(&parts.layers[0])]));
}

/// The same with the configuration's descriptor.
fn config(name: &str, edit: impl FnOnce(&Value) -> Value) -> Case {
    layout(name, |l| {
        let parts = l.image(&[Layer::gzip(&greeting())]);
        l.remove_blob(&parts.manifest);
        l.plain_manifest(&manifest_of(&edit(&parts.config), &parts.layers));
    })
}

/// The same with the manifest's descriptor in `index.json`.
fn manifest(name: &str, edit: impl FnOnce(&Value) -> Value) -> Case {
    layout(name, |l| {
        let parts = l.image(&[Layer::gzip(&greeting())]);
        l.index(&[edit(&tagged(&parts.manifest, TAG))]);
    })
}

/// The layer's size as raw JSON text, which `serde_json` could not always hold.
fn size_text(name: &str, size: &str) -> Case {
    layout(name, |l| {
        let parts = l.image(&[Layer::gzip(&greeting())]);
        l.remove_blob(&parts.manifest);
        let body = text::text(&manifest_of(&parts.config, &[with(&parts.layers[0], "size", 987_654_321)]));
        let body = String::from_utf8(body).expect("JSON is UTF-8").replace("987654321", size);
        let manifest = l.blob(MANIFEST, body.as_bytes());
        l.index(&[tagged(&manifest, TAG)]);
    })
    .verify("size-malformed")
}

fn sizes() -> Vec<Case> {
    let larger = |blob: &Value| with(blob, "size", size_of(blob) + 1);
    let smaller = |blob: &Value| with(blob, "size", size_of(blob) - 1);
    vec![
        layer("size-of-a-layer-too-large", larger).verify("blob-size-mismatch"),
        layer("size-of-a-layer-too-small", smaller)
            .verify("blob-size-mismatch")
            .because("a reader that stops at the size would see a cut layer"),
        layer("size-of-a-layer-zero", |blob| with(blob, "size", 0)).verify("blob-size-mismatch"),
        layer("size-of-a-layer-enormous", |blob| with(blob, "size", i64::MAX))
            .verify("blob-size-mismatch")
            .because("nothing may be allocated for a size that is only claimed"),
        layout("sizes-of-two-layers-enormous", |l| {
            let parts = l.image(&[Layer::gzip(&greeting()), Layer::gzip(&files("more\n"))]);
            let layers: Vec<_> = parts.layers.iter().map(|blob| with(blob, "size", i64::MAX)).collect();
            l.plain_manifest(&manifest_of(&parts.config, &layers));
        })
        .verify("blob-size-mismatch blob-size-mismatch")
        .because("their sum does not fit into 63 bits"),
        config("size-of-a-configuration-too-large", larger).verify("blob-size-mismatch"),
        config("size-of-a-configuration-too-small", smaller).verify("blob-size-mismatch"),
        manifest("size-of-a-manifest-too-large", larger).verify("blob-size-mismatch"),
        manifest("size-of-a-manifest-too-small", smaller).verify("blob-size-mismatch"),
        manifest("size-of-a-manifest-100-mib-claimed", |blob| with(blob, "size", 100 << 20))
            .verify("blob-size-mismatch")
            .because("what counts is what is there, and that is small"),
        layout("size-of-a-nested-index-too-large", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let inner = l.document(INDEX, &index_of(&[parts.manifest]));
            l.index(&[larger(&inner)]);
        })
        .verify("blob-size-mismatch"),
        layout("size-differs-between-two-referrers", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let wrong = manifest_of(&parts.config, &[larger(&parts.layers[0])]);
            let wrong = l.document(MANIFEST, &wrong);
            l.index(&[tagged(&parts.manifest, "right"), tagged(&wrong, "wrong")]);
        })
        .verify("blob-size-mismatch")
        .select(":right", "intact")
        .select(":wrong", "blob-size-mismatch")
        .because("what was found under one size must not answer for another"),
        layer("size-missing", |blob| without(blob, "size")).verify("size-malformed"),
        layer("size-null", |blob| with(blob, "size", Value::Null)).verify("size-malformed"),
        layer("size-string", |blob| with(blob, "size", size_of(blob).to_string())).verify("size-malformed"),
        layer("size-negative", |blob| with(blob, "size", -1)).verify("size-malformed"),
        size_text("size-fraction", "1.5"),
        size_text("size-whole-number-as-a-fraction", "700.0"),
        size_text("size-exponent", "7e2"),
        size_text("size-over-63-bits", "9223372036854775808"),
        size_text("size-over-64-bits", "18446744073709551616"),
        manifest("size-of-a-manifest-negative", |blob| with(blob, "size", -1)).verify("size-malformed"),
    ]
}

fn digests() -> Vec<Case> {
    let replaced = |text: &str| {
        let text = text.to_owned();
        move |blob: &Value| with(blob, "digest", text.as_str())
    };
    let hex = "ab".repeat(32);
    vec![
        layer("digest-is-a-path", replaced("sha256:../../etc/passwd")).verify("digest-malformed"),
        config("digest-of-a-configuration-is-a-path", replaced("sha256:../../etc/passwd"))
            .verify("digest-malformed"),
        manifest("digest-of-a-manifest-is-a-path", replaced("sha256:../../../../etc/passwd"))
            .verify("digest-malformed"),
        layer("digest-algorithm-is-a-path", replaced(&format!("../sha256:{hex}"))).verify("digest-malformed"),
        layer("digest-without-a-colon", replaced(&hex)).verify("digest-malformed"),
        layer("digest-empty", replaced("")).verify("digest-malformed"),
        layer("digest-too-short", replaced("sha256:abcd")).verify("digest-malformed"),
        layer("digest-too-long", replaced(&format!("sha256:{hex}00"))).verify("digest-malformed"),
        layer("digest-with-nothing-encoded", replaced("sha256:")).verify("digest-malformed"),
        layer("digest-in-upper-case", |blob| {
            let (algorithm, encoded) = digest_of(blob).split_once(':').expect("a digest");
            with(blob, "digest", format!("{algorithm}:{}", encoded.to_uppercase()))
        })
        .verify("digest-malformed"),
        layer("digest-with-a-space", |blob| with(blob, "digest", format!("{} ", digest_of(blob))))
            .verify("digest-malformed"),
        layer("digest-missing", |blob| without(blob, "digest")).verify("digest-malformed"),
        layer("digest-is-a-number", |blob| with(blob, "digest", 256)).verify("digest-malformed"),
        layout("digest-of-an-unknown-algorithm", |l| {
            layer_in(l, |blob| with(blob, "digest", "md5:b1946ac92492d2347c6235b4d2611184"));
            l.put("blobs/md5/b1946ac92492d2347c6235b4d2611184", b"not looked at\n");
        })
        .verify("digest-algorithm-unsupported"),
        config(
            "digest-of-a-configuration-of-an-unknown-algorithm",
            replaced("md5:b1946ac92492d2347c6235b4d2611184"),
        )
        .verify("digest-algorithm-unsupported"),
        manifest(
            "digest-of-a-manifest-of-an-unknown-algorithm",
            replaced("multihash+base58:QmRZxt2b1FVZPNqd8"),
        )
        .verify("digest-algorithm-unsupported"),
        layout("digest-malformed-beside-a-sound-image", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[descriptor(MANIFEST, "sha256:no", 1), tagged(&parts.manifest, TAG)]);
        })
        .verify("digest-malformed")
        .select(":v1", "intact"),
    ]
}

fn data() -> Vec<Case> {
    vec![
        config("embedded-data-of-other-bytes", |blob| with(blob, "data", base64::encode(b"{}")))
            .verify("embedded-data-mismatch"),
        config("embedded-data-of-the-right-size", |blob| {
            let other = " ".repeat(usize::try_from(size_of(blob)).expect("small"));
            with(blob, "data", base64::encode(other.as_bytes()))
        })
        .verify("embedded-data-mismatch"),
        config("embedded-data-that-is-not-base64", |blob| with(blob, "data", "{}"))
            .verify("embedded-data-mismatch"),
        layout("embedded-data-of-a-wrong-size", |l| {
            let body = text::text(&config_of(&[Layer::gzip(&greeting())]));
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.remove_blob(&parts.manifest);
            let config = with(&parts.config, "data", base64::encode(&body));
            l.plain_manifest(&manifest_of(&with(&config, "size", body.len() + 1), &parts.layers));
        })
        .verify("embedded-data-mismatch blob-size-mismatch"),
        layout("embedded-data-of-other-bytes-without-its-blob", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.remove_blob(&parts.manifest);
            l.remove_blob(&parts.config);
            let other = text::text(&config_of(&[Layer::gzip(&files("other\n"))]));
            l.plain_manifest(&manifest_of(
                &with(&parts.config, "data", base64::encode(&other)),
                &parts.layers,
            ));
        })
        .verify("embedded-data-mismatch blob-missing"),
        layout("embedded-data-in-the-index", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let other = digest::of(b"").into_bytes();
            l.index(&[with(&parts.manifest, "data", base64::encode(&other)), parts.manifest]);
        })
        .verify("embedded-data-mismatch"),
    ]
}
