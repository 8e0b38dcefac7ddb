//! Whether an image is what it claims.

use std::{num::NonZeroUsize, path::PathBuf};

use castline::{
    Image, Options, Platforms, Verified,
    sources::{Reference, Source},
};
use napi::bindgen_prelude::{BigInt, Env, Object, Uint8Array};
use napi_derive::napi;
use serde::Deserialize;

use crate::{
    drift::Rootfs,
    error::{OrThrow as _, Result, of_code},
    work::{Watch, bytes, job, json, value},
};

/// An image of which every byte was checked and found right.
#[napi]
#[derive(Clone, Debug)]
pub struct VerifiedImage(pub(crate) Verified<Image>);

#[napi]
impl VerifiedImage {
    /// What it is, as JSON: `digest`, `platform`, `identities`, `layers`.
    #[napi(catch_unwind)]
    pub fn json(&self) -> Result<String> {
        json(&serde_json::json!({
            "digest": self.0.digest(),
            "platform": self.0.platform().map(ToString::to_string),
            "identities": self.0.identities(),
            "layers": self.0.layers().iter().map(|layer| &layer.digest).collect::<Vec<_>>(),
        }))
    }

    /// The bytes of its manifest.
    #[napi(catch_unwind)]
    pub fn manifest(&self) -> Uint8Array {
        bytes(self.0.raw().to_vec())
    }
}

/// What a verification yields.
#[napi]
#[derive(Debug)]
pub struct Verification(castline::Verification);

#[napi]
impl Verification {
    /// The report, as JSON.
    #[napi(catch_unwind)]
    pub fn report(&self) -> Result<String> {
        json(&self.0.report)
    }

    /// Bytes that were read: all digits of them.
    #[napi(catch_unwind)]
    pub fn bytes(&self) -> BigInt {
        self.0.report.bytes.into()
    }

    /// The images that may run.
    #[napi(catch_unwind)]
    pub fn images(&self) -> Vec<VerifiedImage> {
        self.0.images.iter().cloned().map(VerifiedImage).collect()
    }
}

/// What the documents of a source say.
#[napi]
#[derive(Debug)]
pub struct Inspection(castline::Inspection);

#[napi]
impl Inspection {
    /// All of it, as JSON.
    #[napi(catch_unwind)]
    pub fn json(&self) -> Result<String> {
        json(&self.0)
    }

    /// The size of each image, and after it of those of its layers that state one: all digits of them.
    #[napi(catch_unwind)]
    pub fn sizes(&self) -> Vec<BigInt> {
        let images = self.0.images.iter();
        let sizes = images.flat_map(|image| {
            [image.size].into_iter().chain(image.layers.iter().filter_map(|layer| layer.size))
        });
        sizes.map(BigInt::from).collect()
    }
}

/// What is asked for: an image, by reference or path, and how.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    reference: Option<String>,
    path: Option<PathBuf>,
    platform: Option<String>,
    #[serde(default)]
    unreferenced: bool,
    jobs: Option<usize>,
}

impl Wanted {
    fn of(json: &str) -> Result<Self> {
        value("options", json)
    }

    /// Opens the image, and says what of it is meant.
    fn open(self, watch: &castline::Watch<'_>) -> Result<(Source, Options)> {
        let reference = match (self.reference, self.path) {
            (Some(text), _) => text.parse::<Reference>().or_throw()?,
            (None, path) => Reference::at(&path.unwrap_or_default()).or_throw()?,
        };
        let mut options =
            Options::default().with_unreferenced(self.unreferenced).with_selection(reference.selection());
        if let Some(platform) = self.platform {
            let platforms = match &*platform {
                "all" => Platforms::All,
                one => Platforms::One(one.parse().or_throw()?),
            };
            options = options.with_platforms(platforms);
        }
        if let Some(jobs) = self.jobs {
            let jobs = NonZeroUsize::new(jobs).ok_or_else(|| of_code("RANGE", "jobs must be at least 1"))?;
            options = options.with_jobs(jobs);
        }
        let source = Source::open_watched(&reference, &options.limits, watch).or_throw()?;
        Ok((source, options))
    }
}

/// Verifies the images that are asked for.
#[napi(catch_unwind)]
pub fn verify<'env>(env: &'env Env, wanted: String, watch: &Watch) -> Result<Object<'env>> {
    let wanted = Wanted::of(&wanted)?;
    job(env, watch, move |watch| {
        watch.over(|watch| {
            let (source, options) = wanted.open(watch)?;
            castline::verify(&source, &options, watch).map(Verification).or_throw()
        })
    })
}

/// What is there: images, platforms, layers, names. Reads the documents and no layer.
#[napi(catch_unwind)]
pub fn inspect<'env>(env: &'env Env, wanted: String, watch: &Watch) -> Result<Object<'env>> {
    let wanted = Wanted::of(&wanted)?;
    job(env, watch, move |watch| {
        watch.over(|watch| {
            let (source, options) = wanted.open(watch)?;
            castline::inspect(&source, &options, watch).map(Inspection).or_throw()
        })
    })
}

/// The files of the one image that is asked for, verified on the way.
#[napi(catch_unwind)]
pub fn tree<'env>(env: &'env Env, wanted: String, watch: &Watch) -> Result<Object<'env>> {
    let wanted = Wanted::of(&wanted)?;
    job(env, watch, move |watch| {
        watch.over(|watch| {
            let (source, options) = wanted.open(watch)?;
            castline::tree(&source, &options, watch).or_throw()?.map(Rootfs).or_throw()
        })
    })
}
