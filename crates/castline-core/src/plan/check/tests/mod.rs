//! Plans that are right, each with one fault, and laws over made-up fleets.

mod explorations;
mod faults;
mod laws;
mod right;

use crate::{
    Document, Fleet, Instance, ProviderImage, Release,
    plan::{
        Launch, Limit, Members, Order, Plan, PlannedService, Reason, Replacement, Retire, Stage, Target, plan,
    },
    policy::Policy,
};

pub(crate) fn release(service: &str, image: &str, replicas: u64) -> Release {
    let provenance = [("builder".into(), "packer".into())].into();
    let image = ProviderImage { provider: "aws".into(), id: image.into(), provenance };
    Release::of_provider_image(service, image, replicas).expect("a release")
}

/// An instance of the release before.
pub(crate) fn old(id: &str) -> Instance {
    Instance::new(id).with_image("ami-1")
}

/// An instance of the release.
pub(crate) fn new(id: &str) -> Instance {
    Instance::new(id).with_image("ami-2")
}

pub(crate) fn target(service: &str, instances: Vec<Instance>, replicas: u64, policy: Policy) -> Target {
    let fleet = Fleet::new(service, instances).expect("a fleet");
    Target { fleet, release: release(service, "ami-2", replicas), policy }
}

/// So many old instances, `web-0` and so on.
pub(crate) fn olds(service: &str, count: usize) -> Vec<Instance> {
    (0..count).map(|number| old(&format!("{service}-{number}"))).collect()
}

pub(crate) fn planned(targets: &[Target]) -> Plan {
    plan(targets).unwrap_or_else(|infeasible| panic!("{infeasible}"))
}

/// A plan by hand: two old instances of `web`, one after the other, with one place above.
fn by_hand() -> (Plan, Vec<Target>) {
    let target = target("web", olds("web", 2), 2, one_above());
    let replacement = |number: u32| Replacement {
        launch: Some(Launch { zone: "".into(), slot: None, labels: std::sync::Arc::default() }),
        retire: Some(Retire {
            id: format!("web-{number}").into(),
            name: None,
            zone: "".into(),
            disposal: crate::plan::Disposal::End,
        }),
        order: Order::LaunchFirst,
        reason: Reason::Image,
        wave: number + 1,
    };
    let plan = Plan {
        version: Plan::VERSION,
        services: vec![PlannedService {
            service: "web".into(),
            fleet: target.fleet.digest(),
            release: target.release.digest(),
            revision: target.release.revision(),
            policy: target.policy.digest(),
            desired: 2,
            kept: 0,
        }],
        limits: vec![Limit {
            name: "fleet web".into(),
            of: Members { services: vec!["web".into()], ..Members::default() },
            desired: 2,
            floor: Some(2),
            ceiling: Some(3),
            in_flight: None,
            reasons: Vec::new(),
            window: None,
        }],
        stages: vec![Stage {
            name: "web".into(),
            service: "web".into(),
            after: Vec::new(),
            replacements: vec![replacement(0), replacement(1)],
            weight: None,
            gate: crate::policy::Gate::default(),
        }],
    };
    (plan, vec![target])
}

fn one_above() -> Policy {
    use crate::policy::{Amount, Budget};
    Policy::default().with_budget(Budget::fleet(Amount::ZERO, Amount::Count(1)))
}

fn one_below() -> Policy {
    use crate::policy::{Amount, Budget};
    Policy::default().with_budget(Budget::fleet(Amount::Count(1), Amount::ZERO))
}
