//! Drift in memory: comparing trees, and reading one that was saved; and a scan of a folder.
//!
//! `cargo bench --bench drift`. Comparisons with other tools, on whole processes, are `benches/peers.sh drift`.

use std::{collections::BTreeMap, fs, hint::black_box, sync::Arc};

use castline::{
    Digest, Rootfs, Watch,
    drift::{Comparison, Profile, Scan, compare},
    rootfs::{Node, NodeKind},
    sources::{ScanOptions, scan},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Entries of a tree: those of a Debian image with a desktop.
const ENTRIES: u64 = 54_000;

/// A tree of folders with 20 files each, one of `altered` with another content.
fn tree(altered: Option<u64>) -> Rootfs {
    let node = |kind, mode| Node {
        kind,
        mode,
        uid: 0,
        gid: 0,
        mtime: castline::tar::Mtime::default(),
        xattrs: BTreeMap::new(),
        implicit: false,
        verity: None,
    };
    let mut entries = vec![(Vec::new(), Arc::new(node(NodeKind::Directory, 0o755)))];
    for at in 0..ENTRIES {
        let folder = format!("usr/share/package-{:05}", at / 20);
        if at % 20 == 0 {
            entries.push((folder.clone().into(), Arc::new(node(NodeKind::Directory, 0o755))));
        }
        let other = altered.is_some_and(|every| at % every == 0);
        let content = format!("{at}{}", if other { " altered" } else { "" });
        let kind = NodeKind::File { size: 4_096, digest: Digest::of(content.as_bytes()) };
        entries.push((format!("{folder}/file-{at}").into(), Arc::new(node(kind, 0o644))));
    }
    entries.into_iter().collect()
}

fn drift(criterion: &mut Criterion) {
    let shipped = tree(None);
    let mut group = criterion.benchmark_group("drift");
    group.throughput(Throughput::Elements(shipped.len() as u64)).sample_size(20);
    let options = Comparison::default().with_profile(Profile::named("podman").expect("a profile"));
    for (name, altered) in [("untouched", None), ("one file in a hundred", Some(100))] {
        let scan = Scan::of(tree(altered));
        group.bench_function(format!("compare, {name}"), |bencher| {
            bencher.iter(|| {
                let report = compare(black_box(&shipped), black_box(&scan), &options);
                assert_eq!(report.drifted, altered.is_some());
            });
        });
    }
    let mut saved = Vec::new();
    shipped.write_json_lines(&mut saved).expect("memory");
    group.bench_function("read a saved tree", |bencher| {
        bencher.iter(|| Rootfs::read_json_lines(&mut black_box(&saved[..])).expect("a tree"));
    });
    group.finish();
}

fn scanning(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    for at in 0..100 {
        let inner = folder.path().join(format!("folder-{at}"));
        fs::create_dir(&inner).expect("a folder");
        for file in 0..20 {
            fs::write(inner.join(format!("file-{file}")), vec![7; 40_000]).expect("writes");
        }
    }
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Bytes(100 * 20 * 40_000)).sample_size(20);
    group.bench_function("2,000 files of 40 kB", |bencher| {
        bencher.iter(|| {
            let seen = scan(folder.path(), &ScanOptions::default(), &Watch::none()).expect("scans");
            assert_eq!(seen.rootfs.len(), 2_101);
        });
    });
    group.finish();
}

criterion_group!(benches, drift, scanning);
criterion_main!(benches);
