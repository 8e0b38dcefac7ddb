use std::{
    collections::BTreeMap,
    os::fd::{AsRawFd as _, BorrowedFd},
};

use rustix::{
    fs::{fgetxattr, flistxattr, lgetxattr, llistxattr},
    io::Errno,
};

pub(crate) type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// The kernel's limit of both a list of names and a value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const MOST: usize = 64 << 10;

/// How many bytes the kernel wrote.
type Length = Result<usize, Errno>;
type Fetch<'f> = dyn Fn(&mut [u8]) -> Length + 'f;

/// Why extended attributes are not known.
pub(crate) enum Fault {
    TooMany,
    System(Errno),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// Reads extended attributes. The kernel allocates as much as it is offered, so it is offered little at first.
pub(crate) struct Reader {
    small: [u8; 256],
    large: Vec<u8>,
    /// Bytes of names and values that one entry may have.
    limit: u64,
}

impl Reader {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { small: [0; 256], large: Vec::new(), limit }
    }

    /// Those of what is open for reading.
    pub(crate) fn of(&mut self, fd: BorrowedFd<'_>) -> Result<Attributes, Fault> {
        self.read(&|buffer| flistxattr(fd, buffer), &|name, buffer| fgetxattr(fd, name, buffer))
    }

    /// Those of `name` in a folder, without opening it: a fifo or a device must not be, a link cannot be.
    ///
    /// The last name is not followed, and the magic link before it leads to the open folder wherever that is now.
    pub(crate) fn at(&mut self, folder: BorrowedFd<'_>, name: &[u8]) -> Result<Attributes, Fault> {
        let path = path_of(folder, name);
        let path = &path[..];
        self.read(&|buffer| llistxattr(path, buffer), &|name, buffer| lgetxattr(path, name, buffer))
    }

    fn read(
        &mut self,
        list: &Fetch<'_>,
        value: &dyn Fn(&[u8], &mut [u8]) -> Length,
    ) -> Result<Attributes, Fault> {
        let names = match self.fetch(list) {
            Ok([]) | Err(Errno::NOTSUP) => return Ok(Attributes::new()),
            Ok(names) => names.to_vec(),
            Err(errno) => return Err(errno.into()),
        };
        let mut attributes = Attributes::new();
        let mut bytes = 0;
        for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
            let value = match self.fetch(&|buffer| value(name, buffer)) {
                Ok(value) => value.to_vec(),
                // It went since it was listed, or is listed by a security module that does not give it.
                Err(Errno::NODATA | Errno::NOTSUP) => continue,
                Err(errno) => return Err(errno.into()),
            };
            bytes += (name.len() + value.len()) as u64;
            if bytes > self.limit {
                return Err(Fault::TooMany);
            }
            attributes.insert(name.to_vec(), value);
        }
        Ok(attributes)
    }

    fn fetch(&mut self, call: &Fetch<'_>) -> Result<&[u8], Errno> {
        match call(&mut self.small) {
            Ok(length) => Ok(&self.small[..length]),
            Err(Errno::RANGE) => {
                self.large.resize(MOST, 0);
                let length = call(&mut self.large)?;
                Ok(&self.large[..length])
            }
            Err(errno) => Err(errno),
        }
    }
}

/// A path to `name` in an open folder, whatever the folder's own path.
pub(crate) fn path_of(folder: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(32 + name.len());
    path.extend_from_slice(b"/proc/self/fd/");
    path.extend_from_slice(folder.as_raw_fd().to_string().as_bytes());
    path.push(b'/');
    path.extend_from_slice(name);
    path
}
