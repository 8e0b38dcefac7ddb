use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use castline::{
    Digest, Phase,
    engine::{Executor, KeptImage, LeftoverKind, Removal, under_way},
    ledger::Ledger,
    plan::Disposal,
    rollout::{Action, Do, Key},
    shown_whole,
};
use serde::Serialize;

use super::{
    block_on,
    layouts::{Layouts, Pruned},
    services,
    site::Site,
};
use crate::{Failure, Verdict, arguments::Prune, output, size};

/// What `castline prune --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Prune"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Whether it was removed, or would be.
    deleted: bool,
    /// The images that the driver has brought to its platform, and nothing needs or uses.
    images: Vec<DriverImage>,
    /// How many others of these images there are: they are kept.
    kept: u64,
    /// What else is in the driver's store of images, where it has one, and can go: trees that somebody had changed and no instance
    /// runs on, and what was unpacked or removed in part.
    leftovers: Vec<Leftover>,
    /// The instances in quarantine that are removed, too.
    quarantined: Vec<Quarantined>,
    /// What is removed of layouts.
    layouts: Vec<Pruned>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Leftover {
    /// What it is called in the store.
    name: String,
    /// What it is.
    kind: LeftoverKind,
    /// How many bytes of disk it takes.
    bytes: u64,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct DriverImage {
    /// The digest of its manifest; of its configuration, where it has none.
    image: Digest,
    /// How many bytes of disk it takes there.
    bytes: u64,
    /// Where it is, where there can be several places: the engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Arc<str>>,
    /// Why the platform has not removed it, where it has not: somebody else uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Box<str>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Quarantined {
    /// Its service.
    service: Arc<str>,
    /// Its id.
    instance: Arc<str>,
}

/// `castline prune`.
pub(crate) fn run(arguments: &Prune) -> Result<Verdict, Failure> {
    let site = Site::known(&arguments.place.site)?;
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
        let kept_there = site.driver.images().await?;
        let has_images = kept_there.is_some();
        let (going, kept) = unneeded(kept_there.unwrap_or_default(), &ledger, arguments);
        let leftovers = leftovers(&site).await?;
        let layouts = Layouts::open(&executor, arguments).await?;
        let pruned = layouts.pruned();
        let mut images: Vec<DriverImage> = going.iter().map(DriverImage::of).collect();
        if arguments.delete {
            let recorded = going.iter().map(|image| image.image.clone()).chain(layouts.images(&ledger));
            let recorded: BTreeSet<Digest> = recorded.collect();
            if !recorded.is_empty() {
                executor.record_pruning(recorded.into_iter().collect(), &site.actor).await?;
            }
            for (image, said) in going.iter().zip(&mut images) {
                if let Removal::Refused { reason, .. } = site.driver.remove_image(image).await? {
                    said.refused = Some(reason);
                }
            }
            if let Some(local) = &site.local {
                for leftover in &leftovers {
                    local.remove_leftover(&leftover.name).await?;
                }
            }
            layouts.remove()?;
        }
        let report =
            Report { deleted: arguments.delete, images, kept, leftovers, quarantined, layouts: pruned };
        if arguments.json {
            output::print_json(&report)?;
        } else {
            output::print(&text(&report, has_images, site.driver.name()))?;
        }
        Ok(Verdict::Clean)
    })
}

/// Those of these images that nothing needs or uses, and how many others there are. One that is used in one place is kept in all.
fn unneeded(all: Vec<KeptImage>, ledger: &Ledger, arguments: &Prune) -> (Vec<KeptImage>, u64) {
    let needed = ledger.images_needed(usize::try_from(arguments.keep.get()).unwrap_or(usize::MAX));
    let used = all.iter().filter(|one| one.in_use).flat_map(|one| &one.names);
    let used: BTreeSet<Digest> = used.cloned().collect();
    let is_kept =
        |one: &KeptImage| one.in_use || one.names.iter().any(|name| needed.has(name) || used.contains(name));
    let (kept, going): (Vec<_>, Vec<_>) = all.into_iter().partition(is_kept);
    (going, kept.len() as u64)
}

impl DriverImage {
    fn of(image: &KeptImage) -> Self {
        Self { image: image.image.clone(), bytes: image.bytes, place: image.place.clone(), refused: None }
    }
}

/// What is beside the images of the driver, and no instance runs on.
async fn leftovers(site: &Site) -> Result<Vec<Leftover>, Failure> {
    let Some(local) = &site.local else { return Ok(Vec::new()) };
    let unused = local.leftovers().await?.into_iter().filter(|one| !one.in_use);
    Ok(unused.map(|one| Leftover { name: one.name, kind: one.kind, bytes: one.bytes }).collect())
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
        let place = image.place.as_ref().map(|place| format!(", {}", shown_whole(place))).unwrap_or_default();
        let _ = match &image.refused {
            None => writeln!(text, "{}  {}{place}: {verb}", image.image, size::shown(image.bytes)),
            Some(why) => writeln!(text, "{}{place}: kept, since {}", image.image, shown_whole(why)),
        };
    }
    for one in &report.leftovers {
        let what = match one.kind {
            LeftoverKind::Changed => "a tree that somebody had changed",
            _ => "what was cut off",
        };
        let _ = writeln!(text, "{}  {}, {what}: {verb}", shown_whole(&one.name), size::shown(one.bytes));
    }
    if has_images {
        let (gone, refused): (Vec<&DriverImage>, Vec<&DriverImage>) =
            report.images.iter().partition(|image| image.refused.is_none());
        let bytes: u64 = gone.iter().map(|image| image.bytes).sum();
        let count = output::counted(gone.len() as u64, "image");
        let kept = report.kept + refused.len() as u64;
        let _ = writeln!(text, "{count} {verb}, {} in all; {kept} kept", size::shown(bytes));
    } else {
        let _ = writeln!(
            text,
            "the driver {driver} keeps no images of its own: they are its platform's to remove"
        );
    }
    for layout in &report.layouts {
        text.push_str(&layout.text(verb));
    }
    let found = report.images.len() + report.leftovers.len() + report.quarantined.len();
    if !report.deleted && (found > 0 || report.layouts.iter().any(Pruned::is_something)) {
        text.push_str("nothing was done; --delete does it\n");
    }
    text
}
