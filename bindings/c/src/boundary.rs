//! Where a call of C becomes a call of Rust: errors become statuses, and panics end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    error::{Failure, Result, castline_error},
    handle::{Handle, free, make},
    status::{CASTLINE_OK, castline_status},
};

fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(Failure::panic(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason")))
    })
}

/// Does `body`. An error or a panic becomes a status and, where one is asked for, an error object.
///
/// # Safety
///
/// `error_out` is NULL or may be written once.
pub(crate) unsafe fn wall(
    error_out: *mut *mut castline_error,
    body: impl FnOnce() -> Result<()>,
) -> castline_status {
    let Err(failure) = caught(body) else { return CASTLINE_OK };
    let status = failure.status;
    if !error_out.is_null() {
        // SAFETY: not NULL, and may be written by the caller's contract.
        unsafe { error_out.write(make(failure.into())) };
    }
    status
}

/// Does `body`, and writes what it makes, on success only.
///
/// # Safety
///
/// `out` and `error_out` are NULL or may be written once.
pub(crate) unsafe fn saying<T>(
    out: *mut T,
    error_out: *mut *mut castline_error,
    body: impl FnOnce() -> Result<T>,
) -> castline_status {
    let say = || {
        if out.is_null() {
            return Err(Failure::null("an `_out`"));
        }
        let value = body()?;
        // SAFETY: not NULL, and may be written by the caller's contract.
        unsafe { out.write(value) };
        Ok(())
    };
    // SAFETY: the caller's contract is passed on.
    unsafe { wall(error_out, say) }
}

/// The same of a new handle.
///
/// # Safety
///
/// As [`saying`].
pub(crate) unsafe fn making<H: Handle>(
    out: *mut *mut H,
    error_out: *mut *mut castline_error,
    body: impl FnOnce() -> Result<H::Value>,
) -> castline_status {
    // SAFETY: the caller's contract is passed on.
    unsafe { saying(out, error_out, || Ok(make(body()?))) }
}

/// The same of a new handle, or NULL where there is nothing.
///
/// # Safety
///
/// As [`saying`].
pub(crate) unsafe fn making_some<H: Handle>(
    out: *mut *mut H,
    error_out: *mut *mut castline_error,
    body: impl FnOnce() -> Result<Option<H::Value>>,
) -> castline_status {
    // SAFETY: the caller's contract is passed on.
    unsafe { saying(out, error_out, || Ok(body()?.map_or(std::ptr::null_mut(), make))) }
}

/// What `body` answers; `otherwise` where it cannot. For questions that have no error.
pub(crate) fn answer<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    caught(body).unwrap_or(otherwise)
}

/// Ends a handle.
///
/// # Safety
///
/// As [`free`].
pub(crate) unsafe fn freeing<H: Handle>(handle: *mut H) {
    answer((), || {
        // SAFETY: the caller's contract is passed on.
        unsafe { free(handle) };
        Ok(())
    });
}

/// Panics, to see what C sees. Only where castline is built for tests, and not in the header.
#[cfg(debug_assertions)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_panic_for_tests(error_out: *mut *mut castline_error) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { wall(error_out, || panic!("as it was asked to")) }
}
