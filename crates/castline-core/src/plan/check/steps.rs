//! Who goes, who stays, and who comes: each replacement against the fleet, the release and the policy.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    Violation, ViolationCode as Code,
    documents::{Case, Service},
    slots::Slots,
    stages::Stages,
};
use crate::{
    fleet::{Health, Instance, Integrity, Phase},
    import::NAME,
    plan::{Disposal, Launch, Reason, Replacement},
    policy::{Compromised, Select},
    release::Match,
};

/// A replacement, and what it retires.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) stage: usize,
    pub(super) position: usize,
    pub(super) service: usize,
    pub(super) one: &'a Replacement,
    pub(super) victim: Option<&'a Instance>,
}

impl Step<'_> {
    /// Whether what it retires does no work, or is to do none from the beginning.
    pub(super) fn is_down(&self) -> bool {
        let isolated = self.one.retire.as_ref().is_some_and(|retire| retire.disposal == Disposal::Isolate);
        isolated || self.victim.is_some_and(|victim| !victim.is_available())
    }
}

/// What is known of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is going, or gone from the service, already.
    Going,
    /// It is to be replaced, for this reason.
    Goes(Reason),
    /// It may stay; whether it is what the release says.
    Stays(bool),
}

/// Each service's instances: what becomes of them.
#[derive(Debug)]
pub(super) struct Fates<'a> {
    of: Vec<Vec<Fate>>,
    /// Which instances are retired.
    retired: Vec<Vec<bool>>,
    /// All replacements, in the order of the plan.
    pub(super) steps: Vec<Step<'a>>,
}

impl<'a> Fates<'a> {
    /// Each replacement by itself, and all of them together: they do what the policies ask, and nothing else.
    pub(super) fn of(case: &Case<'a>) -> Result<Self, Violation> {
        let fates: Vec<_> = case.services.iter().map(|service| fates(service)).collect::<Result<_, _>>()?;
        let retired = fates.iter().map(|fates| vec![false; fates.len()]).collect();
        let mut all =
            Self { of: fates, retired, steps: Vec::with_capacity(case.plan.replacements().count()) };
        let mut near = vec![0; case.services.len()];
        for (position, stage) in case.plan.stages.iter().enumerate() {
            let service = case.service_of[position];
            for (within, one) in stage.replacements.iter().enumerate() {
                let mut step = Step { stage: position, position: within, service, one, victim: None };
                let fault = |code, message| Violation::new(code, message).at(position, within);
                if let Some(retire) = &one.retire {
                    let instances = case.services[service].target.fleet.instances();
                    let found = find(instances, &retire.id, near[service]);
                    let live = found.filter(|place| all.of[service][*place] != Fate::Going);
                    let Some(place) = live else {
                        let message = format!("`{}` is retired, which {} has not", retire.id, stage.service);
                        return Err(fault(Code::RetiresUnknown, message));
                    };
                    near[service] = place;
                    if std::mem::replace(&mut all.retired[service][place], true) {
                        return Err(fault(Code::RetiredTwice, format!("`{}` is retired twice", retire.id)));
                    }
                    step.victim = instances.get(place);
                    retires(&case.services[service], &step, all.of[service][place])
                        .map_err(|(code, message)| fault(code, message))?;
                }
                all.steps.push(step);
            }
        }
        for service in 0..case.services.len() {
            all.counts(case, service)?;
        }
        Ok(all)
    }

