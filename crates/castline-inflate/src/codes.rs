//! A block's codes: their tables, and what their symbols stand for.

use crate::Corrupt;
use crate::entry::Entry;
use crate::table::{Kind, Shape, Slot, build};

/// Literals, end of block, lengths; the last two of the fixed code stand for nothing.
pub(crate) const LITERALS: usize = 288;
/// Distances; the last two of the fixed code stand for nothing.
pub(crate) const DISTANCES: usize = 32;
const END_OF_BLOCK: usize = 256;

/// Bits of the roots, and the most entries that any code can take with them (root and subtables), by exhaustive search
/// (zlib's `enough.c`).
pub(crate) const LITERAL_ROOT: u32 = 11;
const LITERAL_ENTRIES: usize = 2342;
pub(crate) const DISTANCE_ROOT: u32 = 8;
const DISTANCE_ENTRIES: usize = 402;
pub(crate) const LENGTH_ROOT: u32 = 7;

/// A block's codes.
pub(crate) struct Codes {
    pub(crate) literals: [Entry; LITERAL_ENTRIES],
    pub(crate) distances: [Entry; DISTANCE_ENTRIES],
    are_fixed: bool,
}

/// The first value of each length and distance symbol, and how many bits add to it (section 3.2.5).
const LENGTHS: [(u16, u8); 29] = {
    let mut lengths = ranges::<29>(3, 2);
    lengths[28] = (258, 0);
    lengths
};
const DISTANCE_RANGES: [(u16, u8); 30] = ranges::<30>(1, 1);

/// Ranges from `first` on whose width doubles after every `1 << group` of them, but for the first two groups.
const fn ranges<const N: usize>(first: u16, group: u32) -> [(u16, u8); N] {
    let mut ranges = [(0, 0); N];
    let mut base = first;
    let mut index = 0;
    while index < N {
        let extra = (index >> group).saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, reason = "at most 13")]
        {
            ranges[index] = (base, extra as u8);
        }
        base = base.wrapping_add(1 << extra);
        index += 1;
    }
    ranges
}

impl Codes {
    pub(crate) fn new() -> Self {
        Self {
            literals: [Slot::VOID; LITERAL_ENTRIES],
            distances: [Slot::VOID; DISTANCE_ENTRIES],
            are_fixed: false,
        }
    }

    /// The fixed codes (section 3.2.6).
    pub(crate) fn fix(&mut self) {
        if self.are_fixed {
            return;
        }
        let mut literals = [8; LITERALS];
        literals[144..256].fill(9);
        literals[256..280].fill(7);
        self.set(&literals, &[5; DISTANCES]).expect("both are complete");
        self.are_fixed = true;
    }

    /// A dynamic block's codes, by the length of each symbol's code.
    pub(crate) fn set(&mut self, literals: &[u8], distances: &[u8]) -> Result<(), Corrupt> {
        self.are_fixed = false;
        let shape = Shape::of(literals);
        if !matches!(shape.kind, Kind::Complete | Kind::Single) {
            return Err(Corrupt::LiteralCode);
        }
        build(&mut self.literals, LITERAL_ROOT, literals, &shape, |symbol, code| match symbol {
            0..END_OF_BLOCK => Entry::literal(symbol, code),
            END_OF_BLOCK => Entry::end(code),
            _ => LENGTHS
                .get(symbol - END_OF_BLOCK - 1)
                .map_or(Entry::invalid(code), |&(base, extra)| Entry::copy(base, extra, code)),
        });

        let shape = Shape::of(distances);
        if !matches!(shape.kind, Kind::Complete | Kind::Single | Kind::Empty) {
            return Err(Corrupt::DistanceCode);
        }
        build(&mut self.distances, DISTANCE_ROOT, distances, &shape, |symbol, code| {
            DISTANCE_RANGES
                .get(symbol)
                .map_or(Entry::invalid(code), |&(base, extra)| Entry::copy(base, extra, code))
        });
        Ok(())
    }
}

/// The code for the code lengths of a dynamic block: the symbol and the bits of its code.
pub(crate) type LengthCode = [(u8, u8); 1 << LENGTH_ROOT];

/// Fills `table` with the code whose symbols have these code lengths.
///
/// An empty code is none of the refusals here: zlib reads it as lengths of 0, and then misses the end of block.
pub(crate) fn length_code(table: &mut LengthCode, lengths: &[u8; 19]) -> Result<(), Corrupt> {
    let shape = Shape::of(lengths);
    if !matches!(shape.kind, Kind::Complete | Kind::Empty) {
        return Err(Corrupt::CodeLengthCode);
    }
    build(table, LENGTH_ROOT, lengths, &shape, |symbol, code| {
        #[expect(clippy::cast_possible_truncation, reason = "symbols are below 19, codes below 8 bits")]
        {
            (symbol as u8, code as u8)
        }
    });
    Ok(())
}

impl Slot for Entry {
    const VOID: Self = Entry::VOID;
    fn subtable(start: usize, width: u32, root: u32) -> Self {
        Entry::subtable(start, width, root)
    }
}

impl Slot for (u8, u8) {
    const VOID: Self = (0, 1);
    fn subtable(_: usize, _: u32, _: u32) -> Self {
        unreachable!("codes of code lengths have at most 7 bits")
    }
}
