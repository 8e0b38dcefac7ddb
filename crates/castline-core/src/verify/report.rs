use serde::{Deserialize, Serialize};

use super::{Finding, Level};
use crate::{Digest, Platform};

/// What a verification found: the same bytes and options give the same report, whatever the number of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// False exactly when there is a finding of level error.
    pub intact: bool,
    /// Whether everything that was asked for was checked: false when the image is not intact or a layer was
    /// skipped (foreign and absent, encrypted, of an unknown type) or an entry is of an unknown type. `intact` without `complete` is not a clean verdict.
    pub complete: bool,
    /// The images that were checked, in the order in which the index names them.
    pub images: Vec<ImageSummary>,
    /// What was found, in the order of the documents; it does not depend on timing.
    pub findings: Vec<Finding>,
    /// Bytes that were read and hashed, as stored.
    pub bytes: u64,
    /// Blobs that were read: documents, layers and others, each once.
    pub blobs: u64,
}

/// One image of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImageSummary {
    /// The digest of its manifest; in a docker archive, which has none, of its configuration.
    pub digest: Digest,
    /// What it is.
    pub kind: ImageKind,
    /// What it runs on, where that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The digest of its configuration: Docker's image ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Digest>,
    /// How many layers it has.
    pub layers: u64,
    /// The tags and names that lead to it here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Whether it is intact by itself: no finding of level error concerns it.
    pub intact: bool,
}

/// What a manifest stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ImageKind {
    /// A container image: its configuration lists the layers' diffIDs.
    Image,
    /// Anything else that is stored as a manifest: a signature, an SBOM, a chart.
    Artifact,
    /// A manifest of platform `unknown/unknown`, as BuildKit stores attestations.
    Attestation,
}

impl ImageKind {
    /// `image`, `artifact` or `attestation`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Artifact => "artifact",
            Self::Attestation => "attestation",
        }
    }
}

impl Report {
    /// Whether there is no finding of level error.
    pub const fn is_intact(&self) -> bool {
        self.intact
    }

    /// Whether it is intact and nothing that was asked for was left unchecked.
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// How many findings of `level` there are.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}
