use std::{io, path::Path};

use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions},
};
use castline_core::{Blob, BlobName, BlobSource, Format, OpenFault, Stored};

use crate::{Error, Result};

/// An OCI image layout in a folder.
///
/// Every path is opened beneath the folder: a link in it may lead to another place in it, never outside
/// (`openat2(RESOLVE_BENEATH)` where there is such, the same walk by hand elsewhere).
#[derive(Debug)]
pub struct Layout {
    dir: Dir,
}

impl Layout {
    /// Opens the folder `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it is not there, not a folder, or may not be read. Whether it is a layout is for the
    /// verification to say.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(Error::io(path))?;
        Ok(Self { dir })
    }

    pub(crate) fn open_blob(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        let path = name.path();
        // A fifo would block on opening, a folder opens but does not read: look first, and look again at what was
        // opened, in case it changed in between.
        let metadata = self.dir.metadata(&path).map_err(fault)?;
        is_file(&metadata)?;
        let file = self.dir.open_with(&path, &read_only()).map_err(fault)?;
        let metadata = file.metadata().map_err(fault)?;
        is_file(&metadata)?;
        Ok(Blob { size: Some(metadata.len()), reader: Box::new(file) })
    }

    fn list(dir: &Dir, prefix: &str, stored: &mut Vec<Stored>) -> io::Result<()> {
        for entry in dir.entries()? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                Self::list(&entry.open_dir()?, &format!("{path}/"), stored)?;
            } else {
                stored.push(Stored { path, size: entry.metadata()?.len() });
            }
        }
        Ok(())
    }
}

fn read_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options
}

fn is_file(metadata: &cap_std::fs::Metadata) -> Result<(), OpenFault> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(OpenFault::NotAFile { kind: kind(metadata.file_type()) })
}

#[cfg(unix)]
fn kind(file_type: cap_std::fs::FileType) -> &'static str {
    use cap_std::fs::FileTypeExt as _;
    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_fifo() {
        "a fifo"
    } else if file_type.is_socket() {
        "a socket"
    } else if file_type.is_char_device() || file_type.is_block_device() {
        "a device"
    } else {
        "a special file"
    }
}

#[cfg(not(unix))]
fn kind(file_type: cap_std::fs::FileType) -> &'static str {
    if file_type.is_dir() { "a folder" } else { "a special file" }
}

/// cap-std refuses a path that leaves the folder with an error of its own making, which has no number of the
/// operating system.
fn fault(error: io::Error) -> OpenFault {
    if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
        return OpenFault::Outside;
    }
    OpenFault::from(error)
}

impl BlobSource for Layout {
    fn format(&self) -> Format {
        Format::OciLayout
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        self.open_blob(name)
    }

    fn stored(&self) -> io::Result<Vec<Stored>> {
        let mut stored = Vec::new();
        Self::list(&self.dir, "", &mut stored)?;
        Ok(stored)
    }
}
