//! Every call that a writer makes, failing in every way, and a second one failing while that is put right.

use std::{collections::BTreeMap, io::Write as _, path::Path, sync::LazyLock};

use castline_core::{Descriptor, Digest, Options, Watch, verify};

use super::simulated::{Awaited, Crash, Fault, Simulated};
use crate::LayoutWriter;

const CRASHES: [Crash; 6] =
    [Crash::Process, Crash::Nothing, Crash::Some(1), Crash::Some(2), Crash::Some(3), Crash::Some(4)];

/// One of so many calls fails as the second one.
const STRIDE: u64 = 13;

const TAGS: [&str; 2] = ["v1", "v2"];

/// The blobs of an image, its manifest last.
struct Image {
    blobs: [Vec<u8>; 3],
    descriptor: Descriptor,
}

/// An image for each tag. Their layers are tars without entries.
static IMAGES: LazyLock<[Image; 2]> = LazyLock::new(|| {
    [1024, 1536].map(|length| {
        let layer = vec![0_u8; length];
        let digest = Digest::of(&layer);
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{digest}"]}}}}"#
        );
        let part = |kind: &str, bytes: &[u8]| {
            let (media_type, digest) = (format!("application/vnd.oci.image.{kind}"), Digest::of(bytes));
            Descriptor::new(media_type, digest, bytes.len() as u64)
        };
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": part("config.v1+json", config.as_bytes()),
            "layers": [part("layer.v1.tar", &layer)],
        })
        .to_string();
        let descriptor = part("manifest.v1+json", manifest.as_bytes());
        Image { blobs: [layer, config.into_bytes(), manifest.into_bytes()], descriptor }
    })
});

/// What a writer was told that is on the disk.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    blobs: BTreeMap<String, Vec<u8>>,
    names: usize,
}

impl Acknowledged {
    fn blob(&mut self, bytes: &[u8]) {
        self.blobs.insert(path_of(bytes), bytes.to_vec());
    }
}

#[test]
fn a_blob_that_its_reader_hashes_has_a_name_only_if_it_is_what_was_read() {
    let files = Simulated::default();
    let layout = LayoutWriter::open_in(Box::new(files.clone()), Path::new("/disk/layout")).expect("opens");
    let digest = Digest::of(b"right");
    for (bytes, read, is_right) in [
        (b"right", Some(Digest::of(b"right")), true),
        (b"right", None, true),
        (b"wrong", Some(Digest::of(b"wrong")), false),
        (b"wrong", None, false),
    ] {
        let mut blob = layout.resume_to_be_read(&digest).expect("begins");
        assert_eq!(blob.written(), 0, "what is wrong is not gone on with");
        blob.append(bytes).expect("writes");
        match blob.commit_read_as(read, &digest, 5) {
            Ok(stored) => assert!(is_right && stored.digest == digest && stored.size == 5),
            Err(error) => assert!(!is_right && error.code() == castline_core::ErrorCode::ContentMismatch),
        }
        assert_eq!(files.text(&path_of(b"right")).as_deref(), is_right.then_some(&b"right"[..]));
        if is_right {
            crate::store::files::Files::remove(&files, &path_of(b"right")).expect("removes");
        }
    }
}

fn path_of(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::of(bytes).encoded())
}

/// Opens the layout, and writes and names the images, up to the first error.
fn work(files: &Simulated) -> Acknowledged {
    let mut acknowledged = Acknowledged::default();
    // What is wrong is told by what is there, whatever the error.
    let _ = write(files, &mut acknowledged);
    acknowledged
}

fn write(files: &Simulated, acknowledged: &mut Acknowledged) -> crate::Result<()> {
    let layout = LayoutWriter::open_in(Box::new(files.clone()), Path::new("/disk/layout"))?;
    // One is hashed as it is written, one as it is read, by this writer itself.
    for ((image, tag), is_read) in IMAGES.iter().zip(TAGS).zip([false, true]) {
        let [layer, documents @ ..] = &image.blobs;
        let (digest, size) = (Digest::of(layer), layer.len() as u64);
        let resume = || if is_read { layout.resume_to_be_read(&digest) } else { layout.resume(&digest) };
        if !layout.has(&digest, size, &Watch::none())? {
            // Cut half way, and gone on with.
            let mut blob = resume()?;
            if blob.written() == 0 {
                blob.append(&layer[..500])?;
                drop(blob);
                blob = resume()?;
            }
            let written = usize::try_from(blob.written()).expect("small");
            blob.append(layer.get(written..).unwrap_or_default())?;
            if is_read {
                blob = blob.settle()?;
            }
            blob.commit_read_as(None, &digest, size)?;
        }
        acknowledged.blob(layer);
        for document in documents {
            if !layout.has(&Digest::of(document), document.len() as u64, &Watch::none())? {
                layout.write(document)?;
            }
            acknowledged.blob(document);
        }
        layout.name(Some(tag), &image.descriptor)?;
        acknowledged.names += 1;
    }
    Ok(())
}

