//! Fleets and releases in few words, for the cases of plans and rollouts.

use serde_json::{Map, Value, json};

use crate::vectors::{
    bytes::json,
    case::{Case, Node, Row, Tree},
    layout::with,
};

/// A fleet, from what is there of each instance: `ID@ZONE:FLAG,FLAG…`, with a space between.
///
/// A flag is `new` (runs the release), `config` (its image, but otherwise), a phase, a health or an integrity, `KEY=VALUE` for
/// a label; `slot=`, `cost=` and `at=`, the second of its launch, are no labels. Without `new` or `config` it runs `ami-1`.
pub(super) fn fleet(service: &str, instances: &str) -> Value {
    let instances: Vec<Value> = instances.split_whitespace().map(instance).collect();
    json!({"service": service, "instances": instances})
}

fn instance(text: &str) -> Value {
    let (name, flags) = text.split_once(':').unwrap_or((text, ""));
    let (id, zone) = name.split_once('@').unwrap_or((name, ""));
    let mut instance = json!({"id": id, "image": "ami-1"});
    if !zone.is_empty() {
        instance = with(&instance, "zone", zone);
    }
    let mut labels = Map::new();
    for flag in flags.split(',').filter(|flag| !flag.is_empty()) {
        let set = |key: &str, value: Value| with(&instance, key, value);
        instance = match flag.split_once('=') {
            Some(("slot", slot)) => set("slot", slot.into()),
            Some(("cost", cost)) => set("deletionCost", cost.parse::<i32>().expect("a cost").into()),
            Some(("at", second)) => set("createdAt", at(second.parse().expect("a second")).into()),
            Some((key, value)) => {
                labels.insert(key.into(), value.into());
                continue;
            }
            None => match flag {
                "new" => set("image", "ami-2".into()),
                "config" => {
                    with(&set("image", "ami-2".into()), "revision", format!("1@sha256:{}", "0".repeat(64)))
                }
                "pending" | "terminating" | "quarantined" => set("phase", flag.into()),
                "notReady" | "failed" | "unknown" => set("health", flag.into()),
                "intact" | "compromised" => set("integrity", flag.into()),
                other => panic!("{text} has an unknown flag {other}"),
            },
        };
    }
    if labels.is_empty() { instance } else { with(&instance, "labels", labels) }
}

/// The moment so many seconds after the beginning of all cases.
pub(super) fn at(second: u32) -> String {
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    format!("2026-01-01T{hours:02}:{minutes:02}:{seconds:02}Z")
}

/// So many copies of an image that its provider has.
pub(super) fn release_of(service: &str, image: &str, replicas: u64) -> Value {
    let provider = json!({"provider": "aws", "id": image, "provenance": {"builder": "packer"}});
    json!({"service": service, "image": {"provider": provider}, "replicas": replicas})
}

/// What the fleets of the cases are to become.
pub(super) fn release(service: &str, replicas: u64) -> Value {
    release_of(service, "ami-2", replicas)
}

/// One service's fleet, release and policy.
pub(super) fn target(fleet: &Value, release: &Value, policy: &Value) -> Value {
    json!({"fleet": fleet, "release": release, "policy": policy})
}

/// The service `web`.
pub(super) fn web(instances: &str, replicas: u64, policy: &Value) -> Value {
    target(&fleet("web", instances), &release("web", replicas), policy)
}

/// A budget of the whole service: how many may be unavailable, and how many there may be above the desired number.
pub(super) fn budget(unavailable: impl Into<Value>, surge: impl Into<Value>) -> Value {
    json!({"maxUnavailable": unavailable.into(), "maxSurge": surge.into()})
}

/// A policy with this one budget, and these members.
pub(super) fn policy(unavailable: u64, surge: u64, members: &Value) -> Value {
    let budgets = json!({"budgets": [budget(unavailable, surge)]});
    members
        .as_object()
        .expect("members")
        .iter()
        .fold(budgets, |policy, (key, value)| with(&policy, key, value.clone()))
}

/// A document in a file of its own, and rows about it.
pub(super) fn document(name: &str, bytes: Vec<u8>, rows: &[(&str, &str)]) -> Case {
    let place = format!("plans/{name}.json");
    let tree = Tree::from([(place.clone(), Node::File(bytes))]);
    let rows = rows.iter().map(|(operation, expected)| Row::new(operation, &place, expected)).collect();
    Case { place, tree, rows, why: None }
}

/// The same, of a value.
pub(super) fn value(name: &str, value: &Value, rows: &[(&str, &str)]) -> Case {
    let text = [json::text(value), b"\n".to_vec()].concat();
    document(name, text, rows)
}

/// The service `web`, and its plan.
pub(super) fn plans(name: &str, target: &Value, expected: &str) -> Case {
    several(name, std::slice::from_ref(target), expected)
}

/// Several services, and their plan.
pub(super) fn several(name: &str, targets: &[Value], expected: &str) -> Case {
    value(name, &json!({"targets": targets}), &[("plan", expected)])
}
