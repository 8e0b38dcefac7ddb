//! The decoder proper: resumable after any bit of input and any byte of output. [`fast`](crate::fast) does most of the
//! work, away from the edges of both.

use std::ops::ControlFlow::{self, Break, Continue};

use crate::bits::{Bits, Input};
use crate::codes::{Codes, DISTANCE_ROOT, LITERAL_ROOT};
use crate::entry::Entry;
use crate::header::Header;
use crate::{Corrupt, Status, Step, fast};

/// How far back a match can begin.
const WINDOW: usize = 32 << 10;

/// The next phase, or why the call must return.
type Flow = ControlFlow<Status, Phase>;

pub(crate) struct Machine {
    bits: Bits,
    phase: Phase,
    /// In the last block.
    is_last: bool,
    /// Bytes of output so far; not counted beyond [`WINDOW`].
    history: usize,
    header: Header,
    codes: Codes,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    Block,
    StoredLength,
    Stored { left: usize },
    Header,
    Symbols,
    Distance { length: usize },
    Copy { length: usize, distance: usize },
    End,
    Refused(Corrupt),
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            bits: Bits::default(),
            phase: Phase::Block,
            is_last: false,
            history: 0,
            header: Header::new(),
            codes: Codes::new(),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.bits = Bits::default();
        self.phase = Phase::Block;
        self.is_last = false;
        self.history = 0;
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn inflate(&mut self, input: &[u8], buffer: &mut [u8], at: usize) -> Result<Step, Corrupt> {
        let mut input = Input { bytes: input, taken: 0 };
        let at = at.min(buffer.len());
        // From here on position 0 is the first byte that a match may copy.
        let start = self.history.min(at);
        let mut output = Output { bytes: &mut buffer[at - start..], at: start };
        let result = loop {
            match self.step(&mut input, &mut output) {
                Ok(Continue(phase)) => self.phase = phase,
                Ok(Break(status)) => break Ok(status),
                Err(fault) => break Err(fault),
            }
        };
        let produced = output.at - start;
        self.history = WINDOW.min(self.history + produced);
        match result {
            Ok(status) => Ok(Step { consumed: input.taken, produced, status }),
            Err(fault) => {
                self.phase = Phase::Refused(fault);
                Err(fault)
            }
        }
    }

    /// Does what the phase asks for: the next phase, or why the call must return.
    fn step(&mut self, input: &mut Input<'_>, output: &mut Output<'_>) -> Result<Flow, Corrupt> {
        match self.phase {
            Phase::Block => self.block(input),
            Phase::StoredLength => self.stored_length(input),
            Phase::Stored { left } => Ok(self.stored(left, input, output)),
            Phase::Header => {
                let done = self.header.read(&mut self.bits, input, &mut self.codes)?;
                Ok(if done { Continue(Phase::Symbols) } else { Break(Status::NeedsInput) })
            }
            Phase::Symbols => self.symbols(input, output),
            Phase::Distance { length } => self.distance(length, input),
            Phase::Copy { length, distance } => copy(length, distance, output),
            Phase::End => Ok(Break(Status::Done)),
            Phase::Refused(fault) => Err(fault),
        }
    }

    fn block(&mut self, input: &mut Input<'_>) -> Result<Flow, Corrupt> {
        if !self.bits.fill(input, 3) {
            return Ok(Break(Status::NeedsInput));
        }
        self.is_last = self.bits.take(1) == 1;
        match self.bits.take(2) {
            0 => {
                self.bits.align();
                Ok(Continue(Phase::StoredLength))
            }
            1 => {
                self.codes.fix();
                Ok(Continue(Phase::Symbols))
            }
            2 => {
                self.header.restart();
                Ok(Continue(Phase::Header))
            }
            _ => Err(Corrupt::ReservedBlockType),
        }
    }

    fn stored_length(&mut self, input: &mut Input<'_>) -> Result<Flow, Corrupt> {
        if !self.bits.fill(input, 32) {
            return Ok(Break(Status::NeedsInput));
        }
        let (length, complement) = (self.bits.take(16), self.bits.take(16));
        if length != complement ^ 0xffff {
            return Err(Corrupt::StoredLength);
        }
        Ok(Continue(Phase::Stored { left: length as usize }))
    }

