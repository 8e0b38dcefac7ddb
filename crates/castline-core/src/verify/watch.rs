use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A stop flag shared by the caller and the work. The work looks at it on every chunk.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the work to stop; it answers with [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far the work is. Totals are what the image declares, or a file's size, so they can be wrong for a broken one; 0
/// where they are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Stored bytes read so far.
    pub bytes: u64,
    /// Stored bytes in all.
    pub total_bytes: u64,
    /// Blobs finished; entries, when a tree of files is scanned.
    pub blobs: u64,
    /// Blobs in all.
    pub total_blobs: u64,
}

impl Progress {
    /// Work that has no blobs, such as opening an archive: bytes read so far, and in all (0 where that is not known).
    pub const fn of_bytes(bytes: u64, total_bytes: u64) -> Self {
        Self { bytes, total_bytes, blobs: 0, total_blobs: 0 }
    }
}

/// How a caller follows long work: a progress callback and a stop flag, both optional.
///
/// One watch can follow an image from the opening of its archive to its report. The callback is called from worker
/// threads as well as from the caller's, several times a second at least while bytes flow, and should return quickly.
#[derive(Clone, Default)]
pub struct Watch<'a> {
    cancel: Cancel,
    progress: Option<&'a (dyn Fn(Progress) + Sync)>,
}

impl<'a> Watch<'a> {
    /// Neither progress nor cancellation.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same with a stop flag.
    #[must_use]
    pub fn with_cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    /// The same with a progress callback.
    #[must_use]
    pub fn with_progress(self, progress: &'a (dyn Fn(Progress) + Sync)) -> Self {
        Self { progress: Some(progress), ..self }
    }

    /// Whether a stop was asked for. Whoever works looks at it on every chunk, and answers with an error of the code
    /// [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Tells how far the work is, if anybody listens. The caller's callback runs on this thread: hold no lock.
    pub fn report(&self, progress: Progress) {
        if let Some(report) = self.progress {
            report(progress);
        }
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}
