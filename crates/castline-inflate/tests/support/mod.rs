//! What the tests share: an encoder of any DEFLATE stream, right or wrong, and two ways to decode one.
#![allow(dead_code, reason = "each test file uses its part")]

use castline_inflate::{Corrupt, Inflate, Status};
use flate2::{Decompress, FlushDecompress};

pub(crate) const HISTORY: usize = 32 << 10;

/// How decoding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the stream, after this many bytes of input.
    Done(usize),
    Cut,
    Corrupt,
}

/// Output and end by zlib-rs.
pub(crate) fn oracle(deflated: &[u8]) -> (Vec<u8>, End) {
    let mut decoder = Decompress::new(false);
    let mut output = Vec::with_capacity(1 << 16);
    loop {
        let used = usize::try_from(decoder.total_in()).unwrap();
        let before = output.len();
        output.resize(before + (1 << 16), 0);
        let result = decoder.decompress(&deflated[used..], &mut output[before..], FlushDecompress::None);
        output.truncate(usize::try_from(decoder.total_out()).unwrap());
        let used_now = usize::try_from(decoder.total_in()).unwrap();
        match result {
            Err(_) => return (output, End::Corrupt),
            Ok(flate2::Status::StreamEnd) => return (output, End::Done(used_now)),
            Ok(_) if used_now == used && output.len() == before => return (output, End::Cut),
            Ok(_) => {}
        }
    }
}

/// Output and end by castline-inflate, with input and room in pieces of these sizes (over and over).
pub(crate) fn decode(deflated: &[u8], pieces: &[usize], rooms: &[usize]) -> (Vec<u8>, Result<End, Corrupt>) {
    decode_with(&mut Inflate::new(), deflated, pieces, rooms)
}

pub(crate) fn decode_with(
    inflate: &mut Inflate,
    deflated: &[u8],
    pieces: &[usize],
    rooms: &[usize],
) -> (Vec<u8>, Result<End, Corrupt>) {
    let (mut pieces, mut rooms) = (pieces.iter().copied().cycle(), rooms.iter().copied().cycle());
    let mut output = Vec::new();
    let mut used = 0;
    let mut input = &deflated[..0];
    loop {
        let room = rooms.next().unwrap();
        let before = output.len();
        // No more than the history is seen, and what is in the room must not matter.
        let start = before.saturating_sub(HISTORY);
        let at = before - start;
        output.resize(before + room, 0x5a);
        let buffer = &mut output[start..];
        let step = match inflate.inflate(input, buffer, at) {
            Ok(step) => step,
            Err(fault) => {
                assert_eq!(inflate.inflate(input, buffer, at), Err(fault), "a refusal is final");
                output.truncate(before);
                return (output, Err(fault));
            }
        };
        assert!(step.consumed <= input.len() && step.produced <= room);
        output.truncate(before + step.produced);
        used += step.consumed;
        input = &input[step.consumed..];
        match step.status {
            Status::Done => {
                let again = inflate.inflate(input, &mut [0; 9], 0).unwrap();
                assert_eq!((again.consumed, again.produced, again.status), (0, 0, Status::Done));
                return (output, Ok(End::Done(used)));
            }
            Status::NeedsOutput => assert_eq!(step.produced, room, "the room is used up"),
            Status::NeedsInput => {
                assert_eq!(input.len(), 0, "the input is used up");
                if used == deflated.len() {
                    return (output, Ok(End::Cut));
                }
                let piece = pieces.next().unwrap().min(deflated.len() - used);
                input = &deflated[used..used + piece];
            }
        }
    }
}

/// Numbers that look random, the same on every run.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// Bits, first one lowest.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    free: u32,
}

impl Writer {
    pub(crate) fn bits(&mut self, value: u32, count: u32) -> &mut Self {
        for bit in 0..count {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let last = self.bytes.last_mut().unwrap();
            *last |= u8::from(value >> bit & 1 == 1) << (8 - self.free);
            self.free -= 1;
        }
        self
    }

    pub(crate) fn align(&mut self) -> &mut Self {
        self.free = 0;
        self
    }