    fn stored(&self, left: usize, input: &mut Input<'_>, output: &mut Output<'_>) -> Flow {
        let (rest, room) = (input.rest(), output.room());
        let length = left.min(rest.len()).min(room.len());
        if left == 0 {
            return Continue(self.after_block());
        }
        if length == 0 {
            return Break(if room.is_empty() { Status::NeedsOutput } else { Status::NeedsInput });
        }
        room[..length].copy_from_slice(&rest[..length]);
        input.taken += length;
        output.at += length;
        Continue(Phase::Stored { left: left - length })
    }

    fn symbols(&mut self, input: &mut Input<'_>, output: &mut Output<'_>) -> Result<Flow, Corrupt> {
        if fast::run(&mut self.bits, input, output, &self.codes)? {
            return Ok(Continue(self.after_block()));
        }
        let Some((entry, skipped)) = next(&mut self.bits, input, &self.codes.literals, LITERAL_ROOT) else {
            return Ok(Break(Status::NeedsInput));
        };
        if entry.is_literal() {
            let [slot, ..] = output.room() else { return Ok(Break(Status::NeedsOutput)) };
            *slot = entry.byte();
            output.at += 1;
            self.bits.skip(skipped + entry.bits());
            return Ok(Continue(Phase::Symbols));
        }
        self.bits.skip(skipped);
        let length = entry.value(self.bits.word);
        self.bits.skip(entry.bits());
        match (entry.is_special(), entry.is_end()) {
            (false, _) => Ok(Continue(Phase::Distance { length })),
            (true, true) => Ok(Continue(self.after_block())),
            (true, false) => Err(Corrupt::InvalidLength),
        }
    }

    fn distance(&mut self, length: usize, input: &mut Input<'_>) -> Result<Flow, Corrupt> {
        let Some((entry, skipped)) = next(&mut self.bits, input, &self.codes.distances, DISTANCE_ROOT) else {
            return Ok(Break(Status::NeedsInput));
        };
        if entry.is_special() {
            return Err(Corrupt::InvalidDistance);
        }
        self.bits.skip(skipped);
        let distance = entry.value(self.bits.word);
        self.bits.skip(entry.bits());
        Ok(Continue(Phase::Copy { length, distance }))
    }

    fn after_block(&self) -> Phase {
        if self.is_last { Phase::End } else { Phase::Block }
    }
}

/// The buffer of one call, from the first byte that a match may copy, and where the next byte goes.
pub(crate) struct Output<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) at: usize,
}

impl Output<'_> {
    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.at..]
    }
}

fn copy(length: usize, distance: usize, output: &mut Output<'_>) -> Result<Flow, Corrupt> {
    let from = output.at.checked_sub(distance).ok_or(Corrupt::DistanceTooFar)?;
    if length == 0 {
        return Ok(Continue(Phase::Symbols));
    }
    let now = length.min(output.room().len());
    if now == 0 {
        return Ok(Break(Status::NeedsOutput));
    }
    for index in from..from + now {
        output.bytes[index + distance] = output.bytes[index];
    }
    output.at += now;
    Ok(Continue(Phase::Copy { length: length - now, distance }))
}

/// The entry that the next bits stand for, which are then held, and how many bits stand before its own.
fn next(bits: &mut Bits, input: &mut Input<'_>, table: &[Entry], root: u32) -> Option<(Entry, u32)> {
    loop {
        // Bits that are not held are 0 here. If the entry needs none of them it is the right one; if not, neither would
        // the right one have had enough.
        let mut entry = table[bits.peek(root) as usize];
        let mut skipped = 0;
        if entry.is_special() && entry.is_subtable() {
            skipped = root;
            entry = table[entry.index(bits.word >> root)];
        }
        if skipped + entry.bits() <= bits.held {
            return Some((entry, skipped));
        }
        if !bits.fill(input, bits.held + 1) {
            return None;
        }
    }
}
