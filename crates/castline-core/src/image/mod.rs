//! Images as immutable values: exact bytes, and what they say.

mod config;
mod descriptor;
mod document;
pub(crate) mod read;
mod verified;

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

pub(crate) use config::ConfigDocument;
pub use config::{Config, Runtime};
pub use descriptor::Descriptor;
pub(crate) use document::{Document, Index, Manifest};
pub use verified::Verified;

use crate::{
    Digest, Error, Platform, Result,
    media_type::{self, Role, role},
    verify::{Finding, ImageKind, Level},
};

/// One platform's image: its manifest as exact bytes, what they say, and its configuration once known.
///
/// Bytes are the identity: the manifest is kept as read and never written again to get its digest. A clone is a
/// reference count; two images are equal when their manifests are byte for byte the same.
///
/// ```
/// use castline_core::Image;
///
/// let image = Image::from_manifest(br#"{"schemaVersion":2,
///   "config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,
///     "digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
///   "layers":[]}"#)?;
/// assert_eq!(image.layers().len(), 0);
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Image(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    digest: Digest,
    raw: Arc<[u8]>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config_descriptor: Option<Descriptor>,
    layers: Vec<Descriptor>,
    subject: Option<Descriptor>,
    annotations: BTreeMap<String, String>,
    platform: Option<Platform>,
    config: Option<Config>,
    indexes: Vec<Digest>,
}

/// The digests that name an image in the wild.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Identities {
    /// The manifest's digest, the canonical one. `None` for an image out of a docker archive, which has no
    /// manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// The digests of the indexes that contain it, outermost first: what Kubernetes often reports.
    #[serde(default)]
    pub indexes: Vec<Digest>,
    /// The configuration's digest: Docker's image ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Digest>,
}

/// The first finding of level error, as an [`Error`].
pub(crate) fn first_error(raw: &[u8], findings: &[Finding]) -> Result<()> {
    match findings.iter().find(|finding| finding.level == Level::Error) {
        Some(finding) => Err(Error::InvalidManifest {
            digest: Digest::of(raw),
            reason: format!("{} ({})", finding.message, finding.code).into(),
        }),
        None => Ok(()),
    }
}

impl Image {
    /// Reads an image from the exact bytes of its manifest.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidManifest`] when `raw` is not an OCI or Docker schema 2 image manifest.
    pub fn from_manifest(raw: &[u8]) -> Result<Self> {
        let mut findings = Vec::new();
        let document = Document::read(raw, "manifest", Some(media_type::OCI_MANIFEST), &mut findings);
        // A manifest on its own has no descriptor to disagree with.
        findings.retain(|finding| {
            finding.code != crate::verify::FindingCode::MediatypeMismatch
                || finding.actual.as_deref() != Some(media_type::DOCKER_MANIFEST)
        });
        first_error(raw, &findings)?;
        match document {
            Some(Document::Manifest(manifest)) => {
                Ok(Self::of_manifest(Digest::of(raw), raw.into(), manifest))
            }
            _ => Err(Error::InvalidManifest {
                digest: Digest::of(raw),
                reason: "it is an index, not a manifest".into(),
            }),
        }
    }

    pub(crate) fn of_manifest(digest: Digest, raw: Arc<[u8]>, manifest: Manifest) -> Self {
        Self(Arc::new(Inner {
            digest,
            raw,
            media_type: manifest.media_type,
            artifact_type: manifest.artifact_type,
            config_descriptor: manifest.config,
            layers: manifest.layers.into_iter().flatten().collect(),
            subject: manifest.subject,
            annotations: manifest.annotations,
            platform: None,
            config: None,
            indexes: Vec::new(),
        }))
    }

    /// An image out of a docker archive: it has no manifest, its configuration is its identity.
    pub(crate) fn of_config(raw: Arc<[u8]>, config: Config) -> Self {
        Self(Arc::new(Inner {
            digest: config.digest().clone(),
            raw,
            media_type: None,
            artifact_type: None,
            config_descriptor: None,
            layers: Vec::new(),
            subject: None,
            annotations: BTreeMap::new(),
            platform: config.platform().cloned(),
            config: Some(config),
            indexes: Vec::new(),
        }))
    }

    /// The same image with its configuration known.
    #[must_use]
    pub(crate) fn with_config(&self, config: Config) -> Self {
        self.changed(|inner| {
            inner.platform = inner.platform.take().or_else(|| config.platform().cloned());
            inner.config = Some(config);
        })
    }

