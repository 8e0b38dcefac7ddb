//! A file system in memory that keeps apart what programs see and what is on the disk, and fails where it is told to.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use crate::store::files::{File, Files, Lock};

/// What happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
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
    pub(crate) const ALL: [Self; 4] = [Self::Kill, Self::Eio, Self::Enospc, Self::LostSync];
}

/// What becomes of what was not brought to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The process ends, the machine goes on: all of it is there.
    Process,
    /// Power is lost, and none of it is there.
    Nothing,
    /// Power is lost, and any part of it is there.
    Some(u64),
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Len(u64),
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Len(len) => bytes.resize(usize::try_from(*len).expect("small"), 0),
        Change::Write(offset, new) => {
            let from = usize::try_from(*offset).expect("small");
            if bytes.len() < from + new.len() {
                bytes.resize(from + new.len(), 0);
            }
            bytes[from..from + new.len()].copy_from_slice(new);
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Node {
    seen: Vec<u8>,
    disk: Vec<u8>,
    pending: Vec<Change>,
}

/// A name: of a folder, or of a file by its number.
type Names = BTreeMap<PathBuf, Option<usize>>;

#[derive(Clone, Default)]
struct State {
    nodes: Vec<Node>,
    seen: Names,
    disk: Names,
    locked: BTreeMap<PathBuf, u64>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    /// Counts lives: a lock of an earlier one does not count.
    life: u64,
    chance: u64,
}

/// The file system. A clone is another handle of the same one.
#[derive(Clone, Default)]
pub(crate) struct Simulated(Arc<Mutex<State>>);

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

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Simulated {
    pub(crate) fn new(folder: &Path) -> Self {
        let simulated = Self::default();
        let mut state = simulated.state();
        state.seen.insert(folder.to_owned(), None);
        state.disk.insert(folder.to_owned(), None);
        drop(state);
        simulated
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds it")
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Lets the call of this number, from now on, fail.
    pub(crate) fn fail_at(&self, call: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.calls + call, fault));
    }

    /// Whether the fault has happened.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state();
        state.fault.is_none_or(|(at, _)| state.calls > at)
    }

    /// Ends the process now.
    pub(crate) fn kill(&self) {
        self.state().dead = true;
    }

    /// Another file system with the same in it.
    pub(crate) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// Begins anew after the end of the process.
    pub(crate) fn restart(&self, crash: Crash) {
        let mut state = self.state();
        state.dead = false;
        state.fault = None;
        state.life += 1;
        state.locked.clear();
        let mut seed = match crash {
            Crash::Process => return,
            Crash::Nothing => None,
            Crash::Some(seed) => Some(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        };
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
            for change in std::mem::take(&mut node.pending) {
                match (next(2), change) {
                    (0, _) => {}
                    (1, Change::Write(offset, bytes)) => {
                        // Pages come to the disk in any order: what is missing at the front reads as zeros.
                        let (from, to) = (next(bytes.len()), next(bytes.len()));
                        let (from, to) = (from.min(to), from.max(to));
                        apply(&mut node.disk, &Change::Write(offset + from as u64, bytes[from..to].to_vec()));
                    }
                    (_, change) => apply(&mut node.disk, &change),
                }
            }
            node.seen = node.disk.clone();
        }
        let (names, disk) = (state.seen.clone(), state.disk.clone());
        let changed: Vec<PathBuf> = names
            .keys()
            .chain(disk.keys())
            .filter(|name| names.get(*name) != disk.get(*name))
            .cloned()
            .collect();
        for name in changed {
            if next(1) == 1 {
                match names.get(&name) {
                    Some(node) => state.disk.insert(name, *node),
                    None => state.disk.remove(&name),
                };
            }
        }
        // What is in a folder that is lost is lost.
        let disk = state.disk.clone();
        let roots = disk.keys().next().cloned();
        state.disk.retain(|name, _| {
            Some(name) == roots.as_ref() || name.parent().is_some_and(|above| disk.contains_key(above))
        });
        state.seen = state.disk.clone();
    }

    /// What a file holds, as programs see it.
    pub(crate) fn text(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state.seen.get(path).copied().flatten().map(|node| state.nodes[node].seen.clone())
    }

    /// Puts this into a file, as if it had always been there.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let node = state.seen[path].expect("a file");
        state.nodes[node] = Node { seen: bytes.to_vec(), disk: bytes.to_vec(), pending: Vec::new() };
    }

    /// The names of the files in a folder.
    pub(crate) fn names(&self, folder: &Path) -> Vec<PathBuf> {
        let state = self.state();
        state.seen.keys().filter(|name| name.parent() == Some(folder)).cloned().collect()
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
                Fault::Enospc => Ok(Verdict::Half(full())),
                Fault::LostSync => Ok(Verdict::Lose(io::Error::from_raw_os_error(5))),
            },
            _ => Ok(Verdict::Do),
        }
    }
}

