use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    Digest, Document, Error, Identities, Image, Platform, Result, Verified,
    canonical::invalid,
    drift::{Identification, InstanceSpec, identify},
    error::shown,
    fleet::Instance,
};

/// What should run: a service, its verified image, how many copies, and how each is run.
///
/// A release is made from a [`Verified`] image, or from a provider's image with what is known of where it came from. One
/// that is read from a document is as good as that document: compare its digest with the one that was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    service: Arc<str>,
    image: ReleaseImage,
    replicas: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    spec: InstanceSpec,
}

/// The image of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum ReleaseImage {
    /// One whose every byte was checked.
    #[non_exhaustive]
    Verified {
        /// The digests that name it in the wild.
        identities: Identities,
        /// What it runs on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        platform: Option<Platform>,
        /// Why it was taken on trust, where castline did not verify it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assumed: Option<Box<str>>,
    },
    /// One that only its provider has, such as an AMI.
    Provider(ProviderImage),
}

/// An image that only its provider has: it can be named, not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderImage {
    /// Who has it, e.g. `aws`, `gce`.
    pub provider: String,
    /// Its name there, which never means another image, e.g. `ami-0abcdef1234567890`.
    pub id: String,
    /// Where it came from: builder, build, source, template. Must not be empty.
    #[serde(deserialize_with = "crate::unique::map")]
    pub provenance: BTreeMap<String, String>,
}

impl Release {
    /// So many copies of a verified image, run as the image says.
    pub fn new(service: impl Into<Arc<str>>, image: &Verified<Image>, replicas: u64) -> Self {
        let assumed = image.assumed().map(Into::into);
        let image = ReleaseImage::Verified {
            identities: image.identities(),
            platform: image.platform().cloned(),
            assumed,
        };
        Self { service: service.into(), image, replicas, spec: InstanceSpec::default() }
    }

    /// So many copies of a provider's image.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`] for an image without a name or without provenance.
    pub fn of_provider_image(
        service: impl Into<Arc<str>>,
        image: ProviderImage,
        replicas: u64,
    ) -> Result<Self> {
        let image = ReleaseImage::Provider(image);
        Self { service: service.into(), image, replicas, spec: InstanceSpec::default() }.checked()
    }

    /// The same, if it is one that can be read again: [`Self::new`] and [`Self::with_replicas`] take any number of copies, and any name.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument), as where it is read.
    pub fn checked(self) -> Result<Self> {
        match self.validate() {
            Ok(()) => Ok(self),
            Err(reason) => Err(invalid(Self::KIND, reason)),
        }
    }

    /// The same, run so.
    #[must_use]
    pub fn with_spec(self, spec: InstanceSpec) -> Self {
        Self { spec, ..self }
    }

    /// The same with so many copies: another release of the same revision.
    #[must_use]
    pub fn with_replicas(self, replicas: u64) -> Self {
        Self { replicas, ..self }
    }

    /// The same for another service.
    #[must_use]
    pub fn with_service(self, service: impl Into<Arc<str>>) -> Self {
        Self { service: service.into(), ..self }
    }

    /// The service.
    pub fn service(&self) -> &Arc<str> {
        &self.service
    }

    /// Its image.
    pub fn image(&self) -> &ReleaseImage {
        &self.image
    }

    /// How many copies.
    pub fn replicas(&self) -> u64 {
        self.replicas
    }

    /// How each copy is run.
    pub fn spec(&self) -> &InstanceSpec {
        &self.spec
    }

    /// What an instance of it is: everything but the number of copies. Drivers label instances with it.
    ///
    /// # Panics
    ///
    /// Never: a release has nothing that cannot be written as JSON.
    pub fn revision(&self) -> Revision {
        #[derive(Serialize)]
        struct Template<'a> {
            service: &'a str,
            image: &'a ReleaseImage,
            spec: &'a InstanceSpec,
        }
        let template = Template { service: &self.service, image: &self.image, spec: &self.spec };
        let bytes = serde_json_canonicalizer::to_vec(&template).expect("a release can be written as JSON");
        Revision { version: Revision::VERSION, digest: Digest::of(&bytes) }
    }

    /// Whether an instance is one of this release, by what the platform and its labels say of it.
    pub fn matches(&self, instance: &Instance) -> Match {
        self.matcher().of(instance)
    }

    /// The same for many instances: what they have in common is computed once.
    pub(crate) fn matcher(&self) -> Matcher<'_> {
        Matcher { release: self, revision: self.revision(), last: None }
    }
}

