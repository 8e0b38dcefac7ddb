//! A layout that is written, by several writers, after crashes, and when what comes is not what was announced.
#![cfg(unix)]

use std::{fs, io::Write as _, path::Path, thread};

use castline_core::{Algorithm, Descriptor, Digest, ErrorCode, Options, Watch, verify};
use castline_sources::{Layout, LayoutPruner, LayoutWriter};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn layout(folder: &tempfile::TempDir) -> LayoutWriter {
    LayoutWriter::create_or_open(folder.path().join("a/layout")).expect("opens")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn blob_file(layout: &LayoutWriter, digest: &Digest) -> std::path::PathBuf {
    layout.path().join("blobs").join(digest.algorithm().name()).join(digest.encoded())
}

#[test]
fn a_new_layout_is_an_empty_one_and_leaves_nothing_else_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    layout.write(b"one").expect("writes");
    drop(layout.blob().expect("begins"));
    assert_eq!(names(layout.path()), ["blobs", "index.json", "oci-layout"]);
    let again = LayoutWriter::create_or_open(layout.path()).expect("opens again");
    assert!(again.has(&Digest::of(b"one"), 3, &Watch::none()).expect("reads"));
}

#[test]
fn a_blob_has_its_name_when_it_is_whole_and_not_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512, Algorithm::Blake3] {
        let digest = Digest::of_with(&algorithm, b"content").expect("computed");
        let mut blob = layout.blob_with(&algorithm).expect("begins");
        blob.write_all(b"cont").expect("writes");
        assert!(!blob_file(&layout, &digest).exists());
        blob.write_all(b"ent").expect("writes");
        let stored = blob.commit_as(&digest, 7).expect("commits");
        assert_eq!((stored.digest, stored.size), (digest.clone(), 7));
        assert_eq!(fs::read(blob_file(&layout, &digest)).expect("is there"), b"content");
    }
    let other: Digest = "md5:d41d8cd98f00b204e9800998ecf8427e".parse().expect("a digest");
    assert_eq!(layout.resume(&other).expect_err("refused").code(), ErrorCode::Unsupported);
}

#[test]
fn what_is_not_what_was_announced_is_kept_by_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let digest = Digest::of(b"announced");
    for (content, size) in [(&b"something"[..], 9), (b"announced", 8), (b"announce", 9)] {
        let mut blob = layout.resume(&digest).expect("begins");
        assert_eq!(blob.written(), 0);
        blob.write_all(content).expect("writes");
        let error = blob.commit_as(&digest, size).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::ContentMismatch, "{error}");
        assert!(!blob_file(&layout, &digest).exists());
    }
    assert_eq!(names(layout.path()), ["index.json", "oci-layout"]);
}

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let digest = Digest::of(b"first second");
    {
        let layout = layout(&folder);
        let mut blob = layout.resume(&digest).expect("begins");
        blob.write_all(b"first ").expect("writes");
        // While that one is at it, another begins from the start.
        assert_eq!(layout.resume(&digest).expect("begins").written(), 0);
    }
    let layout = layout(&folder);
    assert_eq!(names(layout.path()), [".castline", "index.json", "oci-layout"]);
    let mut blob = layout.resume(&digest).expect("goes on");
    assert_eq!(blob.written(), 6);
    blob.write_all(b"second").expect("writes");
    blob.commit_as(&digest, 12).expect("commits");
    assert_eq!(names(layout.path()), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(layout.resume(&digest).expect("begins").written(), 0);
}

#[test]
fn a_partial_file_that_was_damaged_is_found_out_and_the_next_begins_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let digest = Digest::of(b"first second");
    layout.resume(&digest).expect("begins").write_all(b"first ").expect("writes");
    let partial = layout.path().join(".castline").join(&names(&layout.path().join(".castline"))[0]);
    fs::write(partial, b"fXrst ").expect("writes");
    let mut blob = layout.resume(&digest).expect("goes on");
    blob.write_all(b"second").expect("writes");
    assert_eq!(blob.commit_as(&digest, 12).expect_err("refused").code(), ErrorCode::ContentMismatch);
    assert_eq!(layout.resume(&digest).expect("begins").written(), 0);
}

#[test]
fn a_blob_that_a_crash_has_left_under_two_names_is_not_written_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let digest = layout.write(b"content").expect("writes").digest;
    let partial = layout.path().join(".castline").join(format!("partial-sha256-{}", digest.encoded()));
    fs::create_dir(layout.path().join(".castline")).expect("a folder");
    fs::hard_link(blob_file(&layout, &digest), &partial).expect("a link");
    let mut blob = layout.resume(&digest).expect("begins");
    assert_eq!(blob.written(), 0);
    blob.write_all(b"more").expect("writes");
    drop(blob);
    assert_eq!(fs::read(blob_file(&layout, &digest)).expect("is there"), b"content");
}

