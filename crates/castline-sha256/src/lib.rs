//! SHA-256 of one stream, and of two independent streams at once.
//!
//! The SHA extensions of x86 processors have a latency that one stream cannot fill: each round waits for the one
//! before. Two independent streams interleaved on one core fill it, and hash nearly twice the bytes in the same
//! time. Where the extensions are missing, and on other architectures, the `sha2` crate does the work and two
//! streams cost what two streams cost.
//!
//! ```
//! use castline_sha256::{Sha256, update_pair};
//!
//! let (mut left, mut right) = (Sha256::new(), Sha256::new());
//! update_pair(&mut left, b"one stream", &mut right, b"and another");
//! assert_eq!(left.finalize(), Sha256::digest(b"one stream"));
//! assert_eq!(right.finalize(), Sha256::digest(b"and another"));
//! ```

#![deny(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod sha_ni;

use std::fmt;

/// FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

const BLOCK: usize = 64;

type Block = [u8; BLOCK];

/// What computes the digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The SHA extensions of x86: two streams at once gain.
    ShaNi,
    /// The `sha2` crate, with what it finds: two streams are hashed one after the other.
    Portable,
}

/// What computes the digests on this processor.
pub fn backend() -> Backend {
    #[cfg(target_arch = "x86_64")]
    if sha_ni::is_available() {
        return Backend::ShaNi;
    }
    Backend::Portable
}

/// A SHA-256 digest being computed over a stream of less than 2^61 bytes.
#[derive(Clone)]
pub struct Sha256 {
    state: [u32; 8],
    /// Bytes taken in, all told.
    length: u64,
    /// The block that is not full yet: its first `length % 64` bytes.
    partial: Block,
    backend: Backend,
}

impl Sha256 {
    /// Starts a digest.
    pub fn new() -> Self {
        Self::with_backend(backend())
    }

    fn with_backend(backend: Backend) -> Self {
        Self { state: INITIAL, length: 0, partial: [0; BLOCK], backend }
    }

    /// The digest of `bytes`.
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        let mut digest = Self::new();
        digest.update(bytes);
        digest.finalize()
    }

    /// Takes in the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        let bytes = self.fill(bytes);
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        self.compress(blocks);
        self.keep(rest);
    }

    /// The digest of all that was taken in.
    pub fn finalize(mut self) -> [u8; 32] {
        let bits = self.length.wrapping_mul(8);
        let filled = self.filled();
        let mut tail = [0; 2 * BLOCK];
        tail[..filled].copy_from_slice(&self.partial[..filled]);
        tail[filled] = 0x80;
        let length = if filled < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
        tail[length - 8..length].copy_from_slice(&bits.to_be_bytes());
        self.compress(tail[..length].as_chunks::<BLOCK>().0);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }

    #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
    const fn filled(&self) -> usize {
        self.length as usize % BLOCK
    }

    /// Completes a partial block from `bytes`; what is left of them. The partial block is empty afterwards,
    /// unless there was nothing left.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let filled = self.filled();
        if filled == 0 {
            return bytes;
        }
        let (head, rest) = bytes.split_at(bytes.len().min(BLOCK - filled));
        self.partial[filled..filled + head.len()].copy_from_slice(head);
        self.length += head.len() as u64;
        if self.filled() == 0 {
            let block = self.partial;
            compress(self.backend, &mut self.state, &[block]);
        }
        rest
    }

    fn compress(&mut self, blocks: &[Block]) {
        compress(self.backend, &mut self.state, blocks);
        self.length += (blocks.len() * BLOCK) as u64;
    }

    /// Keeps less than a block for later.
    fn keep(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            let filled = self.filled();
            self.partial[filled..filled + rest.len()].copy_from_slice(rest);
            self.length += rest.len() as u64;
        }
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sha256").field("length", &self.length).finish_non_exhaustive()
    }
}

