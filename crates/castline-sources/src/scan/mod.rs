//! What stands in a root filesystem, as a tree. Linux only.
//!
//! The tree may belong to someone hostile and may change while it is read. Nothing outside it is opened: names are
//! looked up one at a time in folders that are open, and no link is followed. Fifos, sockets and devices are not opened.
//! Nothing is written: times of access stay where the caller may ask for that (the owner and root may), but for those
//! of symbolic links, which Linux touches on reading whoever asks.

pub(crate) mod attributes;
mod cache;
mod cache_file;
mod folder;
mod lanes;
mod links;
mod options;
mod overlay;
mod queue;
mod shared;
pub(crate) mod stat;
mod upper;
mod verity;
mod worker;

use std::{
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, atomic::Ordering},
    thread,
};

pub use cache::Cache;
pub use cache_file::CacheFault;
use castline_core::{
    Rootfs, Watch,
    drift::{Scan, Unread},
};
use folder::Root;
pub use options::{ScanLimits, ScanOptions, SkipFn};
pub use overlay::Overlay;
use queue::FolderTask;
use shared::{Seen, Shared};
pub use upper::{OverlayXattrs, Upper, scan_upper};
use worker::Worker;

use crate::{Error, Result};

/// Reads the tree below `root`, a folder; it alone may be reached through links, as `/proc/PID/root` is.
///
/// - Names of one file (hard links) share it. The mode of symbolic links is `0o777`.
/// - Extended attributes are those that the kernel lists to the caller: `trusted.*` only to root.
/// - Where another filesystem is mounted, be it on a folder or a file, the tree has what is mounted, but nothing
///   below it. Before Linux 5.8 mounts on files are not told, nor those of the same filesystem.
/// - What vanishes or cannot be read is in [`Scan::unread`] and not in the tree. A file that changes while it is
///   read is read up to three times.
/// - What [`ScanOptions::skip`] names is nowhere.
///
/// # Errors
///
/// [`Error::Io`] when `root` cannot be opened, [`Error::Unsupported`] where `/proc` is not mounted (extended
/// attributes of links are read through it), [`Error::Cancelled`].
///
/// ```no_run
/// use castline_core::Watch;
/// use castline_sources::{ScanOptions, scan};
///
/// let scan = scan("/proc/4711/root".as_ref(), &ScanOptions::default(), &Watch::none())?;
/// assert!(scan.unread.is_empty());
/// # Ok::<(), castline_sources::Error>(())
/// ```
pub fn scan(root: &Path, options: &ScanOptions<'_>, watch: &Watch<'_>) -> Result<Scan> {
    scan_root(Root::open(root)?, options, None, watch).map(|(scan, _)| scan)
}

/// As [`scan`], but files that `cache` knows are not read. Afterwards it knows what this scan has seen.
///
/// # Errors
///
/// As [`scan`].
pub fn scan_with_cache(
    root: &Path,
    options: &ScanOptions<'_>,
    cache: &mut Cache,
    watch: &Watch<'_>,
) -> Result<Scan> {
    let root = Root::open(root)?;
    cache.prepare(&root);
    let (scan, seen) = scan_root(root, options, Some(cache), watch)?;
    cache.replace(seen.into_iter().flat_map(|seen| seen.digests));
    Ok(scan)
}

fn scan_root(
    root: Arc<Root>,
    options: &ScanOptions<'_>,
    cache: Option<&Cache>,
    watch: &Watch<'_>,
) -> Result<(Scan, Vec<Seen>)> {
    let mut shared = Shared::new(root, options, cache, watch);
    let jobs = options.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    shared.queue.add_folders(&mut vec![FolderTask { parent: None, path: Vec::new(), depth: 0 }]);
    let mut all = thread::scope(|scope| {
        // Where no thread can be started, this one does all the work.
        let others: Vec<_> = (1..jobs.get())
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, || Worker::new(&shared).run()).ok())
            .collect();
        let mut all = vec![Worker::new(&shared).run()];
        for other in others {
            all.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    let files = std::mem::take(&mut shared.links).into_files();
    all.push(links::share(files, &shared));
    if shared.cancelled.load(Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    shared.tell(0, 0);
    let mut scan = Scan::default();
    if shared.overrun.load(Ordering::Relaxed) {
        // Which entries were met depends on the threads: better none than some.
        let why = format!("it has more than {} entries", options.limits.entries);
        scan.unread.insert(Vec::new(), Unread::Refused(why));
        return Ok((scan, Vec::new()));
    }
    let found: Vec<_> = all.iter_mut().flat_map(|seen| seen.found.drain(..)).collect();
    scan.rootfs = Rootfs::from_iter(found);
    for seen in &mut all {
        scan.unread.extend(seen.unread.drain(..));
        scan.mounts.extend(seen.mounts.drain(..));
        scan.bytes += seen.bytes;
    }
    Ok((scan, all))
}
