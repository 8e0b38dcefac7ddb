//! Which paths matter, by the Filesystem Hierarchy Standard and the manuals of what reads them.

/// Names of folders that hold programs or what these load, wherever they are.
const PROGRAM_FOLDERS: &[&[u8]] = &[b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32", b"libexec"];

/// Folders in which much stands that decides what runs.
const SYSTEM_FOLDERS: &[&[u8]] = &[b"", b"usr", b"usr/local", b"etc", b"opt"];

/// Files that decide who may do what: accounts, sudo, PAM, SSH, the dynamic loader, scheduled commands, init scripts.
const AUTHORITY_FILES: &[&[u8]] = &[
    b"etc/passwd",
    b"etc/shadow",
    b"etc/group",
    b"etc/gshadow",
    b"etc/subuid",
    b"etc/subgid",
    b"etc/sudoers",
    b"etc/doas.conf",
    b"etc/nsswitch.conf",
    b"etc/securetty",
    b"etc/shells",
    b"etc/ld.so.preload",
    b"etc/ld.so.conf",
    b"etc/ld.so.cache",
    b"etc/crontab",
    b"etc/anacrontab",
    b"etc/inittab",
    b"etc/profile",
    b"etc/environment",
];

/// Folders of such files.
const AUTHORITY_FOLDERS: &[&[u8]] = &[
    b"etc/sudoers.d",
    b"etc/pam.d",
    b"etc/security",
    b"etc/ssh",
    b"etc/ld.so.conf.d",
    b"etc/cron.d",
    b"etc/cron.hourly",
    b"etc/cron.daily",
    b"etc/cron.weekly",
    b"etc/cron.monthly",
    b"etc/periodic",
    b"etc/crontabs",
    b"var/spool/cron",
    b"etc/init.d",
    b"etc/profile.d",
    b"etc/polkit-1",
    b"etc/systemd/system",
    b"etc/musl",
    b"etc/apk/keys",
    b"etc/apt/trusted.gpg.d",
    b"etc/ssl/certs",
    b"etc/pki",
];

/// Folders in which programs leave files as they run.
const VOLATILE_FOLDERS: &[&[u8]] =
    &[b"tmp", b"var/tmp", b"run", b"var/run", b"var/lock", b"var/log", b"var/cache", b"dev/shm"];

/// Whether the file decides who may do what.
pub(super) fn is_authority(path: &[u8]) -> bool {
    let ssh = matches!(name(path), b"authorized_keys" | b"authorized_keys2" | b"rc" | b"environment")
        && name(parent(path)) == b".ssh";
    let musl = path.starts_with(b"etc/ld-musl-") && path.ends_with(b".path");
    ssh || musl
        || AUTHORITY_FILES.contains(&path)
        || AUTHORITY_FOLDERS.iter().any(|folder| is_at_or_below(path, folder))
}

/// Whether the name is a shared library's or the loader's: `*.so`, `*.so.*`, `ld-musl-*`.
pub(super) fn is_library(path: &[u8]) -> bool {
    let name = name(path);
    name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.") || name.starts_with(b"ld-musl-")
}

/// Whether it is a folder of programs, or stands in one: what a link there can take the place of.
pub(super) fn is_program_place(path: &[u8]) -> bool {
    let folder = parent(path);
    is_program_folder(path)
        || is_library(path)
        || is_program_folder(folder) && !SYSTEM_FOLDERS.contains(&folder)
}

/// Whether it holds programs, what these load, or much else that decides what runs.
pub(super) fn is_program_folder(path: &[u8]) -> bool {
    let multiarch =
        PROGRAM_FOLDERS.contains(&name(parent(path))) && name(path).windows(6).any(|p| p == b"-linux");
    SYSTEM_FOLDERS.contains(&path) || PROGRAM_FOLDERS.contains(&name(path)) || multiarch
}

/// Whether what is mounted there hides programs, libraries or rules of access.
pub(super) fn holds_programs(path: &[u8]) -> bool {
    is_authority(path) || is_program_folder(path) || is_library(path) || {
        // A folder inside of one, such as a plugin's, but not all of an application's data.
        ancestors(path).skip(1).any(|folder| !SYSTEM_FOLDERS.contains(&folder) && is_program_folder(folder))
    }
}

/// Whether programs leave files there as they run. The folders themselves do not count.
pub(super) fn is_volatile(path: &[u8]) -> bool {
    VOLATILE_FOLDERS.iter().any(|folder| path != *folder && is_at_or_below(path, folder))
}

pub(super) fn is_at_or_below(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// The folder that it stands in; the root's is the root.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&byte| byte == b'/').map_or(b"", |at| &path[..at])
}

/// The path and the folders that it is in, without the root.
pub(super) fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |path| Some(parent(path))).take_while(|path| !path.is_empty())
}

fn name(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&byte| byte == b'/').map_or(path, |at| &path[at + 1..])
}
