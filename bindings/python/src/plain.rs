//! What may stand in a document that is given in Python's own values: any mapping or sequence, and castline's values.

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyList, PyMapping, PyMemoryView, PySequence},
};

use crate::{
    documents::{Policy, Release},
    drift::DriftReport,
    fleet::{Fleet, Instance},
    json,
    plan::{Plan, Timeline},
    texts::{Amount, Digest, Platform, Reference, Revision, Time, Window},
    verify::Report,
};

/// What `json.dumps` asks for where it meets neither a dictionary, a list, a tuple, a text nor a number.
#[pyfunction]
pub(crate) fn plain<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if let Ok(mapping) = value.cast::<PyMapping>() {
        let members = PyDict::new(py);
        members.update(mapping)?;
        return Ok(members.into_any());
    }
    let raw = value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyMemoryView>();
    if !raw && value.cast::<PySequence>().is_ok() {
        return py.get_type::<PyList>().call1((value,));
    }
    if let Some(form) = own(value) {
        return form;
    }
    let kind = value.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "a document is of mappings, sequences, texts, numbers, None and castline's own values, not of {kind}"
    )))
}

/// The form in JSON of one of castline's own values.
fn own<'py>(value: &Bound<'py, PyAny>) -> Option<PyResult<Bound<'py, PyAny>>> {
    macro_rules! forms {
        ($($class:ty)*) => {
            $(if let Ok(one) = value.cast::<$class>() {
                return Some(json::to_python(value.py(), &one.get().0));
            })*
        };
    }
    forms! {
        Digest Platform Time Amount Revision Window Instance Fleet Release Policy Plan Report DriftReport Timeline
    }
    // Of what it names nothing says how JSON has it: a text, as everywhere.
    value.cast::<Reference>().is_ok().then(|| value.str().map(Bound::into_any))
}
