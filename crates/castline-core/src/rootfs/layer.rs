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

/// Makes a [`Layer`] of what a tar parser tells. Contents are hashed as they come by, not kept.
#[derive(Debug)]
pub struct Collector {
    layer: Layer,
    /// Whether names that begin with `.wh.` are marks of what lower layers lose.
    whiteouts: bool,
    /// The file whose content comes by, and its digest so far.
    open: Option<Open>,
    /// Whether to compute fs-verity digests, too.
    verity: bool,
    /// Bytes of holes that may still be hashed: no tar has to hold them, so they need a limit of their own.
    holes: u64,
    overrun: bool,
}

#[derive(Debug)]
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
    /// Of a layer. At most `holes` bytes of holes in sparse files are taken.
    pub(crate) fn of_layer(holes: u64, verity: bool) -> Self {
        Self { layer: Layer::default(), whiteouts: true, open: None, verity, holes, overrun: false }
    }

    /// Of files packed as they are: there is nothing below them that whiteouts could mark, and names that begin as theirs are names.
    /// At most `holes` bytes of holes in sparse files are taken.
    pub fn of_archive(holes: u64) -> Self {
        Self { whiteouts: false, ..Self::of_layer(holes, false) }
    }

    /// What was collected; `None` when its sparse files are larger than the limit.
    pub fn finish(self) -> Option<Layer> {
        (!self.overrun).then_some(self.layer)
    }

    /// Takes a name that begins with `.wh.` for what it stands for; whether it is such a one.
    fn mark(&mut self, path: &[u8]) -> bool {
        let (folder, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&b""[..], path),
        };
        if name == OPAQUE {
            self.layer.changes.push(Change::Empty { path: folder.to_vec() });
            return true;
        }
        if name.starts_with(META) {
            return true;
        }
        let Some(hidden) = name.strip_prefix(WHITEOUT) else { return false };
        if !matches!(hidden, b"" | b"." | b"..") {
            let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
            self.layer.changes.push(Change::Remove { path: [folder, slash, hidden].concat() });
        }
        true
    }
}

impl Visitor for Collector {
    fn entry(&mut self, entry: Entry) {
        let path = normalize(&entry.path).path;
        if self.whiteouts && self.mark(&path) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::Mtime;

    fn file(path: &str, content: &[u8]) -> Entry {
        Entry {
            path: path.into(),
            kind: Kind::File,
            mode: 0o100_644,
            uid: 7,
            gid: 8,
            size: content.len() as u64,
            stored: content.len() as u64,
            offset: 0,
            mtime: Mtime::default(),
            link: Vec::new(),
            device: None,
            xattrs: std::collections::BTreeMap::new(),
        }
    }

    fn collected(mut collector: Collector) -> Vec<Change> {
        for path in ["etc/.wh.secret", "etc/.wh..wh..opq", ".wh..wh.plnk", "./etc/file"] {
            collector.entry(file(path, b"abc"));
            collector.data(b"a");
            collector.data(b"bc");
            collector.end();
        }
        collector.finish().expect("no holes").changes
    }

    #[test]
    fn whiteouts_are_marks_in_layers_and_names_in_archives() {
        let node = Node {
            kind: NodeKind::File { size: 3, digest: Digest::of(b"abc") },
            mode: 0o644,
            uid: 7,
            gid: 8,
            mtime: Mtime::default(),
            xattrs: std::collections::BTreeMap::new(),
            implicit: false,
            verity: None,
        };
        let add = |path: &str| Change::Add { path: path.into(), node: node.clone() };
        let marks = [
            Change::Remove { path: b"etc/secret".to_vec() },
            Change::Empty { path: b"etc".to_vec() },
            add("etc/file"),
        ];
        assert_eq!(collected(Collector::of_layer(0, false)), marks);
        let names = ["etc/.wh.secret", "etc/.wh..wh..opq", ".wh..wh.plnk", "etc/file"].map(add);
        assert_eq!(collected(Collector::of_archive(0)), names);
    }

    #[test]
    fn holes_are_zeros_up_to_a_limit() {
        let sparse = |most, length| {
            let mut collector = Collector::of_archive(most);
            collector.entry(file("sparse", &[0; 9000]));
            collector.hole(length);
            collector.end();
            collector.finish()
        };
        let layer = sparse(9000, 9000).expect("as much as may be");
        let [Change::Add { node, .. }] = &layer.changes[..] else { panic!("{layer:?}") };
        assert_eq!(node.kind, NodeKind::File { size: 9000, digest: Digest::of(&[0; 9000]) });
        assert_eq!(sparse(8999, 9000), None);
    }
}
