//! What has to be done, approved or waited for before something else begins.

use super::{
    Violation, ViolationCode as Code,
    documents::{Case, Service},
    stages::{Set, Stages},
    steps::Fates,
};
use crate::{
    fleet::{Instance, Integrity, Phase},
    policy::{Gate, Preference},
};

/// The services wait for each other, gates stand before all work, and barriers hold.
pub(super) fn kept(case: &Case, fates: &Fates, stages: &Stages) -> Result<(), Violation> {
    for (position, service) in case.services.iter().enumerate() {
        after(case, stages, position, service)?;
        before_all(case, stages, position, service)?;
    }
    barriers(case, fates, stages)
}

/// Whether a gate lets nothing pass that the other one would hold up.
pub(super) fn covers(gate: &Gate, demanded: &Gate) -> bool {
    gate.bake_seconds >= demanded.bake_seconds
        && (demanded.analysis.is_none() || gate.analysis == demanded.analysis)
        && demanded
            .approval
            .as_ref()
            .is_none_or(|who| gate.approval.as_ref().is_some_and(|asked| asked.contains(&**who)))
}

fn after(case: &Case, stages: &Stages, position: usize, service: &Service) -> Result<(), Violation> {
    for earlier in &service.target.policy.after {
        let name = service.name();
        let Some(found) = case.service(earlier) else {
            let message = format!("{name} comes after {earlier}, which is not planned");
            return Err(Violation::new(Code::ServiceUnknown, message));
        };
        let mut all = Set::new(case.plan.stages.len());
        case.stages_of(found).for_each(|stage| all.insert(stage));
        for stage in case.stages_of(position) {
            if let Some(missing) = stages.before(stage).lacks(&all) {
                let [late, early] = [stage, missing].map(|stage| &case.plan.stages[stage].name);
                let message =
                    format!("`{late}` does not wait for `{early}`, though {name} comes after {earlier}");
                return Err(Violation::new(Code::ServiceTooEarly, message).in_stage(stage));
            }
        }
    }
    Ok(())
}

/// The gate that stands before everything, and the approval that a breaker demands.
fn before_all(case: &Case, stages: &Stages, position: usize, service: &Service) -> Result<(), Violation> {
    let works = |stage: &usize| !case.plan.stages[*stage].replacements.is_empty();
    let work: Vec<usize> = case.stages_of(position).filter(works).collect();
    let Some(&first) = work.first() else { return Ok(()) };
    let guarded = |by: &dyn Fn(&Gate) -> bool| {
        let mut idle = case.stages_of(position).filter(|stage| !works(stage));
        idle.any(|stage| {
            by(&case.plan.stages[stage].gate) && work.iter().all(|later| stages.ordered(stage, *later))
        })
    };
    let policy = &service.target.policy;
    if !policy.before.is_open() && !guarded(&|gate| covers(gate, &policy.before)) {
        let message = format!(
            "work on {} begins before the gate that its policy puts before everything",
            service.name()
        );
        return Err(Violation::new(Code::GateMissing, message).in_stage(first));
    }
    let live = service.target.fleet.instances().iter();
    let live = live.filter(|one| !matches!(one.phase, Phase::Terminating | Phase::Quarantined));
    let mut compromised: u64 = 0;
    for instance in live {
        compromised += u64::from(instance.integrity == Integrity::Compromised);
    }
    let most = policy.breakers.max_compromised.map(|amount| amount.of(service.planned.desired));
    if most.is_some_and(|most| compromised > most) && !guarded(&|gate| gate.approval.is_some()) {
        let message =
            format!("{compromised} instances of {} are compromised, and nobody is asked", service.name());
        return Err(Violation::new(Code::ApprovalMissing, message).in_stage(first));
    }
    Ok(())
}

/// The place of an instance in the groups that are done one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group<'a> {
    Early,
    Named(&'a str),
    Late,
}

fn group<'a>(preference: &Preference, instance: &'a Instance) -> Group<'a> {
    let has = |key: &str, value: &str| instance.label(key) == Some(value);
    match preference {
        Preference::Last { key, value } if has(key, value) => Group::Late,
        Preference::First { key, value } if !has(key, value) => Group::Late,
        Preference::OneByOne(key) => instance.label(key).map_or(Group::Late, Group::Named),
        Preference::ZoneByZone => Group::Named(&instance.zone),
        _ => Group::Early,
    }
}

/// The groups of a stage are one, and the stages of an earlier group are done before those of a later one begin.
fn barriers(case: &Case, fates: &Fates, stages: &Stages) -> Result<(), Violation> {
    let barriers: Vec<Vec<&Preference>> = case
        .services
        .iter()
        .map(|service| {
            service.target.policy.order.iter().filter(|preference| preference.is_barrier()).collect()
        })
        .collect();
    let mut groups: Vec<Vec<(Vec<Group>, usize)>> = vec![Vec::new(); case.services.len()];
    for step in &fates.steps {
        let (barriers, Some(victim)) = (&barriers[step.service], step.victim) else { continue };
        // Barriers are about what is replaced, not about what is too much, or is gone before anything new comes.
        if barriers.is_empty() || step.one.launch.is_none() {
            continue;
        }
        let key = barriers.iter().map(|preference| group(preference, victim));
        let groups = &mut groups[step.service];
        match groups.last() {
            Some((known, stage)) if *stage == step.stage => {
                if !key.eq(known.iter().copied()) {
                    let stage = &case.plan.stages[step.stage].name;
                    let message = format!(
                        "`{}` is retired in `{stage}`, together with what it has to wait for, or what waits for it",
                        victim.id
                    );
                    return Err(Violation::new(Code::BarrierCrossed, message).at(step.stage, step.position));
                }
            }
            _ => groups.push((key.collect(), step.stage)),
        }
    }
    for mut groups in groups {
        groups.sort();
        let parts: Vec<_> = groups.chunk_by(|(one, _), (other, _)| one == other).collect();
        for pair in parts.windows(2) {
            for (_, early) in pair[0] {
                for (_, late) in pair[1] {
                    if !stages.ordered(*early, *late) {
                        let [early, name] = [*early, *late].map(|stage| &case.plan.stages[stage].name);
                        let message = format!("`{name}` does not wait until `{early}` is done");
                        return Err(Violation::new(Code::BarrierCrossed, message).in_stage(*late));
                    }
                }
            }
        }
    }
    Ok(())
}