/// Every `index.json` that there may ever be: the one of no images, of the first, of both.
fn indexes() -> Vec<Vec<u8>> {
    let files = Simulated::default();
    let layout = LayoutWriter::open_in(Box::new(files.clone()), Path::new("/disk/layout")).expect("opens");
    let mut indexes = vec![files.text("index.json").expect("is there")];
    for (image, tag) in IMAGES.iter().zip(TAGS) {
        layout.name(Some(tag), &image.descriptor).expect("names");
        indexes.push(files.text("index.json").expect("is there"));
    }
    indexes
}

/// What is acknowledged is there; what is there is what its name says; what is named is there as a whole. Else what is not.
fn check(files: &Simulated, acknowledged: &Acknowledged, indexes: &[Vec<u8>]) -> Result<(), String> {
    let has = |bytes: &Vec<u8>| files.text(&path_of(bytes)).as_ref() == Some(bytes);
    if let Some((path, _)) = acknowledged.blobs.iter().find(|(_, bytes)| !has(bytes)) {
        return Err(format!("{path} was acknowledged"));
    }
    let misnamed = |path: &&String| {
        path.starts_with("blobs/") && path_of(&files.text(path).unwrap_or_default()) != **path
    };
    if let Some(path) = files.files().iter().find(misnamed) {
        return Err(format!("{path} has other bytes"));
    }
    let named = match files.text("index.json") {
        None => 0,
        Some(text) => indexes
            .iter()
            .position(|index| *index == text)
            .ok_or_else(|| format!("the index is `{}`", String::from_utf8_lossy(&text)))?,
    };
    if named < acknowledged.names {
        return Err(format!("{named} names, and {} were acknowledged", acknowledged.names));
    }
    if !IMAGES[..named].iter().flat_map(|image| &image.blobs).all(has) {
        return Err(format!("an image of {named} lacks a blob"));
    }
    match files.text("oci-layout") {
        Some(marker) if marker != br#"{"imageLayoutVersion":"1.0.0"}"# => Err("the marker is cut".into()),
        Some(_) if files.text("index.json").is_none() => Err("a marker without an index".into()),
        _ => Ok(()),
    }
}

fn assert_sound(files: &Simulated, acknowledged: &Acknowledged, indexes: &[Vec<u8>], what: &str) {
    if let Err(error) = check(files, acknowledged, indexes) {
        panic!("{what}: {error}");
    }
}

/// Somebody who tries again writes all, and leaves nothing else.
fn assert_mended(files: &Simulated, indexes: &[Vec<u8>], what: &str) {
    let mut acknowledged = Acknowledged::default();
    write(files, &mut acknowledged).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(acknowledged.names, 2);
    assert_sound(files, &acknowledged, indexes, what);
    let mut expected: Vec<String> =
        IMAGES.iter().flat_map(|image| &image.blobs).map(|blob| path_of(blob)).collect();
    expected.extend(["index.json".to_owned(), "oci-layout".to_owned()]);
    expected.sort();
    assert_eq!(files.files(), expected, "{what}");
    // And it is on the disk.
    files.restart(Crash::Nothing);
    assert_sound(files, &acknowledged, indexes, what);
}

fn calls_of(files: &Simulated) -> u64 {
    let begun = files.calls();
    work(files);
    files.calls() - begun
}

#[test]
fn what_is_written_without_a_fault_is_verified() {
    let files = Simulated::default();
    assert_mended(&files, &indexes(), "without a fault");
    let options = Options::default().with_unreferenced(true);
    let verification = verify(&files, &options, &Watch::none()).expect("verifies");
    assert!(verification.report.is_complete(), "{:?}", verification.report.findings);
    assert_eq!((verification.images.len(), verification.report.findings.len()), (2, 0));
}

