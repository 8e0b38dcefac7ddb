use std::{fmt::Write as _, num::NonZeroUsize};

use castline_core::{
    BlobName, BlobSource, Descriptor, Digest, Hasher, Image, ImageKind, Limits, Options, Platform, Platforms,
    Rootfs, Verification, Watch, shown_whole,
};

use super::document_of;
use crate::{Error, LayoutWriter, Reference, Result, Source};

/// The image that is built upon, verified; its layers are in the layout.
pub(super) struct Base {
    pub(super) name: String,
    pub(super) digest: Digest,
    pub(super) layers: Vec<Descriptor>,
    pub(super) diff_ids: Vec<Digest>,
    pub(super) config: serde_json::Value,
    pub(super) rootfs: Rootfs,
}

/// How many findings a message lists.
const LISTED: usize = 10;

impl Base {
    pub(super) fn open(
        reference: &Reference,
        platform: &Platform,
        layout: &LayoutWriter,
        jobs: NonZeroUsize,
        watch: &Watch<'_>,
    ) -> Result<Self> {
        let source = Source::open_watched(reference, &Limits::default(), watch)?;
        let options = Options::default()
            .with_selection(reference.selection())
            .with_platforms(Platforms::One(platform.clone()))
            .with_rootfs(true)
            .with_jobs(jobs);
        let Verification { report, images, mut rootfs, .. } =
            castline_core::verify(&source, &options, watch)?;
        let invalid =
            |reason: &str| Error::InvalidFile { path: reference.path().to_owned(), reason: reason.into() };
        if !report.is_complete() {
            let mut findings = String::new();
            for finding in report.findings.iter().take(LISTED) {
                let _ = write!(findings, "\n  {} [{}]", shown_whole(&finding.message), finding.code);
            }
            return Err(Error::NotIntact { what: reference.to_string().into(), findings: findings.into() });
        }
        let mut images = images.iter().filter(|image| image.kind() == ImageKind::Image);
        let (Some(image), None) = (images.next(), images.next()) else {
            return Err(invalid("it is not one image for the platform; name one by its tag or digest"));
        };
        let image: &Image = image;
        let Some(descriptor) = image.config_descriptor() else {
            return Err(invalid(
                "nothing is built upon a docker archive, which has no manifest; copy it to a layout first",
            ));
        };
        let config = document_of(&source, descriptor)?;
        let config: serde_json::Value =
            serde_json::from_slice(&config).map_err(|error| invalid(&error.to_string()))?;
        let mut layers = Vec::with_capacity(image.layers().len());
        for layer in image.layers() {
            let media_type = oci_layer(&layer.media_type)
                .ok_or_else(|| invalid("a layer is of a type that is not built upon"))?;
            if !layout.has(&layer.digest, layer.size, watch)? {
                let mut blob = layout.blob_with(&layer.digest.algorithm())?;
                copy(&source, layer, |chunk| {
                    if watch.is_cancelled() { Err(Error::Cancelled) } else { blob.append(chunk) }
                })?;
                blob.commit_as(&layer.digest, layer.size)?;
            }
            layers.push(Descriptor::new(media_type, layer.digest.clone(), layer.size));
        }
        let diff_ids = image.config().map(|config| config.diff_ids().to_vec()).unwrap_or_default();
        let rootfs = rootfs.remove(image.digest()).ok_or_else(|| invalid("it has no files"))?;
        let name = reference.tag().unwrap_or_default().to_owned();
        Ok(Self { name, digest: image.digest().clone(), layers, diff_ids, config, rootfs })
    }
}

/// OCI's name for a layer that Docker may have named (`media-types.md`, *Compatibility Matrix*).
fn oci_layer(media_type: &str) -> Option<&str> {
    match media_type {
        "application/vnd.docker.image.rootfs.diff.tar" => Some("application/vnd.oci.image.layer.v1.tar"),
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
            Some("application/vnd.oci.image.layer.v1.tar+gzip")
        }
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => {
            Some("application/vnd.oci.image.layer.v1.tar+zstd")
        }
        other => other.starts_with("application/vnd.oci.image.layer.v1.tar").then_some(other),
    }
}

/// Reads a blob to its end, and checks it.
pub(super) fn copy(
    source: &dyn BlobSource,
    descriptor: &Descriptor,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let what = || format!("the blob {}", descriptor.digest);
    let io = |error| Error::io(what())(error);
    let mut hasher = Hasher::new(&descriptor.digest.algorithm())
        .ok_or_else(|| Error::Unsupported { what: what().into(), advice: "its digest cannot be computed" })?;
    let blob = source.open(&BlobName::Digest(descriptor.digest.clone()));
    let mut reader = blob.map_err(|fault| io(std::io::Error::other(format!("{fault:?}"))))?.reader;
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0_u64;
    loop {
        let length = reader.read(&mut buffer).map_err(io)?;
        if length == 0 || size > descriptor.size {
            break;
        }
        size += length as u64;
        hasher.update(&buffer[..length]);
        take(&buffer[..length])?;
    }
    let digest = hasher.finish();
    if size == descriptor.size && digest == descriptor.digest {
        return Ok(());
    }
    Err(Error::ContentMismatch {
        what: what().into(),
        expected: format!("{}, {} bytes", descriptor.digest, descriptor.size).into(),
        actual: format!("{digest}, {size} bytes").into(),
    })
}
