//! Texts and other bytes that C owns.

use std::ffi::c_char;

use serde::Serialize;

use crate::{
    boundary::{answer, freeing},
    error::{Failure, Result},
    handle::{handle, of},
};

/// A text, a document or other bytes. Free it with castline_bytes_free().
pub struct castline_bytes {
    _opaque: [u8; 0],
}
handle!(castline_bytes, Vec<u8>, 2);

/// A text or bytes as C gets them: ended by NUL.
pub(crate) fn ended(bytes: impl Into<Vec<u8>>) -> Vec<u8> {
    let mut bytes = bytes.into();
    bytes.reserve_exact(1);
    bytes.push(0);
    bytes
}

/// The JSON of what serde can write, as C gets it.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map(ended).map_err(|error| Failure::panic(&error.to_string()))
}

/// The bytes, with a NUL after the last one. They live as long as the handle; empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_bytes_data(bytes: *const castline_bytes) -> *const c_char {
    // SAFETY: as the header's rules ask of callers.
    answer(c"".as_ptr(), || Ok(unsafe { of(bytes, "bytes") }?.as_ptr().cast()))
}

/// How many bytes there are, without the NUL; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_bytes_length(bytes: *const castline_bytes) -> usize {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(bytes, "bytes") }?.len() - 1))
}

/// Frees bytes. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_bytes_free(bytes: *mut castline_bytes) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(bytes) };
}
