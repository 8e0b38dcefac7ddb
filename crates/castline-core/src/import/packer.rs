//! What Packer's post-processor `manifest` writes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    invalid,
    notes::Notes,
    read::{self, At, Reason},
};
use crate::{ProviderImage, Result, Time, shown};

/// Which images to take of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackerOptions {
    /// Those in this region only.
    pub region: Option<String>,
    /// Those of the build of this name only.
    pub build: Option<String>,
    /// Those of this run only; by default, the last one.
    pub run: Option<String>,
}

impl PackerOptions {
    /// The same for this region only.
    #[must_use]
    pub fn with_region(self, region: impl Into<String>) -> Self {
        Self { region: Some(region.into()), ..self }
    }

    /// The same for the build of this name only.
    #[must_use]
    pub fn with_build(self, build: impl Into<String>) -> Self {
        Self { build: Some(build.into()), ..self }
    }

    /// The same for this run, which need not be the last.
    #[must_use]
    pub fn with_run(self, run: impl Into<String>) -> Self {
        Self { run: Some(run.into()), ..self }
    }
}

/// The images of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PackerImages {
    /// One for each build and region, sorted by provider and name.
    pub images: Vec<ProviderImage>,
    /// What was not taken over, and why.
    pub notes: Vec<String>,
}

impl PackerImages {
    /// The only image.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) where there is none or more than one, with what tells
    /// them apart.
    pub fn only(self) -> Result<ProviderImage> {
        const WHAT: &str = "source of one image";
        match <[ProviderImage; 1]>::try_from(self.images) {
            Ok([image]) => Ok(image),
            Err(images) if images.is_empty() => Err(invalid(WHAT, "nothing of what was built is asked for")),
            Err(images) => {
                let one = |image: &ProviderImage| {
                    let of = |key| image.provenance.get(key).map_or("", String::as_str);
                    format!(
                        "`{}` (build `{}`, region `{}`)",
                        shown(&image.id),
                        shown(of("build")),
                        shown(of("region"))
                    )
                };
                let some: Vec<_> = images.iter().take(10).map(one).collect();
                Err(invalid(WHAT, &format!("it has {}: {}", images.len(), some.join(", "))))
            }
        }
    }
}

/// Providers' images out of the manifest that Packer writes: those of its last run.
///
/// Amazon's builders give one image for each region. The provenance has `builder`, `build`, `run`, `builtAt`, `region`, and
/// what the template adds as `custom.KEY`.
///
/// ```
/// use castline_core::import::{self, PackerOptions};
///
/// let manifest = br#"{
///     "builds": [{
///         "name": "web", "builder_type": "amazon-ebs", "build_time": 1763938200, "files": null,
///         "artifact_id": "eu-west-1:ami-0abcdef1234567890,us-east-1:ami-0fedcba9876543210",
///         "packer_run_uuid": "6d5d3185-fa95-44e1-8775-9e64fe2e2d8f", "custom_data": {"commit": "9fceb02"}
///     }],
///     "last_run_uuid": "6d5d3185-fa95-44e1-8775-9e64fe2e2d8f"
/// }"#;
/// let image = import::packer(manifest, &PackerOptions::default().with_region("eu-west-1"))?.only()?;
/// assert_eq!((&*image.provider, &*image.id), ("aws", "ami-0abcdef1234567890"));
/// assert_eq!(image.provenance["custom.commit"], "9fceb02");
/// # Ok::<(), castline_core::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for what is no such manifest, with the place.
pub fn packer(manifest: &[u8], options: &PackerOptions) -> Result<PackerImages> {
    import(manifest, options).map_err(|reason| invalid("manifest of Packer", &reason))
}

