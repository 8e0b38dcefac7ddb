//! What the media types of images mean. Unknown ones are data, never an error.

/// How a layer or archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952), of one or several members.
    Gzip,
    /// zstd (RFC 8878), of one or several frames.
    Zstd,
}

impl Compression {
    /// Its name: `none`, `gzip` or `zstd`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What a descriptor of this media type points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An OCI image index or Docker manifest list.
    Index,
    /// An OCI or Docker schema 2 image manifest.
    Manifest,
    /// A Docker schema 1 manifest: signed, without sizes or diffIDs. Not readable as an image.
    Schema1,
    /// An image configuration with `rootfs.diff_ids`.
    Config,
    /// A layer: a tar, perhaps compressed.
    Layer {
        compression: Compression,
        /// Not to be distributed: its bytes may legitimately be elsewhere (`urls`).
        foreign: bool,
        /// Encrypted (ocicrypt): only its blob digest can be checked.
        encrypted: bool,
    },
    /// A layer in a form that castline does not know, e.g. of another compression.
    UnknownLayer,
    /// Anything else.
    Other,
}

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// OCI image-spec `media-types.md`; Docker's distribution spec, `manifest-v2-2.md`.
pub(crate) fn role(media_type: &str) -> Role {
    match media_type {
        OCI_INDEX | DOCKER_LIST => return Role::Index,
        OCI_MANIFEST | DOCKER_MANIFEST => return Role::Manifest,
        "application/vnd.docker.distribution.manifest.v1+json"
        | "application/vnd.docker.distribution.manifest.v1+prettyjws" => return Role::Schema1,
        "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json" => {
            return Role::Config;
        }
        _ => {}
    }
    let (plain, encrypted) = match media_type.strip_suffix("+encrypted") {
        Some(plain) => (plain, true),
        None => (media_type, false),
    };
    let (form, foreign) = if let Some(form) = plain.strip_prefix("application/vnd.oci.image.layer.v1.tar") {
        (form, false)
    } else if let Some(form) = plain.strip_prefix("application/vnd.oci.image.layer.nondistributable.v1.tar") {
        (form, true)
    } else if let Some(form) = plain.strip_prefix("application/vnd.docker.image.rootfs.diff.tar") {
        (form, false)
    } else if let Some(form) = plain.strip_prefix("application/vnd.docker.image.rootfs.foreign.diff.tar") {
        (form, true)
    } else {
        return Role::Other;
    };
    let compression = match form {
        "" => Compression::None,
        "+gzip" | ".gzip" => Compression::Gzip,
        "+zstd" | ".zstd" => Compression::Zstd,
        _ => return Role::UnknownLayer,
    };
    Role::Layer { compression, foreign, encrypted }
}

/// Whether it is a statement about an image, which tools store as the layer of a manifest with an image's configuration:
/// BuildKit's and cosign's attestations and signatures, and the SBOMs that cosign attaches.
pub(crate) fn is_statement(media_type: &str) -> bool {
    const STATEMENTS: &[&str] = &[
        "application/vnd.in-toto",
        "application/vnd.dsse.envelope",
        "application/vnd.dev.cosign.",
        "application/vnd.dev.sigstore.",
        "application/vnd.cyclonedx",
        "application/vnd.syft+json",
        "application/spdx+json",
        "text/spdx",
    ];
    STATEMENTS.iter().any(|statement| media_type.starts_with(statement))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_told_by_their_media_type() {
        let layer = |compression, foreign, encrypted| Role::Layer { compression, foreign, encrypted };
        for (media_type, expected) in [
            ("application/vnd.oci.image.layer.v1.tar", layer(Compression::None, false, false)),
            ("application/vnd.oci.image.layer.v1.tar+gzip", layer(Compression::Gzip, false, false)),
            ("application/vnd.oci.image.layer.v1.tar+zstd+encrypted", layer(Compression::Zstd, false, true)),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", layer(Compression::Gzip, false, false)),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                layer(Compression::Gzip, true, false),
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
                layer(Compression::Zstd, true, false),
            ),
            ("application/vnd.oci.image.layer.v1.tar+lzma", Role::UnknownLayer),
            ("application/vnd.in-toto+json", Role::Other),
            ("", Role::Other),
        ] {
            assert_eq!(role(media_type), expected, "{media_type}");
        }
    }
}
