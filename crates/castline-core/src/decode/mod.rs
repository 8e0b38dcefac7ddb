//! Decompression as it is needed to verify: bytes pushed in, bytes out, faults told apart.
//!
//! The framing of gzip and zstd (members, frames, checksums, what follows the last one) is read here, so that a
//! fault has the same name whichever library decodes the payload.

mod gzip;
mod reader;
mod zstd;

pub use reader::Decompress;

use crate::{Compression, Limits};

/// How much of the output so far a decoder may look back at: DEFLATE's window. A chunk's buffer starts with it.
pub(crate) const HISTORY: usize = 32 << 10;

/// Decodes one compressed stream.
pub(crate) trait Decode: Send {
    /// Decodes `input` into `buffer` from `*at` on and moves `*at`. `buffer[..*at]` ends with the last
    /// [`HISTORY`] bytes of output (or all there were). Returns how much of `input` was used: all of it, unless
    /// the buffer is full.
    fn decode(&mut self, input: &[u8], buffer: &mut [u8], at: &mut usize) -> Result<usize, DecodeFault>;

    /// Whether the stream may end here.
    fn finish(&mut self) -> Result<Tail, DecodeFault>;
}

/// What stands after the last member or frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    Clean,
    /// This many zero bytes.
    Zeros(u64),
}

/// Why a compressed stream is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeFault {
    /// The stream does not decode, or a checksum is wrong.
    #[error("{0}")]
    Corrupt(String),
    /// The stream ends early.
    #[error("the stream ends before its end marker")]
    Truncated,
    /// Bytes stand after the last member or frame that are not another one.
    #[error("bytes follow the end of the stream")]
    TrailingGarbage,
    /// A zstd frame asks for more memory than the limit.
    #[error("a frame asks for a window of {window} bytes, over the limit of {limit}")]
    Window {
        /// What the frame asks for.
        window: u64,
        /// What is allowed.
        limit: u64,
    },
}

/// How the stream that begins with `head` is compressed, by its magic number.
pub(crate) fn sniff(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// A decoder for a compressed stream; `None` when it is not compressed.
pub(crate) fn decoder(compression: Compression, limits: &Limits) -> Option<Box<dyn Decode>> {
    match compression {
        Compression::None => None,
        Compression::Gzip => Some(Box::new(gzip::Gzip::new())),
        Compression::Zstd => Some(Box::new(zstd::Zstd::new(limits.zstd_window))),
    }
}
