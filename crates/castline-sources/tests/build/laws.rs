use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use castline_core::{
    Compression, Watch,
    drift::{Comparison, compare},
};
use castline_sources::{ImageBuilder, LayerSource, Owner, ScanOptions, Times, Xattrs, scan};
use proptest::prelude::*;

use crate::{built, jobs, platform, tree};

/// What stands in a random tree, by path.
#[derive(Clone, Debug)]
enum Thing {
    Folder(u32),
    File(u32, usize, u8),
    Link(String),
    /// A further name of the first file.
    Same,
}

fn things() -> impl Strategy<Value = BTreeMap<String, Thing>> {
    let name = prop_oneof!["[a-c]", "[a-cA-C.ü-]{1,3}x", Just("n".repeat(120))];
    let path = prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
    let size = prop_oneof![0..2000_usize, Just(512), Just(256 << 10), 500_000..600_000_usize];
    let thing = prop_oneof![
        (0..=0o1777_u32).prop_map(|mode| Thing::Folder(mode | 0o700)),
        (0..=0o7777_u32, size, any::<u8>()).prop_map(|(mode, size, seed)| Thing::File(
            mode | 0o400,
            size,
            seed
        )),
        "[a-z/.]{1,130}".prop_map(Thing::Link),
        Just(Thing::Same),
    ];
    prop::collection::btree_map(path, thing, 0..24)
}

/// Bytes that compress, though not to nothing.
fn content(size: usize, seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b"etaoin shrdlu\n\0"[(state >> 59) as usize % 15]
    };
    (0..size).map(next).collect()
}

fn write<'t>(folder: &Path, things: impl Iterator<Item = (&'t String, &'t Thing)>) {
    let mut first = None;
    let mut modes = Vec::new();
    fs::create_dir_all(folder).expect("a folder");
    for (path, thing) in things {
        let path = folder.join(path);
        // Where a file is in the way, there is nothing below it.
        if fs::create_dir_all(path.parent().expect("a parent")).is_err() || path.symlink_metadata().is_ok() {
            continue;
        }
        match thing {
            Thing::Folder(mode) => {
                fs::create_dir(&path).expect("a folder");
                modes.push((path, *mode));
            }
            Thing::File(mode, size, seed) => {
                fs::write(&path, content(*size, *seed)).expect("writes");
                first.get_or_insert_with(|| path.clone());
                modes.push((path, *mode));
            }
            Thing::Link(target) => std::os::unix::fs::symlink(target, &path).expect("a link"),
            Thing::Same => {
                if let Some(first) = &first {
                    fs::hard_link(first, &path).expect("a link");
                }
            }
        }
    }
    for (path, mode) in modes {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a mode");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_digest_is_that_of_the_tree_and_of_nothing_else(things in things(), pick in 0..3_usize, threads in 2..6_usize) {
        let compression = match pick {
            0 => Compression::None,
            1 if cfg!(feature = "native") => Compression::Zstd,
            _ => Compression::Gzip,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        write(&one, things.iter());
        let builder = |folder: &Path, threads| {
            let layer = LayerSource::directory(folder).with_xattrs(Xattrs::All);
            ImageBuilder::new(platform()).with_layer(layer).with_compression(compression).with_jobs(jobs(threads))
        };
        let (layout, image) = built(&builder(&one, threads));
        let (_, alone) = built(&builder(&one, 1));
        prop_assert_eq!(&alone.descriptor.digest, &image.descriptor.digest);
        // The folders' entries came into being in another order: only where none is in another's way.
        let nested = things.keys().any(|path| things.keys().any(|other| other.starts_with(&format!("{path}/"))));
        let linked = things.values().any(|thing| matches!(thing, Thing::Same));
        if !nested && !linked {
            write(&other, things.iter().rev());
            let (_, again) = built(&builder(&other, threads));
            prop_assert_eq!(&again.descriptor.digest, &image.descriptor.digest);
        }
        // And the image is the tree.
        let kept = LayerSource::directory(&one).with_xattrs(Xattrs::All).with_owner(Owner::Kept).with_times(Times::Kept);
        let (kept, _) = built(&ImageBuilder::new(platform()).with_layer(kept));
        let scan = scan(&one, &ScanOptions::default(), &Watch::none()).expect("scans");
        let report = compare(&tree(layout.path()), &scan, &Comparison::default());
        let owned = report.findings.iter().any(|finding| finding.attributes.iter().any(|name| name == "uid"));
        prop_assert!(owned || report.findings.is_empty(), "{:?}", report.findings);
        let report = compare(&tree(kept.path()), &scan, &Comparison::default().with_mtime(true));
        let others: Vec<_> = report.findings.iter().filter(|finding| !finding.path.is_empty()).collect();
        prop_assert!(others.is_empty(), "{:?}", others);
    }
}