/// Takes in the next bytes of two independent streams, of any lengths.
///
/// The result is that of two calls of [`Sha256::update`]. The gain is in the part that both have: give streams of
/// like length.
pub fn update_pair(left: &mut Sha256, left_bytes: &[u8], right: &mut Sha256, right_bytes: &[u8]) {
    let left_bytes = left.fill(left_bytes);
    let right_bytes = right.fill(right_bytes);
    let (left_blocks, left_rest) = left_bytes.as_chunks::<BLOCK>();
    let (right_blocks, right_rest) = right_bytes.as_chunks::<BLOCK>();
    let both = left_blocks.len().min(right_blocks.len());
    let (left_both, left_more) = left_blocks.split_at(both);
    let (right_both, right_more) = right_blocks.split_at(both);
    compress_pair(left, left_both, right, right_both);
    left.compress(left_more);
    right.compress(right_more);
    left.keep(left_rest);
    right.keep(right_rest);
}

fn compress(backend: Backend, state: &mut [u32; 8], blocks: &[Block]) {
    if blocks.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if backend == Backend::ShaNi {
        return sha_ni::compress([state], [blocks]);
    }
    let _ = backend;
    sha2::block_api::compress256(state, blocks);
}

fn compress_pair(left: &mut Sha256, left_blocks: &[Block], right: &mut Sha256, right_blocks: &[Block]) {
    #[cfg(target_arch = "x86_64")]
    if left.backend == Backend::ShaNi && right.backend == Backend::ShaNi && !left_blocks.is_empty() {
        sha_ni::compress([&mut left.state, &mut right.state], [left_blocks, right_blocks]);
        left.length += (left_blocks.len() * BLOCK) as u64;
        right.length += (right_blocks.len() * BLOCK) as u64;
        return;
    }
    left.compress(left_blocks);
    right.compress(right_blocks);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    fn reference(bytes: &[u8]) -> [u8; 32] {
        sha2::Sha256::digest(bytes).into()
    }

    fn sample(length: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn published_values_hold() {
        let hex = |digest: [u8; 32]| {
            let [high, low] =
                [0, 16].map(|at| u128::from_be_bytes(digest[at..at + 16].try_into().expect("16")));
            format!("{high:032x}{low:032x}")
        };
        for (bytes, expected) in [
            (Vec::new(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc".to_vec(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".to_vec(),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (vec![b'a'; 1_000_000], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] {
            assert_eq!(hex(Sha256::digest(&bytes)), expected);
        }
    }

    #[test]
    fn every_length_over_several_blocks_agrees_with_sha2_on_every_backend() {
        for length in 0..=300 {
            let (left, right) = (sample(length, 1), sample(300 - length, 2));
            for backend in [backend(), Backend::Portable] {
                let mut one = Sha256::with_backend(backend);
                one.update(&left);
                assert_eq!(one.finalize(), reference(&left), "{length} bytes, {backend:?}");
                let (mut a, mut b) = (Sha256::with_backend(backend), Sha256::with_backend(backend));
                update_pair(&mut a, &left, &mut b, &right);
                assert_eq!(a.finalize(), reference(&left), "{length} bytes of a pair, {backend:?}");
                assert_eq!(b.finalize(), reference(&right), "{} bytes of a pair, {backend:?}", 300 - length);
            }
        }
    }

    #[test]
    fn long_pairs_agree_with_sha2() {
        let (left, right) = (sample(1 << 20, 3), sample((1 << 20) - 77, 4));
        let (mut a, mut b) = (Sha256::new(), Sha256::new());
        update_pair(&mut a, &left, &mut b, &right);
        assert_eq!((a.finalize(), b.finalize()), (reference(&left), reference(&right)));
    }

    proptest! {
        #[test]
        fn any_way_of_feeding_gives_the_same_digests(
            left in proptest::collection::vec(any::<u8>(), 0..2000),
            right in proptest::collection::vec(any::<u8>(), 0..2000),
            cuts in proptest::collection::vec((0usize..400, 0usize..400, any::<bool>()), 0..12),
        ) {
            let (mut a, mut b) = (Sha256::new(), Sha256::new());
            let (mut l, mut r) = (&left[..], &right[..]);
            for (x, y, paired) in cuts {
                let (now_l, later_l) = l.split_at(x.min(l.len()));
                let (now_r, later_r) = r.split_at(y.min(r.len()));
                if paired {
                    update_pair(&mut a, now_l, &mut b, now_r);
                } else {
                    a.update(now_l);
                    b.update(now_r);
                }
                (l, r) = (later_l, later_r);
            }
            update_pair(&mut a, l, &mut b, r);
            prop_assert_eq!(a.finalize(), reference(&left));
            prop_assert_eq!(b.finalize(), reference(&right));
        }
    }
}
