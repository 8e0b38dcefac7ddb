//! Whether an image is what it claims.

use std::{num::NonZeroUsize, path::PathBuf};

use castline::{Options, Platforms, Verified, Watch, sources::Source};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyIterator};

use crate::{
    arguments,
    drift::Rootfs,
    html, json,
    texts::{Digest, Platform, Reference},
    work::{self, Cancel, Failure},
};

arguments::one_of! {
    /// A reference, or the text of one, or the path of a layout or archive.
    pub(crate) enum Place as Given, "a Reference, its text (str) or a path (os.PathLike)" {
        Reference(Reference),
        Text(String),
        Path(PathBuf),
    }
}

impl Place {
    fn reference(self) -> Result<castline::sources::Reference, Failure> {
        match self.0 {
            Given::Reference(reference) => Ok(reference.0),
            Given::Text(text) => Ok(text.parse()?),
            Given::Path(path) => Ok(castline::sources::Reference::at(&path)?),
        }
    }
}

/// `all`, or a platform.
fn platforms(platform: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Platforms>> {
    let Some(platform) = platform else { return Ok(None) };
    if let Ok(platform) = platform.cast::<Platform>() {
        return Ok(Some(Platforms::One(platform.get().0.clone())));
    }
    let refused = |_| arguments::refused("platform: a Platform, its text (str) or \"all\"", platform);
    let text: String = platform.extract().map_err(refused)?;
    if text == "all" {
        return Ok(Some(Platforms::All));
    }
    let platform = text.parse().map_err(|error| crate::error::raise(platform.py(), &error))?;
    Ok(Some(Platforms::One(platform)))
}

fn options(platform: Option<&Bound<'_, PyAny>>, jobs: Option<usize>) -> PyResult<Options> {
    let mut options = Options::default();
    if let Some(platforms) = platforms(platform)? {
        options = options.with_platforms(platforms);
    }
    if let Some(jobs) = jobs {
        let jobs = NonZeroUsize::new(jobs).ok_or_else(|| PyValueError::new_err("jobs must be at least 1"))?;
        options = options.with_jobs(jobs);
    }
    Ok(options)
}

fn opened(place: Place, options: Options, watch: &Watch<'_>) -> Result<(Source, Options), Failure> {
    let reference = place.reference()?;
    let options = options.with_selection(reference.selection());
    Ok((Source::open_watched(&reference, &options.limits, watch)?, options))
}

/// An image of which every byte was checked and found right.
#[pyclass(frozen, eq, from_py_object, module = "castline")]
#[derive(Clone, Debug)]
pub(crate) struct Image(pub(crate) Verified<castline::Image>);

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.0.identities() == other.0.identities()
    }
}

#[pymethods]
impl Image {
    /// The digest of its manifest.
    #[getter]
    fn digest(&self) -> Digest {
        Digest(self.0.digest().clone())
    }

    /// What it runs on, where that is said.
    #[getter]
    fn platform(&self) -> Option<Platform> {
        self.0.platform().cloned().map(Platform)
    }

    /// The digests that name it in the wild: of its index, manifest and configuration.
    #[getter]
    fn identities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.identities())
    }

    /// The digests of its layers, the lowest first.
    #[getter]
    fn layers(&self) -> Vec<Digest> {
        self.0.layers().iter().map(|layer| Digest(layer.digest.clone())).collect()
    }

    /// The bytes of its manifest.
    #[getter]
    fn manifest(&self) -> &[u8] {
        self.0.raw()
    }

    fn __hash__(&self) -> u64 {
        crate::texts::hashed(self.0.digest())
    }

    // It is not picklable: whoever reads it elsewhere has verified nothing.
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __repr__(&self) -> String {
        let platform = self.0.platform().map_or(String::new(), |platform| format!(" {platform}"));
        format!("<castline.Image {}{platform}>", self.0.digest())
    }
}

