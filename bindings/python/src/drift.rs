//! Whether what runs is what was shipped.

use std::{collections::BTreeMap, path::PathBuf};

use castline::drift::Comparison;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyIterator};

use crate::{
    arguments,
    documents::Text,
    error::{self, OrRaise as _},
    html, json,
    work::{self, Cancel},
};

/// A tree of files, as an image has it or as it was found.
#[pyclass(frozen, eq, from_py_object, module = "castline")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rootfs(pub(crate) castline::Rootfs);

#[pymethods]
impl Rootfs {
    /// Reads it from JSON lines, as `castline tree --json` prints them.
    #[staticmethod]
    fn from_json_lines(py: Python<'_>, lines: Text) -> PyResult<Self> {
        work::apart(py, || castline::Rootfs::read_json_lines(&mut lines.as_bytes()))?
            .map(Self)
            .map_err(|reason| error::of_code(py, "INVALID_DOCUMENT", &format!("tree: {reason}")))
    }

    /// JSON lines, one for each entry, in the order of the paths.
    fn to_json_lines(&self) -> PyResult<std::borrow::Cow<'_, [u8]>> {
        let mut lines = Vec::new();
        self.0.write_json_lines(&mut lines)?;
        Ok(lines.into())
    }

    /// The same as mtree(5).
    fn to_mtree(&self) -> PyResult<std::borrow::Cow<'_, [u8]>> {
        let mut lines = Vec::new();
        self.0.write_mtree(&mut lines)?;
        Ok(lines.into())
    }

    /// The paths of all entries, in bytes, sorted; the root is the empty one.
    fn paths(&self) -> Vec<std::borrow::Cow<'_, [u8]>> {
        self.0.iter().map(|(path, _)| path.into()).collect()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __hash__(&self) -> PyResult<u64> {
        Ok(crate::texts::hashed(&self.to_json_lines()?))
    }

    fn __repr__(&self) -> String {
        format!("<castline.Rootfs {} entries>", self.0.len())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (Vec<u8>,))> {
        let read = slf.get_type().getattr("from_json_lines")?.unbind();
        Ok((read, (slf.get().to_json_lines()?.into_owned(),)))
    }
}

/// What a scan found.
#[pyclass(frozen, eq, from_py_object, module = "castline")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scan(castline::drift::Scan);

#[pymethods]
impl Scan {
    /// A scan that found this tree, and read all of it.
    #[staticmethod]
    fn of(rootfs: Rootfs) -> Self {
        Self(castline::drift::Scan::of(rootfs.0))
    }

    /// The tree that was found.
    #[getter]
    fn rootfs(&self) -> Rootfs {
        Rootfs(self.0.rootfs.clone())
    }

    /// What could not be read, by its path in bytes, and why. Where it is a folder, nothing below it need be in the tree either.
    #[getter]
    fn unread(&self) -> BTreeMap<Vec<u8>, String> {
        use castline::drift::Unread;
        let told = |why: &Unread| match why {
            Unread::Vanished => "it was gone".to_owned(),
            Unread::Changing => "it changed while it was read".to_owned(),
            Unread::Refused(reason) => reason.clone(),
            _ => "it could not be read".to_owned(),
        };
        self.0.unread.iter().map(|(path, why)| (path.clone(), told(why))).collect()
    }

    /// The paths, in bytes, where other filesystems are mounted: what is below them is not in the tree.
    #[getter]
    fn mounts(&self) -> Vec<std::borrow::Cow<'_, [u8]>> {
        self.0.mounts.iter().map(|path| path.as_slice().into()).collect()
    }

    /// Bytes of files that were read.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    fn __repr__(&self) -> String {
        format!("<castline.Scan {} entries>", self.0.rootfs.len())
    }
}

