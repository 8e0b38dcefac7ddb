//! What umoci unpacks is the tree that castline merges: mtree(8) says so, and a scan of it shows no drift. Where castline
//! says that layers do not merge, umoci fails.
mod support;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use castline::{
    BlobName, BlobSource, Digest, FindingCode, Image, Options, Rootfs, Verification, Watch,
    drift::{Comparison, compare},
    sources::{Reference, ScanOptions, Source, scan},
};
use xtask::{engines, images};

fn verified(reference: &str) -> (Source, Verification) {
    let reference: Reference = reference.parse().expect("a reference");
    let source = Source::open(&reference).expect("opens");
    let options = Options::default().with_rootfs(true);
    let verification = castline::verify(&source, &options, &Watch::none()).expect("verifies");
    (source, verification)
}

fn umoci(layout: &Path, bundle: &Path) -> Output {
    // Without it umoci replaces a link to a folder by a folder, which engines do not.
    let command = ["unpack", "--keep-dirlinks", "--image"];
    let mut image = layout.as_os_str().to_owned();
    image.push(":v1");
    Command::new("umoci").args(command).arg(image).arg(bundle).output().expect("umoci starts")
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Compares a folder with a tree: by mtree(8), all that mtree(5) has (type, mode, owner, size, content, target); and by
/// a scan, which sees extended attributes, hard links, devices and times as well.
fn assert_is(folder: &Path, tree: &Rootfs, scratch: &Path, times: bool, name: &str) {
    let mut text = Vec::new();
    tree.write_mtree(&mut text).expect("memory");
    let file = scratch.join("mtree");
    fs::write(&file, &text).expect("writes");
    let output =
        Command::new("mtree").arg("-p").arg(folder).arg("-f").arg(&file).output().expect("mtree starts");
    assert!(output.status.success(), "{name}: {}", shown(&output));
    let scan = scan(folder, &ScanOptions::default(), &Watch::none()).expect("scans");
    let report = compare(tree, &scan, &Comparison::default().with_mtime(times));
    assert!(report.is_clean() && report.findings.is_empty(), "{name}: {:?}", report.findings);
}

#[test]
fn trees_of_the_vectors_are_what_umoci_unpacks() {
    if !engines::available(&["umoci", "mtree"], true) {
        return;
    }
    let layouts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/layouts");
    let scratch = tempfile::tempdir().expect("a folder");
    let (mut merged, mut refused) = (0, 0);
    for entry in fs::read_dir(&layouts).expect("the vectors") {
        let layout = entry.expect("an entry").path();
        let name = layout.file_name().expect("a name").to_string_lossy().into_owned();
        if !name.starts_with("tree-") {
            continue;
        }
        let bundle = scratch.path().join(&name);
        let unpacked = umoci(&layout, &bundle);
        let (_, verification) = verified(&format!("oci:{}:v1", layout.display()));
        if let Some(tree) = verification.rootfs.values().next() {
            assert!(unpacked.status.success(), "{name}: {}", shown(&unpacked));
            // The root has an entry before others, which change its time in umoci's hands.
            let times = name != "tree-names-in-other-spellings";
            assert_is(&bundle.join("rootfs"), tree, scratch.path(), times, &name);
            merged += 1;
        } else {
            let codes = verification.report.findings.iter().map(|finding| finding.code);
            assert_eq!(codes.collect::<Vec<_>>(), [FindingCode::RootfsConflict], "{name}");
            assert!(!unpacked.status.success(), "{name}: umoci unpacks it");
            refused += 1;
        }
    }
    assert!(merged >= 30 && refused >= 6, "{merged} trees, {refused} conflicts");
}

/// Writes one image of a source as a layout with the tag `v1`: umoci reads no nested index.
fn lay_out(image: &Image, source: &Source, layout: &Path) -> io::Result<()> {
    let config = image.config_descriptor().map(|config| config.digest.clone());
    let mut digests: Vec<Digest> = image.layers().iter().map(|layer| layer.digest.clone()).collect();
    digests.extend(config);
    fs::create_dir_all(layout.join("blobs/sha256"))?;
    for digest in digests {
        let name = BlobName::Digest(digest);
        let mut blob = source.open(&name).map_err(|fault| io::Error::other(format!("{fault:?}")))?;
        io::copy(&mut blob.reader, &mut fs::File::create(layout.join(name.path()))?)?;
    }
    let manifest = BlobName::Digest(image.digest().clone());
    fs::write(layout.join(manifest.path()), image.raw())?;
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json",
        "digest":"{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"v1"}}}}]}}"#,
        image.digest(),
        image.raw().len()
    );
    fs::write(layout.join("index.json"), index)
}

#[test]
fn trees_of_real_images_are_what_umoci_unpacks() {
    let Some(images) = images::real() else { return };
    if !engines::available(&["umoci", "mtree"], true) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for real in images {
        let (source, verification) = verified(&real.reference(scratch.path()).expect("a reference"));
        for image in &verification.images {
            let Some(tree) = verification.rootfs.get(image.digest()) else { continue };
            // An image out of a docker archive has no manifest.
            if image.config_descriptor().is_none() {
                continue;
            }
            let [layout, bundle] = ["layout", "bundle"].map(|kind| -> PathBuf {
                scratch.path().join(format!("{kind}-{}", image.digest().encoded()))
            });
            lay_out(image, &source, &layout).expect("writes");
            let unpacked = umoci(&layout, &bundle);
            let what = shown(&unpacked);
            // umoci 0.4.7 knows no zstd, and takes Docker's media types for unknown ones.
            if !unpacked.status.success() {
                assert!(what.contains("is not correct mediatype"), "{}: {what}", real.name);
                continue;
            }
            assert_is(&bundle.join("rootfs"), tree, scratch.path(), true, &real.name);
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} trees were compared");
}
