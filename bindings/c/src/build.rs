//! Images, out of a description.

use std::{
    ffi::{OsStr, c_char, c_void},
    num::NonZeroUsize,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use castline::Compression;
use serde::Deserialize;

use crate::{
    boundary::making,
    bytes::{self, castline_bytes},
    error::{Failure, Result, castline_error},
    input,
    status::castline_status,
    work::{castline_cancel, castline_on_progress, watched},
};

/// How it is built: what is said here, and not in the description.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manner {
    /// That the description is the path of a file.
    #[serde(default)]
    is_path: bool,
    #[serde(default)]
    folder: PathBuf,
    created: Option<castline::Time>,
    compression: Option<Form>,
    jobs: Option<usize>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Form {
    Gzip,
    Zstd,
    None,
}

impl From<Form> for Compression {
    fn from(form: Form) -> Self {
        match form {
            Form::Gzip => Self::Gzip,
            Form::Zstd => Self::Zstd,
            Form::None => Self::None,
        }
    }
}

impl Manner {
    #[cfg(target_os = "linux")]
    fn build(self, description: &[u8], to: &str, watch: &castline::Watch<'_>) -> Result<Vec<u8>> {
        use castline::sources::{BuildFile, Reference};

        let to: Reference = to.parse()?;
        let mut file = if self.is_path {
            BuildFile::read(Path::new(OsStr::from_bytes(description)))?
        } else {
            BuildFile::from_json(description, &self.folder)?
        };
        if let Some(created) = self.created {
            file = file.with_created(created);
        }
        if let Some(form) = self.compression {
            file = file.with_compression(form.into());
        }
        if let Some(jobs) = self.jobs {
            let jobs = NonZeroUsize::new(jobs).ok_or_else(|| Failure::range("jobs must be at least 1"))?;
            file = file.with_jobs(jobs);
        }
        bytes::json(&file.build_to(&to, watch)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn build(self, _: &[u8], _: &str, _: &castline::Watch<'_>) -> Result<Vec<u8>> {
        Err(Failure::new(crate::status::CASTLINE_UNSUPPORTED, "images are built on Linux only"))
    }
}

/// Builds an image and stores it in `to`, an OCI layout (`oci:DIR:TAG`) or archive (`oci-archive:FILE`). The same inputs
/// give the same bytes, on any number of cores and in every language. `description` has the members of a description in
/// TOML, as JSON. `options` is NULL or JSON with any of `isPath` (true: `description` is the path of a file in TOML),
/// `folder` (what its paths are relative to, if it is JSON), `created` (RFC 3339), `compression` (`"gzip"`, `"zstd"` or
/// `"none"`), `jobs` (threads). Nothing reads a clock: what is created is created in 1970 where nothing else is said.
/// `built_out` gets what was built as JSON. Linux only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_build(
    description: *const c_char,
    description_length: usize,
    to: *const c_char,
    options: *const c_char,
    cancel: *const castline_cancel,
    on_progress: castline_on_progress,
    context: *mut c_void,
    built_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(built_out, error_out, || {
            let description = input::bytes(description, description_length, "description")?;
            let (to, manner) = (input::text(to, "to")?, input::options::<Manner>(options)?);
            watched(cancel, on_progress, context, |watch| manner.build(description, to, watch))
        })
    }
}
