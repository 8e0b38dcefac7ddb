//! Which image of a layout is meant.

use crate::vectors::{
    bytes::digest,
    case::Section,
    layout::{Layer, TAG, digest_of, files, greeting, layout, tagged},
};

pub(super) fn sections() -> Vec<Section> {
    let cases = vec![
        layout("selected", |l| {
            let one = l.image(&[Layer::gzip(&files("one\n"))]);
            let two = l.image(&[Layer::gzip(&files("two\n"))]);
            l.index(&[tagged(&one.manifest, "one"), two.manifest.clone()]);
            let (one, two) = (digest_of(&one.manifest), digest_of(&two.manifest));
            l.expect("verify", &format!("@{two}"), "intact");
            l.expect("verify", &format!(":one@{one}"), "intact");
            l.expect("verify", &format!(":one@{two}"), "reference-not-found");
            l.expect("verify", &format!("@{}", digest::of(b"another image")), "reference-not-found");
        })
        .select(":one", "intact")
        .select(":@0", "intact")
        .select(":@1", "intact")
        .select(":@2", "reference-not-found")
        .select(":@4294967296", "reference-not-found")
        .select(":two", "reference-not-found")
        .select(":One", "reference-not-found")
        .because("a tag that leads to another digest than the one asked for leads nowhere"),
        layout("tag-with-colons", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[tagged(&parts.manifest, "busybox:1.38.0-musl")]);
        })
        .select(":busybox:1.38.0-musl", "intact")
        .select(":busybox", "reference-not-found"),
        layout("tag-with-control-characters", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[tagged(&parts.manifest, "v1\u{1b}[2J\n\u{202e}1v")]);
        })
        .verify("intact")
        .because("a name is data; whoever prints it escapes it (CVE-2026-53488)"),
        layout("one-of-two-is-broken", |l| {
            let good = l.image(&[Layer::gzip(&files("good\n"))]);
            let bad = l.image(&[Layer::gzip(&files("bad\n"))]);
            l.remove_blob(&bad.layers[0]);
            l.index(&[tagged(&good.manifest, "good"), tagged(&bad.manifest, "bad")]);
        })
        .verify("blob-missing")
        .select(":good", "intact")
        .select(":bad", "blob-missing"),
        layout("tag-on-two-images", |l| {
            let good = l.image(&[Layer::gzip(&files("good\n"))]);
            let bad = l.image(&[Layer::gzip(&files("bad\n"))]);
            l.remove_blob(&bad.layers[0]);
            l.index(&[tagged(&good.manifest, TAG), tagged(&bad.manifest, TAG)]);
        })
        .select(":v1", "blob-missing")
        .because("a tag that two images have means both: taking the first would pass over the other"),
        layout("a-broken-layer-of-two-images", |l| {
            let shared = Layer::gzip(&greeting());
            let one = l.image(&[shared.clone(), Layer::gzip(&files("one\n"))]);
            let two = l.image(&[shared, Layer::gzip(&files("two\n"))]);
            l.remove_blob(&one.layers[0]);
            l.index(&[one.manifest, two.manifest]);
        })
        .verify("blob-missing")
        .because("one blob, one finding; the finding names both images"),
    ];
    vec![Section { title: "Which image is meant", cases }]
}
