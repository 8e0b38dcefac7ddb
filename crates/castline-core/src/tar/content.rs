//! The content of one entry as it passes.

use std::vec;

use super::{Visitor, entry::Carries, padding, sparse::Segment};

#[derive(Debug)]
pub(super) struct Content {
    silent: bool,
    /// Stored bytes that are still to come, and the padding after them.
    stored: u64,
    padding: u64,
    /// Stored bytes until the next hole or the end.
    run: u64,
    /// Where in the file the current run ends.
    position: u64,
    size: u64,
    segments: vec::IntoIter<Segment>,
    ended: bool,
}

impl Content {
    pub(super) fn new(carries: Carries, stored: u64, size: u64, segments: Option<Vec<Segment>>) -> Self {
        // Without a map, the whole content is one run.
        let run = if segments.is_some() { 0 } else { stored };
        Self {
            silent: carries != Carries::Data,
            stored,
            padding: padding(stored),
            run,
            position: run,
            size,
            segments: segments.unwrap_or_default().into_iter(),
            ended: false,
        }
    }

    /// Takes what of `bytes` belongs to this entry, and tells the count.
    pub(super) fn feed(&mut self, bytes: &[u8], visitor: &mut dyn Visitor) -> usize {
        let mut rest = bytes;
        loop {
            self.report_holes(visitor);
            let (data, tail) = rest.split_at(shorter(rest, self.run));
            if data.is_empty() {
                break;
            }
            if !self.silent {
                visitor.data(data);
            }
            self.run -= data.len() as u64;
            self.stored -= data.len() as u64;
            rest = tail;
        }
        if self.stored == 0 {
            if !self.ended {
                self.ended = true;
                visitor.end();
            }
            let padding = shorter(rest, self.padding);
            self.padding -= padding as u64;
            rest = &rest[padding..];
        }
        bytes.len() - rest.len()
    }

    /// Tells of what stands before the next stored byte, or before the end.
    fn report_holes(&mut self, visitor: &mut dyn Visitor) {
        if self.run > 0 || self.silent || self.ended {
            return;
        }
        let next = self.segments.next().unwrap_or(Segment { offset: self.size, length: 0 });
        let hole = next.offset.saturating_sub(self.position);
        if hole > 0 {
            visitor.hole(hole);
        }
        self.run = next.length;
        self.position = next.offset.saturating_add(next.length);
    }

    /// Stored bytes and padding that are still to come.
    pub(super) fn left(&self) -> u64 {
        self.stored + self.padding
    }

    /// Nothing is to come and nothing is to be told.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.left() == 0
    }

    /// Passes over up to `count` bytes in silence, and tells how many.
    pub(super) fn skip(&mut self, count: u64) -> u64 {
        let content = count.min(self.stored);
        let padding = (count - content).min(self.padding);
        self.stored -= content;
        self.padding -= padding;
        let mut left = content;
        while left > self.run {
            left -= self.run;
            let Some(next) = self.segments.next() else { break };
            self.run = next.length;
            self.position = next.offset.saturating_add(next.length);
        }
        self.run = self.run.saturating_sub(left);
        if self.stored == 0 {
            // A hole at the end was passed over as well.
            self.position = self.size;
        }
        content + padding
    }
}

fn shorter(bytes: &[u8], limit: u64) -> usize {
    usize::try_from(limit).map_or(bytes.len(), |limit| limit.min(bytes.len()))
}
