use std::{num::NonZeroUsize, path::Path};

use castline::{
    Format, Limits, Options, Platform, Platforms,
    sources::{Archive, Reference, Source, Transport},
};
use clap::{Args, Parser, Subcommand};

use crate::{Failure, size};

/// Says whether a container image is what it claims to be: every byte, size and digest, on all cores.
#[derive(Debug, Parser)]
#[command(name = "castline", version, propagate_version = true, after_help = EXIT_STATUS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "\
Exit status: 0 nothing wrong; 1 findings; 2 the work could not be done.

IMAGE is oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG][@DIGEST] or docker-archive:FILE[:NAME[:TAG]];
`:@N` in place of the tag takes the image at position N; a FILE of `-` is standard input. An image in a registry is copied first:
  skopeo copy docker://docker.io/library/alpine:3 oci:alpine:3";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what an image is: identities, platforms, layers, configuration.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Print the files that an image stands for, as mtree(5) text or JSON lines.
    #[command(after_help = TREE_EXAMPLES)]
    Tree(Tree),
    /// Check every blob, size, digest and layer of an image.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  castline inspect oci:images/app
  castline inspect docker-archive:app.tar:example/app:1.0
  castline inspect oci:images/app:v1 --json | jq '.images[].layers[].diffId'

Reads the documents only. Exit status: 0 sound documents; 1 findings; 2 the work could not be done.";

const TREE_EXAMPLES: &str = "\
Examples:
  castline tree oci:images/app:v1 > app.mtree
  castline tree oci:images/app:v1 --platform linux/arm64 --json > app.jsonl
  castline tree docker-archive:app.tar | fmtree -p /mnt/rootfs

The image is verified on the way, and nothing is printed of one that is not intact. The text is mtree(5) with sizes and
SHA-256 digests; --json is one object a line, with extended attributes and further names of a file as well.
Exit status: 0 printed; 1 findings; 2 the work could not be done, or there are several images.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  castline verify oci:images/app
  castline verify oci:images/app:v1 --platform linux/arm64
  castline verify docker-archive:app.tar.gz --json
  docker save example/app:1.0 | castline verify docker-archive:-
  castline verify oci:images/app --unreferenced --jobs 1

Without a tag, everything that the index names is checked.
Exit status: 0 intact and complete; 1 findings, or a layer that could not be checked; 2 the work could not be done.";

/// What both commands take.
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

    pub(crate) fn open(&self, options: &Options) -> Result<Source, Failure> {
        let format = match self.image.transport() {
            Transport::OciArchive => Format::OciLayout,
            Transport::DockerArchive => Format::DockerArchive,
            _ => return Ok(Source::open_with(&self.image, &options.limits)?),
        };
        if self.image.path() != Path::new("-") {
            return Ok(Source::open_with(&self.image, &options.limits)?);
        }
        let archive = Archive::from_reader(std::io::stdin().lock(), format, &options.limits)?;
        Ok(Source::Archive(archive))
    }
}

fn platforms(text: &str) -> Result<Platforms, castline::Error> {
    if text == "all" { Ok(Platforms::All) } else { text.parse::<Platform>().map(Platforms::One) }
}

fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("write `NAME=NUMBER`")?;
    let number =
        size::parse(number).ok_or_else(|| format!("`{number}` is no number like 4096, 64MiB or 1TiB"))?;
    match Limits::default().with(name, number) {
        Some(_) => Ok((name.to_owned(), number)),
        None => Err(format!("no limit is called `{name}`; there are: {}", Limits::NAMES.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
