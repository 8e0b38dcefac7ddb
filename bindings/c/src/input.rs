//! What C gives: texts, documents and lists.

use std::{
    ffi::{CStr, c_char},
    slice,
};

use serde::de::DeserializeOwned;

use crate::{
    error::{Failure, Result},
    status,
};

/// Bytes and how many they are. NULL is fine where there are none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct castline_slice {
    /// The first one.
    pub data: *const c_char,
    /// How many.
    pub length: usize,
}

/// A list and how long it is.
///
/// # Safety
///
/// `first` is NULL, or `count` things can be read from there on, and nobody changes them during `'a`.
pub(crate) unsafe fn list<'a, T>(first: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(Failure::null(name));
    }
    let fits = count.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
    if !fits || !first.is_aligned() {
        return Err(Failure::range(format!("{name} cannot be a list of {count}")));
    }
    // SAFETY: neither NULL nor askew nor longer than memory; the rest is the caller's contract.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

/// Bytes and how many they are.
///
/// # Safety
///
/// As [`list`].
pub(crate) unsafe fn bytes<'a>(data: *const c_char, length: usize, name: &str) -> Result<&'a [u8]> {
    // SAFETY: the caller's contract is passed on.
    unsafe { list(data.cast::<u8>(), length, name) }
}

fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str> {
    str::from_utf8(bytes).map_err(|reason| {
        Failure::new(status::CASTLINE_INVALID_TEXT, format!("{name} is not UTF-8: {reason}"))
    })
}

/// A text and how many bytes it has.
///
/// # Safety
///
/// As [`list`].
pub(crate) unsafe fn measured<'a>(data: *const c_char, length: usize, name: &str) -> Result<&'a str> {
    // SAFETY: the caller's contract is passed on.
    utf8(unsafe { bytes(data, length, name) }?, name)
}

/// The bytes before a NUL.
///
/// # Safety
///
/// `text` is NULL, or ended by NUL, and nobody changes it during `'a`.
pub(crate) unsafe fn raw<'a>(text: *const c_char, name: &str) -> Result<&'a [u8]> {
    if text.is_null() {
        return Err(Failure::null(name));
    }
    // SAFETY: not NULL; the rest is the caller's contract.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A text that is ended by NUL.
///
/// # Safety
///
/// As [`raw`].
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: the caller's contract is passed on.
    utf8(unsafe { raw(text, name) }?, name)
}

/// A text that is ended by NUL, or none.
///
/// # Safety
///
/// As [`raw`].
pub(crate) unsafe fn optional<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's contract is passed on.
    unsafe { self::text(text, name) }.map(Some)
}

/// What is no document of its own, e.g. an event. `kind` names it in messages.
pub(crate) fn value<T: DeserializeOwned>(kind: &str, json: &[u8]) -> Result<T> {
    castline::from_json(json).map_err(|reason| Failure::document(kind, reason))
}

/// Options in JSON, ended by NUL; what they are by default where there are none.
///
/// # Safety
///
/// As [`raw`].
pub(crate) unsafe fn options<T: DeserializeOwned + Default>(json: *const c_char) -> Result<T> {
    if json.is_null() {
        return Ok(T::default());
    }
    // SAFETY: the caller's contract is passed on.
    value("options", unsafe { raw(json, "options") }?)
}
