//! Plans for people.

use std::ffi::c_char;

use castline::{plan::simulate::Timeline, preview};

use crate::{
    boundary::making,
    bytes::{castline_bytes, ended},
    document::castline_plan,
    error::{Result, castline_error},
    handle::of,
    input::{bytes, value},
    status::castline_status,
};

/// # Safety
///
/// As the header's rules ask of callers.
unsafe fn timeline(json: *const c_char, length: usize) -> Result<Option<Timeline>> {
    if json.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's contract is passed on.
    value("timeline", unsafe { bytes(json, length, "timeline") }?)
}

/// A plan for a terminal that is `width` columns wide. `timeline` is NULL, or what castline_plan_simulate() gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_to_text(
    plan: *const castline_plan,
    timeline: *const c_char,
    timeline_length: usize,
    width: usize,
    text_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(text_out, error_out, || {
            let timeline = self::timeline(timeline, timeline_length)?;
            Ok(ended(preview::text(of(plan, "plan")?, timeline.as_ref(), width)))
        })
    }
}

/// A plan as a drawing. `timeline` is NULL, or what castline_plan_simulate() gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_to_svg(
    plan: *const castline_plan,
    timeline: *const c_char,
    timeline_length: usize,
    svg_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(svg_out, error_out, || {
            let timeline = self::timeline(timeline, timeline_length)?;
            Ok(ended(preview::svg(of(plan, "plan")?, timeline.as_ref())))
        })
    }
}

/// A plan as a page. `timeline` is NULL, or what castline_plan_simulate() gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_to_html(
    plan: *const castline_plan,
    timeline: *const c_char,
    timeline_length: usize,
    html_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(html_out, error_out, || {
            let timeline = self::timeline(timeline, timeline_length)?;
            Ok(ended(preview::html(of(plan, "plan")?, timeline.as_ref())))
        })
    }
}
