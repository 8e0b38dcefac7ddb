//! Several blobs under way at once, each in a task of its own, while their caller is told how far they are.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use castline_core::{Cancel, Progress, Watch};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use crate::{Error, Result};

/// What the tasks of one transfer tell.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bytes: AtomicU64,
    blobs: AtomicU64,
    stopped: AtomicBool,
    /// The same, for what runs on threads under a watch.
    cancel: Cancel,
}

impl Meter {
    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn finish(&self) {
        self.blobs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

/// How many may do something at once; a clone counts with it.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Semaphore>);

/// One of them, until it is dropped.
pub(super) type Turn = Option<OwnedSemaphorePermit>;

impl Turns {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Waits for a turn.
    pub(super) async fn one(&self) -> Turn {
        // Nobody closes it.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }

    /// One that is to be had at once.
    pub(super) fn try_one(&self) -> Turn {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// Asks for a stop when a transfer ends, whichever way: threads do not end by themselves.
struct Stop(Arc<Meter>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        self.0.cancel.cancel();
    }
}

/// Runs `works` at once, and gives what they gave in their order. The first error stops all.
pub(super) async fn all<T, F>(
    works: Vec<F>,
    meter: &Arc<Meter>,
    total_bytes: u64,
    watch: &Watch<'_>,
) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let _stop = Stop(Arc::clone(meter));
    let total_blobs = works.len() as u64;
    let mut tasks = JoinSet::new();
    let mut done: Vec<Option<T>> = works.iter().map(|_| None).collect();
    for (position, work) in works.into_iter().enumerate() {
        tasks.spawn(async move { work.await.map(|value| (position, value)) });
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        let mut progress = Progress::of_bytes(meter.bytes.load(Ordering::Relaxed), total_bytes);
        progress.blobs = meter.blobs.load(Ordering::Relaxed);
        progress.total_blobs = total_blobs;
        watch.report(progress);
        if watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        tokio::select! {
            biased;
            finished = tasks.join_next() => match finished {
                None => return Ok(done.into_iter().flatten().collect()),
                Some(Ok(Ok((position, value)))) => done[position] = Some(value),
                Some(Ok(Err(error))) => return Err(error),
                Some(Err(failure)) => std::panic::resume_unwind(failure.into_panic()),
            },
            _ = ticks.tick() => {}
        }
    }
}

/// Runs what blocks where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}
