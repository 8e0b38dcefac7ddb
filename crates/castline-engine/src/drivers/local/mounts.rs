//! The overlay of an instance, and what a root filesystem without a container needs to be one.

use std::{
    ffi::{CString, OsStr},
    fs,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    path::{Path, PathBuf},
};

use castline_core::{drift::Mount, rootfs::Node, tar::normalize};
use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, makedev, mkdirat, mknodat, openat2, statfs, symlinkat},
    io::Errno,
    mount::{MountFlags, UnmountFlags, mount, mount_bind_recursive, mount_remount, unmount},
};

use super::{
    super::failed,
    record::Folder,
    store::private_folder,
    tree::{self, open_folder},
};
use crate::DriverError;

/// `OVERLAYFS_SUPER_MAGIC` of the kernel's `magic.h`.
const OVERLAY: u64 = 0x794c_7630;

/// Whether a path can stand in the options of an overlay, where commas and colons part them.
pub(super) fn is_mountable(path: &Path) -> bool {
    !path.as_os_str().as_bytes().iter().any(|byte| b",:\\\"\n".contains(byte))
}

/// Mounts the instance's overlay, if it is not mounted: `lower` below, its own scratch above. Nothing is written to `lower`.
pub(super) fn overlay(folder: &Folder, lower: &Path, root: &Node) -> Result<PathBuf, DriverError> {
    let [upper, work, merged] = ["upper", "work", "merged"].map(|name| folder.join(name));
    if statfs(&merged).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(OVERLAY)) {
        return Ok(merged);
    }
    let anew = !upper.exists();
    for path in [&upper, &work, &merged] {
        private_folder(path)?;
    }
    if anew {
        // What the instance sees of its root are the marks of this one.
        tree::dress_root(&upper, root)?;
    }
    // Without redirects and the like, the upper folder tells alone what was written.
    let options = format!(
        "lowerdir={},upperdir={},workdir={},index=off,redirect_dir=off,metacopy=off",
        lower.display(),
        upper.display(),
        work.display()
    );
    let options = CString::new(options).map_err(DriverError::permanent)?;
    mount("castline", &merged, "overlay", MountFlags::empty(), Some(&*options))
        .map_err(|error| failed(format_args!("the overlay {}", merged.display()))(error.into()))?;
    Ok(merged)
}

/// Unmounts all that is mounted at or below a path, so that to remove it removes nothing else.
pub(super) fn unmount_below(path: &Path) -> Result<(), DriverError> {
    for _ in 0..64 {
        let Some(last) = mounted_below(path)?.pop() else { return Ok(()) };
        let flags = UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
        unmount(&last, flags).map_err(|error| failed(last.display())(error.into()))?;
    }
    Err(DriverError::temporary(format!("{} is being mounted on", path.display())))
}

/// What is mounted at or below a path, in the order in which it was mounted (proc(5), `mountinfo`).
fn mounted_below(path: &Path) -> Result<Vec<PathBuf>, DriverError> {
    let path = fs::canonicalize(path).map_err(failed(path.display()))?;
    let table = fs::read("/proc/self/mountinfo").map_err(failed("/proc/self/mountinfo"))?;
    let place = |line: &[u8]| Some(unescaped(line.split(|&byte| byte == b' ').nth(4)?));
    let places = table.split(|&byte| byte == b'\n').filter_map(place);
    Ok(places.filter(|place| place.starts_with(&path)).collect())
}

/// As the kernel writes what would break its tables: a backslash and three octal digits.
fn unescaped(text: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'\\').then(|| after.get(..3)).flatten();
        let code = code.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        plain.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(std::ffi::OsString::from_vec(plain))
}

