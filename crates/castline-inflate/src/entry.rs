//! What a table says of the next bits of a stream, in one word.

/// What the next bits of a stream stand for. From the highest bit:
///
/// ```text
/// literal    1 ....... byte....  ........ ...bbbbb
/// copy       0 base.............  0...cccc ...bbbbb   c bits of the code, without those that add to the base
/// subtable   0 start............  11..wwww ...bbbbb   w bits that index it
/// special    0 .................  10e..... ...bbbbb   e end of block; else the bits stand for nothing
/// ```
///
/// where `b` counts the bits that the entry stands for.
#[derive(Clone, Copy)]
pub(crate) struct Entry(u32);

const IS_LITERAL: u32 = 1 << 31;
const IS_SPECIAL: u32 = 1 << 15;
const IS_SUBTABLE: u32 = 1 << 14;
const IS_END: u32 = 1 << 13;

impl Entry {
    /// One bit that stands for nothing.
    pub(crate) const VOID: Self = Self(IS_SPECIAL | 1);

    pub(crate) fn literal(byte: usize, code: u32) -> Self {
        Self(IS_LITERAL | narrow(byte) << 16 | code)
    }

    pub(crate) fn copy(base: u16, extra: u8, code: u32) -> Self {
        Self(u32::from(base) << 16 | code << 8 | (code + u32::from(extra)))
    }

    /// What stands for nothing.
    pub(crate) fn invalid(code: u32) -> Self {
        Self(IS_SPECIAL | code)
    }

    pub(crate) fn end(code: u32) -> Self {
        Self(IS_SPECIAL | IS_END | code)
    }

    pub(crate) fn subtable(start: usize, width: u32, root: u32) -> Self {
        Self(IS_SPECIAL | IS_SUBTABLE | narrow(start) << 16 | width << 8 | root)
    }

    #[inline]
    pub(crate) const fn is_literal(self) -> bool {
        self.0 & IS_LITERAL != 0
    }

    #[inline]
    pub(crate) const fn is_special(self) -> bool {
        self.0 & IS_SPECIAL != 0
    }

    #[inline]
    pub(crate) const fn is_subtable(self) -> bool {
        self.0 & IS_SUBTABLE != 0
    }

    #[inline]
    pub(crate) const fn is_end(self) -> bool {
        self.0 & IS_END != 0
    }

    /// Bits that it stands for, those that add to a base included.
    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0 & 31
    }

    /// The same modulo 64, with other bits above it: for sums and shifts that are modulo 64 too.
    #[inline]
    pub(crate) const fn bits_modulo_64(self) -> u32 {
        self.0
    }

    /// Of a literal: the byte.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the bits that are cut off are not the literal's")]
    pub(crate) const fn byte(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Of a copy: its length or distance. `word` begins with the entry's code.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most 13 bits")]
    pub(crate) const fn value(self, word: u64) -> usize {
        let extra = (word & ((1 << (self.0 & 63)) - 1)) >> (self.0 >> 8 & 63);
        (self.0 >> 16) as usize + extra as usize
    }

    /// Of a subtable: where to look, by the bits after the root's.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most 8 bits")]
    pub(crate) const fn index(self, word: u64) -> usize {
        (self.0 >> 16 & 0xfff) as usize + (word & ((1 << (self.0 >> 8 & 63)) - 1)) as usize
    }
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).expect("symbols and table indices are small")
}
