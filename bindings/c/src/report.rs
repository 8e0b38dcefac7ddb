//! Reports, finding by finding.

use std::{
    ffi::{CString, c_char, c_int},
    ptr,
};

use castline::Report;

use crate::{
    boundary::{answer, freeing, making, saying},
    bytes::{castline_bytes, json},
    error::{Failure, castline_error, told},
    handle::{handle, of},
    status::castline_status,
};

/// What a verification found. Immutable; free it with castline_report_free().
pub struct castline_report {
    _opaque: [u8; 0],
}
handle!(castline_report, Listed, 22);

/// A report, and its findings as texts of C.
pub(crate) struct Listed {
    report: Report,
    findings: Vec<Shown>,
}

struct Shown {
    code: CString,
    level: CString,
    message: CString,
    digest: Option<CString>,
    path: Option<CString>,
}

impl Listed {
    pub(crate) fn of(report: Report) -> Self {
        let shown = |finding: &castline::Finding| Shown {
            code: told(finding.code.name()),
            level: told(finding.level.name()),
            message: told(&finding.message),
            digest: finding.digest.as_ref().map(|digest| told(&digest.to_string())),
            path: finding.path.as_deref().map(told),
        };
        Self { findings: report.findings.iter().map(shown).collect(), report }
    }
}

/// One fact that a verification found. Its texts live as long as the report. The report's JSON says more: what refers
/// to it, expected and actual values.
#[repr(C)]
pub struct castline_finding {
    /// What it is, as `blob-digest-mismatch`. Codes are the same in every language.
    pub code: *const c_char,
    /// `error`, `warning` or `info`.
    pub level: *const c_char,
    /// The same for people.
    pub message: *const c_char,
    /// The blob that it is about; NULL if none.
    pub digest: *const c_char,
    /// The path that it is about; NULL if none.
    pub path: *const c_char,
}

/// The whole report as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_report_to_json(
    report: *const castline_report,
    json_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(json_out, error_out, || json(&of(report, "report")?.report)) }
}

/// 1 if there is no finding of level error, 0 if there is one, or for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_report_is_intact(report: *const castline_report) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(report, "report") }?.report.is_intact().into()))
}

/// 1 if it is intact and nothing that was asked for was left unchecked, 0 if not, or for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_report_is_complete(report: *const castline_report) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(report, "report") }?.report.is_complete().into()))
}

/// How many findings there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_report_finding_count(report: *const castline_report) -> usize {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(report, "report") }?.findings.len()))
}

/// One of the findings, from 0 on, in the order of the documents.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_report_finding(
    report: *const castline_report,
    index: usize,
    finding_out: *mut castline_finding,
    error_out: *mut *mut castline_error,
) -> castline_status {
    let text = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        saying(finding_out, error_out, || {
            let findings = &of(report, "report")?.findings;
            let none = || Failure::range(format!("there is no finding {index} of {}", findings.len()));
            let finding = findings.get(index).ok_or_else(none)?;
            Ok(castline_finding {
                code: finding.code.as_ptr(),
                level: finding.level.as_ptr(),
                message: finding.message.as_ptr(),
                digest: text(&finding.digest),
                path: text(&finding.path),
            })
        })
    }
}

/// Frees a report. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_report_free(report: *mut castline_report) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(report) };
}
