use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// One table feeds the enum, its names, its advice and `ALL`: they cannot drift apart.
macro_rules! finding_codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $advice:literal;)*) => {
        /// What a finding is: stable text, the same in every language. Never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum FindingCode { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl FindingCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's text, e.g. `blob-missing`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a person can do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

finding_codes! {
    /// No `oci-layout` file.
    OciLayoutMissing => "oci-layout-missing", "the folder may not be an OCI layout, or was copied only in part; make it again with the tool that wrote it";
    /// `oci-layout` cannot be read or is not JSON.
    OciLayoutUnreadable => "oci-layout-unreadable", "write `{\"imageLayoutVersion\":\"1.0.0\"}` with the tool that made the layout";
    /// `oci-layout` names no `imageLayoutVersion`.
    LayoutVersionMissing => "layout-version-missing", "write `{\"imageLayoutVersion\":\"1.0.0\"}` with the tool that made the layout";
    /// `imageLayoutVersion` is not `1.0.0`.
    LayoutVersionUnsupported => "layout-version-unsupported", "convert the layout to version 1.0.0";
    /// No `index.json`.
    IndexMissing => "index-missing", "the layout was copied only in part; copy or make it again";
    /// `index.json` is a folder, link out, fifo or device.
    IndexNotAFile => "index-not-a-file", "put the layout's index there as a regular file";
    /// The index document is of another media type.
    IndexWrongType => "index-wrong-type", "the document is not an image index; make the layout again";
    /// The index names no manifest, so there is nothing to check.
    IndexNoManifests => "index-no-manifests", "nothing was checked; a `docker save` archive that is empty here is read as `docker-archive:`";
    /// An index contains itself.
    IndexCycle => "index-cycle", "the index was forged or damaged; do not use it";
    /// Indexes nest deeper than the limit.
    IndexTooDeep => "index-too-deep", "point at the inner index by its digest";
    /// The tag, digest or number names nothing here.
    ReferenceNotFound => "reference-not-found", "name one of the images that are listed";
    /// A document is not JSON.
    JsonInvalid => "json-invalid", "get the document again from where it was made";
    /// A document is not UTF-8.
    JsonInvalidUtf8 => "json-invalid-utf8", "get the document again from where it was made";
    /// A document starts with a byte-order mark.
    JsonBom => "json-bom", "write the document without a byte-order mark; its digest changes with it";
    /// A document is not a JSON object.
    JsonNotObject => "json-not-object", "get the document again from where it was made";
    /// A key stands twice in one object.
    JsonDuplicateKey => "json-duplicate-key", "readers disagree on which one counts; do not use the image";
    /// A key differs from a known one by case only.
    JsonCaseVariantKey => "json-case-variant-key", "readers disagree on whether it counts; do not use the image";
    /// A document nests too deep.
    JsonTooDeep => "json-too-deep", "no real image document nests like this; do not use it";
    /// `schemaVersion` is not 2.
    SchemaVersion => "schema-version", "make the image again with a current tool";
    /// A document has both layers and manifests.
    AmbiguousManifest => "ambiguous-manifest", "readers disagree on what this is (CVE-2021-41190); do not use it";
    /// A manifest has no config.
    ManifestNoConfig => "manifest-no-config", "the manifest is not an image's; make it again";
    /// A manifest has no layers.
    ManifestNoLayers => "manifest-no-layers", "the manifest is not an image's; make it again";
    /// A field has another type than the specification gives it.
    ManifestMalformed => "manifest-malformed", "make the document again; the message names the field";
    /// The document's media type is not the descriptor's.
    MediatypeMismatch => "mediatype-mismatch", "the index and the document disagree on what it is; convert the image with one tool";
    /// A descriptor does not say what it points at.
    MediatypeMissing => "mediatype-missing", "readers take the blob for different things; make the image again with a current tool";
    /// A media type that castline does not know: its bytes are checked, not its meaning.
    MediatypeUnknown => "mediatype-unknown", "its bytes were checked, its meaning was not";
    /// A digest breaks the grammar.
    DigestMalformed => "digest-malformed", "the descriptor was forged or damaged; do not use it";
    /// A digest of an algorithm that castline does not compute.
    DigestAlgorithmUnsupported => "digest-algorithm-unsupported", "this blob was not checked; use sha256, sha384, sha512 or blake3";
    /// A size that is no count of bytes.
    SizeMalformed => "size-malformed", "the descriptor was forged or damaged; do not use it";
    /// A descriptor's inline `data` is not the bytes that it names.
    EmbeddedDataMismatch => "embedded-data-mismatch", "readers that trust the inline data see other bytes; do not use it";
    /// The blob is not there.
    BlobMissing => "blob-missing", "copy the blob from where the image came from, or copy the whole image again";
    /// The blob is a folder, fifo, socket or device.
    BlobNotAFile => "blob-not-a-file", "replace it by the blob as a regular file";
    /// The blob is a symbolic link that leaves the layout.
    BlobOutsideLayout => "blob-outside-layout", "replace the link by the blob itself";
    /// The blob could not be read to its end.
    BlobUnreadable => "blob-unreadable", "look at permissions and at the disk, then verify again";
    /// The blob has another size than its descriptor says.
    BlobSizeMismatch => "blob-size-mismatch", "the blob was cut, extended or replaced; copy it again";
    /// The blob has another digest than its name.
    BlobDigestMismatch => "blob-digest-mismatch", "the blob was altered; do not use it, copy it again from a trusted place";
    /// An image configuration has no `rootfs`.
    ConfigNoRootfs => "config-no-rootfs", "the layers cannot be checked against anything; make the image again";
    /// An entry of `diff_ids` is no digest.
    DiffidMalformed => "diffid-malformed", "the configuration was forged or damaged; make the image again";
    /// A layer's uncompressed bytes have another digest than the configuration says.
    DiffidMismatch => "diffid-mismatch", "the layer is not the one that was built; do not use the image";
    /// Layers and `diff_ids` differ in number.
    DiffidCountMismatch => "diffid-count-mismatch", "manifest and configuration are not of one image; make it again";
    /// A layer is compressed otherwise than its media type says.
    LayerCompressionMismatch => "layer-compression-mismatch", "some runtimes will refuse the layer; push the image again with a current tool";
    /// The gzip stream does not decode, or its checksum is wrong.
    LayerGzipCorrupt => "layer-gzip-corrupt", "the layer cannot be unpacked; copy it again";
    /// The gzip stream ends early.
    LayerGzipTruncated => "layer-gzip-truncated", "the layer was cut; copy it again";
    /// Bytes after the last gzip member.
    LayerGzipTrailingGarbage => "layer-gzip-trailing-garbage", "bytes ride along that no unpacker sees; do not use the layer";
    /// Zero bytes after the last gzip member.
    LayerGzipTrailingZeros => "layer-gzip-trailing-zeros", "harmless padding, but some unpackers refuse it";
    /// The zstd stream does not decode, or its checksum is wrong.
    LayerZstdCorrupt => "layer-zstd-corrupt", "the layer cannot be unpacked; copy it again";
    /// The zstd stream ends early.
    LayerZstdTruncated => "layer-zstd-truncated", "the layer was cut; copy it again";
    /// Bytes after the last zstd frame.
    LayerZstdTrailingGarbage => "layer-zstd-trailing-garbage", "bytes ride along that no unpacker sees; do not use the layer";
    /// The layer's content is no tar archive.
    LayerNotATar => "layer-not-a-tar", "the layer cannot be unpacked; make the image again";
    /// The layer's tar breaks the format.
    LayerTarMalformed => "layer-tar-malformed", "unpackers will disagree on its content; make the image again";
    /// An entry's path is absolute or leaves the root by `..`.
    LayerPathEscape => "layer-path-escape", "castline and runtimes keep it inside the root; careless unpackers may not";
    /// The layers cannot be laid over each other: an entry stands in what is no folder, a hard link leads nowhere.
    RootfsConflict => "rootfs-conflict", "engines cannot unpack the image either; make it again";
    /// A layer whose content was not checked: foreign and absent, or encrypted.
    LayerSkipped => "layer-skipped", "its content was not checked: fetch or decrypt it to be sure";
    /// The archive cannot be read.
    ArchiveUnreadable => "archive-unreadable", "the archive was cut or damaged; make it again";
    /// Two members of the archive have one name and other bytes.
    ArchiveDuplicateEntry => "archive-duplicate-entry", "readers disagree on which one counts; do not use the archive";
    /// The file holds neither `index.json` nor `manifest.json`.
    ArchiveIsNotAnImage => "archive-is-not-an-image", "point at an archive made by `docker save`, `podman save` or `skopeo copy`";
    /// A docker archive without `manifest.json`.
    DockerManifestJsonMissing => "docker-manifest-json-missing", "made before Docker 1.10, or an OCI archive: try `oci-archive:`, or save the image again";
    /// `manifest.json` is not a list of images.
    DockerManifestNotList => "docker-manifest-not-list", "make the archive again with `docker save`";
    /// `manifest.json` spells its keys in lower case, which Docker accepts.
    DockerManifestLowercaseKeys => "docker-manifest-lowercase-keys", "nothing to do: Docker and skopeo read it the same";
    /// The configuration that `manifest.json` names is not there.
    ConfigMissing => "config-missing", "make the archive again";
    /// The configuration is not what its file name says.
    ConfigDigestMismatch => "config-digest-mismatch", "the configuration was altered; do not use the archive";
    /// The configuration's file name is no digest, so nothing vouches for it.
    ConfigNameNotADigest => "config-name-not-a-digest", "compare the image ID with one that you trust";
    /// A layer that `manifest.json` names is not there.
    LayerMissing => "layer-missing", "make the archive again";
    /// A limit was passed.
    LimitExceeded => "limit-exceeded", "if you trust the image, raise that limit";
    /// A Docker schema 1 manifest.
    Schema1Unsupported => "schema1-unsupported", "pull and push the image with a current tool to convert it";
    /// An index lists a platform whose manifest is not here.
    PlatformAbsent => "platform-absent", "fetch that platform if it is needed: `skopeo copy --all`";
    /// A blob that nothing refers to.
    UnreferencedBlob => "unreferenced-blob", "remove it if nothing else needs it";
    /// A file that is no part of the format.
    StrayFile => "stray-file", "remove it if nothing else needs it";
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// The image is not what it says it is.
    Error,
    /// Something was not checked, or other tools will stumble.
    Warning,
    /// Good to know.
    Info,
}

impl Level {
    /// The worse of both.
    pub(crate) fn worse(self, other: Option<Self>) -> Self {
        // Errors come first.
        other.map_or(self, |other| other.min(self))
    }

    /// `error`, `warning` or `info`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One fact in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub code: FindingCode,
    /// How bad it is.
    pub level: Level,
    /// The blob it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The file in the layout or archive, or the entry in a layer, that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Which documents refer to it, as `index.manifests[0].layers[1]`; at most
    /// [`Finding::MAX_REFERENCES`] are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referenced_by: Vec<String>,
    /// What should be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// The fact in a sentence, for people.
    pub message: String,
}

impl Finding {
    /// How many referring documents a finding names at most.
    pub const MAX_REFERENCES: usize = 8;

    /// An error.
    pub fn error(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(code, Level::Error, message)
    }

    /// A warning.
    pub fn warning(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(code, Level::Warning, message)
    }

    /// A remark.
    pub fn info(code: FindingCode, message: impl Into<String>) -> Self {
        Self::new(code, Level::Info, message)
    }

    fn new(code: FindingCode, level: Level, message: impl Into<String>) -> Self {
        Self {
            code,
            level,
            digest: None,
            path: None,
            referenced_by: Vec::new(),
            expected: None,
            actual: None,
            message: message.into(),
        }
    }

    /// The same finding about the blob `digest`.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// The same finding about the file or entry `path`.
    #[must_use]
    pub fn with_path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// The same finding, referred to by one more document.
    #[must_use]
    pub fn with_reference(mut self, place: impl Into<String>) -> Self {
        if self.referenced_by.len() < Self::MAX_REFERENCES {
            self.referenced_by.push(place.into());
        }
        self
    }

    /// The same finding with what should be there and what is.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the values are whatever has a text")]
    pub fn with_values(self, expected: impl ToString, actual: impl ToString) -> Self {
        Self { expected: Some(expected.to_string()), actual: Some(actual.to_string()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_kebab_case_and_serialise_as_their_names() {
        let mut names = std::collections::BTreeSet::new();
        for code in FindingCode::ALL {
            assert!(names.insert(code.name()), "{code} stands twice");
            assert!(
                code.name()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert_eq!(serde_json::to_value(code).expect("serialises"), code.name());
            assert!(!code.advice().is_empty());
        }
    }
}
