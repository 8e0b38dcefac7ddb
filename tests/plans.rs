//! Laws of plans, rollouts and simulations, over random fleets, policies and events.

use std::collections::BTreeMap;

use castline::{
    Document as _, Fleet, Health, Instance, Integrity, Phase, ProviderImage, Release, Time,
    plan::{self, InfeasibleCode, Order, Plan, Target, plan, simulate::World},
    policy::{Amount, Budget, Compromised, Policy, Scope, Spread},
};
use proptest::prelude::*;

fn release(service: &str, image: &str, replicas: u64) -> Release {
    let provenance = BTreeMap::from([("builder".to_owned(), "packer".to_owned())]);
    let image = ProviderImage { provider: "aws".into(), id: image.into(), provenance };
    Release::of_provider_image(service, image, replicas).expect("a release")
}

fn simulated(plan: &Plan, targets: &[Target], world: &World) -> plan::simulate::Timeline {
    plan::simulate(plan, targets, &[], world, Time::default()).expect("a plan for these targets")
}

prop_compose! {
    fn instance(id: usize)(
        zone in "[abc]",
        old in prop::bool::weighted(0.7),
        health in prop::sample::select(vec![
            Health::Ready, Health::Ready, Health::Ready, Health::NotReady, Health::Failed, Health::Unknown,
        ]),
        phase in prop::sample::select(vec![
            Phase::Running, Phase::Running, Phase::Running, Phase::Running, Phase::Pending, Phase::Terminating,
        ]),
        compromised in prop::bool::weighted(0.1),
        rack in prop::option::of("[xy]"),
    ) -> Instance {
        let instance = Instance::new(format!("i-{id:03}"))
            .with_zone(zone)
            .with_image(if old { "ami-1" } else { "ami-2" })
            .with_health(if phase == Phase::Pending { Health::NotReady } else { health })
            .with_phase(phase)
            .with_integrity(if compromised { Integrity::Compromised } else { Integrity::Unknown });
        match rack {
            Some(rack) => instance.with_label("rack", rack),
            None => instance,
        }
    }
}

fn fleet() -> impl Strategy<Value = Vec<Instance>> {
    (0_usize..14).prop_flat_map(|size| (0..size).map(instance).collect::<Vec<_>>())
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        (0_u64..5).prop_map(Amount::Count),
        (0_u32..120).prop_map(Amount::percent_up),
        (0_u32..120).prop_map(Amount::percent_down),
    ]
}

fn budget() -> impl Strategy<Value = Budget> {
    let scope = prop_oneof![
        3 => Just(Scope::Fleet),
        2 => Just(Scope::Zone),
        1 => Just(Scope::Label("rack".into())),
        1 => Just(Scope::InZone("a".into())),
    ];
    (scope, amount(), amount(), prop::option::weighted(0.2, 1_u64..4)).prop_map(
        |(scope, unavailable, surge, in_flight)| {
            let mut budget = Budget::of(scope, unavailable, surge);
            budget.max_in_flight = in_flight.map(Amount::Count);
            budget
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let compromised =
        prop::sample::select(vec![Compromised::Replace, Compromised::Quarantine, Compromised::Isolate]);
    (prop::collection::vec(budget(), 1..3), prop::bool::ANY, compromised, 0_u64..3).prop_map(
        |(budgets, even, compromised, min_ready)| {
            let policy = Policy::default()
                .with_spread(if even { Spread::Even } else { Spread::Keep })
                .with_compromised(compromised)
                .with_min_ready_seconds(min_ready * 30);
            budgets.into_iter().fold(policy, Policy::with_budget)
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    (fleet(), 0_u64..14, policy()).prop_map(|(instances, replicas, policy)| Target {
        fleet: Fleet::new("web", instances).expect("unique ids"),
        release: release("web", "ami-2", replicas),
        policy,
    })
}

/// In a simulation of a plan, what we do never takes capacity below a floor or above a ceiling.
fn holds(plan: &Plan, timeline: &plan::simulate::Timeline) {
    for (limit, samples) in plan.limits.iter().zip(&timeline.capacity) {
        for pair in samples.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            if let Some(floor) = limit.floor.filter(|_| limit.reasons.is_empty()) {
                assert!(
                    after.available >= floor || after.available >= before.available,
                    "{}: {after:?} after {before:?} is below {floor}: {timeline:#?}",
                    limit.name
                );
            }
            if let Some(ceiling) = limit.ceiling.filter(|_| limit.reasons.is_empty()) {
                assert!(
                    after.present <= ceiling || after.present <= before.present,
                    "{}: {after:?} after {before:?} is above {ceiling}",
                    limit.name
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_fleet_does_not_matter(target in target(), seed in any::<u64>()) {
        let mut shuffled = target.fleet.instances().to_vec();
        let length = shuffled.len();
        for position in 0..length {
            shuffled.swap(position, (seed as usize).wrapping_mul(position + 7) % length);
        }
        let other = Target { fleet: Fleet::new("web", shuffled).expect("a fleet"), ..target.clone() };
        prop_assert_eq!(plan(&[target]), plan(&[other]));
    }

    #[test]
    fn a_plan_that_is_executed_arrives_and_stays_within_its_limits(target in target(), seed in any::<u64>()) {
        let targets = [target];
        let Ok(plan) = plan(&targets) else { return Ok(()) };
        let timeline = simulated(&plan, &targets, &World { seed, ..World::default() });
        prop_assert_eq!(&timeline.outcome, "succeeded", "{:#?}\n{:#?}", plan, timeline);
        holds(&plan, &timeline);
    }

    #[test]
    fn under_one_budget_no_plan_has_fewer_waves(
        instances in fleet(),
        replicas in 0_u64..14,
        unavailable in amount(),
        surge in amount(),
    ) {
        let policy = Policy::default().with_budget(Budget::fleet(unavailable, surge));
        let fleet = Fleet::new("web", instances).expect("unique ids");
        let targets = [Target { fleet, release: release("web", "ami-2", replicas), policy }];
        let Ok(plan) = plan(&targets) else { return Ok(()) };
        let bounds = plan::bounds(&plan, &targets, &World::default());
        prop_assert_eq!(bounds.waves, bounds.least_waves, "{:#?}", plan);
    }
}
