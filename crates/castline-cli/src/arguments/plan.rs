//! What the commands about plans take.

use std::path::PathBuf;

use clap::Args;

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
