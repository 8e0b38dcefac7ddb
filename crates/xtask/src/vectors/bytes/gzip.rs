//! gzip (RFC 1952) and DEFLATE (RFC 1951), written by hand.

/// ID1, ID2, CM, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A stored block's length is 16 bits.
const STORED: usize = 0xffff;
/// The symbol that ends a block.
const END: usize = 256;
/// The symbol of the longest match, 258 bytes; it has no extra bits.
const LONGEST: usize = 285;

/// One member of Huffman-coded data with the fixed codes, with matches.
pub(crate) fn fixed(data: &[u8]) -> Vec<u8> {
    member(&deflate_fixed(data), data)
}

/// One member of Huffman-coded data with codes of its own, with matches.
pub(crate) fn dynamic(data: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(0b101, 3);
    bits.number(286 - 257, 5);
    bits.number(2 - 1, 5);
    bits.number(18 - 4, 4);
    // The code lengths that occur are 1, 5, 6 and 9; each gets a code of two bits, in the order of RFC 1951, 3.2.7.
    for length in [0, 0, 0, 0, 0, 0, 2, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2] {
        bits.number(length, 3);
    }
    let literals = dynamic_lengths();
    for &length in literals.iter().chain(&[1, 1]) {
        let code = [1, 5, 6, 9].iter().position(|&known| known == length).expect("one of the four lengths");
        bits.code(code as u32, 2);
    }
    tokens(data, &literals, 1, &mut bits);
    member(&bits.finish(), data)
}

/// One member of stored blocks: the data can be found and altered in it.
pub(crate) fn stored(data: &[u8]) -> Vec<u8> {
    member(&deflate_stored(data), data)
}

/// A member with every optional header field: FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT.
pub(crate) fn with_every_header_field(data: &[u8]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    bytes[3] = 0b1_1111;
    bytes.extend([6, 0, b'S', b'G', 2, 0, 7, 7]);
    bytes.extend(b"layer.tar\0");
    bytes.extend(b"a comment\0");
    let check = crc32fast::hash(&bytes).to_le_bytes();
    bytes.extend(&check[..2]);
    bytes.extend(deflate_fixed(data));
    bytes.extend(trailer(data));
    bytes
}

/// A member around DEFLATE data that claims to be `data`.
pub(crate) fn member(deflated: &[u8], data: &[u8]) -> Vec<u8> {
    [&HEADER, deflated, &trailer(data)].concat()
}

/// DEFLATE with the fixed codes.
pub(crate) fn deflate_fixed(data: &[u8]) -> Vec<u8> {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    let mut bits = Bits::default();
    bits.number(0b011, 3);
    tokens(data, &lengths, 5, &mut bits);
    bits.finish()
}

/// A gzip stream of `head`, then `count` times 1,032 zero bytes, as the parts before and after `count` zero bytes.
/// That is the greatest expansion DEFLATE has: a byte holds four matches of 258 bytes.
pub(crate) fn bomb(head: &[u8], count: u64) -> (Vec<u8>, Vec<u8>) {
    let mut start = HEADER.to_vec();
    start.extend(stored_block(head, false));
    let mut bits = Bits::default();
    bits.number(0b101, 3);
    bits.number(286 - 257, 5);
    bits.number(2 - 1, 5);
    bits.number(19 - 4, 4);
    // The lengths 1 and 2 have codes of two bits, runs of zeros (18) a code of one bit.
    for length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0] {
        bits.number(length, 3);
    }
    let unused = |bits: &mut Bits, count: u32| {
        bits.code(0b0, 1);
        bits.number(count - 11, 7);
    };
    bits.code(0b11, 2); // the literal zero: two bits
    unused(&mut bits, 138);
    unused(&mut bits, 117);
    bits.code(0b11, 2); // the end of the block: two bits
    unused(&mut bits, 28);
    bits.code(0b10, 2); // the longest match: one bit
    bits.code(0b10, 2); // the distance 1: one bit
    bits.code(0b10, 2); // the distance 2, which completes the code
    // The literal zero is now 10, the end 11, a match 0 0. Literals fill up to a byte boundary; from there each
    // byte of zeros is four matches.
    let mut literals = 0;
    while bits.used != 0 {
        bits.code(0b10, 2);
        literals += 1;
    }
    start.append(&mut bits.bytes);
    let mut end = Bits::default();
    end.code(0b11, 2);
    let mut end = end.finish();
    let zeros = literals + count * 1032;
    let mut check = crc32fast::Hasher::new();
    check.update(head);
    check.combine(&zeros_check(zeros));
    end.extend(check.finalize().to_le_bytes());
    end.extend(((head.len() as u64 + zeros) as u32).to_le_bytes());
    (start, end)
}

