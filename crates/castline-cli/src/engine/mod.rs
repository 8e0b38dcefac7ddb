//! The commands that act, and what they share.

mod answer;
mod apply;
mod gate;
mod history;
mod layouts;
mod looking;
mod outcome;
mod pause;
mod prune;
mod remediate;
mod remote;
mod resume;
mod rollback;
mod rolling;
mod site;
mod status;
mod test;
mod view;

use std::sync::Arc;

use castline::{
    Digest,
    engine::{UnderWay, under_way},
    ledger::{Ledger, Record},
};

#[cfg(feature = "registry")]
pub(crate) use self::gate::Gate;
pub(crate) use self::{
    answer::run as answer, apply::run as apply, history::run as history, pause::run as pause,
    prune::run as prune, remediate::run as remediate, resume::run as resume, rollback::run as rollback,
    status::run as status, test::run as test,
};
use crate::Failure;

/// The schemas of what these commands print as JSON, by the names of their files.
#[cfg(test)]
pub(crate) fn schemas() -> [(&'static str, schemars::Schema); 4] {
    use schemars::schema_for;
    [
        ("history.json", schema_for!(history::Told)),
        ("prune.json", schema_for!(prune::Report)),
        ("status.json", schema_for!(status::Report)),
        ("test.json", schema_for!(test::Report)),
    ]
}

/// Runs asynchronous work to its end, on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // What was asked of a platform and nobody waits for any more is not waited for here either.
    runtime.shutdown_background();
    done
}

/// The beginning of a digest, long enough to name it.
fn short(digest: &Digest) -> String {
    digest.encoded().chars().take(12).collect()
}

/// A word as a shell takes it whole.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The only one of these digests that begins so, with or without its algorithm.
fn find<'d>(
    digests: impl IntoIterator<Item = &'d Digest>,
    text: &str,
    what: &str,
) -> Result<&'d Digest, Failure> {
    let begins =
        |digest: &&Digest| digest.encoded().starts_with(text) || digest.to_string().starts_with(text);
    let mut found: Vec<&Digest> = digests.into_iter().filter(begins).filter(|_| !text.is_empty()).collect();
    found.sort();
    found.dedup();
    match *found {
        [digest] => Ok(digest),
        [] => Err(format!("there is no {what} `{text}`").into()),
        _ => {
            let all: Vec<String> = found.iter().map(|digest| format!("\n  {digest}")).collect();
            Err(format!("several begin with `{text}`; say which {what}:{}", all.concat()).into())
        }
    }
}

/// The services that the ledger knows, sorted.
fn services(ledger: &Ledger) -> Vec<Arc<str>> {
    let mut services: Vec<Arc<str>> = ledger
        .entries()
        .flat_map(|(_, entry)| match &entry.record {
            Record::Start { changes, .. } => {
                changes.iter().map(|change| Arc::clone(&change.service)).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    services.sort();
    services.dedup();
    services
}

/// The service that is named, or the only one that there is.
fn service(ledger: &Ledger, named: Option<&str>) -> Result<Arc<str>, Failure> {
    let known = services(ledger);
    match (named, &*known) {
        (Some(named), _) => known.iter().find(|service| ***service == *named).cloned().ok_or_else(|| {
            format!("the ledger knows no service `{named}`; it knows: {}", known.join(", ")).into()
        }),
        (None, [only]) => Ok(Arc::clone(only)),
        (None, []) => Err("nothing was rolled out yet: `castline apply` begins".into()),
        (None, several) => Err(format!("which service? There are: {}", several.join(", ")).into()),
    }
}

/// The rollout that is named, or the only one, of those that are not over.
fn unfinished(ledger: &Ledger, named: Option<&str>) -> Result<Option<UnderWay>, Failure> {
    let mut rollouts = under_way(ledger);
    if let Some(named) = named {
        let digest =
            find(rollouts.iter().map(|one| &one.rollout), named, "rollout that is not over")?.clone();
        return Ok(rollouts.into_iter().find(|one| one.rollout == digest));
    }
    if rollouts.len() > 1 {
        let lines: Vec<String> = rollouts
            .iter()
            .map(|one| format!("\n  {} of {}", one.rollout, one.services.join(", ")))
            .collect();
        return Err(format!("several rollouts are not over; say which:{}", lines.concat()).into());
    }
    Ok(rollouts.pop())
}
