//! Prefix codes as tables: a root indexed by the next bits of the stream, and subtables for the codes longer than it.

use crate::codes::LITERALS;

/// The longest code of a literal, a length or a distance.
const MAX_BITS: u32 = 15;
/// One for each length of a code, 0 included.
const SIZE: usize = MAX_BITS as usize + 1;

/// How many codes of each length a code has, and whether they make a prefix code.
pub(crate) struct Shape {
    counts: [u16; SIZE],
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Complete,
    /// One code of one bit; the other value of that bit stands for nothing.
    Single,
    Empty,
    /// Over-subscribed, or incomplete in another way.
    Broken,
}

impl Shape {
    pub(crate) fn of(lengths: &[u8]) -> Self {
        let mut counts = [0_u16; SIZE];
        for &length in lengths {
            counts[usize::from(length) % SIZE] += 1;
        }
        counts[0] = 0;
        let used: u32 = (0..).zip(&counts).map(|(bits, &count)| u32::from(count) << (MAX_BITS - bits)).sum();
        let codes: u16 = counts.iter().sum();
        let kind = match codes {
            _ if used == 1 << MAX_BITS => Kind::Complete,
            0 => Kind::Empty,
            1 if counts[1] == 1 => Kind::Single,
            _ => Kind::Broken,
        };
        Self { counts, kind }
    }
}

/// What a table is made of.
pub(crate) trait Slot: Copy {
    /// What one bit stands for that stands for nothing.
    const VOID: Self;
    /// The root's link to a subtable: where it starts, bits that index it, bits of the root.
    fn subtable(start: usize, width: u32, root: u32) -> Self;
}

/// Fills `table` for the canonical code (section 3.2.2) of a shape that is not broken. `entry` makes an entry of a symbol
/// and the bits that its code still has where the entry stands.
pub(crate) fn build<T: Slot>(
    table: &mut [T],
    root: u32,
    lengths: &[u8],
    shape: &Shape,
    entry: impl Fn(usize, u32) -> T,
) {
    if !matches!(shape.kind, Kind::Complete) {
        table[..1 << root].fill(T::VOID);
        if let Some(symbol) = lengths.iter().position(|&length| length == 1) {
            for slot in table[..1 << root].iter_mut().step_by(2) {
                *slot = entry(symbol, 1);
            }
        }
        return;
    }

    let mut starts = [0_u16; SIZE + 1];
    for (bits, &count) in shape.counts.iter().enumerate() {
        starts[bits + 1] = starts[bits] + count;
    }
    let mut sorted = [0_u16; LITERALS];
    for (symbol, &length) in (0..).zip(lengths) {
        if length != 0 {
            let start = &mut starts[usize::from(length)];
            sorted[usize::from(*start)] = symbol;
            *start += 1;
        }
    }
    let mut symbols = sorted.iter().map(|&symbol| usize::from(symbol));

    // The code, its first bit lowest, as the stream has it.
    let mut code = 0_usize;
    // The root is filled as if it had `bits` bits, and doubled with each further one.
    for bits in 1..=root {
        let half = 1 << (bits - 1);
        table.copy_within(..half, half);
        for symbol in symbols.by_ref().take(usize::from(shape.counts[bits as usize])) {
            table[code] = entry(symbol, bits);
            code = next(code, bits);
        }
    }

    let root_mask = (1 << root) - 1;
    let mut end = 1 << root;
    let mut subtable = None;
    for bits in root + 1..=MAX_BITS {
        for left in (1..=shape.counts[bits as usize]).rev() {
            let prefix = code & root_mask;
            let (start, width) = match subtable {
                Some((open, start, width)) if open == prefix => (start, width),
                _ => {
                    // As wide as the longest code with this prefix: codes come in order, so take more bits until the
                    // codes that are left fill it.
                    let mut width = bits - root;
                    let mut filled = u32::from(left);
                    while filled < 1 << width && root + width < MAX_BITS {
                        width += 1;
                        filled = 2 * filled + u32::from(shape.counts[(root + width) as usize]);
                    }
                    let start = end;
                    end += 1 << width;
                    table[prefix] = T::subtable(start, width, root);
                    subtable = Some((prefix, start, width));
                    (start, width)
                }
            };
            let slots = &mut table[start..start + (1 << width)];
            let Some(symbol) = symbols.next() else { return };
            for slot in slots[code >> root..].iter_mut().step_by(1 << (bits - root)) {
                *slot = entry(symbol, bits - root);
            }
            code = next(code, bits);
        }
    }
}

/// The code of `bits` bits that follows `code`, both with the first bit lowest; the last is followed by 0.
fn next(code: usize, bits: u32) -> usize {
    let clear = !code & ((1 << bits) - 1);
    clear.checked_ilog2().map_or(0, |highest| code & ((1 << highest) - 1) | 1 << highest)
}
