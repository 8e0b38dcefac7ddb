use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::{
    fs::{Mode, OFlags, open, openat},
    io::Errno,
};

use super::{attributes, stat::Stat};
use crate::{Error, Result};

/// So many open folders may wait for what is in them; further ones are opened again when their turn comes.
const WAITING: usize = 192;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOATIME);
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOATIME);

/// Opens without touching the time of access where that is allowed, which is to the owner and to root.
pub(super) fn open_quietly<Fd: AsFd>(
    folder: Fd,
    name: impl rustix::path::Arg + Copy,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    match openat(&folder, name, flags, Mode::empty()) {
        Err(Errno::PERM) => openat(folder, name, flags - OFlags::NOATIME, Mode::empty()),
        opened => opened,
    }
}

/// The folder that is scanned, and how many folders in it are open.
pub(super) struct Root {
    fd: OwnedFd,
    pub(super) stat: Stat,
    opened: AtomicUsize,
}

impl Root {
    /// Opens `path`, which alone may be reached through links.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>> {
        let io = |error: Errno| Error::io(path)(error.into());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = open(path, flags, Mode::empty()).map_err(io)?;
        let stat = Stat::of(&fd).map_err(io)?;
        let through = Stat::at(rustix::fs::CWD, &attributes::path_of(fd.as_fd(), b".")[..]);
        if through.is_ok_and(|seen| seen.identity() == stat.identity()) {
            return Ok(Arc::new(Self { fd, stat, opened: AtomicUsize::new(0) }));
        }
        Err(Error::Unsupported { what: "a scan where there is no /proc".into(), advice: "mount it" })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Whether more open folders may be kept.
    pub(super) fn may_keep(&self) -> bool {
        self.opened.load(Ordering::Relaxed) < WAITING
    }

    /// Opens the folder `path`, name by name, following no link.
    pub(super) fn folder(self: &Arc<Self>, path: &[u8]) -> Result<Folder, Errno> {
        let mut fd: Option<OwnedFd> = None;
        let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        for name in names {
            let parent = fd.as_ref().map_or(self.fd(), AsFd::as_fd);
            fd = Some(open_quietly(parent, name, FOLDER)?);
        }
        let fd = match fd {
            Some(fd) => fd,
            None => open_quietly(self.fd(), c".", FOLDER)?,
        };
        Folder::new(self, fd, path.to_vec())
    }
}

/// An open folder.
pub(super) struct Folder {
    root: Arc<Root>,
    pub(super) fd: OwnedFd,
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
}

impl Folder {
    fn new(root: &Arc<Root>, fd: OwnedFd, path: Vec<u8>) -> Result<Self, Errno> {
        let stat = Stat::of(&fd)?;
        root.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Self { root: Arc::clone(root), fd, path, stat })
    }

    /// Opens the folder `path`, which is in this one.
    pub(super) fn folder(&self, path: &[u8]) -> Result<Self, Errno> {
        let fd = open_quietly(&self.fd, name(path), FOLDER)?;
        Self::new(&self.root, fd, path.to_vec())
    }

    /// Opens the file `name` for reading. It need not be a file.
    pub(super) fn file(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        open_quietly(&self.fd, name, FILE)
    }

    /// The path of what is called `name` in this folder.
    pub(super) fn join(&self, name: &[u8]) -> Vec<u8> {
        let slash = usize::from(!self.path.is_empty());
        let mut path = Vec::with_capacity(self.path.len() + slash + name.len());
        path.extend_from_slice(&self.path);
        path.extend_from_slice(&b"/"[..slash]);
        path.extend_from_slice(name);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.root.opened.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The last name in a path.
pub(super) fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// The path of the folder that something is in.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    &path[..path.iter().rposition(|&byte| byte == b'/').unwrap_or(0)]
}
