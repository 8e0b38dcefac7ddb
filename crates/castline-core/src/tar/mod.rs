//! Reads tars as their bytes come by: v7, ustar, PAX and GNU, sparse files among them.
//!
//! [`Parser`] opens nothing and waits for nothing: whoever has the bytes pushes them in, in pieces of any length, and a
//! [`Visitor`] hears of entries and contents. Contents are handed on, never kept; a reader that can seek may jump
//! over them.
//!
//! Where readers of tars differ, this one does as Go's `archive/tar` does, since container engines use it: the last
//! of two equal PAX keys counts, and a GNU long name wins over a PAX `path`. What a global PAX header says of entries
//! holds for all that follow as POSIX has it, and for none in Go: bytes with two readings are refused
//! ([`TarFault::BadPax`]). A global header of other keys, such as the `comment` that `git archive` writes, is passed over.
//!
//! ```
//! use castline_core::tar::{Entry, Limits, Parser, Visitor};
//!
//! #[derive(Default)]
//! struct Names(Vec<Vec<u8>>);
//!
//! impl Visitor for Names {
//!     fn entry(&mut self, entry: Entry) {
//!         self.0.push(entry.path);
//!     }
//! }
//!
//! let mut names = Names::default();
//! let mut parser = Parser::new(Limits::default());
//! parser.feed(&[0; 1024], &mut names)?;
//! assert!(parser.finish()?.end_marker);
//! assert!(names.0.is_empty());
//! # Ok::<_, castline_core::tar::TarFault>(())
//! ```

mod content;
mod draft;
mod entry;
mod fault;
mod header;
mod parser;
mod path;
mod pax;
mod sparse;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Kind, Mtime, Visitor};
pub use fault::TarFault;
pub use parser::{Parser, Summary};
pub use path::{Normalized, normalize};

/// How much a tar may ask for. Past a limit there is [`TarFault::LimitExceeded`], before anything is allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries, extended headers not counted: 10,000,000.
    pub entries: u64,
    /// Bytes of one path or link target: 16 KiB.
    pub path_bytes: u64,
    /// Bytes of one PAX header or GNU long name: 1 MiB.
    pub extended_bytes: u64,
    /// Stored segments of one sparse file: 1,000,000.
    pub sparse_segments: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 10_000_000,
            path_bytes: 16 << 10,
            extended_bytes: 1 << 20,
            sparse_segments: 1_000_000,
        }
    }
}

/// The unit in which tars are written, in bytes.
const BLOCK: usize = 512;

/// A block of a tar.
type Block = [u8; BLOCK];

/// What fills `length` up to whole blocks.
const fn padding(length: u64) -> u64 {
    length.wrapping_neg() % BLOCK as u64
}