#[test]
fn a_damaged_blob_is_not_there_and_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let digest = layout.write(b"content").expect("writes").digest;
    let watch = Watch::none();
    for damage in [&b"cXntent"[..], b"content+", b""] {
        fs::write(blob_file(&layout, &digest), damage).expect("writes");
        assert!(!layout.has(&digest, 7, &watch).expect("reads"));
        layout.write(b"content").expect("writes");
        assert!(layout.has(&digest, 7, &watch).expect("reads"));
        assert!(!layout.has(&digest, 8, &watch).expect("reads"));
    }
}

#[test]
fn what_crashed_writers_left_goes_and_what_living_ones_write_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let mut living = layout.blob().expect("begins");
    living.write_all(b"alive").expect("writes");
    fs::write(layout.path().join(".castline/new-1-1"), b"dead").expect("writes");
    LayoutWriter::create_or_open(layout.path()).expect("sweeps");
    assert_eq!(names(&layout.path().join(".castline")).len(), 1);
    assert_eq!(living.commit().expect("commits").digest, Digest::of(b"alive"));
}

#[test]
fn many_writers_name_images_and_none_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layout");
    thread::scope(|scope| {
        for writer in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let layout = LayoutWriter::create_or_open(path).expect("opens");
                for image in 0..8 {
                    let stored = layout.write(format!("{writer} {image}").as_bytes()).expect("writes");
                    let descriptor = Descriptor::new(MANIFEST, stored.digest, stored.size);
                    layout.name(Some(&format!("v{writer}.{image}")), &descriptor).expect("names");
                    layout.name(Some("latest"), &descriptor).expect("names");
                }
            });
        }
    });
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(path.join("index.json")).expect("reads")).expect("JSON");
    assert_eq!(index["manifests"].as_array().expect("a list").len(), 8 * 8 + 1);
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
}

#[test]
fn a_folder_with_other_things_in_it_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.tex"), "").expect("writes");
    let error = LayoutWriter::create_or_open(folder.path()).expect_err("refused");
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(names(folder.path()), ["thesis.tex"]);
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).expect("writes");
    assert_eq!(LayoutWriter::create_or_open(&other).expect_err("refused").code(), ErrorCode::InvalidDocument);
}

#[test]
fn a_layout_whose_blobs_lie_elsewhere_is_not_written_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir_all(elsewhere.join("sha256")).expect("a folder");
    std::os::unix::fs::symlink(&elsewhere, layout.path().join("blobs")).expect("a link");
    assert!(layout.write(b"content").is_err());
    assert_eq!(names(&elsewhere.join("sha256")), Vec::<String>::new());
}

#[test]
fn names_that_no_layout_may_use_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let before = fs::read(layout.path().join("index.json")).expect("reads");
    let descriptor = Descriptor::new(MANIFEST, Digest::of(b""), 0);
    for name in ["", "a b", "../x", "a\u{1b}[31m"] {
        let error = layout.name(Some(name), &descriptor).expect_err("refused");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    assert_eq!(fs::read(layout.path().join("index.json")).expect("reads"), before);
    let report = verify(&Layout::open(layout.path()).expect("opens"), &Options::default(), &Watch::none());
    assert!(report.expect("verifies").images.is_empty());
}

/// Writes a JSON document, and returns its digest.
fn document(layout: &LayoutWriter, json: &serde_json::Value) -> Digest {
    layout.write(json.to_string().as_bytes()).expect("writes").digest
}

fn manifest(layout: &LayoutWriter, content: &str) -> (Digest, [Digest; 2]) {
    let blob = |content: String| layout.write(content.as_bytes()).expect("writes").digest;
    let (config, layer) = (blob(format!("{{\"of\":\"{content}\"}}")), blob(format!("layer of {content}")));
    let pointer = |digest: &Digest| serde_json::json!({"digest": digest.to_string(), "size": 1});
    let json = serde_json::json!({"config": pointer(&config), "layers": [pointer(&layer)]});
    (document(layout, &json), [config, layer])
}

/// The blobs that nothing needs, in words.
fn pruned(path: &Path, needed: &[&Digest]) -> Vec<Digest> {
    let pruner = LayoutPruner::open(path, |digest| needed.contains(&digest), &Watch::none()).expect("looks");
    pruner.blobs().iter().map(|blob| blob.digest.clone()).collect()
}

