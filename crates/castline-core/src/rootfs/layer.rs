use castline_sha256::Sha256;

use super::{Node, NodeKind, verity::Verity};
use crate::{
    Digest,
    tar::{Entry, Kind, Visitor, normalize},
};

/// What a layer adds and removes, in the order in which its tar has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    pub(super) changes: Vec<Change>,
}

/// One change that a layer makes. Paths are names joined by `/`, from the root, which is the empty path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A node of its own.
    Add {
        /// Where it stands.
        path: Vec<u8>,
        /// What it is.
        node: Node,
    },
    /// Another name of a file.
    Link {
        /// The new name.
        path: Vec<u8>,
        /// A name that the file has already.
        target: Vec<u8>,
    },
    /// What lower layers have there goes (`.wh.NAME`).
    Remove {
        /// Where.
        path: Vec<u8>,
    },
    /// What lower layers have in that folder goes (`.wh..wh..opq`).
    Empty {
        /// Which folder.
        path: Vec<u8>,
    },
}

impl Layer {
    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl FromIterator<Change> for Layer {
    /// A layer of changes in their order.
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self { changes: changes.into_iter().collect() }
    }
}

/// Makes a [`Layer`] of what a tar parser tells.
pub(crate) struct Collector {
    layer: Layer,
    /// The file whose content comes by, and its digest so far.
    open: Option<Open>,
    /// Whether to compute fs-verity digests, too.
    verity: bool,
    /// Bytes of holes that may still be hashed: no tar has to hold them, so they need a limit of their own.
    holes: u64,
    overrun: bool,
}

struct Open {
    path: Vec<u8>,
    node: Node,
    hasher: Sha256,
    verity: Option<Verity>,
}

impl Open {
    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(verity) = &mut self.verity {
            verity.update(bytes);
        }
    }
}

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// AUFS's own files (`.wh..wh.plnk` …), which no engine unpacks.
const META: &[u8] = b".wh..wh.";

impl Collector {
    /// At most `holes` bytes of holes in sparse files are taken.
    pub(crate) fn new(holes: u64, verity: bool) -> Self {
        Self { layer: Layer::default(), open: None, verity, holes, overrun: false }
    }

    /// The layer; `None` when its sparse files are larger than the limit.
    pub(crate) fn finish(self) -> Option<Layer> {
        (!self.overrun).then_some(self.layer)
    }
}

impl Visitor for Collector {
    fn entry(&mut self, entry: Entry) {
        let path = normalize(&entry.path).path;
        let (folder, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&b""[..], &path[..]),
        };
        if name == OPAQUE {
            self.layer.changes.push(Change::Empty { path: folder.to_vec() });
            return;
        }
        if name.starts_with(META) {
            return;
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            if !matches!(hidden, b"" | b"." | b"..") {
                let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
                self.layer.changes.push(Change::Remove { path: [folder, slash, hidden].concat() });
            }
            return;
        }
        let (major, minor) = entry.device.unwrap_or_default();
        let kind = match entry.kind {
            Kind::File => NodeKind::File { size: entry.size, digest: Digest::from_sha256([0; 32]) },
            Kind::HardLink => {
                let target = normalize(&entry.link).path;
                self.layer.changes.push(Change::Link { path, target });
                return;
            }
            Kind::Symlink => NodeKind::Symlink { target: entry.link },
            Kind::CharDevice => NodeKind::CharDevice { major, minor },
            Kind::BlockDevice => NodeKind::BlockDevice { major, minor },
            Kind::Directory => NodeKind::Directory,
            Kind::Fifo => NodeKind::Fifo,
            Kind::Other(_) => return,
        };
        let node = Node {
            // Linux has no mode of a symbolic link: it reads as this, whatever a tar says.
            mode: if matches!(kind, NodeKind::Symlink { .. }) { 0o777 } else { entry.mode & 0o7777 },
            kind,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            xattrs: entry.xattrs,
            implicit: false,
            verity: None,
        };
        if matches!(node.kind, NodeKind::File { .. }) {
            let verity = self.verity.then(Verity::default);
            self.open = Some(Open { path, node, hasher: Sha256::new(), verity });
        } else {
            self.layer.changes.push(Change::Add { path, node });
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Some(open) = &mut self.open {
            open.update(bytes);
        }
    }

    fn hole(&mut self, length: u64) {
        let Some(left) = self.holes.checked_sub(length) else {
            self.overrun = true;
            return;
        };
        self.holes = left;
        if let Some(open) = &mut self.open {
            let zeros = [0; 4096];
            let mut length = length;
            while length > 0 {
                let count = length.min(zeros.len() as u64);
                open.update(&zeros[..usize::try_from(count).unwrap_or(zeros.len())]);
                length -= count;
            }
        }
    }

    fn end(&mut self) {
        if let Some(Open { path, mut node, hasher, verity }) = self.open.take() {
            node.verity = verity.map(|verity| Box::new(Digest::from_sha256(verity.finish())));
            if let NodeKind::File { digest, .. } = &mut node.kind {
                *digest = Digest::from_sha256(hasher.finalize());
            }
            self.layer.changes.push(Change::Add { path, node });
        }
    }
}
