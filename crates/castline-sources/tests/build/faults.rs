use std::{fs, os::unix::net::UnixListener, path::Path, thread};

use castline_core::{Cancel, ErrorCode, Watch};
use castline_sources::{Error, ImageBuilder, LayerSource, LayoutWriter};

use crate::{built, platform};

fn refused(builder: &ImageBuilder) -> Error {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = LayoutWriter::create_or_open(folder.path()).expect("opens");
    let error = builder.build(&layout, &Watch::none()).expect_err("refused");
    // Nothing that was not finished is left.
    assert!(!folder.path().join(".castline").exists());
    error
}

fn of(folder: &Path) -> ImageBuilder {
    ImageBuilder::new(platform()).with_layer(LayerSource::directory(folder))
}

#[test]
fn what_no_layer_can_hold_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".wh.etc"), "").expect("writes");
    let error = refused(&of(folder.path()));
    assert!(error.to_string().contains(".wh.etc"), "{error}");
    fs::remove_file(folder.path().join(".wh.etc")).expect("removes");
    let _socket = UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let error = refused(&of(folder.path()));
    assert!(error.to_string().contains("socket; exclude it"), "{error}");
    let layer = LayerSource::directory(folder.path()).with_excluded("socket".parse().expect("a pattern"));
    built(&ImageBuilder::new(platform()).with_layer(layer));
}

#[test]
fn what_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing");
    for layer in [LayerSource::directory(&missing), LayerSource::file(&missing), LayerSource::tar(&missing)] {
        let error = refused(&ImageBuilder::new(platform()).with_layer(layer));
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(error.to_string().contains("missing"), "{error}");
    }
    let error = refused(&ImageBuilder::new(platform()).with_layer(LayerSource::file(folder.path())));
    assert!(error.to_string().contains("not a file"), "{error}");
}

#[test]
fn what_is_no_tar_becomes_no_layer() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    for content in [&b"hello"[..], &[b'x'; 1024], b"\x1f\x8bnot gzip"] {
        fs::write(&file, content).expect("writes");
        refused(&ImageBuilder::new(platform()).with_layer(LayerSource::tar(&file)));
    }
}

#[test]
fn nothing_is_built_upon_what_is_not_intact() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "content").expect("writes");
    let (base, image) = built(&of(folder.path()));
    let reference = format!("oci:{}:v1", base.path().display()).parse().expect("a reference");
    let above = ImageBuilder::new(platform()).with_base(reference);
    built(&above);
    let layer = base.path().join("blobs/sha256").join(image.layers[0].digest.encoded());
    let mut bytes = fs::read(&layer).expect("reads");
    bytes[20] ^= 1;
    fs::write(&layer, bytes).expect("writes");
    let error = refused(&above);
    assert_eq!(error.code(), ErrorCode::NotIntact);
    assert!(error.to_string().contains("blob-digest-mismatch"), "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("growing");
    fs::write(&path, vec![0; 8 << 20]).expect("writes");
    let stop = Cancel::default();
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.is_cancelled() {
                let mut file = fs::OpenOptions::new().append(true).open(&path).expect("opens");
                std::io::Write::write_all(&mut file, b"more").expect("writes");
            }
        });
        let error = refused(&of(folder.path()));
        stop.cancel();
        error
    });
    assert_eq!(error.code(), ErrorCode::SourceChanged);
    assert!(error.to_string().contains("growing"), "{error}");
}

#[test]
fn a_build_that_is_cancelled_stops_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), vec![1; 4 << 20]).expect("writes");
    let target = tempfile::tempdir().expect("a folder");
    let layout = LayoutWriter::create_or_open(target.path()).expect("opens");
    let cancel = Cancel::default();
    let stop = |_| cancel.cancel();
    let watch = Watch::none().with_cancel(&cancel).with_progress(&stop);
    let error = of(folder.path()).build(&layout, &watch).expect_err("stops");
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert!(!target.path().join("blobs").exists() && !target.path().join(".castline").exists());
}
