use std::{
    cell::Cell,
    fs::File,
    io::{self, Read, Seek as _, Write as _},
};

use castline_core::{Compression, Finding, FindingCode, Limits, Watch, decode::Decompress};
use tempfile::SpooledData;

use super::intake::Intake;

/// The bytes of an archive's tar, readable at any place by several threads.
#[derive(Debug)]
pub(super) enum Backing {
    /// The archive itself.
    InPlace {
        file: File,
        length: u64,
    },
    /// A temporary file.
    Spooled {
        file: File,
        length: u64,
    },
    Memory(Vec<u8>),
}

/// Why an archive has no readable tar.
pub(super) enum Unreadable {
    /// The file cannot be read.
    Io(io::Error),
    /// What was read is not an archive.
    Finding(Box<Finding>),
    /// The watch asked for a stop.
    Cancelled,
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Finding> for Unreadable {
    fn from(finding: Finding) -> Self {
        Self::Finding(Box::new(finding))
    }
}

/// A compressed archive is held in memory up to this many bytes of its tar.
const IN_MEMORY: usize = 64 << 20;
const XZ: &[u8] = b"\xfd7zXZ\0";
/// Memory that xz may use for its dictionary, in KiB: what `xz -9` needs.
const XZ_MEMORY: u32 = 128 << 10;

/// How the tar as a whole is compressed.
#[derive(Clone, Copy)]
enum Wrapping {
    None,
    Xz,
    Other(Compression),
}

impl Wrapping {
    fn of(head: &[u8]) -> Self {
        match Decompress::<&[u8]>::sniff(head) {
            Compression::None if head == XZ => Self::Xz,
            Compression::None => Self::None,
            compression => Self::Other(compression),
        }
    }
}

impl Backing {
    pub(super) fn empty() -> Self {
        Self::Memory(Vec::new())
    }

    /// The tar in `file`, in place where that can be.
    pub(super) fn of_file(mut file: File, limits: &Limits, watch: &Watch<'_>) -> Result<Self, Unreadable> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Self::of_stream(file, limits, watch);
        }
        let (head, filled) = read_head(&mut file)?;
        file.rewind()?;
        match Wrapping::of(&head[..filled]) {
            Wrapping::None => Ok(Self::InPlace { file, length: metadata.len() }),
            wrapping => Self::unwrap(file, metadata.len(), wrapping, limits, watch),
        }
    }

    /// The tar that `stream` yields.
    pub(super) fn of_stream(
        mut stream: impl Read,
        limits: &Limits,
        watch: &Watch<'_>,
    ) -> Result<Self, Unreadable> {
        let (head, filled) = read_head(&mut stream)?;
        let head = &head[..filled];
        Self::unwrap(head.chain(stream), 0, Wrapping::of(head), limits, watch)
    }

    /// The tar in `source`, of `total` bytes where that is known and 0 elsewhere. What follows the end of the tar is
    /// read, too: it may be where the compressed stream breaks.
    fn unwrap(
        source: impl Read,
        total: u64,
        wrapping: Wrapping,
        limits: &Limits,
        watch: &Watch<'_>,
    ) -> Result<Self, Unreadable> {
        let stored = Cell::new(0);
        let source = Intake::new(source, &stored, total, watch);
        match wrapping {
            Wrapping::None => Self::spool(source, &stored, limits, watch),
            Wrapping::Xz => {
                let source = lzma_rust2::XzReader::new_mem_limit(source, true, XZ_MEMORY);
                Self::spool(source, &stored, limits, watch)
            }
            Wrapping::Other(compression) => {
                Self::spool(Decompress::new(source, compression, limits), &stored, limits, watch)
            }
        }
    }

    /// Keeps it as a whole, since tar members can be read in any order and a stream cannot. `stored` counts the bytes
    /// that it is made of.
    fn spool(
        mut source: impl Read,
        stored: &Cell<u64>,
        limits: &Limits,
        watch: &Watch<'_>,
    ) -> Result<Self, Unreadable> {
        let mut spool = tempfile::spooled_tempfile(IN_MEMORY);
        let mut buffer = vec![0; 256 << 10];
        let mut total = 0u64;
        loop {
            let read = source.read(&mut buffer);
            if watch.is_cancelled() {
                return Err(Unreadable::Cancelled);
            }
            let count = match read {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let message = format!("the archive cannot be read as a whole: {error}");
                    return Err(Unreadable::from(Finding::error(FindingCode::ArchiveUnreadable, message)));
                }
            };
            total += count as u64;
            if total > limits.archive_bytes {
                let limit = limits.archive_bytes;
                return Err(exceeded("archiveBytes", limit, &format!("holds more than {limit} bytes")));
            }
            if total > limits.expansion_grace && total / limits.expansion.max(1) > stored.get() {
                let limit = limits.expansion;
                let what = format!("expands to more than {limit} times its size: it may be a bomb");
                return Err(exceeded("expansion", limit, &what));
            }
            spool.write_all(&buffer[..count])?;
        }
        Ok(match spool.into_inner() {
            SpooledData::InMemory(cursor) => Self::Memory(cursor.into_inner()),
            SpooledData::OnDisk(file) => Self::Spooled { file, length: total },
        })
    }

    /// Whether nothing of the archive has been read yet but its head.
    pub(super) const fn is_in_place(&self) -> bool {
        matches!(self, Self::InPlace { .. })
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::InPlace { length, .. } | Self::Spooled { length, .. } => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Reads what fits of the bytes from `offset` on.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::InPlace { file, .. } | Self::Spooled { file, .. } => read_file_at(file, buffer, offset),
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let count = buffer.len().min(bytes.len() - from);
                buffer[..count].copy_from_slice(&bytes[from..from + count]);
                Ok(count)
            }
        }
    }
}

/// The finding that `limit`, by its `name`, is passed by an archive that does `what`.
pub(super) fn exceeded(name: &str, limit: u64, what: &str) -> Unreadable {
    let finding = Finding::error(FindingCode::LimitExceeded, format!("the archive {what}"));
    Unreadable::from(finding.with_values(format!("{name} <= {limit}"), "more"))
}

#[cfg(unix)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_file_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// The first bytes, as many as there are.
fn read_head(source: &mut impl Read) -> io::Result<([u8; XZ.len()], usize)> {
    let mut head = [0; XZ.len()];
    let mut filled = 0;
    while filled < head.len() {
        match source.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((head, filled))
}

/// A member's bytes.
pub(super) struct Section<'a> {
    backing: &'a Backing,
    offset: u64,
    left: u64,
}

impl<'a> Section<'a> {
    pub(super) fn new(backing: &'a Backing, offset: u64, size: u64) -> Self {
        Self { backing, offset, left: size }
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.backing.read_at(&mut buffer[..wanted], self.offset)?;
        if count == 0 && wanted > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within the member"));
        }
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}
