//! Makes the tree that an image stands for, on disk.
//!
//! What is made is the tree that was verified, not what a layer says: folders, links and devices come from the verified tree, and
//! a layer only gives contents, each of which goes where the tree wants its digest, and nowhere else. So there are no whiteouts
//! to obey, no link to follow, and no way out; and a layer that has changed since it was verified fails for want of contents.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write},
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use castline_core::{
    BlobName, BlobSource, Digest, Hasher, Image, Limits, Rootfs,
    decode::Decompress,
    rootfs::{Node, NodeKind},
    tar::{self, Entry, Kind, Parser, Visitor},
};
use rustix::fd::AsRawFd as _;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags, chmodat,
    chownat, linkat, lsetxattr, makedev, mkdirat, mknodat, openat2, symlinkat, utimensat,
};

use super::super::failed;
use crate::DriverError;

/// Where contents come from.
pub(super) enum Contents<'c> {
    /// The layers of an image.
    Layers(&'c dyn BlobSource, &'c Image),
    /// The same tree in another folder.
    Folder(&'c Path),
}

/// The tree as this user can make it: root makes it as it is; anyone else owns all of it, and makes neither devices nor
/// attributes that only root may set.
pub(super) fn as_made_by(user: Option<(u32, u32)>, tree: &Rootfs) -> Rootfs {
    let Some((uid, gid)) = user else { return tree.clone() };
    let mut made: HashMap<*const Node, Arc<Node>> = HashMap::new();
    let entries = tree
        .iter()
        .filter(|(_, node)| !matches!(node.kind, NodeKind::CharDevice { .. } | NodeKind::BlockDevice { .. }));
    let own = |(path, node): (&[u8], &Node)| {
        let own = made.entry(std::ptr::from_ref(node)).or_insert_with(|| {
            let xattrs = node.xattrs.iter().filter(|(name, _)| name.starts_with(b"user."));
            let xattrs = xattrs.map(|(name, value)| (name.clone(), value.clone())).collect();
            Arc::new(Node { uid: uid.into(), gid: gid.into(), xattrs, ..node.clone() })
        });
        (path.to_vec(), Arc::clone(own))
    };
    entries.map(own).collect()
}

/// Makes `tree` in the empty folder `root`, which nobody else can write to. `scratch` is a folder of the same filesystem.
pub(super) fn make(
    root: &Path,
    tree: &Rootfs,
    contents: &Contents<'_>,
    scratch: &Path,
) -> Result<(), DriverError> {
    let maker = Maker::new(root)?;
    let (wanted, links) = maker.skeleton(tree)?;
    match contents {
        Contents::Layers(source, image) => {
            let placer = Placer::new(&maker, wanted, sizes(tree), scratch);
            unpack(*source, image, placer)?;
        }
        Contents::Folder(from) => maker.copy(from, wanted)?,
    }
    for (path, first) in links {
        // A name that is looked up in the root cannot be led elsewhere: all folders on the way were made here.
        let first = OsStr::from_bytes(first);
        maker.at(path, |folder, name| linkat(&maker.root, first, folder, name, AtFlags::empty()))?;
    }
    maker.dress(tree)
}

/// Paths of files by the digests of their contents.
type Wanted<'t> = HashMap<Digest, Vec<&'t [u8]>>;
/// Paths, and what each is a further name of.
type Links<'t> = Vec<(&'t [u8], &'t [u8])>;

struct Maker {
    root: OwnedFd,
    /// The folder that was used last.
    last: RefCell<Option<(Vec<u8>, Rc<OwnedFd>)>>,
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// No link is followed, be it in what was just made.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

impl Maker {
    fn new(root: &Path) -> Result<Self, DriverError> {
        let root = open_folder(root)?;
        Ok(Self { root, last: RefCell::default() })
    }