    /// The instances of a service that stay.
    pub(super) fn kept(&self, case: &Case<'a>, service: usize) -> impl Iterator<Item = &'a Instance> {
        let instances = case.services[service].target.fleet.instances().iter();
        let fates = self.of[service].iter().zip(&self.retired[service]);
        let kept = instances.zip(fates).filter(|(_, (fate, retired))| **fate != Fate::Going && !**retired);
        kept.map(|(instance, _)| instance)
    }

    /// How many instances that stay are of the release already.
    pub(super) fn kept_of_release(&self, service: usize) -> u64 {
        let fates = self.of[service].iter().zip(&self.retired[service]);
        fates.filter(|(fate, retired)| **fate == Fate::Stays(true) && !**retired).count() as u64
    }

    fn counts(&self, case: &Case<'a>, service: usize) -> Result<(), Violation> {
        let Service { planned, target } = case.services[service];
        let name = &planned.service;
        let (mut live, mut may_stay, mut stay_retired, mut retired) = (0, 0_u64, 0_u64, 0);
        for (place, fate) in self.of[service].iter().enumerate() {
            let gone = self.retired[service][place];
            live += u64::from(*fate != Fate::Going);
            retired += u64::from(gone);
            match fate {
                Fate::Goes(reason) if !gone => {
                    let instance = &target.fleet.instances()[place].id;
                    let message = format!("`{instance}` of {name} is kept, though {}", reason.text());
                    return Err(Violation::new(Code::LeftBehind, message));
                }
                Fate::Going | Fate::Goes(_) => {}
                Fate::Stays(_) => {
                    may_stay += 1;
                    stay_retired += u64::from(gone);
                }
            }
        }
        let desired = match target.policy.select {
            Select::Drifted | Select::Except(_) => target.release.replicas(),
            Select::Named(_) | Select::Broken => live,
        };
        let differs = |message| Err(Violation::new(Code::CountDiffers, message));
        let launched = self.steps.iter().filter(|step| step.service == service && step.one.launch.is_some());
        let (kept, launched) = (live - retired, launched.count() as u64);
        if planned.desired != desired {
            let stated = planned.desired;
            return differs(format!("the plan is for {stated} instances of {name}; {desired} are desired"));
        }
        if planned.kept != kept {
            return differs(format!("{kept} instances of {name} are kept; the plan says {}", planned.kept));
        }
        if kept + launched != desired {
            let end = kept + launched;
            return differs(format!("there are {end} instances of {name} in the end; {desired} are desired"));
        }
        if stay_retired > may_stay.saturating_sub(desired) {
            let spare = may_stay.saturating_sub(desired);
            let message = format!(
                "{stay_retired} instances of {name} are retired that need not go; {spare} are too many"
            );
            return Err(Violation::new(Code::RetiresKept, message));
        }
        Ok(())
    }

    /// What is launched: where, in which slot, and counted by which limits.
    pub(super) fn launches(&self, case: &Case<'a>, stages: &Stages) -> Result<(), Violation> {
        let keys: BTreeSet<&str> = case
            .plan
            .limits
            .iter()
            .filter_map(|limit| limit.of.label.as_ref())
            .map(|(key, _)| &**key)
            .collect();
        let zones: Vec<HashSet<&str>> = case.services.iter().map(zones).collect();
        let mut reasons: Vec<HashSet<Reason>> = vec![HashSet::new(); case.services.len()];
        for step in self.steps.iter().filter(|step| step.victim.is_some()) {
            reasons[step.service].insert(step.one.reason);
        }
        let mut slots = Slots::of(case, &self.steps);
        for step in &self.steps {
            let Some(launch) = &step.one.launch else { continue };
            let fault = |(code, message)| Violation::new(code, message).at(step.stage, step.position);
            let at_home =
                launch.slot.is_some() && step.victim.is_some_and(|victim| victim.zone == launch.zone);
            if !at_home && !zones[step.service].contains(&*launch.zone) {
                let message =
                    format!("an instance is launched in the zone `{}`, in which none may be", launch.zone);
                return Err(fault((Code::ZoneNotAllowed, message)));
            }
            match step.victim {
                Some(victim) => inherits(launch, victim, &keys).map_err(fault)?,
                None if step.one.reason == Reason::Missing => {}
                None if reasons[step.service].contains(&step.one.reason) => {}
                None => {
                    let message = format!(
                        "an instance is launched because {}, and none is retired",
                        step.one.reason.text()
                    );
                    return Err(fault((Code::ReasonUntrue, message)));
                }
            }
            slots.take(step, launch, stages).map_err(fault)?;
        }
        Ok(())
    }
}

fn fates(service: &Service) -> Result<Vec<Fate>, Violation> {
    let target = service.target;
    let named: HashSet<&str> = match &target.policy.select {
        Select::Named(ids) | Select::Except(ids) => ids.iter().map(String::as_str).collect(),
        Select::Drifted | Select::Broken => HashSet::new(),
    };
    let mut matcher = target.release.matcher();
    let mut met = 0;
    let fates = target.fleet.instances().iter().map(|instance| {
        if matches!(instance.phase, Phase::Terminating | Phase::Quarantined) {
            return Fate::Going;
        }
        let broken = match (instance.integrity, instance.health) {
            (Integrity::Compromised, _) => Some(Reason::Compromised),
            (_, Health::Failed) => Some(Reason::Failed),
            _ => None,
        };
        let likeness = matcher.next(instance);
        let differs = broken.or(match likeness {
            Match::Same => None,
            Match::OtherImage => Some(Reason::Image),
            Match::OtherSpec => Some(Reason::Config),
        });
        let is_named = named.contains(&*instance.id);
        met += usize::from(is_named);
        let goes = match target.policy.select {
            Select::Drifted => differs,
            Select::Except(_) => differs.filter(|_| !is_named),
            Select::Named(_) => is_named.then(|| differs.unwrap_or(Reason::Named)),
            Select::Broken => broken,
        };
        goes.map_or(Fate::Stays(likeness == Match::Same), Fate::Goes)
    });
    let fates = fates.collect();
    if matches!(target.policy.select, Select::Named(_)) && met != named.len() {
        let message = format!("the policy of {} names an instance that is not there", service.name());
        return Err(Violation::new(Code::LeftBehind, message));
    }
    Ok(fates)
}

/// Where an instance stands, sought from a place outwards: plans go through a fleet more or less in its order.
fn find(instances: &[Instance], id: &str, near: usize) -> Option<usize> {
    let (mut low, mut high, mut reach) = (near, near, 8);
    while low > 0 && *instances[low].id > *id {
        low = low.saturating_sub(reach);
        reach *= 4;
    }
    while high < instances.len() && *instances[high].id < *id {
        high += reach;
        reach *= 4;
    }
    let upto = high.saturating_add(1).min(instances.len());
    let low = low.min(upto);
    let found = instances[low..upto].binary_search_by(|instance| (*instance.id).cmp(id));
    found.ok().map(|place| low + place)
}

/// The zones in which instances may be launched.
fn zones<'a>(service: &Service<'a>) -> HashSet<&'a str> {
    let target = service.target;
    if !target.policy.zones.is_empty() {
        return target.policy.zones.iter().map(String::as_str).collect();
    }
    let live = target.fleet.instances().iter();
    let live = live.filter(|instance| !matches!(instance.phase, Phase::Terminating | Phase::Quarantined));
    let zones: HashSet<&str> = live.map(|instance| &*instance.zone).collect();
    // Where nothing runs and nothing is stated, the driver chooses.
    if zones.is_empty() { HashSet::from([""]) } else { zones }
}