/// The CRC of `count` zero bytes, in steps that double.
fn zeros_check(count: u64) -> crc32fast::Hasher {
    let mut whole = crc32fast::Hasher::new();
    let mut power = crc32fast::Hasher::new();
    power.update(&[0]);
    let mut left = count;
    while left > 0 {
        if left & 1 == 1 {
            whole.combine(&power);
        }
        let twice = power.clone();
        power.combine(&twice);
        left >>= 1;
    }
    whole
}

fn trailer(data: &[u8]) -> [u8; 8] {
    let mut trailer = [0; 8];
    trailer[..4].copy_from_slice(&crc32fast::hash(data).to_le_bytes());
    trailer[4..].copy_from_slice(&(data.len() as u32).to_le_bytes());
    trailer
}

fn deflate_stored(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let blocks = data.chunks(STORED).count();
    for (place, chunk) in data.chunks(STORED).enumerate() {
        bytes.extend(stored_block(chunk, place + 1 == blocks));
    }
    if data.is_empty() { stored_block(data, true) } else { bytes }
}

fn stored_block(data: &[u8], last: bool) -> Vec<u8> {
    let length = data.len() as u16;
    let mut bytes = vec![u8::from(last)];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// 256 literals of nine bits fill one half of the code space; the end and 29 lengths the other: 2/32 + 28/64.
fn dynamic_lengths() -> [u32; 286] {
    let mut lengths = [9; 286];
    lengths[256..258].fill(5);
    lengths[258..].fill(6);
    lengths
}

/// Writes `data` as literals and matches that repeat the last byte, then the end of the block.
fn tokens(data: &[u8], lengths: &[u32], distance_bits: u32, bits: &mut Bits) {
    let codes = canonical(lengths);
    let symbol = |bits: &mut Bits, symbol: usize| bits.code(codes[symbol], lengths[symbol]);
    let mut at = 0;
    while at < data.len() {
        symbol(bits, data[at].into());
        let mut run = data[at + 1..].iter().take_while(|&&byte| byte == data[at]).count();
        at += 1;
        while run >= 3 {
            // Lengths 3 to 10 and 258 have symbols without extra bits.
            let (length, code) = if run >= 258 { (258, LONGEST) } else { (run.min(10), run.min(10) + 254) };
            symbol(bits, code);
            bits.code(0, distance_bits);
            at += length;
            run -= length;
        }
    }
    symbol(bits, END);
}

/// The codes that belong to lengths (RFC 1951, 3.2.2).
fn canonical(lengths: &[u32]) -> Vec<u32> {
    let mut codes = vec![0; lengths.len()];
    let mut next = 0;
    for length in 1..=15 {
        next <<= 1;
        for (code, _) in codes.iter_mut().zip(lengths).filter(|&(_, &of)| of == length) {
            *code = next;
            next += 1;
        }
    }
    codes
}

/// Bits, the least significant of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn bit(&mut self, bit: u32) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= (bit as u8) << self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    /// A number: its least significant bit first.
    fn number(&mut self, value: u32, count: u32) {
        (0..count).for_each(|place| self.bit((value >> place) & 1));
    }

    /// A Huffman code: its most significant bit first.
    fn code(&mut self, code: u32, count: u32) {
        (0..count).rev().for_each(|place| self.bit((code >> place) & 1));
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
