//! The hot loop: as long as input and room last for the largest step, no step looks at either.
//!
//! A step is up to two literals and a copy, or up to three literals. What follows from measurements: one entry is one
//! symbol (two literals in one cost more than they save); the next entry is looked up before the copy is made; copies
//! from a distance of a word or more are one case, so that there is one branch to mispredict.

#![expect(clippy::inline_always, reason = "the loop's state must stay in registers, in any caller's profile")]

use std::cell::Cell;

use crate::Corrupt;
use crate::bits::{Bits, Input};
use crate::codes::{Codes, DISTANCE_ROOT, LITERAL_ROOT};
use crate::entry::Entry;
use crate::machine::Output;

/// Input that one step looks at: two refills of at most 7 bytes, each of which reads 8.
const INPUT: usize = 16;
/// What one step writes: two literals, then the longest copy, the last chunk of which may be cut.
const ROOM: usize = 2 + 258 + CHUNK;
/// What most copies are done with at once, word after word.
const CHUNK: usize = 5 * WORD;
const WORD: usize = 8;
/// The most bits of a distance: its code and those that add to its base.
const DISTANCE_BITS: u32 = 15 + 13;

/// Decodes symbols until the end of the block (then `true`), or until input or room are short.
#[inline(never)]
pub(crate) fn run(
    bits: &mut Bits,
    input: &mut Input<'_>,
    output: &mut Output<'_>,
    codes: &Codes,
) -> Result<bool, Corrupt> {
    // As cells, a copy's source and target may overlap.
    let out = Cell::from_mut(&mut *output.bytes).as_slice_of_cells();
    let mut hot = Hot { rest: input.rest(), room: &out[output.at..], word: bits.word, held: bits.held };
    // The first refill is not part of a step, and the first step must be made: it uses up what is held of earlier input.
    if hot.rest.len() < WORD + INPUT || hot.room.len() < ROOM {
        return Ok(false);
    }
    let end = hot.steps(out, codes);

    // Gives back whole bytes, all of which are from this input.
    let held = hot.held % 64;
    bits.held = held % 8;
    bits.word = hot.word & ((1 << bits.held) - 1);
    input.taken = input.bytes.len() - hot.rest.len() - (held / 8) as usize;
    output.at = out.len() - hot.room.len();
    end
}

struct Hot<'a> {
    /// Input that is not in `word`.
    rest: &'a [u8],
    /// Output from the next byte on.
    room: &'a [Cell<u8>],
    /// The next bits; above those that are held are some that the next refill sets again.
    word: u64,
    /// How many bits `word` holds, modulo 64.
    held: u32,
}

