mod engine;
mod help;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use castline::{
    Format, Limits, Options, Platform, Platforms, Watch, drift,
    import::Services,
    sources::{Archive, Reference, Source, Transport},
};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use engine::{Answer, Apply, Go, History, Prune, Remediate, Resume, Rollback, Status, Test};

use crate::{Failure, progress::Bar, size};

/// Says whether a container image is what it claims to be, and whether what runs is what was shipped.
#[derive(Debug, Parser)]
#[command(name = "castline", version, propagate_version = true, after_help = help::HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer what a rollout asks before it goes on.
    #[command(after_help = help::engine::ANSWER_EXAMPLES)]
    Answer(Answer),
    /// Make releases run: plan, preview, approval, proof, and then instance by instance.
    #[command(after_help = help::engine::APPLY_EXAMPLES)]
    Apply(Apply),
    /// Make an image out of folders, files and tars: the same inputs give the same bytes.
    #[command(after_help = help::BUILD_EXAMPLES)]
    Build(Build),
    /// Prove that a plan is safe, independently of who made it, or show the steps that break it.
    #[command(after_help = help::CHECK_EXAMPLES)]
    Check(Check),
    /// Say why two images are not the same: fields, layers, and files down to the attribute.
    #[command(after_help = help::DIFF_EXAMPLES)]
    Diff(Diff),
    /// Compare what runs with what was shipped: a root filesystem with its image, file by file.
    #[command(after_help = help::DRIFT_EXAMPLES)]
    Drift(Drift),
    /// Tell what was rolled out when, by whom, and what became of it.
    #[command(after_help = help::engine::HISTORY_EXAMPLES)]
    History(History),
    /// Take what kubectl, docker, podman, aws or Packer print: fleets, policies, releases.
    #[command(after_help = help::IMPORT_EXAMPLES)]
    Import(Import),
    /// Compute how fleets get from what runs to what should, and show it before anything is done.
    #[command(after_help = help::PLAN_EXAMPLES)]
    Plan(Plan),
    /// Print what a runtime itself writes into an instance: what `drift --profile` leaves out.
    #[command(after_help = help::PROFILE_EXAMPLES)]
    Profile(Profile),
    /// Remove images that nothing needs which the ledger knows of; without --delete, say which.
    #[command(after_help = help::engine::PRUNE_EXAMPLES)]
    Prune(Prune),
    /// List the tags of a repository in a registry, or what refers to an image there.
    #[cfg(feature = "registry")]
    #[command(after_help = help::LIST_EXAMPLES)]
    List(List),
    /// Say which digest a tag in a registry stands for now.
    #[cfg(feature = "registry")]
    #[command(after_help = help::PIN_EXAMPLES)]
    Pin(Pin),
    /// Bring an image out of a registry into a layout, and verify it.
    #[cfg(feature = "registry")]
    #[command(after_help = help::PULL_EXAMPLES)]
    Pull(Pull),
    /// Verify an image, and push it to a registry.
    #[cfg(feature = "registry")]
    #[command(after_help = help::PUSH_EXAMPLES)]
    Push(Push),
    /// Show what an image is: identities, platforms, layers, configuration.
    #[command(after_help = help::INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Make the release of an image: it is verified, and becomes what should run.
    #[command(after_help = help::RELEASE_EXAMPLES)]
    Release(Release),
    /// Find the instances whose files are not those of their image, and replace them.
    #[command(after_help = help::engine::REMEDIATE_EXAMPLES)]
    Remediate(Remediate),
    /// Go on with a rollout that was paused, or whose castline is gone.
    #[command(after_help = help::engine::RESUME_EXAMPLES)]
    Resume(Resume),
    /// Go back to an earlier release.
    #[command(after_help = help::engine::ROLLBACK_EXAMPLES)]
    Rollback(Rollback),
    /// Say what runs, what is under way and what it waits for.
    #[command(after_help = help::engine::STATUS_EXAMPLES)]
    Status(Status),
    /// Run a command in an instance of an image, and record whether it passed.
    #[command(after_help = help::engine::TEST_EXAMPLES)]
    Test(Test),
    /// Print the files that an image stands for, as mtree(5) text or JSON lines.
    #[command(after_help = help::TREE_EXAMPLES)]
    Tree(Tree),
    /// Check every blob, size, digest and layer of an image.
    #[command(after_help = help::VERIFY_EXAMPLES)]
    Verify(Verify),
}

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
    #[command(flatten)]
    pub(crate) network: Network,
    /// Whether only documents are read, so that of an image in a registry no layers are needed.
    #[arg(skip)]
    pub(crate) documents_only: bool,
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

