use std::collections::BTreeMap;

use serde::Serialize;

use super::{BlobSource, Finding, ImageKind, Level, Options, Watch, survey, survey::Slot};
use crate::{Digest, Identities, Image, Platform, Result, Runtime};

/// What the documents of a source say, read without its layers.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Inspection {
    /// The images, in the order in which the index names them.
    pub images: Vec<InspectedImage>,
    /// What is wrong with the documents. Layers were not read: only a verification does.
    pub findings: Vec<Finding>,
}

/// What one image's documents say.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InspectedImage {
    /// Its canonical identity.
    pub digest: Digest,
    /// What it is.
    pub kind: ImageKind,
    /// The digests that name it in the wild.
    pub identities: Identities,
    /// The tags and names that lead to it here.
    pub references: Vec<String>,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The media type that its manifest names itself by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact it is, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifest that it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// When it was made, as written (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Its layers, lowest first.
    pub layers: Vec<InspectedLayer>,
    /// Bytes of its layers as stored, as far as that is declared.
    pub size: u64,
    /// What it asks of a runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Runtime>,
    /// Free text by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What the documents say of one layer.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InspectedLayer {
    /// The digest of the blob; absent in a docker archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The digest of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<Digest>,
    /// Bytes as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What the blob is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

impl Inspection {
    /// Whether the documents have no finding of level error.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.level != Level::Error)
    }
}

/// Reads the documents of what `options` select in `source`, and checks them (not the layers).
///
/// # Errors
///
/// As [`verify`](super::verify).
pub fn inspect(source: &dyn BlobSource, options: &Options, watch: &Watch<'_>) -> Result<Inspection> {
    let survey = survey(source, options, watch)?;
    let images =
        survey.drafts.iter().map(|draft| described(&draft.image, draft.references.clone())).collect();
    let findings = survey
        .slots
        .into_iter()
        .filter_map(|slot| match slot {
            Slot::Finding(finding) => Some(finding),
            Slot::Blob(_) => None,
        })
        .collect();
    Ok(Inspection { images, findings })
}

fn described(image: &Image, references: Vec<String>) -> InspectedImage {
    let config = image.config();
    let diff_ids = config.map(crate::Config::diff_ids).unwrap_or_default();
    let layers: Vec<InspectedLayer> = if image.layers().is_empty() {
        let layer = |id: &Digest| InspectedLayer {
            digest: None,
            diff_id: Some(id.clone()),
            size: None,
            media_type: None,
        };
        diff_ids.iter().map(layer).collect()
    } else {
        let layers = image.layers().iter().enumerate();
        layers
            .map(|(position, layer)| InspectedLayer {
                digest: Some(layer.digest.clone()),
                diff_id: diff_ids.get(position).cloned(),
                size: Some(layer.size),
                media_type: Some(layer.media_type.clone()),
            })
            .collect()
    };
    InspectedImage {
        digest: image.digest().clone(),
        kind: image.kind(),
        identities: image.identities(),
        references,
        platform: image.platform().cloned(),
        media_type: image.media_type().map(str::to_owned),
        artifact_type: image.artifact_type().map(str::to_owned),
        subject: image.subject().map(|subject| subject.digest.clone()),
        created: config.and_then(|config| config.created()).map(str::to_owned),
        size: layers.iter().filter_map(|layer| layer.size).fold(0, u64::saturating_add),
        layers,
        config: config.map(|config| config.runtime().clone()),
        annotations: image.annotations().clone(),
    }
}
