use super::*;
use crate::{
    Health, Integrity,
    plan::check::{Extent, ViolationCode as Code, explore, explore::explore_with},
    policy::{Amount, BlueGreen, Budget, Compromised, Gate, OnFailure, Scope, Step, Strategy},
};

/// Small fleets and policies, and how many things may go wrong.
fn cases() -> Vec<(&'static str, Vec<Target>, u32)> {
    let one = |name, instances, replicas, policy, faults| {
        (name, vec![target("web", instances, replicas, policy)], faults)
    };
    let slots =
        || (0..2).map(|number| old(&format!("web-{number}")).with_slot(format!("{number}"))).collect();
    let step = Step { amount: Amount::Count(1), weight: Some(50), gate: Gate::analysis("errors") };
    let green = BlueGreen { before_switch: Gate::approval("web"), before_retire: Gate::bake(60) };
    let back = Policy { on_failure: OnFailure::Rollback, attempts: 2, ..one_above() };
    let harmed = || {
        vec![
            old("a").with_integrity(Integrity::Compromised),
            old("b").with_health(Health::NotReady),
            old("c"),
        ]
    };
    let both = Budget::of(Scope::Services(vec!["api".into(), "web".into()]), Amount::Count(1), Amount::ZERO);
    vec![
        one("one above", olds("web", 3), 3, one_above(), 1),
        one("one above, two faults", olds("web", 2), 2, one_above(), 2),
        one("one below", olds("web", 3), 3, one_below(), 1),
        one("more", olds("web", 1), 3, one_above(), 1),
        one("fewer", olds("web", 3), 1, one_below(), 1),
        one("slots", slots(), 2, one_below(), 1),
        one("canary", olds("web", 2), 2, one_above().with_strategy(Strategy::Canary(vec![step])), 1),
        one(
            "blue and green",
            olds("web", 2),
            2,
            Policy::default().with_strategy(Strategy::BlueGreen(green)),
            1,
        ),
        one("recreate", olds("web", 2), 2, Policy::default().with_strategy(Strategy::Recreate), 1),
        one("going back", olds("web", 2), 2, back, 2),
        one("harmed", harmed(), 3, one_above().with_compromised(Compromised::Isolate), 1),
        one("in quarantine", harmed(), 3, one_below().with_compromised(Compromised::Quarantine), 1),
        (
            "two services",
            vec![
                target("api", olds("api", 2), 2, one_below().with_budget(both)),
                target("web", olds("web", 2), 2, one_below()),
            ],
            1,
        ),
    ]
}

#[test]
fn small_plans_keep_every_limit_in_every_order() {
    for (name, targets, faults) in cases() {
        let plan = planned(&targets);
        let back: Vec<Release> = targets
            .iter()
            .map(|target| release(target.release.service(), "ami-1", target.release.replicas()))
            .collect();
        let found = explore(&plan, &targets, &back, Extent::default().with_faults(faults));
        match found {
            Ok(found) => assert!(found.exhaustive && found.ends > 0, "{name}: {found:?}"),
            Err(violation) => panic!("{name}: {violation}"),
        }
    }
}

#[test]
fn what_does_not_fit_is_not_called_exhaustive() {
    let targets = [target("web", olds("web", 3), 3, one_above())];
    let found =
        explore(&planned(&targets), &targets, &[], Extent::default().with_states(20)).expect("no violation");
    assert_eq!((found.exhaustive, found.states), (false, 20));
}

type Laxer = fn(&mut Limit);

#[test]
fn a_limit_that_is_too_lax_is_found_with_its_trace() {
    let one_at_once = Policy::default()
        .with_budget(Budget::fleet(Amount::ZERO, Amount::Count(3)))
        .with_budget(Budget::in_flight(Scope::Fleet, Amount::Count(1)));
    let cases: [(Policy, Laxer, Code); 3] = [
        (one_above(), |limit| limit.ceiling = limit.ceiling.map(|_| 6), Code::CeilingBroken),
        (one_below(), |limit| limit.floor = limit.floor.map(|_| 0), Code::FloorBroken),
        (one_at_once, |limit| limit.in_flight = None, Code::InFlightBroken),
    ];
    for (policy, laxer, code) in cases {
        let targets = [target("web", olds("web", 3), 3, policy)];
        let plan = planned(&targets);
        let strict = plan.limits.clone();
        let mut wrong = plan;
        wrong.limits.iter_mut().for_each(laxer);
        let violation = explore_with(&wrong, &targets, &[], &strict, Extent::default().with_faults(0))
            .expect_err("a violation");
        assert_eq!(violation.code, code, "{violation}");
    }
}
