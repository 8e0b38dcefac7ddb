//! Why are two images not the same? Fields of their documents, their layers, and the files that they stand for.
//!
//! Made for who builds images and wants the same bytes again: a layer whose blob differs may differ in its compression
//! only, or in the times of its files, or in their order, and each has its own remedy.

mod cause;
mod fields;
mod layer;
mod listing;

use serde::Serialize;

pub use self::{
    cause::Cause,
    fields::FieldDifference,
    layer::{LayerDifference, LayerVerdict},
};
use crate::{
    BlobName, BlobSource, Digest, Error, Image, ImageKind, Options, Report, Result, Rootfs, Verified, Watch,
    drift::{Comparison, DriftReport, Scan, compare},
    verify::{only_image, verify},
};

/// How two images differ. The same images give the same report.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImageDiff {
    /// Whether they are the same, byte for byte.
    pub same: bool,
    /// The digest of the first.
    pub first: Digest,
    /// The digest of the second.
    pub second: Digest,
    /// What is likely to have made them differ, the most telling first.
    pub causes: Vec<Cause>,
    /// What their manifests and configurations say differently, layers aside.
    pub fields: Vec<FieldDifference>,
    /// Their layers, lowest first, those that are the same included.
    pub layers: Vec<LayerDifference>,
    /// The files that they stand for: what the second has and the first has not is `added`.
    pub files: DriftReport,
}

/// One of the images, verified.
struct Side {
    image: Verified<Image>,
    config: Vec<u8>,
    rootfs: Rootfs,
}

/// Compares two images, each the one that its options select. Both are verified first: the report of one that is not
/// intact comes instead.
///
/// # Errors
///
/// As [`tree`](crate::tree); [`Error::InvalidDocument`] for an image out of a docker archive, which has no manifest to be
/// compared.
pub fn diff(
    first: (&dyn BlobSource, &Options),
    second: (&dyn BlobSource, &Options),
    watch: &Watch<'_>,
) -> Result<Result<ImageDiff, Box<Report>>> {
    let mut sides = Vec::with_capacity(2);
    for (source, options) in [first, second] {
        match side(source, options, watch)? {
            Ok(side) => sides.push(side),
            Err(report) => return Ok(Err(report)),
        }
    }
    let [one, other] = <[Side; 2]>::try_from(sides).map_err(|_| Error::Cancelled)?;
    let mut fields = fields::differences("manifest", one.image.raw(), other.image.raw());
    fields.extend(fields::differences("config", &one.config, &other.config));
    let layers = layer::differences((first, &one.image), (second, &other.image), watch)?;
    let comparison = Comparison::default().with_mtime(true);
    let files = compare(&one.rootfs, &Scan::of(other.rootfs), &comparison);
    let causes = cause::of(&fields, &layers);
    Ok(Ok(ImageDiff {
        same: one.image.digest() == other.image.digest(),
        first: one.image.digest().clone(),
        second: other.image.digest().clone(),
        causes,
        fields,
        layers,
        files,
    }))
}

fn side(source: &dyn BlobSource, options: &Options, watch: &Watch<'_>) -> Result<Result<Side, Box<Report>>> {
    only_image(source, options, watch)?;
    let verification = verify(source, &options.clone().with_rootfs(true), watch)?;
    if !verification.report.is_complete() {
        return Ok(Err(Box::new(verification.report)));
    }
    let image = verification.images.into_iter().find(|image| image.kind() == ImageKind::Image);
    let mut rootfs = verification.rootfs;
    let tree = image.as_ref().and_then(|image| rootfs.remove(image.digest()));
    let (Some(image), Some(rootfs)) = (image, tree) else {
        return Err(Error::NoImage { reasons: "".into() });
    };
    let Some(descriptor) = image.config_descriptor() else {
        return Err(crate::canonical::invalid(
            "image to be compared",
            "it comes out of a docker archive, which has no manifest; copy it to an OCI layout first",
        ));
    };
    let limit = options.limits.document_bytes;
    let config = read(source, &descriptor.digest, limit).ok_or_else(|| changed(&descriptor.digest))?;
    Ok(Ok(Side { image, config, rootfs }))
}

/// A blob that was verified a moment ago, as a whole.
fn read(source: &dyn BlobSource, digest: &Digest, limit: u64) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let blob = source.open(&BlobName::Digest(digest.clone())).ok()?;
    let mut bytes = Vec::new();
    blob.reader.take(limit).read_to_end(&mut bytes).ok()?;
    (Digest::of_with(&digest.algorithm(), &bytes)? == *digest).then_some(bytes)
}

fn changed(digest: &Digest) -> Error {
    crate::canonical::invalid("image to be compared", format!("{digest} changed while it was read"))
}
