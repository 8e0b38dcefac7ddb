use std::{
    ffi::{CStr, CString},
    os::fd::AsFd as _,
    sync::{Arc, atomic::Ordering},
};

use castline_core::{
    Digest,
    drift::Unread,
    rootfs::{Node, NodeKind},
};
use rustix::fs::{FileType, RawDir, readlinkat};

use super::{
    attributes::{Attributes, Fault, Reader},
    cache::Known,
    folder::{Folder, name, parent},
    lanes::{Lane, unread},
    queue::{FileTask, FolderTask, Work},
    shared::{Seen, Shared},
    stat::Stat,
};

/// Bytes of names that the kernel gives at a time.
const NAMES: usize = 32 << 10;
/// So many files are collected before they are read.
const FILES: usize = 64;
/// Files larger than this wait until folders are listed, and are then read largest first.
const LARGE: u64 = 1 << 20;
/// Progress is told after so many bytes or entries of one worker.
const TELL_BYTES: u64 = 4 << 20;
const TELL_ENTRIES: u64 = 1024;

/// One thread of a scan.
pub(super) struct Worker<'s> {
    pub(super) scan: &'s Shared<'s>,
    pub(super) seen: Seen,
    pub(super) lanes: [Lane; 2],
    /// Files to be read.
    pub(super) files: Vec<FileTask>,
    pub(super) attributes: Reader,
    folders: Vec<FolderTask>,
    names: Vec<u8>,
    untold: (u64, u64),
}

impl<'s> Worker<'s> {
    pub(super) fn new(scan: &'s Shared<'s>) -> Self {
        Self {
            scan,
            seen: Seen::default(),
            lanes: Default::default(),
            files: Vec::new(),
            attributes: Reader::new(scan.options.limits.xattr_bytes),
            folders: Vec::new(),
            names: Vec::with_capacity(NAMES),
            untold: (0, 0),
        }
    }

    /// Works until there is nothing to do. What was seen is in the order of the paths.
    pub(super) fn run(mut self) -> Seen {
        loop {
            if self.is_stopped() {
                break;
            }
            match self.scan.queue.take(!self.is_reading()) {
                Work::List(task, listing) => {
                    self.list(task);
                    self.scan.queue.add_folders(&mut self.folders);
                    drop(listing);
                    self.read_files(false);
                }
                Work::Read(files) => {
                    self.files.extend(files);
                    self.read_files(false);
                }
                Work::Nothing => self.read_files(true),
                Work::End => break,
            }
        }
        self.into_seen()
    }

    pub(super) fn into_seen(mut self) -> Seen {
        let (bytes, entries) = std::mem::take(&mut self.untold);
        self.scan.tell(bytes, entries);
        self.seen.found.sort_unstable_by(|one, two| one.0.cmp(&two.0));
        self.seen
    }

    pub(super) fn is_stopped(&self) -> bool {
        if self.scan.watch.is_cancelled() {
            self.scan.cancelled.store(true, Ordering::Relaxed);
            self.scan.queue.close();
            return true;
        }
        self.scan.overrun.load(Ordering::Relaxed)
    }

    fn list(&mut self, task: FolderTask) {
        match self.list_folder(&task) {
            Ok(()) => {}
            Err(why) => self.seen.unread.push((task.path, why)),
        }
    }

    fn list_folder(&mut self, task: &FolderTask) -> Result<(), Unread> {
        let opened = match &task.parent {
            Some(parent) => parent.folder(&task.path),
            None => self.scan.root.folder(&task.path),
        };
        let folder = Arc::new(opened.map_err(unread)?);
        let xattrs = self.attributes.of(folder.fd.as_fd()).map_err(|fault| self.unknown(&fault))?;
        if folder.stat.is_elsewhere(&self.scan.root.stat) {
            // Something was mounted since its parent was listed.
            self.seen.mounts.push(task.path.clone());
        } else {
            let mut names = std::mem::take(&mut self.names);
            let listed = self.list_names(&folder, task.depth, &mut names);
            self.names = names;
            listed?;
        }
        let stat = folder.stat;
        self.take_in(task.path.clone(), &stat, NodeKind::Directory, xattrs);
        Ok(())
    }

    fn list_names(&mut self, folder: &Arc<Folder>, depth: u32, names: &mut Vec<u8>) -> Result<(), Unread> {
        let mut listing = RawDir::new(&folder.fd, names.spare_capacity_mut());
        while let Some(entry) = listing.next() {
            let entry = entry.map_err(unread)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if self.is_stopped() {
                return Ok(());
            }
            let path = folder.join(name.to_bytes());
            if self.scan.options.skips(&path) {
                continue;
            }
            if let Err(why) = self.meet(folder, name, &path, depth) {
                self.seen.unread.push((path, why));
            }
            if self.files.len() >= FILES {
                self.scan.queue.hand_over(&mut self.files);
                self.read_files(false);
            }
        }
        Ok(())
    }

