//! How archives are opened: within limits, telling how far the work is, and no longer than it is wanted.

mod support;

use std::{
    cell::Cell,
    fs,
    io::{self, Read},
    sync::Mutex,
};

use castline::{
    BlobSource as _, Cancel, ErrorCode, FindingCode, Format, Limits, Progress, Watch,
    sources::{Archive, Error, Reference, Source},
};
use support::{gzip, tar, zstd};

/// Members as they stand in a tar that goes on.
fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut member = tar(name, content);
    member.truncate(member.len() - 1024);
    member
}

/// A tar that does not compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    tar("noise", &(0..bytes).map(|_| next()).collect::<Vec<u8>>())
}

/// The code, what is expected, and the text of the findings that an archive has once it is open.
fn findings(archive: &[u8], limits: &Limits) -> Vec<(FindingCode, String, String)> {
    let archive = Archive::from_reader(archive, Format::DockerArchive, limits).expect("memory can be read");
    let findings = archive.findings().into_iter();
    findings.map(|found| (found.code, found.expected.unwrap_or_default(), found.message)).collect()
}

#[test]
fn past_a_limit_an_archive_is_refused() {
    let zeros = tar("zeros", &vec![0; 4 << 20]);
    let bomb = Limits { expansion: 64, expansion_grace: 1 << 20, ..Limits::default() };
    let names = |bytes| Limits { archive_name_bytes: bytes, ..Limits::default() };
    let paths = |bytes| Limits { path_bytes: bytes, ..Limits::default() };
    let two = [member("abcd", b"1"), member("/efgh", b"2")].concat();
    let again = [member("abcd", b"1"), member("abcd", b"1")].concat();
    for (limit, archive, limits) in [
        ("", zeros.clone(), bomb.clone()),
        ("", gzip(&zeros), Limits::default()),
        ("", gzip(&zeros), Limits { expansion: 1 << 20, ..bomb.clone() }),
        ("", gzip(&zeros), Limits { expansion_grace: 8 << 20, ..bomb.clone() }),
        ("", zstd(&noise(2 << 20)), bomb.clone()),
        ("expansion <= 64", gzip(&zeros), bomb.clone()),
        ("expansion <= 64", zstd(&zeros), bomb.clone()),
        ("expansion <= 0", zstd(&zeros), Limits { expansion: 0, ..bomb.clone() }),
        ("archiveBytes <= 1000", zeros.clone(), Limits { archive_bytes: 1000, ..bomb }),
        ("", two.clone(), names(8)),
        ("archiveNameBytes <= 7", two.clone(), names(7)),
        ("archiveNameBytes <= 7", gzip(&two), names(7)),
        ("archiveNameBytes <= 7", again, names(7)),
        ("", two.clone(), paths(5)),
        ("pathBytes <= 4", two.clone(), paths(4)),
        ("entries <= 1", two, Limits { entries: 1, ..Limits::default() }),
    ] {
        let found = findings(&archive, &limits);
        let found = found.iter().map(|(code, expected, _)| (*code, &**expected)).collect::<Vec<_>>();
        let expected = if limit.is_empty() { vec![] } else { vec![(FindingCode::LimitExceeded, limit)] };
        assert_eq!(found, expected, "of {} bytes", archive.len());
    }
}

#[test]
fn a_bomb_is_given_up_on_before_it_is_read_as_a_whole() {
    let bomb = gzip(&tar("zeros", &vec![0; 256 << 20]));
    let read = Cell::new(0);
    let stream = Reads { source: &bomb[..], on_read: || read.set(read.get() + 1) };
    let limits = Limits { expansion: 64, expansion_grace: 16 << 20, ..Limits::default() };
    let archive = Archive::from_reader(stream.take(1 << 40), Format::OciLayout, &limits).expect("opens");
    assert_eq!(archive.findings()[0].code, FindingCode::LimitExceeded);
    assert!(read.get() < 40, "{} of {} KiB", read.get() * 4, bomb.len() >> 10);
}

#[test]
fn duplicates_are_named_up_to_a_number_and_counted_beyond() {
    let members =
        |content: &[u8]| (0..40).flat_map(|at| member(&format!("m{at}"), content)).collect::<Vec<_>>();
    let archive = [members(b"1"), members(b"2"), members(b"3")].concat();
    let found = findings(&archive, &Limits::default());
    assert!(found.iter().all(|(code, ..)| *code == FindingCode::ArchiveDuplicateEntry));
    assert_eq!(found.len(), 17);
    assert_eq!(found[0].2, "the archive has two members called m0, which differ");
    assert_eq!(found[16].2, "the archive has 24 more names with two members that differ");
}

