use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use castline::{
    Format, Limits, Options, Platform, Platforms, Watch, drift,
    sources::{Archive, Reference, Source, Transport},
};
use clap::{Args, Parser, Subcommand};

use crate::{Failure, progress::Bar, size};

/// Says whether a container image is what it claims to be, and whether what runs is what was shipped.
#[derive(Debug, Parser)]
#[command(name = "castline", version, propagate_version = true, after_help = HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command's exit status means; the READMEs say the same.
macro_rules! exit_status {
    () => {
        "Exit status: 0 all is well, warnings and remarks aside; 1 an error was found, or
something could not be checked; 2 the work could not be done."
    };
}

const HELP: &str = concat!(
    exit_status!(),
    "

IMAGE is oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG][@DIGEST] or docker-archive:FILE[:NAME[:TAG]];
`:@N` in place of the tag takes the image at position N; a FILE of `-` is standard input. An image in a registry is copied first:
  skopeo copy docker://docker.io/library/alpine:3 oci:alpine:3"
);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prove that a plan is safe, independently of who made it, or show the steps that break it.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Compare what runs with what was shipped: a root filesystem with its image, file by file.
    #[command(after_help = DRIFT_EXAMPLES)]
    Drift(Drift),
    /// Compute how fleets get from what runs to what should, and show it before anything is done.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Plan),
    /// Print what a runtime itself writes into an instance: what `drift --profile` leaves out.
    #[command(after_help = PROFILE_EXAMPLES)]
    Profile(Profile),
    /// Show what an image is: identities, platforms, layers, configuration.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Make the release of an image: it is verified, and becomes what should run.
    #[command(after_help = RELEASE_EXAMPLES)]
    Release(Release),
    /// Print the files that an image stands for, as mtree(5) text or JSON lines.
    #[command(after_help = TREE_EXAMPLES)]
    Tree(Tree),
    /// Check every blob, size, digest and layer of an image.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
}

const CHECK_EXAMPLES: &str = "\
Examples:
  castline check --plan plan.json --fleet fleet.json --release release.json --policy policy.json
  castline check --plan plan.json --fleet fleet.json --release release.json --exhaustive

The proof shares no code with the planner. It shows that the plan is for this fleet, release and
policy, does what the policy asks and nothing else, breaks no limit whatever the order in which
things happen, and can always go on. --exhaustive also executes it in every world that is slow,
fails, loses and repeats; that is for small plans.
Exit status: 0 it is safe; 1 it is not, and the steps that break it are shown; 2 the work could not
be done.";

const PLAN_EXAMPLES: &str = "\
Examples:
  castline plan --fleet fleet.json --release release.json
  castline plan --fleet fleet.json --release release.json --policy policy.json --html plan.html
  castline plan --fleet fleet.json --release release.json --policy policy.json --json > plan.json
  castline plan --fleet web.json --fleet db.json --release web-2.json --release db-2.json

Nothing is done: the plan is a document, which names each instance, in which order and why; approve
of it by its digest. Without --policy, replacements are rolled out one by one with a surge of 25 %
and nothing unavailable. The capacity that is shown is that of a simulation; --world FILE
says how long things take. schemas/ has the schemas of all documents.
Exit status: 0 there is a plan; 1 it is infeasible, and the constraints in conflict are named; 2 the
work could not be done.";

const RELEASE_EXAMPLES: &str = "\
Examples:
  castline release oci:images/app:v2 --service web --replicas 6 > release.json
  castline release oci:images/app:v2 --platform linux/arm64 --service web --replicas 6 --spec spec.json

The image is verified first: there is no release of one that is not intact or could not be checked as
a whole. --spec is a document with what of env, entrypoint, args, user, workingDir, mounts and labels
is not as the image says.
Exit status: 0 the release is printed; 1 the image is not intact; 2 the work could not be done.";

const DRIFT_EXAMPLES: &str = "\
Examples:
  castline drift oci:images/app:v1 /proc/4711/root --profile podman
  castline drift oci:images/app:v1 /mnt/rootfs --ignore 'var/cache/**' --json
  castline drift oci:images/app:v1 /proc/4711/root --fast --profile docker
  castline tree oci:images/app:v1 --json > app.jsonl
  castline drift tree:app.jsonl /proc/4711/root --profile kubernetes --mount /data

Compared are type, mode, owner, size, content, link target, device, extended attributes and hard
links. The image is verified first; a tree that was saved is taken as it is. Nothing is written to
ROOTFS. What cannot be read, as by another user than root, is told and leaves the verdict open.