    pub(crate) fn code(&mut self, (code, length): (u32, u32)) -> &mut Self {
        assert!(length > 0, "the symbol has a code");
        for bit in (0..length).rev() {
            self.bits(code >> bit & 1, 1);
        }
        self
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The canonical code of each symbol (section 3.2.2), first bit highest, and its length.
pub(crate) fn canonical(lengths: &[u8]) -> Vec<(u32, u32)> {
    let mut code = 0;
    let mut codes = vec![(0, 0); lengths.len()];
    for length in 1..=15 {
        code <<= 1;
        for (symbol, _) in lengths.iter().enumerate().filter(|&(_, &l)| l == length) {
            codes[symbol] = (code, u32::from(length));
            code += 1;
        }
    }
    codes
}

/// Lengths of a complete code for `symbols`, as deep as 15 bits.
pub(crate) fn complete_code(noise: &mut Noise, symbols: &[usize], size: usize, skew: usize) -> Vec<u8> {
    let mut lengths = vec![0; size];
    if let [only] = symbols {
        lengths[*only] = 1;
        return lengths;
    }
    let mut leaves = vec![0_u8];
    while leaves.len() < symbols.len() {
        // The most recent leaf again and again gives deep codes; any leaf gives flat ones.
        let index = if noise.below(8) < skew { leaves.len() - 1 } else { noise.below(leaves.len()) };
        if leaves[index] < 15 {
            leaves[index] += 1;
            leaves.push(leaves[index]);
        } else {
            let shallow = (0..leaves.len()).min_by_key(|&index| leaves[index]).unwrap();
            leaves[shallow] += 1;
            leaves.push(leaves[shallow]);
        }
    }
    let mut order: Vec<usize> = symbols.to_vec();
    for index in (1..order.len()).rev() {
        order.swap(index, noise.below(index + 1));
    }
    for (symbol, length) in order.into_iter().zip(leaves) {
        lengths[symbol] = length;
    }
    lengths
}

/// The header of a dynamic block whose codes have these lengths, each written with 5 bits: 0 to 15 and the repeats
/// 16, 17, 18 have codes of 4 or 5 bits.
pub(crate) fn dynamic_header(writer: &mut Writer, is_last: bool, literals: &[u8], distances: &[u8]) {
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    // 13 codes of 4 bits and 6 of 5 bits are a complete code.
    let lengths: Vec<u8> = (0..19).map(|symbol| if symbol < 13 { 4 } else { 5 }).collect();
    let codes = canonical(&lengths);
    writer.bits(is_last.into(), 1).bits(2, 2);
    writer.bits(u32::try_from(literals.len()).unwrap() - 257, 5);
    writer.bits(u32::try_from(distances.len()).unwrap() - 1, 5);
    writer.bits(15, 4);
    for symbol in order {
        writer.bits(lengths[symbol].into(), 3);
    }
    let all = [literals, distances].concat();
    let mut at = 0;
    while at < all.len() {
        let run = all[at..].iter().take_while(|&&length| length == all[at]).count();
        let (symbol, extra, base, most) = match (all[at], run) {
            (0, 11..) => (18, 7, 11, 138),
            (0, 3..) => (17, 3, 3, 10),
            (_, 3..) if at > 0 && all[at - 1] == all[at] => (16, 2, 3, 6),
            _ => {
                writer.code(codes[usize::from(all[at])]);
                at += 1;
                continue;
            }
        };
        let run = run.min(most);
        writer.code(codes[symbol]).bits(u32::try_from(run - base).unwrap(), extra);
        at += run;
    }
}

/// A symbol of a block: a literal, or a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token {
    Literal(u8),
    Copy { length: usize, distance: usize },
}

/// The symbol of a length, and the bits that follow it.
pub(crate) fn length_symbol(length: usize) -> (usize, u32, u32) {
    if length == 258 {
        return (285, 0, 0);
    }
    symbol(length - 3, 4).map_symbol(257)
}

/// The symbol of a distance, and the bits that follow it.
pub(crate) fn distance_symbol(distance: usize) -> (usize, u32, u32) {
    symbol(distance - 1, 2).map_symbol(0)
}

trait MapSymbol {
    fn map_symbol(self, base: usize) -> Self;
}

impl MapSymbol for (usize, u32, u32) {
    fn map_symbol(self, base: usize) -> Self {
        (self.0 + base, self.1, self.2)
    }
}

/// Ranges whose width doubles after every `group` of them, but for the first `2 * group`.
fn symbol(value: usize, group: usize) -> (usize, u32, u32) {
    let (mut start, mut width, mut symbol, mut extra) = (0, 1, 0, 0);
    loop {
        if value < start + width {
            return (symbol, u32::try_from(value - start).unwrap(), extra);
        }
        start += width;
        symbol += 1;
        if symbol % group == 0 && symbol >= 2 * group {
            width *= 2;
            extra += 1;
        }
    }
}

pub(crate) fn write_tokens(
    writer: &mut Writer,
    tokens: &[Token],
    literals: &[(u32, u32)],
    distances: &[(u32, u32)],
) {
    for token in tokens {
        match *token {
            Token::Literal(byte) => {
                writer.code(literals[usize::from(byte)]);
            }
            Token::Copy { length, distance } => {
                let (symbol, bits, count) = length_symbol(length);
                writer.code(literals[symbol]).bits(bits, count);
                let (symbol, bits, count) = distance_symbol(distance);
                writer.code(distances[symbol]).bits(bits, count);
            }
        }
    }
    writer.code(literals[256]);
}

/// The code of fixed blocks.
pub(crate) fn fixed_lengths() -> (Vec<u8>, Vec<u8>) {
    let literals = (0..288)
        .map(|symbol| match symbol {
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        })
        .collect();
    (literals, vec![5; 32])
}

/// What tokens stand for, the slow way; `None` when a copy begins before the output.
pub(crate) fn expand(tokens: &[Token], output: &mut Vec<u8>) -> Option<()> {
    for token in tokens {
        match *token {
            Token::Literal(byte) => output.push(byte),
            Token::Copy { length, distance } => {
                for _ in 0..length {
                    output.push(*output.get(output.len().checked_sub(distance)?)?);
                }
            }
        }
    }
    Some(())
}
