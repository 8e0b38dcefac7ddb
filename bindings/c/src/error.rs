//! castline's errors as what C gets: a status, a code, a message, and details as JSON.

use std::ffi::{CString, c_char};

use castline::{
    ErrorCode, FindingCode,
    drift::DriftCode,
    ledger::{BrokenChain, Fault},
    plan::{
        Infeasible, InfeasibleCode,
        check::{Violation, ViolationCode},
    },
};
use serde::Serialize;

use crate::{
    boundary::{answer, freeing, making},
    bytes::{castline_bytes, json},
    handle::{handle, of},
    status::{self, castline_status},
};

/// A specialised `Result`.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: castline_status,
    code: &'static str,
    message: String,
    detail: Option<String>,
}

impl Failure {
    /// A failure whose code is its status's name.
    pub(crate) fn new(status: castline_status, message: impl Into<String>) -> Self {
        Self { status, code: status::name(status), message: message.into(), detail: None }
    }

    pub(crate) fn null(name: &str) -> Self {
        Self::new(status::CASTLINE_NULL_ARGUMENT, format!("{name} is NULL"))
    }

    pub(crate) fn wrong_handle(name: &str, kind: &str) -> Self {
        let message = format!("{name} is no {kind}: it was freed, or is of another kind");
        Self::new(status::CASTLINE_WRONG_HANDLE, message)
    }

    pub(crate) fn range(message: impl Into<String>) -> Self {
        Self::new(status::CASTLINE_OUT_OF_RANGE, message)
    }

    pub(crate) fn document(kind: &str, reason: impl std::fmt::Display) -> Self {
        let message = castline::shown_whole(&format!("{kind}: {reason}"));
        Self::new(status::CASTLINE_INVALID_DOCUMENT, message)
    }

    pub(crate) fn panic(reason: &str) -> Self {
        let message = format!("castline has a fault, please report it: {reason}");
        Self::new(status::CASTLINE_INTERNAL, message)
    }

    fn detailed(
        status: castline_status,
        code: &'static str,
        message: String,
        detail: &impl Serialize,
    ) -> Self {
        Self { status, code, message, detail: serde_json::to_string(detail).ok() }
    }
}

impl From<castline::Error> for Failure {
    fn from(error: castline::Error) -> Self {
        Self::new(error.code() as u32, error.to_string())
    }
}

impl From<castline::sources::Error> for Failure {
    fn from(error: castline::sources::Error) -> Self {
        Self::new(error.code() as u32, error.to_string())
    }
}

impl From<Infeasible> for Failure {
    fn from(error: Infeasible) -> Self {
        Self::detailed(status::CASTLINE_INFEASIBLE, error.code.name(), error.to_string(), &error)
    }
}

impl From<Violation> for Failure {
    fn from(error: Violation) -> Self {
        Self::detailed(status::CASTLINE_VIOLATION, error.code.name(), error.to_string(), &error)
    }
}

impl From<BrokenChain> for Failure {
    fn from(error: BrokenChain) -> Self {
        let code = error.fault.code();
        let detail = serde_json::json!({"code": code, "position": error.position, "offset": error.offset});
        Self::detailed(status::CASTLINE_BROKEN_CHAIN, code, error.to_string(), &detail)
    }
}

/// An image is not what it claims.
impl From<Box<castline::Report>> for Failure {
    fn from(report: Box<castline::Report>) -> Self {
        let mut errors = report.findings.iter().filter(|finding| finding.level == castline::Level::Error);
        let message = errors.next().map_or_else(
            || "it has no files that were checked".to_owned(),
            |first| format!("{} [{}]", first.message, first.code),
        );
        let status = status::CASTLINE_INVALID_IMAGE;
        Self::detailed(status, status::name(status), message, &report)
    }
}

/// Why a call failed. Free it with castline_error_free().
pub struct castline_error {
    _opaque: [u8; 0],
}
handle!(castline_error, Told, 1);

/// A failure as texts of C.
pub(crate) struct Told {
    status: castline_status,
    code: CString,
    message: CString,
    detail: Option<CString>,
}

/// A text of C; what it cannot hold is shown as an escape.
pub(crate) fn told(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| CString::new(text.replace('\0', "\\0")).expect("NUL was replaced"))
}

impl From<Failure> for Told {
    fn from(failure: Failure) -> Self {
        Self {
            status: failure.status,
            code: told(failure.code),
            message: told(&failure.message),
            detail: failure.detail.as_deref().map(told),
        }
    }
}

/// The status that the call returned; CASTLINE_NULL_ARGUMENT or CASTLINE_WRONG_HANDLE where `error` is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_error_status(error: *const castline_error) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    match unsafe { of(error, "error") } {
        Ok(error) => error.status,
        Err(failure) => failure.status,
    }
}

/// The code that every language has: the status's name, or what the status says more of, as `budgets-in-conflict`.
/// Lives as long as the error; empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_error_code(error: *const castline_error) -> *const c_char {
    // SAFETY: as the header's rules ask of callers.
    answer(c"".as_ptr(), || Ok(unsafe { of(error, "error") }?.code.as_ptr()))
}

/// What is wrong, where, and what to do, for people. UTF-8; lives as long as the error; empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_error_message(error: *const castline_error) -> *const c_char {
    // SAFETY: as the header's rules ask of callers.
    answer(c"".as_ptr(), || Ok(unsafe { of(error, "error") }?.message.as_ptr()))
}

/// What the status says more, as JSON; NULL where there is nothing more. Lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_error_detail(error: *const castline_error) -> *const c_char {
    let none = std::ptr::null();
    // SAFETY: as the header's rules ask of callers.
    answer(none, || Ok(unsafe { of(error, "error") }?.detail.as_ref().map_or(none, |detail| detail.as_ptr())))
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_error_free(error: *mut castline_error) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(error) };
}

/// Everything that has a code, by kind, as JSON: `error`, `finding`, `drift`, `infeasible`, `violation`, `ledger`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_codes(
    codes_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    let body = || {
        json(&serde_json::json!({
            "error": ErrorCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
            "finding": FindingCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
            "drift": DriftCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
            "infeasible": InfeasibleCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
            "violation": ViolationCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
            "ledger": Fault::CODES,
        }))
    };
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(codes_out, error_out, body) }
}
