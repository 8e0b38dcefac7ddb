//! The inflater gives what another one gives, however input and output are cut.
#![no_main]

use castline_inflate::{Inflate, Status};
use flate2::{Decompress, FlushDecompress};
use libfuzzer_sys::fuzz_target;

const HISTORY: usize = 32 << 10;
const LIMIT: usize = 1 << 20;

/// The output of a whole stream, and how many bytes it took; `None` when it is refused, cut or too long. `cuts` says how
/// many bytes go in and come out at most, call by call.
fn ours(stream: &[u8], mut cuts: impl FnMut() -> (usize, usize)) -> Option<(Vec<u8>, usize)> {
    let mut inflate = Inflate::new();
    let mut output = Vec::new();
    let mut buffer = vec![0; 2 * HISTORY];
    let (mut at, mut used) = (0, 0);
    while output.len() <= LIMIT {
        if at == buffer.len() {
            buffer.copy_within(at - HISTORY.., 0);
            at = HISTORY;
        }
        let (piece, room) = cuts();
        let (until, end) = (stream.len().min(used + piece), buffer.len().min(at + room));
        let step = inflate.inflate(&stream[used..until], &mut buffer[..end], at).ok()?;
        output.extend_from_slice(&buffer[at..at + step.produced]);
        used += step.consumed;
        at += step.produced;
        match step.status {
            Status::Done => return (output.len() <= LIMIT).then_some((output, used)),
            Status::NeedsInput => assert_eq!(used, until, "input is left"),
            Status::NeedsOutput => assert_eq!(at, end, "room is left"),
        }
        if step.status == Status::NeedsInput && used == stream.len() {
            return None;
        }
    }
    None
}

/// The same by miniz_oxide.
fn theirs(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut decompress = Decompress::new(false);
    let mut output = vec![0; LIMIT + 1];
    let status = decompress.decompress(stream, &mut output, FlushDecompress::Finish).ok()?;
    output.truncate(usize::try_from(decompress.total_out()).ok()?);
    let whole = status == flate2::Status::StreamEnd && output.len() <= LIMIT;
    whole.then_some((output, usize::try_from(decompress.total_in()).ok()?))
}

fuzz_target!(|input: &[u8]| {
    let [piece, room, stream @ ..] = input else { return };
    let whole = ours(stream, || (stream.len(), HISTORY));
    // Anywhere, but the same for the same input.
    let mut state = u32::from_le_bytes([*piece, *room, 1, 0]);
    let mut below = |most: &u8| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (state >> 16) as usize % (1 + usize::from(*most))
    };
    let cut = ours(stream, || (below(piece), below(room)));
    assert!(whole == cut, "cutting changes the result");
    assert!(whole == theirs(stream), "the decoders differ");
});
