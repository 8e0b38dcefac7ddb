//! Laws that hold for every stream: equal to zlib-rs, however input and room are cut.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::Write;

use castline_inflate::Inflate;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;

use support::{
    End, Noise, Token, Writer, canonical, complete_code, decode, decode_with, distance_symbol,
    dynamic_header, expand, fixed_lengths, length_symbol, oracle, write_tokens,
};

/// Bytes with something for every path: noise, words, runs, short periods, far repeats.
fn sample(seed: u64, size: usize) -> Vec<u8> {
    let mut noise = Noise::new(seed);
    let mut bytes: Vec<u8> = Vec::with_capacity(size + 70_000);
    while bytes.len() < size {
        match noise.below(6) {
            0 => (0..noise.below(400)).for_each(|_| bytes.push(noise.next().to_le_bytes()[0])),
            1 => (0..noise.below(300))
                .for_each(|_| bytes.extend([b"the ", b"hash", b" of\n", b"tree"][noise.below(4)])),
            2 => bytes.resize(bytes.len() + noise.below(3000), noise.next().to_le_bytes()[0]),
            3 if !bytes.is_empty() => {
                let period = 1 + noise.below(bytes.len().min(40));
                (0..noise.below(700)).for_each(|_| bytes.push(bytes[bytes.len() - period]));
            }
            4 if bytes.len() > 1000 => {
                let from = noise.below(bytes.len() - 300).max(bytes.len().saturating_sub(33_000));
                let to = (from + noise.below(300)).min(bytes.len());
                bytes.extend_from_within(from..to);
            }
            _ => (0..noise.below(2000))
                .for_each(|_| bytes.push(b"etaoinshrdlcumwfgypb"[noise.below(20).min(noise.below(20))])),
        }
    }
    bytes.truncate(size);
    bytes
}

