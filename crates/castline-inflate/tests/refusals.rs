//! One stream for each rule, on both sides of it; zlib-rs agrees with each line.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use castline_inflate::{Corrupt, Inflate, Status, Step};

use support::{End, Token, Writer, canonical, decode, dynamic_header, fixed_lengths, oracle, write_tokens};

const REPEAT_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// A last block of fixed codes.
fn fixed(tokens: &[Token]) -> Vec<u8> {
    let mut writer = Writer::default();
    let (literals, distances) = fixed_lengths();
    write_tokens(writer.bits(0b011, 3), tokens, &canonical(&literals), &canonical(&distances));
    writer.into_bytes()
}

/// The same, symbol by symbol.
fn fixed_symbols(symbols: &[usize], distance: Option<usize>) -> Vec<u8> {
    let mut writer = Writer::default();
    let (literals, distances) = fixed_lengths();
    let (literals, distances) = (canonical(&literals), canonical(&distances));
    writer.bits(0b011, 3);
    for &symbol in symbols {
        writer.code(literals[symbol]);
    }
    if let Some(symbol) = distance {
        writer.code(distances[symbol]);
    }
    writer.code(literals[256]);
    writer.into_bytes()
}

/// The header of a last dynamic block with codes of these lengths, and what follows it.
fn dynamic(literals: &[(usize, u8)], distances: &[u8], body: &[(u32, u32)]) -> Vec<u8> {
    let mut lengths = vec![0; 286];
    for &(symbol, length) in literals {
        lengths[symbol] = length;
    }
    let mut writer = Writer::default();
    dynamic_header(&mut writer, true, &lengths, distances);
    for &(bits, count) in body {
        writer.bits(bits, count);
    }
    writer.into_bytes()
}

/// A dynamic header with sizes as in the stream, these lengths for the codes of code lengths, and bits after them.
fn header(sizes: (u32, u32), lengths: &[(usize, u32)], body: &[(u32, u32)]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bits(0b101, 3).bits(sizes.0, 5).bits(sizes.1, 5).bits(15, 4);
    for symbol in REPEAT_ORDER {
        let length = lengths.iter().find(|&&(listed, _)| listed == symbol).map_or(0, |&(_, length)| length);
        writer.bits(length, 3);
    }
    for &(bits, count) in body {
        writer.bits(bits, count);
    }
    writer.into_bytes()
}

