//! A streaming decoder of DEFLATE (RFC 1951), for hostile input and for speed.
//!
//! It holds no `unsafe`, allocates once, in [`Inflate::new`], and accepts the streams that zlib accepts, and no others.
//! The caller owns the output buffer, and keeps in it the history that matches copy from:
//!
//! ```
//! use castline_inflate::{Inflate, Status};
//!
//! const HISTORY: usize = 32 << 10;
//!
//! fn size(deflated: &[u8]) -> Result<usize, castline_inflate::Corrupt> {
//!     let mut inflate = Inflate::new();
//!     let mut buffer = vec![0; HISTORY + (256 << 10)];
//!     let (mut at, mut used, mut size) = (0, 0, 0);
//!     loop {
//!         if at == buffer.len() {
//!             buffer.copy_within(at - HISTORY.., 0);
//!             at = HISTORY;
//!         }
//!         let step = inflate.inflate(&deflated[used..], &mut buffer, at)?;
//!         used += step.consumed;
//!         at += step.produced;
//!         size += step.produced;
//!         match step.status {
//!             Status::Done => return Ok(size),
//!             Status::NeedsOutput => {}
//!             Status::NeedsInput => panic!("the stream was cut"),
//!         }
//!     }
//! }
//!
//! // A stored block, the last one.
//! assert_eq!(size(b"\x01\x05\x00\xfa\xffhello"), Ok(5));
//! ```
#![forbid(unsafe_code)]

mod bits;
mod codes;
mod corrupt;
mod entry;
mod fast;
mod header;
mod machine;
mod table;

pub use corrupt::Corrupt;

use machine::Machine;

/// A decoder of raw DEFLATE streams, without the framing of zlib or gzip.
pub struct Inflate(Box<Machine>);

/// What a call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that were used. With [`Status::Done`] this is exact: the next byte is the first one after the
    /// stream.
    pub consumed: usize,
    /// Bytes of output, from `at` on.
    pub produced: usize,
    /// Why the call returned.
    pub status: Status,
}

/// Why a call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All input was used, and the stream goes on.
    NeedsInput,
    /// The buffer is full, and more output is due.
    NeedsOutput,
    /// The stream has ended.
    Done,
}

impl Inflate {
    /// A decoder at the start of a stream. It owns about 12 KiB of tables.
    pub fn new() -> Self {
        Self(Box::new(Machine::new()))
    }

    /// Goes back to the start of a stream, and keeps the memory.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Decodes `input` into `buffer[at..]`.
    ///
    /// `buffer[..at]` must end with the stream's last 32 KiB of output, or all of it where there is less. The bytes of
    /// `buffer` after what was produced are unspecified.
    ///
    /// The call goes on until it runs out of input or of room, or until the stream ends. After [`Status::NeedsOutput`]
    /// the input may be empty: what is due may already be in the decoder. After the end it does nothing.
    ///
    /// # Errors
    /// [`Corrupt`] when zlib would refuse the stream; every later call says the same, until [`reset`](Self::reset).
    pub fn inflate(&mut self, input: &[u8], buffer: &mut [u8], at: usize) -> Result<Step, Corrupt> {
        self.0.inflate(input, buffer, at)
    }
}

impl Default for Inflate {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Inflate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflate").field("phase", &self.0.phase()).finish_non_exhaustive()
    }
}
