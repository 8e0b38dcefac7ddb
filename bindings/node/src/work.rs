//! Documents as JSON, and long work: off the event loop, watched, and stopped by a flag.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use castline::{ErrorCode, Progress};
use napi::bindgen_prelude::{BigInt, Env, JsError, Object, ToNapiValue, Uint8Array};
use napi_derive::napi;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{OrThrow as _, Result, of_code},
    threads,
};

/// The JSON of what serde can write.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| of_code("INTERNAL", error.to_string()))
}

/// What is no document of its own, e.g. an event. `kind` names it in messages.
pub(crate) fn value<T: DeserializeOwned>(kind: &str, json: &str) -> Result<T> {
    castline::from_json(json.as_bytes())
        .map_err(|reason| of_code("INVALID_DOCUMENT", format!("{kind}: {reason}")))
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

    /// Refuses to begin where a stop was asked for.
    fn begin(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(castline::Error::Cancelled).or_throw() } else { Ok(()) }
    }

    /// Does `work` so that this one sees how far it is.
    pub(crate) fn over<T>(&self, work: impl FnOnce(&castline::Watch<'_>) -> T) -> T {
        let note = |progress| *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        work(&castline::Watch::none().with_cancel(&self.cancel).with_progress(&note))
    }
}

/// What settles a promise, on the event loop.
type Settle<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;

/// A promise of what `work` makes on another thread.
pub(crate) fn job<'env, T: Send + ToNapiValue + 'static>(
    env: &'env Env,
    watch: &Watch,
    work: impl FnOnce(&Watch) -> Result<T> + Send + 'static,
) -> Result<Object<'env>> {
    let failed = |error: napi::Error| of_code("INTERNAL", error.reason.clone());
    let (deferred, promise) = env.create_deferred::<T, Settle<T>>().map_err(failed)?;
    let (watch, number) = (watch.clone(), threads::begun(&watch.cancel));
    let work = move || {
        // A panic would leave the promise open for ever.
        let made = catch_unwind(AssertUnwindSafe(|| watch.begin().and_then(|()| work(&watch))));
        let made = made.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
            Err(of_code("INTERNAL", format!("castline has a fault, please report it: {text}")))
        });
        deferred.resolve(Box::new(move |env| {
            threads::done(number);
            made.map_err(|error| napi::Error::from(JsError::from(error).into_unknown(env)))
        }));
    };
    threads::spawn(Box::new(work)).map_err(|reason| {
        threads::done(number);
        of_code(ErrorCode::NoWorkers.name(), format!("no thread can be started: {reason}"))
    })?;
    Ok(promise)
}
