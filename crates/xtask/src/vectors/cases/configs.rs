//! Configurations and their diffIDs.

use serde_json::{Value, json};

use crate::vectors::{
    bytes::digest,
    case::{Case, Section},
    layout::{CONFIG, Layer, config_of, files, greeting, layout, manifest_of, with, without},
};

pub(super) fn sections() -> Vec<Section> {
    vec![Section { title: "Configurations and diffIDs", cases: cases() }]
}

/// An image of one layer whose configuration is edited.
fn config(name: &str, edit: impl FnOnce(&Value) -> Value) -> Case {
    of_layers(name, &[Layer::gzip(&greeting())], edit)
}

fn of_layers(name: &str, layers: &[Layer], edit: impl FnOnce(&Value) -> Value) -> Case {
    layout(name, |l| {
        let config = l.document(CONFIG, &edit(&config_of(layers)));
        let layers: Vec<_> = layers.iter().map(|layer| l.layer(layer)).collect();
        l.plain_manifest(&manifest_of(&config, &layers));
    })
}

/// An image of one layer whose `diff_ids` are given.
fn diff_ids(name: &str, ids: &Value) -> Case {
    config(name, |config| with(config, "rootfs", json!({"type": "layers", "diff_ids": ids})))
}

fn cases() -> Vec<Case> {
    let right = digest::of(&greeting());
    let other = digest::of(b"other bytes");
    let three = [Layer::gzip(&files("one\n")), Layer::tar(&files("two\n")), Layer::zstd(&files("three\n"))];
    let ids = |config: &Value| config["rootfs"]["diff_ids"].as_array().expect("a list").clone();
    vec![
        config("config-without-rootfs", |config| without(config, "rootfs")).verify("config-no-rootfs"),
        config("config-rootfs-null", |config| with(config, "rootfs", Value::Null)).verify("config-no-rootfs"),
        config("config-is-empty", |_| json!({})).verify("config-no-rootfs"),
        config("config-rootfs-is-a-string", |config| with(config, "rootfs", "layers"))
            .verify("manifest-malformed"),
        diff_ids("diffids-are-a-string", &json!(right)).verify("manifest-malformed"),
        diff_ids("diffid-malformed", &json!(["sha256:abcd"])).verify("diffid-malformed"),
        diff_ids("diffid-is-a-path", &json!(["sha256:../../etc/passwd"])).verify("diffid-malformed"),
        diff_ids("diffid-in-upper-case", &json!([right.to_uppercase().replace("SHA", "sha")]))
            .verify("diffid-malformed"),
        diff_ids("diffid-is-a-number", &json!([1])).verify("diffid-malformed"),
        diff_ids("diffid-is-null", &json!([null])).verify("diffid-malformed"),
        diff_ids("diffid-of-an-unknown-algorithm", &json!(["md5:b1946ac92492d2347c6235b4d2611184"]))
            .verify("digest-algorithm-unsupported"),
        diff_ids("diffid-mismatch", &json!([other])).verify("diffid-mismatch"),
        layout("diffid-is-the-blobs-digest", |l| {
            let layer = Layer::gzip(&greeting());
            let blob = digest::of(&layer.stored);
            l.plain_of(&[layer.with_diff_id(&blob)]);
        })
        .verify("diffid-mismatch")
        .because("a common mistake of builders: the digest of the compressed bytes"),
        of_layers("diffid-mismatch-of-the-second-of-three", &three, |config| {
            let ids = ids(config);
            with(config, "rootfs", json!({"type": "layers", "diff_ids": [ids[0], other, ids[2]]}))
        })
        .verify("diffid-mismatch"),
        of_layers("diffids-swapped", &three, |config| {
            let ids = ids(config);
            with(config, "rootfs", json!({"type": "layers", "diff_ids": [ids[1], ids[0], ids[2]]}))
        })
        .verify("diffid-mismatch diffid-mismatch"),
        of_layers(
            "diffids-differ-for-one-layer-twice",
            &[Layer::gzip(&greeting()), Layer::gzip(&greeting())],
            |config| with(config, "rootfs", json!({"type": "layers", "diff_ids": [right, other]})),
        )
        .verify("diffid-mismatch")
        .because("what the blob was found to be under one diffID must not answer for the other"),
        of_layers("diffids-too-few", &three, |config| {
            with(config, "rootfs", json!({"type": "layers", "diff_ids": ids(config)[..2]}))
        })
        .verify("diffid-count-mismatch"),
        of_layers("diffids-too-many", &three, |config| {
            let mut ids = ids(config);
            ids.push(json!(right));
            with(config, "rootfs", json!({"type": "layers", "diff_ids": ids}))
        })
        .verify("diffid-count-mismatch"),
        of_layers("diffids-too-few-and-one-wrong", &three, |config| {
            with(config, "rootfs", json!({"type": "layers", "diff_ids": [ids(config)[0], other]}))
        })
        .verify("diffid-count-mismatch diffid-mismatch"),
        diff_ids("diffids-null-with-a-layer", &Value::Null).verify("diffid-count-mismatch"),
        diff_ids("diffids-empty-with-a-layer", &json!([])).verify("diffid-count-mismatch"),
        config("diffids-missing-with-a-layer", |config| with(config, "rootfs", json!({"type": "layers"})))
            .verify("diffid-count-mismatch"),
        of_layers("diffid-without-a-layer", &[], |config| {
            with(config, "rootfs", json!({"type": "layers", "diff_ids": [right]}))
        })
        .verify("diffid-count-mismatch"),
    ]
}
