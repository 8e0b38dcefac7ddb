//! The planner: a function from fleets, releases and policies to a plan.

mod conflict;
mod dependencies;
mod limits;
mod order;
mod placement;
mod places;
mod schedule;
mod select;
mod stages;

use std::{collections::HashMap, sync::Arc};

use limits::Limits;
use placement::{Draft, Labels};
use places::Places;
use schedule::{Item, Slotted, Work};
pub(crate) use select::is_live;
use stages::Outline;

use super::{
    Constraint, Disposal, Infeasible, InfeasibleCode, Plan, PlannedService, Replacement, Retire, Stage,
    Target,
};
use crate::{Document as _, fleet::Health, import::NAME, plan::Reason, policy::Compromised};

/// How each service gets from what runs to what should, under its policy, and all of them under the limits that they share.
///
/// The order of the targets, and of the instances in a fleet, changes nothing. What runs the release already is left alone; a fleet that
/// has arrived gives a plan without stages. The order of victims is total: the policy's preferences, barriers first; compromised,
/// failed, not ready, drifted; from the zone that has the most left; the oldest; by id.
///
/// ```
/// use castline_core::{
///     Fleet, Instance, ProviderImage, Release,
///     plan::{Target, plan},
///     policy::{Amount, Budget, Policy},
/// };
///
/// let image = ProviderImage {
///     provider: "aws".into(),
///     id: "ami-2".into(),
///     provenance: [("builder".into(), "packer".into())].into(),
/// };
/// let old = |id: &str| Instance::new(id).with_image("ami-1").with_zone("a");
/// let target = Target {
///     fleet: Fleet::new("web", [old("i-1"), old("i-2"), old("i-3")])?,
///     release: Release::of_provider_image("web", image, 3)?,
///     policy: Policy::default().with_budget(Budget::fleet(Amount::ZERO, Amount::Count(1))),
/// };
/// let plan = plan(&[target])?;
/// assert_eq!(plan.replacements().count(), 3);
/// assert_eq!(plan.waves(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Infeasible`], with the smallest set of constraints in conflict.
pub fn plan(targets: &[Target]) -> Result<Plan, Infeasible> {
    let mut sorted: Vec<&Target> = targets.iter().collect();
    sorted.sort_by(|one, other| one.release.service().cmp(other.release.service()));
    belong_together(&sorted)?;
    few_enough(&sorted)?;
    let order = dependencies::ordered(&sorted)?;

    let keys = limits::label_keys(&sorted);
    let mut labels = Labels::new(&keys);
    let mut places = Places::default();
    let mut services = Vec::with_capacity(sorted.len());
    let mut outlines = Vec::with_capacity(sorted.len());
    for (number, target) in sorted.iter().enumerate() {
        let selection = select::select(target)?;
        let (desired, compromised) = (selection.desired, selection.compromised);
        let (drafts, kept) = placement::place(target, selection, &keys);
        let mut converted = 0;
        let mut matcher = target.release.matcher();
        for instance in target.fleet.instances().iter().filter(|instance| instance.is_present()) {
            let place = places.number(number, &instance.zone, &labels.of(instance));
            let count = places.count(place);
            count.present += 1;
            count.leaving += i64::from(!is_live(instance));
            count.available += i64::from(!select::is_down(target, instance));
        }
        for instance in &kept {
            let place = places.number(number, &instance.zone, &labels.of(instance));
            let count = places.count(place);
            // One that has failed for good, and is to stay, does not come back by itself.
            let starting = !instance.is_available() && instance.health != Health::Failed;
            count.starting += i64::from(starting);
            count.desired += 1;
            converted += u64::from(matcher.next(instance) == crate::release::Match::Same);
        }
        for launch in drafts.iter().filter_map(|draft| draft.launch.as_ref()) {
            let place = places.number(number, &launch.zone, &launch.labels);
            places.count(place).desired += 1;
        }
        services.push(PlannedService {
            service: Arc::clone(target.release.service()),
            fleet: target.fleet.digest(),
            release: target.release.digest(),
            revision: target.release.revision(),
            policy: target.policy.digest(),
            desired,
            kept: kept.len() as u64,
        });
        outlines.push(stages::outline(target, drafts, converted, desired, compromised)?);
    }
    let limits = limits::resolve(&sorted, &places)?;
    let stages = stages_of(&sorted, &order, outlines, &limits, &mut places, &mut labels)?;
    Ok(Plan { version: Plan::VERSION, services, limits: limits.list, stages })
}