fn deflate(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A stream of blocks of all types with any codes, and what it stands for.
fn stream(seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut noise = Noise::new(seed);
    let mut writer = Writer::default();
    let mut output = Vec::new();
    let blocks = 1 + noise.below(5);
    for block in 0..blocks {
        let is_last = block + 1 == blocks;
        if noise.below(4) == 0 {
            let length = [0, 1, noise.below(100), noise.below(65_536)][noise.below(4)];
            writer.bits(is_last.into(), 1).bits(0, 2).align();
            let length_bits = u32::try_from(length).unwrap();
            writer.bits(length_bits, 16).bits(length_bits ^ 0xffff, 16);
            for _ in 0..length {
                let byte = noise.next().to_le_bytes()[0];
                writer.bits(byte.into(), 8);
                output.push(byte);
            }
            continue;
        }
        // Literals from a small or a large alphabet, copies near or far, long or short.
        let (alphabet, copies) = (1 + noise.below(256), noise.below(9));
        let (near, short) = (noise.below(2) == 0, noise.below(2) == 0);
        let mut tokens = Vec::new();
        let mut size = output.len();
        for _ in 0..noise.below(3000) {
            let token = if size > 0 && noise.below(8) < copies {
                let length = 3 + noise.below(if short { 12 } else { 256 });
                let distance = 1 + noise.below(size.min(if near { 40 } else { 32_768 }));
                size += length;
                Token::Copy { length, distance }
            } else {
                size += 1;
                Token::Literal(u8::try_from(noise.below(alphabet)).unwrap())
            };
            tokens.push(token);
        }
        expand(&tokens, &mut output).unwrap();
        if noise.below(4) == 0 {
            let (literals, distances) = fixed_lengths();
            writer.bits(is_last.into(), 1).bits(1, 2);
            write_tokens(&mut writer, &tokens, &canonical(&literals), &canonical(&distances));
            continue;
        }
        let (mut literals, mut distances) = (vec![256], Vec::new());
        for token in &tokens {
            match *token {
                Token::Literal(byte) => literals.push(usize::from(byte)),
                Token::Copy { length, distance } => {
                    literals.push(length_symbol(length).0);
                    distances.push(distance_symbol(distance).0);
                }
            }
        }
        for symbols in [&mut literals, &mut distances] {
            symbols.sort_unstable();
            symbols.dedup();
        }
        let skew = noise.below(9);
        let literals = complete_code(&mut noise, &literals, 286, skew);
        let distances = match distances.as_slice() {
            [] => vec![0],
            symbols => complete_code(&mut noise, symbols, 30, skew),
        };
        dynamic_header(&mut writer, is_last, &literals, &distances);
        write_tokens(&mut writer, &tokens, &canonical(&literals), &canonical(&distances));
    }
    (writer.into_bytes(), output)
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![1..4_usize, 1..40_usize, 250..700_usize, 1..100_000_usize];
    prop::collection::vec(size, 1..8)
}

fn as_zlib(deflated: &[u8], pieces: &[usize], rooms: &[usize]) -> Result<(), TestCaseError> {
    let (expected, end) = oracle(deflated);
    let (output, result) = decode(deflated, pieces, rooms);
    prop_assert_eq!(result.unwrap_or(End::Corrupt), end, "{:?}", result);
    if end == End::Corrupt {
        // The room at the fault is not reported; all rooms before it are.
        prop_assert!(expected.starts_with(&output));
    } else {
        prop_assert!(output == expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_zlib_deflated_comes_back(
        seed: u64, size in 0..120_000_usize, level in 0..=9_u32, pieces in sizes(), rooms in sizes(), tail in 0..20_usize,
    ) {
        let bytes = sample(seed, size);
        let mut deflated = deflate(&bytes, level);
        let length = deflated.len();
        deflated.resize(length + tail, 0xff);
        let (output, result) = decode(&deflated, &pieces, &rooms);
        prop_assert_eq!(result, Ok(End::Done(length)));
        prop_assert!(output == bytes);
    }

    #[test]
    fn any_code_is_understood(seed: u64, pieces in sizes(), rooms in sizes(), tail in 0..20_usize) {
        let (mut deflated, bytes) = stream(seed);
        let length = deflated.len();
        deflated.resize(length + tail, 0xff);
        let (output, result) = decode(&deflated, &pieces, &rooms);
        prop_assert_eq!(result, Ok(End::Done(length)));
        prop_assert!(output == bytes);
    }

    #[test]
    fn flipped_bits_end_as_with_zlib(
        seed: u64, level in 0..=9_u32, flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        pieces in sizes(), rooms in sizes(),
    ) {
        for mut deflated in [deflate(&sample(seed, 20_000), level), stream(seed).0] {
            for flip in &flips {
                let bit = flip.index(8 * deflated.len());
                deflated[bit / 8] ^= 1 << (bit % 8);
            }
            as_zlib(&deflated, &pieces, &rooms)?;
        }
    }

    #[test]
    fn flipped_bits_of_a_header_end_as_with_zlib(seed: u64, bit in 0..600_usize, rooms in sizes()) {
        let mut deflated = deflate(&sample(seed, 5_000), 6);
        if let Some(byte) = deflated.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        as_zlib(&deflated, &[1 << 20], &rooms)?;
    }

    #[test]
    fn noise_ends_as_with_zlib(bytes in prop::collection::vec(any::<u8>(), 0..3000), pieces in sizes(), rooms in sizes()) {
        as_zlib(&bytes, &pieces, &rooms)?;
    }

    #[test]
    fn output_up_to_a_fault_is_that_of_zlib(seed: u64, flip: prop::sample::Index) {
        let mut deflated = stream(seed).0;
        deflated.truncate(4000);
        let bit = flip.index(8 * deflated.len());
        deflated[bit / 8] ^= 1 << (bit % 8);
        let (expected, end) = oracle(&deflated);
        let (output, result) = decode(&deflated, &[5000], &[1]);
        prop_assert_eq!(result.unwrap_or(End::Corrupt), end);
        prop_assert!(expected.starts_with(&output));
        // A room that is full when the fault is met is not reported.
        prop_assert!(expected.len() - output.len() <= 1);
    }

    #[test]
    fn a_cut_stream_asks_for_input(seed: u64, cut: prop::sample::Index, pieces in sizes(), rooms in sizes()) {
        let (deflated, bytes) = stream(seed);
        let cut = cut.index(deflated.len());
        let (output, result) = decode(&deflated[..cut], &pieces, &rooms);
        prop_assert_eq!(result, Ok(End::Cut));
        prop_assert!(bytes.starts_with(&output));
        prop_assert_eq!(output.len(), oracle(&deflated[..cut]).0.len(), "nothing is held back");
    }

    #[test]
    fn a_decoder_can_be_used_again(seed: u64, cut: prop::sample::Index) {
        let mut inflate = Inflate::new();
        let (first, _) = stream(seed);
        let (second, bytes) = stream(seed ^ 1);
        let _ = decode_with(&mut inflate, &first[..cut.index(first.len())], &[100], &[1000]);
        inflate.reset();
        let (output, result) = decode_with(&mut inflate, &second, &[100], &[1000]);
        prop_assert_eq!(result, Ok(End::Done(second.len())));
        prop_assert!(output == bytes);
    }
}