pub(super) type Fault = (Code, String);

fn retires(service: &Service, step: &Step, fate: Fate) -> Result<(), Fault> {
    let (Some(victim), Some(retire)) = (step.victim, &step.one.retire) else { return Ok(()) };
    let (id, reason) = (&victim.id, step.one.reason);
    if retire.zone != victim.zone {
        let message = format!("`{id}` is in the zone `{}`, not in `{}`", victim.zone, retire.zone);
        return Err((Code::ZoneDiffers, message));
    }
    if retire.name.as_deref() != victim.label(NAME) {
        let named = |name: Option<&str>| name.map_or("by its id".to_owned(), |name| format!("as `{name}`"));
        let (found, known) = (named(retire.name.as_deref()), named(victim.label(NAME)));
        return Err((Code::NameDiffers, format!("`{id}` is known {known}, not {found}")));
    }
    let spare = step.one.launch.is_none() && reason == Reason::Extra;
    match fate {
        Fate::Stays(_) if !spare => {
            return Err((Code::RetiresKept, format!("`{id}` is retired, which is to be kept")));
        }
        Fate::Goes(actual) if !spare && reason != actual => {
            let message =
                format!("`{id}` is said to be replaced because {}, but {}", reason.text(), actual.text());
            return Err((Code::ReasonUntrue, message));
        }
        // An instance that is broken does not become one too many: limits may be about those that are broken.
        Fate::Goes(actual @ (Reason::Compromised | Reason::Failed)) if spare => {
            return Err((Code::ReasonUntrue, format!("`{id}` is not one too many: {}", actual.text())));
        }
        _ => {}
    }
    let disposal = match service.target.policy.compromised {
        _ if victim.integrity != Integrity::Compromised => Disposal::End,
        Compromised::Replace => Disposal::End,
        Compromised::Quarantine => Disposal::Quarantine,
        Compromised::Isolate => Disposal::Isolate,
    };
    if retire.disposal != disposal {
        let message =
            format!("what becomes of `{id}` is {:?}; the policy says {disposal:?}", retire.disposal);
        return Err((Code::DisposalDiffers, message));
    }
    Ok(())
}

/// What replaces an instance fills its slot, and is counted by the limits that counted it.
fn inherits(launch: &Launch, victim: &Instance, keys: &BTreeSet<&str>) -> Result<(), Fault> {
    if launch.slot != victim.slot {
        let text = |slot: &Option<Arc<str>>| slot.as_ref().map_or("none".into(), |slot| format!("`{slot}`"));
        let (old, new) = (text(&victim.slot), text(&launch.slot));
        return Err((
            Code::SlotLost,
            format!("`{}` has the slot {old}; what replaces it has {new}", victim.id),
        ));
    }
    for key in keys {
        if launch.labels.get(*key).map(String::as_str) != victim.label(key) {
            let message = format!("what replaces `{}` differs from it in the label `{key}`", victim.id);
            return Err((Code::LabelsDiffer, message));
        }
    }
    Ok(())
}
