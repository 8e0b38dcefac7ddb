//! How a verification behaves while it works: it stops when asked, tells how far it is, and never hangs.

mod support;

use std::{
    io::{self, Read},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use castline::{
    Blob, BlobName, BlobSource, Cancel, Digest, Error, FindingCode, Format, Level, Limits, OpenFault,
    Options, Progress, Stored, Watch,
};
use support::{Form, Memory, tar};

/// 8 layers of 4 MiB.
fn large() -> Memory {
    let content = |seed: u8| {
        let mut state = u32::from(seed) + 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0] & 0x1f
        };
        (0..4 << 20).map(|_| next()).collect::<Vec<u8>>()
    };
    let forms = [Form::Tar, Form::Gzip, Form::Zstd];
    let layers: Vec<_> = (0..8).map(|at| (forms[usize::from(at) % 3], tar("data", &content(at)))).collect();
    Memory::image(&layers)
}

#[test]
fn findings_beyond_the_limit_count_and_are_not_kept() {
    let mut image = Memory::image(&[]);
    let sound = image.clone();
    image.files.insert(
        "index.json".into(),
        format!(r#"{{"schemaVersion":2,"manifests":[{}0]}}"#, "0,".repeat(300_000)).into(),
    );
    let report = image.verify(&Options::default());
    assert!(report.findings.len() < 1_100, "{}", report.findings.len());
    assert!(report.findings.iter().any(|finding| finding.code == FindingCode::LimitExceeded));

    let missing =
        |at: u32| format!(r#"{{"mediaType":"x/y","size":1,"digest":"{}"}}"#, Digest::of(&at.to_be_bytes()));
    let missing: Vec<String> = (0..9_000).map(missing).collect();
    image.files.insert(
        "index.json".into(),
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, missing.join(",")).into(),
    );
    let report = image.verify(&Options::default());
    assert_eq!(report.findings.len(), 10_001);
    let last = report.findings.last().expect("a finding");
    assert_eq!((last.code, last.level), (FindingCode::LimitExceeded, Level::Error));

    let limits = Limits::default().with("findings", 0).expect("a limit");
    let options = Options::default().with_limits(limits).with_unreferenced(true);
    assert!(sound.verify(&options).is_complete());
    let mut stray = sound;
    stray.files.insert("stray".into(), Vec::new());
    let report = stray.verify(&options);
    assert!(report.is_complete());
    assert_eq!(report.findings.iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Info]);
}

/// A source that does something on every read of a layer.
struct Watched<F> {
    inner: Memory,
    on_read: F,
}

impl<F: Fn() + Sync> BlobSource for Watched<F> {
    fn format(&self) -> Format {
        self.inner.format()
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        let blob = self.inner.open(name)?;
        if blob.size.unwrap_or_default() < 1 << 20 {
            return Ok(blob);
        }
        Ok(Blob { size: blob.size, reader: Box::new(Reader(blob.reader, &self.on_read)) })
    }

    fn stored(&self) -> io::Result<Vec<Stored>> {
        self.inner.stored()
    }
}

struct Reader<'a, F>(Box<dyn Read + Send + 'a>, &'a F);

impl<F: Fn()> Read for Reader<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.1)();
        self.0.read(buffer)
    }
}

/// A source that keeps what it is told of.
struct Told {
    inner: Memory,
    blobs: Mutex<Vec<(BlobName, u64, Vec<Digest>)>>,
}

impl BlobSource for Told {
    fn format(&self) -> Format {
        self.inner.format()
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        self.inner.open(name)
    }

    fn hashed(&self, name: &BlobName, size: u64, digests: &[Digest]) {
        self.blobs.lock().expect("unpoisoned").push((name.clone(), size, digests.to_vec()));
    }

    fn stored(&self) -> io::Result<Vec<Stored>> {
        self.inner.stored()
    }
}

#[test]
fn a_source_is_told_what_each_blob_is_that_was_read_to_its_end() {
    for jobs in [1, 2, 4] {
        let mut inner = large();
        // One has other bytes than its name says, one cannot be decompressed, one is not there.
        let mut layers: Vec<String> = inner
            .files
            .iter()
            .filter(|(_, bytes)| bytes.len() > 1 << 20)
            .map(|(path, _)| path.clone())
            .collect();
        let gzip = layers.iter().position(|path| inner.files[path].starts_with(&[0x1f, 0x8b])).expect("one");
        let cut = layers.swap_remove(gzip);
        inner.files.get_mut(&cut).expect("a layer")[1 << 20..][..64].fill(0xff);
        inner.files.get_mut(&layers[0]).expect("a layer").push(0);
        inner.files.remove(&layers.remove(1));
        layers.push(cut);
        layers.sort();
        let told = Told { inner, blobs: Mutex::default() };
        let options = options(jobs);
        castline::verify(&told, &options, &Watch::none()).expect("verified");
        let mut blobs = told.blobs.into_inner().expect("unpoisoned");
        blobs.sort();
        let paths: Vec<String> = blobs.iter().map(|(name, ..)| name.path()).collect();
        assert_eq!(paths, layers);
        for (name, size, digests) in blobs {
            let bytes = &told.inner.files[&name.path()];
            assert_eq!((size, digests), (bytes.len() as u64, vec![Digest::of(bytes)]));
        }
    }
}

