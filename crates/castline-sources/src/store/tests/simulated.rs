//! A folder in memory that keeps apart what programs see and what is on the disk, and fails where it is told to.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::{Arc, Mutex, MutexGuard},
};

use castline_core::{Blob, BlobName, BlobSource, Format, OpenFault, Stored};

use crate::store::files::{File, Files, How, Lock, Stat};

/// What happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process ends: half of a write is done, and nothing after it.
    Kill,
    /// The call fails, and nothing is done.
    Eio,
    /// Half of a write is done, then the disk is full.
    Enospc,
    /// The call fails, and what it was to bring to the disk is not there, though it looks so.
    LostSync,
}

impl Fault {
    pub(super) const ALL: [Self; 4] = [Self::Kill, Self::Eio, Self::Enospc, Self::LostSync];
}

/// What is waited for, until it is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    File,
    Folder,
    Above,
}

/// What becomes of what was not brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// The process ends, the machine goes on: all of it is there.
    Process,
    /// Power is lost, and none of it is there.
    Nothing,
    /// Power is lost, and any part of it is there.
    Some(u64),
}

/// Bytes that were written to the end of a file.
#[derive(Clone, Debug, Default)]
struct Node {
    seen: Vec<u8>,
    disk: Vec<u8>,
    /// Where they begin that are not on the disk; `None` where an fsync has lost them, and nobody is told again.
    pending: Option<usize>,
    /// Which handle has its lock.
    holder: Option<u64>,
}

impl Node {
    /// Brings bytes to the disk; those before them that are not there read as zeros.
    fn bring(&mut self, from: usize, to: usize) {
        self.disk.resize(from, 0);
        self.disk.extend_from_slice(&self.seen[from..to]);
    }
}

/// A name: of a folder, or of a file by its number.
type Names = BTreeMap<String, Option<usize>>;

#[derive(Clone, Default)]
struct State {
    nodes: Vec<Node>,
    seen: Names,
    disk: Names,
    /// Whether the folder itself is on the disk.
    rooted: bool,
    locked: bool,
    handles: u64,
    calls: u64,
    fault: Option<(u64, Fault)>,
    /// What is not waited for, as if it were forgotten.
    forgotten: Option<Awaited>,
    dead: bool,
    /// Counts lives: what was opened in an earlier one is of no use.
    life: u64,
    chance: u64,
}

/// The folder. A clone is another handle of the same one.
#[derive(Clone, Default)]
pub(super) struct Simulated(Arc<Mutex<State>>);

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

/// What a call is to do.
enum Verdict {
    Do,
    /// Half of it, then fail.
    Half(io::Error),
    /// It looks as if it were done for good.
    Lose(io::Error),
}

impl Simulated {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds it")
    }

    /// How many calls were made.
    pub(super) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Lets the call of this number, from now on, fail.
    pub(super) fn fail_at(&self, call: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.calls + call, fault));
    }

    /// From now on, waiting for this does nothing.
    pub(super) fn forget(&self, awaited: Awaited) {
        self.state().forgotten = Some(awaited);
    }

    /// Whether the fault has happened.
    pub(super) fn has_failed(&self) -> bool {
        let state = self.state();
        state.fault.is_none_or(|(at, _)| state.calls > at)
    }

    /// Another folder with the same in it.
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// What a file holds, as programs see it.
    pub(super) fn text(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.seen.get(name).copied().flatten().map(|node| state.nodes[node].seen.clone())
    }

    /// The names of all files.
    pub(super) fn files(&self) -> Vec<String> {
        let state = self.state();
        state.seen.iter().filter(|(_, node)| node.is_some()).map(|(name, _)| name.clone()).collect()
    }

    /// Begins anew after the end of the process.
    pub(super) fn restart(&self, crash: Crash) {
        let mut state = self.state();
        let state = &mut *state;
        state.dead = false;
        state.fault = None;
        state.life += 1;
        state.locked = false;
        for node in &mut state.nodes {
            node.holder = None;
        }
        let mut seed = match crash {
            Crash::Process => return,
            Crash::Nothing => None,
            Crash::Some(seed) => Some(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        };
        // 0 for nothing of it, `most` for all.
        let mut next = |most: usize| match &mut seed {
            None => 0,
            Some(seed) => {
                *seed ^= *seed << 13;
                *seed ^= *seed >> 7;
                *seed ^= *seed << 17;
                usize::try_from(*seed >> 33).expect("31 bits") % (most + 1)
            }
        };
        for node in &mut state.nodes {
            if let Some(from) = node.pending {
                // The length comes to the disk, and pages in any order: what is missing reads as zeros.
                let to = from + next(node.seen.len() - from);
                let whole = from + next(to - from);
                node.bring(from, to);
                node.disk[whole..].fill(0);
            }
            node.seen = node.disk.clone();
            node.pending = Some(node.seen.len());
        }
        let changed: Vec<String> = state
            .seen
            .keys()
            .chain(state.disk.keys())
            .filter(|name| state.seen.get(*name) != state.disk.get(*name))
            .cloned()
            .collect();
        for name in changed {
            if next(1) == 1 {
                match state.seen.get(&name) {
                    Some(node) => state.disk.insert(name, *node),
                    None => state.disk.remove(&name),
                };
            }
        }
        // What is in a folder that is lost is lost.
        state.rooted |= next(1) == 1;
        if !state.rooted {
            state.disk.clear();
        }
        let folders = state.disk.clone();
        state.disk.retain(|name, _| {
            name.match_indices('/').all(|(end, _)| folders.get(&name[..end]).is_some_and(Option::is_none))
        });
        state.seen = state.disk.clone();
    }

    fn call(state: &mut State) -> io::Result<Verdict> {
        let killed = || io::Error::other("the process has ended");
        if state.dead {
            return Err(killed());
        }
        let number = state.calls;
        state.calls += 1;
        match state.fault {
            Some((at, fault)) if at == number => match fault {
                Fault::Kill => {
                    state.dead = true;
                    Ok(Verdict::Half(killed()))
                }
                Fault::Eio => Err(io::Error::from_raw_os_error(5)),
                Fault::Enospc => Ok(Verdict::Half(io::ErrorKind::StorageFull.into())),
                Fault::LostSync => Ok(Verdict::Lose(io::Error::from_raw_os_error(5))),
            },
            _ => Ok(Verdict::Do),
        }
    }

    /// Makes a call that is done as a whole or not at all.
    fn whole(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        match Self::call(&mut state)? {
            Verdict::Do => Ok(state),
            Verdict::Half(error) | Verdict::Lose(error) => Err(error),
        }
    }
}

