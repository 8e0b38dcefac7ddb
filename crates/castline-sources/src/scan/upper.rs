use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use castline_core::{
    Rootfs, Watch,
    drift::{Scan, Unread},
    rootfs::{Change, Layer, MergeFault, Node, NodeKind},
};

use super::{ScanOptions, attributes::Attributes, folder::parent, scan};
use crate::Result;

/// In which extended attributes an overlayfs keeps its own marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverlayXattrs {
    /// `trusted.overlay.*`, which only root can see. If the caller is not root in the first user namespace, opaque
    /// folders are not noticed.
    #[default]
    Trusted,
    /// `user.overlay.*`: mounted with the option `userxattr`, as rootless engines do.
    User,
}

/// What an instance has written, as its overlayfs keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upper {
    /// What it adds and removes.
    pub layer: Layer,
    /// What could not be read, or does not tell alone what the instance sees.
    pub unread: BTreeMap<Vec<u8>, Unread>,
    /// As of a scan.
    pub mounts: BTreeSet<Vec<u8>>,
    /// Bytes of files that were read.
    pub bytes: u64,
}

/// Reads the upper directory `dir` of an overlayfs (`upperdir=` of the mount): only what an instance has written.
///
/// As the kernel's `overlayfs.rst` has it: a character device 0/0 is a whiteout, and so is an empty file with the mark
/// `whiteout` in a folder marked `opaque=x`; a folder marked `opaque=y` hides what lower layers have in it. The marks
/// are not in the layer. What is marked `redirect` or `metacopy` takes its name or content from a lower layer: it is
/// unread with all that is below it, and the merged directory is to be scanned instead.
///
/// # Errors
///
/// As [`scan`].
pub fn scan_upper(
    dir: &Path,
    xattrs: OverlayXattrs,
    options: &ScanOptions<'_>,
    watch: &Watch<'_>,
) -> Result<Upper> {
    Ok(upper(scan(dir, options, watch)?, xattrs))
}

impl Upper {
    /// What the instance sees: what was written, over the tree of the image that it was started from.
    ///
    /// # Errors
    ///
    /// [`MergeFault`] when it does not fit that tree: then it was written over another image.
    pub fn over(self, image: &Rootfs) -> Result<Scan, MergeFault> {
        let mut scan = Scan::of(image.with_layer(&self.layer)?);
        (scan.unread, scan.mounts, scan.bytes) = (self.unread, self.mounts, self.bytes);
        Ok(scan)
    }
}

impl OverlayXattrs {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Trusted => b"trusted.overlay.",
            Self::User => b"user.overlay.",
        }
    }

    fn mark<'n>(self, node: &'n Node, name: &[u8]) -> Option<&'n [u8]> {
        node.xattrs.get(&[self.prefix(), name].concat()).map(Vec::as_slice)
    }

    /// The attributes as the mount shows them: without marks, and without what an overlayfs below an overlayfs adds to
    /// the names of its own.
    fn shown(self, xattrs: &Attributes) -> Attributes {
        let shown = xattrs.iter().filter_map(|(name, value)| match name.strip_prefix(self.prefix()) {
            None => Some((name.clone(), value.clone())),
            Some(mark) => {
                let inner = mark.strip_prefix(b"overlay.")?;
                Some(([self.prefix(), inner].concat(), value.clone()))
            }
        });
        shown.collect()
    }
}

fn upper(scan: Scan, marks: OverlayXattrs) -> Upper {
    let Scan { rootfs, mut unread, mounts, bytes, .. } = scan;
    let mut changes = Vec::new();
    let mut first: HashMap<*const Node, Vec<u8>> = HashMap::new();
    let mut left_out: Vec<&[u8]> = Vec::new();
    for (path, node) in rootfs.iter() {
        if left_out.iter().any(|folder| is_below(path, folder)) {
            continue;
        }
        let of_lower =
            ["redirect", "metacopy"].into_iter().find(|mark| marks.mark(node, mark.as_bytes()).is_some());
        if let Some(mark) = of_lower {
            let why = format!("overlayfs has marked it `{mark}`: scan the merged directory instead");
            unread.insert(path.to_vec(), Unread::Refused(why));
            left_out.push(path);
            continue;
        }
        let path = path.to_vec();
        let folder_has_whiteouts =
            || rootfs.get(parent(&path)).and_then(|folder| marks.mark(folder, b"opaque")) == Some(b"x");
        let is_whiteout = match node.kind {
            NodeKind::CharDevice { major: 0, minor: 0 } => true,
            NodeKind::File { size: 0, .. } => {
                marks.mark(node, b"whiteout").is_some() && folder_has_whiteouts()
            }
            _ => false,
        };
        if is_whiteout {
            changes.push(Change::Remove { path });
            continue;
        }
        if node.is_directory() && marks.mark(node, b"opaque") == Some(b"y") {
            // Of the root, what is in it goes. Any other folder goes itself: what lower layers have there may be a link
            // to a folder that must keep what is in it.
            changes.push(if path.is_empty() {
                Change::Empty { path: Vec::new() }
            } else {
                Change::Remove { path: path.clone() }
            });
        }
        match first.get(&std::ptr::from_ref(node)) {
            Some(target) if !node.is_directory() => {
                changes.push(Change::Link { path, target: target.clone() });
            }
            _ => {
                first.insert(node, path.clone());
                let xattrs = marks.shown(&node.xattrs);
                changes.push(Change::Add { path, node: Node { xattrs, ..node.clone() } });
            }
        }
    }
    Upper { layer: changes.into_iter().collect(), unread, mounts, bytes }
}

/// Whether `path` is in the folder, at any depth.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}
