//! Plans and timelines for tests, with times as a simulator would give.

use std::sync::Arc;

use crate::{
    Digest,
    plan::{
        Launch, Limit, Members, Order, Plan, PlannedService, Reason, Replacement, Retire, Stage,
        simulate::{Interval, Life, Sample, Timeline},
    },
    policy::Gate,
};

const ZONES: [&str; 3] = ["a", "b", "c"];
/// How long a launch takes, and how long an end does.
const LAUNCH: u64 = 45_000;
const DRAIN: u64 = 30_000;

pub(super) fn service(service: &str, desired: u64, kept: u64) -> PlannedService {
    let digest = |what: &str| Digest::of(format!("{service} {what}").as_bytes());
    PlannedService {
        service: service.into(),
        fleet: digest("fleet"),
        release: digest("release"),
        revision: format!("1@{}", digest("revision")).parse().expect("a revision"),
        policy: digest("policy"),
        desired,
        kept,
    }
}

pub(super) fn limit(name: &str, services: &[&str], desired: u64, floor: u64, ceiling: u64) -> Limit {
    let of =
        Members { services: services.iter().map(|one| (*one).into()).collect(), zone: None, label: None };
    let (floor, ceiling) = (Some(floor), Some(ceiling));
    Limit {
        name: name.into(),
        of,
        desired,
        floor,
        ceiling,
        in_flight: None,
        reasons: Vec::new(),
        window: None,
    }
}

/// Replacements of the instances `from` to `to`, so many in a wave.
pub(super) fn replacements(
    service: &str,
    from: u64,
    to: u64,
    at_once: u64,
    first_wave: u32,
) -> Vec<Replacement> {
    let zones = ZONES.map(Arc::<str>::from);
    let one = |number: u64| {
        let zone = &zones[usize::try_from(number % 3).expect("small")];
        Replacement {
            launch: Some(Launch { zone: zone.clone(), slot: None, labels: Arc::default() }),
            retire: Some(Retire {
                id: format!("{service}-{number}").into(),
                name: None,
                zone: zone.clone(),
                disposal: crate::plan::Disposal::End,
            }),
            order: Order::LaunchFirst,
            reason: if number % 7 == 3 { Reason::Compromised } else { Reason::Image },
            wave: first_wave + u32::try_from((number - from) / at_once).expect("few"),
        }
    };
    (from..to).map(one).collect()
}

pub(super) fn stage(
    service: &str,
    name: &str,
    after: &[u32],
    replacements: Vec<Replacement>,
    gate: Gate,
) -> Stage {
    Stage {
        name: name.into(),
        service: service.into(),
        after: after.into(),
        replacements,
        weight: None,
        gate,
    }
}

pub(super) fn plan(services: Vec<PlannedService>, limits: Vec<Limit>, stages: Vec<Stage>) -> Plan {
    Plan { version: Plan::VERSION, services, limits, stages }
}

/// A simulation: each wave lasts as long as a launch and a drain, with a little unrest; gates as long as they bake.
pub(super) fn run(plan: &Plan) -> Timeline {
    let mut timeline = Timeline { outcome: "succeeded".into(), ..Timeline::default() };
    let mut now = 0;
    let mut changes: Vec<(u64, Arc<str>, i64, i64)> = Vec::new();
    for stage in &plan.stages {
        let from = now;
        let first = stage.replacements.iter().map(|one| one.wave).min().unwrap_or(1);
        let mut end = from;
        for (number, one) in (0_u64..).zip(&stage.replacements) {
            let begin = from + u64::from(one.wave - first) * (LAUNCH + DRAIN + 5_000);
            let (ready, gone) =
                (begin + LAUNCH + number * 7919 % 9000, begin + LAUNCH + DRAIN + number * 6007 % 5000);
            let gone = gone.max(ready + 5_000);
            end = end.max(gone);
            let (retire, launch) = (one.retire.as_ref().expect("both"), one.launch.as_ref().expect("both"));
            timeline.lives.push(Life {
                service: stage.service.clone(),
                instance: retire.id.clone(),
                zone: retire.zone.clone(),
                new: false,
                reason: Some(one.reason),
                launched_millis: None,
                available_millis: None,
                retired_millis: Some(ready),
                gone_millis: Some(gone),
            });
            timeline.lives.push(Life {
                service: stage.service.clone(),
                instance: format!("{}-new", retire.id).into(),
                zone: launch.zone.clone(),
                new: true,
                reason: Some(one.reason),
                launched_millis: Some(begin),
                available_millis: Some(ready),
                retired_millis: None,
                gone_millis: None,
            });
            changes.push((begin, stage.service.clone(), 1, 0));
            changes.push((ready, stage.service.clone(), 0, 0));
            changes.push((gone, stage.service.clone(), -1, 0));
        }
        now = end + stage.gate.bake_seconds * 1000;
        timeline.stages.push(Interval { from_millis: Some(from), to_millis: Some(now) });
    }
    timeline.makespan_millis = now;
    changes.sort();
    for limit in &plan.limits {
        let mut count = i64::try_from(limit.desired).expect("few");
        let mut samples = vec![Sample { at_millis: 0, present: limit.desired, available: limit.desired }];
        for (at_millis, service, present, _) in &changes {
            if limit.of.has(service, "", &std::collections::BTreeMap::new()) && *present != 0 {
                count += present;
                let present = u64::try_from(count).expect("some");
                samples.push(Sample { at_millis: *at_millis, present, available: limit.desired });
            }
        }
        timeline.capacity.push(samples);
    }
    timeline
}

/// Six instances in three zones, two at a time.
pub(super) fn six() -> Plan {
    let of = vec![service("web", 6, 0)];
    let limits = vec![limit("fleet web", &["web"], 6, 6, 8)];
    plan(
        of,
        limits,
        vec![stage("web", "web: rolling", &[], replacements("web", 0, 6, 2, 1), Gate::default())],
    )
}

/// Twenty in three steps with gates.
pub(super) fn canary() -> Plan {
    let second = Gate { approval: Some("on-call of web".into()), ..Gate::analysis("error rate") };
    let second = Gate { bake_seconds: 240, ..second };
    plan(
        vec![service("web", 20, 2)],
        vec![limit("fleet web", &["web"], 20, 18, 25)],
        vec![
            stage("web", "web: canary 1 of 3", &[], replacements("web", 0, 1, 1, 1), Gate::bake(180)),
            stage("web", "web: canary 2 of 3", &[0], replacements("web", 1, 5, 5, 2), second),
            stage("web", "web: canary 3 of 3", &[1], replacements("web", 5, 18, 5, 3), Gate::default()),
        ],
    )
}

/// Two services, one after the other.
pub(super) fn two() -> Plan {
    plan(
        vec![service("api", 4, 0), service("web", 6, 2)],
        vec![limit("fleet api", &["api"], 4, 3, 5), limit("fleet web", &["web"], 6, 5, 8)],
        vec![
            stage("api", "api: rolling", &[], replacements("api", 0, 4, 1, 1), Gate::bake(60)),
            stage("web", "web: rolling", &[0], replacements("web", 0, 4, 2, 5), Gate::default()),
        ],
    )
}

/// Many, a fortieth at a time.
pub(super) fn many(count: u64) -> Plan {
    let room = (count / 40).max(1);
    plan(
        vec![service("web", count, 0)],
        vec![limit("fleet web", &["web"], count, count - room, count + room)],
        vec![stage("web", "web: rolling", &[], replacements("web", 0, count, room, 1), Gate::default())],
    )
}
