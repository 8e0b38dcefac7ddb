use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{folder::Folder, stat::Stat};

/// A folder to be listed.
pub(super) struct FolderTask {
    /// The folder that it is in, where that is kept open.
    pub(super) parent: Option<Arc<Folder>>,
    pub(super) path: Vec<u8>,
    /// Names in its path.
    pub(super) depth: u32,
}

/// A file to be read.
pub(super) struct FileTask {
    /// The folder that it is in, where that is kept open.
    pub(super) folder: Option<Arc<Folder>>,
    pub(super) path: Vec<u8>,
    /// As it was when it was listed.
    pub(super) listed: Stat,
}

/// A file that is worth waiting for a hand: the larger, the sooner it is read.
struct Large(FileTask);

impl Ord for Large {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.listed.size.cmp(&other.0.listed.size).then_with(|| other.0.path.cmp(&self.0.path))
    }
}

impl PartialOrd for Large {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Large {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Large {}

/// What a worker does next.
pub(super) enum Work<'q> {
    /// To list a folder. While the worker does, there may come more to do.
    List(FolderTask, Listing<'q>),
    /// To read files.
    Read(Vec<FileTask>),
    /// There is nothing now.
    Nothing,
    /// There will be nothing.
    End,
}

/// What there is to do. Folders are taken last in, first out, so that few are open at a time.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    folders: Vec<FolderTask>,
    files: Vec<Vec<FileTask>>,
    large: BinaryHeap<Large>,
    listing: usize,
    waiting: usize,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next work. With `wait`, it is never [`Work::Nothing`].
    pub(super) fn take(&self, wait: bool) -> Work<'_> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Work::End;
            }
            if let Some(files) = state.files.pop() {
                return Work::Read(files);
            }
            if let Some(folder) = state.folders.pop() {
                state.listing += 1;
                return Work::List(folder, Listing(self));
            }
            if let Some(Large(file)) = state.large.pop() {
                return Work::Read(vec![file]);
            }
            if !wait {
                return Work::Nothing;
            }
            if state.listing == 0 {
                return Work::End;
            }
            state.waiting += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    pub(super) fn add_folders(&self, folders: &mut Vec<FolderTask>) {
        if !folders.is_empty() {
            let mut state = self.lock();
            state.folders.append(folders);
            self.wake(&state);
        }
    }

    pub(super) fn add_large(&self, file: FileTask) {
        let mut state = self.lock();
        state.large.push(Large(file));
        self.wake(&state);
    }

    /// Gives files to a worker that waits, if there is one.
    pub(super) fn hand_over(&self, files: &mut Vec<FileTask>) {
        let mut state = self.lock();
        if state.waiting > state.files.len() {
            state.files.push(std::mem::take(files));
            self.wake(&state);
        }
    }

    /// Ends the work, done or not.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(&state);
    }

    fn wake(&self, state: &State) {
        if state.waiting > 0 {
            self.ready.notify_all();
        }
    }
}

/// Held while a folder is listed.
pub(super) struct Listing<'q>(&'q Queue);

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.listing -= 1;
        // The caller's own function may panic; nobody shall wait for this worker then.
        state.closed |= std::thread::panicking();
        if state.listing == 0 || state.closed {
            self.0.wake(&state);
        }
    }
}
