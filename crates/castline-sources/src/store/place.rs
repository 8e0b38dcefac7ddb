use std::{
    collections::BTreeSet,
    io::{self, Read as _, Write as _},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, MetadataExt as _, OpenOptions, OpenOptionsExt as _},
};
use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, fsync, openat},
    io::Errno,
};

use crate::{Error, Result};

/// Where files are that are not finished. It goes when it is empty.
const SCRATCH: &str = ".castline";

const ALONE: FlockOperation = FlockOperation::NonBlockingLockExclusive;

/// What a file that is being written is called; nobody resumes it.
const FRESH: &str = "new-";

/// The folder of a layout: files in it are opened beneath it, written aside and renamed.
#[derive(Debug)]
pub(super) struct Place {
    dir: Dir,
    path: PathBuf,
    /// Whether an fsync has failed: what was written before it may be lost, so nothing may be acknowledged any more.
    failed: AtomicBool,
    /// Says that somebody writes here, as long as it is open: blobs that nothing leads to yet are not to be taken away.
    present: OnceLock<File>,
}

/// Holds other writers off until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it unlocks")] OwnedFd);

impl Place {
    pub(super) fn create_or_open(path: &Path) -> Result<Self> {
        let io = || Error::io(path);
        if !path.is_dir() {
            std::fs::create_dir_all(path).map_err(io())?;
            // The folder's own name has to be on the disk as well.
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = std::fs::File::open(parent.unwrap_or(Path::new("."))).map_err(io())?;
            parent.sync_all().map_err(io())?;
        }
        Self::open(path)
    }

    /// A folder that is there.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(Error::io(path))?;
        Ok(Self { dir, path: path.to_owned(), failed: AtomicBool::new(false), present: OnceLock::new() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn io(&self, name: &str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::io(self.path.join(name))
    }

    /// Waits until no other writer holds it.
    pub(super) fn lock(&self) -> Result<Lock> {
        let fd = self.open_folder(".").map_err(self.io(""))?;
        loop {
            match flock(&fd, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Lock(fd)),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.io("")(errno.into())),
            }
        }
    }