json::record_class! {
    /// How what runs differs from what was shipped. Iterates over its findings.
    DriftReport(castline::drift::DriftReport), "drift report", |report| {
        let verdict = match (report.drifted, report.complete) {
            (true, _) => "drifted",
            (false, false) => "incomplete",
            (false, true) => "clean",
        };
        format!("{verdict}, {} findings", report.findings.len())
    }, {
        /// Whether something was added, removed, modified or mounted over, with severity critical or warning.
        #[getter]
        fn drifted(&self) -> bool {
            self.0.drifted
        }

        /// Whether everything was read.
        #[getter]
        fn complete(&self) -> bool {
            self.0.complete
        }

        /// Whether nothing drifted, and everything was read.
        #[getter]
        fn clean(&self) -> bool {
            self.0.is_clean()
        }

        /// What was found, as dictionaries.
        #[getter]
        fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            json::to_python(py, &self.0.findings)
        }

        fn __len__(&self) -> usize {
            self.0.findings.len()
        }

        fn __bool__(&self) -> PyResult<bool> {
            Err(pyo3::exceptions::PyTypeError::new_err("say what you mean: .drifted or .clean"))
        }

        fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
            self.findings(py)?.try_iter()
        }

        /// For notebooks.
        fn _repr_html_(&self) -> String {
            let rows = self.0.findings.iter().map(|finding| {
                [finding.severity.name().into(), finding.code.name().into(), finding.path.as_str().into()]
            });
            html::table(&self.__repr__(), rows)
        }
    }
}

/// Reads a root filesystem as it is: a folder, or `/proc/PID/root`. Linux only.
#[pyfunction]
#[pyo3(signature = (root, *, progress = None, cancel = None))]
pub(crate) fn scan(
    py: Python<'_>,
    root: PathBuf,
    progress: Option<Py<PyAny>>,
    cancel: Option<&Cancel>,
) -> PyResult<Scan> {
    work::run(py, progress.as_ref(), cancel, |watch| {
        #[cfg(target_os = "linux")]
        return Ok(Scan(castline::sources::scan(&root, &castline::sources::ScanOptions::default(), watch)?));
        #[cfg(not(target_os = "linux"))]
        return Err(work::Failure::Other(
            "UNSUPPORTED",
            format!("{} is not scanned: Linux only", root.display()),
        ));
    })
}

arguments::one_of! {
    /// What was found.
    pub(crate) enum Actual as Found, "a Scan or a Rootfs" {
        Scan(Scan),
        Rootfs(Rootfs),
    }
}

/// How what was found differs from what was shipped. `profile` is `docker`, `podman`, `kubernetes` or `none`; `ignore` has
/// patterns for paths, `mounts` paths that something is mounted over on purpose.
#[pyfunction]
#[pyo3(signature = (shipped, actual, *, profile = None, ignore = Vec::new(), mounts = Vec::new(), mtime = false))]
pub(crate) fn compare(
    py: Python<'_>,
    shipped: &Rootfs,
    actual: Actual,
    profile: Option<&str>,
    ignore: Vec<String>,
    mounts: Vec<PathBuf>,
    mtime: bool,
) -> PyResult<DriftReport> {
    let mut options = Comparison::default().with_mtime(mtime);
    if let Some(name) = profile {
        let profile = castline::drift::Profile::named(name);
        let unknown = || {
            PyValueError::new_err(format!("`{name}` is no profile: docker, podman, kubernetes, local, none"))
        };
        options = options.with_profile(profile.ok_or_else(unknown)?);
    }
    for glob in ignore {
        options = options.with_ignored(glob.parse::<castline::drift::Glob>().or_raise(py)?);
    }
    for mount in &mounts {
        options = options.with_mount(mount.as_os_str().as_encoded_bytes());
    }
    let scan = match actual.0 {
        Found::Scan(scan) => scan.0,
        Found::Rootfs(rootfs) => castline::drift::Scan::of(rootfs.0),
    };
    work::apart(py, || castline::drift::compare(&shipped.0, &scan, &options)).map(DriftReport)
}
