use std::{fmt::Write as _, sync::Arc};

use castline::{
    Digest, Fleet, Health, Integrity, Phase, Release, ReleaseImage, Time,
    engine::{Contents, Holder},
    ledger::{Ledger, RolloutSummary},
    rollout::{Action, Do, Progress, Status as State, Wait},
    shown_whole,
};
use serde::Serialize;

use super::{
    block_on,
    outcome::ways_on,
    quoted, services, short,
    site::Site,
    view::{ended, numbers},
};
use crate::{Failure, Verdict, arguments::Status, output};

/// What `castline status --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Status"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Whether a castline executes something now.
    executing: bool,
    /// Which process that is, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
    /// The services, sorted.
    services: Vec<Running>,
    /// The rollouts that are not over.
    under_way: Vec<Ongoing>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Running {
    /// Its name.
    service: Arc<str>,
    /// The release that runs, as the ledger says.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Digest>,
    /// The digest of its image, or the name by which its provider has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// How many instances should run.
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<u64>,
    /// Those that there are, in quarantine among them.
    instances: Vec<Instance>,
    /// The last rollout of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<RolloutSummary>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Instance {
    id: Arc<str>,
    zone: Arc<str>,
    phase: Phase,
    health: Health,
    /// As its platform says it, or else as it was when it was looked into last.
    integrity: Integrity,
    /// When it was looked into last; none where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Verified>,
    /// The image that it runs, as its platform says it.
    image: Arc<str>,
    /// The release that it was launched from, where the ledger knows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<Digest>,
    /// Whether that is what the service runs.
    current: bool,
}

/// What was found when an instance was looked into last.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Verified {
    /// When that was recorded.
    at: Time,
    /// Unknown where it could not be looked into, or not all of it.
    integrity: Integrity,
    /// Whether only what was written since it was launched was read.
    fast: bool,
    /// The release with whose image it was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<Digest>,
    /// What is not as it was shipped, or why nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Ongoing {
    /// The digest of the entry that it began with.
    rollout: Digest,
    /// Its services.
    services: Vec<Arc<str>>,
    /// Who began it.
    actor: String,
    /// How many events of it are recorded.
    events: u64,
    /// How it stands.
    #[serde(flatten)]
    status: State,
    /// In numbers.
    progress: Progress,
    /// What waits, and for what.
    waits: Vec<Wait>,
    /// What is to be done now.
    next: Vec<Action>,
    /// Whether a castline executes it now.
    executed: bool,
    /// Whether it can be taken back: it does not go back yet, and has something to go back to.
    can_go_back: bool,
}

/// `castline status`.
pub(crate) fn run(arguments: &Status) -> Result<Verdict, Failure> {
    let site = Site::known(&arguments.place.site)?;
    let contents = site.contents(None)?;
    let names = match &arguments.service {
        Some(_) => vec![super::service(contents.ledger(), arguments.service.as_deref())?],
        None => services(contents.ledger()),
    };
    let report = block_on(report(&site, &contents, &names))?;
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report, contents.ledger()))?;
    }
    let well = |service: &Running| {
        let there = service.instances.iter().filter(|one| one.phase != Phase::Quarantined);
        let sound = there
            .clone()
            .all(|one| one.current && one.health == Health::Ready && one.integrity != Integrity::Compromised);
        sound && service.replicas.is_none_or(|replicas| replicas == there.count() as u64)
    };
    let well = report.under_way.is_empty() && report.services.iter().all(well);
    Ok(if well { Verdict::Clean } else { Verdict::Findings })
}

async fn report(site: &Site, contents: &Contents, names: &[Arc<str>]) -> Result<Report, Failure> {
    let ledger = contents.ledger();
    let mut services = Vec::with_capacity(names.len());
    for name in names {
        let fleet = site.driver.observe(name).await;
        let fleet = fleet.map_err(|error| {
            format!("what runs of {name} cannot be seen by the driver {}: {error}", site.driver.name())
        })?;
        services.push(service(ledger, name, &fleet));
    }
    let mut under_way = Vec::new();
    // Of one that cannot be asked it is not known what it does.
    let executed = if contents.is_held() { site.remote().rollouts().ok() } else { Some(Vec::new()) };
    for one in contents.under_way() {
        if !one.services.iter().any(|service| names.contains(service)) {
            continue;
        }
        let state = contents.rollout(&one.rollout)?;
        under_way.push(Ongoing {
            executed: executed.as_ref().is_none_or(|all| all.contains(&one.rollout)),
            rollout: one.rollout,
            services: one.services,
            actor: one.actor,
            events: one.events,
            status: state.status().clone(),
            progress: state.progress(),
            waits: state.waits(),
            next: state.next().actions,
            can_go_back: state.can_go_back(),
        });
    }
    let holder = contents.holder().cloned();
    Ok(Report { executing: contents.is_held(), holder, services, under_way })
}

