//! Forms that occur in the world, odd ones among them, and that a verifier must not refuse.

use serde_json::{Value, json};

use crate::vectors::{
    bytes::{
        base64,
        digest::{self, Algorithm},
        gzip, json as text,
    },
    case::{Case, Node, Section},
    layout::{
        CONFIG, INDEX, Layer, Layout, MANIFEST, Parts, TAG, TAR_GZIP, config_for, config_of, descriptor,
        files, flip_in_greeting, greeting, index_of, layout, manifest_of, on, path_of, tagged, with, without,
    },
};

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const ENCRYPTED: &str = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Sound images, in the forms that tools write", cases: images() },
        Section { title: "Layers that are elsewhere or sealed", cases: elsewhere() },
    ]
}

fn images() -> Vec<Case> {
    vec![
        layout("plain", |l| {
            l.plain();
        })
        .verify("intact")
        .row("verify --unreferenced", "", "intact"),
        layout("three-layers", |l| {
            l.plain_of(&[Layer::gzip(&files("one\n")), Layer::tar(&files("two\n")), Layer::zstd(&files("three\n"))]);
        })
        .verify("intact"),
        layout("one-layer-twice", |l| {
            l.plain_of(&[Layer::gzip(&greeting()), Layer::gzip(&files("between\n")), Layer::gzip(&greeting())]);
        })
        .verify("intact"),
        layout("no-layers", |l| {
            l.plain_of(&[]);
        })
        .verify("intact"),
        layout("layers-null", |l| {
            let mut config = config_of(&[]);
            config["rootfs"]["diff_ids"] = Value::Null;
            let config = l.document(CONFIG, &config);
            let manifest = with(&manifest_of(&config, &[]), "layers", Value::Null);
            l.plain_manifest(&manifest);
        })
        .verify("intact")
        .because("BuildKit writes an image from scratch this way"),
        layout("two-images", |l| {
            let one = l.image(&[Layer::gzip(&files("one\n"))]);
            let two = l.image(&[Layer::gzip(&files("two\n"))]);
            l.index(&[tagged(&one.manifest, "one"), tagged(&two.manifest, "two")]);
        })
        .verify("intact"),
        layout("one-image-two-tags", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[tagged(&parts.manifest, "one"), tagged(&parts.manifest, "two")]);
        })
        .verify("intact"),
        layout("without-media-types-in-the-documents", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let manifest = without(&manifest_of(&parts.config, &parts.layers), "mediaType");
            l.remove_blob(&parts.manifest);
            let manifest = l.document(MANIFEST, &manifest);
            l.index_text(&text::text(&without(&index_of(&[tagged(&manifest, TAG)]), "mediaType")));
        })
        .verify("intact"),
        layout("unknown-fields", |l| {
            let config = with(&config_of(&[Layer::gzip(&greeting())]), "moby.buildkit.buildinfo.v1", "e30=");
            let config = l.document(CONFIG, &config);
            let layer = l.layer(&Layer::gzip(&greeting()));
            let layer = with(&layer, "x", json!({"deep": [{"er": 1.5e3}]}));
            let manifest = with(&manifest_of(&config, &[layer]), "futureField", json!([null, true]));
            let manifest = l.document(MANIFEST, &manifest);
            l.index_text(&text::text(&with(&index_of(&[manifest]), "futureField", "")));
        })
        .verify("intact"),
        layout("pretty-printed-documents", |l| {
            let config = l.blob(CONFIG, &pretty(&config_of(&[Layer::gzip(&greeting())])));
            let layer = l.layer(&Layer::gzip(&greeting()));
            let manifest = l.blob(MANIFEST, &pretty(&manifest_of(&config, &[layer])));
            l.index_text(&pretty(&index_of(&[tagged(&manifest, TAG)])));
        })
        .verify("intact")
        .because("the digest is that of the bytes: spaces, line ends and all"),
        layout("non-ascii-text", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let manifest = with(
                &manifest_of(&parts.config, &parts.layers),
                "annotations",
                json!({"org.opencontainers.image.title": "Grüße, 世界 \u{1f980}"}),
            );
            l.remove_blob(&parts.manifest);
            l.plain_manifest(&manifest);
        })
        .verify("intact"),
        layout("labels-that-differ-by-case", |l| {
            let mut config = config_of(&[Layer::gzip(&greeting())]);
            config["config"]["Labels"] = json!({"version": "1", "Version": "1", "VERSION": "1", "Layers": "", "Rootfs": ""});
            let parts = l.image_with(&config, &[Layer::gzip(&greeting())]);
            let manifest = with(
                &manifest_of(&parts.config, &parts.layers),
                "annotations",
                json!({"config": "", "Config": "", "Digest": ""}),
            );
            l.remove_blob(&parts.manifest);
            l.plain_manifest(&manifest);
        })
        .verify("intact")
        .because("keys of labels and annotations are data: only the format's own keys may not differ by case"),
        layout("docker-schema-2", |l| {
            let layer = Layer::new(DOCKER_LAYER, gzip::fixed(&greeting()), &greeting());
            let manifest = docker_image(l, "linux/amd64", &[layer]);
            l.index(&[tagged(&manifest, TAG)]);
        })
        .verify("intact"),
        layout("docker-manifest-list", |l| {
            let layer = Layer::new(DOCKER_LAYER, gzip::fixed(&greeting()), &greeting());
            let one = docker_image(l, "linux/amd64", std::slice::from_ref(&layer));
            let two = docker_image(l, "linux/s390x", &[layer]);
            let list = index_of(&[on(&one, "linux/amd64"), on(&two, "linux/s390x")]);
            let list = l.document(DOCKER_LIST, &with(&list, "mediaType", DOCKER_LIST));
            l.index(&[tagged(&list, TAG)]);
        })
        .verify("intact")
        .row("verify --platform linux/s390x", "", "intact"),
        by_algorithm("digest-sha384", Algorithm::Sha384),
        by_algorithm("digest-sha512", Algorithm::Sha512),
        by_algorithm("digest-blake3", Algorithm::Blake3),
        layout("diffid-sha512", |l| {
            let id = digest::by(Algorithm::Sha512, &greeting());
            l.plain_of(&[Layer::gzip(&greeting()).with_diff_id(&id)]);
        })
        .verify("intact"),
        layout("embedded-data", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let config = config_of(&[Layer::gzip(&greeting())]);
            let data = base64::encode(&text::text(&config));
            let manifest = manifest_of(&with(&parts.config, "data", data), &parts.layers);
            l.remove_blob(&parts.manifest);
            l.plain_manifest(&manifest);
        })
        .verify("intact"),
        layout("embedded-data-without-its-blob", |l| {
            let config = config_of(&[Layer::gzip(&greeting())]);
            let data = base64::encode(&text::text(&config));
            let parts = l.image_with(&config, &[Layer::gzip(&greeting())]);
            l.remove_blob(&parts.config);
            l.remove_blob(&parts.manifest);
            l.plain_manifest(&manifest_of(&with(&parts.config, "data", data), &parts.layers));
        })
        .verify("intact")
        .because("the data is the blob (descriptor.md, Embedded Content); it has the digest, so nothing is lacking"),
        layout("embedded-layer-without-its-blob", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            carried(l, &parts);
        })
        .verify("intact")
        .row("tree", "", "d:etc f:etc/greeting:6"),
        layout("embedded-layer-with-a-wrong-diffid", |l| {
            let parts = l.image(&[Layer::new(TAR_GZIP, gzip::fixed(&greeting()), b"another tar")]);
            carried(l, &parts);
        })
        .verify("diffid-mismatch")
        .because("a layer's content is checked wherever its bytes come from"),
        layout("index-in-an-index", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let inner = l.document(INDEX, &index_of(&[parts.manifest]));
            l.index(&[tagged(&inner, TAG)]);
        })
        .verify("intact"),
        layout("one-image-in-two-indexes", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let index = index_of(std::slice::from_ref(&parts.manifest));
            let one = l.document(INDEX, &with(&index, "annotations", json!({"n": "1"})));
            let two = l.document(INDEX, &with(&index, "annotations", json!({"n": "2"})));
            l.index(&[one, two, parts.manifest]);
        })
        .verify("intact")
        .because("a document that is met twice is no cycle"),
    ]
}

