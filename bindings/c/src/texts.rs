//! Values that are a text: read, and written the way castline writes them.

use std::ffi::c_char;

use castline::{Digest, Platform, Revision, Time, policy, sources::Reference};
use serde_json::json;

use crate::{
    boundary::{making, saying},
    bytes::{self, castline_bytes, ended},
    error::{Result, castline_error},
    input::{bytes as raw, measured, text as named},
    status::castline_status,
};

/// Reads a digest, as `sha256:…`, and writes it the way castline does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_digest_parse(
    text: *const c_char,
    length: usize,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(digest_out, error_out, || {
            Ok(ended(measured(text, length, "text")?.parse::<Digest>()?.to_string()))
        })
    }
}

/// The digest of some bytes, by SHA-256, as a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_digest_of(
    data: *const c_char,
    length: usize,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(digest_out, error_out, || Ok(ended(Digest::of(raw(data, length, "data")?).to_string()))) }
}

/// Reads a platform, as `linux/arm64/v8`, and writes it the way castline does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_platform_parse(
    text: *const c_char,
    length: usize,
    platform_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(platform_out, error_out, || {
            Ok(ended(measured(text, length, "text")?.parse::<Platform>()?.to_string()))
        })
    }
}

/// Reads an image reference, as `oci:DIR:TAG`. Its parts, in JSON: `text`, `transport`, `path`, `tag`, `digest`,
/// `position`; null where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_reference_parse(
    text: *const c_char,
    length: usize,
    parts_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(parts_out, error_out, || {
            let reference: Reference = measured(text, length, "text")?.parse()?;
            bytes::json(&json!({
                "text": reference.to_string(),
                "transport": reference.transport().name(),
                "path": reference.path(),
                "tag": reference.tag(),
                "digest": reference.digest().map(ToString::to_string),
                "position": reference.position(),
            }))
        })
    }
}

/// Reads a moment in RFC 3339, as `2026-11-23T22:50:00Z`: milliseconds since 1970-01-01T00:00:00Z.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_time_parse(
    text: *const c_char,
    length: usize,
    millis_out: *mut i64,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        saying(millis_out, error_out, || Ok(measured(text, length, "text")?.parse::<Time>()?.as_millis()))
    }
}

/// A moment of the years 0 to 9999, in milliseconds since 1970-01-01T00:00:00Z, as RFC 3339.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_time_format(
    millis: i64,
    text_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(text_out, error_out, || Ok(ended(Time::try_from_millis(millis)?.to_string()))) }
}

/// Reads a number of instances, as `3` or `25% up`, and writes it the way castline does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_amount_parse(
    text: *const c_char,
    length: usize,
    amount_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(amount_out, error_out, || {
            Ok(ended(measured(text, length, "text")?.parse::<policy::Amount>()?.to_string()))
        })
    }
}

/// How many an amount is of `total`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_amount_of(
    text: *const c_char,
    length: usize,
    total: u64,
    count_out: *mut u64,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        saying(count_out, error_out, || {
            Ok(measured(text, length, "text")?.parse::<policy::Amount>()?.of(total))
        })
    }
}

/// Reads a revision, and writes it the way castline does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_revision_parse(
    text: *const c_char,
    length: usize,
    revision_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(revision_out, error_out, || {
            Ok(ended(measured(text, length, "text")?.parse::<Revision>()?.to_string()))
        })
    }
}

/// A window that opens by a schedule, as `0 2 * * *`, for so many seconds, in a time zone, as `Europe/Berlin`, looked
/// at at a moment. In JSON: `schedule`, `durationSeconds`, `timeZone`, whether it is `open`, and when it opens next,
/// `nextOpen`; null for never.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_window_at(
    schedule: *const c_char,
    duration_seconds: u64,
    time_zone: *const c_char,
    now: i64,
    window_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    let look = |schedule: &str, zone: &str| -> Result<Vec<u8>> {
        let window = policy::Window::new(schedule, duration_seconds, zone)?;
        let now = Time::try_from_millis(now)?;
        bytes::json(&json!({
            "schedule": window.schedule(),
            "durationSeconds": window.duration_seconds(),
            "timeZone": window.time_zone(),
            "open": window.is_open(now),
            "nextOpen": window.next_open(now),
        }))
    };
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(window_out, error_out, || look(named(schedule, "schedule")?, named(time_zone, "time_zone")?))
    }
}
