//! The tree that an engine packs into a tar of a container's files.

use std::mem;

use castline_core::{
    Digest, Hasher, Rootfs,
    rootfs::{Change, Layer, Node, NodeKind},
    tar::{Entry, Kind, Limits, Parser, Visitor, normalize},
};

use crate::DriverError;

/// Reads such a tar as it comes by. Contents are hashed, not kept.
pub(super) struct Tree {
    parser: Parser,
    seen: Seen,
    bytes: u64,
}

#[derive(Default)]
struct Seen {
    changes: Vec<Change>,
    open: Option<(Vec<u8>, Node, Hasher)>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { parser: Parser::new(Limits::default()), seen: Seen::default(), bytes: 0 }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), DriverError> {
        self.bytes += bytes.len() as u64;
        self.parser.feed(bytes, &mut self.seen).map_err(DriverError::temporary)
    }

    /// The tree, and how many bytes it was read from. Names that begin as whiteouts do in layers are names here.
    pub(super) fn finish(mut self) -> Result<(Rootfs, u64), DriverError> {
        self.parser.finish().map_err(DriverError::temporary)?;
        let layer: Layer = mem::take(&mut self.seen.changes).into_iter().collect();
        Ok((Rootfs::merge([&layer]).map_err(DriverError::temporary)?, self.bytes))
    }
}

impl Visitor for Seen {
    fn entry(&mut self, entry: Entry) {
        let path = normalize(&entry.path).path;
        let (major, minor) = entry.device.unwrap_or_default();
        let kind = match entry.kind {
            Kind::HardLink => {
                let target = normalize(&entry.link).path;
                self.changes.push(Change::Link { path, target });
                return;
            }
            Kind::File => NodeKind::File { size: entry.size, digest: Digest::of(b"") },
            Kind::Symlink => NodeKind::Symlink { target: entry.link },
            Kind::CharDevice => NodeKind::CharDevice { major, minor },
            Kind::BlockDevice => NodeKind::BlockDevice { major, minor },
            Kind::Directory => NodeKind::Directory,
            Kind::Fifo => NodeKind::Fifo,
            Kind::Other(_) => return,
        };
        let node = Node {
            mode: if matches!(kind, NodeKind::Symlink { .. }) { 0o777 } else { entry.mode & 0o7777 },
            kind,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            xattrs: entry.xattrs,
            implicit: false,
            verity: None,
        };
        match (&node.kind, Hasher::new(&Digest::of(b"").algorithm())) {
            (NodeKind::File { .. }, Some(hasher)) => self.open = Some((path, node, hasher)),
            _ => self.changes.push(Change::Add { path, node }),
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Some((_, _, hasher)) = &mut self.open {
            hasher.update(bytes);
        }
    }

    fn hole(&mut self, length: u64) {
        let zeros = [0; 4096];
        let mut left = length;
        while left > 0 {
            let count = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
            self.data(&zeros[..count]);
            left -= count as u64;
        }
    }

    fn end(&mut self) {
        if let Some((path, mut node, hasher)) = self.open.take() {
            if let NodeKind::File { digest, .. } = &mut node.kind {
                *digest = hasher.finish();
            }
            self.changes.push(Change::Add { path, node });
        }
    }
}
