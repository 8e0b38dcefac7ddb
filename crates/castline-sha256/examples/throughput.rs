//! How fast one stream is hashed here, how fast two at once, and how fast by the `sha2` crate.
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "an example that prints a table")]

use std::{hint::black_box, time::Instant};

use castline_sha256::{Sha256, backend, update_pair};
use sha2::Digest as _;

const ROUNDS: usize = 2000;

fn gigabytes_per_second(bytes_per_round: usize, mut round: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            round();
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    (bytes_per_round * ROUNDS) as f64 / best / 1e9
}

fn main() {
    let (left, right) = (vec![1u8; 256 << 10], vec![2u8; 256 << 10]);
    let (mut a, mut b) = (Sha256::new(), Sha256::new());
    let pair = gigabytes_per_second(2 * left.len(), || update_pair(&mut a, &left, &mut b, &right));
    let one = gigabytes_per_second(left.len(), || a.update(&left));
    let mut other = sha2::Sha256::new();
    let reference = gigabytes_per_second(left.len(), || other.update(&left));
    black_box((a.finalize(), b.finalize(), other.finalize()));
    println!("backend {:?}", backend());
    println!("sha2 crate   {reference:.2} GB/s");
    println!("one stream   {one:.2} GB/s ({:.2}x)", one / reference);
    println!("two streams  {pair:.2} GB/s ({:.2}x)", pair / reference);
}
