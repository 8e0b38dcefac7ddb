//! castline's errors as what JavaScript makes its own of: a code, a message, and details as JSON.

use castline::{
    ErrorCode, FindingCode,
    drift::DriftCode,
    ledger::{BrokenChain, Fault},
    plan::{
        Infeasible, InfeasibleCode,
        check::{Violation, ViolationCode},
    },
};
use napi_derive::napi;
use serde::Serialize;

use crate::work::json;

/// An error with a code that JavaScript sees.
pub type Error = napi::Error<String>;

/// A specialised `Result`.
pub type Result<T> = std::result::Result<T, Error>;

/// What stands between a message and its details. No message has it: control characters are escaped there.
const MARK: char = '\u{1}';

/// An error of a code.
pub(crate) fn of_code(code: &str, message: impl Into<String>) -> Error {
    Error::new(code.to_owned(), message.into())
}

/// An error with details, of which `kind` says the class.
fn detailed(kind: &str, code: &str, message: &str, detail: &impl Serialize) -> Error {
    match json(&(kind, detail)) {
        Ok(detail) => of_code(code, format!("{message}{MARK}{detail}")),
        Err(failure) => failure,
    }
}

/// What castline answers as what JavaScript gets.
pub(crate) trait IntoError {
    /// The error.
    fn into_error(self) -> Error;
}

impl IntoError for castline::Error {
    fn into_error(self) -> Error {
        of_code(self.code().name(), self.to_string())
    }
}

impl IntoError for castline::sources::Error {
    fn into_error(self) -> Error {
        if let Self::Io { path, source, .. } = &self {
            let detail =
                serde_json::json!({ "path": path.to_string_lossy(), "errno": source.raw_os_error() });
            return detailed("source", self.code().name(), &self.to_string(), &detail);
        }
        of_code(self.code().name(), self.to_string())
    }
}

impl IntoError for Infeasible {
    fn into_error(self) -> Error {
        detailed("infeasible", self.code.name(), &self.to_string(), &self)
    }
}

impl IntoError for Violation {
    fn into_error(self) -> Error {
        detailed("violation", self.code.name(), &self.to_string(), &self)
    }
}

impl IntoError for BrokenChain {
    fn into_error(self) -> Error {
        let detail = serde_json::json!({
            "code": self.fault.code(), "position": self.position, "offset": self.offset
        });
        detailed("broken", self.fault.code(), &self.to_string(), &detail)
    }
}

/// An image is not what it claims.
impl IntoError for Box<castline::Report> {
    fn into_error(self) -> Error {
        let mut errors = self.findings.iter().filter(|finding| finding.level == castline::Level::Error);
        let message = errors.next().map_or_else(
            || "it has no files that were checked".to_owned(),
            |first| format!("{} [{}]", first.message, first.code),
        );
        let detail = serde_json::json!({ "report": self, "bytes": self.bytes.to_string() });
        detailed("invalid-image", "INVALID_IMAGE", &message, &detail)
    }
}

/// What castline answers, or what JavaScript throws.
pub(crate) trait OrThrow<T> {
    fn or_throw(self) -> Result<T>;
}

impl<T, E: IntoError> OrThrow<T> for std::result::Result<T, E> {
    fn or_throw(self) -> Result<T> {
        self.map_err(IntoError::into_error)
    }
}

/// Everything that has a code, by kind, as JSON.
#[napi]
pub fn codes() -> Result<String> {
    json(&serde_json::json!({
        "error": ErrorCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
        "finding": FindingCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
        "drift": DriftCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
        "infeasible": InfeasibleCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
        "violation": ViolationCode::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
        "ledger": Fault::CODES,
    }))
}