    /// The same without waiting; none while somebody holds it.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>> {
        let fd = self.open_folder(".").map_err(self.io(""))?;
        Ok(try_lock(&fd, ALONE).map_err(self.io(""))?.then_some(Lock(fd)))
    }

    /// Says that somebody writes here, until the place is dropped: by a shared lock of the file `marker`, which is never
    /// replaced. To be called under the lock.
    pub(super) fn attend(&self, marker: &str) -> Result<()> {
        let Some((file, _)) = self.open_file(marker)? else { return Ok(()) };
        try_lock(&file, FlockOperation::NonBlockingLockShared).map_err(self.io(marker))?;
        let _ = self.present.set(file);
        Ok(())
    }

    /// Whether nobody says so. To be called under the lock, which keeps whoever comes out for as long as it is held.
    pub(super) fn is_alone(&self, marker: &str) -> Result<bool> {
        let Some((file, _)) = self.open_file(marker)? else { return Ok(true) };
        try_lock(&file, ALONE).map_err(self.io(marker))
    }

    /// A folder below; `None` where there is none.
    pub(super) fn folder(&self, name: &str) -> Result<Option<Dir>> {
        match self.dir.open_dir(name) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(name)(error)),
        }
    }

    /// The files that were begun and not finished, and their lengths. To be called by who is alone here.
    pub(super) fn unfinished(&self) -> Result<Vec<(String, u64)>> {
        let Some(scratch) = self.folder(SCRATCH)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in scratch.entries().map_err(self.io(SCRATCH))? {
            let entry = entry.map_err(self.io(SCRATCH))?;
            let metadata = entry.metadata().map_err(self.io(SCRATCH))?;
            if let Some(name) = entry.file_name().to_str().filter(|_| metadata.is_file()) {
                found.push((format!("{SCRATCH}/{name}"), metadata.len()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Removes files, and brings that to the disk. To be called by who is alone here.
    pub(super) fn remove<'n>(&self, names: impl Iterator<Item = &'n String>) -> Result<()> {
        let mut folders = BTreeSet::new();
        for name in names {
            match self.dir.remove_file(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(self.io(name))?,
            }
            folders.extend(name.rsplit_once('/').map(|(folder, _)| folder));
        }
        for folder in folders {
            self.sync_folder(folder)?;
        }
        let _ = self.dir.remove_dir(SCRATCH);
        Ok(())
    }

    fn open_folder(&self, name: &str) -> io::Result<OwnedFd> {
        let dir = if name == "." { self.dir.try_clone()? } else { self.dir.open_dir(name)? };
        // What cap-std opens may be good for paths only.
        Ok(openat(dir.as_fd(), c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    }

    /// Opens a regular file for reading; `None` where there is none.
    pub(super) fn open_file(&self, name: &str) -> Result<Option<(File, u64)>> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
        match self.dir.open_with(name, &options) {
            Ok(file) => {
                let metadata = file.metadata().map_err(self.io(name))?;
                Ok(metadata.is_file().then(|| (file, metadata.len())))
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
        for entry in self.dir.entries().map_err(self.io(""))? {
            let name = entry.map_err(self.io(""))?.file_name();
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

    /// Removes what writers that are gone had begun. To be called under the lock.
    pub(super) fn sweep(&self) -> Result<()> {
        let scratch = match self.dir.open_dir(SCRATCH) {
            Ok(scratch) => scratch,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.io(SCRATCH)(error)),
        };
        for entry in scratch.entries().map_err(self.io(SCRATCH))? {
            let entry = entry.map_err(self.io(SCRATCH))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.starts_with(FRESH)) else { continue };
            // Its writer, where there is one, holds it.
            if entry.open().is_ok_and(|file| try_lock(&file, ALONE).is_ok_and(|free| free)) {
                let _ = scratch.remove_file(name);
            }
        }
        Ok(())
    }

    /// A new file to be written, which no other writer sweeps away; and its path.
    pub(super) fn fresh(&self) -> Result<(File, String)> {
        let _lock = self.lock()?;
        self.fresh_locked()
    }

    fn fresh_locked(&self) -> Result<(File, String)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        self.make_folder(SCRATCH)?;
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = format!("{SCRATCH}/{FRESH}{}-{count}", std::process::id());
            let mut options = OpenOptions::new();
            match self.dir.open_with(&path, options.write(true).create_new(true)) {
                Ok(file) => {
                    try_lock(&file, ALONE).map_err(self.io(&path))?;
                    return Ok((file, path));
                }
                // Of another machine's process on a shared disk, or of one with the same number in another container.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.io(&path)(error)),
            }
        }
    }

    /// A file that is kept for a later writer, called `name`; `None` while another writer has it.
    pub(super) fn kept(&self, name: &str) -> Result<Option<(File, String)>> {
        let _lock = self.lock()?;
        self.make_folder(SCRATCH)?;
        let path = format!("{SCRATCH}/{name}");
        let identity = |metadata: cap_std::fs::Metadata| (metadata.dev(), metadata.ino());
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true);
            let file = self.dir.open_with(&path, &options).map_err(self.io(&path))?;
            let metadata = file.metadata().map_err(self.io(&path))?;
            if !metadata.is_file() {
                return Err(self.invalid(&path, "it is not a file; remove it"));
            }
            if !try_lock(&file, ALONE).map_err(self.io(&path))? {
                return Ok(None);
            }
            // Its writer may have committed it since it was opened: then it is a blob, and not to be written to.
            if self.dir.symlink_metadata(&path).is_ok_and(|there| identity(there) == identity(metadata)) {
                return Ok(Some((file, path)));
            }
        }
    }

    /// Makes a folder, and those above it, so that it survives a crash.
    pub(super) fn make_folder(&self, name: &str) -> Result<()> {
        let mut path = String::new();
        for part in name.split('/') {
            let parent = if path.is_empty() { ".".to_owned() } else { path.clone() };
            path = if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
            match self.dir.create_dir(&path) {
                Ok(()) => self.sync_folder(&parent)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.io(&path)(error)),
            }
        }
        Ok(())
    }

    /// Writes a small file as a whole or not at all. To be called under the lock.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (mut file, path) = self.fresh_locked()?;
        let written = file.write_all(bytes).map_err(self.io(name));
        let done = written.and_then(|()| self.publish(&file, &path, name));
        if done.is_err() {
            self.discard_locked(&path);
        }
        let _ = self.dir.remove_dir(SCRATCH);
        done
    }

    /// Brings a file to the disk, gives it its name, and brings that to the disk.
    pub(super) fn publish(&self, file: &File, path: &str, name: &str) -> Result<()> {
        if self.failed.load(Ordering::Acquire) {
            let reason = "an earlier write did not reach the disk; open the layout anew";
            return Err(self.io(name)(io::Error::other(reason)));
        }
        self.synced(file.sync_all(), name)?;
        self.dir.rename(path, &self.dir, name).map_err(self.io(name))?;
        self.sync_folder(name.rsplit_once('/').map_or(".", |(folder, _)| folder))
    }

    fn sync_folder(&self, name: &str) -> Result<()> {
        let folder = self.open_folder(name).map_err(self.io(name))?;
        self.synced(fsync(&folder).map_err(io::Error::from), name)
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
        let _ = self.dir.remove_dir(SCRATCH);
        drop(lock);
    }

    /// Removes the folder of unfinished files, where it is empty.
    pub(super) fn tidy(&self) {
        if let Ok(_lock) = self.lock() {
            let _ = self.dir.remove_dir(SCRATCH);
        }
    }

    fn discard_locked(&self, path: &str) {
        let _ = self.dir.remove_file(path);
    }
}

/// Takes a file for this writer, as long as it is open; false where another has it.
fn try_lock(file: impl AsFd, how: FlockOperation) -> io::Result<bool> {
    match flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
