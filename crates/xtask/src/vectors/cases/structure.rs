//! The layout around the blobs: `oci-layout`, `index.json` as a file, indexes within indexes.

use serde_json::Value;

use crate::vectors::{
    bytes::{digest, json as text},
    case::{Case, Section},
    layout::{
        INDEX, Layer, Layout, MANIFEST, TAG, descriptor, files, flip_in_greeting, greeting, index_of, layout,
        path_of, tagged, with,
    },
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "oci-layout and index.json as files", cases: top() },
        Section { title: "Indexes within indexes", cases: nesting() },
    ]
}

fn marker(name: &str, text: &[u8]) -> Case {
    layout(name, |l| {
        l.plain();
        l.put("oci-layout", text);
    })
}

fn top() -> Vec<Case> {
    vec![
        layout("oci-layout-missing", |l| {
            l.plain();
            l.remove("oci-layout");
        })
        .verify("oci-layout-missing"),
        layout("oci-layout-is-a-folder", |l| {
            l.plain();
            l.remove("oci-layout");
            l.put("oci-layout/file", b"a folder needs a file to be kept by git\n");
        })
        .verify("oci-layout-unreadable"),
        marker("oci-layout-empty", b"").verify("oci-layout-unreadable"),
        marker("oci-layout-not-json", b"1.0.0\n").verify("oci-layout-unreadable"),
        marker("oci-layout-is-a-list", br#"["1.0.0"]"#).verify("oci-layout-unreadable"),
        marker("oci-layout-without-a-version", b"{}").verify("layout-version-missing"),
        marker("oci-layout-version-of-another-key", br#"{"version":"1.0.0"}"#)
            .verify("layout-version-missing"),
        marker("oci-layout-version-2", br#"{"imageLayoutVersion":"2.0.0"}"#)
            .verify("layout-version-unsupported"),
        marker("oci-layout-version-empty", br#"{"imageLayoutVersion":""}"#)
            .verify("layout-version-unsupported"),
        marker("oci-layout-with-unknown-fields", b"{\"imageLayoutVersion\": \"1.0.0\", \"x\": []}\n")
            .verify("intact"),
        layout("oci-layout-missing-and-a-layer-altered", |l| {
            let parts = l.plain_of(&[Layer::tar(&greeting())]);
            l.edit(&parts.layers[0], |bytes| flip_in_greeting(bytes));
            l.remove("oci-layout");
        })
        .verify("oci-layout-missing blob-digest-mismatch diffid-mismatch")
        .because("the rest is checked all the same"),
        layout("index-missing", |l| {
            l.plain();
            l.remove("index.json");
        })
        .verify("index-missing"),
        layout("index-and-oci-layout-missing", |l| {
            l.plain();
            l.remove("index.json");
            l.remove("oci-layout");
        })
        .verify("oci-layout-missing index-missing"),
        layout("index-is-a-folder", |l| {
            l.plain();
            let node = l.remove("index.json");
            l.tree.insert("index.json/index.json".into(), node);
        })
        .verify("index-not-a-file"),
    ]
}

fn nesting() -> Vec<Case> {
    vec![
        layout("index-8-deep", |l| {
            let index = nested(l, 8);
            l.index(&[tagged(&index, TAG)]);
        })
        .verify("intact"),
        layout("index-9-deep", |l| {
            let index = nested(l, 9);
            l.index(&[tagged(&index, TAG)]);
        })
        .verify("index-too-deep"),
        layout("index-9-deep-beside-a-sound-image", |l| {
            let index = nested(l, 9);
            let parts = l.image(&[Layer::gzip(&files("sound\n"))]);
            l.index(&[index, tagged(&parts.manifest, TAG)]);
        })
        .verify("index-too-deep")
        .select(":v1", "intact"),
        layout("index-cycle-of-one", |l| {
            let digest = digest::text("sha256", &[0xc1; 32]);
            let size = fixed_point(|size| index_of(&[descriptor(INDEX, &digest, size)]));
            let itself = descriptor(INDEX, &digest, size);
            l.put(&path_of(&itself), &text::text(&index_of(std::slice::from_ref(&itself))));
            l.index(&[tagged(&itself, TAG)]);
        })
        .verify("blob-digest-mismatch index-cycle")
        .because("a cycle needs a digest that lies; it must end all the same"),
        layout("index-cycle-of-two", |l| {
            let [a, b] = [0xa1, 0xb2].map(|byte| digest::text("sha256", &[byte; 32]));
            let size = fixed_point(|size| index_of(&[descriptor(INDEX, &a, size)]));
            let (a, b) = (descriptor(INDEX, &a, size), descriptor(INDEX, &b, size));
            l.put(&path_of(&a), &text::text(&index_of(std::slice::from_ref(&b))));
            l.put(&path_of(&b), &text::text(&index_of(std::slice::from_ref(&a))));
            l.index(&[tagged(&a, TAG)]);
        })
        .verify("blob-digest-mismatch blob-digest-mismatch index-cycle"),
        layout("index-fan-out", |l| {
            let mut inner = l.image(&[Layer::gzip(&greeting())]).manifest;
            for level in 0..7 {
                let twelve: Vec<_> = (0..12).map(|_| inner.clone()).collect();
                inner = l.document(INDEX, &with(&index_of(&twelve), "annotations", numbered(level)));
            }
            l.index(&[tagged(&inner, TAG)]);
        })
        .verify("intact")
        .because("12 to the power of 7 paths lead to one image: each document is read once"),
        layout("manifest-is-in-index-json-twice-with-two-platforms", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let one = crate::vectors::layout::on(&parts.manifest, "linux/amd64");
            let two = crate::vectors::layout::on(&parts.manifest, "linux/arm64");
            l.index(&[one, two]);
        })
        .verify("intact"),
        layout("index-lists-a-missing-manifest-beside-a-sound-image", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[parts.manifest, descriptor(MANIFEST, &digest::of(b"nowhere"), 400)]);
        })
        .verify("blob-missing")
        .because(
            "index.json promises its images; only an index below it may list platforms that are elsewhere",
        ),
        layout("nested-index-lists-a-missing-manifest-without-a-platform", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let missing = descriptor(MANIFEST, &digest::of(b"nowhere"), 400);
            let inner = l.document(INDEX, &index_of(&[parts.manifest, missing]));
            l.index(&[tagged(&inner, TAG)]);
        })
        .verify("blob-missing"),
    ]
}

/// An image below that many indexes.
fn nested(l: &mut Layout, levels: usize) -> Value {
    let mut inner = l.image(&[Layer::gzip(&greeting())]).manifest;
    for _ in 0..levels {
        inner = l.document(INDEX, &index_of(&[inner]));
    }
    inner
}

fn numbered(level: u32) -> Value {
    serde_json::json!({"level": level.to_string()})
}

/// The size of a document that tells its own size.
fn fixed_point(document: impl Fn(usize) -> Value) -> usize {
    let mut size = 0;
    loop {
        let next = text::text(&document(size)).len();
        if next == size {
            return size;
        }
        size = next;
    }
}
