//! Verifying images in memory: layers of each form, one or many, on one core and on all.
//!
//! `cargo bench --bench verify`. Comparisons with other tools, on whole processes, are `benches/peers.sh`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{hint::black_box, num::NonZeroUsize, thread::available_parallelism};

use castline::Options;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{Form, Memory, tar};

/// Bytes of content in an image.
const CONTENT: usize = 64 << 20;

/// Text-like bytes that compress to about a third, as the files of images do.
fn content(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let words: Vec<Vec<u8>> =
        (0..3_000).map(|_| (0..2 + next() % 12).map(|_| b'a' + (next() % 26) as u8).collect()).collect();
    let mut bytes = Vec::with_capacity(length + 16);
    while bytes.len() < length {
        let word = &words[(next() % 3_000) as usize];
        bytes.extend_from_slice(word);
        bytes.push(b' ');
    }
    bytes.truncate(length);
    bytes
}

fn image(form: Form, layers: u32) -> Memory {
    let size = CONTENT / layers as usize;
    let layers: Vec<_> = (1..=layers).map(|seed| (form, tar("file", &content(size, seed)))).collect();
    Memory::image(&layers)
}

fn verify(criterion: &mut Criterion) {
    let all = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Bytes(CONTENT as u64)).sample_size(10);
    for (form, name) in [(Form::Tar, "tar"), (Form::Gzip, "gzip"), (Form::Zstd, "zstd")] {
        for layers in [1, 8] {
            let image = image(form, layers);
            for jobs in [NonZeroUsize::MIN, all] {
                let options = Options::default().with_jobs(jobs);
                let name = format!("{name}, layers: {layers}, jobs: {jobs}");
                group.bench_function(name, |bencher| {
                    bencher.iter(|| {
                        let report = black_box(&image).verify(&options);
                        assert!(report.is_complete());
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
