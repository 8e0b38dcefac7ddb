//! What `castline build` takes.

use std::{num::NonZeroUsize, path::PathBuf};

use castline::sources::{Reference, Transport};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The description of the image, in TOML.
    #[arg(short, long, value_name = "FILE", default_value = "castline.toml")]
    pub(crate) file: PathBuf,
    /// Where it goes: `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`; a FILE of `-` is standard output.
    #[arg(short, long, value_name = "IMAGE", value_parser = output)]
    pub(crate) output: Reference,
    /// How layers are compressed, instead of what the description says.
    #[arg(long, value_name = "HOW")]
    pub(crate) compression: Option<Form>,
    /// How many cores to use; all by default. The bytes are the same for any number.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
}

/// How layers are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// One gzip member, which every reader takes.
    Gzip,
    /// One zstd frame for each 4 MiB.
    Zstd,
    /// Not at all.
    None,
}

fn output(text: &str) -> Result<Reference, String> {
    let reference: Reference = text.parse().map_err(|error: castline::sources::Error| error.to_string())?;
    let written = matches!(reference.transport(), Transport::Oci | Transport::OciArchive);
    if !written || reference.digest().is_some() || reference.position().is_some() {
        return Err("write `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`".into());
    }
    Ok(reference)
}
