//! castline's errors as Python's exceptions.

use std::fmt::Display;

use castline::{
    ErrorCode, FindingCode,
    drift::DriftCode,
    ledger::{BrokenChain, Fault},
    plan::{
        Infeasible, InfeasibleCode,
        check::{Violation, ViolationCode},
    },
};
use pyo3::{exceptions::PySystemError, prelude::*, sync::PyOnceLock, types::PyDict};
use serde::Serialize;

use crate::{exit, json, verify::Report};

/// An exception of the class of a code.
pub(crate) fn of_code(py: Python<'_>, code: &str, message: &str) -> PyErr {
    static TABLE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let build = || -> PyResult<PyErr> {
        let table = TABLE.import(py, "castline.errors", "_BY_CODE")?;
        let unknown = || PySystemError::new_err(format!("castline has no exception for {code}: {message}"));
        let class = table.get_item(code)?.ok_or_else(unknown)?;
        Ok(PyErr::from_value(class.call1((message,))?))
    };
    exit::within(build).unwrap_or_else(|failure| failure)
}

/// An exception of a class that takes a dictionary beside the message.
fn detailed(py: Python<'_>, class: &str, error: &impl Display, detail: &impl Serialize) -> PyErr {
    match json::to_python(py, detail) {
        Ok(detail) => of_class(py, class, &error.to_string(), &detail),
        Err(failure) => failure,
    }
}

/// An exception of a class that takes more than a message.
fn of_class(py: Python<'_>, name: &str, message: &str, detail: &Bound<'_, PyAny>) -> PyErr {
    let build = || -> PyResult<PyErr> {
        let class = py.import("castline.errors")?.getattr(name)?;
        Ok(PyErr::from_value(class.call1((message, detail))?))
    };
    exit::within(build).unwrap_or_else(|failure| failure)
}

pub(crate) fn raise(py: Python<'_>, error: &castline::Error) -> PyErr {
    of_code(py, error.code().name(), &error.to_string())
}

pub(crate) fn raise_source(py: Python<'_>, error: &castline::sources::Error) -> PyErr {
    use castline::sources::Error::Io;
    let message = error.to_string();
    let Io { path, source, .. } = error else { return of_code(py, error.code().name(), &message) };
    let build = || -> PyResult<PyErr> {
        // Where the system said so, with what it said.
        let said = source.raw_os_error().map(|number| (number, path.as_os_str()));
        let exception = py.import("castline.errors")?.getattr("_of_system")?.call1((message, said))?;
        Ok(PyErr::from_value(exception))
    };
    exit::within(build).unwrap_or_else(|failure| failure)
}

pub(crate) fn raise_infeasible(py: Python<'_>, infeasible: &Infeasible) -> PyErr {
    detailed(py, "InfeasibleError", infeasible, infeasible)
}

pub(crate) fn raise_not_intact(py: Python<'_>, report: &castline::Report) -> PyErr {
    let mut errors = report.findings.iter().filter(|finding| finding.level == castline::Level::Error);
    let message = errors.next().map_or_else(
        || "it has no files that were checked".to_owned(),
        |first| format!("{} [{}]", first.message, first.code),
    );
    match Bound::new(py, Report(report.clone())) {
        Ok(report) => of_class(py, "InvalidImageError", &message, report.as_any()),
        Err(failure) => failure,
    }
}

pub(crate) fn raise_violation(py: Python<'_>, violation: &Violation) -> PyErr {
    detailed(py, "ViolationError", violation, violation)
}

pub(crate) fn raise_broken(py: Python<'_>, broken: &BrokenChain) -> PyErr {
    let (code, position, offset) = (broken.fault.code(), broken.position, broken.offset);
    let detail = serde_json::json!({"code": code, "position": position, "offset": offset});
    detailed(py, "BrokenChainError", broken, &detail)
}

/// Everything that has a code, by kind.
pub(crate) fn codes() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("error", ErrorCode::ALL.iter().map(|code| code.name()).collect()),
        ("finding", FindingCode::ALL.iter().map(|code| code.name()).collect()),
        ("drift", DriftCode::ALL.iter().map(|code| code.name()).collect()),
        ("infeasible", InfeasibleCode::ALL.iter().map(|code| code.name()).collect()),
        ("violation", ViolationCode::ALL.iter().map(|code| code.name()).collect()),
        ("ledger", Fault::CODES.to_vec()),
    ]
}

/// What castline answers, or the exception that it is.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for castline::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}

impl<T> OrRaise<T> for castline::sources::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise_source(py, &error))
    }
}
