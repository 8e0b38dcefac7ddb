use std::os::fd::{AsFd as _, OwnedFd};

use castline_core::{Digest, drift::Unread, rootfs::NodeKind};
use castline_sha256::{Sha256, update_pair};
use rustix::io::{Errno, read};

use super::{
    attributes::Attributes,
    folder::{name, parent},
    queue::FileTask,
    stat::Stat,
    verity::measure,
    worker::Worker,
};

/// Bytes that are read at a time.
const CHUNK: usize = 128 << 10;
const BLOCK: usize = 64;

/// So often a file is read that changes meanwhile.
const ATTEMPTS: u32 = 3;

/// A file that is being read. A worker has two, and hashes them at once.
#[derive(Default)]
pub(super) struct Lane {
    open: Option<Open>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are not hashed yet.
    from: usize,
    to: usize,
}

struct Open {
    task: FileTask,
    fd: OwnedFd,
    before: Stat,
    xattrs: Attributes,
    hasher: Sha256,
    read: u64,
    ended: bool,
    attempt: u32,
}

impl Worker<'_> {
    /// Whether a file is open.
    pub(super) fn is_reading(&self) -> bool {
        self.lanes.iter().any(|lane| lane.open.is_some())
    }

    /// Reads the files that wait, two at a time. The last one is left half read, to be paired with the next that
    /// comes, unless `to_the_end`.
    pub(super) fn read_files(&mut self, to_the_end: bool) {
        while !self.is_stopped() {
            match (self.fill(0), self.fill(1)) {
                (true, true) => self.hash_both(),
                (false, false) => return,
                (left, _) if to_the_end => self.lanes[usize::from(!left)].hash(),
                _ => return,
            }
        }
    }

    /// Sees that the lane has bytes; `false` when there is no file for it.
    fn fill(&mut self, lane: usize) -> bool {
        loop {
            if self.lanes[lane].from < self.lanes[lane].to {
                return true;
            }
            match self.lanes[lane].open.take() {
                None => match self.files.pop() {
                    None => return false,
                    Some(task) => self.lanes[lane].open = self.start(task, 1),
                },
                Some(open) if open.ended => self.lanes[lane].open = self.finish(open),
                Some(open) => self.lanes[lane].open = self.read_on(open, lane),
            }
        }
    }

    fn start(&mut self, task: FileTask, attempt: u32) -> Option<Open> {
        match self.open_file(&task) {
            Ok((fd, before, xattrs)) => {
                if let Some(digest) = self.guarded(&fd, &before) {
                    let kind = NodeKind::File { size: before.size, digest };
                    self.keep(task, &before, kind, xattrs);
                    return None;
                }
                let hasher = Sha256::new();
                Some(Open { task, fd, before, xattrs, hasher, read: 0, ended: false, attempt })
            }
            Err(unread) => {
                self.seen.unread.push((task.path, unread));
                None
            }
        }
    }

    fn open_file(&mut self, task: &FileTask) -> Result<(OwnedFd, Stat, Attributes), Unread> {
        let opened = match &task.folder {
            Some(folder) => folder.file(name(&task.path)),
            None => {
                self.scan.root.folder(parent(&task.path)).and_then(|folder| folder.file(name(&task.path)))
            }
        };
        let fd = opened.map_err(unread)?;
        let before = Stat::of(&fd).map_err(unread)?;
        if !before.is_file() {
            return Err(Unread::Changing);
        }
        if before.is_elsewhere(&self.scan.root.stat) {
            self.seen.mounts.push(task.path.clone());
        }
        let xattrs = self.attributes.of(fd.as_fd()).map_err(|fault| self.unknown(&fault))?;
        Ok((fd, before, xattrs))
    }

    /// Reads the next bytes, and never more than one past the size that the file had: one may grow for ever.
    fn read_on(&mut self, mut open: Open, lane: usize) -> Option<Open> {
        let buffer = &mut self.lanes[lane].buffer;
        buffer.resize(CHUNK, 0);
        let left = open.before.size.saturating_sub(open.read).saturating_add(1);
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let count = match read(&open.fd, &mut buffer[..most]) {
            Ok(count) => count,
            Err(Errno::INTR) => return Some(open),
            Err(errno) => {
                self.seen.unread.push((open.task.path, unread(errno)));
                return None;
            }
        };
        self.tell(count as u64);
        open.read += count as u64;
        // A file gives less than it is asked for only at its end.
        open.ended = count < most || open.read > open.before.size;
        (self.lanes[lane].from, self.lanes[lane].to) = (0, count);
        Some(open)
    }

    /// Takes the file in, or starts again if it is another one now.
    fn finish(&mut self, open: Open) -> Option<Open> {
        let after = Stat::of(&open.fd);
        if open.read != open.before.size || after != Ok(open.before) {
            if open.attempt < ATTEMPTS {
                return self.start(open.task, open.attempt + 1);
            }
            self.seen.unread.push((open.task.path, Unread::Changing));
            return None;
        }
        let digest = open.hasher.finalize();
        self.seen.bytes += open.read;
        if let Some(cache) = self.scan.cache.filter(|_| !open.before.is_elsewhere(&self.scan.root.stat)) {
            self.seen.digests.extend(cache.known(&open.before, digest));
        }
        let kind = NodeKind::File { size: open.read, digest: Digest::from_sha256(digest) };
        self.keep(open.task, &open.before, kind, open.xattrs);
        None
    }

    /// The digest of a file's content, if fs-verity guards it under a digest that the caller knows.
    fn guarded(&self, fd: &OwnedFd, stat: &Stat) -> Option<Digest> {
        let options = self.scan.options;
        let known = options.verity?;
        known.get(&options.measure.unwrap_or(measure)(fd, stat)?).cloned()
    }

    /// Takes a file in.
    fn keep(&mut self, task: FileTask, seen: &Stat, kind: NodeKind, xattrs: Attributes) {
        let node = self.take_in(task.path, seen, kind, xattrs);
        if task.listed.links > 1 {
            self.scan.links.keep(&task.listed, seen, &node);
        }
    }

    /// Hashes what both lanes have: all of the shorter, and as many blocks of the other.
    fn hash_both(&mut self) {
        let [left, right] = &mut self.lanes;
        let (Some(one), Some(two)) = (&mut left.open, &mut right.open) else { return };
        let both = (left.to - left.from).min(right.to - right.from);
        let cut = |from: usize, to: usize| if to - from == both { to } else { from + both / BLOCK * BLOCK };
        let (left_to, right_to) = (cut(left.from, left.to), cut(right.from, right.to));
        update_pair(
            &mut one.hasher,
            &left.buffer[left.from..left_to],
            &mut two.hasher,
            &right.buffer[right.from..right_to],
        );
        (left.from, right.from) = (left_to, right_to);
    }
}

impl Lane {
    /// Hashes what the lane has.
    fn hash(&mut self) {
        if let Some(open) = &mut self.open {
            open.hasher.update(&self.buffer[self.from..self.to]);
            self.from = self.to;
        }
    }
}

/// Why something was not read.
pub(super) fn unread(errno: Errno) -> Unread {
    match errno {
        Errno::NOENT | Errno::STALE => Unread::Vanished,
        // It was of another type when it was listed: no link is followed, and only folders and files are opened.
        Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::ISDIR | Errno::INVAL => Unread::Changing,
        errno => Unread::Refused(std::io::Error::from(errno).to_string()),
    }
}
