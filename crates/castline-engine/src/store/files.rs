//! The few things that a store asks of a file system, so that each of them can be made to fail.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    thread,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use super::Holder;

/// A file system, as far as a store needs one.
pub(crate) trait Files: fmt::Debug + Send + Sync {
    /// Makes a folder; one that is there is fine. The folder that it is in must be there.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// All of a file; none where there is no such file.
    fn read(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>>;

    /// Opens a file to be written, and makes an empty one where there is none. With `anew`, what it holds is thrown away.
    fn open(&self, path: &Path, anew: bool) -> io::Result<Box<dyn File>>;

    /// Gives a file another name, whatever had that name before.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Locks a file against all others, until what comes back is let go; none where another one has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;

    /// Whether somebody has that lock.
    fn is_locked(&self, path: &Path) -> io::Result<bool>;

    /// Who has that lock, as far as it is known.
    fn holder(&self, _: &Path) -> Option<Holder> {
        None
    }

    /// Whether sockets can be made here.
    fn has_sockets(&self) -> bool {
        false
    }
}

/// A file that is open.
pub(crate) trait File: fmt::Debug + Send + Sync {
    /// Writes some of the bytes, and says how many.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts it, or lengthens it by zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Waits until it is on the disk. After an error nobody knows what is.
    fn sync(&self) -> io::Result<()>;
}

impl dyn File {
    /// Writes all of the bytes.
    pub(crate) fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = bytes.get(written..).unwrap_or_default();
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A lock that is held for as long as this is.
pub(crate) type Lock = Box<dyn fmt::Debug + Send + Sync>;

/// The file system of the machine.
#[derive(Debug)]
pub(crate) struct Real;

/// How often, and after how long, a lock is asked for again: whoever looks whether it is held has it for a moment.
const PATIENCE: (u32, Duration) = (10, Duration::from_millis(5));

impl Files for Real {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it has more than {most} bytes"),
            ));
        }
        Ok(Some(bytes))
    }

    fn open(&self, path: &Path, anew: bool) -> io::Result<Box<dyn File>> {
        // Readable by whoever runs this only: releases may say how things are configured.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(anew).mode(0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        for _ in 0..PATIENCE.0 {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    // For messages only: a full disk is no reason not to hold it.
                    let _ = Holder::sign(&file);
                    return Ok(Some(Box::new(file)));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(PATIENCE.1),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(None)
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    fn holder(&self, path: &Path) -> Option<Holder> {
        Holder::read(fs::File::open(path).ok()?)
    }

    fn has_sockets(&self) -> bool {
        true
    }
}

impl File for fs::File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
