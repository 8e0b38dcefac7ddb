//! Long work: outside the interpreter's lock, with progress, and stopped by a flag, an exception or a signal.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use castline::{Progress, Watch};
use pyo3::{
    exceptions::{PySystemError, PyTypeError},
    prelude::*,
};

use crate::{error, exit};

/// A stop flag, shared by whoever waits and the work. May be set from any thread.
#[pyclass(frozen, from_py_object, module = "castline")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancel(castline::Cancel);

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop: it raises `OperationCancelledError`.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether a stop was asked for.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn __repr__(&self) -> String {
        format!("<castline.Cancel {}>", if self.0.is_cancelled() { "cancelled" } else { "not cancelled" })
    }
}

/// How often progress is told, and signals are looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// Why work was not done.
pub(crate) enum Failure {
    Core(castline::Error),
    Source(castline::sources::Error),
    /// The image is not what it claims.
    NotIntact(Box<castline::Report>),
    /// A code, and a message.
    #[cfg(not(target_os = "linux"))]
    Other(&'static str, String),
}

impl From<castline::Error> for Failure {
    fn from(error: castline::Error) -> Self {
        Self::Core(error)
    }
}

impl From<castline::sources::Error> for Failure {
    fn from(error: castline::sources::Error) -> Self {
        Self::Source(error)
    }
}

impl Failure {
    fn raise(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Core(failure) => error::raise(py, failure),
            Self::Source(failure) => error::raise_source(py, failure),
            Self::NotIntact(report) => error::raise_not_intact(py, report),
            #[cfg(not(target_os = "linux"))]
            Self::Other(code, message) => error::of_code(py, code, message),
        }
    }
}

/// Does work on a thread of its own. This one meanwhile tells progress, `(bytes, total_bytes, blobs, total_blobs)`, and lets
/// signals in; what either raises stops the work, and is raised once it has stopped.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    progress: Option<&Py<PyAny>>,
    cancel: Option<&Cancel>,
    work: impl FnOnce(&Watch<'_>) -> Result<T, Failure> + Send,
) -> PyResult<T> {
    let stop = cancel.map(|cancel| cancel.0.clone()).unwrap_or_default();
    let latest: Mutex<Option<Progress>> = Mutex::new(None);
    let done = exit::without(py, || {
        thread::scope(|scope| {
            let (done, wait) = mpsc::channel::<()>();
            let (latest, stop) = (&latest, &stop);
            let worker = scope.spawn(move || {
                // Let go in a panic, too: that ends the wait.
                let _done = done;
                let note = |progress| {
                    *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
                };
                work(&Watch::none().with_cancel(stop).with_progress(&note))
            });
            let mut stopped = None;
            loop {
                let ended = !matches!(wait.recv_timeout(PERIOD), Err(mpsc::RecvTimeoutError::Timeout));
                if exit::is_near() {
                    stop.cancel();
                } else if stopped.is_none() {
                    stopped = exit::back(|py| tell(py, progress, latest)).err();
                    if stopped.is_some() {
                        stop.cancel();
                    }
                }
                if ended {
                    break;
                }
            }
            (worker.join(), stopped)
        })
    })?;
    let (outcome, stopped) = done.map_err(|panic| fault(&*panic))?;
    if let Some(raised) = stopped {
        return Err(raised);
    }
    outcome.map_err(|panic| fault(&*panic))?.map_err(|failure| failure.raise(py))
}

/// Does short work outside the interpreter's lock, and on this thread: it touches no value of Python, and cannot be stopped.
pub(crate) fn apart<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    exit::without(py, work)?.map_err(|panic| fault(&*panic))
}

/// Does work that is so short that others need not run meanwhile.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    // What was changed half way by a panic is never looked at again: it went with the closure, or is behind a lock of its own.
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|panic| fault(&*panic))
}

/// A panic as an exception that `except Exception` catches.
fn fault(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
    PySystemError::new_err(format!("castline has a fault, please report it: {text}"))
}

fn tell(py: Python<'_>, progress: Option<&Py<PyAny>>, latest: &Mutex<Option<Progress>>) -> PyResult<()> {
    py.check_signals()?;
    let latest = latest.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let (Some(callback), Some(now)) = (progress, latest) {
        let said = callback.bind(py).call1((now.bytes, now.total_bytes, now.blobs, now.total_blobs))?;
        // A coroutine, which nobody would await.
        if said.hasattr("cr_await")? {
            said.call_method0("close").ok();
            return Err(PyTypeError::new_err("progress is called, not awaited: it must not be async"));
        }
    }
    Ok(())
}
