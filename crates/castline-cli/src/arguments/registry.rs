//! What the commands that speak to registries take.

use std::path::{Path, PathBuf};

use castline::{Options, Platforms, sources::Reference};
use clap::Args;

use super::{
    engine::SITE,
    image::{Common, Network},
    values::platforms,
};

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// The image, e.g. `docker://registry.example/app:v1`.
    #[arg(value_name = "IMAGE")]
    pub(crate) from: Reference,
    /// The layout: `oci:DIR`, or `oci:DIR:TAG` to give it a name there.
    #[arg(value_name = "LAYOUT")]
    pub(crate) to: Reference,
    /// Only this platform, as `os/architecture[/variant]`; `all`: every platform that is listed must be there.
    #[arg(long, value_name = "PLATFORM", value_parser = platforms)]
    pub(crate) platform: Option<Platforms>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

impl Pull {
    /// What is verified.
    pub(crate) fn options(&self) -> Options {
        Options::default()
            .with_selection(self.from.selection())
            .with_platforms(self.platform.clone().unwrap_or_default())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Where to: `docker://HOST/NAME:TAG`; without a tag it can be had by its digest only.
    #[arg(value_name = "PLACE")]
    pub(crate) to: Reference,
    /// Another repository of the same registry, whose blobs need not be sent. May be repeated.
    #[arg(long, value_name = "PLACE")]
    pub(crate) mount: Vec<Reference>,
    /// The site whose test images must have passed; `castline-site.toml`, where that is there.
    #[arg(long, value_name = "FILE", env = "CASTLINE_SITE")]
    pub(crate) site: Option<PathBuf>,
    /// Push it whether or not it has passed the site's test, as where the site's driver can only have it from there.
    #[arg(long)]
    pub(crate) untested: bool,
}

impl Push {
    /// The site's file, where there is a site.
    pub(crate) fn site(&self) -> Option<&Path> {
        let usual = Path::new(SITE);
        let site = self.site.as_deref().or_else(|| usual.exists().then_some(usual));
        site.filter(|_| !self.untested)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// The image, e.g. `docker://registry.example/app:v1`.
    pub(crate) image: Reference,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The repository, e.g. `docker://registry.example/app`; with --referrers, the image.
    pub(crate) image: Reference,
    /// List what refers to the image: signatures, bills of materials.
    #[arg(long)]
    pub(crate) referrers: bool,
    /// Only referrers of this type.
    #[arg(long, value_name = "TYPE", requires = "referrers")]
    pub(crate) artifact_type: Option<String>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}
