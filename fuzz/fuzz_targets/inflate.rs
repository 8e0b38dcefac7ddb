//! The inflater gives what another one gives, however input and output are cut.
#![no_main]

use castline_inflate::{Inflate, Status};
use flate2::{Decompress, FlushDecompress};
use libfuzzer_sys::fuzz_target;

const HISTORY: usize = 32 << 10;
const LIMIT: usize = 4 << 20;

/// The output of a whole stream, and how many bytes it took; `None` when it is refused or cut.
fn ours(stream: &[u8], piece: usize, room: usize) -> Option<(Vec<u8>, usize)> {
    let mut inflate = Inflate::new();
    let mut output = Vec::new();
    let mut buffer = vec![0; HISTORY + room];
    let (mut at, mut used) = (0, 0);
    loop {
        if at == buffer.len() {
            buffer.copy_within(at - HISTORY.., 0);
            at = HISTORY;
        }
        let end = stream.len().min(used + piece);
        let step = inflate.inflate(&stream[used..end], &mut buffer, at).ok()?;
        output.extend_from_slice(&buffer[at..at + step.produced]);
        used += step.consumed;
        at += step.produced;
        match step.status {
            Status::Done => return Some((output, used)),
            Status::NeedsInput if used == stream.len() => return None,
            _ if output.len() > LIMIT => return None,
            _ => {}
        }
    }
}

fn theirs(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut decompress = Decompress::new(false);
    let mut output = vec![0; LIMIT + 1];
    let status = decompress.decompress(stream, &mut output, FlushDecompress::Finish).ok()?;
    let produced = usize::try_from(decompress.total_out()).ok()?;
    output.truncate(produced);
    (status == flate2::Status::StreamEnd).then(|| (output, decompress.total_in() as usize))
}

fuzz_target!(|input: &[u8]| {
    let [piece, room, stream @ ..] = input else { return };
    let whole = ours(stream, usize::MAX >> 1, 256 << 10);
    let cut = ours(stream, 1 + usize::from(*piece), 1 + usize::from(*room));
    let theirs = theirs(stream);
    if theirs.as_ref().is_none_or(|(output, _)| output.len() <= LIMIT - (512 << 10)) {
        assert!(whole == cut, "cutting changes the result");
        assert!(whole == theirs, "the decoders differ");
    }
});