#[cfg(feature = "registry")]
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
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

#[cfg(feature = "registry")]
impl Pull {
    /// What is verified.
    pub(crate) fn options(&self) -> Options {
        Options::default()
            .with_selection(self.from.selection())
            .with_platforms(self.platform.clone().unwrap_or_default())
    }
}

#[cfg(feature = "registry")]
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
}

#[cfg(feature = "registry")]
#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// The image, e.g. `docker://registry.example/app:v1`.
    pub(crate) image: Reference,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

#[cfg(feature = "registry")]
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
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

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
    /// Print one JSON document instead of text.
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

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The one image, e.g. `oci:images/app:v1`.
    pub(crate) first: Reference,
    /// The other.
    pub(crate) second: Reference,
    /// Of images for several platforms, this one, as `os/architecture[/variant]`.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    /// Change a limit, by the name that a finding gives it, e.g. `layerBytes=1TiB`. May be repeated.
    #[arg(long, value_name = "NAME=NUMBER", value_parser = limit)]
    pub(crate) limit: Vec<(String, u64)>,
    #[command(flatten)]
    pub(crate) network: Network,
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
    #[command(flatten)]
    pub(crate) network: Network,
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

/// Whose documents are imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Origin {
    /// `kubectl get … -o json`.
    #[value(alias = "kubectl")]
    Kubernetes,
    /// `docker inspect`, `podman inspect`.
    #[value(alias = "podman")]
    Docker,
    /// `aws ec2 describe-instances`, `aws autoscaling describe-auto-scaling-groups`.
    Aws,
    /// The manifest that Packer writes of what it built.
    Packer,
}

/// What is printed of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// What runs.
    Fleet,
    /// How the platform would replace it.
    Policy,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Whose documents these are.
    #[arg(value_name = "FROM")]
    pub(crate) origin: Origin,
    /// The documents; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Only this service; of Packer, the one that the release is of.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Print this document of the service, for `castline plan`.
    #[arg(long, value_name = "WHAT", requires = "service")]
    pub(crate) get: Option<Part>,
    /// What a service is: `workload`, `qualified` (with its namespace or project), `label=KEY`, or `one=NAME` for all.
    #[arg(long, value_name = "HOW", default_value = "workload", value_parser = services)]
    pub(crate) services: Services,
    /// Of Kubernetes, only this namespace.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Of Packer, only this region.
    #[arg(long, value_name = "NAME")]
    pub(crate) region: Option<String>,
    /// Of Packer, only the build of this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) build: Option<String>,
    /// Of Packer, how many instances should run.
    #[arg(long, value_name = "N", requires = "service")]
    pub(crate) replicas: Option<u64>,
    /// Also how instances are run, which can hold secrets.
    #[arg(long)]
    pub(crate) specs: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
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
            network: self.network.clone(),
            documents_only: false,
        }
    }
}

impl Diff {
    /// What it says of one of the images.
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

fn platforms(text: &str) -> Result<Platforms, castline::Error> {
    if text == "all" { Ok(Platforms::All) } else { text.parse::<Platform>().map(Platforms::One) }
}

fn expected(text: &str) -> Result<Expected, castline::sources::Error> {
    match text.strip_prefix("tree:") {
        Some(file) => Ok(Expected::Tree(file.into())),
        None => text.parse().map(Expected::Image),
    }
}

fn output(text: &str) -> Result<Reference, String> {
    let reference: Reference = text.parse().map_err(|error: castline::sources::Error| error.to_string())?;
    let written = matches!(reference.transport(), Transport::Oci | Transport::OciArchive);
    if !written || reference.digest().is_some() || reference.position().is_some() {
        return Err("write `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`".into());
    }
    Ok(reference)
}

fn services(text: &str) -> Result<Services, String> {
    match text.split_once('=') {
        None if text == "workload" => Ok(Services::Workload),
        None if text == "qualified" => Ok(Services::Qualified),
        Some(("label", key)) if !key.is_empty() => Ok(Services::Label(key.into())),
        Some(("one", name)) if !name.is_empty() => Ok(Services::One(name.into())),
        _ => Err("write `workload`, `qualified`, `label=KEY` or `one=NAME`".into()),
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
