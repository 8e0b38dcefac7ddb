//! Documents between serde and Python's own values, by way of JSON.

use castline::Document;
use pyo3::{prelude::*, sync::PyOnceLock, types::PyString};
use serde::{Serialize, de::DeserializeOwned};

use crate::error;

/// Python's own values (dictionaries, lists, numbers, texts) of what serde can write.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "json", "loads")?.call1((text(value)?,))
}

/// The JSON text of what serde can write.
pub(crate) fn text(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}

/// The JSON text of Python's own values.
pub(crate) fn of_python(value: &Bound<'_, PyAny>) -> PyResult<String> {
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    DUMPS.import(value.py(), "json", "dumps")?.call1((value,))?.cast_into::<PyString>()?.extract()
}

/// A document of Python's own values.
pub(crate) fn document<D: Document>(value: &Bound<'_, PyAny>) -> PyResult<D> {
    let text = of_python(value)?;
    D::from_json(text.as_bytes()).map_err(|error| error::raise(value.py(), &error))
}

/// What is no document of its own, e.g. an event, of Python's own values. `kind` names it in messages.
pub(crate) fn value<T: DeserializeOwned>(kind: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    let text = of_python(value)?;
    serde_json::from_str(&text)
        .map_err(|error| error::of_code(value.py(), "INVALID_DOCUMENT", &format!("{kind}: {error}")))
}
