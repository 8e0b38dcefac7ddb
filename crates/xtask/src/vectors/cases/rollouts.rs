//! Rollouts, fed with events: how far they are, and what they ask for.

use serde_json::{Value, json};

use super::fleets::{at, fleet, policy, release_of, target, value, web};
use crate::vectors::{
    case::{Case, Row, Section},
    layout::with,
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Rollouts that arrive", cases: arriving() },
        Section { title: "Rollouts that fail, and go back", cases: failing() },
        Section { title: "Rollouts in a world that changes", cases: changing() },
        Section { title: "Rollouts that somebody steers", cases: steered() },
        Section { title: "Rollouts at a gate", cases: gated() },
    ]
}

/// A rollout of one service, and what is to be seen after so many of its events.
fn rollout(name: &str, target: &Value, events: &[Value], seen: &[(usize, &str)]) -> Case {
    several(name, &json!([target]), &json!([]), events, seen)
}

/// The same with `ami-1` to go back to.
fn with_fallback(name: &str, target: &Value, events: &[Value], seen: &[(usize, &str)]) -> Case {
    let replicas = target["release"]["replicas"].as_u64().expect("a number");
    several(name, &json!([target]), &json!([release_of("web", "ami-1", replicas)]), events, seen)
}

fn several(name: &str, targets: &Value, fallback: &Value, events: &[Value], seen: &[(usize, &str)]) -> Case {
    let document = json!({"start": at(0), "targets": targets, "fallback": fallback, "events": events});
    let mut case = value(&format!("rollout-{name}"), &document, &[]);
    for (count, expected) in seen {
        let all = *count == events.len();
        let operation = if all { "rollout".into() } else { format!("rollout --events {count}") };
        case.rows.push(Row::new(&operation, &case.place, expected));
    }
    case
}

fn event(second: u32, kind: &str) -> Value {
    json!({"at": at(second), "type": kind})
}

fn of(second: u32, kind: &str, instance: &str) -> Value {
    let event = with(&event(second, kind), "instance", instance);
    if kind == "failed" { with(&event, "reason", "exit 1") } else { event }
}

fn launched(second: u32, key: &str, instance: &str) -> Value {
    with(&of(second, "launched", instance), "key", key)
}

fn answer(second: u32, kind: &str, key: &str) -> Value {
    let event = with(&event(second, kind), "key", key);
    match kind {
        "launchFailed" | "notPassed" => with(&event, "reason", "no capacity"),
        "approved" => with(&event, "by", "ops"),
        "refused" => with(&with(&event, "by", "ops"), "reason", "not now"),
        _ => event,
    }
}

fn by(second: u32, kind: &str) -> Value {
    with(&event(second, kind), "by", "ops")
}

fn resize(second: u32, replicas: u64) -> Value {
    with(&with(&by(second, "resize"), "service", "web"), "replicas", replicas)
}

fn observed(second: u32, instances: &str) -> Value {
    with(&event(second, "observed"), "fleet", fleet("web", instances))
}

/// Two of the old release in one zone, one more allowed above, and these members of the policy.
fn two(members: &Value) -> Value {
    web("w1@a w2@a", 2, &policy(0, 1, members))
}

/// The first new instance is there, and the first old one gone: what one replacement takes.
fn first_replaced() -> Vec<Value> {
    vec![launched(1, "$launch:0", "n1"), of(2, "ready", "n1"), of(3, "gone", "w1")]
}

fn after_first(events: impl IntoIterator<Item = Value>) -> Vec<Value> {
    first_replaced().into_iter().chain(events).collect()
}

