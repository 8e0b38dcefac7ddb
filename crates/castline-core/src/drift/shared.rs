//! Which names share a file, in two trees.

use std::collections::BTreeMap;

use crate::Rootfs;

/// For each name that shares its file with others, all of these.
pub(super) struct Shared<'t> {
    groups: Vec<Vec<&'t [u8]>>,
    of: BTreeMap<&'t [u8], usize>,
}

impl<'t> Shared<'t> {
    /// Of the names in `tree` that the other tree has as well, with the same type: a name that only one of them has is a
    /// finding by itself, and no news of the others.
    pub(super) fn of(tree: &'t Rootfs, other: &Rootfs) -> Self {
        let mut files: BTreeMap<_, Vec<&[u8]>> = BTreeMap::new();
        for (path, node, file) in tree.shared() {
            if other.get(path).is_some_and(|there| there.kind.name() == node.kind.name()) {
                files.entry(file).or_default().push(path);
            }
        }
        let groups: Vec<_> = files.into_values().filter(|names| names.len() > 1).collect();
        let of = groups.iter().enumerate().flat_map(|(at, names)| names.iter().map(move |name| (*name, at)));
        Self { of: of.collect(), groups }
    }

    /// The names of the file at `path`, in order; none where it has no other.
    pub(super) fn names(&self, path: &[u8]) -> &[&'t [u8]] {
        self.of.get(path).map_or(&[], |&at| &self.groups[at])
    }
}
