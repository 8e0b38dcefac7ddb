//! Journals of events in few words, and what is to be seen of a rollout that is fed with them.

use serde_json::{Value, json};

use super::fleets::{at, fleet, policy, release_of, value, web};
use crate::vectors::{
    case::{Case, Row},
    layout::with,
};

/// A rollout of one service, and what is to be seen after so many of its events.
pub(super) fn rollout(name: &str, target: &Value, events: &[Value], seen: &[(usize, &str)]) -> Case {
    several(name, &json!([target]), &json!([]), events, seen)
}

/// The same with `ami-1` to go back to.
pub(super) fn with_fallback(name: &str, target: &Value, events: &[Value], seen: &[(usize, &str)]) -> Case {
    let replicas = target["release"]["replicas"].as_u64().expect("a number");
    several(name, &json!([target]), &json!([release_of("web", "ami-1", replicas)]), events, seen)
}

pub(super) fn several(
    name: &str,
    targets: &Value,
    fallback: &Value,
    events: &[Value],
    seen: &[(usize, &str)],
) -> Case {
    let document = json!({"start": at(0), "targets": targets, "fallback": fallback, "events": events});
    let mut case = value(&format!("rollout-{name}"), &document, &[]);
    for (count, expected) in seen {
        let all = *count == events.len();
        let operation = if all { "rollout".into() } else { format!("rollout --events {count}") };
        case.rows.push(Row::new(&operation, &case.place, expected));
    }
    case
}

pub(super) fn event(second: u32, kind: &str) -> Value {
    json!({"at": at(second), "type": kind})
}

pub(super) fn of(second: u32, kind: &str, instance: &str) -> Value {
    let event = with(&event(second, kind), "instance", instance);
    if kind == "failed" { with(&event, "reason", "exit 1") } else { event }
}

pub(super) fn launched(second: u32, key: &str, instance: &str) -> Value {
    with(&of(second, "launched", instance), "key", key)
}

pub(super) fn answer(second: u32, kind: &str, key: &str) -> Value {
    let event = with(&event(second, kind), "key", key);
    match kind {
        "launchFailed" | "notPassed" => with(&event, "reason", "no capacity"),
        "approved" => with(&event, "by", "ops"),
        "refused" => with(&with(&event, "by", "ops"), "reason", "not now"),
        _ => event,
    }
}

pub(super) fn by(second: u32, kind: &str) -> Value {
    with(&event(second, kind), "by", "ops")
}

pub(super) fn resize(second: u32, replicas: u64) -> Value {
    with(&with(&by(second, "resize"), "service", "web"), "replicas", replicas)
}

pub(super) fn observed(second: u32, instances: &str) -> Value {
    with(&event(second, "observed"), "fleet", fleet("web", instances))
}

/// Two of the old release in one zone, one more allowed above, and these members of the policy.
pub(super) fn two(members: &Value) -> Value {
    web("w1@a w2@a", 2, &policy(0, 1, members))
}

/// The first new instance is there, and the first old one gone: what one replacement takes.
pub(super) fn first_replaced() -> Vec<Value> {
    vec![launched(1, "$launch:0", "n1"), of(2, "ready", "n1"), of(3, "gone", "w1")]
}

pub(super) fn after_first(events: impl IntoIterator<Item = Value>) -> Vec<Value> {
    first_replaced().into_iter().chain(events).collect()
}
