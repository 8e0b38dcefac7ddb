//! Cases that git cannot hold or that are too large for it. Written on demand.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write as _},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use crate::vectors::{
    bytes::{
        digest, gzip, json as text,
        tar::{Header, Tar},
        zstd,
    },
    case::{self, Case, Section, Tree},
    layout::{
        CONFIG, INDEX, Layer, Layout, MANIFEST, Parts, TAG, TAR_GZIP, TAR_ZSTD, config_of, descriptor,
        greeting, index_of, layout, manifest_of, path_of, tagged, with,
    },
};

/// A case that is made on the disk only.
struct Transient {
    name: &'static str,
    expected: &'static str,
    why: Option<&'static str>,
    make: Make,
}

/// Makes a case in its folder.
type Make = Box<dyn FnOnce(&Path) -> io::Result<()>>;

impl Transient {
    fn new(
        name: &'static str,
        expected: &'static str,
        make: impl FnOnce(&Path) -> io::Result<()> + 'static,
    ) -> Self {
        Self { name, expected, why: None, make: Box::new(make) }
    }

    /// A layout of plain files.
    fn layout(name: &'static str, expected: &'static str, build: impl FnOnce(&mut Layout) + 'static) -> Self {
        Self::new(name, expected, |place| {
            let mut l = Layout::new();
            build(&mut l);
            case::write(&l.tree, place)
        })
    }

    /// A layout of one image from which a file is taken away, with something else put in its place.
    fn replaced(
        name: &'static str,
        expected: &'static str,
        pick: fn(&Parts) -> String,
        make: fn(&Path) -> io::Result<()>,
    ) -> Self {
        Self::new(name, expected, move |place| {
            let mut l = Layout::new();
            let path = pick(&l.plain());
            l.remove(&path);
            case::write(&l.tree, place)?;
            make(&place.join(path))
        })
    }

    fn because(self, why: &'static str) -> Self {
        Self { why: Some(why), ..self }
    }
}

/// Every transient case, as the table lists it.
pub(in crate::vectors) fn sections() -> Vec<Section> {
    let listed = |Transient { name, expected, why, .. }| {
        let case = layout(name, |_| ()).verify(expected);
        Case { tree: Tree::new(), why, ..case }
    };
    let cases = all().into_iter().map(listed).collect();
    vec![Section { title: "Files that are none, bombs, and documents beyond the limit", cases }]
}

/// Writes the cases below `folder`, one at a time: some are large.
pub(in crate::vectors) fn write(folder: &Path) -> io::Result<()> {
    for Transient { name, make, .. } in all() {
        let place = folder.join("layouts").join(name);
        fs::create_dir_all(&place)?;
        make(&place)?;
    }
    Ok(())
}

fn all() -> Vec<Transient> {
    let mut cases = special_files();
    cases.extend(documents());
    cases.extend(bombs());
    cases
}

fn special_files() -> Vec<Transient> {
    let layer = |parts: &Parts| path_of(&parts.layers[0]);
    let index = |_: &Parts| "index.json".into();
    vec![
        Transient::replaced("blob-is-a-fifo", "blob-not-a-file", layer, fifo),
        Transient::replaced("blob-is-a-device", "blob-not-a-file", layer, device),
        Transient::replaced("blob-is-an-empty-folder", "blob-not-a-file", layer, folder),
        Transient::replaced("manifest-is-a-fifo", "blob-not-a-file", |parts| path_of(&parts.manifest), fifo),
        Transient::replaced("index-is-a-fifo", "index-not-a-file", index, fifo),
        Transient::replaced("index-is-an-empty-folder", "index-not-a-file", index, folder),
        Transient::replaced("oci-layout-is-a-fifo", "oci-layout-unreadable", |_| "oci-layout".into(), fifo),
        Transient::new("empty-folder", "oci-layout-missing index-missing", |_| Ok(())),
    ]
}

/// A document, filled up with spaces to a size.
fn padded(value: &Value, size: usize) -> Vec<u8> {
    let mut bytes = text::text(value);
    bytes.resize(size, b' ');
    bytes
}

/// An image whose manifest has a size, not yet in an index.
fn manifest_of_size(l: &mut Layout, size: usize) -> Value {
    let parts = l.image(&[Layer::gzip(&greeting())]);
    l.remove_blob(&parts.manifest);
    l.blob(MANIFEST, &padded(&manifest_of(&parts.config, &parts.layers), size))
}

