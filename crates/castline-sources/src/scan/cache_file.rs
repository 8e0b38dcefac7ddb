use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
};

use castline_sha256::Sha256;
use rustix::{
    fs::{Mode, OFlags, open},
    process::geteuid,
};

use super::{
    cache::{Cache, Key},
    stat::Stat,
};
use crate::{Error, Result};

/// The file: this, the place (32 bytes), digests (each 36 bytes of key and 32 of digest), and the SHA-256 of all that.
/// Numbers are little-endian. The last byte is the version.
const MAGIC: &[u8; 16] = b"castline-cache\0\x01";
const DIGEST: usize = 32;
const RECORD: usize = 36 + DIGEST;
/// Digests of 10,000,000 files, and then some.
const MOST: u64 = 1 << 30;

/// Why the file of a cache was not used. The cache is empty then, and saving it makes another file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheFault {
    /// Others might have written it: its owner is neither this user nor root, or others may write it, or it is no
    /// file.
    #[error("others may have written the cache")]
    Untrusted,
    /// It is not what was saved, or of another version.
    #[error("the cache is damaged or of another version")]
    Damaged,
    /// It cannot be read, in the operating system's words.
    #[error("the cache cannot be read: {0}")]
    Unreadable(String),
}

impl Cache {
    /// Loads a cache that was saved. Where there is no file, or none to be trusted, it is empty ([`Cache::fault`]).
    pub fn load(path: impl AsRef<Path>) -> Self {
        let mut cache = Self::new();
        match read(path.as_ref()) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                if parse(&bytes, &mut cache).is_none() {
                    cache = Self::new();
                    cache.fault = Some(CacheFault::Damaged);
                }
            }
            Err(fault) => cache.fault = Some(fault),
        }
        cache
    }

    /// Saves the cache, readable and writable by its owner alone. The file is complete or not there.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be written.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || -> io::Result<()> {
            // A temporary file has the mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&self.to_bytes())?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(Error::io(path))?;
        self.saved();
        Ok(())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut digests: Vec<_> = self.digests.iter().collect();
        digests.sort_unstable_by_key(|(key, _)| (key.dev, key.ino));
        let mut bytes = Vec::with_capacity(MAGIC.len() + DIGEST + digests.len() * RECORD + DIGEST);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.place.unwrap_or_default());
        for (key, digest) in digests {
            for number in [key.dev, key.ino, key.size, key.secs.cast_unsigned()] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(&key.nanos.to_le_bytes());
            bytes.extend_from_slice(digest);
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CacheFault> {
    let unreadable = |error: io::Error| CacheFault::Unreadable(error.to_string());
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => return Err(CacheFault::Untrusted),
        Err(errno) => return Err(unreadable(errno.into())),
    };
    let stat = Stat::of(&file).map_err(|errno| unreadable(errno.into()))?;
    let ours = stat.uid == 0 || stat.uid == geteuid().as_raw();
    if !stat.is_file() || !ours || stat.mode() & 0o022 != 0 {
        return Err(CacheFault::Untrusted);
    }
    let mut bytes = Vec::new();
    File::from(file).take(MOST).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}

/// Fills the cache; `None` when a byte is wrong.
fn parse(bytes: &[u8], cache: &mut Cache) -> Option<()> {
    let (content, sum) = bytes.split_last_chunk::<DIGEST>()?;
    if Sha256::digest(content) != *sum {
        return None;
    }
    let (place, records) = content.strip_prefix(MAGIC)?.split_first_chunk::<DIGEST>()?;
    let (records, rest) = records.as_chunks::<RECORD>();
    if !rest.is_empty() {
        return None;
    }
    cache.place = Some(*place);
    cache.digests.reserve(records.len());
    for record in records {
        let (key, digest) = record.split_last_chunk::<DIGEST>()?;
        let (numbers, nanos) = key.as_chunks::<8>();
        let [dev, ino, size, secs] = *numbers else { return None };
        let key = Key {
            dev: u64::from_le_bytes(dev),
            ino: u64::from_le_bytes(ino),
            size: u64::from_le_bytes(size),
            secs: u64::from_le_bytes(secs).cast_signed(),
            nanos: u32::from_le_bytes(nanos.try_into().ok()?),
        };
        cache.digests.insert(key, *digest);
    }
    Some(())
}
