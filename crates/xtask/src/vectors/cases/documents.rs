//! Documents that are no JSON, have two readings, or have another shape than the specification gives them.

use serde_json::{Value, json};

use crate::vectors::{
    bytes::{gzip, json as text},
    case::{Case, Section},
    layout::{
        CONFIG, INDEX, Layer, Layout, MANIFEST, Parts, TAG, TAR_GZIP, config_of, greeting, index_of, layout,
        manifest_of, on, tagged, with, without,
    },
};

const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "index.json as JSON", cases: json_of_the_index() },
        Section { title: "Manifests as JSON", cases: json_of_a_manifest() },
        Section { title: "Configurations as JSON", cases: json_of_a_configuration() },
        Section { title: "Shapes of manifests and indexes", cases: shapes() },
        Section { title: "Media types", cases: media_types() },
    ]
}

/// A layout whose `index.json` is made from the sound text.
fn index(name: &str, edit: impl FnOnce(String) -> Vec<u8>) -> Case {
    layout(name, |l| {
        let parts = l.image(&[Layer::gzip(&greeting())]);
        l.index_text(&edit(string(&index_of(&[tagged(&parts.manifest, TAG)]))));
    })
}

/// A layout whose manifest is made from the sound text, under its right digest.
fn manifest(name: &str, edit: impl FnOnce(String) -> Vec<u8>) -> Case {
    layout(name, |l| {
        let parts = sound_parts(l);
        let manifest = l.blob(MANIFEST, &edit(string(&manifest_of(&parts.config, &parts.layers))));
        l.index(&[tagged(&manifest, TAG)]);
    })
}

/// A layout whose configuration is made from the sound text, under its right digest.
fn config(name: &str, edit: impl FnOnce(String) -> Vec<u8>) -> Case {
    layout(name, |l| {
        let layer = Layer::gzip(&greeting());
        let config = l.blob(CONFIG, &edit(string(&config_of(std::slice::from_ref(&layer)))));
        let layer = l.layer(&layer);
        l.plain_manifest(&manifest_of(&config, &[layer]));
    })
}

/// A layout whose manifest is another JSON value, under its right digest.
fn manifest_value(name: &str, edit: impl FnOnce(&Value) -> Value) -> Case {
    layout(name, |l| {
        let parts = sound_parts(l);
        l.plain_manifest(&edit(&manifest_of(&parts.config, &parts.layers)));
    })
}

/// A layout whose `index.json` is another JSON value.
fn index_value(name: &str, edit: impl FnOnce(&Value) -> Value) -> Case {
    layout(name, |l| {
        let parts = l.image(&[Layer::gzip(&greeting())]);
        l.index_text(&text::text(&edit(&index_of(&[tagged(&parts.manifest, TAG)]))));
    })
}

/// Configuration and layer, without a manifest.
fn sound_parts(l: &mut Layout) -> Parts {
    let parts = l.image(&[Layer::gzip(&greeting())]);
    l.remove_blob(&parts.manifest);
    parts
}

fn string(value: &Value) -> String {
    String::from_utf8(text::text(value)).expect("JSON is UTF-8")
}

/// Puts members before the first of an object.
fn first(text: &str, members: &str) -> Vec<u8> {
    text.replacen('{', &format!("{{{members},"), 1).into_bytes()
}