fn options(jobs: usize) -> Options {
    Options::default().with_jobs(NonZeroUsize::new(jobs).expect("not 0"))
}

#[test]
fn a_cancelled_verification_reads_at_most_one_more_chunk_per_job() {
    for jobs in [1, 2, 4] {
        let cancel = Cancel::default();
        let reads = AtomicU64::new(0);
        let source = Watched {
            inner: Memory { stride: 256 << 10, ..large() },
            on_read: || {
                if reads.fetch_add(1, Ordering::SeqCst) == 10 {
                    cancel.cancel();
                }
            },
        };
        let outcome = castline::verify(&source, &options(jobs), &Watch::none().with_cancel(&cancel));
        assert!(matches!(outcome, Err(Error::Cancelled)), "{jobs} jobs");
        let after = reads.load(Ordering::SeqCst) - 11;
        assert!(after <= jobs as u64, "{jobs} jobs: {after} reads after the cancellation");
    }
}

#[test]
fn a_cancelled_search_for_what_nothing_refers_to_stops() {
    let mut inner = Memory { stride: 256 << 10, ..Memory::image(&[(Form::Tar, tar("small", b"1"))]) };
    inner.put(vec![1; 8 << 20]);
    let cancel = Cancel::default();
    let reads = AtomicU64::new(0);
    let source = Watched {
        inner,
        on_read: || {
            if reads.fetch_add(1, Ordering::SeqCst) == 3 {
                cancel.cancel();
            }
        },
    };
    let options = options(2).with_unreferenced(true);
    let outcome = castline::verify(&source, &options, &Watch::none().with_cancel(&cancel));
    assert!(matches!(outcome, Err(Error::Cancelled)));
    assert_eq!(reads.load(Ordering::SeqCst), 4);
}

#[test]
fn what_is_cancelled_before_it_starts_reads_no_layer() {
    let cancel = Cancel::default();
    cancel.cancel();
    let source = Watched { inner: large(), on_read: || panic!("it was read") };
    let outcome = castline::verify(&source, &options(2), &Watch::none().with_cancel(&cancel));
    assert!(matches!(outcome, Err(Error::Cancelled)));
}

#[test]
fn a_source_that_panics_does_not_hang_the_others() {
    for jobs in [1, 2, 4] {
        let reads = AtomicU64::new(0);
        let source = Watched {
            inner: large(),
            on_read: || assert!(reads.fetch_add(1, Ordering::SeqCst) < 7, "the source's own fault"),
        };
        let verify = || castline::verify(&source, &options(jobs), &Watch::none());
        assert!(catch_unwind(AssertUnwindSafe(verify)).is_err(), "{jobs} jobs");
    }
}

#[test]
fn a_source_that_fails_is_a_finding() {
    struct Failing(Memory);
    impl BlobSource for Failing {
        fn format(&self) -> Format {
            self.0.format()
        }
        fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
            let blob = self.0.open(name)?;
            let head = blob.reader.take(2 << 20);
            let reader: Box<dyn Read + Send> = Box::new(head.chain(Broken));
            Ok(if blob.size < Some(3 << 20) { self.0.open(name)? } else { Blob { size: blob.size, reader } })
        }
        fn stored(&self) -> io::Result<Vec<Stored>> {
            self.0.stored()
        }
    }
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    let report = castline::verify(&Failing(large()), &options(2), &Watch::none()).expect("verifies").report;
    assert!(!report.is_intact());
    let unreadable = report.findings.iter().filter(|finding| finding.code.to_string() == "blob-unreadable");
    assert!(unreadable.clone().count() > 0);
    assert!(unreadable.clone().all(|finding| finding.message.contains("the disk is on fire")));
}

#[test]
fn progress_ends_where_it_said_it_would() {
    let image = large();
    let seen = Mutex::new(Vec::<Progress>::new());
    let note = |progress| seen.lock().expect("no panic").push(progress);
    let report =
        castline::verify(&image, &options(2), &Watch::none().with_progress(&note)).expect("verifies").report;
    let seen = seen.into_inner().expect("no panic");
    let most = seen.iter().map(|progress| progress.bytes).max().expect("progress");
    let last = seen.iter().find(|progress| progress.bytes == most).expect("the last");
    assert_eq!((most, last.total_bytes), (report.bytes, report.bytes));
    assert_eq!(seen.iter().map(|progress| progress.blobs).max(), Some(report.blobs));
    assert!(
        seen.iter()
            .all(|progress| progress.total_bytes == report.bytes && progress.total_blobs == report.blobs)
    );
    assert!(seen.len() as u64 > report.bytes >> 20, "only {} calls", seen.len());
}
