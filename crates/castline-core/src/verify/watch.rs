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

/// How far the work is. Totals are what the image declares, so they can be wrong for a broken one; a tree of files
/// declares nothing, and its totals are 0.
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

/// How a caller follows long work: a progress callback and a stop flag, both optional.
///
/// The callback is called from worker threads, several times a second at least while bytes flow, and should
/// return quickly.
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

    /// Whether a stop was asked for. Work looks at it on every chunk.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Tells the caller how far the work is.
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
