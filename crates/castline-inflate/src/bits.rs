/// The input of one call, and how much of it was taken.
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) taken: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.taken..]
    }
}

/// Bits that were taken from the input and not used yet, the next one lowest.
///
/// Between two calls it holds no whole byte that the next item (symbol, header field) could do without. So at the end
/// of a stream every byte that must be given back is from the input at hand, and in fact none is left to give back.
#[derive(Default)]
pub(crate) struct Bits {
    /// The bits; zero from `held` on.
    pub(crate) word: u64,
    pub(crate) held: u32,
}

impl Bits {
    /// Takes bytes one by one until `count` (at most 56) bits are held. Whether there were enough.
    pub(crate) fn fill(&mut self, input: &mut Input<'_>, count: u32) -> bool {
        while self.held < count {
            let Some(&byte) = input.bytes.get(input.taken) else { return false };
            input.taken += 1;
            self.word |= u64::from(byte) << self.held;
            self.held += 8;
        }
        true
    }

    /// The lowest `count` bits, at most 32 of them, which must be held.
    pub(crate) fn peek(&self, count: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "masked to at most 32 bits")]
        {
            (self.word & ((1 << count) - 1)) as u32
        }
    }

    /// Drops the lowest `count` bits, which must be held.
    pub(crate) fn skip(&mut self, count: u32) {
        self.word >>= count;
        self.held -= count;
    }

    /// Takes the lowest `count` bits, at most 32 of them, which must be held.
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// Drops what is left of the byte at hand.
    pub(crate) fn align(&mut self) {
        self.skip(self.held % 8);
    }
}
