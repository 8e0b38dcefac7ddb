//! Documents: values that JSON says wholly, with one canonical form and its digest.

use std::collections::BTreeMap;

use castline::policy;
use pyo3::{
    prelude::*,
    pybacked::{PyBackedBytes, PyBackedStr},
    types::PyMapping,
};

use crate::{arguments, error, exit, texts::Revision, verify::Image};

/// A class of documents, which have a canonical form and a digest.
macro_rules! document_class {
    ($(#[$doc:meta])* $name:ident($inner:ty), $describe:expr, { $($methods:tt)* }) => {
        $crate::json::value_class! {
            $(#[$doc])*
            $name($inner), $describe, {
                /// Reads it from JSON in any form, a text or bytes in UTF-8.
                #[staticmethod]
                fn from_json(py: Python<'_>, text: $crate::documents::Text) -> PyResult<Self> {
                    let read = || <$inner as castline::Document>::from_json(text.as_bytes());
                    $crate::error::OrRaise::or_raise($crate::work::apart(py, read)?, py).map(Self)
                }

                /// Reads it from mappings, sequences, texts and numbers, named as in JSON; castline's own values may stand where their form would.
                #[staticmethod]
                fn from_dict(value: &Bound<'_, PyAny>) -> PyResult<Self> {
                    $crate::json::document(value).map(Self)
                }

                /// Its form for people: indented JSON.
                fn to_json(&self) -> String {
                    castline::Document::to_json(&self.0)
                }

                /// Its canonical form (RFC 8785), of which the digest is.
                fn to_canonical(&self) -> std::borrow::Cow<'_, [u8]> {
                    castline::Document::to_canonical(&self.0).into()
                }

                /// The digest of its canonical form: its identity.
                #[getter]
                pub(crate) fn digest(&self, py: Python<'_>) -> PyResult<$crate::texts::Digest> {
                    $crate::work::apart(py, || castline::Document::digest(&self.0)).map($crate::texts::Digest)
                }

                fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
                    Ok($crate::texts::hashed(&self.digest(py)?.0))
                }

                $($methods)*
            }
        }
    };
}
pub(crate) use document_class;

arguments::one_of! {
    /// A text, or bytes in UTF-8. Not copied: Python's own keep it.
    pub(crate) enum Text as TextOrBytes, "a str, bytes or bytearray" {
        Text(PyBackedStr),
        Bytes(PyBackedBytes),
    }
}

impl Text {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            TextOrBytes::Text(text) => text.as_bytes(),
            TextOrBytes::Bytes(bytes) => bytes,
        }
    }
}

/// Texts by their names, of any mapping.
#[derive(Default)]
pub(crate) struct Texts(pub(crate) BTreeMap<String, String>);

impl<'py> FromPyObject<'_, 'py> for Texts {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let mapping = value.cast::<PyMapping>()?;
        let items = exit::within(|| mapping.items())?;
        items.iter().map(|item| item.extract()).collect::<PyResult<_>>().map(Self)
    }
}

document_class! {
    /// How a service may get from what runs to what should: strategy, budgets, order, gates, windows, breakers.
    Policy(policy::Policy), |policy| {
        let service = policy.service.as_deref().map_or(String::new(), |service| format!("of {service}, "));
        format!("{service}{} budgets", policy.budgets.len())
    }, {
        /// A policy with these members, named as in JSON; all others are as by default.
        #[new]
        #[pyo3(signature = (**members))]
        fn new(py: Python<'_>, members: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
            match members {
                None => Self::from_dict(pyo3::types::PyDict::new(py).as_any()),
                Some(members) => Self::from_dict(members),
            }
        }

        /// The service that it is for; none where it is for any.
        #[getter]
        fn service(&self) -> Option<&str> {
            self.0.service.as_deref()
        }
    }
}

document_class! {
    /// What should run: so many copies of an image, run so.
    Release(castline::Release), |release| {
        format!("{} of {}, revision {}", release.replicas(), release.service(), release.revision())
    }, {
        /// So many copies of a verified image.
        #[new]
        #[pyo3(signature = (service, image, replicas))]
        fn new(py: Python<'_>, service: &str, image: &Image, replicas: u64) -> PyResult<Self> {
            let release = castline::Release::new(service, &image.0, replicas).checked();
            error::OrRaise::or_raise(release, py).map(Self)
        }

        /// So many copies of an image that only its provider has, such as an AMI.
        #[staticmethod]
        #[pyo3(signature = (service, *, provider, id, provenance, replicas))]
        fn of_provider_image(
            py: Python<'_>,
            service: &str,
            provider: String,
            id: String,
            provenance: Texts,
            replicas: u64,
        ) -> PyResult<Self> {
            let image = castline::ProviderImage { provider, id, provenance: provenance.0 };
            let release = castline::Release::of_provider_image(service, image, replicas);
            error::OrRaise::or_raise(release, py).map(Self)
        }

        /// The service.
        #[getter]
        fn service(&self) -> &str {
            self.0.service()
        }

        /// How many copies.
        #[getter]
        fn replicas(&self) -> u64 {
            self.0.replicas()
        }

        /// The same with so many copies: another release of the same revision.
        fn with_replicas(&self, py: Python<'_>, replicas: u64) -> PyResult<Self> {
            error::OrRaise::or_raise(self.0.clone().with_replicas(replicas).checked(), py).map(Self)
        }

        /// What an instance of it is: drivers label instances with it.
        #[getter]
        fn revision(&self) -> Revision {
            Revision(self.0.revision())
        }
    }
}
