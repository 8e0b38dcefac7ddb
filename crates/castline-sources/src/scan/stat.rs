use std::os::fd::AsFd;

use castline_core::{rootfs::NodeKind, tar::Mtime};
use rustix::{
    fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, statx},
    io::Errno,
};

/// What the kernel says of a file, without what reading it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    /// The mount it was reached through, where the kernel tells (since Linux 5.8).
    mount: Option<u64>,
    mode: u16,
    pub(crate) links: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    device: (u32, u32),
    pub(crate) size: u64,
    mtime: (i64, u32),
    /// When it was changed in any way: seconds since 1970, and nanoseconds.
    pub(crate) ctime: (i64, u32),
    verity: bool,
}

impl Stat {
    /// Of what `name` stands for in the folder, which is not followed if it is a link.
    pub(crate) fn at<Fd: AsFd>(folder: Fd, name: impl rustix::path::Arg) -> Result<Self, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        statx(folder, name, flags, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID).map(|seen| Self::from(&seen))
    }

    /// Of what is open.
    pub(crate) fn of<Fd: AsFd>(open: Fd) -> Result<Self, Errno> {
        let mask = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        statx(open, c"", AtFlags::EMPTY_PATH, mask).map(|seen| Self::from(&seen))
    }

    pub(crate) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.mode.into())
    }

    pub(crate) fn is_file(&self) -> bool {
        self.file_type() == FileType::RegularFile
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.file_type() == FileType::Directory
    }

    /// Permissions, setuid, setgid and sticky bit.
    pub(crate) fn mode(&self) -> u32 {
        u32::from(self.mode) & 0o7777
    }

    pub(crate) fn mtime(&self) -> Mtime {
        Mtime { secs: self.mtime.0, nanos: self.mtime.1 }
    }

    /// Whether the other is on another mount.
    ///
    /// Where the kernel tells no mount, devices are compared, of folders only: overlayfs shows files with the devices
    /// of its layers.
    pub(crate) fn is_elsewhere(&self, other: &Self) -> bool {
        match (self.mount, other.mount) {
            (Some(one), Some(two)) => one != two,
            _ => self.is_directory() && other.is_directory() && self.dev != other.dev,
        }
    }

    /// Major and minor number of a device.
    pub(crate) fn device(&self) -> (u64, u64) {
        (self.device.0.into(), self.device.1.into())
    }

    /// Whether the kernel tells mounts.
    pub(crate) fn knows_mount(&self) -> bool {
        self.mount.is_some()
    }

    /// Whether fs-verity guards its content.
    pub(crate) fn has_verity(&self) -> bool {
        self.verity
    }

    /// What tells the file from all others while it is there: mount, device, and number.
    pub(crate) fn identity(&self) -> (Option<u64>, u64, u64) {
        (self.mount, self.dev, self.ino)
    }

    /// What it is, if it has neither content nor target to be read.
    pub(crate) fn plain_kind(&self) -> Option<NodeKind> {
        let (major, minor) = self.device();
        match self.file_type() {
            FileType::Directory => Some(NodeKind::Directory),
            FileType::CharacterDevice => Some(NodeKind::CharDevice { major, minor }),
            FileType::BlockDevice => Some(NodeKind::BlockDevice { major, minor }),
            FileType::Fifo => Some(NodeKind::Fifo),
            FileType::Socket => Some(NodeKind::Socket),
            _ => None,
        }
    }
}

impl From<&Statx> for Stat {
    fn from(seen: &Statx) -> Self {
        Self {
            dev: u64::from(seen.stx_dev_major) << 32 | u64::from(seen.stx_dev_minor),
            ino: seen.stx_ino,
            mount: (seen.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(seen.stx_mnt_id),
            mode: seen.stx_mode,
            links: seen.stx_nlink,
            uid: seen.stx_uid,
            gid: seen.stx_gid,
            device: (seen.stx_rdev_major, seen.stx_rdev_minor),
            size: seen.stx_size,
            mtime: (seen.stx_mtime.tv_sec, seen.stx_mtime.tv_nsec),
            ctime: (seen.stx_ctime.tv_sec, seen.stx_ctime.tv_nsec),
            verity: (seen.stx_attributes & StatxAttributes::VERITY).bits() != 0,
        }
    }
}