    /// Does something to a name in its folder. The root is `.` in itself.
    fn at<T>(
        &self,
        path: &[u8],
        act: impl FnOnce(&OwnedFd, &OsStr) -> rustix::io::Result<T>,
    ) -> Result<T, DriverError> {
        let (parent, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&b""[..], if path.is_empty() { &b"."[..] } else { path }),
        };
        let refused =
            |error: rustix::io::Errno| failed(format_args!("/{}", path.escape_ascii()))(error.into());
        if parent.is_empty() {
            return act(&self.root, OsStr::from_bytes(name)).map_err(refused);
        }
        let known =
            self.last.borrow().as_ref().filter(|(last, _)| last == parent).map(|(_, fd)| Rc::clone(fd));
        let folder = match known {
            Some(folder) => folder,
            None => {
                let opened = openat2(&self.root, OsStr::from_bytes(parent), FOLDER, Mode::empty(), BENEATH);
                let opened = Rc::new(opened.map_err(refused)?);
                *self.last.borrow_mut() = Some((parent.to_vec(), Rc::clone(&opened)));
                opened
            }
        };
        act(&folder, OsStr::from_bytes(name)).map_err(refused)
    }

    fn create(&self, path: &[u8]) -> Result<File, DriverError> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        self.at(path, |folder, name| openat2(folder, name, flags, Mode::RUSR | Mode::WUSR, BENEATH))
            .map(File::from)
    }

    /// Makes everything but the contents of files, and further names.
    fn skeleton<'t>(&self, tree: &'t Rootfs) -> Result<(Wanted<'t>, Links<'t>), DriverError> {
        let mut wanted = Wanted::new();
        let mut links = Links::new();
        let mut first: HashMap<*const Node, &[u8]> = HashMap::new();
        for (path, node) in tree.iter().filter(|(path, _)| !path.is_empty()) {
            if !node.is_directory() {
                if let Some(first) = first.get(&std::ptr::from_ref(node)) {
                    links.push((path, first));
                    continue;
                }
                first.insert(node, path);
            }
            let owner = Mode::RUSR | Mode::WUSR;
            let device = |kind, major: u64, minor: u64| {
                let number = u32::try_from(major).ok().zip(u32::try_from(minor).ok());
                let (major, minor) = number.ok_or_else(|| {
                    DriverError::permanent(format!(
                        "/{} is a device that Linux cannot have",
                        path.escape_ascii()
                    ))
                })?;
                self.at(path, |folder, name| mknodat(folder, name, kind, owner, makedev(major, minor)))
            };
            match &node.kind {
                NodeKind::Directory => self.at(path, |folder, name| mkdirat(folder, name, Mode::RWXU))?,
                NodeKind::File { size: 0, .. } => drop(self.create(path)?),
                NodeKind::File { digest, .. } => wanted.entry(digest.clone()).or_default().push(path),
                NodeKind::Symlink { target } => {
                    self.at(path, |folder, name| symlinkat(OsStr::from_bytes(target), folder, name))?;
                }
                NodeKind::CharDevice { major, minor } => device(FileType::CharacterDevice, *major, *minor)?,
                NodeKind::BlockDevice { major, minor } => device(FileType::BlockDevice, *major, *minor)?,
                NodeKind::Fifo => {
                    self.at(path, |folder, name| mknodat(folder, name, FileType::Fifo, owner, 0))?;
                }
                other => {
                    return Err(DriverError::permanent(format!(
                        "/{} is a {}, which cannot be made",
                        path.escape_ascii(),
                        other.name()
                    )));
                }
            }
        }
        Ok((wanted, links))
    }

    fn copy(&self, from: &Path, wanted: Wanted<'_>) -> Result<(), DriverError> {
        let from = Self::new(from)?;
        for (digest, paths) in wanted {
            for path in paths {
                let open = |folder: &OwnedFd, name: &OsStr| {
                    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                    openat2(folder, name, flags, Mode::empty(), BENEATH)
                };
                let original = File::from(from.at(path, open)?);
                copy_checked(original, self.create(path)?, &digest, path)?;
            }
        }
        Ok(())
    }

    /// Gives everything its owner, mode, attributes and times; what is in a folder before the folder.
    fn dress(&self, tree: &Rootfs) -> Result<(), DriverError> {
        let root = rustix::process::geteuid().is_root();
        let mut seen = HashSet::new();
        let nodes: Vec<(&[u8], &Node)> = tree.iter().collect();
        for (path, node) in nodes.into_iter().rev() {
            if !node.is_directory() && !seen.insert(std::ptr::from_ref(node)) {
                continue;
            }
            let link = matches!(node.kind, NodeKind::Symlink { .. });
            self.at(path, |folder, name| {
                if root {
                    let user = chowned(node.uid).map(Uid::from_raw_unchecked);
                    let group = chowned(node.gid).map(Gid::from_raw_unchecked);
                    chownat(folder, name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
                }
                // After the owner, since changing that takes away setuid and capabilities.
                if !link {
                    chmodat(folder, name, Mode::from_raw_mode(node.mode & 0o7777), AtFlags::empty())?;
                }
                for (key, value) in &node.xattrs {
                    let fd = folder.as_raw_fd();
                    let place = Path::new("/proc/self/fd").join(fd.to_string()).join(name);
                    lsetxattr(&place, OsStr::from_bytes(key), value, XattrFlags::empty())?;
                }
                let time = Timespec { tv_sec: node.mtime.secs, tv_nsec: node.mtime.nanos.into() };
                let times = Timestamps { last_access: time, last_modification: time };
                utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW)
            })?;
        }
        Ok(())
    }
}

