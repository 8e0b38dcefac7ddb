//! Handles: what C holds of a value.
//!
//! A handle points to a small record that says what it is a handle of, and where the value is. All records have one
//! form, so that a handle of another kind is told apart. Records of freed handles are kept for a while, marked as such:
//! using one, or freeing it again, is an error and not a fault of memory, until [`KEPT`] other handles were freed. No
//! lock is taken, so that a forked child can go on.

use std::{
    ptr,
    sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering},
};

use crate::error::{Failure, Result};

/// What stands behind an opaque type of the header.
pub(crate) trait Handle {
    /// The value. Shared by threads, as `const *` is safe to share.
    type Value: Send + Sync;
    /// What its record begins with: one number for each kind.
    const MARK: u64;
    /// The type's name in C.
    const NAME: &'static str;
}

/// Says of an opaque type what is behind it.
macro_rules! handle {
    ($name:ident, $value:ty, $number:literal) => {
        impl $crate::handle::Handle for $name {
            type Value = $value;
            const MARK: u64 = $crate::handle::MARK | $number;
            const NAME: &'static str = stringify!($name);
        }
    };
}
pub(crate) use handle;

/// The upper half of all marks: no text, no small number and no address begins with it.
pub(crate) const MARK: u64 = 0xca57_11e5_0000_0000;

/// The mark of what was freed.
const FREED: u64 = MARK | 0xffff_ffff;

#[repr(C)]
struct Record {
    mark: AtomicU64,
    value: *mut (),
}

/// A new handle of a value. [`free`] gives it back.
pub(crate) fn make<H: Handle>(value: H::Value) -> *mut H {
    let value = Box::into_raw(Box::new(value)).cast();
    Box::into_raw(Box::new(Record { mark: AtomicU64::new(H::MARK), value })).cast()
}

/// The value of a handle; an error where it is NULL, was freed or is of another kind.
///
/// # Safety
///
/// `handle` is NULL, or a handle that is live as long as `'a`, or of another kind, or among the last [`KEPT`] that were
/// freed.
pub(crate) unsafe fn of<'a, H: Handle>(handle: *const H, name: &str) -> Result<&'a H::Value> {
    if handle.is_null() {
        return Err(Failure::null(name));
    }
    let record = handle.cast::<Record>();
    if !record.is_aligned() {
        return Err(Failure::wrong_handle(name, H::NAME));
    }
    // SAFETY: aligned, and a record by the caller's contract.
    let record = unsafe { &*record };
    if record.mark.load(Ordering::Acquire) != H::MARK {
        return Err(Failure::wrong_handle(name, H::NAME));
    }
    // SAFETY: what has this mark is a live record whose value `make` has put there, of this type.
    Ok(unsafe { &*record.value.cast::<H::Value>() })
}

/// Ends a handle and drops its value. NULL is fine; nothing happens where it was freed before or is of another kind.
///
/// # Safety
///
/// As [`of`]; and nobody uses the handle meanwhile.
pub(crate) unsafe fn free<H: Handle>(handle: *mut H) {
    let record = handle.cast::<Record>();
    if record.is_null() || !record.is_aligned() {
        return;
    }
    // SAFETY: aligned, and a record by the caller's contract.
    let (mark, value) = unsafe { (&(*record).mark, (*record).value) };
    if mark.compare_exchange(H::MARK, FREED, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return;
    }
    keep(record);
    // SAFETY: it had the mark of this type and has lost it just now, so that nobody else drops it.
    drop(unsafe { Box::from_raw(value.cast::<H::Value>()) });
}

/// How many records of freed handles are kept.
const KEPT: usize = 4096;

/// Keeps the record of a freed handle, and gives back the one that was kept the longest.
fn keep(record: *mut Record) {
    static RECORDS: [AtomicPtr<Record>; KEPT] = [const { AtomicPtr::new(ptr::null_mut()) }; KEPT];
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let place = NEXT.fetch_add(1, Ordering::Relaxed) % KEPT;
    let oldest = RECORDS[place].swap(record, Ordering::AcqRel);
    if !oldest.is_null() {
        // SAFETY: `make` has made it, and it was taken out here by this thread only.
        drop(unsafe { Box::from_raw(oldest) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bytes::castline_bytes, work::castline_cancel};

    #[test]
    fn what_was_freed_or_is_of_another_kind_is_told_apart() {
        let handle: *mut castline_bytes = make(b"abc".to_vec());
        // SAFETY: live handles, of that kind and another one, and one that was just freed.
        unsafe {
            assert_eq!(*of(handle, "it").expect("live"), b"abc");
            assert!(of(handle.cast::<castline_cancel>(), "it").is_err());
            free(handle.cast::<castline_cancel>());
            assert!(of(handle, "it").is_ok());
            free(handle);
            assert!(of(handle, "it").is_err());
            free(handle);
            assert!(of(handle.wrapping_byte_add(1), "it").is_err());
            assert!(of::<castline_bytes>(ptr::null(), "it").is_err());
            free::<castline_bytes>(ptr::null_mut());
        }
    }

    #[test]
    fn records_are_given_back_in_the_end() {
        for _ in 0..3 * KEPT {
            // SAFETY: made just now.
            unsafe { free(make::<castline_bytes>(Vec::new())) };
        }
    }
}
