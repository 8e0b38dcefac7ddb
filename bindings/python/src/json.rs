//! Documents between serde and Python's own values, by way of JSON.

use castline::Document;
use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{IntoPyDict as _, PyString},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error, exit, plain, work};

/// Python's own values (dictionaries, lists, numbers, texts) of what serde can write.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let text = text(value)?;
    exit::within(|| LOADS.import(py, "json", "loads")?.call1((text,)))
}

/// The JSON text of what serde can write.
pub(crate) fn text(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}

/// The JSON text of Python's own values, of any mappings and sequences, and of castline's values.
pub(crate) fn of_python(value: &Bound<'_, PyAny>) -> PyResult<String> {
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    let text = exit::within(|| {
        let others = [("default", wrap_pyfunction!(plain::plain, py)?)].into_py_dict(py)?;
        DUMPS.import(py, "json", "dumps")?.call((value,), Some(&others))
    })?;
    text.cast_into::<PyString>()?.extract()
}

/// A document of Python's own values.
pub(crate) fn document<D: Document + Send>(value: &Bound<'_, PyAny>) -> PyResult<D> {
    let text = of_python(value)?;
    work::apart(value.py(), || D::from_json(text.as_bytes()))?
        .map_err(|error| error::raise(value.py(), &error))
}

/// What is no document of its own, e.g. an event, of Python's own values. `kind` names it in messages.
pub(crate) fn value<T: DeserializeOwned>(kind: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    read(value.py(), kind, of_python(value)?.as_bytes())
}

/// The same of JSON.
pub(crate) fn read<T: DeserializeOwned>(py: Python<'_>, kind: &str, json: &[u8]) -> PyResult<T> {
    work::guarded(|| castline::from_json(json))?
        .map_err(|reason| error::of_code(py, "INVALID_DOCUMENT", &format!("{kind}: {reason}")))
}

/// A class of values that JSON says wholly: immutable, equal by value, picklable. Its methods have `from_json`, too.
macro_rules! value_class {
    ($(#[$doc:meta])* $name:ident($inner:ty), $describe:expr, { $($methods:tt)* }) => {
        $(#[$doc])*
        #[pyclass(frozen, eq, from_py_object, module = "castline")]
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $name(pub(crate) $inner);

        #[pymethods]
        impl $name {
            /// Dictionaries, lists, texts and numbers, named as in JSON.
            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                $crate::json::to_python(py, &self.0)
            }

            fn __repr__(&self) -> String {
                let describe: fn(&$inner) -> String = $describe;
                format!(concat!("<castline.", stringify!($name), " {}>"), describe(&self.0))
            }

            fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
                let read = slf.get_type().getattr("from_json")?.unbind();
                Ok((read, ($crate::json::text(&slf.get().0)?,)))
            }

            $($methods)*
        }
    };
}
pub(crate) use value_class;

/// A class of what is no document of its own, such as a report.
macro_rules! record_class {
    ($(#[$doc:meta])* $name:ident($inner:ty), $kind:literal, $describe:expr, { $($methods:tt)* }) => {
        $crate::json::value_class! {
            $(#[$doc])*
            $name($inner), $describe, {
                /// Reads it from JSON, a text or bytes in UTF-8.
                #[staticmethod]
                fn from_json(py: Python<'_>, text: $crate::documents::Text) -> PyResult<Self> {
                    $crate::json::read(py, $kind, text.as_bytes()).map(Self)
                }

                /// Reads it from a mapping, named as in JSON.
                #[staticmethod]
                fn from_dict(value: &Bound<'_, PyAny>) -> PyResult<Self> {
                    $crate::json::value($kind, value).map(Self)
                }

                /// Its JSON.
                fn to_json(&self) -> PyResult<String> {
                    $crate::json::text(&self.0)
                }

                fn __hash__(&self) -> PyResult<u64> {
                    Ok($crate::texts::hashed(&self.to_json()?))
                }

                $($methods)*
            }
        }
    };
}
pub(crate) use record_class;
