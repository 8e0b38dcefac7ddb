//! Where the socket is, and how it is reached.

use std::{
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{ffi::OsStrExt as _, net::UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, chmodat, fchmod, open, statat, unlinkat};
use tokio::net::{UnixListener, UnixSocket};

/// What it is called in the folder of its store.
const NAME: &str = "control";

/// How many bytes the path of a socket may have, on every system.
const LONGEST_PATH: usize = 100;

/// How many clients wait at it to be heard.
const BACKLOG: u32 = 128;

/// The socket of a store.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder, open: it stays the same one, whatever it is called and wherever the process goes.
    folder: OwnedFd,
    /// By which the system is told where it is.
    path: PathBuf,
}

impl Place {
    pub(super) fn of(store: &Path) -> io::Result<Self> {
        let folder = open(store, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = store.join(NAME);
        if path.as_os_str().as_bytes().len() <= LONGEST_PATH {
            return Ok(Self { folder, path });
        }
        if cfg!(target_os = "linux") {
            let path = format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()).into();
            return Ok(Self { folder, path });
        }
        let message = format!(
            "{}: a socket's path has at most {LONGEST_PATH} bytes here: give the store a shorter one",
            path.display()
        );
        Err(io::Error::new(io::ErrorKind::InvalidFilename, message))
    }

    /// Listens there, for this user only. Whoever does has the store's lock, so that what is there was left by a process that is gone.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        self.remove()?;
        let socket = UnixSocket::new_stream()?;
        // On Linux, the file is made with the mode of the socket, so that nobody else can be faster. Other systems refuse this.
        let owner = Mode::RUSR | Mode::WUSR;
        let _ = fchmod(&socket, owner);
        socket.bind(&self.path)?;
        chmodat(&self.folder, NAME, owner, AtFlags::empty())?;
        socket.listen(BACKLOG)
    }

    /// Takes the socket away; what else has its name is left alone.
    pub(super) fn remove(&self) -> io::Result<()> {
        match statat(&self.folder, NAME, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Socket => {
                Ok(unlinkat(&self.folder, NAME, AtFlags::empty())?)
            }
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("`{NAME}` is there, and is no socket"),
            )),
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(super) fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(&self.path)
    }
}
