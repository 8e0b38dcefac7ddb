use std::{
    collections::HashMap,
    fs,
    time::{Duration, SystemTime},
};

use castline_sha256::Sha256;
use rustix::fs::{AtFlags, StatxFlags, fstatfs, fstatvfs, statx};

use super::{cache_file::CacheFault, folder::Root, stat::Stat};

/// Content digests of files by device, inode, change time and size, so that a scan need not read again what did not
/// change. Opt-in.
///
/// # What it trusts
///
/// That no content changes without the file's change time (`ctime`). No system call sets that time, so an
/// unprivileged process cannot fool the cache. It is fooled by who can set the clock, write the raw disk, or write the
/// cache's file; and in one more case, which is why files younger than [`Cache::with_settling`] are not kept:
/// a process that has a file mapped writable may change it until the kernel has written it back, with no new time.
///
/// Only filesystems that keep this promise are cached: ext2 to ext4, XFS, Btrfs, F2FS, bcachefs, ZFS, and overlayfs. An
/// overlayfs whose upper directory is on tmpfs does not keep it (tmpfs does not time what is written through mappings),
/// and cannot be told from others: do not use a cache there. Digests of an overlayfs are of one mount of it, and
/// those of others of one filesystem; given for another, the cache starts empty. A kernel older than 5.8 (6.8 for
/// overlayfs) is not enough, and nothing is cached.
///
/// Extended attributes are never cached.
#[derive(Debug)]
pub struct Cache {
    pub(super) place: Option<[u8; 32]>,
    pub(super) digests: HashMap<Key, [u8; 32]>,
    pub(super) fault: Option<CacheFault>,
    changed: bool,
    settling: Duration,
    /// Files that changed later are not kept.
    horizon: Option<(i64, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) size: u64,
    pub(super) secs: i64,
    pub(super) nanos: u32,
}

/// A digest of the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) key: Key,
    pub(super) digest: [u8; 32],
}

impl Key {
    fn of(stat: &Stat) -> Self {
        Self { dev: stat.dev, ino: stat.ino, size: stat.size, secs: stat.ctime.0, nanos: stat.ctime.1 }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Self {
        Self {
            place: None,
            digests: HashMap::new(),
            fault: None,
            changed: false,
            settling: Duration::from_secs(60),
            horizon: None,
        }
    }

    /// The same, keeping files that were changed longer before the scan than this: 60 seconds unless set, twice what
    /// Linux takes to write back (`dirty_expire_centisecs`). At least 2 seconds are wise: times have the grain of the
    /// filesystem and of the kernel's clock tick.
    #[must_use]
    pub fn with_settling(self, settling: Duration) -> Self {
        Self { settling, ..self }
    }

    /// How many digests it has.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether it is another one than was loaded, so that saving it is of use.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// Why it is empty though there is a file of it.
    pub const fn fault(&self) -> Option<&CacheFault> {
        self.fault.as_ref()
    }

    /// Makes ready for a scan of `root`.
    pub(super) fn prepare(&mut self, root: &Root) {
        let place = place(root);
        if place.is_none() || place != self.place {
            self.changed |= !self.digests.is_empty();
            self.digests.clear();
        }
        self.place = place;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        self.horizon = now
            .and_then(|now| now.checked_sub(self.settling))
            .and_then(|then| Some((i64::try_from(then.as_secs()).ok()?, then.subsec_nanos())))
            .filter(|_| place.is_some());
    }

    pub(super) fn find(&self, stat: &Stat) -> Option<Known> {
        let key = Key::of(stat);
        self.digests.get(&key).map(|&digest| Known { key, digest })
    }

    /// What the cache is to know of the file, if it has settled.
    pub(super) fn known(&self, stat: &Stat, digest: [u8; 32]) -> Option<Known> {
        self.horizon.filter(|horizon| stat.ctime < *horizon).map(|_| Known { key: Key::of(stat), digest })
    }

    /// Keeps what a scan has seen, and nothing else.
    pub(super) fn replace(&mut self, seen: impl Iterator<Item = Known>) {
        let seen: HashMap<_, _> = seen.map(|known| (known.key, known.digest)).collect();
        self.changed |= seen != self.digests;
        self.digests = seen;
    }

    pub(super) fn saved(&mut self) {
        self.changed = false;
    }
}

/// Filesystems whose change times are to be trusted (`linux/magic.h`, and the sources of bcachefs and ZFS). What is made
/// as a whole, such as squashfs and EROFS, has times of its maker's choice.
const TRUSTED: [i64; 7] =
    [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0xca45_1a4e, 0x2fc1_2fc1, OVERLAYFS];
const OVERLAYFS: i64 = 0x794c_7630;

/// `STATX_MNT_ID_UNIQUE`: a number that no other mount gets until the machine starts again.
const MOUNT_ID_UNIQUE: u32 = 0x4000;

/// What tells the filesystem from every other one; `None` where its times are not trusted.
fn place(root: &Root) -> Option<[u8; 32]> {
    root.stat.knows_mount().then_some(())?;
    #[allow(clippy::useless_conversion, reason = "its type is not the same on all architectures")]
    let kind = i64::try_from(fstatfs(root.fd()).ok()?.f_type).ok()? & 0xffff_ffff;
    TRUSTED.contains(&kind).then_some(())?;
    let mut place = Sha256::new();
    place.update(&kind.to_le_bytes());
    place.update(&fstatvfs(root.fd()).ok()?.f_fsid.to_le_bytes());
    place.update(&root.stat.dev.to_le_bytes());
    if kind == OVERLAYFS {
        let mask = StatxFlags::from_bits_retain(MOUNT_ID_UNIQUE);
        let seen = statx(root.fd(), c"", AtFlags::EMPTY_PATH, mask).ok()?;
        (seen.stx_mask & MOUNT_ID_UNIQUE != 0).then_some(())?;
        place.update(&seen.stx_mnt_id.to_le_bytes());
        place.update(&fs::read("/proc/sys/kernel/random/boot_id").ok()?);
    }
    Some(place.finalize())
}
