//! Long work: watched, and stopped by a flag or by who watches.

use std::{
    ffi::{c_int, c_void},
    panic,
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use castline::{Cancel, ErrorCode, Progress, Watch};

use crate::{
    boundary::{answer, freeing, making},
    error::{Failure, Result, castline_error},
    handle::{handle, of},
    status::castline_status,
};

/// A flag that stops work. Free it with castline_cancel_free(), whether or not the work has ended.
pub struct castline_cancel {
    _opaque: [u8; 0],
}
handle!(castline_cancel, Cancel, 3);

/// How far work is. What is not known is 0.
#[repr(C)]
pub struct castline_progress {
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes in all, as far as the image says.
    pub total_bytes: u64,
    /// Blobs finished; entries, in a scan.
    pub blobs: u64,
    /// Blobs in all.
    pub total_blobs: u64,
}

/// Called on the thread that has called castline, about twenty times a second and once at the end, with the `context`
/// that was given there. Answers 0 to go on; anything else stops the work, which then returns CASTLINE_CANCELLED. It
/// must return: an exception of C++ ends the process, longjmp() is undefined.
pub type castline_on_progress =
    Option<unsafe extern "C-unwind" fn(progress: *const castline_progress, context: *mut c_void) -> c_int>;

/// A new flag.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_cancel_new(
    cancel_out: *mut *mut castline_cancel,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(cancel_out, error_out, || Ok(Cancel::default())) }
}

/// Asks all work that was given the flag to stop: it returns CASTLINE_CANCELLED soon. From any thread, and from
/// handlers of signals.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_cancel_request(cancel: *const castline_cancel) {
    // SAFETY: as the header's rules ask of callers.
    answer((), || unsafe { of(cancel, "cancel") }.map(Cancel::cancel));
}

/// 1 if a stop was asked for, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_cancel_is_requested(cancel: *const castline_cancel) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || unsafe { of(cancel, "cancel") }.map(|cancel| cancel.is_cancelled().into()))
}

/// Frees a flag. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_cancel_free(cancel: *mut castline_cancel) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(cancel) };
}

/// How often progress is told.
const PERIOD: Duration = Duration::from_millis(50);

fn cancelled() -> Failure {
    castline::Error::Cancelled.into()
}

/// Does work: here, or where somebody wants to know how far it is, on a thread of its own, while this one tells.
///
/// # Safety
///
/// `cancel` is NULL or a handle; `on_progress` can be called with `context`.
pub(crate) unsafe fn watched<T: Send>(
    cancel: *const castline_cancel,
    on_progress: castline_on_progress,
    context: *mut c_void,
    work: impl FnOnce(&Watch<'_>) -> Result<T> + Send,
) -> Result<T> {
    let asked = if cancel.is_null() {
        Cancel::default()
    } else {
        // SAFETY: the caller's contract is passed on.
        unsafe { of(cancel, "cancel") }?.clone()
    };
    if asked.is_cancelled() {
        return Err(cancelled());
    }
    let Some(on_progress) = on_progress else {
        return work(&Watch::none().with_cancel(&asked));
    };
    let tell = |now: Progress| {
        let Progress { bytes, total_bytes, blobs, total_blobs, .. } = now;
        let now = castline_progress { bytes, total_bytes, blobs, total_blobs };
        // SAFETY: the caller's contract.
        unsafe { on_progress(&raw const now, context) == 0 }
    };
    told(&asked, tell, work)
}

/// Does work on a thread of its own, while this one tells how far it is, until `tell` answers that it is to stop.
fn told<T: Send>(
    asked: &Cancel,
    tell: impl Fn(Progress) -> bool,
    work: impl FnOnce(&Watch<'_>) -> Result<T> + Send,
) -> Result<T> {
    // The caller's flag may be that of other work, too: what stops only this one is another one.
    let stop = &Cancel::default();
    let latest: &Mutex<Option<Progress>> = &Mutex::new(None);
    let take = || latest.lock().unwrap_or_else(PoisonError::into_inner).take();
    thread::scope(|scope| {
        let (done, wait) = mpsc::channel::<()>();
        let worker = move || {
            // Let go in a panic, too: that ends the wait.
            let _done = done;
            let note = |progress| {
                *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
                if asked.is_cancelled() {
                    stop.cancel();
                }
            };
            work(&Watch::none().with_cancel(stop).with_progress(&note))
        };
        let worker = thread::Builder::new()
            .spawn_scoped(scope, worker)
            .map_err(|reason| Failure::new(ErrorCode::NoWorkers as u32, reason.to_string()))?;
        let mut goes_on = true;
        loop {
            let ended = !matches!(wait.recv_timeout(PERIOD), Err(mpsc::RecvTimeoutError::Timeout));
            if let Some(now) = take().filter(|_| goes_on) {
                goes_on = tell(now);
            }
            if !goes_on || asked.is_cancelled() {
                stop.cancel();
            }
            if ended {
                break;
            }
        }
        let outcome = worker.join().unwrap_or_else(|reason| panic::resume_unwind(reason));
        // Also where the work was done by then: who asked for a stop does not wait for what it made.
        if goes_on && !asked.is_cancelled() { outcome } else { outcome.and(Err(cancelled())) }
    })
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::{
        boundary::saying,
        status::{CASTLINE_CANCELLED, CASTLINE_INTERNAL},
    };

    /// What a call comes to that does `work`, told to `tell`.
    fn status(
        asked: &Cancel,
        tell: impl Fn(Progress) -> bool,
        work: impl FnOnce(&Watch<'_>) -> Result<u32> + Send,
    ) -> castline_status {
        let mut out = 0;
        // SAFETY: `out` may be written.
        unsafe { saying(&raw mut out, ptr::null_mut(), || told(asked, tell, work)) }
    }

    /// Work that goes on until it is stopped.
    fn endless(watch: &Watch<'_>) -> Result<u32> {
        watch.report(Progress::default());
        while !watch.is_cancelled() {
            thread::yield_now();
        }
        Err(cancelled())
    }

    #[test]
    fn a_panic_on_the_thread_of_the_work_is_a_status() {
        assert_eq!(status(&Cancel::default(), |_| true, |_| panic!("as it was asked to")), CASTLINE_INTERNAL);
    }

    #[test]
    fn who_is_told_can_stop_the_work_and_only_this_work() {
        let asked = Cancel::default();
        assert_eq!(status(&asked, |_| false, endless), CASTLINE_CANCELLED);
        assert!(!asked.is_cancelled());
    }

    #[test]
    fn a_flag_that_is_set_meanwhile_stops_the_work() {
        let asked = Cancel::default();
        let tell = |_| {
            asked.cancel();
            true
        };
        assert_eq!(status(&asked, tell, endless), CASTLINE_CANCELLED);
    }
}