json::record_class! {
    /// What a verification found: the same bytes and options give the same report. Iterates over its findings.
    Report(castline::Report), "report", |report| {
        let verdict = match (report.is_intact(), report.is_complete()) {
            (false, _) => "not intact",
            (true, false) => "incomplete",
            (true, true) => "intact",
        };
        format!("{verdict}, {} findings", report.findings.len())
    }, {
        /// Whether there is no finding of level error.
        #[getter]
        fn intact(&self) -> bool {
            self.0.is_intact()
        }

        /// Whether it is intact and nothing that was asked for was left unchecked.
        #[getter]
        fn complete(&self) -> bool {
            self.0.is_complete()
        }

        /// What was found, as dictionaries with `code`, `level`, `message` and where it is.
        #[getter]
        fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            json::to_python(py, &self.0.findings)
        }

        /// The images that were checked, as dictionaries.
        #[getter]
        fn images<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            json::to_python(py, &self.0.images)
        }

        /// Bytes that were read and hashed, as stored.
        #[getter]
        fn bytes(&self) -> u64 {
            self.0.bytes
        }

        /// Blobs that were read, each once.
        #[getter]
        fn blobs(&self) -> u64 {
            self.0.blobs
        }

        fn __len__(&self) -> usize {
            self.0.findings.len()
        }

        fn __bool__(&self) -> PyResult<bool> {
            Err(pyo3::exceptions::PyTypeError::new_err("say what you mean: .intact or .complete"))
        }

        fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
            self.findings(py)?.try_iter()
        }

        /// For notebooks.
        fn _repr_html_(&self) -> String {
            let rows = self.0.findings.iter().map(|finding| {
                [finding.level.name().into(), finding.code.name().into(), finding.message.as_str().into()]
            });
            html::table(&self.__repr__(), rows)
        }
    }
}

/// What a verification yields: the report, and the images that may run.
#[pyclass(frozen, module = "castline")]
#[derive(Debug)]
pub(crate) struct Verification(castline::Verification);

#[pymethods]
impl Verification {
    /// What was found.
    #[getter]
    fn report(&self) -> Report {
        Report(self.0.report.clone())
    }

    /// The images of which every byte was checked and found right: the only ones that may run.
    #[getter]
    fn images(&self) -> Vec<Image> {
        self.0.images.iter().cloned().map(Image).collect()
    }

    fn __repr__(&self) -> String {
        format!(
            "<castline.Verification of {} images, {} may run>",
            self.0.report.images.len(),
            self.0.images.len()
        )
    }
}

/// Verifies the images that `image` names. Whatever is wrong with them is in the report; what is raised is that they could not
/// be looked at.
#[pyfunction]
#[pyo3(signature = (image, *, platform = None, unreferenced = false, jobs = None, progress = None, cancel = None))]
pub(crate) fn verify(
    py: Python<'_>,
    image: Place,
    platform: Option<&Bound<'_, PyAny>>,
    unreferenced: bool,
    jobs: Option<usize>,
    progress: Option<Py<PyAny>>,
    cancel: Option<&Cancel>,
) -> PyResult<Verification> {
    let options = options(platform, jobs)?.with_unreferenced(unreferenced);
    work::run(py, progress.as_ref(), cancel, |watch| {
        let (source, options) = opened(image, options, watch)?;
        Ok(Verification(castline::verify(&source, &options, watch)?))
    })
}

/// What `image` says that it holds: images, platforms, layers, names. Reads the documents and no layer.
#[pyfunction]
#[pyo3(signature = (image, *, platform = None, cancel = None))]
pub(crate) fn inspect<'py>(
    py: Python<'py>,
    image: Place,
    platform: Option<&Bound<'py, PyAny>>,
    cancel: Option<&Cancel>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options(platform, None)?;
    let inspection = work::run(py, None, cancel, |watch| {
        let (source, options) = opened(image, options, watch)?;
        Ok(castline::inspect(&source, &options, watch)?)
    })?;
    json::to_python(py, &inspection)
}

/// The files of the one image that `image` names, verified on the way.
#[pyfunction]
#[pyo3(signature = (image, *, platform = None, jobs = None, progress = None, cancel = None))]
pub(crate) fn tree(
    py: Python<'_>,
    image: Place,
    platform: Option<&Bound<'_, PyAny>>,
    jobs: Option<usize>,
    progress: Option<Py<PyAny>>,
    cancel: Option<&Cancel>,
) -> PyResult<Rootfs> {
    let options = options(platform, jobs)?;
    work::run(py, progress.as_ref(), cancel, |watch| {
        let (source, options) = opened(image, options, watch)?;
        castline::tree(&source, &options, watch)?.map(Rootfs).map_err(Failure::NotIntact)
    })
}
