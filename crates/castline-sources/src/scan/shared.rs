use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use castline_core::{Progress, Watch, drift::Unread, rootfs::Node};

use super::{
    ScanOptions,
    cache::{Cache, Known},
    folder::Root,
    links::Links,
    queue::Queue,
};

/// What all workers of a scan share.
pub(super) struct Shared<'s> {
    pub(super) root: Arc<Root>,
    pub(super) options: &'s ScanOptions<'s>,
    pub(super) watch: &'s Watch<'s>,
    pub(super) cache: Option<&'s Cache>,
    pub(super) queue: Queue,
    pub(super) links: Links,
    /// Entries met, and entries and bytes that the caller knows of.
    pub(super) entries: AtomicU64,
    pub(super) done: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) cancelled: AtomicBool,
    /// Whether there are more entries than may be.
    pub(super) overrun: AtomicBool,
}

/// What a worker has seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) found: Vec<(Vec<u8>, Arc<Node>)>,
    pub(super) unread: Vec<(Vec<u8>, Unread)>,
    pub(super) mounts: Vec<Vec<u8>>,
    /// Bytes of files that were read.
    pub(super) bytes: u64,
    /// For the cache of the next scan.
    pub(super) digests: Vec<Known>,
}

impl<'s> Shared<'s> {
    pub(super) fn new(
        root: Arc<Root>,
        options: &'s ScanOptions<'s>,
        cache: Option<&'s Cache>,
        watch: &'s Watch<'s>,
    ) -> Self {
        Self {
            root,
            options,
            watch,
            cache,
            queue: Queue::default(),
            links: Links::default(),
            entries: AtomicU64::new(0),
            done: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            overrun: AtomicBool::new(false),
        }
    }

    /// Tells the caller of so many more bytes and entries.
    pub(super) fn tell(&self, bytes: u64, entries: u64) {
        let mut progress = Progress::default();
        progress.bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        progress.blobs = self.done.fetch_add(entries, Ordering::Relaxed) + entries;
        self.watch.report(progress);
    }
}
