use super::*;
use crate::{
    Health, Integrity, Phase,
    plan::check::{Assumption, Held, check},
    policy::{
        Amount, BlueGreen, Breakers, Budget, Compromised, Gate, Preference, Scope, Select, Step, Strategy,
    },
};

#[test]
fn a_plan_by_hand_is_proved_with_its_bounds() {
    let (plan, targets) = by_hand();
    let proof = check(&plan, &targets).expect("a proof");
    let held = Held { limit: "fleet web".into(), least_available: 2, most_present: 3 };
    assert_eq!((proof.replacements, proof.waves, proof.limits), (2, 2, vec![held]));
    assert_eq!(proof.assumptions, [Assumption::LaunchedBecomeReady]);
}

#[test]
fn a_fleet_that_has_arrived_needs_nothing() {
    let targets = [target("web", vec![new("a"), new("b")], 2, Policy::default())];
    let proof = check(&planned(&targets), &targets).expect("a proof");
    assert_eq!((proof.replacements, proof.waves), (0, 0));
    assert_eq!(proof.assumptions, []);
}

/// Fleets and policies of every kind: the planner's plan is proved.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<(&'static str, Vec<Target>)> {
    let one = |name, instances, replicas, policy| (name, vec![target("web", instances, replicas, policy)]);
    let zoned = |count: usize, zones: usize| -> Vec<Instance> {
        let zone = |number: usize| format!("z{}", number % zones);
        olds("web", count).into_iter().enumerate().map(|(number, one)| one.with_zone(zone(number))).collect()
    };
    let racked = |count: usize| -> Vec<Instance> {
        let rack = |number: usize| format!("r{}", number % 3);
        olds("web", count)
            .into_iter()
            .enumerate()
            .map(|(number, one)| one.with_label("rack", rack(number)))
            .collect()
    };
    let slotted = |count: usize| -> Vec<Instance> {
        (0..count).map(|number| old(&format!("i-{number}")).with_slot(format!("web-{number}"))).collect()
    };
    let step = |amount: u64, gate| Step { amount: Amount::Count(amount), weight: Some(10), gate };
    let canary = Strategy::Canary(vec![
        step(1, Gate::bake(60)),
        step(4, Gate::approval("web")),
        step(8, Gate::default()),
    ]);
    let green = BlueGreen { before_switch: Gate::analysis("smoke"), before_retire: Gate::bake(600) };
    let breakers = Breakers { max_compromised: Some(Amount::Count(1)), ..Breakers::default() };
    let broken = |number| match number {
        0 | 1 => old(&format!("web-{number}")).with_integrity(Integrity::Compromised),
        2 => new("web-2").with_health(Health::Failed),
        3 => old("web-3").with_health(Health::NotReady),
        4 => new("web-4").with_phase(Phase::Pending).with_health(Health::NotReady),
        5 => old("web-5").with_phase(Phase::Terminating),
        6 => old("web-6").with_phase(Phase::Quarantined),
        _ => old(&format!("web-{number}")),
    };
    let mixed = || (0..10).map(broken).collect::<Vec<_>>();
    let both =
        Budget::of(Scope::Services(vec!["api".into(), "web".into()]), Amount::Count(1), Amount::Count(1));
    let pair = |policy: Policy| {
        vec![
            target("api", olds("api", 3), 4, policy.clone().with_budget(both.clone())),
            target("web", olds("web", 4), 3, policy),
        ]
    };
    vec![
        one("nothing is stated", olds("web", 5), 5, Policy::default()),
        one("one above", olds("web", 5), 5, one_above()),
        one("one below", olds("web", 5), 5, one_below()),
        one("more are desired", olds("web", 3), 7, one_above()),
        one("fewer are desired", olds("web", 7), 3, one_below()),
        one("some are done", [olds("web", 3), vec![new("n-1"), new("n-2")]].concat(), 5, one_above()),
        one("an empty fleet", vec![], 3, Policy::default().with_zones(["a", "b"])),
        one("nothing is desired", olds("web", 3), 0, Policy::default().with_strategy(Strategy::Recreate)),
        one("zones", zoned(9, 3), 9, one_above().with_budget(Budget::zone(Amount::ZERO, Amount::Count(1)))),
        one(
            "a zone less",
            zoned(9, 3),
            9,
            Policy::default()
                .with_budget(Budget::fleet(Amount::ZERO, Amount::Count(3)))
                .with_zones(["z0", "z1"]),
        ),
        one("zone by zone", zoned(6, 3), 6, one_above().with_preference(Preference::ZoneByZone)),
        one(
            "rack by rack",
            racked(6),
            6,
            one_below()
                .with_budget(Budget::of(Scope::Label("rack".into()), Amount::Count(1), Amount::ZERO))
                .with_preference(Preference::OneByOne("rack".into())),
        ),
        one("slots", slotted(4), 6, one_below().with_preference(Preference::HighestSlot)),
        one("canary", olds("web", 8), 8, one_above().with_strategy(canary.clone())),
        one(
            "canary by zones",
            zoned(8, 2),
            8,
            one_above().with_strategy(canary).with_preference(Preference::ZoneByZone),
        ),
        one("blue and green", olds("web", 4), 4, Policy::default().with_strategy(Strategy::BlueGreen(green))),
        one("recreate", zoned(4, 2), 4, Policy::default().with_strategy(Strategy::Recreate)),
        one(
            "all kinds of harm",
            mixed(),
            8,
            one_above().with_breakers(breakers).with_before(Gate::approval("ops")),
        ),
        one("quarantine", mixed(), 8, one_below().with_compromised(Compromised::Quarantine)),
        one("isolate", mixed(), 8, one_below().with_compromised(Compromised::Isolate)),
        one("broken only", mixed(), 8, one_below().with_select(Select::Broken)),
        one(
            "named only",
            mixed(),
            8,
            Policy::default()
                .with_budget(Budget::fleet(Amount::Count(2), Amount::ZERO))
                .with_select(Select::Named(vec!["web-7".into()])),
        ),
        one(
            "all but one",
            mixed(),
            8,
            Policy::default()
                .with_budget(Budget::fleet(Amount::Count(2), Amount::ZERO))
                .with_select(Select::Except(vec!["web-7".into()])),
        ),
        one(
            "few at once",
            olds("web", 5),
            5,
            Policy::default()
                .with_budget(Budget::fleet(Amount::Count(3), Amount::Count(3)))
                .with_budget(Budget::in_flight(Scope::Fleet, Amount::Count(2))),
        ),
        ("two services", pair(one_above())),
        ("one after the other", {
            let mut pair = pair(one_below());
            pair[1].policy = pair[1].policy.clone().with_after("api");
            pair
        }),
    ]
}

#[test]
fn what_the_planner_makes_is_proved() {
    for (name, targets) in cases() {
        let plan = planned(&targets);
        match check(&plan, &targets) {
            Ok(proof) => {
                for (held, limit) in proof.limits.iter().zip(&plan.limits) {
                    assert!(
                        limit.ceiling.is_none_or(|ceiling| held.most_present <= ceiling.max(10)),
                        "{name}: {held:?}"
                    );
                }
            }
            Err(violation) => panic!("{name}: {violation}\n{}", plan.to_json()),
        }
    }
}
