//! zstd (RFC 8878), written by hand with raw and run-length blocks.

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// No block is larger (RFC 8878, 3.1.1.2.4).
const BLOCK: usize = 128 << 10;
/// Runs are looked for in pieces of this many bytes: a tar's blocks.
const PIECE: usize = 512;

/// What a frame's header says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Header {
    /// The content size that is declared, in a single-segment frame; without it the frame has a window descriptor.
    pub(crate) content_size: Option<u32>,
    /// The window descriptor's byte, where there is no content size: exponent in the high 5 bits, mantissa in the low 3.
    pub(crate) window: u8,
    /// A dictionary that the frame asks for.
    pub(crate) dictionary: Option<u32>,
    /// Whether a checksum of the content follows.
    pub(crate) checksum: bool,
}

/// A frame as the tool writes it: content size and checksum.
pub(crate) fn frame(data: &[u8]) -> Vec<u8> {
    frame_with(Header { content_size: Some(data.len() as u32), checksum: true, ..Header::default() }, data)
}

/// A frame with a header of one's own.
pub(crate) fn frame_with(header: Header, data: &[u8]) -> Vec<u8> {
    let mut bytes = head(header);
    let pieces: Vec<_> = data.chunks(PIECE).collect();
    if pieces.is_empty() {
        bytes.extend(block(true, 0, 0));
    }
    for (place, piece) in pieces.iter().enumerate() {
        let last = place + 1 == pieces.len();
        if piece.iter().all(|&byte| byte == piece[0]) {
            bytes.extend(block(last, 1, piece.len()));
            bytes.push(piece[0]);
        } else {
            bytes.extend(block(last, 0, piece.len()));
            bytes.extend(*piece);
        }
    }
    if header.checksum {
        bytes.extend(checksum(data));
    }
    bytes
}

/// A frame of `head`, then `count` run-length blocks of 128 KiB of zeros: 32,768 times as many bytes as it has itself.
pub(crate) fn bomb(start: &[u8], count: usize) -> Vec<u8> {
    let mut bytes = head(Header { window: 0x58, ..Header::default() });
    bytes.extend(block(false, 0, start.len()));
    bytes.extend(start);
    for place in 0..count {
        bytes.extend(block(place + 1 == count, 1, BLOCK));
        bytes.push(0);
    }
    bytes
}

/// A skippable frame (RFC 8878, 3.1.2).
pub(crate) fn skippable(data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x5a, 0x2a, 0x4d, 0x18];
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

/// A block's header: 0 raw, 1 run-length, 2 compressed, 3 reserved.
pub(crate) fn block(last: bool, kind: u8, size: usize) -> [u8; 3] {
    let [first, second, third, _] =
        ((size as u32) << 3 | u32::from(kind) << 1 | u32::from(last)).to_le_bytes();
    [first, second, third]
}

/// A frame's header.
pub(crate) fn head(header: Header) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let single = if header.content_size.is_some() { 0b1010_0000 } else { 0 };
    let dictionary = if header.dictionary.is_some() { 3 } else { 0 };
    bytes.push(single | u8::from(header.checksum) << 2 | dictionary);
    if header.content_size.is_none() {
        bytes.push(header.window);
    }
    bytes.extend(header.dictionary.iter().flat_map(|id| id.to_le_bytes()));
    bytes.extend(header.content_size.iter().flat_map(|size| size.to_le_bytes()));
    bytes
}

fn checksum(data: &[u8]) -> [u8; 4] {
    let [first, second, third, fourth, ..] = xxh64(data).to_le_bytes();
    [first, second, third, fourth]
}

/// XXH64 with seed 0, the checksum of RFC 8878, 3.1.1.
fn xxh64(data: &[u8]) -> u64 {
    const P: [u64; 5] = [
        0x9e37_79b1_85eb_ca87,
        0xc2b2_ae3d_27d4_eb4f,
        0x1656_67b1_9e37_79f9,
        0x85eb_ca77_c2b2_ae63,
        0x27d4_eb2f_1656_67c5,
    ];
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
    let round =
        |lane: u64, word: u64| lane.wrapping_add(word.wrapping_mul(P[1])).rotate_left(31).wrapping_mul(P[0]);
    let stripes = data.chunks_exact(32);
    let mut rest = stripes.remainder();
    let mut hash = if data.len() < 32 {
        P[4]
    } else {
        let mut lanes = [P[0].wrapping_add(P[1]), P[1], 0, 0_u64.wrapping_sub(P[0])];
        for stripe in stripes {
            for (lane, bytes) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = round(*lane, word(bytes));
            }
        }
        let turns = [1, 7, 12, 18];
        let mixed =
            lanes.iter().zip(turns).fold(0_u64, |sum, (lane, turn)| sum.wrapping_add(lane.rotate_left(turn)));
        lanes.iter().fold(mixed, |hash, &lane| (hash ^ round(0, lane)).wrapping_mul(P[0]).wrapping_add(P[3]))
    };
    hash = hash.wrapping_add(data.len() as u64);
    while let Some((bytes, after)) = rest.split_at_checked(8) {
        hash = (hash ^ round(0, word(bytes))).rotate_left(27).wrapping_mul(P[0]).wrapping_add(P[3]);
        rest = after;
    }
    if let Some((bytes, after)) = rest.split_at_checked(4) {
        hash = (hash ^ word(bytes).wrapping_mul(P[0])).rotate_left(23).wrapping_mul(P[1]).wrapping_add(P[2]);
        rest = after;
    }
    for &byte in rest {
        hash = (hash ^ u64::from(byte).wrapping_mul(P[4])).rotate_left(11).wrapping_mul(P[0]);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(P[1]);
    hash = (hash ^ hash >> 29).wrapping_mul(P[2]);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_xxh64_values_come_out() {
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(xxh64(b"abc"), 0x44bc_2cf5_ad77_0999);
        assert_eq!(xxh64(b"The quick brown fox jumps over the lazy dog"), 0x0b24_2d36_1fda_71bc);
    }
}