/// The folder that a name is in.
fn above(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

impl State {
    fn is_folder(&self, name: &str) -> bool {
        name == "." || self.seen.get(name).is_some_and(Option::is_none)
    }

    fn stat(&self, node: usize) -> Stat {
        let names = self.seen.values().filter(|other| **other == Some(node)).count() as u64;
        let len = self.nodes[node].seen.len() as u64;
        Stat { is_file: true, is_folder: false, len, names, identity: (1, node as u64) }
    }
}

impl Files for Simulated {
    fn make_folder(&self, name: &str) -> io::Result<bool> {
        let mut state = self.whole()?;
        if !state.is_folder(above(name)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let new = !state.seen.contains_key(name);
        state.seen.entry(name.to_owned()).or_insert(None);
        Ok(new)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        let mut state = self.whole()?;
        if state.seen.keys().any(|other| above(other) == name) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.seen.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, name: &str) -> io::Result<Vec<OsString>> {
        let state = self.whole()?;
        let inside = state.seen.keys().filter(|other| above(other) == name);
        Ok(inside.map(|name| name.rsplit('/').next().unwrap_or_default().into()).collect())
    }

    fn open(&self, name: &str, how: How) -> io::Result<Box<dyn File>> {
        let mut state = self.whole()?;
        let node = match (state.seen.get(name).copied(), how) {
            (Some(_), How::New) => return Err(io::ErrorKind::AlreadyExists.into()),
            (None, How::Read) => return Err(io::ErrorKind::NotFound.into()),
            (None, _) if !state.is_folder(above(name)) => return Err(io::ErrorKind::NotFound.into()),
            (None, _) => {
                state.nodes.push(Node { pending: Some(0), ..Node::default() });
                let node = state.nodes.len() - 1;
                state.seen.insert(name.to_owned(), Some(node));
                node
            }
            (Some(node), _) => node.ok_or(io::ErrorKind::IsADirectory)?,
        };
        state.handles += 1;
        Ok(Box::new(Open { files: self.clone(), node, handle: state.handles, life: state.life, offset: 0 }))
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let state = self.whole()?;
        let folder = Stat { is_file: false, is_folder: true, len: 0, names: 2, identity: (0, 0) };
        Ok(state.seen.get(name).map(|node| node.map_or(folder, |node| state.stat(node))))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.whole()?;
        if !state.is_folder(above(to)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let node = state.seen.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.seen.insert(to.to_owned(), node);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.whole()?;
        state.seen.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        // Names are kept by a journal: where it fails, they are not there.
        let mut state = self.whole()?;
        assert!(state.is_folder(name), "{name} is no folder");
        if state.forgotten == Some(Awaited::Folder) {
            return Ok(());
        }
        let seen: Names = state.seen.clone().into_iter().filter(|(other, _)| above(other) == name).collect();
        state.disk.retain(|other, _| above(other) != name);
        state.disk.extend(seen);
        Ok(())
    }

    fn sync_above(&self) -> io::Result<()> {
        let mut state = self.whole()?;
        state.rooted |= state.forgotten != Some(Awaited::Above);
        Ok(())
    }

    fn lock(&self) -> io::Result<Lock> {
        let mut state = self.whole()?;
        assert!(!state.locked, "it waits for itself");
        state.locked = true;
        Ok(Box::new(Held { files: self.clone(), life: state.life }))
    }

    fn try_lock(&self) -> io::Result<Option<Lock>> {
        let held = self.whole()?.locked;
        if held { Ok(None) } else { self.lock().map(Some) }
    }
}

#[derive(Debug)]
struct Held {
    files: Simulated,
    life: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.files.state();
        if state.life == self.life {
            state.locked = false;
        }
    }
}

#[derive(Debug)]
struct Open {
    files: Simulated,
    node: usize,
    handle: u64,
    life: u64,
    offset: usize,
}

impl Open {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.files.state();
        if state.life != self.life {
            return Err(io::Error::other("the process that opened this has ended"));
        }
        Ok(state)
    }
}

impl Read for Open {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state()?;
        if let Verdict::Half(error) | Verdict::Lose(error) = Simulated::call(&mut state)? {
            return Err(error);
        }
        let rest = &state.nodes[self.node].seen[self.offset..];
        // Short reads are allowed, and happen.
        let length = rest.len().min(buffer.len()).min(700);
        buffer[..length].copy_from_slice(&rest[..length]);
        drop(state);
        self.offset += length;
        Ok(length)
    }
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state()?;
        let (count, error) = match Simulated::call(&mut state)? {
            // Short writes are allowed, and happen.
            Verdict::Do => {
                state.chance += 1;
                let cut = state.chance % 3 == 0 && bytes.len() > 1;
                (if cut { bytes.len() / 2 } else { bytes.len() }, None)
            }
            Verdict::Half(error) => (bytes.len() / 2, Some(error)),
            Verdict::Lose(error) => (0, Some(error)),
        };
        let node = &mut state.nodes[self.node];
        assert_eq!(node.seen.len(), self.offset, "files are written to at their end only");
        node.pending.get_or_insert(self.offset);
        node.seen.extend_from_slice(&bytes[..count]);
        drop(state);
        self.offset += count;
        error.map_or(Ok(count), Err)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Open {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.state()?.nodes[self.node].seen.len();
        self.offset = match to {
            SeekFrom::Start(0) => 0,
            SeekFrom::End(0) => length,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        Ok(self.offset as u64)
    }
}

impl File for Open {
    fn stat(&self) -> io::Result<Stat> {
        let state = self.state()?;
        drop(state);
        Ok(self.files.whole()?.stat(self.node))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state()?;
        let verdict = Simulated::call(&mut state)?;
        let forgotten = state.forgotten == Some(Awaited::File);
        let node = &mut state.nodes[self.node];
        match verdict {
            Verdict::Do => {
                if let Some(from) = node.pending.filter(|_| !forgotten) {
                    node.bring(from, node.seen.len());
                    node.pending = Some(node.seen.len());
                }
                Ok(())
            }
            Verdict::Half(error) => Err(error),
            // As Linux does: what could not be written counts as written, and is gone once memory is needed.
            Verdict::Lose(error) => {
                node.pending = None;
                Err(error)
            }
        }
    }

    fn try_lock(&self) -> io::Result<bool> {
        let state = self.state()?;
        drop(state);
        let mut state = self.files.whole()?;
        let holder = &mut state.nodes[self.node].holder;
        Ok(*holder.get_or_insert(self.handle) == self.handle)
    }

    fn try_share(&self) -> io::Result<bool> {
        self.state().map(|_| true)
    }

    #[cfg(feature = "registry")]
    fn reader(&self) -> io::Result<cap_std::fs::File> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.files.state();
        let holder = &mut state.nodes[self.node].holder;
        if *holder == Some(self.handle) {
            *holder = None;
        }
    }
}

impl BlobSource for Simulated {
    fn format(&self) -> Format {
        Format::OciLayout
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        let bytes = self.text(&name.path()).ok_or(OpenFault::Missing)?;
        Ok(Blob { size: Some(bytes.len() as u64), reader: Box::new(io::Cursor::new(bytes)) })
    }

    fn stored(&self) -> io::Result<Vec<Stored>> {
        let size = |path: &str| self.text(path).map_or(0, |bytes| bytes.len() as u64);
        Ok(self.files().into_iter().map(|path| Stored { size: size(&path), path }).collect())
    }
}
