use std::{fmt::Write as _, sync::Arc};

use castline::{
    Digest, Integrity, Time,
    ledger::{Anchor, Entry, InstanceVerdict, Ledger, Outcome, Record, RolloutSummary},
    shown_whole,
};
use serde::Serialize;

use super::{
    services, short,
    site::Site,
    status::{image, moment},
    view::{ended, seconds},
};
use crate::{Failure, Verdict, arguments::History, output};

/// What `castline history --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "History"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// The digest of the last entry: keep it elsewhere, and nobody can set the ledger back unseen.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Digest>,
    /// How many entries there are.
    entries: u64,
    /// The oldest first.
    rollouts: Vec<Rollout>,
    /// What else was recorded: tests, what was found in instances, removed images, notes.
    others: Vec<Other>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Rollout {
    /// The service.
    service: Arc<str>,
    /// The digest of the image that was to run, or the name by which its provider has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// Why it was paused, each time that somebody went on with it, stopped it or took it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paused: Vec<String>,
    #[serde(flatten)]
    summary: RolloutSummary,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Other {
    /// When, by the clock of who wrote it.
    at: Time,
    /// Who did it.
    actor: String,
    /// What.
    record: Record,
}

/// `castline history`.
pub(crate) fn run(arguments: &History) -> Result<Verdict, Failure> {
    let site = Site::known(&arguments.place.site)?;
    let contents = site.contents(arguments.expect.clone().map(Anchor::Within).as_ref())?;
    let ledger = contents.ledger();
    let names = match &arguments.service {
        Some(_) => vec![super::service(ledger, arguments.service.as_deref())?],
        None => services(ledger),
    };
    let of = |service: &Arc<str>| {
        let service = Arc::clone(service);
        ledger.history(&service).into_iter().map(move |summary| Rollout {
            service: Arc::clone(&service),
            image: ledger.release(&summary.release).map(image),
            paused: pauses(ledger, &summary),
            summary,
        })
    };
    let mut rollouts: Vec<Rollout> = names.iter().flat_map(of).collect();
    rollouts.sort_by_key(|rollout| rollout.summary.started_at);
    let others = ledger.entries().filter_map(|(_, entry)| other(entry)).collect();
    let told = Told { head: ledger.head().cloned(), entries: ledger.len(), rollouts, others };
    if arguments.json {
        output::print_json(&told)?;
    } else {
        output::print(&text(&told, ledger))?;
    }
    Ok(Verdict::Clean)
}

/// Why a rollout has been paused: what made it wait, before somebody decided. What it ended with, or waits for now, is not among them.
fn pauses(ledger: &Ledger, summary: &RolloutSummary) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for (_, entry) in ledger.entries() {
        if let Record::Outcome { rollout, outcome: Outcome::Paused, reason } = &entry.record
            && *rollout == summary.rollout
            && reasons.last() != Some(reason)
        {
            reasons.push(reason.clone());
        }
    }
    if summary.outcome == Some(Outcome::Paused) {
        reasons.pop();
    }
    reasons
}

fn other(entry: &Entry) -> Option<Other> {
    let record = entry.record.clone();
    let Entry { at, actor, .. } = entry;
    let told = matches!(
        record,
        Record::Test { .. } | Record::Verification { .. } | Record::Pruning { .. } | Record::Note { .. }
    );
    told.then(|| Other { at: *at, actor: actor.clone(), record })
}

fn text(told: &Told, ledger: &Ledger) -> String {
    let mut text = String::new();
    let mut lines: Vec<(Time, String)> = Vec::new();
    for rollout in &told.rollouts {
        lines.push((rollout.summary.started_at, of_rollout(rollout, ledger)));
    }
    for other in &told.others {
        lines.push((other.at, of_other(other)));
    }
    lines.sort_by_key(|(at, _)| *at);
    for (_, line) in lines {
        text.push_str(&line);
    }
    match &told.head {
        Some(head) => {
            let _ = writeln!(
                text,
                "\n{}, every link checked; the last is {head}",
                if told.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", told.entries) }
            );
        }
        None => text.push_str("nothing was rolled out yet\n"),
    }
    text
}

fn of_rollout(rollout: &Rollout, ledger: &Ledger) -> String {
    let Rollout { service, image, summary, paused } = rollout;
    let replicas = ledger.release(&summary.release).map(castline::Release::replicas);
    let mut text = format!(
        "{}  {}: release {}",
        moment(summary.started_at),
        shown_whole(service),
        short(&summary.release)
    );
    if let (Some(image), Some(replicas)) = (image, replicas) {
        let image = image.get(..19).unwrap_or(image);
        let _ = write!(text, ", {} of {}", output::counted(replicas, "instance"), shown_whole(image));
    }
    if let Some(back) = &summary.rollback_of {
        let _ = write!(text, ", to take back {}", short(back));
    }
    let _ = writeln!(text, ", by {}", shown_whole(&summary.actor));
    for reason in paused {
        let _ = writeln!(text, "    paused: {}", shown_whole(reason));
    }
    let outcome =
        summary.outcome.as_ref().map_or("not over".to_owned(), |outcome| ended(outcome, &summary.reason));
    let took = summary
        .ended_at
        .map_or(String::new(), |at| format!(" after {}", seconds(at.millis_since(summary.started_at))));
    let _ = writeln!(text, "    rollout {}{took}: {}", short(&summary.rollout), shown_whole(&outcome));
    text
}

fn of_other(other: &Other) -> String {
    let (at, by) = (moment(other.at), shown_whole(&other.actor));
    let what = match &other.record {
        Record::Test { image, command, passed, reason } => {
            let verdict = if *passed { "passed".to_owned() } else { format!("FAILED: {reason}") };
            format!("the test `{}` of the image {image} {verdict}", command.join(" "))
        }
        Record::Verification { service, verdicts, .. } => of_verification(service, verdicts),
        Record::Pruning { images } => {
            let all: Vec<String> = images.iter().map(short).collect();
            format!("images removed: {}", all.join(", "))
        }
        Record::Note { text, .. } => text.clone(),
        _ => String::new(),
    };
    format!("{at}  {}, by {by}\n", shown_whole(&what))
}

/// How many instances were looked into, and what is wrong with which.
fn of_verification(service: &str, verdicts: &[InstanceVerdict]) -> String {
    let all: usize = verdicts.iter().map(|verdict| verdict.instances.len()).sum();
    let mut text = format!("{} of {service} looked into", output::counted(all as u64, "instance"));
    let wrong: Vec<&InstanceVerdict> =
        verdicts.iter().filter(|verdict| verdict.integrity != Integrity::Intact).collect();
    if wrong.is_empty() {
        text.push_str(": all intact");
    }
    for verdict in wrong {
        let what = if verdict.integrity == Integrity::Compromised { "CHANGED" } else { "not verified" };
        let _ = write!(text, "; {} {what}: {}", verdict.instances.join(", "), verdict.reason);
    }
    text
}