fn arriving() -> Vec<Case> {
    let plain = two(&json!({}));
    vec![
        rollout(
            "happy",
            &plain,
            &after_first([launched(4, "$launch:0", "n2"), of(5, "ready", "n2"), of(6, "gone", "w2")]),
            &[
                (0, "running launch:a"),
                (1, "running"),
                (2, "running retire:w1"),
                (3, "running launch:a"),
                (5, "running retire:w2"),
                (6, "succeeded"),
            ],
        ),
        rollout("nothing-to-do", &web("w1:new", 1, &policy(0, 1, &json!({}))), &[], &[(0, "succeeded")]),
        rollout(
            "retire-first",
            &web("w1@a w2@a", 2, &policy(1, 0, &json!({}))),
            &[of(1, "gone", "w1"), launched(2, "$launch:0", "n1"), of(3, "ready", "n1")],
            &[(0, "running retire:w1"), (1, "running launch:a"), (2, "running"), (3, "running retire:w2")],
        ),
        rollout(
            "every-event-twice",
            &plain,
            &[
                launched(1, "$launch:0", "n1"),
                launched(1, "$same:0", "n1"),
                of(2, "ready", "n1"),
                of(2, "ready", "n1"),
                of(3, "gone", "w1"),
                of(3, "gone", "w1"),
                launched(4, "$launch:0", "n2"),
                launched(4, "$same:6", "n2"),
                of(5, "ready", "n2"),
                of(6, "gone", "w2"),
                of(6, "gone", "w2"),
            ],
            &[
                (2, "running"),
                (4, "running retire:w1"),
                (6, "running launch:a"),
                (8, "running"),
                (11, "succeeded"),
            ],
        ),
        rollout(
            "late-and-foreign-events",
            &plain,
            &[
                launched(1, "another-plan-0-0", "n9"),
                of(1, "ready", "n9"),
                of(1, "gone", "n9"),
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                of(3, "ready", "w1"),
                answer(3, "launchFailed", "$same:3"),
                answer(3, "approved", "$same:3"),
                of(4, "gone", "w1"),
                of(5, "ready", "w1"),
                of(5, "failed", "w1"),
            ],
            &[
                (3, "running launch:a"),
                (6, "running retire:w1"),
                (8, "running retire:w1"),
                (11, "running launch:a"),
            ],
        )
        .because("what changes nothing is ignored"),
        rollout(
            "ready-for-long-enough",
            &two(&json!({"minReadySeconds": 30})),
            &[
                launched(1, "$launch:0", "n1"),
                of(10, "ready", "n1"),
                of(20, "notReady", "n1"),
                of(25, "ready", "n1"),
                event(54, "tick"),
                event(40, "tick"),
                event(55, "tick"),
            ],
            &[(4, "running"), (5, "running"), (6, "running"), (7, "running retire:w1")],
        )
        .because("without a break; time does not go back"),
        rollout(
            "one-that-goes-holds-its-place",
            &web("t1@a:terminating w1@a w2@a", 2, &policy(0, 1, &json!({}))),
            &[of(1, "gone", "t1")],
            &[(0, "running"), (1, "running launch:a")],
        ),
        rollout(
            "into-quarantine",
            &web("w1@a:new,compromised w2@a:new", 2, &policy(0, 1, &json!({"compromised": "quarantine"}))),
            &[launched(1, "$launch:0", "n1"), of(2, "ready", "n1"), of(3, "quarantined", "w1")],
            &[(0, "running launch:a"), (2, "running retire:w1(quarantine)"), (3, "succeeded")],
        ),
        rollout(
            "isolated",
            &web("w1@a:new,compromised w2@a:new", 2, &policy(0, 0, &json!({"compromised": "isolate"}))),
            &[of(1, "quarantined", "w1"), launched(2, "$launch:0", "n1"), of(3, "ready", "n1")],
            &[(0, "running retire:w1(isolate)"), (1, "running launch:a"), (3, "succeeded")],
        ),
    ]
}