fn elsewhere() -> Vec<Case> {
    let foreign = |media_type| Layer::new(media_type, gzip::fixed(&greeting()), &greeting());
    vec![
        layout("foreign-layer-absent", |l| {
            let parts = l.plain_of(&[foreign(FOREIGN), Layer::gzip(&files("mine\n"))]);
            l.remove_blob(&parts.layers[0]);
        })
        .verify("warning:layer-skipped incomplete"),
        layout("foreign-layer-absent-docker", |l| {
            let manifest = docker_image(l, "windows/amd64", &[foreign(DOCKER_FOREIGN)]);
            l.index(&[tagged(&manifest, TAG)]);
            l.remove(&path_of(&descriptor("", &digest::of(&gzip::fixed(&greeting())), 0)));
        })
        .verify("warning:layer-skipped incomplete"),
        layout("foreign-layer-present", |l| {
            l.plain_of(&[foreign(FOREIGN)]);
        })
        .verify("intact"),
        layout("foreign-layer-present-and-altered", |l| {
            let layer = Layer::new(FOREIGN, gzip::stored(&greeting()), &greeting());
            let parts = l.plain_of(&[layer]);
            l.edit(&parts.layers[0], |bytes| flip_in_greeting(bytes));
        })
        .verify("blob-digest-mismatch layer-gzip-corrupt"),
        layout("encrypted-layer", |l| {
            let sealed: Vec<u8> = gzip::fixed(&greeting()).iter().map(|byte| byte ^ 0x5a).collect();
            l.plain_of(&[Layer::new(ENCRYPTED, sealed, &greeting())]);
        })
        .verify("warning:layer-skipped incomplete"),
        layout("encrypted-layer-altered", |l| {
            let sealed: Vec<u8> = gzip::fixed(&greeting()).iter().map(|byte| byte ^ 0x5a).collect();
            let parts = l.plain_of(&[Layer::new(ENCRYPTED, sealed, &greeting())]);
            l.edit(&parts.layers[0], |bytes| bytes[20] ^= 1);
        })
        .verify("blob-digest-mismatch warning:layer-skipped"),
        layout("encrypted-layer-missing", |l| {
            let parts = l.plain_of(&[Layer::new(ENCRYPTED, b"sealed".to_vec(), &greeting())]);
            l.remove_blob(&parts.layers[0]);
        })
        .verify("blob-missing"),
    ]
}

