use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread::sleep,
    time::{Duration, SystemTime},
};

use castline_core::{Watch, drift::Scan};
use castline_sources::{Cache, CacheFault, ScanOptions, scan, scan_with_cache};
use proptest::prelude::*;

use crate::folder;

/// Above the grain of change times.
const SETTLING: Duration = Duration::from_millis(20);

fn settle() {
    sleep(SETTLING * 2);
}

fn cached(root: &Path, cache: &mut Cache) -> Scan {
    scan_with_cache(root, &ScanOptions::default(), cache, &Watch::none()).expect("scans")
}

fn same(cached: &Scan, plain: &Scan) -> bool {
    (&cached.rootfs, &cached.unread, &cached.mounts) == (&plain.rootfs, &plain.unread, &plain.mounts)
}

fn plain(root: &Path) -> Scan {
    scan(root, &ScanOptions::default(), &Watch::none()).expect("scans")
}

fn sample() -> tempfile::TempDir {
    let folder = folder();
    fs::create_dir(folder.path().join("sub")).expect("makes");
    for (name, content) in [("a", "one"), ("b", ""), ("sub/c", "three"), ("sub/d", "four")] {
        fs::write(folder.path().join(name), content).expect("writes");
    }
    fs::write(folder.path().join("large"), vec![9; 2 << 20]).expect("writes");
    fs::hard_link(folder.path().join("a"), folder.path().join("sub/a")).expect("links");
    folder
}

/// Where change times cannot be trusted nothing is cached: on tmpfs, such as `/tmp` may be.
fn is_cached(root: &Path) -> bool {
    let mut cache = Cache::new().with_settling(SETTLING);
    cached(root, &mut cache);
    !cache.is_empty()
}

#[test]
fn what_the_cache_knows_is_not_read() {
    let folder = sample();
    settle();
    let mut cache = Cache::new().with_settling(SETTLING);
    let first = cached(folder.path(), &mut cache);
    let second = cached(folder.path(), &mut cache);
    assert!(same(&first, &second) && same(&first, &plain(folder.path())));
    if is_cached(folder.path()) {
        assert_eq!((cache.len(), second.bytes), (5, 0));
        fs::write(folder.path().join("sub/c"), "other").expect("writes");
        let third = cached(folder.path(), &mut cache);
        assert_eq!(third.bytes, 5, "one file changed");
        assert_eq!(cache.len(), 4, "a file that changed just now is not kept");
    } else {
        xtask::say("SKIPPED: hits of the cache. Set TMPDIR to a folder on a disk.");
    }
}

#[test]
fn files_that_changed_of_late_are_not_kept() {
    let folder = sample();
    let mut cache = Cache::new();
    cached(folder.path(), &mut cache);
    assert!(cache.is_empty());
}