/// A call that is done as a whole or not at all.
fn whole(verdict: Verdict) -> io::Result<()> {
    match verdict {
        Verdict::Do => Ok(()),
        Verdict::Half(error) | Verdict::Lose(error) => Err(error),
    }
}

impl Files for Simulated {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        whole(Self::call(&mut state)?)?;
        assert!(
            state.seen.contains_key(path.parent().expect("a parent")),
            "{} has no folder",
            path.display()
        );
        state.seen.entry(path.to_owned()).or_insert(None);
        Ok(())
    }

    fn read(&self, path: &Path, _: u64) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.state();
        whole(Self::call(&mut state)?)?;
        Ok(state.seen.get(path).copied().flatten().map(|node| state.nodes[node].seen.clone()))
    }

    fn open(&self, path: &Path, anew: bool) -> io::Result<Box<dyn File>> {
        let mut state = self.state();
        whole(Self::call(&mut state)?)?;
        let node = match state.seen.get(path).copied().flatten() {
            Some(node) => node,
            None => {
                state.nodes.push(Node::default());
                let node = state.nodes.len() - 1;
                state.seen.insert(path.to_owned(), Some(node));
                node
            }
        };
        if anew {
            state.nodes[node].seen.clear();
            state.nodes[node].pending.push(Change::Len(0));
        }
        Ok(Box::new(Open { files: self.clone(), node, life: state.life }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        whole(Self::call(&mut state)?)?;
        let node = state.seen.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.seen.insert(to.to_owned(), node);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        // Names are kept by a journal: where it fails, they are not there.
        whole(Self::call(&mut state)?)?;
        let inside = |name: &PathBuf| name.parent() == Some(path);
        let seen: Vec<_> = state
            .seen
            .iter()
            .filter(|(name, _)| inside(name))
            .map(|(name, node)| (name.clone(), *node))
            .collect();
        state.disk.retain(|name, _| !inside(name));
        state.disk.extend(seen);
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let mut state = self.state();
        whole(Self::call(&mut state)?)?;
        if state.locked.contains_key(path) {
            return Ok(None);
        }
        let life = state.life;
        state.locked.insert(path.to_owned(), life);
        Ok(Some(Box::new(Held { files: self.clone(), path: path.to_owned(), life })))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        Ok(self.state().locked.contains_key(path))
    }
}

#[derive(Debug)]
struct Held {
    files: Simulated,
    path: PathBuf,
    life: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.files.state();
        if state.locked.get(&self.path) == Some(&self.life) {
            state.locked.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct Open {
    files: Simulated,
    node: usize,
    life: u64,
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

impl File for Open {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
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
        let change = Change::Write(offset, bytes[..count].to_vec());
        let node = &mut state.nodes[self.node];
        if count > 0 {
            apply(&mut node.seen, &change);
            node.pending.push(change);
        }
        error.map_or(Ok(count), Err)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state()?;
        whole(Simulated::call(&mut state)?)?;
        let node = &mut state.nodes[self.node];
        apply(&mut node.seen, &Change::Len(len));
        node.pending.push(Change::Len(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state()?;
        let verdict = Simulated::call(&mut state)?;
        let node = &mut state.nodes[self.node];
        match verdict {
            Verdict::Do => {
                for change in std::mem::take(&mut node.pending) {
                    apply(&mut node.disk, &change);
                }
                Ok(())
            }
            Verdict::Half(error) => Err(error),
            // As Linux does: what could not be written counts as written, and is gone once memory is needed.
            Verdict::Lose(error) => {
                node.pending.clear();
                Err(error)
            }
        }
    }
}
