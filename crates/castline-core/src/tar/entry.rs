use std::collections::BTreeMap;

/// Hears what is in a tar, in its order: for each entry `entry`, then `data` and `hole` as its content comes, then
/// `end`.
pub trait Visitor {
    /// An entry begins.
    fn entry(&mut self, entry: Entry);

    /// The next bytes of a file; never empty, and cut wherever the pieces that were fed are cut.
    fn data(&mut self, _bytes: &[u8]) {}

    /// The next `length` bytes of a sparse file are zeros that the tar does not store; `length` is never 0.
    fn hole(&mut self, _length: u64) {}

    /// The entry is complete.
    fn end(&mut self) {}
}

/// One entry: its header, with what extended headers before it say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name as written; see [`normalize`](super::normalize).
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// The mode as written: permission bits, and whatever else the writer put there.
    pub mode: u32,
    /// The owner, at most `u32::MAX`.
    pub uid: u64,
    /// The group, at most `u32::MAX`.
    pub gid: u64,
    /// Bytes of the content, holes included. 0 for links, devices and FIFOs.
    pub size: u64,
    /// Bytes of the content that the tar stores; less than `size` for sparse files.
    pub stored: u64,
    /// Where the stored content begins, in bytes from the tar's start. A sparse map is not part of it.
    pub offset: u64,
    /// When it was modified.
    pub mtime: Mtime,
    /// The target of a link, as written; empty for what is no link, as a rule.
    pub link: Vec<u8>,
    /// Major and minor number of a device.
    pub device: Option<(u64, u64)>,
    /// Extended attributes by name, from `SCHILY.xattr.*` or else `LIBARCHIVE.xattr.*`.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A time: `secs` since 1970, and `nanos` after that, 0 to 999,999,999. 1.5 s before 1970 is `-2` and 500,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtime {
    /// Seconds since 1970, rounded down.
    pub secs: i64,
    /// Nanoseconds after that.
    pub nanos: u32,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file: type `0`, NUL, `7` (contiguous) or `S` (GNU sparse).
    File,
    /// Another name of an earlier entry: type `1`.
    HardLink,
    /// A symbolic link: type `2`.
    Symlink,
    /// A character device: type `3`.
    CharDevice,
    /// A block device: type `4`.
    BlockDevice,
    /// A folder: type `5`, or a file of type NUL whose name ends in `/` (v7).
    Directory,
    /// A named pipe: type `6`.
    Fifo,
    /// Any other type. Its content is passed over in silence.
    Other(u8),
}

/// What becomes of the bytes that an entry's size announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    /// There are none, whatever the size says.
    Nothing,
    /// They are there, and nobody wants them.
    Silent,
    /// They are the file.
    Data,
}

impl Kind {
    pub(super) fn of(flag: u8, path: &[u8]) -> Self {
        match flag {
            0 if path.ends_with(b"/") => Self::Directory,
            0 | b'0' | b'7' | b'S' => Self::File,
            b'1' => Self::HardLink,
            b'2' => Self::Symlink,
            b'3' => Self::CharDevice,
            b'4' => Self::BlockDevice,
            b'5' => Self::Directory,
            b'6' => Self::Fifo,
            other => Self::Other(other),
        }
    }

    /// Links, devices and FIFOs have no content whatever their size says, as Go's `archive/tar` has it
    /// (`isHeaderOnlyType`): some writers give a hard link the size of its target.
    pub(super) fn carries(self) -> Carries {
        match self {
            Self::File => Carries::Data,
            Self::Directory | Self::Other(_) => Carries::Silent,
            Self::HardLink | Self::Symlink | Self::CharDevice | Self::BlockDevice | Self::Fifo => {
                Carries::Nothing
            }
        }
    }
}