fn unpack(source: &dyn BlobSource, image: &Image, mut placer: Placer<'_, '_>) -> Result<(), DriverError> {
    let limits = Limits::default();
    // Upper layers first: where two have the same content, it does not matter, and what is left at the end is not read.
    for layer in image.layers().iter().rev() {
        if placer.wanted.is_empty() {
            return Ok(());
        }
        let changed = |why: String| {
            DriverError::permanent(format!("the layer {} is not what was verified: {why}", layer.digest))
        };
        let blob = source
            .open(&BlobName::Digest(layer.digest.clone()))
            .map_err(|fault| changed(format!("{fault:?}")))?;
        read_layer(blob.reader, &limits, &mut placer).map_err(|why| match placer.fault.take() {
            Some(fault) => fault,
            None => changed(why),
        })?;
    }
    match placer.wanted.values().flatten().next() {
        None => Ok(()),
        Some(path) => Err(DriverError::permanent(format!(
            "the image {} is not what was verified any more: no layer has the content of /{}",
            image.digest(),
            path.escape_ascii()
        ))),
    }
}

/// What chown takes: the largest number means that nothing changes.
fn chowned(id: u64) -> Option<u32> {
    u32::try_from(id).ok().filter(|id| *id != u32::MAX)
}

pub(super) fn open_folder(path: &Path) -> Result<OwnedFd, DriverError> {
    let flags = FOLDER | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|error| failed(path.display())(error.into()))
}

/// Copies a file whose content must have that digest.
fn copy_checked(mut from: File, mut to: File, digest: &Digest, path: &[u8]) -> Result<(), DriverError> {
    let mut hasher = hasher(digest)?;
    let mut buffer = vec![0; 128 << 10];
    let tried = || format!("/{}", path.escape_ascii());
    loop {
        let count = from.read(&mut buffer).map_err(failed(tried()))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count]).map_err(failed(tried()))?;
    }
    if hasher.finish() == *digest {
        return Ok(());
    }
    Err(DriverError::temporary(format!("{} has changed in the store: it is to be made anew", tried())))
}

fn hasher(digest: &Digest) -> Result<Hasher, DriverError> {
    Hasher::new(&digest.algorithm())
        .ok_or_else(|| DriverError::permanent(format!("{digest} is of an algorithm that is not known")))
}

fn read_layer(
    mut reader: Box<dyn Read + Send + '_>,
    limits: &Limits,
    placer: &mut Placer<'_, '_>,
) -> Result<(), String> {
    let mut head = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut head).map_err(|error| error.to_string())?;
    let compression = Decompress::<io::Empty>::sniff(&head);
    let mut reader = Decompress::new(io::Cursor::new(head).chain(reader), compression, limits);
    let tar_limits =
        tar::Limits { entries: limits.entries, path_bytes: limits.path_bytes, ..tar::Limits::default() };
    let mut parser = Parser::new(tar_limits);
    let mut buffer = vec![0; 128 << 10];
    let mut left = limits.layer_bytes;
    loop {
        let count = reader.read(&mut buffer).map_err(|error| error.to_string())?;
        if count == 0 {
            return parser.finish().map(drop).map_err(|fault| fault.to_string());
        }
        left = left.checked_sub(count as u64).ok_or("it is larger than any layer may be")?;
        parser.feed(&buffer[..count], placer).map_err(|fault| fault.to_string())?;
        if placer.fault.is_some() {
            return Err("its contents cannot be placed".into());
        }
    }
}

