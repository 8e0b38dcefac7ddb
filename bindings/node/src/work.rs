//! Documents as JSON, and long work: off the event loop, watched, and stopped by a flag.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use castline::Progress;
use napi::bindgen_prelude::{AsyncTask, BigInt, Env, JsError, Task, ToNapiValue, TypeName, Uint8Array};
use napi_derive::napi;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{OrThrow as _, Result, of_code};

/// The JSON of what serde can write.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| of_code("INTERNAL", error.to_string()))
}

/// What is no document of its own, e.g. an event. `kind` names it in messages.
pub(crate) fn value<T: DeserializeOwned>(kind: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|reason| of_code("INVALID_DOCUMENT", format!("{kind}: {reason}")))
}

/// Bytes for JavaScript.
pub(crate) fn bytes(bytes: Vec<u8>) -> Uint8Array {
    Uint8Array::new(bytes)
}

/// How far work is, and a flag to stop it: shared by the event loop and the work.
#[napi]
#[derive(Clone, Debug, Default)]
pub struct Watch {
    cancel: castline::Cancel,
    latest: Arc<Mutex<Option<Progress>>>,
}

#[napi]
impl Watch {
    /// One of work that has not begun.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// `[bytes, bytes in all, blobs, blobs in all]`, if the work has got on since this was asked for last.
    #[napi]
    pub fn latest(&self) -> Option<Vec<BigInt>> {
        let now = self.latest.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some([now.bytes, now.total_bytes, now.blobs, now.total_blobs].map(BigInt::from).into())
    }

    /// Refuses to begin where a stop was asked for. Work that looks at no flag is asked once, when its turn comes.
    pub(crate) fn begin(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(castline::Error::Cancelled).or_throw() } else { Ok(()) }
    }

    /// Does `work` so that this one sees how far it is.
    pub(crate) fn over<T>(&self, work: impl FnOnce(&castline::Watch<'_>) -> T) -> T {
        let note = |progress| *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        work(&castline::Watch::none().with_cancel(&self.cancel).with_progress(&note))
    }
}

type Work<T> = Box<dyn FnOnce() -> Result<T> + Send>;

/// Work for a thread of Node's pool.
#[allow(missing_debug_implementations, reason = "it holds a closure")]
pub struct Job<T>(Option<Work<T>>);

/// A promise of what `work` makes.
pub(crate) fn job<T: Send + ToNapiValue + TypeName + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> AsyncTask<Job<T>> {
    AsyncTask::new(Job(Some(Box::new(work))))
}

impl<T: Send + ToNapiValue + TypeName + 'static> Task for Job<T> {
    type Output = Result<T>;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let Some(work) = self.0.take() else {
            return Ok(Err(of_code("INTERNAL", "the work was done already")));
        };
        // A panic on a thread of the pool would end the process.
        Ok(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
            Err(of_code("INTERNAL", format!("castline has a fault, please report it: {text}")))
        }))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<T> {
        output.map_err(|error| napi::Error::from(JsError::from(error).into_unknown(env)))
    }
}