fn service(ledger: &Ledger, name: &Arc<str>, fleet: &Fleet) -> Running {
    let history = ledger.history(name);
    let current = ledger.current(name);
    let release = current.and_then(|digest| ledger.release(digest));
    let revision = release.map(Release::revision);
    // The newest first, so that of releases that differ in their number of instances it is the last one.
    let releases: Vec<(&Digest, &Release)> =
        history.iter().rev().filter_map(|one| Some((&one.release, ledger.release(&one.release)?))).collect();
    let verified = ledger.verified(name);
    let instances = fleet.instances().iter().map(|one| {
        // One that was launched since is another one of the same id.
        let found = verified.get(&*one.id).filter(|found| one.created_at.is_none_or(|born| born <= found.at));
        let is_current = revision.is_some() && one.revision == revision;
        let of = one.revision.as_ref().and_then(|revision| {
            releases.iter().find(|(_, release)| release.revision() == *revision).map(|(digest, _)| *digest)
        });
        Instance {
            id: Arc::clone(&one.id),
            zone: Arc::clone(&one.zone),
            phase: one.phase,
            health: one.health,
            integrity: match (one.integrity, found) {
                (Integrity::Unknown, Some(found)) => found.integrity,
                (said, _) => said,
            },
            verified: found.map(|found| Verified {
                at: found.at,
                integrity: found.integrity,
                fast: found.fast,
                release: found.release.cloned(),
                reason: found.reason.to_owned(),
            }),
            image: Arc::clone(&one.image),
            release: if is_current { current.cloned() } else { of.cloned() },
            current: is_current,
        }
    });
    Running {
        service: Arc::clone(name),
        current: current.cloned(),
        image: release.map(image),
        replicas: release.map(Release::replicas),
        instances: instances.collect(),
        last: history.last().cloned(),
    }
}

/// What names the image of a release.
pub(super) fn image(release: &Release) -> String {
    match release.image() {
        ReleaseImage::Verified { identities, .. } => {
            let digest = identities.manifest.as_ref().or(identities.config.as_ref());
            digest.map(ToString::to_string).unwrap_or_default()
        }
        ReleaseImage::Provider(image) => image.id.clone(),
        _ => String::new(),
    }
}

fn text(report: &Report, ledger: &Ledger) -> String {
    let mut text = String::new();
    for service in &report.services {
        let is_told_below =
            |last: &RolloutSummary| report.under_way.iter().any(|one| one.rollout == last.rollout);
        text.push_str(&of_service(service, service.last.as_ref().filter(|last| !is_told_below(last))));
        text.push('\n');
    }
    for rollout in &report.under_way {
        text.push_str(&of_rollout(rollout));
    }
    if report.under_way.is_empty() && !report.services.is_empty() {
        text.push_str("nothing is under way\n");
    } else if !report.under_way.is_empty() && !report.executing {
        text.push_str("nobody executes it now: castline resume\n");
    } else if let Some(holder) = report.holder.as_ref().filter(|_| !report.under_way.is_empty()) {
        let _ = writeln!(text, "executed by process {}, since {}", holder.pid, moment(holder.since));
    }
    if ledger.is_empty() {
        text.push_str("nothing was rolled out yet: castline apply --release FILE\n");
    }
    text
}

