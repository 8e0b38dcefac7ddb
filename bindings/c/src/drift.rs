//! Whether what runs is what was shipped.

use std::ffi::{c_char, c_int, c_void};

use castline::{
    Rootfs,
    drift::{Comparison, Glob, Profile, Scan},
};
use serde::Deserialize;

use crate::{
    boundary::{answer, freeing, making},
    bytes::{castline_bytes, ended, json},
    error::{Failure, Result, castline_error},
    handle::{handle, of},
    input::{bytes, options, raw},
    status::{self, castline_status},
    work::{castline_cancel, castline_on_progress, watched},
};

/// A tree of files, as an image has it or as it was found. Immutable; free it with castline_rootfs_free().
pub struct castline_rootfs {
    _opaque: [u8; 0],
}
handle!(castline_rootfs, Rootfs, 23);

/// What a scan found. Immutable; free it with castline_scan_free().
pub struct castline_scan {
    _opaque: [u8; 0],
}
handle!(castline_scan, Scan, 24);

/// Reads a tree from JSON lines.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rootfs_from_json_lines(
    lines: *const c_char,
    length: usize,
    rootfs_out: *mut *mut castline_rootfs,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(rootfs_out, error_out, || {
            Rootfs::read_json_lines(&mut bytes(lines, length, "lines")?)
                .map_err(|reason| Failure::document("tree", reason))
        })
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    write(&mut lines).map_err(|reason| Failure::new(status::CASTLINE_IO, reason.to_string()))?;
    Ok(ended(lines))
}

/// A tree as JSON lines, one for each entry, in the order of the paths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rootfs_to_json_lines(
    rootfs: *const castline_rootfs,
    lines_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(lines_out, error_out, || {
            let rootfs = of(rootfs, "rootfs")?;
            written(|lines| rootfs.write_json_lines(lines))
        })
    }
}

/// A tree as mtree(5).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rootfs_to_mtree(
    rootfs: *const castline_rootfs,
    mtree_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(mtree_out, error_out, || {
            let rootfs = of(rootfs, "rootfs")?;
            written(|lines| rootfs.write_mtree(lines))
        })
    }
}

/// How many entries a tree has; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rootfs_entry_count(rootfs: *const castline_rootfs) -> usize {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(rootfs, "rootfs") }?.len()))
}

/// 1 if both are the same, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rootfs_equals(
    rootfs: *const castline_rootfs,
    other: *const castline_rootfs,
) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || unsafe { Ok((of(rootfs, "rootfs")? == of(other, "other")?).into()) })
}

/// Frees a tree. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rootfs_free(rootfs: *mut castline_rootfs) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(rootfs) };
}

/// Reads a root filesystem as it is: the path of a folder, in any bytes, or `/proc/PID/root`. Linux only:
/// CASTLINE_UNSUPPORTED elsewhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_scan_folder(
    root: *const c_char,
    cancel: *const castline_cancel,
    on_progress: castline_on_progress,
    context: *mut c_void,
    scan_out: *mut *mut castline_scan,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(scan_out, error_out, || {
            let root = raw(root, "root")?;
            watched(cancel, on_progress, context, |watch| scanned(root, watch))
        })
    }
}

#[cfg(target_os = "linux")]
fn scanned(root: &[u8], watch: &castline::Watch<'_>) -> Result<Scan> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

    let options = castline::sources::ScanOptions::default();
    Ok(castline::sources::scan(Path::new(OsStr::from_bytes(root)), &options, watch)?)
}

#[cfg(not(target_os = "linux"))]
fn scanned(_: &[u8], _: &castline::Watch<'_>) -> Result<Scan> {
    let message = "root filesystems are read on Linux only";
    Err(Failure::new(status::CASTLINE_UNSUPPORTED, message))
}

/// A scan that found this tree, and read all of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_scan_of(
    rootfs: *const castline_rootfs,
    scan_out: *mut *mut castline_scan,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(scan_out, error_out, || Ok(Scan::of(of(rootfs, "rootfs")?.clone()))) }
}

/// The tree that was found.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_scan_rootfs(
    scan: *const castline_scan,
    rootfs_out: *mut *mut castline_rootfs,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(rootfs_out, error_out, || Ok(of(scan, "scan")?.rootfs.clone())) }
}

/// Frees a scan. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_scan_free(scan: *mut castline_scan) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(scan) };
}

/// How to compare.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manner {
    profile: Option<String>,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    mounts: Vec<String>,
    #[serde(default)]
    mtime: bool,
}

impl Manner {
    fn comparison(self) -> Result<Comparison> {
        let mut options = Comparison::default().with_mtime(self.mtime);
        if let Some(name) = self.profile {
            let unknown = || {
                let name = castline::shown(&name);
                Failure::range(format!("`{name}` is no profile: docker, podman, kubernetes, none"))
            };
            options = options.with_profile(Profile::named(&name).ok_or_else(unknown)?);
        }
        for glob in self.ignore {
            options = options.with_ignored(glob.parse::<Glob>()?);
        }
        for mount in &self.mounts {
            options = options.with_mount(mount.as_bytes());
        }
        Ok(options)
    }
}

/// How what was found differs from what was shipped: a report, as JSON. `options` is NULL or JSON with any of `profile`
/// (`"docker"`, `"podman"`, `"kubernetes"`, `"none"`), `ignore` (patterns), `mounts` (paths), `mtime` (true: compare
/// times, too). `is_drifted_out` may be NULL; it gets 1 if there is a finding that is more than information, and 0 if
/// not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_compare(
    shipped: *const castline_rootfs,
    actual: *const castline_scan,
    options: *const c_char,
    is_drifted_out: *mut c_int,
    report_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(report_out, error_out, || {
            let comparison = self::options::<Manner>(options)?.comparison()?;
            let (shipped, actual) = (of(shipped, "shipped")?, of(actual, "actual")?);
            let report = castline::drift::compare(shipped, actual, &comparison);
            let json = json(&report)?;
            if !is_drifted_out.is_null() {
                is_drifted_out.write(report.drifted.into());
            }
            Ok(json)
        })
    }
}
