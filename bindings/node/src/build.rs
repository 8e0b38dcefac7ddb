//! Images, out of a description.

use std::{num::NonZeroUsize, path::PathBuf};

use castline::{
    Compression, Time,
    sources::{BuildFile, Built, Reference},
};
use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;
use serde::Deserialize;

use crate::{
    error::{OrThrow as _, Result, of_code},
    work::{Watch, job, json, value},
};

/// What is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    /// The description's file, or its own members as JSON, and what its paths are relative to.
    file: Option<PathBuf>,
    #[serde(default)]
    members: String,
    #[serde(default)]
    folder: PathBuf,
    to: String,
    created: Option<String>,
    compression: Option<String>,
    jobs: Option<usize>,
}

impl Wanted {
    fn build(self, watch: &castline::Watch<'_>) -> Result<Built> {
        let to: Reference = self.to.parse().or_throw()?;
        let mut file = match &self.file {
            Some(path) => BuildFile::read(path).or_throw()?,
            None => BuildFile::from_json(self.members.as_bytes(), &self.folder).or_throw()?,
        };
        if let Some(created) = self.created {
            file = file.with_created(created.parse::<Time>().or_throw()?);
        }
        if let Some(name) = self.compression {
            file = file.with_compression(match &*name {
                "gzip" => Compression::Gzip,
                "zstd" => Compression::Zstd,
                "none" => Compression::None,
                _ => return Err(of_code("RANGE", "compression must be `gzip`, `zstd` or `none`")),
            });
        }
        if let Some(jobs) = self.jobs {
            let jobs = NonZeroUsize::new(jobs).ok_or_else(|| of_code("RANGE", "jobs must be at least 1"))?;
            file = file.with_jobs(jobs);
        }
        file.build_to(&to, watch).or_throw()
    }
}

/// Builds what is asked for: what was built, as JSON.
#[napi(catch_unwind)]
pub fn build<'env>(env: &'env Env, wanted: String, watch: &Watch) -> Result<Object<'env>> {
    let wanted: Wanted = value("options", &wanted)?;
    job(env, watch, move |watch| watch.over(|watch| json(&wanted.build(watch)?)))
}
