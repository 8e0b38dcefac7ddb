//! Laws of plans, rollouts and simulations, over random fleets, policies and events.

mod support;

use castline::{
    Document as _, Fleet, Instance, Time,
    plan::{
        self, InfeasibleCode, Plan, Target, plan,
        simulate::{Between, World},
    },
    policy::{Amount, BlueGreen, Budget, Gate, Policy, Scope, Select, Step, Strategy as Manner, Window},
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

/// The limits of a plan that replaces five, as floor and ceiling; none where there is no way.
fn limits(policy: Policy) -> Option<Vec<(Option<u64>, Option<u64>)>> {
    let old = (0..5).map(|number| Instance::new(format!("i-{number}")).with_image("ami-1"));
    let fleet = Fleet::new("web", old).expect("unique ids");
    let plan = plan(&[Target { fleet, release: release("web", "ami-2", 5), policy }]).ok()?;
    Some(plan.limits.iter().map(|limit| (limit.floor, limit.ceiling)).collect())
}

#[test]
fn what_budgets_do_not_state_is_closed() {
    let window = || Window::new("0 3 * * *", 3600, "UTC").expect("a window");
    let one = || Budget::fleet(Amount::Count(1), Amount::Count(1));
    let both = |least: u64, down: u64| {
        let mut budget = Budget::fleet(Amount::Count(down), Amount::Count(1));
        budget.min_available = Some(Amount::Count(least));
        budget
    };
    let with = |budget| Policy::default().with_budget(budget);
    for (what, policy, expected) in [
        ("the higher of two floors holds", with(both(4, 3)), Some(vec![(Some(4), Some(6))])),
        ("whichever it is", with(both(2, 2)), Some(vec![(Some(3), Some(6))])),
        ("what holds at times opens nothing", with(one().with_window(window())), None),
        (
            "nor does what is about one zone",
            with(Budget::of(Scope::InZone(String::new()), Amount::Count(1), Amount::Count(1)))
                .with_budget(Budget::floor(Scope::Fleet, Amount::Count(3))),
            Some(vec![(None, Some(5)), (Some(4), Some(6)), (Some(3), None)]),
        ),
        (
            "two sides are twice as many",
            Policy::default().with_strategy(Manner::BlueGreen(BlueGreen::default())),
            Some(vec![(Some(5), Some(10))]),
        ),
        (
            "recreating takes no more room",
            Policy::default().with_strategy(Manner::Recreate),
            Some(vec![(Some(0), Some(5))]),
        ),
    ] {
        assert_eq!(limits(policy), expected, "{what}");
    }
}

#[test]
fn what_went_first_counts_for_the_balance_of_zones() {
    let old = |id: &str| Instance::new(id).with_zone(&id[..1]).with_image("ami-1");
    let failed = old("a-0").with_health(castline::Health::Failed);
    let others = ["a-1", "a-2", "b-0", "b-1", "b-2"].map(old);
    let fleet = Fleet::new("web", others.into_iter().chain([failed])).expect("unique ids");
    let policy = Policy::default().with_budget(Budget::fleet(Amount::ZERO, Amount::Count(1)));
    let plan = plan(&[Target { fleet, release: release("web", "ami-2", 6), policy }]).expect("a plan");
    let order: Vec<&str> = plan.replacements().filter_map(|one| Some(&*one.retire.as_ref()?.id)).collect();
    assert_eq!(order, ["a-0", "b-0", "a-1", "b-1", "a-2", "b-2"]);
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

fn old(service: &str, ids: &[&str], policy: Policy) -> Target {
    let instances = ids.iter().map(|id| Instance::new(*id).with_image("ami-1"));
    let fleet = Fleet::new(service, instances).expect("a fleet");
    Target { fleet, release: release(service, "ami-2", ids.len() as u64), policy }
}

#[test]
fn an_id_is_of_one_service() {
    let targets = [old("a", &["0", "1"], Policy::default()), old("b", &["1", "2"], Policy::default())];
    let refused = plan(&targets).expect_err("events name instances by their ids alone");
    assert_eq!(refused.code, InfeasibleCode::Mismatch);
    assert_eq!(refused.what, "`1` is an instance of a and of b");
}

#[test]
fn no_gate_of_a_canary_is_left_out_where_some_instances_stay() {
    let step = |amount, of: &str| Step { amount, weight: None, gate: Gate::approval(of) };
    let steps = vec![step(Amount::Count(1), "one"), step(Amount::ALL, "all")];
    for select in [Select::Except(vec!["0".into()]), Select::Named(vec!["1".into(), "2".into()])] {
        let policy = Policy::default().with_strategy(Manner::Canary(steps.clone())).with_select(select);
        let plan = plan(&[old("a", &["0", "1", "2", "3"], policy)]).expect("a plan");
        let gates: Vec<_> = plan.stages.iter().filter_map(|stage| stage.gate.approval.as_deref()).collect();
        assert_eq!(gates, ["one", "all"]);
    }
}

#[test]
fn numbers_that_no_fleet_reaches_are_taken_for_what_can_be_written() {
    let policy = Policy::default()
        .with_budget(Budget::fleet(Amount::Count(u64::MAX), Amount::Count(u64::MAX)))
        .with_budget(Budget::in_flight(Scope::Fleet, Amount::Count(u64::MAX)))
        .with_budget(Budget::zone(Amount::percent_up(u32::MAX), Amount::percent_down(u32::MAX)));
    assert!(Policy::from_json(&policy.to_canonical()).is_ok());
    let targets = [old("a", &["0", "1"], policy.with_min_ready_seconds(u64::MAX))];
    let plan = plan(&targets).expect("a plan");
    assert_eq!(Plan::from_json(&plan.to_canonical()).expect("a plan"), plan);
    let never = Between::exactly(u64::MAX);
    for world in [World::default(), World { launch_millis: never, ready_millis: never, ..World::default() }] {
        let timeline = simulated(&plan, &targets, &world);
        assert!(timeline.outcome.starts_with("paused"), "{}", timeline.outcome);
        assert_eq!(plan::bounds(&plan, &targets, &world).least_waves, 1);
    }
}