fn failing() -> Vec<Case> {
    let plain = two(&json!({}));
    let back = two(&json!({"onFailure": "rollback"}));
    let no_capacity = |second| answer(second, "launchFailed", "$launch:0");
    vec![
        rollout(
            "launch-fails",
            &plain,
            &[
                no_capacity(1),
                by(2, "continue"),
                launched(3, "$same:0", "n0"),
                launched(4, "$launch:0", "n1"),
            ],
            &[(1, "paused"), (2, "running launch:a"), (3, "running launch:a"), (4, "running")],
        )
        .because("what is tried again has a key of its own"),
        rollout(
            "launch-fails-twice",
            &two(&json!({"attempts": 2})),
            &[no_capacity(1), no_capacity(2)],
            &[(1, "running launch:a"), (2, "paused")],
        ),
        rollout(
            "some-may-fail",
            &two(&json!({"breakers": {"maxFailed": 1}})),
            &[no_capacity(1), launched(2, "$launch:0", "n1"), of(3, "ready", "n1"), of(4, "gone", "w2")],
            &[(1, "running launch:a"), (3, "running retire:w2"), (4, "paused")],
        ),
        with_fallback(
            "back",
            &back,
            &after_first([
                no_capacity(4),
                launched(5, "$launch:0", "o1"),
                of(6, "ready", "o1"),
                of(7, "gone", "n1"),
            ]),
            &[
                (4, "rollingBack launch:a"),
                (5, "rollingBack"),
                (6, "rollingBack retire:n1"),
                (7, "rolledBack"),
            ],
        ),
        with_fallback("back-from-nothing", &back, &[no_capacity(1)], &[(1, "rolledBack")]),
        with_fallback(
            "back-fails",
            &back,
            &after_first([no_capacity(4), no_capacity(5), by(6, "continue")]),
            &[(4, "rollingBack launch:a"), (5, "paused"), (6, "rollingBack launch:a")],
        )
        .because("going back is not gone back on"),
        with_fallback(
            "back-once-all-have-answered",
            &web("w1@a w2@a", 2, &policy(0, 2, &json!({"onFailure": "rollback"}))),
            &[no_capacity(1), launched(2, "$launch:0", "n2"), of(3, "gone", "n2")],
            &[
                (0, "running launch:a launch:a"),
                (1, "rollingBack launch:a"),
                (2, "rollingBack retire:n2"),
                (3, "rolledBack"),
            ],
        ),
        with_fallback(
            "back-where-the-old-one-goes-first",
            &web("w1@a w2@a", 2, &policy(1, 0, &json!({"onFailure": "rollback"}))),
            &[of(1, "gone", "w1"), no_capacity(2), launched(3, "$launch:0", "o1"), of(4, "ready", "o1")],
            &[(2, "rollingBack launch:a"), (3, "rollingBack"), (4, "rolledBack")],
        ),
        rollout(
            "the-old-one-is-gone-and-the-launch-fails",
            &web("w1@a w2@a", 2, &policy(1, 0, &json!({}))),
            &[of(1, "gone", "w1"), no_capacity(2), by(3, "continue")],
            &[(2, "paused"), (3, "running launch:a")],
        ),
        rollout(
            "late-and-tried-again",
            &two(&json!({"attempts": 2, "progressDeadlineSeconds": 60})),
            &[launched(1, "$launch:0", "n1"), event(60, "tick"), of(61, "gone", "n1")],
            &[(1, "running"), (2, "running retire:n1"), (3, "running launch:a")],
        )
        .because("the one that failed holds its place until it is gone"),
        rollout(
            "compromised-before-it-is-available",
            &plain,
            &[launched(1, "$launch:0", "n1"), of(2, "compromised", "n1")],
            &[(2, "paused retire:n1")],
        ),
        rollout(
            "nothing-goes-on",
            &web("k1@a:new,notReady w1@a", 2, &policy(1, 0, &json!({}))),
            &[event(599, "tick"), event(600, "tick"), of(601, "ready", "k1"), by(602, "continue")],
            &[(0, "running"), (1, "running"), (2, "paused"), (3, "paused"), (4, "running retire:w1")],
        ),
        rollout("nothing-to-go-back-to", &back, &[no_capacity(1)], &[(1, "paused")]),
        rollout(
            "not-available-in-time",
            &two(&json!({"progressDeadlineSeconds": 60})),
            &[launched(5, "$launch:0", "n1"), event(59, "tick"), event(60, "tick"), of(61, "gone", "n1")],
            &[(2, "running"), (3, "paused retire:n1"), (4, "paused")],
        ),
        rollout(
            "no-answer-in-time",
            &two(&json!({"progressDeadlineSeconds": 60})),
            &[event(59, "tick"), event(60, "tick"), launched(61, "$launch:0", "n1")],
            &[(1, "running launch:a"), (2, "paused launch:a"), (3, "paused")],
        )
        .because("it cannot be told from one that is lost"),
        rollout(
            "available-before-the-deadline-that-was-told-late",
            &two(&json!({"progressDeadlineSeconds": 60, "minReadySeconds": 30})),
            &[launched(5, "$launch:0", "n1"), of(29, "ready", "n1"), event(100, "tick")],
            &[(2, "running"), (3, "running retire:w1")],
        ),
        rollout(
            "not-gone-in-time",
            &two(&json!({"progressDeadlineSeconds": 60, "drainSeconds": 30})),
            &[launched(1, "$launch:0", "n1"), of(10, "ready", "n1"), event(99, "tick"), event(100, "tick")],
            &[(3, "running retire:w1"), (4, "paused retire:w1")],
        ),
        rollout(
            "fails-before-it-is-available",
            &plain,
            &[launched(1, "$launch:0", "n1"), of(2, "failed", "n1")],
            &[(2, "paused retire:n1")],
        ),
        rollout(
            "gone-before-it-is-available",
            &plain,
            &[launched(1, "$launch:0", "n1"), of(2, "gone", "n1")],
            &[(2, "paused")],
        ),
        rollout(
            "fails-after-it-was-available",
            &plain,
            &after_first([of(4, "failed", "n1")]),
            &[(3, "running launch:a"), (4, "paused launch:a")],
        ),
    ]
}

