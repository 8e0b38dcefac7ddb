//! Maps of sparse files.

use super::{
    Block,
    fault::{Defect, within},
};

/// A stretch of a sparse file that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Checks that segments ascend, stay within the file, and make up what is stored; drops those of no bytes.
pub(super) fn checked(mut segments: Vec<Segment>, size: u64, stored: u64) -> Result<Vec<Segment>, Defect> {
    let (mut end, mut sum) = (0, 0_u64);
    for segment in &segments {
        if segment.offset < end {
            return Err(Defect::Header("the segments of a sparse file overlap or are out of order"));
        }
        end = segment
            .offset
            .checked_add(segment.length)
            .filter(|&end| end <= size)
            .ok_or(Defect::Header("a segment of a sparse file is beyond its end"))?;
        // Segments do not overlap, so their sum is at most `size`.
        sum = sum.saturating_add(segment.length);
    }
    if sum != stored {
        return Err(Defect::Header("a sparse file stores more or less than its map says"));
    }
    segments.retain(|segment| segment.length > 0);
    Ok(segments)
}

/// Offsets and lengths that alternate.
pub(super) fn paired(numbers: &[u64], limit: u64) -> Result<Vec<Segment>, Defect> {
    let (pairs, rest) = numbers.as_chunks();
    within(pairs.len(), limit, "sparseSegments")?;
    if !rest.is_empty() {
        return Err(Defect::Pax("a sparse map with an odd count of numbers"));
    }
    Ok(pairs.iter().map(|&[offset, length]| Segment { offset, length }).collect())
}

/// The map of PAX sparse format 1.0, which stands before the content: lines of decimal numbers, the first one the count of
/// segments, then an offset and a length for each, filled up to whole blocks.
#[derive(Debug, Default)]
pub(super) struct Map {
    count: Option<u64>,
    offset: Option<u64>,
    /// The number that is being read.
    number: Option<u64>,
    segments: Vec<Segment>,
}

impl Map {
    /// Takes the next block; true when the map is complete.
    pub(super) fn feed(&mut self, block: &Block, limit: u64) -> Result<bool, Defect> {
        const BAD: Defect = Defect::Header("the map of a sparse file is malformed");
        for &byte in block {
            if byte.is_ascii_digit() {
                let number = self.number.unwrap_or(0).checked_mul(10);
                self.number =
                    Some(number.and_then(|number| number.checked_add((byte - b'0').into())).ok_or(BAD)?);
                continue;
            }
            let number = self.number.take().filter(|_| byte == b'\n').ok_or(BAD)?;
            if self.count.is_none() {
                if number > limit {
                    return Err(Defect::Limit("sparseSegments", limit));
                }
                self.count = Some(number);
            } else if let Some(offset) = self.offset.take() {
                self.segments.push(Segment { offset, length: number });
            } else {
                self.offset = Some(number);
            }
            if self.count == Some(self.segments.len() as u64) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn into_segments(self) -> Vec<Segment> {
        self.segments
    }
}