fn sorted<const N: usize>(mut digests: [Digest; N]) -> Vec<Digest> {
    digests.sort();
    digests.into()
}

#[test]
fn what_neither_a_name_nor_a_caller_leads_to_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let path = layout.path().to_owned();
    let (named, _) = manifest(&layout, "named");
    let (inner, _) = manifest(&layout, "inner");
    let index = document(&layout, &serde_json::json!({"manifests": [{"digest": inner.to_string()}]}));
    let (loose, [config, layer]) = manifest(&layout, "loose");
    let stray = layout.write(b"stray").expect("writes").digest;
    for (name, digest) in [("a", &named), ("b", &index)] {
        layout.name(Some(name), &Descriptor::new(MANIFEST, digest.clone(), 1)).expect("names");
    }
    let mut begun = layout.resume(&Digest::of(b"never whole")).expect("begins");
    begun.write_all(b"never").expect("writes");
    drop((begun, layout));
    fs::write(path.join("blobs/sha256/notes.txt"), "not ours").expect("writes");

    let all = sorted([loose.clone(), config.clone(), layer.clone(), stray.clone()]);
    assert_eq!(pruned(&path, &[]), all);
    let rest = vec![stray];
    assert_eq!(pruned(&path, &[&loose]), rest);
    assert_eq!(pruned(&path, &[&config]), rest, "an image may be known by its configuration only");
    assert_eq!(
        pruned(&path, &[&layer]),
        sorted([loose.clone(), config.clone(), rest[0].clone()]),
        "by nothing else"
    );

    let pruner = LayoutPruner::open(&path, |_| false, &Watch::none()).expect("looks");
    assert_eq!((pruner.kept(), pruner.unfinished(), pruner.unfinished_bytes()), (7, 1, 5));
    drop(pruner);
    assert_eq!(names(&path.join("blobs/sha256")).len(), 12, "looking removes nothing");
    let pruner = LayoutPruner::open(&path, |_| false, &Watch::none()).expect("looks");
    pruner.remove().expect("removes");
    assert_eq!(names(&path.join("blobs/sha256")).len(), 8);
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(pruned(&path, &[]), []);
}

#[test]
fn a_layout_that_is_written_to_is_not_pruned_and_one_that_is_pruned_not_written_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = layout(&folder);
    let path = writer.path().to_owned();
    let blob = writer.blob().expect("begins");
    let refused = |why: &str| {
        let error = LayoutPruner::open(&path, |_| false, &Watch::none()).expect_err(why);
        assert!(error.to_string().contains("is being written to"), "{error}");
    };
    refused("a writer is there");
    drop(writer);
    refused("a blob of it is");
    drop(blob);
    let pruner = LayoutPruner::open(&path, |_| false, &Watch::none()).expect("looks");
    refused("another one prunes it");
    let (sent, came) = std::sync::mpsc::channel();
    let waiting = thread::spawn({
        let path = path.clone();
        move || {
            let layout = LayoutWriter::create_or_open(path).expect("opens");
            sent.send(()).expect("somebody waits");
            layout.write(b"after").expect("writes").digest
        }
    });
    assert!(came.recv_timeout(std::time::Duration::from_millis(200)).is_err(), "it waits");
    pruner.remove().expect("removes");
    let digest = waiting.join().expect("it ends");
    assert!(path.join("blobs/sha256").join(digest.encoded()).exists());
}

#[test]
fn where_nobody_knows_what_is_needed_nothing_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = layout(&folder);
    let path = layout.path().to_owned();
    let (named, _) = manifest(&layout, "named");
    layout.name(Some("a"), &Descriptor::new(MANIFEST, named.clone(), 1)).expect("names");
    let file = blob_file(&layout, &named);
    drop(layout);
    let refused = |said: &str| {
        let error = LayoutPruner::open(&path, |_| false, &Watch::none()).expect_err(said);
        assert!(error.to_string().contains(said), "{error}");
    };
    let sound = fs::read(&file).expect("reads");
    fs::write(&file, b"{}").expect("writes");
    refused("not what its name says");
    fs::write(&file, [b"{".to_vec(), vec![b' '; 5 << 20]].concat()).expect("writes");
    refused("may be a document");
    fs::write(&file, sound).expect("writes");
    assert_eq!(pruned(&path, &[]), []);
    fs::write(path.join("index.json"), r#"{"manifests":[],"Manifests":[]}"#).expect("writes");
    refused("is written for `manifests`");
    fs::remove_file(path.join("index.json")).expect("removes");
    refused("it is not there");
    fs::remove_file(path.join("oci-layout")).expect("removes");
    refused("no image layout");
}
