//! The findings that several walks have in common.

use super::{
    Finding, FindingCode,
    source::{BlobName, OpenFault},
};
use crate::{Digest, error::shown};

/// Why a small file could not be read as a whole.
pub(super) enum FileFault {
    Open(OpenFault),
    TooLarge(&'static str, u64),
}

impl FileFault {
    /// The finding about the file `name`.
    pub(super) fn finding(&self, name: &BlobName) -> Finding {
        match self {
            Self::Open(fault) => unopened(fault, name),
            Self::TooLarge(limit, bytes) => {
                let path = name.path();
                let message = format!("the document {} is larger than {bytes} bytes", shown(&path));
                limit_finding(limit, *bytes, message).with_path(path)
            }
        }
    }
}

pub(super) fn limit_finding(limit: &str, value: u64, message: String) -> Finding {
    Finding::error(FindingCode::LimitExceeded, message).with_values(format!("{limit} <= {value}"), "more")
}

pub(super) fn unopened(fault: &OpenFault, name: &BlobName) -> Finding {
    let path = name.path();
    let text = shown(&path);
    let finding = match fault {
        OpenFault::Missing => Finding::error(FindingCode::BlobMissing, format!("{text} is not there")),
        OpenFault::NotAFile { kind } => {
            Finding::error(FindingCode::BlobNotAFile, format!("{text} is {kind}, not a file"))
                .with_values("a regular file", kind)
        }
        OpenFault::Outside => {
            let message = format!("{text} is a link that leads out of the layout; it was not followed");
            Finding::error(FindingCode::BlobOutsideLayout, message)
        }
        OpenFault::Unreadable { reason } => {
            Finding::error(FindingCode::BlobUnreadable, format!("{text} cannot be read: {reason}"))
        }
    };
    finding.with_path(path)
}

pub(super) fn wrong_size(name: &BlobName, expected: u64, actual: u64) -> Finding {
    let path = name.path();
    let message = format!("{} has {actual} bytes, not {expected}", shown(&path));
    Finding::error(FindingCode::BlobSizeMismatch, message).with_path(path).with_values(expected, actual)
}

pub(super) fn altered(expected: &Digest, actual: &Digest, name: &BlobName) -> Finding {
    let path = name.path();
    let message = format!("the bytes of {} are not those that its digest names", shown(&path));
    Finding::error(FindingCode::BlobDigestMismatch, message)
        .with_digest(expected.clone())
        .with_path(path)
        .with_values(expected, actual)
}

pub(super) fn unsupported(digest: &Digest, place: &str) -> Finding {
    let algorithm = digest.algorithm();
    let message =
        format!("{place} is named by a {} digest, which castline does not compute", algorithm.name());
    Finding::error(FindingCode::DigestAlgorithmUnsupported, message)
        .with_digest(digest.clone())
        .with_values("sha256, sha384, sha512 or blake3", algorithm.name())
        .with_reference(place)
}
