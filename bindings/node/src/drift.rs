//! Whether what runs is what was shipped.

use castline::drift::{Comparison, Glob, Profile};
use napi::bindgen_prelude::{BigInt, Env, Object, Uint8Array};
use napi_derive::napi;
use serde::Deserialize;

use crate::{
    document::{Text, raw},
    error::{OrThrow as _, Result, of_code},
    work::{Watch, bytes, job, json, value},
};

/// A tree of files, as an image has it or as it was found.
#[napi]
#[derive(Clone, Debug)]
pub struct Rootfs(pub(crate) castline::Rootfs);

#[napi]
impl Rootfs {
    /// Reads it from JSON lines.
    #[napi(factory, catch_unwind)]
    pub fn from_json_lines(lines: Text) -> Result<Self> {
        castline::Rootfs::read_json_lines(&mut raw(&lines))
            .map(Self)
            .map_err(|reason| of_code("INVALID_DOCUMENT", format!("tree: {reason}")))
    }

    /// JSON lines, one for each entry, in the order of the paths; or mtree(5).
    #[napi(catch_unwind)]
    pub fn lines(&self, mtree: bool) -> Result<Uint8Array> {
        let mut lines = Vec::new();
        let written =
            if mtree { self.0.write_mtree(&mut lines) } else { self.0.write_json_lines(&mut lines) };
        written.map_err(|reason| of_code("IO", reason.to_string()))?;
        Ok(bytes(lines))
    }

    /// How many entries it has.
    #[napi(catch_unwind)]
    pub fn length(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Whether both are the same.
    #[napi(catch_unwind)]
    pub fn equals(&self, other: &Rootfs) -> bool {
        self.0 == other.0
    }
}

/// What a scan found.
#[napi]
#[derive(Clone, Debug)]
pub struct Scan(castline::drift::Scan);

#[napi]
impl Scan {
    /// A scan that found this tree, and read all of it.
    #[napi(factory, catch_unwind)]
    pub fn of(rootfs: &Rootfs) -> Self {
        Self(castline::drift::Scan::of(rootfs.0.clone()))
    }

    /// The tree that was found.
    #[napi(catch_unwind)]
    pub fn rootfs(&self) -> Rootfs {
        Rootfs(self.0.rootfs.clone())
    }
}

/// Reads a root filesystem as it is. Linux only, as this package is.
#[cfg(target_os = "linux")]
#[napi(catch_unwind)]
pub fn scan<'env>(env: &'env Env, root: String, watch: &Watch) -> Result<Object<'env>> {
    job(env, watch, move |watch| {
        watch.over(|watch| {
            let options = castline::sources::ScanOptions::default();
            castline::sources::scan(root.as_ref(), &options, watch).map(Scan).or_throw()
        })
    })
}

/// How to compare.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manner {
    profile: Option<String>,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    mounts: Vec<String>,
    #[serde(default)]
    mtime: bool,
}

/// How what was found differs from what was shipped.
#[napi]
#[derive(Debug)]
pub struct Drift(castline::drift::DriftReport);

#[napi]
impl Drift {
    /// The report, as JSON.
    #[napi(catch_unwind)]
    pub fn json(&self) -> Result<String> {
        json(&self.0)
    }

    /// Bytes that the scan read: all digits of them.
    #[napi(catch_unwind)]
    pub fn bytes(&self) -> BigInt {
        self.0.bytes.into()
    }
}

/// Compares what was found with what was shipped.
#[napi(catch_unwind)]
pub fn compare<'env>(
    env: &'env Env,
    shipped: &Rootfs,
    actual: &Scan,
    manner: String,
    watch: &Watch,
) -> Result<Object<'env>> {
    let manner: Manner = value("options", &manner)?;
    let mut options = Comparison::default().with_mtime(manner.mtime);
    if let Some(name) = manner.profile {
        let profile = Profile::named(&name);
        let unknown =
            || of_code("RANGE", format!("`{name}` is no profile: docker, podman, kubernetes, local, none"));
        options = options.with_profile(profile.ok_or_else(unknown)?);
    }
    for glob in manner.ignore {
        options = options.with_ignored(glob.parse::<Glob>().or_throw()?);
    }
    for mount in &manner.mounts {
        options = options.with_mount(mount.as_bytes());
    }
    let (shipped, actual) = (shipped.0.clone(), actual.0.clone());
    job(env, watch, move |_| Ok(Drift(castline::drift::compare(&shipped, &actual, &options))))
}