fn documents() -> Vec<Transient> {
    let manifest = |name, expected, size| {
        Transient::layout(name, expected, move |l| {
            let manifest = manifest_of_size(l, size);
            l.index(&[tagged(&manifest, TAG)]);
        })
    };
    vec![
        manifest("manifest-of-4-mib", "intact", 4 << 20),
        manifest("manifest-of-4-mib-and-a-byte", "limit-exceeded", (4 << 20) + 1),
        manifest("manifest-of-100-mib", "limit-exceeded", 100 << 20),
        Transient::layout(
            "manifest-of-100-mib-that-claims-500-bytes",
            "blob-size-mismatch limit-exceeded",
            |l| {
                let manifest = manifest_of_size(l, 100 << 20);
                l.index(&[with(&manifest, "size", 500)]);
            },
        ),
        Transient::layout("configuration-of-5-mib", "limit-exceeded", |l| {
            let layer = Layer::gzip(&greeting());
            let config = l.blob(CONFIG, &padded(&config_of(std::slice::from_ref(&layer)), 5 << 20));
            let layer = l.layer(&layer);
            l.plain_manifest(&manifest_of(&config, &[layer]));
        }),
        Transient::layout("nested-index-of-5-mib", "limit-exceeded", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let inner = l.blob(INDEX, &padded(&index_of(&[parts.manifest]), 5 << 20));
            l.index(&[tagged(&inner, TAG)]);
        }),
        Transient::layout("index-of-5-mib", "limit-exceeded", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index_text(&padded(&index_of(&[parts.manifest]), 5 << 20));
        }),
        Transient::new("index-of-1-tib", "limit-exceeded", |place| {
            let mut l = Layout::new();
            l.plain();
            case::write(&l.tree, place)?;
            // Sparse: it takes no room on the disk, and whoever reads it whole never ends.
            File::options().write(true).open(place.join("index.json"))?.set_len(1 << 40)
        }),
        Transient::layout("manifest-nested-1000000-deep", "json-too-deep", |l| {
            let manifest = l.blob(MANIFEST, &[b"{\"x\":".to_vec(), vec![b'['; 1_000_000]].concat());
            l.index(&[tagged(&manifest, TAG)]);
        }),
        Transient::layout("artifact-file-of-5-mib", "intact", |l| {
            let config = l.blob("application/vnd.example.config", b"{}");
            let file = l.blob("text/plain", &vec![b'x'; 5 << 20]);
            l.plain_manifest(&manifest_of(&config, &[file]));
        })
        .because("the limit is for documents, not for what an artifact carries"),
        Transient::layout("layers-5000", "limit-exceeded", |l| {
            let layer = l.layer(&Layer::gzip(&greeting()));
            let mut config = config_of(&[]);
            config["rootfs"]["diff_ids"] = json!(vec![digest::of(&greeting()); 5000]);
            let config = l.document(CONFIG, &config);
            l.plain_manifest(&manifest_of(&config, &vec![layer; 5000]));
        }),
    ]
}

fn bombs() -> Vec<Transient> {
    vec![
        streamed("gzip-bomb-of-10-gib", TAR_GZIP, |blob| {
            let head = Tar::new().entry(&Header::new("zeros", b'0').binary_size(10 << 30), &[]).unfinished();
            let count = (10 << 30) / 1032;
            let (start, end) = gzip::bomb(&head, count);
            blob.write_all(&start)?;
            io::copy(&mut io::repeat(0).take(count), blob)?;
            blob.write_all(&end)
        }),
        streamed("zstd-bomb-of-2-gib", TAR_ZSTD, |blob| {
            let head = Tar::new().entry(&Header::new("zeros", b'0').size(2 << 30), &[]).unfinished();
            blob.write_all(&zstd::bomb(&head, (2 << 30) / (128 << 10)))
        }),
    ]
}

/// A layout whose one layer is written straight to the disk and has any diffID: nobody may come to compare it.
fn streamed(
    name: &'static str,
    media_type: &'static str,
    make: fn(&mut BufWriter<File>) -> io::Result<()>,
) -> Transient {
    Transient::new(name, "limit-exceeded", move |place| {
        let unnamed = place.join("layer");
        let mut blob = BufWriter::new(File::create(&unnamed)?);
        make(&mut blob)?;
        blob.into_inner()?;
        let bytes = fs::read(&unnamed)?;
        let layer = descriptor(media_type, &digest::of(&bytes), bytes.len());
        let mut l = Layout::new();
        let config = l.document(CONFIG, &config_of(&[Layer::new(media_type, Vec::new(), b"never reached")]));
        l.plain_manifest(&manifest_of(&config, std::slice::from_ref(&layer)));
        case::write(&l.tree, place)?;
        fs::rename(unnamed, place.join(path_of(&layer)))
    })
}

fn fifo(path: &Path) -> io::Result<()> {
    run(Command::new("mkfifo").arg(path))
}

/// The device of endless zeros; where only root may make one, a fifo, of which a verifier says the same.
fn device(path: &Path) -> io::Result<()> {
    let made = Command::new("mknod").arg(path).args(["c", "1", "5"]).output()?;
    if made.status.success() { Ok(()) } else { fifo(path) }
}

fn folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
