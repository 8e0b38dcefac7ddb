//! What is written on the command line.

mod build;
mod compare;
mod engine;
mod help;
mod image;
mod import;
mod plan;
#[cfg(feature = "registry")]
mod registry;
mod values;

use clap::{Parser, Subcommand};

pub(crate) use self::{
    build::{Build, Form},
    compare::{Diff, Drift, Expected, Profile},
    engine::{Answer, Apply, Go, History, Pause, Prune, Remediate, Resume, Rollback, Status, Test},
    image::{Common, Inspect, Release, Tree, Verify},
    import::{Import, Origin, Part},
    plan::{Check, Plan, Targets},
};
#[cfg(feature = "registry")]
pub(crate) use self::{
    image::Network,
    registry::{List, Pin, Pull, Push},
};

/// Says whether a container image is what it claims to be, and whether what runs is what was shipped.
#[derive(Debug, Parser)]
#[command(name = "castline", version, propagate_version = true, after_help = help::HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check every blob, size, digest and layer of an image.
    #[command(after_help = help::VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Show what an image is: identities, platforms, layers, configuration.
    #[command(after_help = help::INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Print the files that an image stands for, as mtree(5) text or JSON lines.
    #[command(after_help = help::TREE_EXAMPLES)]
    Tree(Tree),
    /// Say why two images are not the same: fields, layers, and files down to the attribute.
    #[command(after_help = help::DIFF_EXAMPLES)]
    Diff(Diff),
    /// Compare what runs with what was shipped: a root filesystem with its image, file by file.
    #[command(after_help = help::DRIFT_EXAMPLES)]
    Drift(Drift),
    /// Print what a runtime itself writes into an instance: what `drift --profile` leaves out.
    #[command(after_help = help::PROFILE_EXAMPLES)]
    Profile(Profile),
    /// Make an image out of folders, files and tars: the same inputs give the same bytes.
    #[command(after_help = help::BUILD_EXAMPLES)]
    Build(Build),
    /// Bring an image out of a registry into a layout, and verify it.
    #[cfg(feature = "registry")]
    #[command(after_help = help::PULL_EXAMPLES)]
    Pull(Pull),
    /// Verify an image, and push it to a registry.
    #[cfg(feature = "registry")]
    #[command(after_help = help::PUSH_EXAMPLES)]
    Push(Push),
    /// List the tags of a repository in a registry, or what refers to an image there.
    #[cfg(feature = "registry")]
    #[command(after_help = help::LIST_EXAMPLES)]
    List(List),
    /// Say which digest a tag in a registry stands for now.
    #[cfg(feature = "registry")]
    #[command(after_help = help::PIN_EXAMPLES)]
    Pin(Pin),
    /// Make the release of an image: it is verified, and becomes what should run.
    #[command(after_help = help::RELEASE_EXAMPLES)]
    Release(Release),
    /// Compute how fleets get from what runs to what should, and show it before anything is done.
    #[command(after_help = help::PLAN_EXAMPLES)]
    Plan(Plan),
    /// Prove that a plan is safe, independently of who made it, or show the steps that break it.
    #[command(after_help = help::CHECK_EXAMPLES)]
    Check(Check),
    /// Take what kubectl, docker, podman, aws or Packer print: fleets, policies, releases.
    #[command(after_help = help::IMPORT_EXAMPLES)]
    Import(Import),
    /// Make releases run: plan, preview, approval, proof, and then instance by instance.
    #[command(after_help = help::engine::APPLY_EXAMPLES)]
    Apply(Apply),
    /// Say what runs, what is under way and what it waits for.
    #[command(after_help = help::engine::STATUS_EXAMPLES)]
    Status(Status),
    /// Answer what a rollout asks before it goes on.
    #[command(after_help = help::engine::ANSWER_EXAMPLES)]
    Answer(Answer),
    /// Pause the rollout that another castline executes here.
    #[command(after_help = help::engine::PAUSE_EXAMPLES)]
    Pause(Pause),
    /// Go on with a rollout that was paused, or whose castline is gone.
    #[command(after_help = help::engine::RESUME_EXAMPLES)]
    Resume(Resume),
    /// Go back to an earlier release.
    #[command(after_help = help::engine::ROLLBACK_EXAMPLES)]
    Rollback(Rollback),
    /// Find the instances whose files are not those of their image, and replace them.
    #[command(after_help = help::engine::REMEDIATE_EXAMPLES)]
    Remediate(Remediate),
    /// Run a command in an instance of an image, and record whether it passed.
    #[command(after_help = help::engine::TEST_EXAMPLES)]
    Test(Test),
    /// Tell what was rolled out when, by whom, and what became of it.
    #[command(after_help = help::engine::HISTORY_EXAMPLES)]
    History(History),
    /// Remove images that nothing needs which the ledger knows of; without --delete, say which.
    #[command(after_help = help::engine::PRUNE_EXAMPLES)]
    Prune(Prune),
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