/// Each service has one fleet, one release and one policy that is meant for it.
fn belong_together(sorted: &[&Target]) -> Result<(), Infeasible> {
    let mismatch = |what: String, one: Constraint, other: Constraint| Infeasible {
        code: InfeasibleCode::Mismatch,
        what,
        conflict: vec![one, other],
    };
    for target in sorted {
        let (fleet, release) = (target.fleet.service(), target.release.service());
        if fleet != release {
            return Err(mismatch(
                format!("a fleet of {fleet} cannot become a release of {release}"),
                Constraint::new("the fleet", format!("is of {fleet}")),
                Constraint::new("the release", format!("is of {release}")),
            ));
        }
        if let Some(service) = target.policy.service.as_ref().filter(|service| ***service != **release) {
            return Err(mismatch(
                format!("{release} is to be replaced under the policy of {service}"),
                Constraint::new("the policy", format!("is of {service}")),
                Constraint::new("the release", format!("is of {release}")),
            ));
        }
    }
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].release.service() == pair[1].release.service())
    {
        let service = pair[0].release.service();
        return Err(mismatch(
            format!("{service} is to become two releases"),
            Constraint::new("one release", format!("is of {service}")),
            Constraint::new("another release", format!("is of {service}")),
        ));
    }
    // Events name an instance by its id alone.
    match shared_id(sorted) {
        Some((id, one, other)) => Err(mismatch(
            format!("`{id}` is an instance of {one} and of {other}"),
            Constraint::new(format!("the fleet of {one}"), format!("has an instance `{id}`")),
            Constraint::new(format!("the fleet of {other}"), format!("has an instance `{id}`"))
                .with_advice("give instances ids that no other service has, such as a UID"),
        )),
        None => Ok(()),
    }
}

/// How many copies more than there are a plan brings up: it names each of them, and a number in a document is no reason to run out
/// of memory.
const MOST_MORE: u64 = 1_000_000;

fn few_enough(sorted: &[&Target]) -> Result<(), Infeasible> {
    let instances: u64 = sorted.iter().map(|target| target.fleet.instances().len() as u64).sum();
    let replicas = sorted.iter().map(|target| target.release.replicas()).fold(0, u64::saturating_add);
    if replicas <= instances.saturating_add(MOST_MORE) {
        return Ok(());
    }
    let what = format!("{replicas} copies are wanted where {instances} instances are");
    let named = |target: &&Target| {
        let name = format!("the release of {}", target.release.service());
        Constraint::new(name, format!("has {} replicas", target.release.replicas()))
            .with_advice(format!("at most {MOST_MORE} more than there are at a time"))
    };
    let most = sorted.iter().max_by_key(|target| target.release.replicas()).map(named);
    Err(Infeasible { code: InfeasibleCode::TooManyReplicas, what, conflict: most.into_iter().collect() })
}

/// The first id that instances of two services have, and these services.
fn shared_id<'a>(sorted: &[&'a Target]) -> Option<(&'a str, &'a str, &'a str)> {
    if sorted.len() < 2 {
        return None;
    }
    let mut of: HashMap<&str, &str> = HashMap::new();
    for target in sorted {
        let service = &**target.fleet.service();
        for instance in target.fleet.instances() {
            if let Some(other) = of.insert(&instance.id, service) {
                return Some((&instance.id, other, service));
            }
        }
    }
    None
}

