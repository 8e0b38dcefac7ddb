use std::{
    collections::BTreeSet,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use castline_core::Digest;

use super::files::{File, Files, How, Lock, Stat};
use crate::{Error, Result};

/// Where files are that are not finished. It goes when it is empty.
const SCRATCH: &str = ".castline";

/// What a file that is being written is called; nobody resumes it.
const FRESH: &str = "new-";

/// What a file that may be resumed is called, before the digest that it is to have.
const PARTIAL: &str = "partial-";

/// The folder of a layout: files in it are opened beneath it, written aside and renamed.
#[derive(Debug)]
pub(super) struct Place {
    files: Box<dyn Files>,
    path: PathBuf,
    /// Whether an fsync has failed: what was written before it may be lost, so nothing may be acknowledged any more.
    failed: AtomicBool,
    /// Folders whose names are known to be on the disk.
    settled: Mutex<BTreeSet<String>>,
    /// Says that somebody writes here, as long as it is open: blobs that nothing leads to yet are not to be taken away.
    present: OnceLock<Box<dyn File>>,
}

impl Place {
    pub(super) fn new(files: Box<dyn Files>, path: &Path) -> Self {
        Self {
            files,
            path: path.to_owned(),
            failed: AtomicBool::new(false),
            settled: Mutex::default(),
            present: OnceLock::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn io(&self, name: &str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::io(if name == "." { self.path.clone() } else { self.path.join(name) })
    }

    /// Waits until no other writer holds it; it is held until what comes back is dropped.
    pub(super) fn lock(&self) -> Result<Lock> {
        self.files.lock().map_err(self.io("."))
    }

    /// The same without waiting; none while somebody holds it.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>> {
        self.files.try_lock().map_err(self.io("."))
    }

    /// Says that somebody writes here, until the place is dropped: by a shared lock of the file `marker`, which is never
    /// replaced. To be called under the lock.
    pub(super) fn attend(&self, marker: &str) -> Result<()> {
        let Some((file, _)) = self.open_file(marker)? else { return Ok(()) };
        file.try_share().map_err(self.io(marker))?;
        let _ = self.present.set(file);
        Ok(())
    }

    /// Whether nobody says so. To be called under the lock, which keeps whoever comes out for as long as it is held.
    pub(super) fn is_alone(&self, marker: &str) -> Result<bool> {
        let Some((file, _)) = self.open_file(marker)? else { return Ok(true) };
        file.try_lock().map_err(self.io(marker))
    }

    /// What is in a folder, if it is there: its name and what it is. Names that are no text are left out.
    pub(super) fn entries(&self, folder: &str) -> Result<Vec<(String, Stat)>> {
        let mut found = Vec::new();
        for name in self.files.list(folder).map_err(self.io(folder))? {
            let Ok(name) = name.into_string() else { continue };
            let path = format!("{folder}/{name}");
            if let Some(stat) = self.files.stat(&path).map_err(self.io(&path))? {
                found.push((name, stat));
            }
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(found)
    }

    /// The files that were begun and not finished, and their lengths. To be called by who is alone here.
    pub(super) fn unfinished(&self) -> Result<Vec<(String, u64)>> {
        let files = self.entries(SCRATCH)?.into_iter().filter(|(_, stat)| stat.is_file);
        Ok(files.map(|(name, stat)| (format!("{SCRATCH}/{name}"), stat.len)).collect())
    }

    /// Removes files, and brings that to the disk. To be called by who is alone here.
    pub(super) fn remove<'n>(&self, names: impl Iterator<Item = &'n String>) -> Result<()> {
        let mut folders = BTreeSet::new();
        for name in names {
            match self.files.remove(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(self.io(name))?,
            }
            folders.insert(above(name));
        }
        for folder in folders {
            self.sync_folder(folder)?;
        }
        let _ = self.files.remove_folder(SCRATCH);
        Ok(())
    }

    /// Opens a regular file for reading; `None` where there is none.
    pub(super) fn open_file(&self, name: &str) -> Result<Option<(Box<dyn File>, u64)>> {
        match self.files.open(name, How::Read) {
            Ok(file) => {
                let stat = file.stat().map_err(self.io(name))?;
                Ok(stat.is_file.then_some((file, stat.len)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(name)(error)),
        }
    }

    /// The whole of a small file; `None` where there is none.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some((file, _)) = self.open_file(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(self.io(name))?;
        if bytes.len() as u64 > limit {
            return Err(self.invalid(name, format!("it is larger than {limit} bytes")));
        }
        Ok(Some(bytes))
    }

    pub(super) fn invalid(&self, name: &str, reason: impl Into<Box<str>>) -> Error {
        Error::InvalidFile { path: self.path.join(name), reason: reason.into() }
    }

    /// Refuses a folder that has anything in it but `known`.
    pub(super) fn refuse_strangers(&self, known: &[&str]) -> Result<()> {
        for name in self.files.list(".").map_err(self.io("."))? {
            if !known.iter().chain(&[SCRATCH]).any(|known| name == *known) {
                let name = castline_core::shown(&name.to_string_lossy());
                let reason =
                    format!("it is no image layout, and not empty: `{name}` is in it; give another folder");
                return Err(self.invalid("", reason));
            }
        }
        Ok(())
    }

    /// Refuses a layout of another version than 1.0.0, the only one that there is.
    pub(super) fn check_version(&self, marker: &str) -> Result<()> {
        let bytes = self.read(marker, 4096)?.unwrap_or_default();
        let json: Result<serde_json::Value, _> = serde_json::from_slice(&bytes);
        match json.ok().as_ref().and_then(|json| json["imageLayoutVersion"].as_str()) {
            Some("1.0.0") => Ok(()),
            _ => Err(self.invalid(
                marker,
                "it does not say `\"imageLayoutVersion\": \"1.0.0\"`, so it is not written to",
            )),
        }
    }

    /// Removes what writers that are gone had begun, but for what can be resumed and is still wanted. To be called under the
    /// lock.
    pub(super) fn sweep(&self) -> Result<()> {
        for name in self.files.list(SCRATCH).map_err(self.io(SCRATCH))? {
            let Some(name) = name.to_str() else { continue };
            let over = name.starts_with(FRESH)
                || name
                    .strip_prefix(PARTIAL)
                    .and_then(|digest| digest.split_once('-'))
                    .is_some_and(|(algorithm, hex)| self.is_there(&format!("blobs/{algorithm}/{hex}")));
            let path = format!("{SCRATCH}/{name}");
            // Its writer, where there is one, holds it.
            let free = || self.files.open(&path, How::Read)?.try_lock();
            if over && free().is_ok_and(|free| free) {
                let _ = self.files.remove(&path);
            }
        }
        Ok(())
    }

    fn is_there(&self, name: &str) -> bool {
        self.files.stat(name).is_ok_and(|stat| stat.is_some_and(|stat| stat.is_file))
    }

    /// A new file to be written, which no other writer sweeps away; and its path.
    pub(super) fn fresh(&self) -> Result<(Box<dyn File>, String)> {
        let _lock = self.lock()?;
        self.fresh_locked()
    }

    fn fresh_locked(&self) -> Result<(Box<dyn File>, String)> {
        self.make_scratch()?;
        loop {
            let path = fresh_path();
            match self.files.open(&path, How::New) {
                Ok(file) => {
                    file.try_lock().map_err(self.io(&path))?;
                    return Ok((file, path));
                }
                // Of another machine's process on a shared disk, or of one with the same number in another container.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.io(&path)(error)),
            }
        }
    }

    /// A file that is kept for a later writer of `digest`; `None` while another writer has it.
    pub(super) fn kept(&self, digest: &Digest) -> Result<Option<(Box<dyn File>, String)>> {
        let _lock = self.lock()?;
        self.make_scratch()?;
        let path = format!("{SCRATCH}/{PARTIAL}{}-{}", digest.algorithm().name(), digest.encoded());
        loop {
            let file = self.files.open(&path, How::Either).map_err(self.io(&path))?;
            let stat = file.stat().map_err(self.io(&path))?;
            if !stat.is_file {
                return Err(self.invalid(&path, "it is not a file; remove it"));
            }
            if !file.try_lock().map_err(self.io(&path))? {
                return Ok(None);
            }
            // A crash can leave a file under the name that it was to lose as well as under that which it was to get: then
            // it may be a blob, and is not to be written to.
            if stat.names > 1 {
                self.files.remove(&path).map_err(self.io(&path))?;
                continue;
            }
            // Its writer may have committed it since it was opened: then it is a blob, too.
            let there = self.files.stat(&path).ok().flatten();
            if there.is_some_and(|there| there.identity == stat.identity) {
                return Ok(Some((file, path)));
            }
        }
    }

    /// Gives a file that was kept for a later writer a name under which nobody goes on with it; what that is.
    pub(super) fn forsake(&self, path: &str) -> Result<String> {
        let _lock = self.lock()?;
        loop {
            let fresh = fresh_path();
            if self.files.stat(&fresh).map_err(self.io(&fresh))?.is_none() {
                self.files.rename(path, &fresh).map_err(self.io(path))?;
                return Ok(fresh);
            }
        }
    }

    /// What is in it need not survive a crash, nor need its name.
    fn make_scratch(&self) -> Result<()> {
        self.files.make_folder(SCRATCH).map(|_| ()).map_err(self.io(SCRATCH))
    }

    /// Makes a folder, and those above it, so that it survives a crash. One that is there may have been made by a writer
    /// that was killed before its name was on the disk, so its name is brought there once, whoever made it.
    pub(super) fn make_folder(&self, name: &str) -> Result<()> {
        let ends = name.match_indices('/').map(|(end, _)| end).chain([name.len()]);
        for path in ends.map(|end| &name[..end]) {
            let new = self.files.make_folder(path).map_err(self.io(path))?;
            if new || !self.settled().contains(path) {
                self.sync_folder(above(path))?;
                self.settled().insert(path.to_owned());
            }
        }
        Ok(())
    }

    fn settled(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the folder's own name to the disk.
    pub(super) fn settle(&self) -> Result<()> {
        self.synced(self.files.sync_above(), ".")
    }

    /// Writes a small file as a whole or not at all. To be called under the lock.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (mut file, path) = self.fresh_locked()?;
        let written = file.write_all(bytes).map_err(self.io(name));
        let done = written.and_then(|()| self.publish(&*file, &path, name));
        if done.is_err() {
            self.discard_locked(&path);
        }
        let _ = self.files.remove_folder(SCRATCH);
        done
    }

    /// Brings a file to the disk.
    pub(super) fn sync(&self, file: &dyn File, name: &str) -> Result<()> {
        self.refuse_after_failure(name)?;
        self.synced(file.sync(), name)
    }

    /// Brings a file to the disk, gives it its name, and brings that to the disk.
    pub(super) fn publish(&self, file: &dyn File, path: &str, name: &str) -> Result<()> {
        self.sync(file, name)?;
        self.files.rename(path, name).map_err(self.io(name))?;
        self.sync_folder(above(name))
    }

    /// Brings a file that has its name to the disk, and its name: its writer may have been killed before it did, or be
    /// another program, which does not.
    pub(super) fn keep(&self, file: &dyn File, name: &str) -> Result<()> {
        self.sync(file, name)?;
        self.make_folder(above(name))?;
        self.sync_folder(above(name))
    }

    fn refuse_after_failure(&self, name: &str) -> Result<()> {
        if self.failed.load(Ordering::Acquire) {
            let reason = "an earlier write did not reach the disk; open the layout anew";
            return Err(self.io(name)(io::Error::other(reason)));
        }
        Ok(())
    }

    fn sync_folder(&self, name: &str) -> Result<()> {
        self.synced(self.files.sync_folder(name), name)
    }

    fn synced(&self, outcome: io::Result<()>, name: &str) -> Result<()> {
        if outcome.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        outcome.map_err(self.io(name))
    }

    /// Removes a file that was not finished, and the folder of such, where it was the last.
    pub(super) fn discard(&self, path: &str) {
        // What cannot be removed is swept by the next writer.
        let lock = self.lock();
        self.discard_locked(path);
        let _ = self.files.remove_folder(SCRATCH);
        drop(lock);
    }

    /// Removes the folder of unfinished files, where it is empty.
    pub(super) fn tidy(&self) {
        if let Ok(_lock) = self.lock() {
            let _ = self.files.remove_folder(SCRATCH);
        }
    }

    fn discard_locked(&self, path: &str) {
        let _ = self.files.remove(path);
    }
}

/// A path that no other file of this process has.
fn fresh_path() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{SCRATCH}/{FRESH}{}-{count}", std::process::id())
}

/// The folder that a name is in.
fn above(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| folder)
}
