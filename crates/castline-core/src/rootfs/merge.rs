use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Layer, Node, NodeKind, Rootfs, layer::Change};

/// Why layers do not merge: an engine would fail to unpack them, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeFault {
    /// An entry stands in what is no folder.
    #[error("layer {layer}: {} stands in {}, which is no folder", path.escape_ascii(), parent.escape_ascii())]
    ParentIsNoDirectory {
        /// The layer's position, from 0.
        layer: usize,
        /// The entry's path.
        path: Vec<u8>,
        /// The path of what is no folder.
        parent: Vec<u8>,
    },
    /// A hard link leads to nothing, or to a folder.
    #[error("layer {layer}: {} is a hard link to {}, which is no file", path.escape_ascii(), target.escape_ascii())]
    LinkToNothing {
        /// The layer's position, from 0.
        layer: usize,
        /// The link's path.
        path: Vec<u8>,
        /// Where it leads.
        target: Vec<u8>,
    },
    /// Symbolic links in the path of an entry go in a circle.
    #[error("layer {layer}: the folder of {} is a circle of symbolic links", path.escape_ascii())]
    Circle {
        /// The layer's position, from 0.
        layer: usize,
        /// The entry's path.
        path: Vec<u8>,
    },
}

/// Symbolic links that are followed on the way to a folder, as in containerd's `RootPath`.
const MAX_LINKS: usize = 255;

impl Rootfs {
    /// Lays the layers over each other, lowest first (OCI image-spec `layer.md`).
    ///
    /// Whiteouts hide what lower layers have, wherever they stand in their own layer. An entry replaces what stands at its
    /// path; only a folder over a folder keeps what is in it. Symbolic links on the way to an entry are followed inside
    /// the root, as engines do; a missing folder on the way is made ([`Node::implicit`]).
    ///
    /// # Errors
    ///
    /// [`MergeFault`] where engines fail as well.
    pub fn merge<'l>(layers: impl IntoIterator<Item = &'l Layer>) -> Result<Self, MergeFault> {
        let mut tree =
            Self { entries: BTreeMap::from([(Box::default(), Arc::new(Node::implicit_directory()))]) };
        for (position, layer) in layers.into_iter().enumerate() {
            tree.hide(layer);
            for change in &layer.changes {
                tree.apply(change, position)?;
            }
        }
        Ok(tree)
    }

    /// The tree with one more layer over it, such as what an instance has written.
    ///
    /// # Errors
    ///
    /// As [`Self::merge`], with 0 for the layer's position.
    pub fn with_layer(&self, layer: &Layer) -> Result<Self, MergeFault> {
        let mut tree = self.clone();
        tree.hide(layer);
        for change in &layer.changes {
            tree.apply(change, 0)?;
        }
        Ok(tree)
    }

    /// Removes what the layer's whiteouts hide.
    fn hide(&mut self, layer: &Layer) {
        for change in &layer.changes {
            match change {
                Change::Remove { path } => {
                    if let Ok(path) = self.resolve(path, 0) {
                        self.remove(&path);
                    }
                }
                Change::Empty { path } => {
                    if let Ok(path) = self.followed(path, 0, path) {
                        self.remove_below(&path);
                    }
                }
                Change::Add { .. } | Change::Link { .. } => {}
            }
        }
    }

    fn apply(&mut self, change: &Change, layer: usize) -> Result<(), MergeFault> {
        let (path, node) = match change {
            Change::Remove { .. } | Change::Empty { .. } => return Ok(()),
            Change::Add { path, node } => (path, Arc::new(node.clone())),
            Change::Link { path, target } => {
                let found = self.resolve(target, layer).ok().and_then(|target| self.entries.get(&target[..]));
                let Some(node) = found.filter(|node| !node.is_directory()) else {
                    return Err(MergeFault::LinkToNothing {
                        layer,
                        path: path.clone(),
                        target: target.clone(),
                    });
                };
                (path, Arc::clone(node))
            }
        };
        let place = self.resolve(path, layer)?;
        self.make_folders(&place, path, layer)?;
        if !node.is_directory() {
            self.remove_below(&place);
        }
        self.entries.insert(place.into(), node);
        Ok(())
    }

    /// Where `path` leads: links in its folder followed, the last name not.
    fn resolve(&self, path: &[u8], layer: usize) -> Result<Vec<u8>, MergeFault> {
        let Some(at) = path.iter().rposition(|&byte| byte == b'/') else { return Ok(path.to_vec()) };
        let folder = self.followed(&path[..at], layer, path)?;
        Ok(join(&folder, &path[at + 1..]))
    }

    /// Where the folder leads, all links followed inside the root.
    fn followed(&self, folder: &[u8], layer: usize, path: &[u8]) -> Result<Vec<u8>, MergeFault> {
        let mut rest = names(folder);
        let mut place = Vec::new();
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == b".." {
                place.truncate(place.iter().rposition(|&byte| byte == b'/').unwrap_or(0));
                continue;
            }
            let next = join(&place, &name);
            match self.entries.get(&next[..]).map(|node| &node.kind) {
                Some(NodeKind::Symlink { target }) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(MergeFault::Circle { layer, path: path.to_vec() });
                    }
                    if target.starts_with(b"/") {
                        place.clear();
                    }
                    rest.extend(names(target));
                }
                _ => place = next,
            }
        }
        Ok(place)
    }

    /// Makes the folders on the way to `place`.
    fn make_folders(&mut self, place: &[u8], path: &[u8], layer: usize) -> Result<(), MergeFault> {
        for at in (0..place.len()).filter(|&at| place[at] == b'/') {
            let parent = &place[..at];
            match self.entries.get(parent) {
                Some(node) if node.is_directory() => {}
                Some(_) => {
                    let (path, parent) = (path.to_vec(), parent.to_vec());
                    return Err(MergeFault::ParentIsNoDirectory { layer, path, parent });
                }
                None => drop(self.entries.insert(parent.into(), Arc::new(Node::implicit_directory()))),
            }
        }
        Ok(())
    }

    fn remove(&mut self, path: &[u8]) {
        if !path.is_empty() {
            self.entries.remove(path);
            self.remove_below(path);
        }
    }

    fn remove_below(&mut self, folder: &[u8]) {
        // `0` is what follows `/`: all that starts with the folder and a slash.
        let below: BTreeSet<Box<[u8]>> = if folder.is_empty() {
            self.entries.keys().filter(|path| !path.is_empty()).cloned().collect()
        } else {
            let (from, to) = ([folder, b"/"].concat(), [folder, b"0"].concat());
            self.entries.range(Box::from(from)..Box::from(to)).map(|(path, _)| path.clone()).collect()
        };
        for path in below {
            self.entries.remove(&path);
        }
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// The names in a path, the first one last.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/')
        .filter(|name| !matches!(*name, b"" | b"."))
        .rev()
        .map(<[u8]>::to_vec)
        .collect()
}
