use std::collections::BTreeMap;

use crate::{Digest, tar::Mtime};

/// A file, folder, link, device or pipe: all but its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Permissions, setuid, setgid and sticky bit: at most `0o7777`.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// When it was modified. For a folder that no layer has, 1970.
    pub mtime: Mtime,
    /// Extended attributes by name.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether it is a folder that no layer has: one that engines make because something is in it, as they see fit.
    pub implicit: bool,
    /// Of a file, the digest by which fs-verity knows its content (SHA-256, blocks of 4,096 bytes, no salt), where it was
    /// computed ([`Options::with_verity`](crate::Options::with_verity)).
    pub verity: Option<Box<Digest>>,
}

/// What a node is, with what only such a one has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    /// A folder.
    Directory,
    /// A file.
    File {
        /// Its length in bytes.
        size: u64,
        /// The digest of its content.
        digest: Digest,
    },
    /// A symbolic link.
    Symlink {
        /// Where it leads, as written.
        target: Vec<u8>,
    },
    /// A character device.
    CharDevice {
        /// The driver.
        major: u64,
        /// Which of the driver's devices.
        minor: u64,
    },
    /// A block device.
    BlockDevice {
        /// The driver.
        major: u64,
        /// Which of the driver's devices.
        minor: u64,
    },
    /// A named pipe.
    Fifo,
    /// A socket that a process listens on. No layer can have one.
    Socket,
}

impl NodeKind {
    /// `directory`, `file`, `symlink`, `charDevice`, `blockDevice`, `fifo` or `socket`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::File { .. } => "file",
            Self::Symlink { .. } => "symlink",
            Self::CharDevice { .. } => "charDevice",
            Self::BlockDevice { .. } => "blockDevice",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
        }
    }
}

impl Node {
    /// The folder that is made where a layer has something in a folder that no layer has: what containerd makes.
    pub(crate) fn implicit_directory() -> Self {
        Self {
            kind: NodeKind::Directory,
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            xattrs: BTreeMap::new(),
            implicit: true,
            verity: None,
        }
    }

    /// Whether everyone may write it, or, of a folder, replace what others have in it. The mode of a link says nothing.
    pub(crate) const fn is_open(&self) -> bool {
        let link = matches!(self.kind, NodeKind::Symlink { .. });
        self.mode & 0o002 != 0 && !link && !(self.is_directory() && self.mode & 0o1000 != 0)
    }

    /// Whether it is a folder.
    pub const fn is_directory(&self) -> bool {
        matches!(self.kind, NodeKind::Directory)
    }
}
