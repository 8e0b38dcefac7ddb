//! The end of the interpreter, while threads that it does not wait for are in calls.
//!
//! `CPython` before 3.14 ends a thread that asks for the interpreter's lock once it finalizes, by unwinding the thread's stack. Through
//! frames of Rust that is undefined, and crashes. So no thread may wait for the lock with a frame of ours beneath by then. Every
//! part of a call in which the lock is let go of, or may be, is counted. At exit, [`close`] has nobody enter any more, tells what is
//! under way to stop, and waits for whoever is inside. Who does not come back in time never asks for the lock again.

use std::{
    cell::Cell,
    marker::PhantomData,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use pyo3::{exceptions::PySystemExit, prelude::*, types::PyDict};

/// How many threads are inside, as far as the lock is concerned, and how far the end has come. One number, so that nobody sees a part of a change,
/// and no lock, so that a child never finds one held that was forked while another thread changed it.
///
/// From the lowest bit: how many parts of calls have the lock or ask for it, how many do without, [`CLOSING`], [`CLOSED`].
static INSIDE: AtomicU64 = AtomicU64::new(0);

/// One part of a call that runs Python's own code, or may.
const HERE: u64 = 1;
/// One that does without the lock.
const AWAY: u64 = 1 << 31;
/// What counts those that are here.
const ALL_HERE: u64 = AWAY - 1;
/// Nobody enters any more.
const CLOSING: u64 = 1 << 62;
/// Nobody comes back any more, either.
const CLOSED: u64 = 1 << 63;

/// How long those who work without the lock may take to stop. What cannot be stopped may take much longer, and is left behind.
const STOPPING: Duration = Duration::from_secs(1);
/// How long those who run Python's code may take, such as a callback: of these nobody can be left behind.
const LEAVING: Duration = Duration::from_secs(10);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(1);

thread_local! {
    /// How many parts of calls this thread is in.
    static MINE: Cell<u64> = const { Cell::new(0) };
    /// Whether this is the thread that ends the interpreter: it may go on to the last moment.
    static LAST: Cell<bool> = const { Cell::new(false) };
}

/// Whether the interpreter ends, and this thread with it.
pub(crate) fn is_near() -> bool {
    INSIDE.load(Ordering::SeqCst) & CLOSING != 0 && !LAST.get()
}

/// What ends a thread without a word, as the interpreter would have.
fn end() -> PyErr {
    PySystemExit::new_err("the interpreter ends")
}

/// From here on this part does without the lock.
fn leave() {
    INSIDE.fetch_add(AWAY - HERE, Ordering::SeqCst);
}

/// From here on it has the lock, or asks for it. Where that would end the thread, it stays here for ever instead.
fn come_back() {
    let back = |inside| (inside & CLOSED == 0 || LAST.get()).then(|| inside - AWAY + HERE);
    while INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, back).is_err() {
        thread::park();
    }
}

/// A part of a call, which is counted as long as there is this. Stays on its thread.
struct Part(PhantomData<*const ()>);

impl Part {
    /// The caller has the lock.
    fn begin() -> PyResult<Self> {
        let enter = |inside| (inside & CLOSING == 0 || LAST.get()).then_some(inside + HERE);
        INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter).map_err(|_| end())?;
        MINE.set(MINE.get() + 1);
        Ok(Self(PhantomData))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        INSIDE.fetch_sub(HERE, Ordering::SeqCst);
        MINE.set(MINE.get() - 1);
    }
}

/// Does what runs Python's own code, or makes so many objects that the garbage collector may run some.
pub(crate) fn within<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let _part = Part::begin()?;
    work()
}

/// Does work without the interpreter's lock; in it, [`back`] has the lock for a moment. Panics are handed over, since none may pass by
/// the count.
///
/// Nobody wants what was done when the interpreter ends meanwhile: then the thread is to end, too.
pub(crate) fn without<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send,
) -> PyResult<thread::Result<T>> {
    let _part = Part::begin()?;
    let done = py.detach(|| {
        leave();
        let done = panic::catch_unwind(AssertUnwindSafe(work));
        come_back();
        done
    });
    if is_near() { Err(end()) } else { Ok(done) }
}

/// Does what needs the interpreter's lock in the middle of work [`without`] it.
pub(crate) fn back<T>(work: impl FnOnce(Python<'_>) -> T) -> T {
    come_back();
    let done = panic::catch_unwind(AssertUnwindSafe(|| Python::attach(work)));
    leave();
    done.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Has the interpreter call this module when it ends, and in children that are forked.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(close, module)?,))?;
    let os = py.import("os")?;
    // Where there is no fork, there is nothing to register with.
    if os.hasattr("register_at_fork")? {
        let hooks = PyDict::new(py);
        hooks.set_item("after_in_child", wrap_pyfunction!(forget, module)?)?;
        os.call_method("register_at_fork", (), Some(&hooks))?;
    }
    Ok(())
}

/// The interpreter is about to end: nobody enters any more but this thread, and those who are inside have time to come out.
#[pyfunction]
fn close(py: Python<'_>) -> PyResult<()> {
    LAST.set(true);
    INSIDE.fetch_or(CLOSING, Ordering::SeqCst);
    let out = wait(py, STOPPING, |inside| inside & !(CLOSING | CLOSED) == MINE.get() * HERE);
    INSIDE.fetch_or(CLOSED, Ordering::SeqCst);
    out?;
    wait(py, LEAVING, |inside| inside & ALL_HERE == MINE.get() * HERE)
}

/// Waits until this is so, at most so long. Raises what signals do.
fn wait(py: Python<'_>, patience: Duration, so: impl Fn(u64) -> bool) -> PyResult<()> {
    let begun = Instant::now();
    while !so(INSIDE.load(Ordering::SeqCst)) && begun.elapsed() < patience {
        py.detach(|| thread::sleep(LOOK));
        py.check_signals()?;
    }
    Ok(())
}

/// This is a child that was forked: of all threads only this one is there.
#[pyfunction]
fn forget() {
    INSIDE.store(MINE.get() * HERE, Ordering::SeqCst);
}