fn import(manifest: &[u8], options: &PackerOptions) -> Result<PackerImages, Reason> {
    let documents = read::documents(&[manifest])?;
    let mut notes = Notes::default();
    let mut images = Vec::new();
    for (place, document) in &documents {
        let at = At::root(place, document).as_object()?;
        let run = match &options.run {
            Some(run) => run,
            None => at.required("last_run_uuid")?,
        };
        if at.member("builds").is_none() {
            return Err(at.fault("there is no `builds`"));
        }
        let mut found = false;
        for item in at.items("builds")? {
            let at = item.at().as_object()?;
            if at.text("packer_run_uuid")? == Some(run) {
                found = true;
                images.extend(build(&at, options, &mut notes)?);
            }
        }
        if !found {
            return Err(at.fault(format_args!("`builds` has none of the run `{}`", shown(run))));
        }
    }
    images.sort_by(|one, other| {
        (&one.provider, &one.id, &one.provenance).cmp(&(&other.provider, &other.id, &other.provenance))
    });
    // A template with two lists of post-processors writes each build twice.
    images.dedup();
    Ok(PackerImages { images, notes: notes.into_sentences() })
}

fn build(at: &At<'_, '_>, options: &PackerOptions, notes: &mut Notes) -> Result<Vec<ProviderImage>, Reason> {
    let builder = at.required("builder_type")?;
    let name = at.text("name")?.unwrap_or(builder);
    if options.build.as_ref().is_some_and(|only| only != name) {
        return Ok(Vec::new());
    }
    let artifact = at.text("artifact_id")?;
    let provider = match builder {
        "amazon-ebs" | "amazon-ebssurrogate" | "amazon-chroot" | "amazon-instance" => "aws",
        "googlecompute" => "gce",
        "azure-arm" | "azure-chroot" | "azure-dtl" => "azure",
        "docker" | "podman" | "amazon-ebsvolume" | "null" | "file" => {
            notes.of(format!("builds by `{builder}` are no provider's images, and are left out"), name);
            return Ok(Vec::new());
        }
        other => other,
    };
    let Some(artifact) = artifact else {
        notes.of("it has no artifact, and is left out", name);
        return Ok(Vec::new());
    };
    let mut provenance = provenance(at, builder, name)?;
    if provider != "aws" {
        if options.region.is_some() {
            notes.of("it is in no region that it names, and is left out", name);
            return Ok(Vec::new());
        }
        return Ok(vec![ProviderImage { provider: provider.into(), id: artifact.into(), provenance }]);
    }
    let mut regions: BTreeMap<&str, &str> = BTreeMap::new();
    for part in artifact.split(',') {
        let pair = part.trim().split_once(':').filter(|(region, id)| !region.is_empty() && is_ami(id));
        let Some((region, id)) = pair else {
            let part = shown(part);
            return Err(at.fault(format_args!("`artifact_id` has `{part}`, which is not `REGION:ami-…`")));
        };
        if regions.insert(region, id).is_some_and(|first| first != id) {
            return Err(at.fault(format_args!("`artifact_id` has two images in `{}`", shown(region))));
        }
    }
    let wanted = |region: &str| options.region.as_ref().is_none_or(|only| only == region);
    let images = regions.into_iter().filter(|(region, _)| wanted(region)).map(|(region, id)| {
        provenance.insert("region".into(), region.into());
        ProviderImage { provider: provider.into(), id: id.into(), provenance: provenance.clone() }
    });
    Ok(images.collect())
}

fn provenance(at: &At<'_, '_>, builder: &str, name: &str) -> Result<BTreeMap<String, String>, Reason> {
    let mut provenance = BTreeMap::from([
        ("tool".to_owned(), "packer".to_owned()),
        ("builder".to_owned(), builder.to_owned()),
        ("build".to_owned(), name.to_owned()),
    ]);
    provenance.insert("run".into(), at.required("packer_run_uuid")?.into());
    // 0 where the template asks for no times.
    if let Some(seconds) = at.integer("build_time")?.filter(|seconds| *seconds != 0) {
        let time = Time::try_from_millis(seconds.saturating_mul(1000));
        let time =
            time.map_err(|error| at.member("build_time").map_or_else(String::new, |at| at.fault(error)))?;
        provenance.insert("builtAt".into(), time.to_string());
    }
    for (key, value) in at.texts("custom_data")? {
        provenance.insert(format!("custom.{key}"), value);
    }
    Ok(provenance)
}

fn is_ami(id: &str) -> bool {
    id.strip_prefix("ami-")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