/// Gives a root filesystem devices, processes, and what the release wants mounted.
pub(super) fn furnish<'m>(
    root: &Path,
    mounts: impl IntoIterator<Item = (&'m String, &'m Mount)>,
) -> Result<(), DriverError> {
    let root = open_folder(root)?;
    devices(&root)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let proc = place(&root, b"proc", true)?;
    mount("proc", shown(&proc), "proc", flags, None).map_err(|error| failed("/proc")(error.into()))?;
    for (target, wanted) in mounts {
        bind(&root, target, wanted)?;
    }
    Ok(())
}

/// The path by which an open file is mounted on, so that nothing can be put in its place.
fn shown(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

fn devices(root: &OwnedFd) -> Result<(), DriverError> {
    let refused = |error: Errno| failed("/dev")(error.into());
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount("castline", shown(&place(root, b"dev", true)?), "tmpfs", flags, Some(c"mode=0755,size=65536k"))
        .map_err(refused)?;
    let dev = open(root, b"dev").map_err(refused)?;
    let (all, kind) = (Mode::from_raw_mode(0o666), FileType::CharacterDevice);
    for (name, major, minor) in
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)]
    {
        mknodat(&dev, name, kind, all, makedev(major, minor)).map_err(refused)?;
        rustix::fs::chmodat(&dev, name, all, rustix::fs::AtFlags::empty()).map_err(refused)?;
    }
    for (name, goal) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        symlinkat(format!("/proc/self/fd{goal}"), &dev, name).map_err(refused)?;
    }
    mkdirat(&dev, "shm", Mode::from_raw_mode(0o1777)).map_err(refused)?;
    rustix::fs::chmodat(&dev, "shm", Mode::from_raw_mode(0o1777), rustix::fs::AtFlags::empty())
        .map_err(refused)
}

/// Opens what stands at a path of the root filesystem; links lead to where they would for the instance.
fn open(root: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    openat2(
        root,
        OsStr::from_bytes(path),
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::IN_ROOT,
    )
}

/// The same, made where it is not there: folders, and an empty file where it is not to be a folder.
fn place(root: &OwnedFd, path: &[u8], folder: bool) -> Result<OwnedFd, DriverError> {
    let refused = |error: Errno| failed(format_args!("/{}", path.escape_ascii()))(error.into());
    match open(root, path) {
        Err(Errno::NOENT) => {}
        other => return other.map_err(refused),
    }
    let (parent, name) = match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (place(root, &path[..at], true)?, &path[at + 1..]),
        None => (open(root, b".").map_err(refused)?, path),
    };
    let name = OsStr::from_bytes(name);
    if folder {
        mkdirat(&parent, name, Mode::from_raw_mode(0o755)).map_err(refused)?;
    } else {
        mknodat(&parent, name, FileType::RegularFile, Mode::from_raw_mode(0o644), 0).map_err(refused)?;
    }
    open(root, path).map_err(refused)
}

fn bind(root: &OwnedFd, target: &str, wanted: &Mount) -> Result<(), DriverError> {
    let refused = |error: Errno| failed(format_args!("the mount {target}"))(error.into());
    let path = normalize(target.as_bytes()).path;
    let folder = fs::metadata(&wanted.source).map_err(failed(&wanted.source))?.is_dir();
    mount_bind_recursive(&*wanted.source, shown(&place(root, &path, folder)?)).map_err(refused)?;
    if wanted.read_only {
        let there = open(root, &path).map_err(refused)?;
        mount_remount(shown(&there), MountFlags::BIND | MountFlags::RDONLY, c"").map_err(refused)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_kernels_tables_are_read() {
        for (text, plain) in
            [("/a", "/a"), (r"/a\040b", "/a b"), (r"/\134", r"/\"), (r"/\9", r"/\9"), (r"/\", r"/\")]
        {
            assert_eq!(unescaped(text.as_bytes()), Path::new(plain));
        }
    }

    #[test]
    fn paths_that_would_be_options_are_not_mounted() {
        assert!(is_mountable(Path::new("/var/lib/castline state")));
        for path in ["/a,b", "/a:b", "/a\\b"] {
            assert!(!is_mountable(Path::new(path)), "{path}");
        }
    }
}