fn changing() -> Vec<Case> {
    let plain = two(&json!({}));
    let kept = web("k1@a:new w1@a", 2, &policy(0, 1, &json!({})));
    vec![
        rollout(
            "a-launch-that-names-one-that-is-there",
            &plain,
            &[launched(1, "$launch:0", "w1"), launched(2, "$launch:0", "n1")],
            &[(1, "running launch:a"), (2, "running")],
        )
        .because("an id is never used again"),
        rollout(
            "flapping",
            &plain,
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                of(3, "notReady", "n1"),
                of(4, "gone", "w1"),
                launched(5, "$launch:0", "n2"),
                of(6, "ready", "n2"),
                of(7, "ready", "n1"),
            ],
            &[
                (2, "running retire:w1"),
                (3, "running retire:w1"),
                (4, "running launch:a"),
                (6, "running"),
                (7, "running retire:w2"),
            ],
        )
        .because("none that does its work is retired below the floor, whoever took capacity there"),
        rollout(
            "an-old-one-goes-by-itself",
            &plain,
            &[
                of(1, "gone", "w2"),
                launched(2, "$launch:0", "n1"),
                of(3, "ready", "n1"),
                launched(4, "$launch:0", "n2"),
                of(5, "ready", "n2"),
                of(6, "gone", "w1"),
            ],
            &[
                (1, "running launch:a launch:a"),
                (3, "running launch:a"),
                (5, "running retire:w1"),
                (6, "succeeded"),
            ],
        ),
        rollout(
            "one-that-stays-goes-by-itself",
            &kept,
            &[
                of(1, "gone", "k1"),
                launched(2, "$launch:0", "n1"),
                launched(3, "$launch:0", "n2"),
                of(4, "ready", "n2"),
                of(5, "ready", "n1"),
                of(6, "gone", "w1"),
            ],
            &[
                (1, "running launch:a launch:a"),
                (3, "running"),
                (4, "running"),
                (5, "running retire:w1"),
                (6, "succeeded"),
            ],
        )
        .because("another one comes for it"),
        rollout(
            "one-that-stays-is-compromised",
            &web("k1@a:new w1@a", 2, &policy(0, 2, &json!({}))),
            &[of(1, "compromised", "k1"), launched(2, "$launch:1", "n2"), of(3, "ready", "n2")],
            &[(0, "running launch:a"), (1, "running launch:a launch:a"), (3, "running retire:k1 launch:a")],
        ),
        rollout(
            "more-compromised-than-the-breaker-allows",
            &web("k1@a:new w1@a", 2, &policy(0, 1, &json!({"breakers": {"maxCompromised": 0}}))),
            &[of(1, "compromised", "k1")],
            &[(1, "paused launch:a")],
        ),
        rollout(
            "observed-without-one",
            &plain,
            &[launched(1, "$launch:0", "n1"), of(2, "ready", "n1"), observed(3, "w2@a n1@a:new")],
            &[(2, "running retire:w1"), (3, "running launch:a")],
        ),
        rollout(
            "observed-with-a-launch-whose-answer-was-lost",
            &plain,
            &[observed(1, "w1@a w2@a n1@a:new,castline.key=$launch:0")],
            &[(0, "running launch:a"), (1, "running retire:w1")],
        )
        .because("an instance says by its label which launch it comes from"),
        rollout(
            "observed-as-going",
            &kept,
            &[observed(1, "k1@a:new,terminating w1@a"), of(2, "gone", "k1")],
            &[(1, "running launch:a"), (2, "running launch:a launch:a")],
        )
        .because("it holds its place until it is gone"),
        rollout(
            "observed-of-another-service",
            &plain,
            &[with(&event(1, "observed"), "fleet", fleet("api", ""))],
            &[(1, "running launch:a")],
        ),
    ]
}