/// `last` is its last rollout, where nothing else is said of that.
fn of_service(service: &Running, last: Option<&RolloutSummary>) -> String {
    let mut text = format!("{}: ", shown_whole(&service.service));
    match (&service.current, service.replicas) {
        (Some(current), Some(replicas)) => {
            let image = service.image.as_deref().unwrap_or_default();
            let _ = write!(
                text,
                "release {}, {} of {}",
                short(current),
                output::counted(replicas, "instance"),
                shown_whole(image)
            );
        }
        _ => text.push_str("no rollout of it has ended well yet"),
    }
    text.push('\n');
    let width = service.instances.iter().map(|one| one.id.chars().count()).max().unwrap_or(0).max(8);
    let zones = service.instances.iter().map(|one| one.zone.chars().count()).max().unwrap_or(0).max(4);
    let files = service.instances.iter().map(|one| files_of(one).chars().count()).max().unwrap_or(0);
    if !service.instances.is_empty() {
        let _ = writeln!(
            text,
            "  {:width$}  {:zones$}  {:<12} {:<10} {:<files$} release",
            "instance", "zone", "phase", "health", "files"
        );
    }
    for one in &service.instances {
        let release = match (&one.release, one.current) {
            (Some(release), true) => short(release),
            (Some(release), false) => format!("{} (another)", short(release)),
            (None, _) => "unknown to the ledger".to_owned(),
        };
        let _ = writeln!(
            text,
            "  {:width$}  {:zones$}  {:<12} {:<10} {:<files$} {release}",
            shown_whole(&one.id),
            shown_whole(&one.zone),
            word(&one.phase),
            word(&one.health),
            files_of(one),
        );
    }
    for one in &service.instances {
        let reason = one.verified.as_ref().map_or("", |verified| &verified.reason);
        if one.phase != Phase::Quarantined && !reason.is_empty() {
            let _ = writeln!(text, "  {}: {}", shown_whole(&one.id), shown_whole(reason));
        }
    }
    if let Some(last) = last {
        let outcome = last.outcome.as_ref().map_or("not over".into(), |outcome| ended(outcome, &last.reason));
        let at = last.ended_at.unwrap_or(last.started_at);
        let _ = writeln!(
            text,
            "  last rollout {} ({}): {}",
            short(&last.rollout),
            moment(at),
            shown_whole(&outcome)
        );
    }
    text
}

/// What the files of an instance are, and when somebody looked.
fn files_of(instance: &Instance) -> String {
    let files = match instance.integrity {
        Integrity::Intact => "intact",
        Integrity::Compromised => "CHANGED",
        _ if instance.verified.is_some() => "NOT VERIFIED",
        _ => "not checked",
    };
    match &instance.verified {
        Some(verified) if verified.integrity == instance.integrity => {
            format!("{files} {}", moment(verified.at))
        }
        _ => files.to_owned(),
    }
}

fn of_rollout(rollout: &Ongoing) -> String {
    let mut text = format!(
        "rollout {} of {}, begun by {}: ",
        short(&rollout.rollout),
        shown_whole(&rollout.services.join(", ")),
        shown_whole(&rollout.actor)
    );
    let status = match &rollout.status {
        State::Paused { reason } => format!("paused: {}", shown_whole(reason)),
        State::RollingBack { reason } => format!("goes back: {}", shown_whole(reason)),
        _ if rollout.executed => "under way".to_owned(),
        _ => "not over, and stands still".to_owned(),
    };
    text.push_str(&status);
    let _ = writeln!(text, "\n  {}", numbers(&rollout.progress));
    for action in &rollout.next {
        let what = match &action.what {
            Do::Launch { zone, .. } => format!("launches one in zone {zone}"),
            Do::Retire { instance, .. } => format!("retires {instance}"),
            Do::Shift { weight, .. } => format!("shifts {weight} % of the traffic"),
            Do::Analyse { name } => format!("runs the analysis `{name}`"),
            Do::Ask { approval } => format!("asks: castline answer {}", quoted(approval)),
            _ => continue,
        };
        let _ = writeln!(text, "  {}: {}", if rollout.executed { "now" } else { "next" }, shown_whole(&what));
    }
    // Where it is paused, everything waits for the same, which is said already.
    let is_paused = matches!(rollout.status, State::Paused { .. });
    for wait in rollout.waits.iter().filter(|_| !is_paused) {
        let _ =
            writeln!(text, "  {} waits for {}", shown_whole(&wait.what), shown_whole(&wait.on.join("; ")));
    }
    if is_paused {
        text.push_str(&ways_on(&short(&rollout.rollout), rollout.can_go_back));
    }
    text
}

/// A value's word in documents, as it is read there.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A moment, to the second.
pub(super) fn moment(time: Time) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z").replace('T', " "),
        None => text.replace('T', " "),
    }
}