#[test]
fn each_rule_refuses_what_breaks_it_and_no_more() {
    use Token::{Copy, Literal};
    let a = Literal(b'a');
    // `a` is `0`, the end of the block is `10`, the length 3 is `11`.
    let codes = [(97, 1), (256, 2), (257, 2)];
    let too_far = |distance| fixed(&[a, a, a, Copy { length: 3, distance }]);
    let cases: &[(&str, Vec<u8>, Result<(), Corrupt>)] = &[
        ("block type 3", vec![0b111], Err(Corrupt::ReservedBlockType)),
        ("stored, empty", vec![1, 0, 0, 0xff, 0xff], Ok(())),
        ("stored, padding set", vec![0b1111_1001, 1, 0, 0xfe, 0xff, 7], Ok(())),
        ("stored, complement wrong", vec![1, 1, 0, 0xff, 0xff, 7], Err(Corrupt::StoredLength)),
        ("fixed, empty", fixed(&[]), Ok(())),
        ("fixed, literal 144", fixed(&[Literal(144), Literal(255)]), Ok(())),
        ("fixed, symbol 285", fixed_symbols(&[97, 285], Some(0)), Ok(())),
        ("fixed, symbol 286", fixed_symbols(&[97, 286], None), Err(Corrupt::InvalidLength)),
        ("fixed, symbol 287", fixed_symbols(&[97, 287], None), Err(Corrupt::InvalidLength)),
        ("fixed, distance 30", fixed_symbols(&[97, 257], Some(30)), Err(Corrupt::InvalidDistance)),
        ("fixed, distance 31", fixed_symbols(&[97, 257], Some(31)), Err(Corrupt::InvalidDistance)),
        ("distance at the first byte", too_far(3), Ok(())),
        ("distance before it", too_far(4), Err(Corrupt::DistanceTooFar)),
        ("distance before it, farthest", too_far(32_768), Err(Corrupt::DistanceTooFar)),
        ("copy of nothing", fixed(&[Copy { length: 3, distance: 1 }]), Err(Corrupt::DistanceTooFar)),
        ("286 literal codes", header((29, 0), &[], &[(0, 32); 9]), Err(Corrupt::NoEndOfBlock)),
        ("287 literal codes", header((30, 0), &[], &[]), Err(Corrupt::TooManyCodes)),
        ("31 distance codes", header((0, 30), &[], &[]), Err(Corrupt::TooManyCodes)),
        (
            "code lengths' code over-subscribed",
            header((0, 0), &[(0, 1), (1, 1), (2, 1)], &[]),
            Err(Corrupt::CodeLengthCode),
        ),
        (
            "code lengths' code incomplete",
            header((0, 0), &[(0, 1), (1, 2)], &[]),
            Err(Corrupt::CodeLengthCode),
        ),
        ("code lengths' code of one bit", header((0, 0), &[(0, 1)], &[]), Err(Corrupt::CodeLengthCode)),
        (
            "repeat of nothing",
            header((0, 0), &[(0, 1), (16, 1)], &[(1, 1), (0, 2)]),
            Err(Corrupt::RepeatOfNothing),
        ),
        (
            "repeats up to the end",
            header((0, 0), &[(1, 1), (18, 1)], &[(1, 1), (127, 7), (1, 1), (107, 7), (0, 2), (0, 1)]),
            Ok(()),
        ),
        (
            "repeat past the end",
            header((0, 0), &[(1, 1), (18, 1)], &[(1, 1), (127, 7), (1, 1), (110, 7)]),
            Err(Corrupt::RepeatTooLong),
        ),
        ("no end of block", dynamic(&[(97, 1), (98, 1)], &[0], &[]), Err(Corrupt::NoEndOfBlock)),
        (
            "literals over-subscribed",
            dynamic(&[(97, 1), (98, 1), (256, 1)], &[0], &[]),
            Err(Corrupt::LiteralCode),
        ),
        ("literals incomplete", dynamic(&[(97, 2), (98, 2), (256, 2)], &[0], &[]), Err(Corrupt::LiteralCode)),
        ("only an end of block", dynamic(&[(256, 1)], &[0], &[(0, 1)]), Ok(())),
        (
            "only an end of block, other bit",
            dynamic(&[(256, 1)], &[0], &[(1, 1)]),
            Err(Corrupt::InvalidLength),
        ),
        ("only an end of block, of two bits", dynamic(&[(256, 2)], &[0], &[]), Err(Corrupt::LiteralCode)),
        ("distances over-subscribed", dynamic(&codes, &[1, 1, 1], &[]), Err(Corrupt::DistanceCode)),
        ("distances incomplete", dynamic(&codes, &[1, 2], &[]), Err(Corrupt::DistanceCode)),
        ("one distance of two bits", dynamic(&codes, &[2], &[]), Err(Corrupt::DistanceCode)),
        ("one distance of one bit", dynamic(&codes, &[1], &[(0b01_0110, 6)]), Ok(())),
        ("one distance, other bit", dynamic(&codes, &[1], &[(0b01_1110, 6)]), Err(Corrupt::InvalidDistance)),
        ("no distance, none used", dynamic(&codes, &[0], &[(0b010, 3)]), Ok(())),
        ("no distance, one used", dynamic(&codes, &[0], &[(0b01_0110, 6)]), Err(Corrupt::InvalidDistance)),
    ];
    for (name, stream, expected) in cases {
        // Bits after the stream, so that a refusal is not mistaken for a cut; with and without the fast loop.
        for padding in [8, 100] {
            let mut padded = stream.clone();
            padded.resize(stream.len() + padding, 0);
            for room in [0, 1, 1000] {
                let (_, result) = decode(&padded, &[padded.len()], &[room, 1]);
                assert_eq!(result.map(drop), *expected, "{name}, {padding}, {room}");
            }
            let (_, result) = decode(&padded, &[1], &[1]);
            assert_eq!(result.map(drop), *expected, "{name}, byte by byte");
            let (_, end) = oracle(&padded);
            assert_eq!(end == End::Corrupt, expected.is_err(), "{name}, zlib-rs: {end:?}");
            if let End::Done(length) = end {
                assert_eq!(length, stream.len(), "{name}");
            }
        }
    }
}

#[test]
fn a_distance_may_not_reach_what_lies_before_the_stream() {
    let stream = fixed(&[Token::Literal(b'a'), Token::Copy { length: 3, distance: 2 }]);
    let mut buffer = vec![b'x'; 1000];
    assert_eq!(Inflate::new().inflate(&stream, &mut buffer, 500), Err(Corrupt::DistanceTooFar));
}

#[test]
fn a_lost_history_is_refused() {
    let stream = fixed(&[Token::Literal(b'a'), Token::Literal(b'b'), Token::Copy { length: 3, distance: 2 }]);
    let mut inflate = Inflate::new();
    let step = inflate.inflate(&stream, &mut [0; 2], 0);
    assert_eq!(step.map(|step| (step.produced, step.status)), Ok((2, Status::NeedsOutput)));
    assert_eq!(inflate.inflate(&stream[stream.len() - 1..], &mut [0; 10], 1), Err(Corrupt::DistanceTooFar));
}

#[test]
fn a_position_past_the_buffer_is_a_full_buffer() {
    let mut buffer = [0; 10];
    let step = Inflate::new().inflate(&fixed(&[Token::Literal(1)]), &mut buffer, 11).unwrap();
    assert_eq!((step.produced, step.status), (0, Status::NeedsOutput));
}

#[test]
fn nothing_needs_nothing() {
    let nothing = Inflate::new().inflate(&[], &mut [], 0);
    assert_eq!(nothing, Ok(Step { consumed: 0, produced: 0, status: Status::NeedsInput }));
}

#[test]
fn the_end_is_found_with_a_full_buffer() {
    let stream = fixed(&[Token::Literal(1)]);
    let step = Inflate::new().inflate(&stream, &mut [0], 0).unwrap();
    assert_eq!(step, Step { consumed: stream.len(), produced: 1, status: Status::Done });
}