fn json_of_the_index() -> Vec<Case> {
    vec![
        index("index-empty", |_| Vec::new()).verify("json-invalid"),
        index("index-cut", |text| text.as_bytes()[..text.len() - 1].to_vec()).verify("json-invalid"),
        index("index-not-json", |_| b"manifests: []\n".to_vec()).verify("json-invalid"),
        index("index-followed-by-another-document", |text| format!("{text}{text}").into_bytes())
            .verify("json-invalid"),
        index("index-followed-by-a-zero-byte", |text| format!("{text}\0").into_bytes())
            .verify("json-invalid"),
        index("index-with-a-comment", |text| first(&text, "/* no JSON */\"a\":1")).verify("json-invalid"),
        index("index-invalid-utf8", |text| {
            let at = text.find("v1\"").expect("the tag");
            let mut bytes = text.into_bytes();
            bytes[at] = 0xff;
            bytes
        })
        .verify("json-invalid-utf8"),
        index("index-utf16", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect())
            .verify("json-invalid"),
        index("index-with-a-byte-order-mark", |text| format!("\u{feff}{text}").into_bytes())
            .verify("json-bom"),
        index("index-is-a-list", |text| format!("[{text}]").into_bytes()).verify("json-not-object"),
        index("index-is-null", |_| b"null".to_vec()).verify("json-not-object"),
        index("index-duplicate-key", |text| first(&text, "\"manifests\":[]")).verify("json-duplicate-key"),
        index("index-duplicate-key-in-a-descriptor", |text| {
            text.replacen("\"size\":", "\"size\":1,\"size\":", 1).into_bytes()
        })
        .verify("json-duplicate-key"),
        index("index-case-variant-key", |text| first(&text, "\"Manifests\":[]"))
            .verify("json-case-variant-key"),
        index("index-nested-4000-deep", |_| [b"{\"manifests\":".to_vec(), vec![b'['; 4000]].concat())
            .verify("json-too-deep"),
    ]
}