/// Yields at most 4 KiB at a time, and does something first.
struct Reads<R, F> {
    source: R,
    on_read: F,
}

impl<R: Read, F: Fn()> Read for Reads<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.on_read)();
        let most = buffer.len().min(4 << 10);
        self.source.read(&mut buffer[..most])
    }
}

/// Bytes over and over.
struct Endless<'a>(&'a [u8], usize);

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&self.0[self.1..]).read(buffer)?;
        self.1 = (self.1 + count) % self.0.len();
        Ok(count)
    }
}

#[test]
fn a_stream_is_not_read_once_nobody_wants_it() {
    let (plain, empty, skippable) =
        (member("a", &[b'a'; 5000]), gzip(b""), b"\x50\x2a\x4d\x18\x04\0\0\0skip");
    let compressed = gzip(&noise(1 << 20));
    // Of the second and the third not a byte comes out, ever.
    for endless in [&plain[..], &empty, skippable, &zstd(&plain), &compressed] {
        let (cancel, reads) = (Cancel::default(), Cell::new(0));
        let on_read = || {
            reads.set(reads.get() + 1);
            if reads.get() == 20 {
                cancel.cancel();
            }
        };
        let stream = Reads { source: Endless(endless, 0), on_read };
        let watch = Watch::none().with_cancel(&cancel);
        let opened = Archive::from_reader_watched(stream, Format::OciLayout, &Limits::default(), &watch);
        assert!(matches!(opened, Err(Error::Cancelled)), "{opened:?}");
        assert_eq!(reads.get(), 20);
    }
}

/// An archive in a file, and the reference to it.
fn stored(archive: &[u8]) -> (tempfile::TempDir, Reference) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join("archive");
    fs::write(&path, archive).expect("writable");
    let reference = format!("oci-archive:{}", path.display()).parse().expect("a reference");
    (folder, reference)
}

fn large() -> [Vec<u8>; 3] {
    let members: Vec<u8> =
        (0..400).flat_map(|at| member(&format!("m{at}"), &[b'x'; 10_000])).chain(noise(4 << 20)).collect();
    [gzip(&members), zstd(&members), members]
}

#[test]
fn opening_an_archive_can_be_cancelled_at_any_report() {
    for archive in large() {
        let (_folder, reference) = stored(&archive);
        for at in [0, 1, 3] {
            let (cancel, reports) = (Cancel::default(), Mutex::new(0));
            if at == 0 {
                cancel.cancel();
            }
            let stop = |_| {
                let mut reports = reports.lock().expect("no panic");
                *reports += 1;
                if *reports == at {
                    cancel.cancel();
                }
            };
            let watch = Watch::none().with_cancel(&cancel).with_progress(&stop);
            let error = Source::open_watched(&reference, &Limits::default(), &watch).expect_err("cancelled");
            assert_eq!((error.code(), &*error.to_string()), (ErrorCode::Cancelled, "cancelled"));
            assert_eq!(*reports.lock().expect("no panic"), at);
        }
    }
}

#[test]
fn opening_an_archive_tells_how_much_of_it_was_read() {
    for archive in large() {
        let (_folder, reference) = stored(&archive);
        let length = archive.len() as u64;
        let seen = Mutex::new(Vec::<Progress>::new());
        let note = |progress| seen.lock().expect("no panic").push(progress);
        let watch = Watch::none().with_progress(&note);
        Source::open_watched(&reference, &Limits::default(), &watch).expect("opens");
        let of_file = seen.lock().expect("no panic").split_off(0);
        assert!(of_file.len() as u64 > length >> 21, "only {} calls", of_file.len());
        assert!(of_file.iter().all(|progress| progress.total_bytes == length && progress.total_blobs == 0));
        assert!(of_file.is_sorted_by_key(|progress| progress.bytes));
        let last = of_file.last().expect("progress").bytes;
        assert!(last <= length && last + (5 << 20) > length, "{last} of {length}");
        Archive::from_reader_watched(&archive[..], Format::OciLayout, &Limits::default(), &watch)
            .expect("opens");
        let of_stream = seen.lock().expect("no panic").split_off(0);
        assert!(of_stream.iter().all(|progress| progress.total_bytes == 0));
        assert_eq!(of_stream.last().expect("progress").bytes, length);
    }
}
