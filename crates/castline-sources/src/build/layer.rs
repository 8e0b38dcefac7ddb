use std::path::{Path, PathBuf};

use castline_core::{Time, drift::Glob, tar::Mtime};

use crate::{Error, Result};

/// What a layer is made of, and how what differs between machines is made the same.
///
/// By default owners are 0:0, every time is the image's ([`ImageBuilder::with_created`](super::ImageBuilder::with_created)),
/// modes are kept, and of extended attributes `security.capability` is. So a checkout under another account, at another
/// time, gives the same layer; who keeps owners or times gives that up.
///
/// The folder that a layer's files go to, and those above it, get mode 0755 and the layer's owner, unless the image has
/// them already: then they stay as they are.
#[derive(Clone, Debug)]
pub struct LayerSource {
    pub(super) from: From,
    pub(super) to: Option<String>,
    pub(super) owner: Owner,
    pub(super) times: Times,
    pub(super) modes: Modes,
    pub(super) xattrs: Xattrs,
    pub(super) exclude: Vec<Glob>,
}

#[derive(Clone, Debug)]
pub(super) enum From {
    Directory(PathBuf),
    File(PathBuf),
    Tar(PathBuf),
}

/// Who owns what a layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owner {
    /// Everything, these.
    Fixed {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// As on this machine.
    Kept,
}

/// When what a layer has was modified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Times {
    /// When the image was created.
    #[default]
    Created,
    /// As on this machine, but no later than the image's creation.
    Clamped,
    /// As on this machine.
    Kept,
}

/// The permissions of what a layer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Modes {
    /// As on this machine.
    #[default]
    Kept,
    /// As Git would check them out under the usual umask: 0755 for folders and what its owner may execute, 0644 for other
    /// files.
    Normal,
    /// Files these; folders, too, and who may read them may enter them.
    Fixed(u32),
}

/// Which extended attributes a layer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Xattrs {
    /// None.
    None,
    /// `security.capability` only: what a program may do.
    #[default]
    Capabilities,
    /// All but those that belong to this machine: `security.selinux`, `security.ima`, `security.evm`, and overlayfs's.
    All,
}

impl LayerSource {
    fn new(from: From) -> Self {
        Self {
            from,
            to: None,
            owner: Owner::Fixed { uid: 0, gid: 0 },
            times: Times::default(),
            modes: Modes::default(),
            xattrs: Xattrs::default(),
            exclude: Vec::new(),
        }
    }

    /// What is in a folder, with all that is below it; to `/` unless [`Self::at`] says otherwise.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self::new(From::Directory(path.into()))
    }

    /// A file; to `/` under its own name unless [`Self::at`] says otherwise.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(From::File(path.into()))
    }

    /// A tar, perhaps compressed by gzip or zstd, which is taken byte by byte as it is.
    pub fn tar(path: impl Into<PathBuf>) -> Self {
        Self::new(From::Tar(path.into()))
    }

    /// The same to another place in the image. A file's place that ends in `/` is a folder for it.
    #[must_use]
    pub fn at(self, to: impl Into<String>) -> Self {
        Self { to: Some(to.into()), ..self }
    }

    /// The same with these owners.
    #[must_use]
    pub fn with_owner(self, owner: Owner) -> Self {
        Self { owner, ..self }
    }

    /// The same with these times.
    #[must_use]
    pub fn with_times(self, times: Times) -> Self {
        Self { times, ..self }
    }

    /// The same with these permissions.
    #[must_use]
    pub fn with_modes(self, modes: Modes) -> Self {
        Self { modes, ..self }
    }

    /// The same with these extended attributes.
    #[must_use]
    pub fn with_xattrs(self, xattrs: Xattrs) -> Self {
        Self { xattrs, ..self }
    }

    /// The same without what matches, by its path in the folder. With a folder goes all that is in it.
    #[must_use]
    pub fn with_excluded(mut self, glob: Glob) -> Self {
        self.exclude.push(glob);
        self
    }

    /// What is read.
    pub fn path(&self) -> &Path {
        match &self.from {
            From::Directory(path) | From::File(path) | From::Tar(path) => path,
        }
    }

    /// How an image's history names it. What it is called on this machine is not said.
    pub(super) fn shown(&self) -> String {
        let to = self.to.as_deref().unwrap_or("/");
        match &self.from {
            From::Directory(_) => format!("castline build: folder to {to}"),
            From::File(_) => format!("castline build: file to {to}"),
            From::Tar(_) => "castline build: tar".into(),
        }
    }

    /// The place in the image, as names joined by `/`.
    pub(super) fn place(&self) -> Result<Vec<u8>> {
        let to = self.to.as_deref().unwrap_or("/");
        let mut names: Vec<&str> = Vec::new();
        for name in to.split('/').filter(|name| !matches!(*name, "" | ".")) {
            if name == ".." || name.contains('\0') || name.starts_with(WHITEOUT) {
                let what = castline_core::shown(to);
                let reason = format!(
                    "`{what}` is no place in an image: a path from its root, without `..`, NUL or `.wh.`"
                );
                return Err(self.invalid(reason));
            }
            names.push(name);
        }
        let mut place = names.join("/").into_bytes();
        if let From::File(path) = &self.from
            && (place.is_empty() || to.ends_with('/'))
        {
            use std::os::unix::ffi::OsStrExt as _;
            let name = path.file_name().ok_or_else(|| self.invalid("it has no name; say where it goes"))?;
            if !place.is_empty() {
                place.push(b'/');
            }
            place.extend_from_slice(name.as_bytes());
        }
        Ok(place)
    }

    pub(super) fn invalid(&self, reason: impl Into<Box<str>>) -> Error {
        Error::InvalidFile { path: self.path().to_owned(), reason: reason.into() }
    }

    pub(super) fn owners(&self, uid: u32, gid: u32) -> (u64, u64) {
        match self.owner {
            Owner::Fixed { uid, gid } => (uid.into(), gid.into()),
            Owner::Kept => (uid.into(), gid.into()),
        }
    }

    pub(super) fn mtime(&self, mtime: Mtime, created: Time) -> Mtime {
        let created = of_time(created);
        match self.times {
            Times::Created => created,
            Times::Clamped => mtime.min(created),
            Times::Kept => mtime,
        }
    }

    pub(super) fn mode(&self, mode: u32, is_folder: bool) -> u32 {
        match self.modes {
            Modes::Kept => mode,
            Modes::Normal if is_folder || mode & 0o100 != 0 => 0o755,
            Modes::Normal => 0o644,
            Modes::Fixed(mode) if is_folder => (mode & 0o777) | ((mode & 0o444) >> 2),
            Modes::Fixed(mode) => mode & 0o7777,
        }
    }

    pub(super) fn keeps(&self, xattr: &[u8]) -> bool {
        match self.xattrs {
            Xattrs::None => false,
            Xattrs::Capabilities => xattr == b"security.capability",
            Xattrs::All => {
                let machine: [&[u8]; 3] = [b"security.selinux", b"security.ima", b"security.evm"];
                let overlay: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];
                !machine.contains(&xattr) && !overlay.iter().any(|prefix| xattr.starts_with(prefix))
            }
        }
    }
}

/// What a name begins with that deletes, in a layer (OCI image-spec `layer.md`, *Whiteouts*).
pub(super) const WHITEOUT: &str = ".wh.";

pub(super) fn of_time(time: Time) -> Mtime {
    let millis = time.as_millis();
    let nanos = u32::try_from(millis.rem_euclid(1000)).unwrap_or(0) * 1_000_000;
    Mtime { secs: millis.div_euclid(1000), nanos }
}
