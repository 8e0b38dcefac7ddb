//! Layers that others have compressed with zstd: verified, and built upon.

use std::{fs, path::Path, process::Command};

use castline_core::{Compression, Descriptor, Digest, Limits, Options, Watch, verify};
use castline_sources::{ImageBuilder, LayerSource, LayoutWriter, Reference};
use serde_json::json;
use xtask::{engines, images};

use crate::{built, paths, platform, tree, verified};

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    output.stdout
}

/// A frame that decoders are to skip (RFC 8878, 3.1.2).
fn skippable(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("small").to_le_bytes();
    [&[0x50 | kind, 0x2a, 0x4d, 0x18], &length[..], content].concat()
}

/// An image whose one layer is `blob`, which decompresses to what has the digest `diff_id`.
fn image(layout: &LayoutWriter, tag: &str, blob: &[u8], diff_id: &Digest) {
    let part = |kind: &str, bytes: &[u8]| {
        let stored = layout.write(bytes).expect("writes");
        Descriptor::new(format!("application/vnd.oci.image.{kind}"), stored.digest, stored.size)
    };
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]}});
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": part("config.v1+json", config.to_string().as_bytes()),
        "layers": [part("layer.v1.tar+zstd", blob)],
    });
    let manifest = part("manifest.v1+json", manifest.to_string().as_bytes());
    layout.name(Some(tag), &manifest).expect("names");
}

/// Builds upon an image, and says what is in the result.
fn built_upon(reference: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("on-top"), "on top").expect("writes");
    let reference: Reference = reference.parse().expect("a reference");
    let layer = LayerSource::file(folder.path().join("on-top")).at("/on-top");
    let (layout, _) = built(&ImageBuilder::new(platform()).with_base(reference).with_layer(layer));
    paths(&tree(layout.path()))
}

/// The digests of the images under a name, which has to be intact with all that it has.
fn intact(layout: &Path, limits: Limits) -> Result<(), Vec<String>> {
    let layout = LayoutWriter::create_or_open(layout).expect("opens").layout().expect("opens");
    let options = Options::default().with_rootfs(true).with_limits(limits);
    let report = verify(&layout, &options, &Watch::none()).expect("verifies").report;
    if report.is_complete() && report.findings.is_empty() {
        return Ok(());
    }
    Err(report.findings.iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect())
}

#[test]
fn what_the_zstd_program_writes_is_read_in_all_its_forms() {
    if !engines::available(&["zstd"], false) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    fs::create_dir(&files).expect("a folder");
    // More than one block, and more than compresses to nothing.
    let numbers = (0..200_000_u32).map(|number| number.wrapping_mul(0x9e37_79b9).to_string());
    let text = numbers.collect::<Vec<_>>().join(" ");
    fs::write(files.join("text"), &text).expect("writes");
    fs::write(files.join("again"), &text).expect("writes");
    let plain = ImageBuilder::new(platform())
        .with_layer(LayerSource::directory(&files))
        .with_compression(Compression::None);
    let (below, made) = built(&plain);
    let tar = below.path().join("blobs/sha256").join(made.layers[0].digest.encoded());
    let bytes = fs::read(&tar).expect("reads");
    let diff_id = &made.layers[0].diff_id;

    let zstd = |options: &[&str], input: &[u8]| {
        let path = folder.path().join("input");
        fs::write(&path, input).expect("writes");
        // From its standard input, so that it does not know the length, and takes the window that it is told.
        let shell = format!("exec zstd -q -c {} < \"$0\"", options.join(" "));
        run("sh", &["-c", &shell, &path.display().to_string()])
    };
    let (half, rest) = bytes.split_at(bytes.len() / 3);
    let forms: &[(&str, Vec<u8>)] = &[
        ("default", zstd(&[], &bytes)),
        ("no-check", zstd(&["--no-check"], &bytes)),
        ("best", zstd(&["-19"], &bytes)),
        ("fast", zstd(&["--fast=5"], &bytes)),
        ("long", zstd(&["--long=27"], &bytes)),
        ("long-single-thread", zstd(&["--single-thread", "--long=27", "-3"], &bytes)),
        ("frames", [zstd(&[], half), zstd(&["--no-check", "-1"], rest)].concat()),
        ("empty-frames", [zstd(&[], b""), zstd(&[], &bytes), zstd(&[], b"")].concat()),
        (
            "skippable",
            [
                skippable(0, b""),
                zstd(&[], half),
                skippable(15, b"a table of contents"),
                zstd(&["--long=27"], rest),
                // The footer of zstd:chunked is one.
                skippable(0, &[7; 64]),
            ]
            .concat(),
        ),
        ("stored", zstd(&["--no-compress-literals", "--fast=100"], &bytes)),
    ];
    for (name, blob) in forms {
        let layout = folder.path().join(name);
        image(&LayoutWriter::create_or_open(&layout).expect("opens"), "v1", blob, diff_id);
        assert_eq!(intact(&layout, Limits::default()), Ok(()), "{name}");
        let found = built_upon(&format!("oci:{}:v1", layout.display()));
        assert_eq!(found, ["", "again", "on-top", "text"], "{name}");
    }
    // The long window is really there, and what asks for more than is given is told so.
    let long = &forms.iter().find(|(name, _)| *name == "long").expect("it is there").1;
    assert_eq!(long[5], (27 - 10) << 3, "{:?}", &long[..8]);
    let small = Limits { zstd_window: 64 << 20, ..Limits::default() };
    let layout = folder.path().join("long");
    let findings = intact(&layout, small).expect_err("too much");
    assert!(
        findings.iter().any(|finding| finding.contains("limit-exceeded") && finding.contains("134217728")),
        "{findings:?}"
    );
    // And a bit that flipped in a frame with a checksum is found though the digest of the blob is right.
    let mut flipped = forms[0].1.clone();
    let end = flipped.len() - 1;
    flipped[end] ^= 1;
    let layout = folder.path().join("flipped");
    image(&LayoutWriter::create_or_open(&layout).expect("opens"), "v1", &flipped, diff_id);
    let findings = intact(&layout, Limits::default()).expect_err("altered");
    assert!(findings.iter().any(|finding| finding.contains("layer-zstd-corrupt")), "{findings:?}");
}

