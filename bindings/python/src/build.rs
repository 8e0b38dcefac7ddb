//! Images, out of a description.

use std::{num::NonZeroUsize, path::PathBuf};

use castline::Compression;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyMapping};

use crate::{
    arguments, json,
    texts::{Reference, Time},
    work::{self, Cancel, Failure},
};

/// A description: its own members, or the file in TOML that has them.
enum Description {
    Members(String),
    File(PathBuf),
}

arguments::one_of! {
    /// Where an image goes: a reference, or the text of one.
    pub(crate) enum Place as GivenPlace, "a Reference or its text (str)" {
        Reference(Reference),
        Text(String),
    }
}

arguments::one_of! {
    /// A moment, or the text of one.
    pub(crate) enum Moment as GivenMoment, "a Time or its text (str)" {
        Time(Time),
        Text(String),
    }
}

/// What is said in the call, and not in the description.
struct Manner {
    created: Option<castline::Time>,
    compression: Option<Compression>,
    jobs: Option<NonZeroUsize>,
}

fn compression(name: &str) -> PyResult<Compression> {
    match name {
        "gzip" => Ok(Compression::Gzip),
        "zstd" => Ok(Compression::Zstd),
        "none" => Ok(Compression::None),
        _ => Err(PyValueError::new_err("compression must be `gzip`, `zstd` or `none`")),
    }
}

/// Builds the image that `description` describes, and stores it in `to`: an OCI layout (`oci:DIR:TAG`) or archive (`oci-archive:FILE`).
/// The same inputs give the same bytes, on any number of cores and in every language. `description` is the path of a file in TOML,
/// or its members as a dictionary, whose paths are relative to `folder`. Nothing reads a clock: `created` is 1970 unless it is
/// said. Answers with what was built, as `castline build --json` prints it. Linux only.
#[pyfunction]
#[pyo3(signature = (
    description, to, *, folder = None, created = None, compression = None, jobs = None, progress = None, cancel = None
))]
#[expect(clippy::too_many_arguments, reason = "they are keywords")]
pub(crate) fn build<'py>(
    py: Python<'py>,
    description: &Bound<'py, PyAny>,
    to: Place,
    folder: Option<PathBuf>,
    created: Option<Moment>,
    compression: Option<&str>,
    jobs: Option<usize>,
    progress: Option<Py<PyAny>>,
    cancel: Option<&Cancel>,
) -> PyResult<Bound<'py, PyAny>> {
    let description = if description.cast::<PyMapping>().is_ok() {
        Description::Members(json::of_python(description)?)
    } else {
        if folder.is_some() {
            return Err(PyValueError::new_err(
                "a file's paths are relative to its own folder: leave `folder` out",
            ));
        }
        let expected = "a mapping, or the path of a description (str or os.PathLike)";
        Description::File(description.extract().map_err(|_| arguments::refused(expected, description))?)
    };
    let to = match to.0 {
        GivenPlace::Reference(reference) => reference.0,
        GivenPlace::Text(text) => text.parse().map_err(|error| crate::error::raise_source(py, &error))?,
    };
    let created = match created.map(|created| created.0) {
        Some(GivenMoment::Time(time)) => Some(time.0),
        Some(GivenMoment::Text(text)) => Some(text.parse().map_err(|error| crate::error::raise(py, &error))?),
        None => None,
    };
    let none = || PyValueError::new_err("jobs must be at least 1");
    let jobs = jobs.map(|jobs| NonZeroUsize::new(jobs).ok_or_else(none)).transpose()?;
    let manner = Manner { created, compression: compression.map(self::compression).transpose()?, jobs };
    let folder = folder.unwrap_or_default();
    let built =
        work::run(py, progress.as_ref(), cancel, |watch| built(description, &folder, &to, manner, watch))?;
    json::to_python(py, &built)
}

#[cfg(target_os = "linux")]
fn built(
    description: Description,
    folder: &std::path::Path,
    to: &castline::sources::Reference,
    manner: Manner,
    watch: &castline::Watch<'_>,
) -> Result<castline::sources::Built, Failure> {
    use castline::sources::BuildFile;

    let mut file = match description {
        Description::Members(json) => BuildFile::from_json(json.as_bytes(), folder)?,
        Description::File(path) => BuildFile::read(&path)?,
    };
    if let Some(created) = manner.created {
        file = file.with_created(created);
    }
    if let Some(compression) = manner.compression {
        file = file.with_compression(compression);
    }
    if let Some(jobs) = manner.jobs {
        file = file.with_jobs(jobs);
    }
    Ok(file.build_to(to, watch)?)
}

#[cfg(not(target_os = "linux"))]
fn built(
    _: Description,
    _: &std::path::Path,
    _: &castline::sources::Reference,
    _: Manner,
    _: &castline::Watch<'_>,
) -> Result<serde_json::Value, Failure> {
    Err(Failure::Other("UNSUPPORTED", "images are built on Linux only".into()))
}