    /// Takes in what stands at `path`, or sees to it that it is read.
    fn meet(&mut self, folder: &Arc<Folder>, name: &CStr, path: &[u8], depth: u32) -> Result<(), Unread> {
        let limits = &self.scan.options.limits;
        if self.scan.entries.fetch_add(1, Ordering::Relaxed) >= limits.entries {
            self.scan.overrun.store(true, Ordering::Relaxed);
            self.scan.queue.close();
        }
        if path.len() as u64 > limits.path_bytes {
            return Err(Unread::Refused(format!("its path is longer than {} bytes", limits.path_bytes)));
        }
        let stat = Stat::at(&folder.fd, name).map_err(unread)?;
        let elsewhere = stat.is_elsewhere(&self.scan.root.stat);
        if elsewhere {
            self.seen.mounts.push(path.to_vec());
        }
        if stat.is_directory() && !elsewhere {
            if depth >= limits.depth {
                return Err(Unread::Refused(format!("it is deeper than {} folders", limits.depth)));
            }
            let parent = self.scan.root.may_keep().then(|| Arc::clone(folder));
            self.folders.push(FolderTask { parent, path: path.to_vec(), depth: depth + 1 });
            return Ok(());
        }
        if stat.links > 1 && !stat.is_directory() && !self.scan.links.is_first(path, &stat) {
            return Ok(());
        }
        self.see(folder, name, path, &stat)
    }

    /// Takes in what is no folder to be listed.
    fn see(&mut self, folder: &Arc<Folder>, name: &CStr, path: &[u8], stat: &Stat) -> Result<(), Unread> {
        let kind = match stat.file_type() {
            FileType::RegularFile => match self.cached(stat) {
                Some(known) => {
                    self.seen.digests.push(known);
                    let digest = Digest::from_sha256(known.digest);
                    NodeKind::File { size: stat.size, digest }
                }
                None => {
                    self.put_off(folder, path, stat);
                    return Ok(());
                }
            },
            FileType::Symlink => {
                let target = readlinkat(&folder.fd, name, Vec::new()).map_err(unread)?;
                NodeKind::Symlink { target: target.into_bytes() }
            }
            _ => match stat.plain_kind() {
                Some(kind) => kind,
                None => return Err(Unread::Refused("it is of an unknown type".into())),
            },
        };
        let xattrs =
            self.attributes.at(folder.fd.as_fd(), name.to_bytes()).map_err(|fault| self.unknown(&fault))?;
        let node = self.take_in(path.to_vec(), stat, kind, xattrs);
        if stat.links > 1 && !stat.is_directory() {
            self.scan.links.keep(stat, stat, &node);
        }
        Ok(())
    }

    /// What the cache has of the file.
    fn cached(&self, stat: &Stat) -> Option<Known> {
        self.scan.cache.filter(|_| !stat.is_elsewhere(&self.scan.root.stat))?.find(stat)
    }

    /// Leaves a file to be read later.
    fn put_off(&mut self, folder: &Arc<Folder>, path: &[u8], stat: &Stat) {
        let (path, listed) = (path.to_vec(), *stat);
        if stat.size > LARGE {
            self.scan.queue.add_large(FileTask { folder: None, path, listed });
        } else {
            self.files.push(FileTask { folder: Some(Arc::clone(folder)), path, listed });
        }
    }

    /// What stands at `path` now, read if it is not what is `known`.
    pub(super) fn look_again(
        &mut self,
        path: Vec<u8>,
        known: &[(Stat, Arc<Node>)],
    ) -> Result<Option<(Stat, Arc<Node>)>, Unread> {
        let folder = Arc::new(self.scan.root.folder(parent(&path)).map_err(unread)?);
        let name = CString::new(name(&path)).map_err(|_| Unread::Vanished)?;
        let stat = Stat::at(&folder.fd, &name).map_err(unread)?;
        if let Some((_, node)) = known.iter().find(|(seen, _)| *seen == stat) {
            self.seen.found.push((path, Arc::clone(node)));
            return Ok(None);
        }
        if stat.is_directory() || known.iter().any(|(seen, _)| seen.identity() == stat.identity()) {
            return Err(Unread::Changing);
        }
        self.see(&folder, &name, &path, &stat)?;
        while let Work::Read(files) = self.scan.queue.take(false) {
            self.files.extend(files);
        }
        self.read_files(true);
        let read = self.seen.found.last().filter(|(found, _)| *found == path);
        Ok(read.map(|(_, node)| (stat, Arc::clone(node))))
    }

    pub(super) fn take_in(
        &mut self,
        path: Vec<u8>,
        stat: &Stat,
        kind: NodeKind,
        xattrs: Attributes,
    ) -> Arc<Node> {
        let node = Arc::new(Node {
            mode: if matches!(kind, NodeKind::Symlink { .. }) { 0o777 } else { stat.mode() },
            kind,
            uid: stat.uid.into(),
            gid: stat.gid.into(),
            mtime: stat.mtime(),
            xattrs,
            implicit: false,
            verity: None,
        });
        self.seen.found.push((path, Arc::clone(&node)));
        self.untold.1 += 1;
        self.tell(0);
        node
    }

    pub(super) fn unknown(&self, fault: &Fault) -> Unread {
        match fault {
            Fault::System(errno) => unread(*errno),
            Fault::TooMany => {
                let limit = self.scan.options.limits.xattr_bytes;
                Unread::Refused(format!("its extended attributes have more than {limit} bytes"))
            }
        }
    }

    /// Tells the caller how far the work is, now and then.
    pub(super) fn tell(&mut self, bytes: u64) {
        self.untold.0 += bytes;
        if self.untold.0 >= TELL_BYTES || self.untold.1 >= TELL_ENTRIES {
            let (bytes, entries) = std::mem::take(&mut self.untold);
            self.scan.tell(bytes, entries);
        }
    }
}
