use std::collections::BTreeMap;

// Padded, as Go's JSON writes bytes.
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::{
    Digest, Platform,
    error::shown,
    image::read::Fields,
    json::Json,
    media_type::{Role, role},
    verify::{Finding, FindingCode},
};

/// A pointer to a blob: what it is, its digest and its size (OCI image-spec `descriptor.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor {
    /// What the blob is; empty where the document does not say, which is an error.
    pub media_type: String,
    /// The blob's name.
    pub digest: Digest,
    /// The blob's size in bytes.
    pub size: u64,
    /// The platform that the blob is for, in an index.
    pub platform: Option<Platform>,
    /// What kind of artifact the blob is.
    pub artifact_type: Option<String>,
    /// Free text by key.
    pub annotations: BTreeMap<String, String>,
    /// Where else the blob can be fetched.
    pub urls: Vec<String>,
    /// The blob itself, where it is carried inline; not trusted before it was verified.
    pub data: Option<Vec<u8>>,
}

const KEYS: &[&str] =
    &["mediaType", "digest", "size", "platform", "artifactType", "annotations", "urls", "data"];
const PLATFORM_KEYS: &[&str] = &["os", "architecture", "variant", "os.version", "os.features", "features"];

impl Descriptor {
    /// One that says no more than what, which and how large.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
            urls: Vec::new(),
            data: None,
        }
    }

    /// The same for a platform.
    #[must_use]
    pub fn with_platform(self, platform: Platform) -> Self {
        Self { platform: Some(platform), ..self }
    }

    /// The same with an annotation, instead of one of the same key.
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// The same as an artifact of this type.
    #[must_use]
    pub fn with_artifact_type(self, artifact_type: impl Into<String>) -> Self {
        Self { artifact_type: Some(artifact_type.into()), ..self }
    }

    /// Reads a descriptor at `place`. What is wrong goes to `findings`; `None` when digest or size is unusable.
    pub(crate) fn read(json: &Json, place: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        let mut fields = Fields::new(json, place, KEYS, findings)?;
        let media_type = fields.text("mediaType").unwrap_or_default();
        if media_type.is_empty() {
            let message = format!("{place} has no media type, so readers differ on what it is");
            fields.report(Finding::error(FindingCode::MediatypeMissing, message));
        }
        let artifact_type = fields.text("artifactType");
        let annotations = fields.texts_by_key("annotations");
        let urls = fields.texts("urls");
        let data = fields.text("data").and_then(|text| {
            let data = BASE64.decode(&text).ok();
            if data.is_none() {
                let message = format!("`data` of {place} is not base64");
                fields.report(Finding::error(FindingCode::EmbeddedDataMismatch, message));
            }
            data
        });
        let platform = fields.member("platform").and_then(|json| platform(json, place, fields.findings));
        let digest = match fields.member("digest") {
            Some(Json::String(text)) => match text.parse::<Digest>() {
                Ok(digest) => Some(digest),
                Err(error) => {
                    let finding = Finding::error(FindingCode::DigestMalformed, format!("{place}: {error}"));
                    fields.report(finding.with_values("algorithm:encoded", shown(text)));
                    None
                }
            },
            other => {
                let what = other.map_or("absent", Json::kind);
                let message = format!("the digest of {place} is {what}");
                fields.report(Finding::error(FindingCode::DigestMalformed, message));
                None
            }
        };
        let size = match fields.member("size") {
            Some(Json::Number(number)) if number.as_u64().is_some_and(|size| i64::try_from(size).is_ok()) => {
                number.as_u64()
            }
            other => {
                let what = match other {
                    Some(Json::Number(number)) => number.to_string(),
                    Some(other) => other.kind().to_owned(),
                    None => "absent".to_owned(),
                };
                let finding =
                    Finding::error(FindingCode::SizeMalformed, format!("the size of {place} is {what}"));
                let finding = finding.with_values("bytes, 0 to 2^63-1", what);
                fields.report(match &digest {
                    Some(digest) => finding.with_digest(digest.clone()),
                    None => finding,
                });
                None
            }
        };
        Some(Self {
            media_type,
            digest: digest?,
            size: size?,
            platform,
            artifact_type,
            annotations,
            urls,
            data,
        })
    }

    /// Whether its media type is that of a layer.
    pub(crate) fn is_layer(&self) -> bool {
        matches!(role(&self.media_type), Role::Layer { .. } | Role::UnknownLayer)
    }

    /// What the descriptor's annotations call the image: `org.opencontainers.image.ref.name`, or the full name
    /// that containerd writes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        ["org.opencontainers.image.ref.name", "io.containerd.image.name"]
            .into_iter()
            .filter_map(|key| self.annotations.get(key))
            .map(String::as_str)
    }
}

/// As the specification writes it; what it does not say is left out.
impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mediaType", &self.media_type)?;
        map.serialize_entry("digest", &self.digest)?;
        map.serialize_entry("size", &self.size)?;
        if !self.urls.is_empty() {
            map.serialize_entry("urls", &self.urls)?;
        }
        if !self.annotations.is_empty() {
            map.serialize_entry("annotations", &self.annotations)?;
        }
        if let Some(data) = &self.data {
            map.serialize_entry("data", &BASE64.encode(data))?;
        }
        if let Some(platform) = &self.platform {
            let mut parts =
                BTreeMap::from([("architecture", platform.architecture()), ("os", platform.os())]);
            parts.extend(platform.variant().map(|variant| ("variant", variant)));
            map.serialize_entry("platform", &parts)?;
        }
        if let Some(artifact_type) = &self.artifact_type {
            map.serialize_entry("artifactType", artifact_type)?;
        }
        map.end()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Descriptor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Descriptor".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let digest = generator.subschema_for::<Digest>();
        schemars::json_schema!({
            "type": "object",
            "description": "A pointer to a blob (OCI image specification, descriptor.md).",
            "properties": {
                "mediaType": {"type": "string", "description": "What the blob is."},
                "digest": digest,
                "size": {"type": "integer", "format": "uint64", "minimum": 0, "description": "Its size in bytes."},
                "urls": {"type": "array", "items": {"type": "string"}},
                "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
                "data": {"type": "string", "description": "The blob itself, in Base64."},
                "platform": {
                    "type": "object",
                    "description": "What it is for.",
                    "properties": {
                        "architecture": {"type": "string"},
                        "os": {"type": "string"},
                        "variant": {"type": "string"},
                    },
                    "required": ["architecture", "os"],
                },
                "artifactType": {"type": "string", "description": "What kind of artifact it is."},
            },
            "required": ["mediaType", "digest", "size"],
        })
    }
}

fn platform(json: &Json, place: &str, findings: &mut Vec<Finding>) -> Option<Platform> {
    let place = format!("{place}.platform");
    let mut fields = Fields::new(json, &place, PLATFORM_KEYS, findings)?;
    let os = fields.text("os").unwrap_or_default();
    let architecture = fields.text("architecture").unwrap_or_default();
    let variant = fields.text("variant");
    if os.is_empty() && architecture.is_empty() {
        return None;
    }
    match Platform::new(&os, &architecture, variant.as_deref()) {
        Ok(platform) => Some(platform),
        Err(error) => {
            fields.report(Finding::warning(FindingCode::ManifestMalformed, format!("{place}: {error}")));
            None
        }
    }
}
