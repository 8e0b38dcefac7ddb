//! Laws of plans, rollouts and simulations, over random fleets, policies and events.

mod support;

use castline::{
    Fleet, Time,
    plan::{self, Plan, Target, plan, simulate::World},
    policy::{Budget, Policy},
};
use proptest::prelude::*;
use support::fleets::{amount, fleet, release, target};

fn simulated(plan: &Plan, targets: &[Target], world: &World) -> plan::simulate::Timeline {
    plan::simulate(plan, targets, &[], world, Time::default()).expect("a plan for these targets")
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
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_fleet_does_not_matter(target in target(), seed in any::<usize>()) {
        let mut shuffled = target.fleet.instances().to_vec();
        let length = shuffled.len();
        for position in 0..length {
            shuffled.swap(position, seed.wrapping_mul(position + 7) % length);
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