fn json_of_a_manifest() -> Vec<Case> {
    vec![
        manifest("manifest-not-json", |_| b"\x1f\x8b\x08\x00".to_vec())
            .verify("json-invalid-utf8")
            .because("0x8b cannot start a character"),
        manifest("manifest-cut", |text| text.as_bytes()[..40].to_vec()).verify("json-invalid"),
        manifest("manifest-followed-by-another", |text| format!("{text}\n{text}").into_bytes())
            .verify("json-invalid"),
        manifest("manifest-invalid-utf8", |text| {
            first(&text, "\"annotations\":{\"a\":\"?\"}")
                .into_iter()
                .map(|byte| if byte == b'?' { 0xc0 } else { byte })
                .collect()
        })
        .verify("json-invalid-utf8"),
        manifest("manifest-lone-surrogate", |text| first(&text, r#""annotations":{"a":"\ud800"}"#))
            .verify("json-invalid"),
        manifest("manifest-number-with-a-leading-zero", |text| first(&text, "\"x\":012"))
            .verify("json-invalid"),
        manifest("manifest-control-character-in-text", |text| first(&text, "\"x\":\"\n\""))
            .verify("json-invalid"),
        manifest("manifest-with-a-byte-order-mark", |text| format!("\u{feff}{text}").into_bytes())
            .verify("json-bom"),
        manifest("manifest-is-a-string", |_| b"\"{}\"".to_vec()).verify("json-not-object"),
        manifest("manifest-duplicate-key", |text| first(&text, "\"layers\":[]")).verify("json-duplicate-key"),
        manifest("manifest-duplicate-key-written-otherwise", |text| first(&text, r#""lay\u0065rs":[]"#))
            .verify("json-duplicate-key"),
        manifest("manifest-duplicate-annotation", |text| first(&text, r#""annotations":{"a":"1","a":"2"}"#))
            .verify("json-duplicate-key"),
        manifest("manifest-duplicate-key-in-an-unknown-field", |text| first(&text, r#""x":[{"a":1,"a":1}]"#))
            .verify("json-duplicate-key"),
        manifest("manifest-case-variant-key", |text| first(&text, "\"Layers\":[]"))
            .verify("json-case-variant-key"),
        manifest("manifest-case-variant-key-alone", |text| {
            text.replace("\"layers\"", "\"Layers\"").into_bytes()
        })
        .verify("json-case-variant-key"),
        manifest("manifest-case-variant-key-by-unicode", |text| first(&text, "\"layer\u{17f}\":[]"))
            .verify("json-case-variant-key")
            .because("Go's encoding/json takes the long s for an s"),
        manifest("manifest-case-variant-key-in-a-descriptor", |text| {
            text.replacen("\"digest\":", "\"Digest\":\"\",\"digest\":", 1).into_bytes()
        })
        .verify("json-case-variant-key"),
        manifest("manifest-nested-30-deep", |text| {
            first(&text, &format!("\"x\":{}{}", "[".repeat(30), "]".repeat(30)))
        })
        .verify("intact"),
        manifest("manifest-nested-500-deep", |text| {
            first(&text, &format!("\"x\":{}{}", "[".repeat(500), "]".repeat(500)))
        })
        .verify("json-too-deep"),
        manifest("manifest-nested-500-deep-in-objects", |text| {
            first(&text, &format!("\"x\":{}1{}", "{\"a\":".repeat(500), "}".repeat(500)))
        })
        .verify("json-too-deep"),
    ]
}

fn json_of_a_configuration() -> Vec<Case> {
    vec![
        config("configuration-not-json", |_| b"rootfs\n".to_vec()).verify("json-invalid"),
        config("configuration-is-a-list", |text| format!("[{text}]").into_bytes()).verify("json-not-object"),
        config("configuration-invalid-utf8", |text| {
            text.into_bytes().into_iter().map(|byte| if byte == b'/' { 0xff } else { byte }).collect()
        })
        .verify("json-invalid-utf8"),
        config("configuration-with-a-byte-order-mark", |text| format!("\u{feff}{text}").into_bytes())
            .verify("json-bom"),
        config("configuration-duplicate-key", |text| first(&text, "\"rootfs\":{}"))
            .verify("json-duplicate-key"),
        config("configuration-duplicate-diff-ids", |text| {
            text.replacen("\"diff_ids\":", "\"diff_ids\":[],\"diff_ids\":", 1).into_bytes()
        })
        .verify("json-duplicate-key"),
        config("configuration-duplicate-label", |text| {
            text.replacen("\"config\":{", "\"config\":{\"Labels\":{\"a\":\"1\",\"a\":\"2\"},", 1).into_bytes()
        })
        .verify("json-duplicate-key"),
        config("configuration-case-variant-key", |text| first(&text, "\"RootFS\":{}"))
            .verify("json-case-variant-key"),
        config("configuration-nested-500-deep", |text| {
            first(&text, &format!("\"x\":{}{}", "[".repeat(500), "]".repeat(500)))
        })
        .verify("json-too-deep"),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        index_value("index-schema-version-missing", |index| without(index, "schemaVersion"))
            .verify("schema-version"),
        index_value("index-schema-version-1", |index| with(index, "schemaVersion", 1))
            .verify("schema-version"),
        index_value("index-schema-version-string", |index| with(index, "schemaVersion", "2"))
            .verify("schema-version"),
        manifest_value("manifest-schema-version-missing", |manifest| without(manifest, "schemaVersion"))
            .verify("schema-version"),
        manifest_value("manifest-schema-version-3", |manifest| with(manifest, "schemaVersion", 3))
            .verify("schema-version"),
        index_value("index-manifests-null", |index| with(index, "manifests", Value::Null))
            .verify("index-no-manifests")
            .because("nothing was checked, so it is not valid"),
        index_value("index-manifests-empty", |index| with(index, "manifests", json!([])))
            .verify("index-no-manifests"),
        index_value("index-manifests-missing", |index| without(index, "manifests"))
            .verify("index-no-manifests"),
        index_value("index-manifests-is-an-object", |index| {
            with(index, "manifests", index["manifests"][0].clone())
        })
        .verify("manifest-malformed"),
        index_value("index-manifests-holds-a-string", |index| {
            with(index, "manifests", json!([index["manifests"][0]["digest"]]))
        })
        .verify("manifest-malformed"),
        layout("nested-index-manifests-empty", |l| {
            let inner = l.document(INDEX, &index_of(&[]));
            l.index(&[tagged(&inner, TAG)]);
        })
        .verify("index-no-manifests"),
        index_value("index-with-layers", |index| with(index, "layers", json!([])))
            .verify("ambiguous-manifest"),
        index_value("index-with-a-config", |index| with(index, "config", json!({})))
            .verify("ambiguous-manifest"),
        manifest_value("manifest-with-manifests", |manifest| with(manifest, "manifests", json!([])))
            .verify("ambiguous-manifest"),
        layout("nested-index-with-layers", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let both = with(&index_of(&[parts.manifest]), "layers", json!(parts.layers));
            let both = l.document(INDEX, &with(&both, "config", parts.config));
            l.index(&[tagged(&both, TAG)]);
        })
        .verify("ambiguous-manifest")
        .because("CVE-2021-41190: one digest, two images"),
        manifest_value("manifest-without-config", |manifest| without(manifest, "config"))
            .verify("manifest-no-config"),
        manifest_value("manifest-config-null", |manifest| with(manifest, "config", Value::Null))
            .verify("manifest-no-config"),
        manifest_value("manifest-without-layers", |manifest| without(manifest, "layers"))
            .verify("manifest-no-layers"),
        manifest_value("manifest-is-empty", |_| json!({"schemaVersion": 2, "mediaType": MANIFEST}))
            .verify("manifest-no-config manifest-no-layers"),
        manifest_value("manifest-config-is-a-string", |manifest| {
            with(manifest, "config", manifest["config"]["digest"].clone())
        })
        .verify("manifest-malformed"),
        manifest_value("manifest-layers-is-an-object", |manifest| {
            with(manifest, "layers", json!({"0": manifest["layers"][0]}))
        })
        .verify("manifest-malformed"),
        manifest_value("manifest-layers-holds-null", |manifest| {
            with(manifest, "layers", json!([manifest["layers"][0], null]))
        })
        .verify("manifest-malformed"),
        layout("schema-1-manifest", |l| {
            let manifest = l.document(SCHEMA_1, &schema_1());
            l.index(&[tagged(&manifest, TAG)]);
        })
        .verify("schema1-unsupported"),
        layout("schema-1-manifest-under-another-type", |l| {
            let manifest = l.document(MANIFEST, &schema_1());
            l.index(&[tagged(&manifest, TAG)]);
        })
        .verify("schema1-unsupported"),
    ]
}

fn schema_1() -> Value {
    let layer = crate::vectors::bytes::digest::of(&gzip::fixed(&greeting()));
    json!({
        "schemaVersion": 1, "name": "library/app", "tag": "v1", "architecture": "amd64",
        "fsLayers": [{"blobSum": layer}],
        "history": [{"v1Compatibility": "{\"id\":\"0\"}"}],
    })
}

fn media_types() -> Vec<Case> {
    let docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
    let unknown = "application/vnd.oci.descriptor.v1+json";
    vec![
        manifest_value("mediatype-of-a-manifest-is-an-indexs", |manifest| with(manifest, "mediaType", INDEX))
            .verify("mediatype-mismatch"),
        manifest_value("mediatype-of-a-manifest-is-dockers", |manifest| {
            with(manifest, "mediaType", docker_manifest)
        })
        .verify("mediatype-mismatch"),
        manifest_value("mediatype-of-a-manifest-is-empty", |manifest| with(manifest, "mediaType", ""))
            .verify("mediatype-mismatch"),
        layout("mediatype-of-a-nested-index-is-a-manifests", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let inner = l.document(INDEX, &with(&index_of(&[parts.manifest]), "mediaType", MANIFEST));
            l.index(&[tagged(&inner, TAG)]);
        })
        .verify("mediatype-mismatch"),
        layout("mediatype-of-an-index-for-a-manifest", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[with(&parts.manifest, "mediaType", INDEX)]);
        })
        .verify("mediatype-mismatch"),
        index_value("mediatype-of-index-json-is-a-manifests", |index| with(index, "mediaType", MANIFEST))
            .verify("index-wrong-type"),
        layout("index-json-is-a-manifest", |l| {
            let parts = sound_parts(l);
            l.index_text(&text::text(&manifest_of(&parts.config, &parts.layers)));
        })
        .verify("index-wrong-type"),
        layout("mediatype-unknown", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let other = l.blob(unknown, b"any bytes\n");
            l.index(&[tagged(&parts.manifest, TAG), other]);
        })
        .verify("warning:mediatype-unknown incomplete"),
        layout("mediatype-unknown-alone", |l| {
            let other = l.blob(unknown, b"any bytes\n");
            l.index(&[other]);
        })
        .verify("warning:mediatype-unknown incomplete"),
        layout("mediatype-unknown-and-altered", |l| {
            let other = l.blob(unknown, b"any bytes\n");
            l.index(std::slice::from_ref(&other));
            l.edit(&other, |bytes| bytes[0] ^= 1);
        })
        .verify("warning:mediatype-unknown blob-digest-mismatch"),
        layout("mediatype-missing-in-a-descriptor", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[without(&parts.manifest, "mediaType")]);
        })
        .verify("mediatype-missing"),
        layout("mediatype-of-a-configuration-missing", |l| {
            let parts = sound_parts(l);
            let config = without(&parts.config, "mediaType");
            l.plain_manifest(&manifest_of(&config, &parts.layers));
        })
        .verify("mediatype-missing"),
        layout("mediatype-of-a-layer-empty", |l| {
            let parts = sound_parts(l);
            let layer = with(&parts.layers[0], "mediaType", "");
            l.plain_manifest(&manifest_of(&parts.config, &[layer]));
        })
        .verify("mediatype-missing warning:mediatype-unknown"),
        layout("mediatype-of-every-layer-unknown", |l| {
            let layer = Layer { media_type: "application/octet-stream", ..Layer::gzip(&greeting()) };
            l.plain_of(&[layer]);
        })
        .verify("warning:mediatype-unknown incomplete")
        .because("the diffID says that the blob has another content, which nobody looked at"),
        layout("mediatype-unknown-of-a-layer-that-is-its-content", |l| {
            l.plain_of(&[Layer::new("application/octet-stream", b"plain".to_vec(), b"plain")]);
        })
        .verify("intact"),
        layout("mediatype-unknown-with-a-platform", |l| {
            let other = l.blob(unknown, b"any bytes\n");
            l.index(&[on(&other, "linux/amd64")]);
        })
        .row("verify --platform linux/amd64", "", "warning:mediatype-unknown platform-absent"),
        layout("mediatype-of-a-layer-unknown", |l| {
            let layer =
                Layer::new("application/vnd.oci.image.layer.v1.tar+lzma", b"sealed".to_vec(), b"other");
            l.plain_of(&[layer]);
        })
        .verify("warning:mediatype-unknown incomplete")
        .because("its content was not compared with the diffID, so it is not clean"),
        layout("mediatype-of-one-of-two-layers-unknown", |l| {
            let other = Layer::new("application/vnd.example.delta", b"sealed".to_vec(), b"other");
            l.plain_of(&[Layer::gzip(&greeting()), other]);
        })
        .verify("warning:mediatype-unknown incomplete"),
        layout("mediatype-of-a-layer-is-a-configurations", |l| {
            let config = l.document(CONFIG, &config_of(&[Layer::gzip(&greeting())]));
            let layer = with(&l.layer(&Layer::gzip(&greeting())), "mediaType", TAR_GZIP);
            l.plain_manifest(&manifest_of(&with(&config, "mediaType", TAR_GZIP), &[layer]));
        })
        .verify("intact")
        .because("a configuration that is no image's makes an artifact, whatever its layers are called"),
    ]
}
