//! What manifests and indexes lead to, read leniently: what is wrong with them is for a verification to say, which reads them
//! strictly. What cannot be followed here is left out, and missed there.

use castline_core::{Digest, Platform, Platforms};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What is asked for in place of a tag or a manifest's digest.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// One descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) platform: Option<Platform>,
    /// Whether a registry need not have it: its licence forbids that, and it is to be had elsewhere.
    pub(super) foreign: bool,
}

/// What a document leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    /// Manifests and indexes.
    pub(super) documents: Vec<Link>,
    /// Configurations and layers.
    pub(super) blobs: Vec<Link>,
    /// What the document says that it is.
    pub(super) media_type: Option<String>,
    /// Whether it lists manifests.
    pub(super) is_index: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    manifests: Option<Vec<Value>>,
    config: Option<Value>,
    layers: Option<Vec<Value>>,
    /// Of Docker's schema 1.
    fs_layers: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<DescribedPlatform>,
}

#[derive(Deserialize)]
struct DescribedPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Links {
    /// Of the document with these bytes; `None` where it is of a kind that cannot be stored: Docker's schema 1, whose digest
    /// is not that of its bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(bytes).unwrap_or_default();
        if document.fs_layers.is_some() && document.config.is_none() {
            return None;
        }
        let is_index = document.manifests.is_some();
        let all = |values: Vec<Value>| values.into_iter().filter_map(link).collect();
        let blobs = document.config.into_iter().chain(document.layers.unwrap_or_default()).collect();
        Some(Self {
            documents: all(document.manifests.unwrap_or_default()),
            blobs: all(blobs),
            media_type: document.media_type,
            is_index,
        })
    }

    /// Its manifests for `platforms`. One that does not say for which it is may be for any.
    pub(super) fn documents_for(&self, platforms: &Platforms) -> impl Iterator<Item = &Link> {
        self.documents.iter().filter(move |link| match (platforms, &link.platform) {
            (Platforms::One(wanted), Some(platform)) => wanted == platform,
            _ => true,
        })
    }
}

fn link(value: Value) -> Option<Link> {
    let descriptor: Descriptor = serde_json::from_value(value).ok()?;
    let digest: Digest = descriptor.digest.parse().ok()?;
    let platform = descriptor.platform.and_then(|platform| {
        Platform::new(&platform.os, &platform.architecture, platform.variant.as_deref()).ok()
    });
    let foreign =
        descriptor.media_type.contains("nondistributable") || descriptor.media_type.contains(".foreign.");
    digest.algorithm().is_supported().then_some(Link { digest, size: descriptor.size, platform, foreign })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn what_cannot_be_followed_is_left_out() {
        let text = format!(
            r#"{{"manifests": [
                {{"digest": "{DIGEST}", "size": 2, "platform": {{"os": "linux", "architecture": "arm64", "variant": "v8"}}}},
                {{"digest": "{DIGEST}", "size": 2}},
                {{"digest": "sha256:short", "size": 2}}, {{"digest": "{DIGEST}", "size": -1}}, 7,
                {{"digest": "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "size": 2}}
            ]}}"#
        );
        let links = Links::of(text.as_bytes()).expect("links");
        assert!(links.is_index);
        assert_eq!(links.documents.len(), 2);
        let wanted = |text: &str| Platforms::One(text.parse().expect("a platform"));
        assert_eq!(links.documents_for(&wanted("linux/arm64")).count(), 2);
        assert_eq!(links.documents_for(&wanted("linux/amd64")).count(), 1);
        assert_eq!(links.documents_for(&Platforms::Present).count(), 2);
        assert_eq!(Links::of(b"no JSON"), Some(Links::default()));
        assert_eq!(Links::of(br#"{"schemaVersion": 1, "fsLayers": []}"#), None);
    }

    #[test]
    fn layers_that_are_to_be_had_elsewhere_are_marked() {
        let text = format!(
            r#"{{"config": {{"digest": "{DIGEST}", "size": 2}}, "layers": [
                {{"digest": "{DIGEST}", "size": 2, "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}}]}}"#
        );
        let links = Links::of(text.as_bytes()).expect("links");
        assert_eq!(links.blobs.iter().map(|link| link.foreign).collect::<Vec<_>>(), [false, true]);
    }
}