#[test]
fn a_saved_cache_is_the_same_and_private() {
    let folder = sample();
    settle();
    let file = folder.path().parent().expect("a folder").join(format!("{}.cache", std::process::id()));
    let mut cache = Cache::load(&file).with_settling(SETTLING);
    assert!(cache.is_empty() && cache.fault().is_none(), "no file is no fault");
    cached(folder.path(), &mut cache);
    let digests = cache.len();
    cache.save(&file).expect("saves");
    assert!(!cache.is_changed());
    assert_eq!(fs::metadata(&file).expect("is there").permissions().mode() & 0o7777, 0o600);
    let mut loaded = Cache::load(&file).with_settling(SETTLING);
    assert_eq!((loaded.len(), loaded.fault()), (digests, None));
    let again = cached(folder.path(), &mut loaded);
    assert!(same(&again, &plain(folder.path())));
    assert!(!loaded.is_changed());
    assert!(digests == 0 || again.bytes == 0);

    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("permits");
        let fooled = Cache::load(&file);
        assert_eq!((fooled.len(), fooled.fault()), (0, Some(&CacheFault::Untrusted)), "{mode:o}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permits");
    let link = file.with_extension("link");
    std::os::unix::fs::symlink(&file, &link).expect("links");
    assert_eq!(Cache::load(&link).fault(), Some(&CacheFault::Untrusted));
    for path in [file, link] {
        fs::remove_file(path).expect("removes");
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Rewrite(usize, u8),
    Append(usize),
    KeepTime(usize, u8),
    Replace(usize, usize),
    Remove(usize),
    Permit(usize),
    Mark(usize, u8),
    Add(u8),
}

const FILES: [&str; 6] = ["a", "b", "sub/c", "sub/d", "large", "sub/a"];

fn mutate(root: &Path, mutation: &Mutation) {
    let at = |file: usize| root.join(FILES[file]);
    // A file may be gone by an earlier one.
    let _ = match mutation {
        Mutation::Rewrite(file, byte) => fs::write(at(*file), [*byte; 4]),
        Mutation::Append(file) => fs::read(at(*file)).and_then(|mut content| {
            content.push(0);
            fs::write(at(*file), content)
        }),
        // What an intruder does: the same size, the same time of modification.
        Mutation::KeepTime(file, byte) => fs::metadata(at(*file)).and_then(|metadata| {
            let size = usize::try_from(metadata.len()).expect("fits");
            fs::write(at(*file), vec![*byte; size])?;
            fs::File::options().write(true).open(at(*file))?.set_modified(metadata.modified()?)
        }),
        Mutation::Replace(from, to) => fs::rename(at(*from), at(*to)),
        Mutation::Remove(file) => fs::remove_file(at(*file)),
        Mutation::Permit(file) => fs::set_permissions(at(*file), fs::Permissions::from_mode(0o4711)),
        Mutation::Mark(file, byte) => {
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::lsetxattr(at(*file), "user.mark", &[*byte], flags).map_err(Into::into)
        }
        Mutation::Add(byte) => fs::write(root.join(format!("sub/new-{byte}")), [*byte]),
    };
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let file = 0..FILES.len();
    let one = prop_oneof![
        (file.clone(), any::<u8>()).prop_map(|(file, byte)| Mutation::Rewrite(file, byte)),
        file.clone().prop_map(Mutation::Append),
        (file.clone(), any::<u8>()).prop_map(|(file, byte)| Mutation::KeepTime(file, byte)),
        (file.clone(), file.clone()).prop_map(|(from, to)| Mutation::Replace(from, to)),
        file.clone().prop_map(Mutation::Remove),
        file.clone().prop_map(Mutation::Permit),
        (file, any::<u8>()).prop_map(|(file, byte)| Mutation::Mark(file, byte)),
        any::<u8>().prop_map(Mutation::Add),
    ];
    proptest::collection::vec(one, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_scan_with_the_cache_is_the_scan_without(steps in proptest::collection::vec(mutations(), 1..4)) {
        let folder = sample();
        let mut cache = Cache::new().with_settling(SETTLING);
        for step in steps {
            settle();
            prop_assert!(same(&cached(folder.path(), &mut cache), &plain(folder.path())));
            for mutation in &step {
                mutate(folder.path(), mutation);
            }
            prop_assert!(same(&cached(folder.path(), &mut cache), &plain(folder.path())), "{:?}", step);
        }
    }

    #[test]
    fn a_damaged_cache_is_empty_and_says_so(
        change in prop_oneof![
            (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, by)| (Some(at), by, None)),
            any::<prop::sample::Index>().prop_map(|length| (None, 0, Some(length))),
        ],
    ) {
        let folder = sample();
        settle();
        let mut cache = Cache::new().with_settling(SETTLING);
        cached(folder.path(), &mut cache);
        let home = crate::folder();
        let file = home.path().join("cache");
        cache.save(&file).expect("saves");
        let mut bytes = fs::read(&file).expect("reads");
        let (at, by, length) = change;
        if let Some(at) = at {
            let at = at.index(bytes.len());
            bytes[at] ^= by;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        fs::write(&file, &bytes).expect("writes");
        let mut cache = Cache::load(&file).with_settling(SETTLING);
        prop_assert_eq!((cache.len(), cache.fault()), (0, Some(&CacheFault::Damaged)));
        prop_assert!(same(&cached(folder.path(), &mut cache), &plain(folder.path())));
    }
}

/// The law above would not notice a clock that stands still.
#[test]
fn change_times_go_on() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "x").expect("writes");
    settle();
    let ctime = |path: &Path| {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::metadata(path).expect("is there");
        (metadata.ctime(), metadata.ctime_nsec())
    };
    let before = ctime(&path);
    fs::File::options()
        .write(true)
        .open(&path)
        .expect("opens")
        .set_modified(SystemTime::UNIX_EPOCH)
        .expect("sets");
    assert!(ctime(&path) > before);
}
