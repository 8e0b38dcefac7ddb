use std::collections::{BTreeMap, BTreeSet};

use crate::Rootfs;

/// What was seen of an instance's root filesystem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scan {
    /// The tree. What could not be read is not in it.
    pub rootfs: Rootfs,
    /// What could not be read, by its path. Where it is a folder, nothing below it need be in the tree either.
    pub unread: BTreeMap<Vec<u8>, Unread>,
    /// Where other filesystems are mounted. The mount points are in the tree, what is below them is not.
    pub mounts: BTreeSet<Vec<u8>>,
    /// Bytes of files that were read.
    pub bytes: u64,
}

/// Why something is not in the tree though it was there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// It was gone when it was to be read.
    Vanished,
    /// It changed while it was read, every time.
    Changing,
    /// The operating system refuses, in these words.
    Refused(String),
}

impl Scan {
    /// A tree that was seen whole.
    pub fn of(rootfs: Rootfs) -> Self {
        Self { rootfs, ..Self::default() }
    }
}
