use super::*;
use crate::{
    Integrity,
    plan::{
        Disposal,
        check::{ViolationCode as Code, check},
    },
    policy::{Amount, BlueGreen, Breakers, Budget, Compromised, Gate, Preference, Scope, Step, Strategy},
};

type Fault = fn(&mut Plan, &mut Vec<Target>);

/// The fault, what it is made in, and the code that it gives.
type Row = (&'static str, fn() -> Vec<Target>, Fault, Code);

fn web() -> Vec<Target> {
    vec![target("web", olds("web", 4), 4, one_above())]
}

fn zoned() -> Vec<Target> {
    let zone = |number: usize| if number < 2 { "a" } else { "b" };
    let instances = olds("web", 4).into_iter().enumerate().map(|(number, one)| one.with_zone(zone(number)));
    let policy = one_above().with_budget(Budget::zone(Amount::ZERO, Amount::Count(1)));
    vec![target("web", instances.collect(), 4, policy.with_preference(Preference::ZoneByZone))]
}

fn racks() -> Vec<Target> {
    let instances = olds("web", 4).into_iter().map(|one| one.with_label("rack", "r"));
    let policy =
        one_above().with_budget(Budget::of(Scope::Label("rack".into()), Amount::ZERO, Amount::Count(1)));
    vec![target("web", instances.collect(), 4, policy)]
}

fn slots() -> Vec<Target> {
    let instances = (0..4).map(|number| old(&format!("web-{number}")).with_slot(format!("{number}")));
    vec![target("web", instances.collect(), 4, one_below())]
}

fn canary() -> Vec<Target> {
    let step = |amount| Step { amount: Amount::Count(amount), weight: None, gate: Gate::bake(60) };
    vec![target(
        "web",
        olds("web", 4),
        4,
        one_above().with_strategy(Strategy::Canary(vec![step(1), step(2)])),
    )]
}

fn blue_green() -> Vec<Target> {
    let gates = BlueGreen { before_switch: Gate::analysis("smoke"), before_retire: Gate::bake(60) };
    vec![target("web", olds("web", 2), 2, Policy::default().with_strategy(Strategy::BlueGreen(gates)))]
}

fn recreate() -> Vec<Target> {
    vec![target("web", olds("web", 2), 2, Policy::default().with_strategy(Strategy::Recreate))]
}

fn compromised() -> Vec<Target> {
    let instances = olds("web", 4).into_iter().map(|one| one.with_integrity(Integrity::Compromised));
    let breakers = Breakers { max_compromised: Some(Amount::Count(1)), ..Breakers::default() };
    let policy = one_above().with_compromised(Compromised::Quarantine).with_breakers(breakers);
    vec![target("web", instances.collect(), 4, policy.with_before(Gate::bake(5)))]
}

fn two() -> Vec<Target> {
    let together =
        Budget::of(Scope::Services(vec!["api".into(), "web".into()]), Amount::Count(1), Amount::Count(1));
    vec![
        target("api", olds("api", 2), 2, one_above().with_budget(together)),
        target("web", olds("web", 2), 2, one_above().with_after("api")),
    ]
}

fn kept() -> Vec<Target> {
    vec![target("web", vec![new("web-0"), old("web-1"), old("web-2")], 3, one_above())]
}

fn fewer() -> Vec<Target> {
    vec![target("web", vec![new("web-0"), new("web-1"), new("web-2")], 2, one_above())]
}

/// The stage with work, and its first replacement.
fn first(plan: &mut Plan) -> &mut Replacement {
    let stage =
        plan.stages.iter_mut().find(|stage| !stage.replacements.is_empty()).expect("a stage with work");
    &mut stage.replacements[0]
}

fn launch(plan: &mut Plan) -> &mut Launch {
    first(plan).launch.as_mut().expect("a launch")
}

fn retire(plan: &mut Plan) -> &mut Retire {
    first(plan).retire.as_mut().expect("a retirement")
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    vec![
        (
            "another fleet",
            web,
            |_, targets| targets[0].fleet = Fleet::new("web", olds("web", 3)).expect("a fleet"),
            Code::DocumentsDiffer,
        ),
        (
            "another release",
            web,
            |_, targets| targets[0].release = release("web", "ami-3", 4),
            Code::DocumentsDiffer,
        ),
        (
            "another number of copies",
            web,
            |_, targets| targets[0].release = release("web", "ami-2", 5),
            Code::DocumentsDiffer,
        ),
        ("another policy", web, |_, targets| targets[0].policy = one_below(), Code::DocumentsDiffer),
        (
            "another revision",
            web,
            |plan, _| plan.services[0].revision = release("web", "ami-3", 4).revision(),
            Code::DocumentsDiffer,
        ),
        ("a target without a plan", two, |plan, _| drop(plan.services.remove(0)), Code::Malformed),
        (
            "a target too many",
            web,
            |_, targets| targets.push(target("db", vec![], 1, one_above())),
            Code::DocumentsDiffer,
        ),
        ("a target too few", two, |_, targets| drop(targets.remove(0)), Code::DocumentsDiffer),
        ("another version", web, |plan, _| plan.version = 2, Code::Malformed),
        ("a stage that waits for itself", web, |plan, _| plan.stages[0].after = vec![0], Code::Malformed),
        ("a floor that is one lower", web, |plan, _| plan.limits[0].floor = Some(3), Code::LimitTooLax),
        ("a ceiling that is one higher", web, |plan, _| plan.limits[0].ceiling = Some(6), Code::LimitTooLax),
        ("no floor", web, |plan, _| plan.limits[0].floor = None, Code::LimitMissing),
        ("no limit", web, |plan, _| plan.limits.clear(), Code::LimitMissing),
        ("a zone without a limit", zoned, |plan, _| drop(plan.limits.pop()), Code::LimitMissing),
        (
            "a limit for some reasons only",
            web,
            |plan, _| plan.limits[0].reasons = vec![Reason::Image],
            Code::LimitMissing,
        ),
        (
            "a shared limit of one service",
            two,
            |plan, _| {
                let shared = plan
                    .limits
                    .iter_mut()
                    .find(|limit| limit.of.services.len() == 2)
                    .expect("a shared limit");
                shared.of.services.truncate(1);
                shared.desired = 2;
            },
            Code::LimitMissing,
        ),
        ("a limit that counts wrongly", web, |plan, _| plan.limits[0].desired = 5, Code::LimitMiscounted),
        (
            "an instance that is not there",
            web,
            |plan, _| retire(plan).id = "web-9".into(),
            Code::RetiresUnknown,
        ),
        (
            "an instance retired twice",
            web,
            |plan, _| {
                let again = plan.stages[0].replacements[1].retire.clone();
                first(plan).retire = again;
            },
            Code::RetiredTwice,
        ),
        ("one retired that is kept", kept, |plan, _| retire(plan).id = "web-0".into(), Code::RetiresKept),
        (
            "one too many retired",
            fewer,
            |plan, _| {
                let mut again = first(plan).clone();
                let retire = again.retire.as_mut().expect("a retirement");
                retire.id = if &*retire.id == "web-0" { "web-1".into() } else { "web-0".into() };
                plan.stages[0].replacements.push(again);
            },
            Code::CountDiffers,
        ),
        ("one left behind", web, |plan, _| drop(plan.stages[0].replacements.pop()), Code::LeftBehind),
        ("a launch that is missing", web, |plan, _| first(plan).launch = None, Code::CountDiffers),
        (
            "a number of kept ones that is wrong",
            kept,
            |plan, _| plan.services[0].kept = 2,
            Code::CountDiffers,
        ),
        ("a reason that is not so", web, |plan, _| first(plan).reason = Reason::Failed, Code::ReasonUntrue),
        ("another zone", zoned, |plan, _| retire(plan).zone = "b".into(), Code::ZoneDiffers),
        (
            "the name of another one",
            web,
            |plan, _| retire(plan).name = Some("other".into()),
            Code::NameDiffers,
        ),
        ("a launch in a strange zone", zoned, |plan, _| launch(plan).zone = "c".into(), Code::ZoneNotAllowed),
        (
            "a compromised one that is ended",
            compromised,
            |plan, _| retire(plan).disposal = Disposal::End,
            Code::DisposalDiffers,
        ),
        ("a slot that is lost", slots, |plan, _| launch(plan).slot = None, Code::SlotLost),
        (
            "a launch in a slot that is held",
            slots,
            |plan, _| first(plan).order = Order::LaunchFirst,
            Code::SlotTaken,
        ),
        (
            "a label that is lost",
            racks,
            |plan, _| launch(plan).labels = std::sync::Arc::default(),
            Code::LabelsDiffer,
        ),
        ("a service that does not wait", two, |plan, _| plan.stages[1].after.clear(), Code::ServiceTooEarly),
        ("zones at once", zoned, |plan, _| plan.stages[1].after.clear(), Code::BarrierCrossed),
        (
            "zones in one stage",
            zoned,
            |plan, _| {
                let second = plan.stages.remove(1);
                plan.stages[0].replacements.extend(second.replacements);
            },
            Code::BarrierCrossed,
        ),
        (
            "zones in the wrong order",
            zoned,
            |plan, _| {
                let (first, second) = plan.stages.split_at_mut(1);
                std::mem::swap(&mut first[0].replacements, &mut second[0].replacements);
            },
            Code::BarrierCrossed,
        ),
        (
            "a step without its gate",
            canary,
            |plan, _| plan.stages[0].gate = Gate::default(),
            Code::StepTooLarge,
        ),
        (
            "a gate that bakes too short",
            canary,
            |plan, _| plan.stages[1].gate = Gate::bake(59),
            Code::GateMissing,
        ),
        (
            "a step with two",
            canary,
            |plan, _| {
                let moved = plan.stages[1].replacements.remove(0);
                plan.stages[0].replacements.push(moved);
            },
            Code::StepTooLarge,
        ),
        (
            "a step with none",
            canary,
            |plan, _| {
                let moved = plan.stages[0].replacements.remove(0);
                plan.stages[1].replacements.push(moved);
            },
            Code::StepTooSmall,
        ),
        ("a step that nothing waits for", canary, |plan, _| plan.stages[1].after.clear(), Code::StepTooLarge),
        ("no switch", blue_green, |plan, _| plan.stages[1].weight = None, Code::RetiresBeforeSwitch),
        (
            "blue before the switch",
            blue_green,
            |plan, _| plan.stages[2].after = vec![0],
            Code::RetiresBeforeSwitch,
        ),
        (
            "no gate before the switch",
            blue_green,
            |plan, _| plan.stages[0].gate = Gate::default(),
            Code::GateMissing,
        ),
        (
            "no gate before blue goes",
            blue_green,
            |plan, _| plan.stages[1].gate = Gate::default(),
            Code::GateMissing,
        ),
        ("new beside old", recreate, |plan, _| plan.stages[1].after.clear(), Code::LaunchesBeforeRetired),
        (
            "nobody is asked",
            compromised,
            |plan, _| plan.stages[0].gate.approval = None,
            Code::ApprovalMissing,
        ),
        (
            "no gate before all",
            compromised,
            |plan, _| plan.stages[0].gate.bake_seconds = 0,
            Code::GateMissing,
        ),
        (
            "work beside the gate before all",
            compromised,
            |plan, _| plan.stages[1].after.clear(),
            Code::GateMissing,
        ),
        (
            "retired first where nothing may be unavailable",
            web,
            |plan, _| first(plan).order = Order::RetireFirst,
            Code::Stuck,
        ),
        (
            "launched first where nothing may be above",
            slotless,
            |plan, _| first(plan).order = Order::LaunchFirst,
            Code::Stuck,
        ),
        ("nothing may be under way", web, |plan, _| plan.limits[0].in_flight = Some(0), Code::Stuck),
        (
            "a floor that is never reached",
            web,
            |plan, _| plan.limits[0].floor = Some(5),
            Code::EndsOutsideLimit,
        ),
        (
            "a ceiling below what is desired",
            grown,
            |plan, _| plan.limits[0].ceiling = Some(3),
            Code::EndsOutsideLimit,
        ),
        (
            "two in a wave for one",
            web,
            |plan, _| plan.stages[0].replacements[1].wave = 1,
            Code::WaveBreaksLimit,
        ),
        ("a wave before the first", web, |plan, _| first(plan).wave = 0, Code::WaveOutOfOrder),
        (
            "a wave before the stage",
            zoned,
            |plan, _| plan.stages[1].replacements[0].wave = 1,
            Code::WaveOutOfOrder,
        ),
        (
            "a service that is not planned",
            web,
            |plan, targets| {
                targets[0].policy = one_above().with_after("db");
                plan.services[0].policy = targets[0].policy.digest();
            },
            Code::ServiceUnknown,
        ),
        (
            "more stages than can be proved",
            web,
            |plan, _| {
                let mut empty = plan.stages[0].clone();
                empty.replacements.clear();
                plan.stages = vec![empty; 20_000];
            },
            Code::TooManyStages,
        ),
    ]
}

fn slotless() -> Vec<Target> {
    vec![target("web", olds("web", 4), 4, one_below())]
}

fn grown() -> Vec<Target> {
    vec![target("web", olds("web", 2), 4, one_above())]
}

/// Those that a plan cannot have, but its execution.
const OF_EXPLORATIONS: &[Code] = &[
    Code::FloorBroken,
    Code::CeilingBroken,
    Code::InFlightBroken,
    Code::WrongRevision,
    Code::LaunchedTwice,
    Code::Endless,
    Code::NotResumable,
];

#[test]
fn each_fault_gives_its_code() {
    let mut seen = std::collections::HashSet::new();
    for (name, make, fault, code) in rows() {
        let mut targets = make();
        let mut plan = planned(&targets);
        let proof = check(&plan, &targets);
        assert!(proof.is_ok(), "before {name}: {}", proof.expect_err("a violation"));
        fault(&mut plan, &mut targets);
        match check(&plan, &targets) {
            Ok(_) => panic!("{name} was not noticed in {}", plan.to_json()),
            Err(violation) => assert_eq!(violation.code, code, "{name}: {violation}"),
        }
        seen.insert(code);
    }
    let unseen: Vec<_> =
        Code::ALL.iter().filter(|code| !seen.contains(code) && !OF_EXPLORATIONS.contains(code)).collect();
    assert_eq!(unseen, Vec::<&Code>::new());
}

#[test]
fn what_is_stuck_is_told_step_by_step() {
    let targets = web();
    let mut plan = planned(&targets);
    first(&mut plan).order = Order::RetireFirst;
    let violation = check(&plan, &targets).expect_err("it is stuck");
    assert_eq!((violation.stage, violation.replacement), (Some(0), Some(0)));
    assert_eq!(
        violation.to_string(),
        "`web` can get stuck: retiring `web-0`, then launching one would leave 3 available, below the floor 4 of fleet web \
         [stuck]\n  1. all is done in `web` that can be, and all beside it that makes it worse\n  2. retiring `web-0`, then \
         launching one would leave 3 available, below the floor 4 of fleet web"
    );
}