/// Whether an instance is one of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Match {
    /// It is.
    Same,
    /// It runs another image, or nothing proves that it is the same.
    OtherImage,
    /// It runs the image, but was launched to be run otherwise.
    OtherSpec,
}

pub(crate) struct Matcher<'a> {
    release: &'a Release,
    revision: Revision,
    /// The image looked at last, and whether it is the release's: instances of a fleet have few.
    last: Option<(Arc<str>, bool)>,
}

impl Matcher<'_> {
    pub(crate) fn of(&self, instance: &Instance) -> Match {
        let known = self.last.as_ref().filter(|(image, _)| Arc::ptr_eq(image, &instance.image));
        let same = known.map_or_else(|| self.is_image(&instance.image), |(_, same)| *same);
        self.verdict(instance, same)
    }

    pub(crate) fn next(&mut self, instance: &Instance) -> Match {
        if self.last.as_ref().is_none_or(|(image, _)| !Arc::ptr_eq(image, &instance.image)) {
            self.last = Some((Arc::clone(&instance.image), self.is_image(&instance.image)));
        }
        self.of(instance)
    }

    fn verdict(&self, instance: &Instance, same_image: bool) -> Match {
        match &instance.revision {
            _ if !same_image => Match::OtherImage,
            // A revision of another version was computed by other rules: it can be neither the same nor another.
            Some(revision) if revision.version == self.revision.version => {
                if *revision == self.revision {
                    Match::Same
                } else {
                    Match::OtherSpec
                }
            }
            _ => Match::Same,
        }
    }

    fn is_image(&self, reported: &str) -> bool {
        match &self.release.image {
            ReleaseImage::Verified { identities, .. } => {
                matches!(identify(reported, identities), Identification::Same { .. })
            }
            ReleaseImage::Provider(image) => image.id == reported,
        }
    }
}

impl Document for Release {
    const KIND: &'static str = "release";

    fn validate(&self) -> std::result::Result<(), String> {
        if self.service.is_empty() {
            return Err("the service has no name".into());
        }
        if self.replicas > Self::MAX_REPLICAS {
            return Err(format!("{} replicas are more than {}", self.replicas, Self::MAX_REPLICAS));
        }
        self.spec.validate()?;
        match &self.image {
            ReleaseImage::Verified { identities, .. } => {
                if identities.manifest.is_none() && identities.config.is_none() {
                    return Err("its image has neither a manifest's nor a configuration's digest".into());
                }
            }
            ReleaseImage::Provider(image) => {
                if image.id.is_empty() || image.provider.is_empty() {
                    return Err("its image has no provider or no id".into());
                }
                if image.provenance.is_empty() {
                    return Err("nothing says where its image came from: state its provenance".into());
                }
            }
        }
        Ok(())
    }
}

impl Release {
    /// The most copies that a release can ask for: 10,000,000.
    pub const MAX_REPLICAS: u64 = 10_000_000;
}

/// What an instance of a release is, but for how many there are: image and spec. As text: `1@sha256:…`, the version of
/// the rules that compute it before the digest.
///
/// Revisions of two versions cannot be compared: a new version of castline does not make every fleet look drifted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    version: u32,
    digest: Digest,
}

impl Revision {
    /// The version of the rules that this build computes revisions by.
    pub const VERSION: u32 = 1;

    /// The version of the rules that it was computed by.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The digest of image and spec.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.version, self.digest)
    }
}

impl FromStr for Revision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let reject = |reason| Error::InvalidDigest { input: shown(text), reason };
        let (version, digest) =
            text.split_once('@').ok_or_else(|| reject("a revision is `VERSION@ALGORITHM:HEX`"))?;
        let version = version.parse().map_err(|_| reject("the version before the @ is no number"))?;
        Ok(Self { version, digest: digest.parse()? })
    }
}

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Revision {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Revision".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+@[a-z0-9+._-]+:[A-Za-z0-9=_-]+$"})
    }
}

fn is_default(spec: &InstanceSpec) -> bool {
    *spec == InstanceSpec::default()
}
