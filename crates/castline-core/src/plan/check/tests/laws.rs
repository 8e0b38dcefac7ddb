use proptest::prelude::*;

use super::*;
use crate::{
    Health, Integrity, Phase,
    plan::check::{Extent, ViolationCode, check, explore},
    policy::{Amount, Budget, Compromised, Gate, Preference, Scope, Select, Spread, Step, Strategy},
};

fn instance(service: &'static str) -> impl Strategy_<Value = Instance> {
    let phase =
        prop_oneof![8 => Just(Phase::Running), 1 => Just(Phase::Pending), 1 => Just(Phase::Terminating)];
    let health =
        prop_oneof![8 => Just(Health::Ready), 1 => Just(Health::NotReady), 1 => Just(Health::Failed)];
    let integrity = prop_oneof![9 => Just(Integrity::Intact), 1 => Just(Integrity::Compromised)];
    (0..2_u8, phase, health, integrity, 0..3_u8, 0..2_u8, -1..2_i32).prop_map(
        move |(image, phase, health, integrity, zone, rack, cost)| {
            let made = if image == 0 { old(service) } else { new(service) };
            made.with_phase(phase)
                .with_health(health)
                .with_integrity(integrity)
                .with_zone(format!("z{zone}"))
                .with_label("rack", format!("r{rack}"))
                .with_deletion_cost(cost)
        },
    )
}

fn budget() -> impl Strategy_<Value = Budget> {
    let scope = prop_oneof![
        Just(Scope::Fleet),
        Just(Scope::Zone),
        Just(Scope::InZone("z1".into())),
        Just(Scope::Label("rack".into())),
        Just(Scope::Services(vec!["api".into(), "web".into()])),
    ];
    let reasons = prop_oneof![4 => Just(vec![]), 1 => Just(vec![Reason::Image])];
    (scope, 0..3_u64, 0..3_u64, proptest::option::of(1..3_u64), reasons).prop_map(
        |(scope, below, above, most, reasons)| {
            let mut budget =
                Budget::of(scope, Amount::Count(below), Amount::Count(above)).with_reasons(reasons);
            budget.max_in_flight = most.map(Amount::Count);
            budget
        },
    )
}

fn policy() -> impl Strategy_<Value = Policy> {
    let step = |percent| Step { amount: Amount::percent_up(percent), weight: None, gate: Gate::bake(9) };
    let strategy = prop_oneof![
        3 => Just(Strategy::Rolling),
        1 => Just(Strategy::Canary(vec![step(10), step(50)])),
        1 => Just(Strategy::BlueGreen(crate::policy::BlueGreen::default())),
        1 => Just(Strategy::Recreate),
    ];
    let order = prop_oneof![
        3 => Just(vec![]),
        1 => Just(vec![Preference::ZoneByZone]),
        1 => Just(vec![Preference::Last { key: "rack".into(), value: "r0".into() }, Preference::DeletionCost]),
    ];
    let select = prop_oneof![4 => Just(Select::Drifted), 1 => Just(Select::Broken)];
    let compromised =
        prop_oneof![Just(Compromised::Replace), Just(Compromised::Quarantine), Just(Compromised::Isolate)];
    let spread = prop_oneof![2 => Just(Spread::Keep), 1 => Just(Spread::Even)];
    (strategy, proptest::collection::vec(budget(), 0..3), order, select, compromised, spread).prop_map(
        |(strategy, budgets, order, select, compromised, spread)| {
            let policy = Policy::default()
                .with_strategy(strategy)
                .with_select(select)
                .with_compromised(compromised)
                .with_spread(spread);
            let policy = budgets.into_iter().fold(policy, Policy::with_budget);
            order.into_iter().fold(policy, Policy::with_preference)
        },
    )
}

fn made(service: &'static str) -> impl Strategy_<Value = Target> {
    (proptest::collection::vec(instance(service), 0..9), 0..9_u64, policy()).prop_map(
        move |(instances, replicas, policy)| {
            let named = instances.into_iter().enumerate().map(|(number, mut one)| {
                one.id = format!("{service}-{number}").into();
                one
            });
            target(service, named.collect(), replicas, policy)
        },
    )
}

use proptest::strategy::Strategy as Strategy_;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_plan_that_the_planner_makes_is_proved(api in made("api"), web in made("web"), after: bool) {
        let mut targets = vec![api, web];
        if after {
            targets[1].policy = targets[1].policy.clone().with_after("api");
        }
        if let Ok(plan) = plan(&targets) {
            // Where services share a budget, or fewer are available than the floor says, what is begun in another order than
            // the planner's can be in the way of what would help.
            let shared = plan.limits.iter().any(|limit| limit.of.services.len() > 1);
            let down = targets.iter().any(|target| target.fleet.instances().iter().any(|one| !one.is_available()));
            match check(&plan, &targets) {
                Err(violation) if !((shared || down) && violation.code == ViolationCode::Stuck) => {
                    prop_assert!(false, "{violation}\n{}", plan.to_json());
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_proved_is_kept_in_every_order(made in made("web"), faults in 0..2_u32) {
        let instances: Vec<Instance> = made.fleet.instances().iter().take(3).cloned().collect();
        let targets = [target("web", instances, made.release.replicas().min(3), made.policy)];
        if let Some(plan) = plan(&targets).ok().filter(|plan| check(plan, &targets).is_ok()) {
            let extent = Extent::default().with_faults(faults).with_states(4000);
            let found = explore(&plan, &targets, &[], extent);
            prop_assert!(found.is_ok(), "{}\n{}", found.expect_err("a violation"), plan.to_json());
        }
    }
}