/// The disk of these tests is one on which each kind of fsync is needed.
#[test]
fn whichever_fsync_is_forgotten_something_is_lost() {
    let indexes = indexes();
    for awaited in [Awaited::File, Awaited::Folder, Awaited::Above] {
        let files = Simulated::default();
        files.forget(awaited);
        let acknowledged = work(&files);
        assert_eq!(acknowledged.names, 2);
        assert_eq!(check(&files, &acknowledged, &indexes), Ok(()));
        files.restart(Crash::Nothing);
        assert!(check(&files, &acknowledged, &indexes).is_err(), "{awaited:?}");
    }
}

#[test]
fn acknowledged_is_there_whichever_call_fails_and_whichever_fails_after_that() {
    let indexes = indexes();
    let calls = calls_of(&Simulated::default());
    let (mut worlds, mut stopped) = (0_u64, 0_u64);
    for call in 0..calls {
        for fault in Fault::ALL {
            let files = Simulated::default();
            files.fail_at(call, fault);
            let acknowledged = work(&files);
            assert!(files.has_failed());
            stopped += u64::from(acknowledged.names < 2);
            for crash in CRASHES {
                let what = format!("call {call} {fault:?}, then {crash:?}");
                let crashed = files.copy();
                crashed.restart(crash);
                assert_sound(&crashed, &acknowledged, &indexes, &what);
                assert_mended(&crashed.copy(), &indexes, &what);
                worlds += 1;
                // The same, with a fault while that is put right: each of these calls in the world of some first call.
                for second in (call % STRIDE..).step_by(usize::try_from(STRIDE).expect("small")) {
                    let files = crashed.copy();
                    let fault = Fault::ALL[usize::try_from(second / STRIDE + call).expect("small") % 4];
                    files.fail_at(second, fault);
                    let mut later = work(&files);
                    if !files.has_failed() {
                        break;
                    }
                    later.blobs.extend(acknowledged.blobs.clone());
                    later.names = later.names.max(acknowledged.names);
                    let crash =
                        CRASHES[usize::try_from(second / 4 + call / 4).expect("small") % CRASHES.len()];
                    files.restart(crash);
                    let what = format!("{what}; then call {second} {fault:?}, then {crash:?}");
                    assert_sound(&files, &later, &indexes, &what);
                    assert_mended(&files, &indexes, &what);
                    worlds += 1;
                }
            }
        }
    }
    assert!(calls > 100 && stopped > calls && worlds > 10_000, "{calls} {stopped} {worlds}");
}

#[test]
fn after_a_failed_fsync_a_writer_acknowledges_nothing_more() {
    let mut refused = 0;
    for call in 0.. {
        let files = Simulated::default();
        let layout =
            LayoutWriter::open_in(Box::new(files.clone()), Path::new("/disk/layout")).expect("opens");
        files.fail_at(call, Fault::LostSync);
        let first = layout.write(b"one");
        if !files.has_failed() {
            break;
        }
        if first.is_ok() {
            continue;
        }
        match layout.write(b"two") {
            Ok(_) => assert!(files.text(&path_of(b"two")).is_some()),
            Err(error) => {
                assert!(error.to_string().contains("open the layout anew"), "{error}");
                assert_eq!(files.text(&path_of(b"two")), None);
                // Though it may look as if it were there.
                assert!(!layout.has(&Digest::of(b"one"), 3, &Watch::none()).is_ok_and(|there| there));
                refused += 1;
            }
        }
    }
    // Of the folders that blobs and blobs/sha256 are in, of the file, and of its folder.
    assert_eq!(refused, 4);
}

#[test]
fn what_a_dead_writer_left_goes_but_for_what_can_be_resumed_and_is_not_there() {
    let files = Simulated::default();
    let open = || LayoutWriter::open_in(Box::new(files.clone()), Path::new("/disk/layout")).expect("opens");
    let layout = open();
    let [one, two] = [b"one", b"two"].map(|bytes| Digest::of(bytes));
    let mut left = vec![layout.blob().expect("begins")];
    for digest in [&one, &two] {
        let mut blob = layout.resume(digest).expect("begins");
        blob.write_all(b"o").expect("writes");
        left.push(blob);
    }
    // Another writer is done with one of them.
    layout.write(b"one").expect("writes");
    let scratch = || files.files().into_iter().filter(|path| path.starts_with(".castline/")).count();
    open();
    assert_eq!(scratch(), 3, "their writer lives");
    files.restart(Crash::Process);
    drop(left);
    let layout = open();
    assert_eq!(scratch(), 1);
    assert_eq!(layout.resume(&two).expect("goes on").written(), 1);
}
