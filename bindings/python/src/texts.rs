//! Values that are a text.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::{prelude::*, types::PyType};

use crate::error::OrRaise as _;

/// The hash of a value, the same for equal ones.
pub(crate) fn hashed(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A class of which each value is a text that castline reads and writes: immutable, equal by value, hashable, picklable.
macro_rules! text_class {
    ($(#[$doc:meta])* $name:ident($inner:ty) { $($methods:tt)* }) => {
        $(#[$doc])*
        #[pyclass(frozen, eq, from_py_object, module = "castline")]
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $name(pub(crate) $inner);

        #[pymethods]
        impl $name {
            #[new]
            fn new(py: Python<'_>, text: &str) -> PyResult<Self> {
                text.parse().map(Self).or_raise(py)
            }

            fn __str__(&self) -> String {
                self.0.to_string()
            }

            fn __repr__(&self) -> String {
                format!(concat!(stringify!($name), "({:?})"), self.0.to_string())
            }

            fn __hash__(&self) -> u64 {
                hashed(&self.0.to_string())
            }

            fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyType>, (String,)) {
                (slf.get_type().unbind(), (slf.get().0.to_string(),))
            }

            $($methods)*
        }
    };
}

text_class! {
    /// A content digest, e.g. `sha256:…`.
    Digest(castline::Digest) {
        /// The digest of some bytes, by SHA-256.
        #[staticmethod]
        fn of(bytes: &[u8]) -> Self {
            Self(castline::Digest::of(bytes))
        }

        /// The algorithm, e.g. `sha256`.
        #[getter]
        fn algorithm(&self) -> String {
            self.0.algorithm().name().to_owned()
        }

        /// The digest itself, in hexadecimal.
        #[getter]
        fn encoded(&self) -> String {
            self.0.encoded()
        }
    }
}

text_class! {
    /// What an image runs on, e.g. `linux/arm64/v8`.
    Platform(castline::Platform) {}
}

text_class! {
    /// Where an image is, e.g. `oci:DIR:TAG`, `oci-archive:FILE`, `docker-archive:FILE`.
    Reference(castline::sources::Reference) {
        /// `oci`, `oci-archive`, `docker-archive` or `docker`.
        #[getter]
        fn transport(&self) -> &'static str {
            self.0.transport().name()
        }

        /// The folder or file.
        #[getter]
        fn path(&self) -> std::path::PathBuf {
            self.0.path().to_path_buf()
        }

        /// The tag, if any.
        #[getter]
        fn tag(&self) -> Option<String> {
            self.0.tag().map(ToString::to_string)
        }

        /// The digest, if any.
        #[getter]
        fn digest(&self) -> Option<Digest> {
            self.0.digest().cloned().map(Digest)
        }

        /// The position in the index, if any.
        #[getter]
        fn position(&self) -> Option<usize> {
            self.0.position()
        }
    }
}

text_class! {
    /// A moment, in milliseconds; RFC 3339 as a text.
    Time(castline::Time) {
        /// The moment so many milliseconds after 1970-01-01T00:00:00Z, of the years 0 to 9999.
        #[staticmethod]
        fn from_millis(py: Python<'_>, millis: i64) -> PyResult<Self> {
            castline::Time::try_from_millis(millis).map(Self).or_raise(py)
        }

        /// Milliseconds since 1970-01-01T00:00:00Z.
        #[getter]
        fn millis(&self) -> i64 {
            self.0.as_millis()
        }
    }
}

text_class! {
    /// A number of instances, or a share of them with its rounding: `3`, `25% up`, `25% down`.
    Amount(castline::policy::Amount) {
        /// How many that is of `total`.
        fn of(&self, total: u64) -> u64 {
            self.0.of(total)
        }
    }
}

text_class! {
    /// What an instance of a release is: drivers label instances with it.
    Revision(castline::Revision) {}
}

/// When work may be begun: a schedule (five fields, as cron has them), a duration and a time zone.
#[pyclass(frozen, eq, from_py_object, module = "castline")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window(pub(crate) castline::policy::Window);

#[pymethods]
impl Window {
    #[new]
    #[pyo3(signature = (schedule, duration_seconds, time_zone = "UTC"))]
    fn new(py: Python<'_>, schedule: &str, duration_seconds: u64, time_zone: &str) -> PyResult<Self> {
        castline::policy::Window::new(schedule, duration_seconds, time_zone).map(Self).or_raise(py)
    }

    /// The schedule.
    #[getter]
    fn schedule(&self) -> String {
        self.0.schedule().to_owned()
    }

    /// For how many seconds it stays open.
    #[getter]
    fn duration_seconds(&self) -> u64 {
        self.0.duration_seconds()
    }

    /// The time zone of the schedule.
    #[getter]
    fn time_zone(&self) -> String {
        self.0.time_zone().to_owned()
    }

    /// Whether it is open at this moment.
    fn is_open(&self, now: &Time) -> bool {
        self.0.is_open(now.0)
    }

    /// When it opens next after this moment; none where it never does.
    fn next_open(&self, now: &Time) -> Option<Time> {
        self.0.next_open(now.0).map(Time)
    }

    fn __hash__(&self) -> u64 {
        hashed(&(self.0.schedule(), self.0.duration_seconds(), self.0.time_zone()))
    }

    fn __repr__(&self) -> String {
        let (schedule, zone) = (self.0.schedule(), self.0.time_zone());
        format!("Window({schedule:?}, {}, {zone:?})", self.0.duration_seconds())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyType>, (String, u64, String)) {
        let window = slf.get();
        (slf.get_type().unbind(), (window.schedule(), window.duration_seconds(), window.time_zone()))
    }
}