--fast believes that what the overlay has not written is as in the image: it does not see who
altered the image's layers on the host. --cache believes the kernel's ctime: it does not see who
set the clock back, or wrote to the disk beneath the filesystem. --verity believes the kernel, which
refuses to read what differs from the digest that it measures.

Severities: critical is code that was not shipped, or rights; warning is what differs otherwise;
info is what programs leave as they run (logs, files in /tmp), and no drift.
Exit status: 0 no drift, remarks aside; 1 it drifted, or something could not be checked; 2 the work
could not be done.";

const PROFILE_EXAMPLES: &str = "\
Examples:
  castline profile
  castline profile podman
  castline profile kubernetes --json";

const INSPECT_EXAMPLES: &str = concat!(
    "\
Examples:
  castline inspect oci:images/app
  castline inspect docker-archive:app.tar:example/app:1.0
  castline inspect oci:images/app:v1 --json | jq '.images[].layers[].diffId'

Reads the documents only; layers are left to `castline verify`.
",
    exit_status!()
);

const TREE_EXAMPLES: &str = concat!(
    "\
Examples:
  castline tree oci:images/app:v1 > app.mtree
  castline tree oci:images/app:v1 --platform linux/arm64 --json > app.jsonl
  castline tree docker-archive:app.tar | fmtree -p /mnt/rootfs

The image is verified on the way, and nothing is printed of one that is not intact or could not
be checked as a whole. Of several images one has to be taken. The text is mtree(5) with sizes and
SHA-256 digests; --json is one object a line, with extended attributes and further names of a file
as well.
",
    exit_status!()
);

const VERIFY_EXAMPLES: &str = concat!(
    "\
Examples:
  castline verify oci:images/app
  castline verify oci:images/app:v1 --platform linux/arm64
  castline verify docker-archive:app.tar.gz --json
  docker save example/app:1.0 | castline verify docker-archive:-
  castline verify oci:images/app --unreferenced --jobs 1

Without a tag, everything that the index names is checked.
",
    exit_status!()
);

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

/// What a root filesystem is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// An image.
    Image(Reference),
    /// A tree that `castline tree --json` printed; `-` for standard input.
    Tree(PathBuf),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub(crate) struct Drift {
    /// The image, e.g. `oci:images/app:v1`; or `tree:FILE`, which `castline tree --json` printed.
    #[arg(value_name = "IMAGE", value_parser = expected)]
    pub(crate) image: Expected,
    /// The root filesystem: a folder, or `/proc/PID/root`.
    pub(crate) rootfs: PathBuf,
    /// Leave out what this runtime writes itself: docker, podman, kubernetes or none.
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
    /// Of an image for several platforms, this one, as `os/architecture[/variant]`.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not read files whose content fs-verity guards as the image has it. A tree is to be saved with it, too.
    #[arg(long, conflicts_with = "fast")]
    pub(crate) verity: bool,
    /// How many cores to use; all by default.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Change a limit of the image, by the name that a finding gives it, e.g. `layerBytes=1TiB`. May be repeated.
    #[arg(long, value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limit: Vec<(String, u64)>,
}

/// What a plan is about.
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// What runs: a fleet's document; `-` is standard input. Once for each service.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) fleet: Vec<PathBuf>,
    /// What should run: a release's document, as `castline release` prints it. Once for each service.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) release: Vec<PathBuf>,
    /// How it may get there: a policy's document. One that names no service is for all.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// Also write it as one page, with a drawing of what happens when.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// How long launches take, readiness, retiring and answers, and how many fail: a document for the simulation.
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
    /// Print the plan as a JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The plan, as `castline plan --json` prints it; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// Also execute it in every world that there can be, as far as so many states go.
    #[arg(long)]
    pub(crate) exhaustive: bool,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
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
}

#[derive(Debug, Args)]
pub(crate) struct Profile {
    /// Which: docker, podman, kubernetes or none; all by default.
    #[arg(value_parser = profile)]
    pub(crate) name: Option<drift::Profile>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
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

impl Drift {
    /// What it says of the image `image`.
    pub(crate) fn common(&self, image: &Reference) -> Common {
        Common {
            image: image.clone(),
            platform: self.platform.clone().map(Platforms::One),
            json: self.json,
            limit: self.limit.clone(),
        }
    }
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

    /// Opens the image, with a bar of its own: a large archive takes its time.
    pub(crate) fn open(&self, options: &Options) -> Result<Source, Failure> {
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

fn platforms(text: &str) -> Result<Platforms, castline::Error> {
    if text == "all" { Ok(Platforms::All) } else { text.parse::<Platform>().map(Platforms::One) }
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
