//! What the commands about one image take.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use castline::{
    Format, Limits, Options, Platforms, Watch,
    sources::{Archive, Reference, Source, Transport},
};
use clap::Args;

use super::values::{limit, platforms};
use crate::{Failure, progress::Bar};

/// What every command about an image takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The image, e.g. `oci:images/app:v1`.
    pub(crate) image: Reference,
    /// Only this platform, as `os/architecture[/variant]`; `all`: every platform that is listed must be there.
    #[arg(long, value_name = "PLATFORM", value_parser = platforms)]
    pub(crate) platform: Option<Platforms>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    /// Change a limit, by the name that a finding gives it, e.g. `layerBytes=1TiB`. May be repeated.
    #[arg(long, value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limit: Vec<(String, u64)>,
    #[command(flatten)]
    pub(crate) network: Network,
    /// Whether only documents are read, so that of an image in a registry no layers are needed.
    #[arg(skip)]
    pub(crate) documents_only: bool,
}

impl Common {
    pub(crate) fn options(&self) -> Options {
        let limits = self
            .limit
            .iter()
            .fold(Limits::default(), |limits, (name, value)| limits.with(name, *value).unwrap_or_default());
        Options::default()
            .with_selection(self.image.selection())
            .with_platforms(self.platform.clone().unwrap_or_default())
            .with_limits(limits)
    }

    /// Opens the image, with a bar of its own: a large archive takes its time, and one in a registry is pulled into the cache first.
    pub(crate) fn open(&self, options: &Options) -> Result<Source, Failure> {
        #[cfg(feature = "registry")]
        if self.image.transport() == Transport::Docker {
            return crate::registry::open(self, options);
        }
        let bar = Bar::new("opening");
        let show = |progress| bar.show(progress);
        let (limits, watch) = (&options.limits, Watch::none().with_progress(&show));
        let format = match self.image.transport() {
            Transport::OciArchive => Some(Format::OciLayout),
            Transport::DockerArchive => Some(Format::DockerArchive),
            _ => None,
        };
        Ok(match format.filter(|_| self.image.path() == Path::new("-")) {
            None => Source::open_watched(&self.image, limits, &watch)?,
            Some(format) => {
                let stdin = std::io::stdin().lock();
                Source::Archive(Archive::from_reader_watched(stdin, format, limits, &watch)?)
            }
        })
    }
}

/// How registries are spoken to.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Images in registries")]
pub(crate) struct Network {
    /// Speak HTTP without TLS. (To loopback it is spoken anyway, where there is no TLS.)
    #[cfg(feature = "registry")]
    #[arg(long)]
    pub(crate) plain_http: bool,
    /// Also trust this authority's certificate, in PEM. `HOST/*.crt` in `/etc/docker/certs.d`, `/etc/containers/certs.d` and
    /// `~/.config/containers/certs.d` are trusted anyway; certificates of clients there are not used.
    #[cfg(feature = "registry")]
    #[arg(long = "ca", value_name = "FILE")]
    pub(crate) authority: Vec<PathBuf>,
    /// Take credentials from here only, instead of where containers and Docker keep them.
    #[cfg(feature = "registry")]
    #[arg(long, value_name = "FILE")]
    pub(crate) authfile: Option<PathBuf>,
    /// Keep here what is pulled to be looked at; `~/.cache/castline/images` by default.
    #[cfg(feature = "registry")]
    #[arg(long, value_name = "DIR")]
    pub(crate) image_cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Tree {
    #[command(flatten)]
    pub(crate) common: Common,
    /// With --json, also the digest by which fs-verity knows each file.
    #[arg(long, requires = "json")]
    pub(crate) verity: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Also name blobs and files that nothing refers to, and check such blobs.
    #[arg(long)]
    pub(crate) unreferenced: bool,
    /// How many cores to use; all by default.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The service that it is a release of.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: String,
    /// How many instances should run.
    #[arg(long, value_name = "N")]
    pub(crate) replicas: u64,
    /// How each is run, where it is not as the image says.
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: Option<PathBuf>,
    /// A variable that is a secret, and where its value is on the machine that launches it: `NAME=env:VARIABLE` of the castline
    /// that launches, or `NAME=file:/PATH`. The release has this reference only. May be repeated.
    #[arg(long, value_name = "NAME=SOURCE")]
    pub(crate) secret: Vec<String>,
}
