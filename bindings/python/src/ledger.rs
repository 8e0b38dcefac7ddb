//! What was rolled out, by whom, and how it ended.

use castline::ledger::{self as core, Anchor, Record};
use pyo3::prelude::*;

use crate::{
    documents::{Release, Text},
    error::{self, OrRaise as _},
    json,
    texts::{Digest, Time},
    work,
};

/// A chain of entries, each of which names the one before it by its digest. Immutable: appending gives another one.
#[pyclass(frozen, eq, from_py_object, module = "castline")]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ledger(core::Ledger);

#[pymethods]
impl Ledger {
    /// The empty one.
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Reads it from lines, and verifies each link. Raises `BrokenChainError` for the first entry that is not what it must be.
    ///
    /// `head` is the digest that the last entry must have, `within` one that some entry must have: without either nobody can see
    /// that the last entries are missing.
    #[staticmethod]
    #[pyo3(signature = (lines, *, head = None, within = None))]
    fn from_lines(
        py: Python<'_>,
        lines: Text,
        head: Option<Digest>,
        within: Option<Digest>,
    ) -> PyResult<Self> {
        let anchor =
            head.map(|head| Anchor::Head(head.0)).or_else(|| within.map(|within| Anchor::Within(within.0)));
        let read = work::apart(py, || core::Ledger::verify(lines.as_bytes(), anchor.as_ref()))?;
        read.map(Self).map_err(|broken| error::raise_broken(py, &broken))
    }

    /// Its lines: the canonical form of each entry.
    fn to_lines(&self) -> std::borrow::Cow<'_, [u8]> {
        self.0.to_lines().into()
    }

    /// This ledger and one entry more: what `actor` did, and when. `record` is a dictionary, named as in JSON.
    fn append(&self, py: Python<'_>, at: Time, actor: &str, record: &Bound<'_, PyAny>) -> PyResult<Self> {
        let record: Record = json::value("record", record)?;
        self.0.append(at.0, actor, record).or_raise(py).map(Self)
    }

    /// The digest of the last entry, which stands for all of them.
    #[getter]
    fn head(&self) -> Option<Digest> {
        self.0.head().cloned().map(Digest)
    }

    /// The entries, the oldest first, as dictionaries.
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.entries().map(|(_, entry)| entry).collect::<Vec<_>>())
    }

    /// The rollouts of a service, the oldest first, as dictionaries.
    fn history<'py>(&self, py: Python<'py>, service: &str) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.history(service))
    }

    /// The digest of the release that runs, as far as is recorded.
    fn current(&self, service: &str) -> Option<Digest> {
        self.0.current(service).cloned().map(Digest)
    }

    /// The release of this digest.
    fn release(&self, digest: &Digest) -> Option<Release> {
        self.0.release(&digest.0).cloned().map(Release)
    }

    /// The last release before the current one that has succeeded.
    fn previous_good(&self, service: &str) -> Option<Release> {
        self.0.previous_good(service).cloned().map(Release)
    }

    /// What to go back to from a release that has failed.
    fn rollback_target(&self, failed: &Release) -> Option<Release> {
        self.0.rollback_target(&failed.0).cloned().map(Release)
    }

    /// The images that must be kept for what it can go back to, `keep` releases of each service:
    /// `(digests, (provider, id) pairs, digests of releases of which nobody knows the image)`.
    #[allow(clippy::type_complexity, reason = "a tuple in Python")]
    fn images_needed(&self, keep: usize) -> (Vec<Digest>, Vec<(String, String)>, Vec<Digest>) {
        let needed = self.0.images_needed(keep);
        let digests =
            |all: std::collections::BTreeSet<castline::Digest>| all.into_iter().map(Digest).collect();
        (digests(needed.digests), needed.of_providers.into_iter().collect(), digests(needed.unknown))
    }

    fn __len__(&self) -> PyResult<usize> {
        usize::try_from(self.0.len()).map_err(Into::into)
    }

    fn __hash__(&self) -> u64 {
        crate::texts::hashed(&self.0.head())
    }

    fn __repr__(&self) -> String {
        let head = self.0.head().map_or("none".to_owned(), ToString::to_string);
        format!("<castline.Ledger {} entries, head {head}>", self.0.len())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (Vec<u8>,))> {
        Ok((slf.get_type().getattr("from_lines")?.unbind(), (slf.get().0.to_lines(),)))
    }
}