fn steered() -> Vec<Case> {
    let plain = two(&json!({}));
    vec![
        rollout(
            "paused-and-continued",
            &plain,
            &[
                by(1, "pause"),
                launched(2, "$launch:0", "n1"),
                of(3, "ready", "n1"),
                of(4, "gone", "w1"),
                by(5, "continue"),
            ],
            &[
                (1, "paused launch:a"),
                (2, "paused"),
                (3, "paused retire:w1"),
                (4, "paused"),
                (5, "running launch:a"),
            ],
        )
        .because("what was begun is finished"),
        rollout(
            "aborted",
            &plain,
            &[by(1, "abort"), launched(2, "another", "n1"), by(3, "continue")],
            &[(1, "aborted"), (3, "aborted")],
        ),
        with_fallback(
            "sent-back",
            &plain,
            &after_first([by(4, "rollBack"), launched(5, "$launch:0", "n2"), of(6, "gone", "n2")]),
            &[
                (3, "running launch:a"),
                (4, "rollingBack launch:a"),
                (5, "rollingBack retire:n2"),
                (6, "rollingBack launch:a"),
            ],
        )
        .because("first everybody has to answer for what was asked for"),
        rollout("sent-back-without-a-release", &plain, &[by(1, "rollBack")], &[(1, "running launch:a")]),
        rollout(
            "made-larger",
            &plain,
            &[
                resize(1, 3),
                launched(2, "$launch:0", "n1"),
                of(3, "ready", "n1"),
                launched(4, "$launch:0", "n2"),
                of(5, "ready", "n2"),
            ],
            &[
                (1, "running launch:a"),
                (2, "running launch:a"),
                (3, "running launch:a"),
                (5, "running retire:w1"),
            ],
        ),
        rollout(
            "made-smaller",
            &plain,
            &[
                resize(1, 1),
                launched(2, "$launch:0", "n1"),
                of(3, "ready", "n1"),
                of(4, "gone", "w1"),
                of(5, "gone", "w2"),
            ],
            &[
                (1, "running launch:a"),
                (2, "running retire:w1"),
                (3, "running retire:w1 retire:w2"),
                (5, "succeeded"),
            ],
        ),
        rollout("resized-to-what-it-is", &plain, &[resize(1, 2)], &[(1, "running launch:a")]),
        rollout(
            "in-a-window",
            &two(&json!({"windows": [{"schedule": "10 0 * * *", "durationSeconds": 60}]})),
            &[
                event(599, "tick"),
                event(600, "tick"),
                launched(650, "$launch:0", "n1"),
                of(700, "ready", "n1"),
                of(710, "gone", "w1"),
            ],
            &[
                (0, "running"),
                (1, "running"),
                (2, "running launch:a"),
                (4, "running retire:w1"),
                (5, "running"),
            ],
        )
        .because("what was begun is finished"),
    ]
}