impl Hot<'_> {
    #[inline(always)]
    fn steps(&mut self, out: &[Cell<u8>], codes: &Codes) -> Result<bool, Corrupt> {
        self.refill();
        let mut entry = self.literal(codes);
        // Of the 56 bits or more that are held here, two literals of the root's length and the longest length leave 14.
        while self.rest.len() >= INPUT && self.room.len() >= ROOM {
            if entry.is_literal() {
                self.put(entry);
                entry = self.literal(codes);
                if entry.is_literal() {
                    self.put(entry);
                    entry = self.literal(codes);
                    if entry.is_literal() {
                        self.put(entry);
                        self.refill();
                        entry = self.literal(codes);
                        continue;
                    }
                }
            }
            if entry.is_special() {
                if entry.is_subtable() {
                    self.skip(entry);
                    entry = codes.literals[entry.index(self.word)];
                }
                if entry.is_literal() {
                    self.put(entry);
                    self.refill();
                    entry = self.literal(codes);
                    continue;
                }
                if entry.is_special() {
                    self.skip(entry);
                    return if entry.is_end() { Ok(true) } else { Err(Corrupt::InvalidLength) };
                }
            }
            let length = entry.value(self.word);
            self.skip(entry);
            if self.held % 64 < DISTANCE_BITS {
                self.refill();
            }
            let distance = self.distance(codes)?;
            self.refill();
            entry = self.literal(codes);

            let at = out.len() - self.room.len();
            let from = at.checked_sub(distance).ok_or(Corrupt::DistanceTooFar)?;
            match (out[from..].first_chunk(), self.room.first_chunk()) {
                (Some(source), Some(target)) if distance >= WORD && length <= CHUNK => {
                    copy_chunk(source, target);
                }
                _ => copy(out, from, distance, length),
            }
            self.room = &self.room[length..];
        }
        Ok(false)
    }

    /// Fills `word` to at least 56 bits.
    #[inline(always)]
    fn refill(&mut self) {
        if let Some(bytes) = self.rest.first_chunk() {
            self.word |= u64::from_le_bytes(*bytes) << (self.held & 63);
            self.rest = &self.rest[((self.held & 63 ^ 63) >> 3) as usize..];
            self.held |= 0b11_1000;
        }
    }

    /// What the next bits stand for, where a literal or a length is due.
    #[inline(always)]
    fn literal(&self, codes: &Codes) -> Entry {
        codes.literals[(self.word & ((1 << LITERAL_ROOT) - 1)) as usize]
    }

    #[inline(always)]
    fn distance(&mut self, codes: &Codes) -> Result<usize, Corrupt> {
        let mut entry = codes.distances[(self.word & ((1 << DISTANCE_ROOT) - 1)) as usize];
        if entry.is_special() {
            if !entry.is_subtable() {
                return Err(Corrupt::InvalidDistance);
            }
            self.skip(entry);
            entry = codes.distances[entry.index(self.word)];
            if entry.is_special() {
                return Err(Corrupt::InvalidDistance);
            }
        }
        let distance = entry.value(self.word);
        self.skip(entry);
        Ok(distance)
    }

    #[inline(always)]
    fn skip(&mut self, entry: Entry) {
        self.word >>= entry.bits_modulo_64() & 63;
        self.held = self.held.wrapping_sub(entry.bits_modulo_64());
    }

    /// Writes a literal.
    #[inline(always)]
    fn put(&mut self, entry: Entry) {
        if let Some((cell, room)) = self.room.split_first() {
            cell.set(entry.byte());
            self.room = room;
        }
        self.skip(entry);
    }
}

/// Copies word after word: right for overlapping chunks that are a word or more apart.
#[inline(always)]
fn copy_chunk(source: &[Cell<u8>; CHUNK], target: &[Cell<u8>; CHUNK]) {
    let (sources, targets) = (source.as_chunks::<WORD>().0, target.as_chunks::<WORD>().0);
    let mut index = 0;
    while index < CHUNK / WORD {
        let (source, target) = (&sources[index], &targets[index]);
        // All loads before all stores, which makes one of each. Plain loops, unlike iterators, are unrolled without the
        // help of link-time optimization: with iterators and `lto = "off"` everything took four times as long.
        let mut word = [0; WORD];
        let mut byte = 0;
        while byte < WORD {
            word[byte] = source[byte].get();
            byte += 1;
        }
        byte = 0;
        while byte < WORD {
            target[byte].set(word[byte]);
            byte += 1;
        }
        index += 1;
    }
}

/// Copies `length` bytes, and up to [`CHUNK`] more, from `from` to `from + distance`; the ranges may overlap.
#[inline(never)]
fn copy(out: &[Cell<u8>], from: usize, distance: usize, length: usize) {
    let source = &out[from..];
    let target = &source[distance..];
    if distance >= WORD {
        let chunks = source.as_chunks().0.iter().zip(target.as_chunks().0);
        for (source, target) in chunks.take(length.div_ceil(CHUNK)) {
            copy_chunk(source, target);
        }
    } else if distance == 1 {
        let byte = source[0].get();
        target[..length].iter().for_each(|cell| cell.set(byte));
    } else {
        for (source, target) in source.iter().zip(&target[..length]) {
            target.set(source.get());
        }
    }
}