/// The stages of all services, each service's after those that it waits for.
fn stages_of(
    sorted: &[&Target],
    order: &[usize],
    outlines: Vec<Vec<Outline>>,
    limits: &Limits,
    places: &mut Places,
    labels: &mut Labels,
) -> Result<Vec<Stage>, Infeasible> {
    let mut outlines: Vec<Option<Vec<Outline>>> = outlines.into_iter().map(Some).collect();
    let number_of = |name: &str| sorted.iter().position(|target| **target.release.service() == *name);
    // The last stages of what is done when a service is: its own, or those that it waits for where it has none.
    let mut ends: Vec<Vec<u32>> = vec![Vec::new(); sorted.len()];
    let (mut work, mut flat) = (Vec::new(), Vec::new());
    for &number in order {
        let target = sorted[number];
        let mut after: Vec<u32> = target
            .policy
            .after
            .iter()
            .filter_map(|name| number_of(name))
            .flat_map(|before| ends[before].clone())
            .collect();
        after.sort_unstable();
        after.dedup();
        for outline in outlines[number].take().unwrap_or_default() {
            let at_once = |draft: &Draft| {
                let isolates = target.policy.compromised == Compromised::Isolate;
                isolates && draft.reason == Reason::Compromised && draft.launch.is_none()
            };
            let items = outline.drafts.iter();
            let items = items.map(|draft| item(number, at_once(draft), draft, places, labels)).collect();
            let position = u32::try_from(work.len()).unwrap_or(u32::MAX);
            work.push(Work { items, after: std::mem::replace(&mut after, vec![position]) });
            flat.push((number, outline));
        }
        ends[number] = after;
    }
    let scheduled = schedule::schedule(&work, limits, places).map_err(|stuck| {
        let (number, outline) = &flat[stuck.stage];
        conflict::explain(sorted[*number], outline, limits, &stuck)
    })?;
    let stages = flat.into_iter().zip(work).zip(scheduled);
    Ok(stages
        .map(|(((number, outline), work), slotted)| stage(sorted[number], outline, work, &slotted))
        .collect())
}

fn item(number: usize, at_once: bool, draft: &Draft, places: &mut Places, labels: &mut Labels) -> Item {
    let victim = draft.victim.as_ref();
    let launch = draft.launch.as_ref().map(|launch| places.number(number, &launch.zone, &launch.labels));
    let retire =
        victim.map(|victim| places.number(number, &victim.instance.zone, &labels.of(victim.instance)));
    Item {
        launch,
        retire,
        down: victim.is_some_and(|victim| victim.down),
        slot: victim.is_some_and(|victim| victim.instance.slot.is_some()),
        at_once,
        reason: draft.reason,
    }
}

fn stage(target: &Target, outline: Outline, work: Work, slotted: &[Slotted]) -> Stage {
    let mut drafts: Vec<Option<Draft>> = outline.drafts.into_iter().map(Some).collect();
    let replacements = slotted.iter().filter_map(|slotted| {
        let draft = drafts[slotted.item as usize].take()?;
        let retire = draft.victim.map(|victim| Retire {
            id: Arc::clone(&victim.instance.id),
            name: victim.instance.label(NAME).map(Arc::from),
            zone: Arc::clone(&victim.instance.zone),
            disposal: match (victim.reason, target.policy.compromised) {
                (Reason::Compromised, Compromised::Quarantine) => Disposal::Quarantine,
                (Reason::Compromised, Compromised::Isolate) => Disposal::Isolate,
                _ => Disposal::End,
            },
        });
        Some(Replacement {
            launch: draft.launch,
            retire,
            order: slotted.order,
            reason: draft.reason,
            wave: slotted.wave,
        })
    });
    Stage {
        name: outline.name,
        service: Arc::clone(target.release.service()),
        after: work.after,
        replacements: replacements.collect(),
        weight: outline.weight,
        gate: outline.gate,
    }
}