    /// The same image as one that the indexes `digests` contain, for the platform that they say.
    #[must_use]
    pub(crate) fn with_indexes(&self, digests: &[Digest], platform: Option<Platform>) -> Self {
        self.changed(|inner| {
            for digest in digests {
                if !inner.indexes.contains(digest) {
                    inner.indexes.push(digest.clone());
                }
            }
            inner.platform = platform.or_else(|| inner.platform.take());
        })
    }

    fn changed(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner::clone(&self.0);
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Its canonical identity: the manifest's digest (of an image out of a docker archive, the configuration's).
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// The bytes that the digest is of, exactly as read.
    pub fn raw(&self) -> &[u8] {
        &self.0.raw
    }

    /// The media type that the manifest names itself by.
    pub fn media_type(&self) -> Option<&str> {
        self.0.media_type.as_deref()
    }

    /// What kind of artifact it is, where it is one.
    pub fn artifact_type(&self) -> Option<&str> {
        self.0.artifact_type.as_deref()
    }

    /// Where its configuration is. `None` for an image out of a docker archive.
    pub fn config_descriptor(&self) -> Option<&Descriptor> {
        self.0.config_descriptor.as_ref()
    }

    /// Its configuration, once read.
    pub fn config(&self) -> Option<&Config> {
        self.0.config.as_ref()
    }

    /// Its layers, lowest first. Empty for an image out of a docker archive, which knows its layers by diffID
    /// only.
    pub fn layers(&self) -> &[Descriptor] {
        &self.0.layers
    }

    /// The manifest that it is attached to.
    pub fn subject(&self) -> Option<&Descriptor> {
        self.0.subject.as_ref()
    }

    /// Free text by key.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.0.annotations
    }

    /// What it runs on: as its index says, or else its configuration.
    pub fn platform(&self) -> Option<&Platform> {
        self.0.platform.as_ref()
    }

    /// What it stands for.
    pub fn kind(&self) -> ImageKind {
        if self.platform().is_some_and(Platform::is_unknown) {
            return ImageKind::Attestation;
        }
        match &self.0.config_descriptor {
            Some(config) if role(&config.media_type) != Role::Config => ImageKind::Artifact,
            // cosign signatures have an image's configuration, and nothing that anybody unpacks.
            Some(_) if !self.0.layers.is_empty() && !self.0.layers.iter().any(Descriptor::is_layer) => {
                ImageKind::Artifact
            }
            _ => ImageKind::Image,
        }
    }

    /// The digests that name it in the wild.
    pub fn identities(&self) -> Identities {
        let by_manifest = self.0.config_descriptor.is_some();
        Identities {
            manifest: by_manifest.then(|| self.0.digest.clone()),
            indexes: self.0.indexes.clone(),
            config: match &self.0.config_descriptor {
                Some(descriptor) => Some(descriptor.digest.clone()),
                None => self.0.config.as_ref().map(|config| config.digest().clone()),
            },
        }
    }
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Image {}

impl Hash for Image {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = br#"{"schemaVersion":2,"x-vendor":1,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":null}"#;

    #[test]
    fn the_bytes_are_the_identity() {
        let image = Image::from_manifest(RAW).expect("valid");
        assert_eq!(image.digest(), &Digest::of(RAW));
        assert_eq!(image.raw(), RAW);
        let spaced = [RAW, b" "].concat();
        assert_ne!(Image::from_manifest(&spaced).expect("valid"), image);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error = Image::from_manifest(
            br#"{"schemaVersion":2,"config":{"mediaType":"m","digest":"sha256:../../etc/passwd","size":0},"layers":[]}"#,
        )
        .expect_err("refused");
        assert!(error.to_string().contains("manifest.config"), "{error}");
        assert!(error.to_string().contains("digest-malformed"), "{error}");
    }

    #[test]
    fn a_docker_manifest_is_an_image_too() {
        let raw = br#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"layers":[]}"#;
        assert_eq!(Image::from_manifest(raw).expect("valid").kind(), ImageKind::Image);
        assert!(Image::from_manifest(br#"{"schemaVersion":2,"manifests":[]}"#).is_err());
    }

    #[test]
    fn trust_without_verification_keeps_its_reason() {
        let image =
            Image::from_manifest(RAW).expect("valid").assume_verified("checked by the registry proxy");
        assert_eq!(image.assumed(), Some("checked by the registry proxy"));
    }
}