fn gated() -> Vec<Case> {
    let canary = |gate: &Value, weight: &Value| {
        let mut step = json!({"amount": 1, "gate": gate});
        if !weight.is_null() {
            step["weight"] = weight.clone();
        }
        two(&json!({"strategy": {"canary": [step]}}))
    };
    let asks = canary(&json!({"approval": "ops"}), &Value::Null);
    let analyses = json!({"analysis": "errors"});
    vec![
        rollout(
            "approved",
            &asks,
            &after_first([answer(4, "approved", "$ask:0")]),
            &[(2, "running retire:w1"), (3, "running ask"), (4, "running launch:a")],
        ),
        rollout(
            "refused",
            &asks,
            &after_first([
                answer(4, "refused", "$ask:0"),
                by(5, "continue"),
                answer(6, "approved", "$same:3"),
                answer(7, "approved", "$ask:0"),
            ]),
            &[(4, "paused ask"), (5, "running ask"), (6, "running ask"), (7, "running launch:a")],
        )
        .because("what was refused once is asked anew, and an answer to the old question is none"),
        rollout(
            "approval-takes-its-time",
            &asks,
            &after_first([event(80_000, "tick"), answer(80_001, "approved", "$ask:0")]),
            &[(4, "running ask"), (5, "running launch:a")],
        )
        .because("the time that it takes counts against no deadline"),
        rollout(
            "analysis-passed",
            &canary(&analyses, &Value::Null),
            &after_first([answer(4, "passed", "$analyse:0")]),
            &[(3, "running analyse:errors"), (4, "running launch:a")],
        ),
        with_fallback(
            "analysis-not-passed",
            &{
                let mut target = canary(&analyses, &Value::Null);
                target["policy"]["onFailure"] = "rollback".into();
                target
            },
            &after_first([answer(4, "notPassed", "$analyse:0")]),
            &[(3, "running analyse:errors"), (4, "rollingBack launch:a")],
        ),
        rollout(
            "baked",
            &canary(&json!({"bakeSeconds": 60}), &Value::Null),
            &after_first([event(62, "tick"), event(63, "tick")]),
            &[(3, "running"), (4, "running"), (5, "running launch:a")],
        ),
        rollout(
            "shifted",
            &canary(&json!({}), &json!(10)),
            &after_first([
                answer(4, "shifted", "$shift:0"),
                launched(5, "$launch:0", "n2"),
                of(6, "ready", "n2"),
                of(7, "gone", "w2"),
                answer(8, "shifted", "$shift:0"),
            ]),
            &[(3, "running shift:10"), (4, "running launch:a"), (7, "running shift:100"), (8, "succeeded")],
        ),
        rollout(
            "asked-before-anything",
            &two(&json!({"before": {"approval": "ops"}})),
            &[answer(1, "approved", "$ask:0")],
            &[(0, "running ask"), (1, "running launch:a")],
        ),
        rollout(
            "blue-green",
            &web("w1@a", 1, &json!({"strategy": {"blueGreen": {"beforeRetire": {"bakeSeconds": 10}}}})),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                answer(3, "shifted", "$shift:0"),
                event(13, "tick"),
                of(14, "gone", "w1"),
            ],
            &[
                (0, "running launch:a"),
                (2, "running shift:100"),
                (3, "running"),
                (4, "running retire:w1"),
                (5, "succeeded"),
            ],
        ),
        several(
            "one-service-after-the-other",
            &json!([
                web("w1@a", 1, &policy(0, 1, &json!({"after": ["db"]}))),
                target(&fleet("db", "d1@b"), &super::fleets::release("db", 1), &policy(0, 1, &json!({})))
            ]),
            &json!([]),
            &[launched(1, "$launch:0", "d2"), of(2, "ready", "d2"), of(3, "gone", "d1")],
            &[(0, "running launch:b"), (2, "running retire:d1"), (3, "running launch:a")],
        ),
    ]
}
