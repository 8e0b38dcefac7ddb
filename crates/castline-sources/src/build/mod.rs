//! Images are built: the same inputs give the same bytes, on every run, machine and number of threads.

mod archive;
mod base;
mod document;
mod encode;
mod file;
mod header;
mod layer;
mod pack;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    path::PathBuf,
    thread,
};

use castline_core::{BlobSource, Compression, Descriptor, Digest, Platform, Time, Watch};
use serde::Serialize;

pub use self::{
    archive::{archive_at, archive_to, write_archive},
    file::{BuildFile, Built},
    layer::{LayerSource, Modes, Owner, Times, Xattrs},
};
use self::{base::Base, encode::Encoding, write::Below};
use crate::{LayoutWriter, Reference, Result};

/// How an image is to be built: a value, each change of which is another one.
///
/// ```
/// use castline_core::Watch;
/// use castline_sources::{ImageBuilder, LayerSource, LayoutWriter};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir(folder.path().join("site"))?;
/// std::fs::write(folder.path().join("site/index.html"), "hello")?;
/// let builder = ImageBuilder::new("linux/amd64".parse()?)
///     .with_layer(LayerSource::directory(folder.path().join("site")).at("/srv/www"))
///     .with_entrypoint(["/bin/httpd", "-h", "/srv/www"])
///     .with_exposed_port("8080/tcp");
/// let layout = LayoutWriter::create_or_open(folder.path().join("images"))?;
/// let image = builder.build(&layout, &Watch::none())?;
/// layout.name(Some("site"), &image.descriptor)?;
/// assert_eq!(builder.build(&layout, &Watch::none())?.descriptor.digest, image.descriptor.digest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    platform: Platform,
    base: Option<Reference>,
    layers: Vec<LayerSource>,
    created: Time,
    compression: Compression,
    jobs: Option<NonZeroUsize>,
    annotations: BTreeMap<String, String>,
    runtime: Runtime,
}

/// What is said of how the image runs; what is not said is as in the base.
#[derive(Clone, Debug, Default)]
struct Runtime {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: BTreeMap<String, String>,
    user: Option<String>,
    working_dir: Option<String>,
    labels: BTreeMap<String, String>,
    exposed_ports: BTreeSet<String>,
    volumes: BTreeSet<String>,
    stop_signal: Option<String>,
}

/// An image that was built, whose blobs are in the layout.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BuiltImage {
    /// Its manifest: type, digest, size and platform.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// The digest of its configuration: Docker's image ID.
    pub config: Digest,
    /// Its layers, lowest first; those of the base are left out.
    pub layers: Vec<BuiltLayer>,
}

/// A layer that was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BuiltLayer {
    /// The digest of the blob.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// The digest of the tar in it.
    pub diff_id: Digest,
    /// The length of the tar in bytes.
    pub bytes: u64,
    /// How many entries the tar has.
    pub entries: u64,
}

/// An index of images that were built.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BuiltIndex {
    /// Its type, digest and size.
    #[serde(flatten)]
    pub descriptor: Descriptor,
    /// Its images, in the order of the index.
    pub images: Vec<BuiltImage>,
}

impl ImageBuilder {
    /// An empty image for `platform`, created at 1970-01-01T00:00:00Z, with layers under gzip.
    pub fn new(platform: Platform) -> Self {
        Self {
            platform,
            base: None,
            layers: Vec::new(),
            created: Time::default(),
            compression: Compression::Gzip,
            jobs: None,
            annotations: BTreeMap::new(),
            runtime: Runtime::default(),
        }
    }

    /// The same for another platform.
    #[must_use]
    pub fn with_platform(self, platform: Platform) -> Self {
        Self { platform, ..self }
    }

    /// The same upon the image that `base` names: its layers come first, and its configuration holds where nothing else
    /// is said. It is verified while it is copied, and named in the annotations `org.opencontainers.image.base.*`.
    #[must_use]
    pub fn with_base(self, base: Reference) -> Self {
        Self { base: Some(base), ..self }
    }

    /// The same with one more layer, on top.
    #[must_use]
    pub fn with_layer(mut self, layer: LayerSource) -> Self {
        self.layers.push(layer);
        self
    }

    /// The same, created at this moment, which is that of its files as well. Nothing reads a clock: who wants the same
    /// bytes again gives the same moment, such as that of the commit (`SOURCE_DATE_EPOCH`).
    #[must_use]
    pub fn with_created(self, created: Time) -> Self {
        Self { created, ..self }
    }