/// Every document and the layer named by one algorithm.
fn by_algorithm(name: &str, algorithm: Algorithm) -> Case {
    layout(name, |l| {
        let layer = Layer::gzip(&greeting());
        let blob = l.blob_by(algorithm, TAR_GZIP, &layer.stored);
        let config = l.blob_by(algorithm, CONFIG, &text::text(&config_of(&[layer])));
        let manifest = l.blob_by(algorithm, MANIFEST, &text::text(&manifest_of(&config, &[blob])));
        l.index(&[tagged(&manifest, TAG)]);
    })
    .verify("intact")
}

fn pretty(value: &Value) -> Vec<u8> {
    let mut text = String::from_utf8(text::text(value)).expect("JSON is UTF-8");
    text = text.replace(",\"", ",\r\n\t\"").replace('{', "{\n ").replace('}', "\n}");
    format!("\n {text}\n\n").into_bytes()
}

fn docker_image(l: &mut Layout, platform: &str, layers: &[Layer]) -> Value {
    let config = l.document(DOCKER_CONFIG, &config_for(platform, layers));
    let layers: Vec<_> = layers.iter().map(|layer| l.layer(layer)).collect();
    l.document(DOCKER_MANIFEST, &with(&manifest_of(&config, &layers), "mediaType", DOCKER_MANIFEST))
}

/// Moves the blob of the first layer into its descriptor.
fn carried(l: &mut Layout, parts: &Parts) {
    let path = path_of(&parts.layers[0]);
    let Some(Node::File(bytes)) = l.tree.remove(&path) else { panic!("{path} is a file") };
    l.remove_blob(&parts.manifest);
    let layer = with(&parts.layers[0], "data", base64::encode(&bytes));
    l.plain_manifest(&manifest_of(&parts.config, &[layer]));
}
