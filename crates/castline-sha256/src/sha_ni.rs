//! The compression function with the SHA extensions, for one stream or several interleaved ones.

use std::{
    arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x,
        _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
        _mm_shuffle_epi32, _mm256_zeroupper,
    },
    array,
};

use crate::Block;

/// FIPS 180-4, section 4.2.2.
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// Whether this processor has what [`compress`] needs. The answer is cached by the standard library.
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
        && is_x86_feature_detected!("avx")
}

/// Compresses the blocks of `N` streams, as many of each as the shortest has, into their states. Does nothing
/// where [`is_available`] is false.
#[expect(unsafe_code, reason = "the intrinsics need a check of the processor, which the compiler cannot see")]
pub(crate) fn compress<const N: usize>(mut states: [&mut [u32; 8]; N], blocks: [&[Block]; N]) {
    if is_available() {
        // SAFETY: `interleaved` needs the features `sha`, `ssse3`, `sse4.1` and `avx`; the line above has just
        // seen all four on this processor.
        unsafe { interleaved(&mut states, &blocks) }
    }
}

#[target_feature(enable = "sha,ssse3,sse4.1,avx")]
fn interleaved<const N: usize>(states: &mut [&mut [u32; 8]; N], blocks: &[&[Block]; N]) {
    // The SHA instructions have no VEX form: after code that left the upper halves of the vector registers dirty
    // (ISA-L does), each of them would wait for a merge, and run at three quarters of the speed.
    _mm256_zeroupper();
    let mut lanes: [Lane; N] = array::from_fn(|lane| Lane::load(states[lane]));
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or_default();
    let blocks: [&[Block]; N] = array::from_fn(|lane| &blocks[lane][..count]);
    #[expect(clippy::needless_range_loop, reason = "the same index into every stream")]
    for index in 0..count {
        let saved = lanes;
        let mut words: [[__m128i; 4]; N] = array::from_fn(|lane| load_words(&blocks[lane][index]));
        // Written out, so that every index is a constant and all of it lives in registers.
        macro_rules! groups {
            ($($first:literal)*; $($later:literal)*) => {
                $(for lane in 0..N {
                    lanes[lane].four_rounds::<$first>(words[lane][$first]);
                })*
                $(for lane in 0..N {
                    let word = schedule::<$later>(&mut words[lane]);
                    lanes[lane].four_rounds::<$later>(word);
                })*
            };
        }
        groups!(0 1 2 3; 4 5 6 7 8 9 10 11 12 13 14 15);
        for lane in 0..N {
            lanes[lane].add(saved[lane]);
        }
    }
    for lane in 0..N {
        lanes[lane].store(states[lane]);
    }
}

/// The eight state words in the order that the instructions want.
#[derive(Clone, Copy)]
struct Lane {
    abef: __m128i,
    cdgh: __m128i,
}

impl Lane {
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn load(state: &[u32; 8]) -> Self {
        // a to h, the last word of a vector first.
        let word = state.map(u32::cast_signed);
        Self {
            abef: _mm_set_epi32(word[0], word[1], word[4], word[5]),
            cdgh: _mm_set_epi32(word[2], word[3], word[6], word[7]),
        }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn store(self, state: &mut [u32; 8]) {
        let words = |of: __m128i| {
            [
                _mm_extract_epi32::<3>(of),
                _mm_extract_epi32::<2>(of),
                _mm_extract_epi32::<1>(of),
                _mm_extract_epi32::<0>(of),
            ]
            .map(i32::cast_unsigned)
        };
        let (abef, cdgh) = (words(self.abef), words(self.cdgh));
        *state = [abef[0], abef[1], cdgh[0], cdgh[1], abef[2], abef[3], cdgh[2], cdgh[3]];
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn four_rounds<const GROUP: usize>(&mut self, word: __m128i) {
        let k = const {
            [
                K[4 * GROUP].cast_signed(),
                K[4 * GROUP + 1].cast_signed(),
                K[4 * GROUP + 2].cast_signed(),
                K[4 * GROUP + 3].cast_signed(),
            ]
        };
        let sum = _mm_add_epi32(word, _mm_set_epi32(k[3], k[2], k[1], k[0]));
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, sum);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, _mm_shuffle_epi32::<0x0e>(sum));
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn add(&mut self, other: Self) {
        self.abef = _mm_add_epi32(self.abef, other.abef);
        self.cdgh = _mm_add_epi32(self.cdgh, other.cdgh);
    }
}

/// The four message words of `GROUP`, from the sixteen before them, which `words` holds in a ring.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1,avx")]
fn schedule<const GROUP: usize>(words: &mut [__m128i; 4]) -> __m128i {
    let (w16, w12, w8, w4) =
        (words[GROUP % 4], words[(GROUP + 1) % 4], words[(GROUP + 2) % 4], words[(GROUP + 3) % 4]);
    let partial = _mm_add_epi32(_mm_sha256msg1_epu32(w16, w12), _mm_alignr_epi8::<4>(w4, w8));
    words[GROUP % 4] = _mm_sha256msg2_epu32(partial, w4);
    words[GROUP % 4]
}

/// The sixteen words of a block, big-endian.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1,avx")]
fn load_words(block: &Block) -> [__m128i; 4] {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let (halves, _) = block.as_chunks::<8>();
    array::from_fn(|at| {
        let low = i64::from_le_bytes(halves[2 * at]);
        let high = i64::from_le_bytes(halves[2 * at + 1]);
        _mm_shuffle_epi8(_mm_set_epi64x(high, low), swap)
    })
}
