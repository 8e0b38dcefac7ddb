use std::fmt::Write as _;

#[cfg(feature = "registry")]
use castline::sources::Transport;
use castline::{ImageSummary, Options, Report, Verification, Watch};

use crate::{
    Failure, Verdict,
    arguments::{Common, Verify},
    output::{self, counted},
    progress::Bar,
    size,
};

/// `castline verify`.
pub(crate) fn run(arguments: &Verify) -> Result<Verdict, Failure> {
    let mut options = arguments.common.options().with_unreferenced(arguments.unreferenced);
    if let Some(jobs) = arguments.jobs {
        options = options.with_jobs(jobs);
    }
    let verification = verified(&arguments.common, &options)?;
    let report = &verification.report;
    if arguments.common.json {
        output::print_json(report)?;
    } else {
        output::print(&text(&castline::shown_whole(&arguments.common.image.to_string()), report))?;
    }
    Ok(if report.is_complete() { Verdict::Clean } else { Verdict::Findings })
}

/// Verifies what was asked for; out of a registry, while it comes.
pub(crate) fn verified(common: &Common, options: &Options) -> Result<Verification, Failure> {
    #[cfg(feature = "registry")]
    if common.image.transport() == Transport::Docker {
        return crate::registry::verify(common, options);
    }
    let source = common.open(options)?;
    let bar = Bar::new("verifying");
    let show = |progress| bar.show(progress);
    Ok(castline::verify(&source, options, &Watch::none().with_progress(&show))?)
}

fn text(reference: &str, report: &Report) -> String {
    let mut text = format!("{reference}\n");
    for image in &report.images {
        let _ = writeln!(text, "  {}", line(image));
    }
    for finding in &report.findings {
        text.push('\n');
        text.push_str(&output::finding(finding));
    }
    let counts = output::counts(&report.findings);
    let counts = if counts.is_empty() { counts } else { format!(" ({counts})") };
    let read = format!("{} checked, {} read", counted(report.blobs, "blob"), size::shown(report.bytes));
    let verdict = match (report.is_intact(), report.is_complete()) {
        (false, _) => "NOT INTACT",
        (true, false) => "INCOMPLETE: what is here is intact, but not everything could be checked",
        (true, true) => "intact",
    };
    let _ = writeln!(text, "\n{verdict}{counts}: {read}");
    text
}

fn line(image: &ImageSummary) -> String {
    let mut line = format!("{} {}", image.kind.name(), image.digest);
    if let Some(platform) = image.platform.as_ref().filter(|platform| !platform.is_unknown()) {
        let _ = write!(line, " {platform}");
    }
    let _ = write!(line, ", {}", counted(image.layers, "layer"));
    if !image.references.is_empty() {
        let _ = write!(line, ", {}", castline::shown_whole(&image.references.join(", ")));
    }
    let _ = write!(line, ": {}", if image.intact { "intact" } else { "NOT INTACT" });
    line
}