/// Takes contents out of a layer as they come by, and puts them where their digest is wanted.
struct Placer<'m, 't> {
    maker: &'m Maker,
    wanted: Wanted<'t>,
    sizes: HashSet<u64>,
    scratch: PathBuf,
    open: Option<Open>,
    fault: Option<DriverError>,
}

struct Open {
    file: File,
    hasher: Hasher,
}

impl<'m, 't> Placer<'m, 't> {
    fn new(maker: &'m Maker, wanted: Wanted<'t>, sizes: HashSet<u64>, scratch: &Path) -> Self {
        Self { maker, wanted, sizes, scratch: scratch.join("content"), open: None, fault: None }
    }

    fn attempt(&mut self, what: impl FnOnce(&mut Self) -> Result<(), DriverError>) {
        if self.fault.is_none()
            && let Err(fault) = what(self)
        {
            self.open = None;
            self.fault = Some(fault);
        }
    }

    fn begin(&mut self) -> Result<(), DriverError> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&self.scratch);
        let file = file.map_err(failed(self.scratch.display()))?;
        self.open = Some(Open { file, hasher: hasher(&Digest::of(b""))? });
        Ok(())
    }

    fn place(&mut self, Open { file, hasher }: Open) -> Result<(), DriverError> {
        let digest = hasher.finish();
        let Some(paths) = self.wanted.remove(&digest) else { return Ok(()) };
        drop(file);
        let mut paths = paths.into_iter();
        let first = paths.next().unwrap_or_default();
        let scratch = &self.scratch;
        self.maker.at(first, |folder, name| rustix::fs::renameat(rustix::fs::CWD, scratch, folder, name))?;
        for path in paths {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let again =
                self.maker.at(first, |folder, name| openat2(folder, name, flags, Mode::empty(), BENEATH))?;
            let mut copy = self.maker.create(path)?;
            io::copy(&mut File::from(again), &mut copy)
                .map_err(failed(format_args!("/{}", path.escape_ascii())))?;
        }
        Ok(())
    }
}

impl Visitor for Placer<'_, '_> {
    fn entry(&mut self, entry: Entry) {
        if entry.kind == Kind::File && entry.size > 0 && self.sizes.contains(&entry.size) {
            self.attempt(Self::begin);
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        self.attempt(|placer| {
            let Some(open) = &mut placer.open else { return Ok(()) };
            open.hasher.update(bytes);
            open.file.write_all(bytes).map_err(failed(placer.scratch.display()))
        });
    }

    fn hole(&mut self, length: u64) {
        self.attempt(|placer| {
            let Some(open) = &mut placer.open else { return Ok(()) };
            let zeros = [0; 4096];
            let mut left = length;
            while left > 0 {
                let count = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
                open.hasher.update(&zeros[..count]);
                left -= count as u64;
            }
            let skip = i64::try_from(length).unwrap_or(i64::MAX);
            let at = open.file.seek(SeekFrom::Current(skip)).map_err(failed(placer.scratch.display()))?;
            open.file.set_len(at).map_err(failed(placer.scratch.display()))
        });
    }

    fn end(&mut self) {
        self.attempt(|placer| match placer.open.take() {
            Some(open) => placer.place(open),
            None => Ok(()),
        });
    }
}

/// The sizes that files have: contents of others are not worth looking at.
fn sizes(tree: &Rootfs) -> HashSet<u64> {
    let size = |node: &Node| match node.kind {
        NodeKind::File { size, .. } => Some(size),
        _ => None,
    };
    tree.iter().filter_map(|(_, node)| size(node)).collect()
}

/// Gives a folder the marks of a tree's root.
pub(super) fn dress_root(folder: &Path, root: &Node) -> Result<(), DriverError> {
    let tree: Rootfs = [(Vec::new(), Arc::new(root.clone()))].into_iter().collect();
    Maker::new(folder)?.dress(&tree)
}