#[test]
fn images_of_others_with_zstd_and_estargz_are_built_upon() {
    let Some(images) = images::real() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut found = 0;
    for image in images.iter().filter(|image| image.name.contains("zstd") || image.name.contains("estargz")) {
        found += 1;
        let reference: Reference =
            image.reference(folder.path()).expect("a reference").parse().expect("a reference");
        let source = castline_sources::Source::open(&reference).expect("opens");
        let options = Options::default().with_rootfs(true).with_selection(reference.selection());
        let verification = verify(&source, &options, &Watch::none()).expect("verifies");
        assert!(verification.report.is_complete(), "{}: {:?}", image.name, verification.report.findings);
        let mut below = paths(verification.rootfs.values().next().expect("a tree"));
        let platform = verification.images[0].platform().cloned().expect("a platform");
        let top = folder.path().join("on-top");
        fs::write(&top, "on top").expect("writes");
        let layer = LayerSource::file(&top).at("/on-top");
        let (layout, _) = built(&ImageBuilder::new(platform).with_base(reference).with_layer(layer));
        below.push("on-top".into());
        below.sort();
        assert_eq!(paths(&tree(layout.path())), below, "{}", image.name);
    }
    assert_eq!(found, 2);
}

#[test]
fn what_skopeo_compresses_anew_is_intact() {
    if !engines::available(&["skopeo"], false) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("files");
    fs::create_dir(&files).expect("a folder");
    fs::write(files.join("text"), "text ".repeat(500_000)).expect("writes");
    let (layout, made) = built(&ImageBuilder::new(platform()).with_layer(LayerSource::directory(&files)));
    for format in ["zstd", "zstd:chunked"] {
        let copy = folder.path().join(format.replace(':', "-"));
        let (from, to) =
            (format!("oci:{}:v1", layout.path().display()), format!("oci:{}:v1", copy.display()));
        run("skopeo", &["copy", "--insecure-policy", "--dest-compress-format", format, &from, &to]);
        let verification = verified(&copy);
        let image = &verification.images[0];
        let layer = &image.layers()[0];
        assert!(layer.media_type.ends_with("+zstd"), "{format}: {}", layer.media_type);
        assert_eq!(image.config().expect("a configuration").diff_ids(), [made.layers[0].diff_id.clone()]);
        assert_eq!(paths(&tree(&copy)), paths(&tree(layout.path())), "{format}");
        assert_eq!(built_upon(&to), ["", "on-top", "text"], "{format}");
    }
}
