//! The tree of files that an image's layers merge into.
//!
//! [`Rootfs::merge`] lays [`Layer`]s over each other as the OCI layer specification (`layer.md`) says, and as container
//! engines do where it is silent. Nothing is unpacked: a file is its size and digest.

mod json_lines;
mod layer;
mod merge;
mod mtree;
mod node;
mod verity;

use std::{collections::BTreeMap, sync::Arc};

use crate::Digest;

pub use json_lines::BadLine;
pub use layer::{Change, Collector, Layer};
pub use merge::MergeFault;
pub use node::{Node, NodeKind};

/// A tree of files, by path: names joined by `/`, the root being the empty path. Two names of one file (hard links)
/// share it.
#[derive(Clone, Debug, Default)]
pub struct Rootfs {
    entries: BTreeMap<Box<[u8]>, Arc<Node>>,
}

impl Rootfs {
    /// What stands at `path`; the root's is empty.
    pub fn get(&self, path: &[u8]) -> Option<&Node> {
        self.entries.get(path).map(Arc::as_ref)
    }

    /// How many entries there are, the root included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is not even a root.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The content digest of each file by its fs-verity digest, as far as that is known.
    pub fn by_verity(&self) -> BTreeMap<Digest, Digest> {
        let known = |node: &Arc<Node>| match (&node.kind, &node.verity) {
            (NodeKind::File { digest, .. }, Some(verity)) => Some(((**verity).clone(), digest.clone())),
            _ => None,
        };
        self.entries.values().filter_map(known).collect()
    }

    /// Every entry by its path, in the order of the paths' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.entries.iter().map(|(path, node)| (&path[..], &**node))
    }

    /// Every entry that may have further names, with what is the same for all names of one file.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (&[u8], &Node, *const Node)> {
        let entries = self.entries.iter().filter(|(_, node)| Arc::strong_count(node) > 1);
        entries
            .filter(|(_, node)| !node.is_directory())
            .map(|(path, node)| (&path[..], &**node, Arc::as_ptr(node)))
    }

    /// Every entry with the first name of the file that it shares, where it is a further one.
    fn with_first_names(&self) -> impl Iterator<Item = (&[u8], &Node, Option<&[u8]>)> {
        let mut first: BTreeMap<*const Node, &[u8]> = BTreeMap::new();
        self.entries.iter().map(move |(path, node)| {
            let shared = Arc::strong_count(node) > 1 && !node.is_directory();
            let name = if shared { *first.entry(Arc::as_ptr(node)).or_insert(path) } else { path };
            (&path[..], &**node, Some(name).filter(|name| *name != &path[..]))
        })
    }
}

impl FromIterator<(Vec<u8>, Arc<Node>)> for Rootfs {
    /// A tree of entries in any order. Names that share an [`Arc`] are names of one file.
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Arc<Node>)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().map(|(path, node)| (path.into(), node)).collect() }
    }
}

impl PartialEq for Rootfs {
    /// The same paths, the same files, and the same names of one file.
    fn eq(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len() && self.with_first_names().eq(other.with_first_names())
    }
}

impl Eq for Rootfs {}