    /// The same with layers compressed in this way.
    #[must_use]
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { compression, ..self }
    }

    /// The same on this many cores; all by default. The bytes are the same for any number.
    #[must_use]
    pub fn with_jobs(self, jobs: NonZeroUsize) -> Self {
        Self { jobs: Some(jobs), ..self }
    }

    /// The same with an annotation of its manifest.
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// The same with this program, and its first arguments. A base's default arguments go.
    #[must_use]
    pub fn with_entrypoint<T: Into<String>>(mut self, entrypoint: impl IntoIterator<Item = T>) -> Self {
        self.runtime.entrypoint = Some(entrypoint.into_iter().map(Into::into).collect());
        self
    }

    /// The same with these default arguments.
    #[must_use]
    pub fn with_cmd<T: Into<String>>(mut self, cmd: impl IntoIterator<Item = T>) -> Self {
        self.runtime.cmd = Some(cmd.into_iter().map(Into::into).collect());
        self
    }

    /// The names of the variables that it was given.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.runtime.env.keys().map(String::as_str)
    }

    /// The same with a variable of the environment, instead of one of the same name.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.runtime.env.insert(name.into(), value.into());
        self
    }

    /// The same, run by `user[:group]`, by name or number.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.runtime.user = Some(user.into());
        self
    }

    /// The same, run in this folder.
    #[must_use]
    pub fn with_working_dir(mut self, working_dir: impl Into<String>) -> Self {
        self.runtime.working_dir = Some(working_dir.into());
        self
    }

    /// The same with a label, instead of one of the same key.
    #[must_use]
    pub fn with_label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.runtime.labels.insert(key.into(), value.into());
        self
    }

    /// The same, listening on one more `port[/protocol]`.
    #[must_use]
    pub fn with_exposed_port(mut self, port: impl Into<String>) -> Self {
        self.runtime.exposed_ports.insert(port.into());
        self
    }

    /// The same with data of its own at one more path.
    #[must_use]
    pub fn with_volume(mut self, path: impl Into<String>) -> Self {
        self.runtime.volumes.insert(path.into());
        self
    }

    /// The same, asked to stop by this signal.
    #[must_use]
    pub fn with_stop_signal(mut self, signal: impl Into<String>) -> Self {
        self.runtime.stop_signal = Some(signal.into());
        self
    }

    /// What it is for.
    pub const fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Builds it: its blobs are written to `layout`, and named by nothing yet but their digests
    /// ([`LayoutWriter::name`]).
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io); [`Error::SourceChanged`](crate::Error::SourceChanged) for a file that changed while
    /// it was read; [`Error::InvalidFile`](crate::Error::InvalidFile) for what no layer can hold, and a base that cannot
    /// be built upon; [`Error::NotIntact`](crate::Error::NotIntact) for a base that is not what it says;
    /// [`Error::Unsupported`](crate::Error::Unsupported) for a compression that this build has not;
    /// [`Error::Cancelled`](crate::Error::Cancelled). What was written by then stays, and nothing refers to it.
    pub fn build(&self, layout: &LayoutWriter, watch: &Watch<'_>) -> Result<BuiltImage> {
        let encoding = Encoding::new(self.compression)?;
        let jobs = self.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        let mut base = match &self.base {
            Some(reference) => Some(Base::open(reference, &self.platform, layout, jobs, watch)?),
            None => None,
        };
        let mut below = Below::of(base.as_mut().map(|base| std::mem::take(&mut base.rootfs)));
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let mut counts = write::Counts::default();
            let packed = pack::pack(encoding, jobs, layout.blob()?, |sink| {
                counts = write::write(layer, self.created, &mut below, sink, watch)?;
                Ok(())
            })?;
            layers.push(BuiltLayer {
                digest: packed.blob.digest,
                size: packed.blob.size,
                diff_id: packed.diff_id,
                bytes: packed.bytes,
                entries: counts.entries,
            });
        }
        let config = layout.write(&document::config(self, base.as_ref(), &layers)?)?;
        let manifest = document::manifest(self, base.as_ref(), &layers, encoding, &config);
        let manifest = layout.write(&manifest)?;
        let descriptor = Descriptor::new(document::MANIFEST, manifest.digest, manifest.size)
            .with_platform(self.platform.clone());
        Ok(BuiltImage { descriptor, config: config.digest, layers })
    }
}

/// Writes an index of `images`, one for each platform, in the order given.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io); [`Error::InvalidFile`](crate::Error::InvalidFile) for two images of one platform, of
/// which readers would take the first.
pub fn build_index(
    layout: &LayoutWriter,
    images: Vec<BuiltImage>,
    annotations: &BTreeMap<String, String>,
) -> Result<BuiltIndex> {
    for (position, image) in images.iter().enumerate() {
        let twin =
            images[..position].iter().find(|other| other.descriptor.platform == image.descriptor.platform);
        if let (Some(_), Some(platform)) = (twin, &image.descriptor.platform) {
            return Err(crate::Error::InvalidFile {
                path: PathBuf::from("the index"),
                reason: format!("two of its images are for {platform}").into(),
            });
        }
    }
    let descriptors: Vec<&Descriptor> = images.iter().map(|image| &image.descriptor).collect();
    let index = layout.write(&document::index(&descriptors, annotations))?;
    Ok(BuiltIndex { descriptor: Descriptor::new(document::INDEX, index.digest, index.size), images })
}

/// Reads the whole of a document, which has to be what its descriptor says.
fn document_of(source: &dyn BlobSource, descriptor: &Descriptor) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    base::copy(source, descriptor, |chunk| {
        bytes.extend_from_slice(chunk);
        Ok(())
    })?;
    Ok(bytes)
}
