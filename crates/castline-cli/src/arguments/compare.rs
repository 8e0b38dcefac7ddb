//! What the commands that compare take: two images, or an image with what runs.

use std::{num::NonZeroUsize, path::PathBuf};

use castline::{Platform, Platforms, drift, sources::Reference};
use clap::Args;

use super::{
    image::{Common, Network},
    values::limit,
};

/// What both take of the images that they read.
#[derive(Debug, Args)]
pub(crate) struct OfImages {
    /// Of an image for several platforms, this one, as `os/architecture[/variant]`.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    /// Change a limit of an image, by the name that a finding gives it, e.g. `layerBytes=1TiB`. May be repeated.
    #[arg(long, value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limit: Vec<(String, u64)>,
    #[command(flatten)]
    pub(crate) network: Network,
}

impl OfImages {
    /// The same, of this image.
    pub(crate) fn common(&self, image: &Reference) -> Common {
        Common {
            image: image.clone(),
            platform: self.platform.clone().map(Platforms::One),
            json: self.json,
            limit: self.limit.clone(),
            network: self.network.clone(),
            documents_only: false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The one image, e.g. `oci:images/app:v1`.
    pub(crate) first: Reference,
    /// The other.
    pub(crate) second: Reference,
    #[command(flatten)]
    pub(crate) of_images: OfImages,
}

/// What a root filesystem is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// An image.
    Image(Reference),
    /// A tree that `castline tree --json` printed; `-` for standard input.
    Tree(PathBuf),
}

#[derive(Debug, Args)]
pub(crate) struct Drift {
    /// The image, e.g. `oci:images/app:v1`; or `tree:FILE`, which `castline tree --json` printed.
    #[arg(value_name = "IMAGE", value_parser = expected)]
    pub(crate) image: Expected,
    /// The root filesystem: a folder, or `/proc/PID/root`.
    pub(crate) rootfs: PathBuf,
    /// Leave out what this runtime writes itself: docker, podman, kubernetes, local or none.
    #[arg(long, value_name = "NAME", default_value = "none", value_parser = profile)]
    pub(crate) profile: drift::Profile,
    /// Leave out what matches, e.g. `var/log/**`. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub(crate) ignore: Vec<drift::Glob>,
    /// A mount that is meant to be there, e.g. `/data`. May be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) mount: Vec<String>,
    /// Compare times of modification, too.
    #[arg(long)]
    pub(crate) mtime: bool,
    /// Read only what was written: ROOTFS is an overlay's upper folder, or `/proc/PID/root` on an overlay.
    #[arg(long, conflicts_with = "cache")]
    pub(crate) fast: bool,
    /// Read no file again whose device, inode, ctime and size this file knows; it is made if it is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) cache: Option<PathBuf>,
    /// Do not read files whose content fs-verity guards as the image has it. A tree is to be saved with it, too.
    #[arg(long, conflicts_with = "fast")]
    pub(crate) verity: bool,
    /// How many cores to use; all by default.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) of_images: OfImages,
}

#[derive(Debug, Args)]
pub(crate) struct Profile {
    /// Which: docker, podman, kubernetes, local or none; all by default.
    #[arg(value_parser = profile)]
    pub(crate) name: Option<drift::Profile>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

fn expected(text: &str) -> Result<Expected, castline::sources::Error> {
    match text.strip_prefix("tree:") {
        Some(file) => Ok(Expected::Tree(file.into())),
        None => text.parse().map(Expected::Image),
    }
}

fn profile(name: &str) -> Result<drift::Profile, String> {
    let names = || drift::Profile::NAMES.join(", ");
    drift::Profile::named(name).ok_or_else(|| format!("there is no such profile; there are: {}", names()))
}
