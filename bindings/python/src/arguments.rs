//! What functions are given, where several types will do.

/// One of several types. What is none of them is refused in words of Python's own, which `$expected` says.
macro_rules! one_of {
    (
        $(#[$doc:meta])*
        pub(crate) enum $name:ident as $given:ident, $expected:literal { $($variant:ident($inner:ty),)* }
    ) => {
        #[derive(pyo3::FromPyObject)]
        pub(crate) enum $given {
            $($variant($inner),)*
        }

        $(#[$doc])*
        pub(crate) struct $name(pub(crate) $given);

        impl<'a, 'py> pyo3::FromPyObject<'a, 'py> for $name {
            type Error = pyo3::PyErr;

            #[cfg(feature = "stubs")]
            const INPUT_TYPE: pyo3::inspect::PyStaticExpr = <$given as pyo3::FromPyObject<'a, 'py>>::INPUT_TYPE;

            fn extract(value: pyo3::Borrowed<'a, 'py, pyo3::PyAny>) -> pyo3::PyResult<Self> {
                value.extract().map(Self).map_err(|_| $crate::arguments::refused($expected, &value))
            }
        }
    };
}
pub(crate) use one_of;

use pyo3::{exceptions::PyTypeError, prelude::*};

/// A value of the wrong type.
pub(crate) fn refused(expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let kind = value.get_type().name();
    let kind = kind.map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("{expected} is expected, not {kind}"))
}
