//! The few things that a layout's writer asks of a file system, so that each of them can be made to fail.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Seek, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File as Opened, MetadataExt as _, OpenOptions, OpenOptionsExt as _},
};
use rustix::{
    fs::{FlockOperation, Mode, OFlags, flock, fstat, fsync, openat},
    io::Errno,
};

/// A folder, as far as a layout's writer needs one. Names are of what is in it, with `/` between their parts, `.` being the
/// folder itself; none leads out of it.
pub(super) trait Files: fmt::Debug + Send + Sync {
    /// Makes a folder; false where there is something of that name.
    fn make_folder(&self, name: &str) -> io::Result<bool>;

    /// Removes a folder that is empty.
    fn remove_folder(&self, name: &str) -> io::Result<()>;

    /// The names in a folder; none where there is no such folder.
    fn list(&self, name: &str) -> io::Result<Vec<OsString>>;

    /// Opens what has a name, or makes an empty file.
    fn open(&self, name: &str, how: How) -> io::Result<Box<dyn File>>;

    /// What has a name, no link being followed; `None` where nothing has it.
    fn stat(&self, name: &str) -> io::Result<Option<Stat>>;

    /// Gives a file another name, whatever had that name before.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    fn sync_folder(&self, name: &str) -> io::Result<()>;

    /// Waits until the name of this folder is on the disk, and those of the folders above it.
    fn sync_above(&self) -> io::Result<()>;

    /// Waits until no other writer has the lock of this folder, and takes it until what comes back is let go.
    fn lock(&self) -> io::Result<Lock>;

    /// The same without waiting; none while somebody has it.
    fn try_lock(&self) -> io::Result<Option<Lock>>;
}

/// What is open. Reading and writing go on where the last one ended.
pub(super) trait File: Read + Write + Seek + fmt::Debug + Send + Sync {
    /// What it is.
    fn stat(&self) -> io::Result<Stat>;

    /// Waits until it is on the disk. After an error nobody knows what is.
    fn sync(&self) -> io::Result<()>;

    /// Takes it for this writer, as long as it is open; false where another has it.
    fn try_lock(&self) -> io::Result<bool>;

    /// The same, as one of several who share it.
    fn try_share(&self) -> io::Result<bool>;

    /// The same file of the machine, to be read at any place of it.
    #[cfg(feature = "registry")]
    fn reader(&self) -> io::Result<Opened>;
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// To be read.
    Read,
    /// To be read and written; nothing may have the name.
    New,
    /// To be read and written; it is made where nothing has the name.
    Either,
}

/// What is said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) is_file: bool,
    pub(super) is_folder: bool,
    pub(super) len: u64,
    /// How many names it has.
    pub(super) names: u64,
    /// What tells it from others: its device and its number there.
    pub(super) identity: (u64, u64),
}

/// A lock that is held for as long as this is.
pub(super) type Lock = Box<dyn fmt::Debug + Send + Sync>;

/// A folder of the machine.
#[derive(Debug)]
pub(super) struct Real(Dir);

impl Real {
    /// Opens the folder, and makes it where there is none.
    pub(super) fn create_or_open(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            std::fs::create_dir_all(path)?;
        }
        Self::open(path)
    }

    /// Opens the folder, which has to be there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Dir::open_ambient_dir(path, ambient_authority()).map(Self)
    }

    fn folder(&self, name: &str) -> io::Result<OwnedFd> {
        let dir = if name == "." { self.0.try_clone()? } else { self.0.open_dir(name)? };
        // What cap-std opens may be good for paths only.
        Ok(openat(dir.as_fd(), c".", FOLDER, Mode::empty())?)
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Files for Real {
    fn make_folder(&self, name: &str) -> io::Result<bool> {
        match self.0.create_dir(name) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.0.remove_dir(name)
    }

    fn list(&self, name: &str) -> io::Result<Vec<OsString>> {
        match self.0.read_dir(name) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn open(&self, name: &str, how: How) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        match how {
            // Nobody is waited for: a pipe is opened, and then seen to be no file.
            How::Read => {
                options.read(true).custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
            }
            How::New => options.read(true).write(true).create_new(true),
            How::Either => options.read(true).write(true).create(true),
        };
        Ok(Box::new(self.0.open_with(name, &options)?))
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match self.0.symlink_metadata(name) {
            Ok(metadata) => Ok(Some(metadata.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, &self.0, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove_file(name)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        Ok(fsync(self.folder(name)?)?)
    }

    fn sync_above(&self) -> io::Result<()> {
        let mut here = self.folder(".")?;
        loop {
            let above = match openat(&here, c"..", FOLDER, Mode::empty()) {
                Ok(above) => above,
                // A folder that we may not list is not one that we have made.
                Err(Errno::ACCESS | Errno::PERM) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            };
            let (inner, outer) = (fstat(&here)?, fstat(&above)?);
            // Another file system was there before; above the root is the root.
            if inner.st_dev != outer.st_dev || inner.st_ino == outer.st_ino {
                return Ok(());
            }
            fsync(&above)?;
            here = above;
        }
    }

    fn lock(&self) -> io::Result<Lock> {
        let folder = self.folder(".")?;
        loop {
            match flock(&folder, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Box::new(folder)),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn try_lock(&self) -> io::Result<Option<Lock>> {
        let folder = self.folder(".")?;
        Ok(locked(&folder, FlockOperation::NonBlockingLockExclusive)?.then(|| Box::new(folder) as Lock))
    }
}

/// Takes a lock without waiting; false where another one has it.
fn locked(file: impl AsFd, how: FlockOperation) -> io::Result<bool> {
    match flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

impl File for Opened {
    fn stat(&self) -> io::Result<Stat> {
        self.metadata().map(Stat::from)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn try_lock(&self) -> io::Result<bool> {
        locked(self, FlockOperation::NonBlockingLockExclusive)
    }

    fn try_share(&self) -> io::Result<bool> {
        locked(self, FlockOperation::NonBlockingLockShared)
    }

    #[cfg(feature = "registry")]
    fn reader(&self) -> io::Result<Opened> {
        self.try_clone()
    }
}

impl From<cap_std::fs::Metadata> for Stat {
    fn from(metadata: cap_std::fs::Metadata) -> Self {
        Self {
            is_file: metadata.is_file(),
            is_folder: metadata.is_dir(),
            len: metadata.len(),
            names: metadata.nlink(),
            identity: (metadata.dev(), metadata.ino()),
        }
    }
}
