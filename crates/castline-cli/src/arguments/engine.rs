//! What the commands that act take.

use std::{num::NonZeroU64, path::PathBuf};

use castline::{
    Digest,
    policy::Compromised,
    sources::{Reference, Transport},
};
use clap::{Args, ValueEnum};

/// What a site's file is called, where none is named.
pub(super) const SITE: &str = "castline-site.toml";

/// Where everything is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The site: which platform, by which driver, and where the ledger is.
    #[arg(long, value_name = "FILE", env = "CASTLINE_SITE", default_value = SITE)]
    pub(crate) site: PathBuf,
}

/// How a plan is shown, approved of and executed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Go {
    /// Approve of whatever the plan is.
    #[arg(long, short, conflicts_with = "approve")]
    pub(crate) yes: bool,
    /// Approve of the plan with this digest, and of no other.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) approve: Option<String>,
    /// Print what happens as JSON, one object a line (schemas/told.json).
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write the plan as one page, with a drawing of what happens when.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Wait where somebody has to decide, instead of coming back: by `castline answer`, `resume` or `rollback` in another terminal.
    #[arg(long)]
    pub(crate) stay: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) place: Place,
    /// What should run: a release's document, as `castline release` prints it; `-` is standard input. Once for each service.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) release: Vec<PathBuf>,
    /// How it may get there: a policy's document. One that names no service is for all.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// Only show the plan: nothing is recorded or done.
    #[arg(long, conflicts_with_all = ["yes", "approve", "stay"])]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) go: Go,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Which rollout, by the beginning of its digest; the one that is executed, where there is only one.
    pub(crate) rollout: Option<String>,
    /// Print what came of it as JSON, one object (schemas/told.json).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Which rollout, by the beginning of its digest; the one that is not over, where there is only one.
    pub(crate) rollout: Option<String>,
    /// Stop it for good instead, and leave things as they are.
    #[arg(long)]
    pub(crate) abort: bool,
    /// Print what happens as JSON, one object a line (schemas/told.json).
    #[arg(long)]
    pub(crate) json: bool,
    /// Wait where somebody has to decide, instead of coming back: by `castline answer`, `resume` or `rollback` in another terminal.
    #[arg(long)]
    pub(crate) stay: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The service; the only one of the ledger, where there is only one.
    pub(crate) service: Option<String>,
    /// The release to go back to, by the beginning of its digest; the one that succeeded last before what runs, where none is named.
    #[arg(long, value_name = "RELEASE")]
    pub(crate) to: Option<String>,
    /// How it may get there: a policy's document. That of the last rollout, where none is named.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Only show the plan: nothing is recorded or done.
    #[arg(long, conflicts_with_all = ["yes", "approve", "stay"])]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) go: Go,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The service; all of the ledger, where none is named.
    pub(crate) service: Option<String>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The service; all of the ledger, where none is named.
    pub(crate) service: Option<String>,
    /// Refuse a ledger without this entry: one that `history` has called the last before, and that was kept elsewhere.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) expect: Option<Digest>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
}

/// What becomes of an instance whose files were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// It is taken out of traffic as the budgets allow, and kept to be looked at.
    Quarantine,
    /// It is taken out of traffic at once, whatever the budgets say, and kept.
    Isolate,
    /// It is ended and removed, before all others.
    Nothing,
}

impl Keep {
    pub(crate) const fn as_policy(self) -> Compromised {
        match self {
            Self::Quarantine => Compromised::Quarantine,
            Self::Isolate => Compromised::Isolate,
            Self::Nothing => Compromised::Replace,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Remediate {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The service; the only one of the ledger, where there is only one.
    pub(crate) service: Option<String>,
    /// Read only what was written since instances were launched. Misses what was done to the image's own files below.
    #[arg(long)]
    pub(crate) fast: bool,
    /// What becomes of an instance whose files were changed.
    #[arg(long, value_name = "HOW", default_value = "quarantine")]
    pub(crate) keep: Keep,
    /// How they may be replaced: a policy's document. That of the last rollout, where none is named.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Only look, and show the plan: nothing is recorded or done.
    #[arg(long, conflicts_with_all = ["yes", "approve", "stay"])]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) go: Go,
}

#[derive(Debug, Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    pub(crate) place: Place,
    /// How many releases of each service that can be gone back to are kept, besides the one that runs.
    #[arg(long, value_name = "N", default_value = "3")]
    pub(crate) keep: NonZeroU64,
    /// Remove it. Without this, it is only said what would be.
    #[arg(long)]
    pub(crate) delete: bool,
    /// Also end and remove the instances in quarantine.
    #[arg(long)]
    pub(crate) quarantined: bool,
    /// Also remove the blobs of this layout, `oci:DIR`, to which neither a name in it nor the ledger leads. May be repeated.
    #[arg(long, value_name = "LAYOUT", value_parser = layout)]
    pub(crate) layout: Vec<PathBuf>,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
}

/// The folder of a layout.
fn layout(text: &str) -> Result<PathBuf, String> {
    let reference: Reference = text.parse().map_err(|error: castline::sources::Error| error.to_string())?;
    let selects = reference.tag().is_some() || reference.digest().is_some() || reference.position().is_some();
    if reference.transport() != Transport::Oci || selects {
        return Err("write `oci:DIR`, the whole layout".into());
    }
    // What the site's file names starts in its folder; what is named here does not.
    std::path::absolute(reference.path()).map_err(|error| error.to_string())
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) place: Place,
    /// What is to be approved of, as `castline status` names it.
    pub(crate) approval: String,
    /// Refuse it, for this reason.
    #[arg(long, value_name = "REASON")]
    pub(crate) no: Option<String>,
    /// Which rollout asks, by the beginning of its digest; the one that is not over, where there is only one.
    #[arg(long, value_name = "ROLLOUT")]
    pub(crate) rollout: Option<String>,
    /// Print what came of it as JSON, one object (schemas/told.json).
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The release whose image is tested, run as it says.
    #[arg(long, value_name = "FILE")]
    pub(crate) release: PathBuf,
    /// How many seconds it may take.
    #[arg(long, value_name = "N", default_value = "120")]
    pub(crate) timeout: NonZeroU64,
    /// Print one JSON document instead of text (schemas/ has its schema).
    #[arg(long)]
    pub(crate) json: bool,
    /// What is run in an instance of it, and must end with 0 within three attempts; the site's test, where none is named.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}
