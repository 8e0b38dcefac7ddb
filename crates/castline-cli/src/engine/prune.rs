use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use castline::{
    Digest, Phase,
    engine::{Executor, under_way, unneeded},
    ledger::Ledger,
    plan::Disposal,
    rollout::{Action, Do, Key},
    shown_whole,
};
use serde::Serialize;

use super::{block_on, services, site::Site};
use crate::{Failure, Verdict, arguments::Prune, output, size};

/// What `castline prune --json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Whether it was removed, or would be.
    deleted: bool,
    images: Vec<Image>,
    /// How many images of the driver are kept.
    kept: u64,
    /// The instances in quarantine that are removed, too.
    quarantined: Vec<Quarantined>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    image: Digest,
    bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Quarantined {
    service: Arc<str>,
    instance: Arc<str>,
}

/// `castline prune`.
pub(crate) fn run(arguments: &Prune) -> Result<Verdict, Failure> {
    let site = Site::open(&arguments.place.site)?;
    block_on(async {
        let executor = site.executor(false)?;
        let ledger = executor.store().ledger();
        let busy = under_way(&ledger);
        if arguments.quarantined && !busy.is_empty() {
            return Err("a rollout is not over: instances in quarantine are removed after it".into());
        }
        let mut quarantined = Vec::new();
        if arguments.quarantined {
            for service in services(&ledger) {
                quarantined.extend(in_quarantine(&executor, &service).await?);
            }
        }
        if arguments.delete {
            for one in &quarantined {
                remove(&site, one).await?;
            }
        }
        let (images, kept) = images(&site, &ledger, arguments).await?;
        if arguments.delete && !images.is_empty() {
            let digests = images.iter().map(|image| image.image.clone()).collect();
            executor.record_pruning(digests, &site.actor).await?;
            if let Some(local) = &site.local {
                for image in &images {
                    local.remove_unpacked(&image.image).await?;
                }
            }
        }
        let report = Report { deleted: arguments.delete, images, kept, quarantined };
        if arguments.json {
            output::print_json(&report)?;
        } else {
            output::print(&text(&report, site.local.is_some(), site.driver.name()))?;
        }
        Ok(Verdict::Clean)
    })
}

/// The images of the driver that nothing needs, and how many others there are.
async fn images(site: &Site, ledger: &Ledger, arguments: &Prune) -> Result<(Vec<Image>, u64), Failure> {
    let Some(local) = &site.local else { return Ok((Vec::new(), 0)) };
    let all = local.unpacked().await?;
    let keep = usize::try_from(arguments.keep.get()).unwrap_or(usize::MAX);
    let unused = all.iter().filter(|one| !one.in_use).map(|one| one.image.clone());
    let unneeded: BTreeSet<Digest> = unneeded(ledger, keep, unused).images.into_iter().collect();
    let (going, staying): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| unneeded.contains(&one.image));
    let going = going.into_iter().map(|one| Image { image: one.image, bytes: one.bytes });
    Ok((going.collect(), staying.len() as u64))
}

async fn in_quarantine(executor: &Executor, service: &Arc<str>) -> Result<Vec<Quarantined>, Failure> {
    let fleet = executor.observe(service).await?;
    let there = fleet.instances().iter().filter(|one| one.phase == Phase::Quarantined);
    let named = |id: &Arc<str>| Quarantined { service: Arc::clone(service), instance: Arc::clone(id) };
    Ok(there.map(|one| named(&one.id)).collect())
}

/// Ends an instance in quarantine. Asked for again, that is done.
async fn remove(site: &Site, one: &Quarantined) -> Result<(), Failure> {
    let name = Digest::of(one.instance.as_bytes());
    let key = Key(format!("prune-{}", super::short(&name)).into());
    let what = Do::Retire { instance: Arc::clone(&one.instance), disposal: Disposal::End, drain_seconds: 0 };
    let action = Action { key, service: Arc::clone(&one.service), what };
    let done = site.driver.perform(&action, None).await;
    done.map_err(|error| format!("{} of {} cannot be removed: {error}", one.instance, one.service))?;
    Ok(())
}

fn text(report: &Report, has_images: bool, driver: &str) -> String {
    let mut text = String::new();
    let verb = if report.deleted { "removed" } else { "would be removed" };
    for one in &report.quarantined {
        let _ = writeln!(
            text,
            "{} of {}, in quarantine: {verb}",
            shown_whole(&one.instance),
            shown_whole(&one.service)
        );
    }
    for image in &report.images {
        let _ = writeln!(text, "{}  {}: {verb}", image.image, size::shown(image.bytes));
    }
    if has_images {
        let bytes: u64 = report.images.iter().map(|image| image.bytes).sum();
        let count = output::counted(report.images.len() as u64, "image");
        let _ = writeln!(text, "{count} {verb}, {} in all; {} kept", size::shown(bytes), report.kept);
    } else {
        let _ = writeln!(
            text,
            "the driver {driver} keeps no images of its own: they are its platform's to remove"
        );
    }
    let found = report.images.len() + report.quarantined.len();
    if !report.deleted && found > 0 {
        text.push_str("nothing was done; --delete does it\n");
    }
    text
}
