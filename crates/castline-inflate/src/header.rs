//! The header of a dynamic block (section 3.2.7), resumable after any bit.

use crate::Corrupt;
use crate::bits::{Bits, Input};
use crate::codes::{Codes, DISTANCES, LENGTH_ROOT, LITERALS, LengthCode, length_code};

/// The order in which the lengths of the codes for code lengths come.
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const MAX_LITERALS: usize = 286;
const MAX_DISTANCES: usize = 30;

/// What was read of a header so far.
pub(crate) struct Header {
    step: Step,
    literals: usize,
    distances: usize,
    /// Lengths of the codes for code lengths that the header holds.
    listed: usize,
    /// Code lengths read so far, of the code that `step` names.
    filled: usize,
    length_lengths: [u8; 19],
    length_code: LengthCode,
    /// Code lengths of literals, then of distances.
    lengths: [u8; LITERALS + DISTANCES],
}

#[derive(Clone, Copy)]
enum Step {
    Sizes,
    LengthCode,
    Codes,
}

impl Header {
    pub(crate) fn new() -> Self {
        Self {
            step: Step::Sizes,
            literals: 0,
            distances: 0,
            listed: 0,
            filled: 0,
            length_lengths: [0; 19],
            length_code: [(0, 0); 1 << LENGTH_ROOT],
            lengths: [0; LITERALS + DISTANCES],
        }
    }

    pub(crate) fn restart(&mut self) {
        self.step = Step::Sizes;
    }

    /// Reads on, and sets `codes` at the end. Whether it came to the end.
    pub(crate) fn read(
        &mut self,
        bits: &mut Bits,
        input: &mut Input<'_>,
        codes: &mut Codes,
    ) -> Result<bool, Corrupt> {
        loop {
            match self.step {
                Step::Sizes => {
                    if !bits.fill(input, 14) {
                        return Ok(false);
                    }
                    self.literals = bits.take(5) as usize + 257;
                    self.distances = bits.take(5) as usize + 1;
                    self.listed = bits.take(4) as usize + 4;
                    if self.literals > MAX_LITERALS || self.distances > MAX_DISTANCES {
                        return Err(Corrupt::TooManyCodes);
                    }
                    self.length_lengths = [0; 19];
                    self.filled = 0;
                    self.step = Step::LengthCode;
                }
                Step::LengthCode => {
                    while self.filled < self.listed {
                        if !bits.fill(input, 3) {
                            return Ok(false);
                        }
                        #[expect(clippy::cast_possible_truncation, reason = "three bits")]
                        {
                            self.length_lengths[usize::from(ORDER[self.filled])] = bits.take(3) as u8;
                        }
                        self.filled += 1;
                    }
                    length_code(&mut self.length_code, &self.length_lengths)?;
                    self.filled = 0;
                    self.step = Step::Codes;
                }
                Step::Codes => {
                    if !self.lengths(bits, input)? {
                        return Ok(false);
                    }
                    let (literals, distances) =
                        self.lengths[..self.literals + self.distances].split_at(self.literals);
                    if literals[256] == 0 {
                        return Err(Corrupt::NoEndOfBlock);
                    }
                    codes.set(literals, distances)?;
                    return Ok(true);
                }
            }
        }
    }

    /// Reads code lengths. Whether it came to the last.
    fn lengths(&mut self, bits: &mut Bits, input: &mut Input<'_>) -> Result<bool, Corrupt> {
        let total = self.literals + self.distances;
        while self.filled < total {
            let (symbol, code) = loop {
                let (symbol, code) = self.length_code[bits.peek(LENGTH_ROOT) as usize];
                let code = u32::from(code);
                if code <= bits.held {
                    break (symbol, code);
                }
                if !bits.fill(input, bits.held + 1) {
                    return Ok(false);
                }
            };
            let (extra, base) = match symbol {
                16 => (2, 3),
                17 => (3, 3),
                18 => (7, 11),
                length => {
                    bits.skip(code);
                    self.lengths[self.filled] = length;
                    self.filled += 1;
                    continue;
                }
            };
            if !bits.fill(input, code + extra) {
                return Ok(false);
            }
            bits.skip(code);
            let length = match (symbol, self.filled) {
                (16, 0) => return Err(Corrupt::RepeatOfNothing),
                (16, filled) => self.lengths[filled - 1],
                _ => 0,
            };
            let end = self.filled + base + bits.take(extra) as usize;
            if end > total {
                return Err(Corrupt::RepeatTooLong);
            }
            self.lengths[self.filled..end].fill(length);
            self.filled = end;
        }
        Ok(true)
    }
}
