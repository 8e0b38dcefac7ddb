//! Where castline reads: images in OCI layout folders, OCI archives and docker archives, all behind
//! [`BlobSource`], and root filesystems (on Linux), as trees. No byte is trusted. And where it writes: [`LayoutWriter`] an
//! OCI layout, [`ImageBuilder`] (on Linux) images that have the same bytes whenever they are built.
//!
//! ```no_run
//! use castline_core::{Options, Watch, verify};
//! use castline_sources::{Reference, Source};
//!
//! let reference: Reference = "oci:images/app:v1".parse()?;
//! let source = Source::open(&reference)?;
//! let options = Options::default().with_selection(reference.selection());
//! let verification = verify(&source, &options, &Watch::none())?;
//! assert!(verification.report.is_intact());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod archive;
#[cfg(target_os = "linux")]
mod build;
mod error;
mod layout;
mod reference;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(target_os = "linux")]
mod scan;
#[cfg(unix)]
mod store;

pub use archive::Archive;
#[cfg(target_os = "linux")]
pub use build::{
    BuildFile, Built, BuiltImage, BuiltIndex, BuiltLayer, ImageBuilder, LayerSource, Modes, Owner, Times,
    Xattrs, archive_at, archive_to, build_index, write_archive,
};
pub use error::{Error, Result};
pub use layout::Layout;
pub use reference::{Reference, Transport};
#[cfg(target_os = "linux")]
pub use scan::{
    Cache, CacheFault, Overlay, OverlayXattrs, ScanLimits, ScanOptions, SkipFn, Upper, scan, scan_upper,
    scan_with_cache,
};
#[cfg(unix)]
pub use store::{BlobWriter, LayoutPruner, LayoutWriter, StoredBlob};

use castline_core::{Blob, BlobName, BlobSource, Finding, Format, Limits, OpenFault, Stored, Watch};

/// An image source, of whichever kind a [`Reference`] names.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// A folder.
    Layout(Layout),
    /// An archive.
    Archive(Archive),
    /// What was pulled out of a registry.
    #[cfg(feature = "registry")]
    Pulled(registry::PulledImage),
}

impl Source {
    /// Opens what `reference` points at, with default limits.
    ///
    /// # Errors
    ///
    /// As [`Source::open_with`].
    pub fn open(reference: &Reference) -> Result<Self> {
        Self::open_with(reference, &Limits::default())
    }

    /// Opens what `reference` points at. `limits` bound what a compressed archive may decompress to, and the table of
    /// contents of any archive.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file or folder cannot be opened; [`Error::Unsupported`] for a registry, out of which an image is pulled first
    /// (feature `registry`). An archive
    /// that is broken opens, and says so in its findings.
    pub fn open_with(reference: &Reference, limits: &Limits) -> Result<Self> {
        Self::open_watched(reference, limits, &Watch::none())
    }

    /// [`Source::open_with`] under a watch: an archive that is compressed is decompressed when it is opened, and of one
    /// that is not every header is read, which takes its time when it is large.
    ///
    /// # Errors
    ///
    /// As [`Source::open_with`]; [`Error::Cancelled`] when the watch asks for a stop.
    pub fn open_watched(reference: &Reference, limits: &Limits, watch: &Watch<'_>) -> Result<Self> {
        if watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let archive =
            |format| Archive::open_watched(reference.path(), format, limits, watch).map(Self::Archive);
        match reference.transport() {
            Transport::Oci => Layout::open(reference.path()).map(Self::Layout),
            Transport::OciArchive => archive(Format::OciLayout),
            Transport::DockerArchive => archive(Format::DockerArchive),
            Transport::Docker => Err(Error::Unsupported {
                what: reference.to_string().into(),
                advice: "an image in a registry is pulled first, into a layout: `castline pull docker://… oci:DIR:TAG`",
            }),
        }
    }
}

impl BlobSource for Source {
    fn format(&self) -> Format {
        match self {
            Self::Layout(layout) => layout.format(),
            Self::Archive(archive) => archive.format(),
            #[cfg(feature = "registry")]
            Self::Pulled(image) => image.format(),
        }
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        match self {
            Self::Layout(layout) => layout.open_blob(name),
            Self::Archive(archive) => archive.open_blob(name),
            #[cfg(feature = "registry")]
            Self::Pulled(image) => image.open(name),
        }
    }

    fn stored(&self) -> std::io::Result<Vec<Stored>> {
        match self {
            Self::Layout(layout) => layout.stored(),
            Self::Archive(archive) => archive.stored(),
            #[cfg(feature = "registry")]
            Self::Pulled(image) => image.stored(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Layout(layout) => layout.findings(),
            Self::Archive(archive) => archive.findings(),
            #[cfg(feature = "registry")]
            Self::Pulled(image) => image.findings(),
        }
    }
}
