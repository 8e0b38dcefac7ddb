//! What cannot be planned, and which constraints are in conflict; what budgets are as numbers.

use serde_json::{Value, json};

use super::{
    fleets::{budget, fleet, plans, policy, release, several, target, value, web},
    plans::{budgets, surge},
};
use crate::vectors::case::{Case, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Plans that cannot be", cases: infeasible() },
        Section { title: "Limits: budgets as numbers", cases: limits() },
    ]
}

fn infeasible() -> Vec<Case> {
    let two = "w1@a w2@a";
    let single =
        |service: &str, id: &str, policy: &Value| target(&fleet(service, id), &release(service, 1), policy);
    let mut cases = vec![
        plans(
            "no-room-above-none-to-spare",
            &web(two, 2, &policy(0, 0, &json!({}))),
            "!budgets-in-conflict fleet web",
        ),
        plans(
            "more-copies-than-anybody-has",
            &web(two, 10_000_000, &policy(0, 1, &json!({}))),
            "!too-many-replicas the release of web",
        ),
        plans(
            "no-room-in-the-zone-none-to-spare",
            &web(
                two,
                2,
                &budgets(&json!([budget(0, 1), {"scope": "zone", "maxUnavailable": 1, "maxSurge": 0}])),
            ),
            "!budgets-in-conflict zone a of web|fleet web",
        ),
        plans(
            "a-budget-is-called-by-its-name",
            &web(
                two,
                2,
                &budgets(&json!([budget(0, 1), {"name": "quota", "scope": {"inZone": "a"}, "maxSurge": 0}])),
            ),
            "!budgets-in-conflict quota|fleet web",
        ),
        plans(
            "a-floor-for-one-reason",
            &web(
                "w1:config w2",
                2,
                &budgets(&json!([
                    budget(1, 0),
                    {"name": "settings", "maxUnavailable": 0, "reasons": ["config"]}
                ])),
            ),
            "!budgets-in-conflict fleet web|settings",
        ),
        plans(
            "nothing-may-be-under-way",
            &web(
                "w1:role=primary",
                1,
                &budgets(&json!([
                    budget(1, 1),
                    {"scope": {"withLabel": {"key": "role", "value": "primary"}}, "maxInFlight": 0}
                ])),
            ),
            "!budgets-in-conflict role=primary of web",
        ),
        plans(
            "a-slot-with-a-surge-only",
            &web("x:slot=web-0", 1, &surge(1)),
            "!budgets-in-conflict fleet web|slot web-0",
        ),
        plans(
            "a-floor-above-what-there-will-be",
            &web("w1:new w2:new", 1, &budgets(&json!([{"minAvailable": 2, "maxSurge": 0}]))),
            "!floor-unreachable fleet web",
        ),
        plans(
            "a-floor-above-what-is-desired",
            &web("w1 w2", 2, &budgets(&json!([{"minAvailable": 3, "maxSurge": 1}]))),
            "!floor-unreachable fleet web",
        )
        .because("a surge that is never given back is none"),
        plans(
            "blue-green-without-room",
            &web("w1 w2", 2, &policy(0, 1, &json!({"strategy": {"blueGreen": {}}}))),
            "!strategy-in-conflict fleet web|the strategy of web",
        ),
        plans(
            "blue-green-in-slots",
            &web("x:slot=web-0", 1, &json!({"strategy": {"blueGreen": {}}})),
            "!strategy-in-conflict slot web-0|the strategy of web",
        ),
        plans(
            "recreate-above-a-floor",
            &web("w1 w2", 2, &policy(0, 1, &json!({"strategy": "recreate"}))),
            "!strategy-in-conflict fleet web|the strategy of web",
        ),
        several(
            "services-that-wait-for-each-other",
            &[
                single("web", "w1", &json!({"after": ["api"]})),
                single("api", "a1", &json!({"after": ["web"]})),
            ],
            "!dependency-cycle the policy of api|the policy of web",
        ),
        plans(
            "a-service-that-waits-for-itself",
            &web("w1", 1, &json!({"after": ["web"]})),
            "!dependency-cycle the policy of web",
        ),
        plans(
            "after-a-service-that-is-not-there",
            &web("w1", 1, &json!({"after": ["db"]})),
            "!unknown-service the policy of web",
        ),
        plans(
            "a-budget-of-a-service-that-is-not-there",
            &web(
                "w1",
                1,
                &budgets(&json!([budget(0, 1), {"scope": {"services": ["web", "db"]}, "maxUnavailable": 1}])),
            ),
            "!unknown-service the policy of web",
        ),
        plans(
            "named-and-not-there",
            &web("w1", 1, &json!({"select": {"named": ["w2"]}})),
            "!unknown-instance select of the policy of web",
        ),
        plans(
            "named-and-going-already",
            &web("w1:terminating", 1, &json!({"select": {"named": ["w1"]}})),
            "!unknown-instance select of the policy of web",
        ),
        plans(
            "a-fleet-of-another-service",
            &target(&fleet("api", "w1"), &release("web", 1), &json!({})),
            "!mismatch the fleet|the release",
        ),
        plans(
            "a-policy-of-another-service",
            &web("w1", 1, &json!({"service": "api"})),
            "!mismatch the policy|the release",
        ),
    ];
    let twice = web("w1", 1, &json!({}));
    cases.push(several(
        "one-service-twice",
        &[twice.clone(), twice],
        "!mismatch one release|another release",
    ));
    cases
}

fn limits() -> Vec<Case> {
    let limits = |name: &str, target: Value, expected: &str| {
        value(name, &json!({"targets": [target]}), &[("plan.limits", expected)])
    };
    let seven = "w1 w2 w3 w4 w5 w6 w7";
    vec![
        limits("limits-by-default", web(seven, 7, &json!({})), "fleet web of=7 floor=7 ceiling=9"),
        limits(
            "limits-rounded-up-and-down",
            web(seven, 7, &budgets(&json!([budget("25% down", "25% up"), budget("25% up", "25% down")]))),
            "fleet web of=7 floor=6 ceiling=9; fleet web of=7 floor=5 ceiling=8",
        ),
        limits(
            "limits-of-the-number-in-the-end",
            web("w1 w2", 10, &budgets(&json!([{"minAvailable": "75% up", "maxSurge": "10% up"}]))),
            "fleet web of=10 floor=8 ceiling=11",
        ),
        limits(
            "limits-more-than-all",
            web("w1 w2", 2, &budgets(&json!([budget(5, "150% up")]))),
            "fleet web of=2 floor=0 ceiling=5",
        ),
        limits(
            "limits-where-a-budget-is-silent",
            web(
                "w1@b:new w2@a:new w3@a:new",
                3,
                &budgets(&json!([{"scope": "zone", "maxInFlight": "50% up"}])),
            ),
            "fleet web of=3 floor=3 ceiling=3; zone a of web of=2 inFlight=1; zone b of web of=1 inFlight=1",
        ),
        limits(
            "limits-that-are-the-same",
            web("w1:new w2:new", 2, &budgets(&json!([budget(1, 0), budget("50% up", 0), budget(0, 1)]))),
            "fleet web of=2 floor=1 ceiling=2; fleet web of=2 floor=2 ceiling=3",
        ),
        limits(
            "limits-with-a-name",
            web(
                "w1:rack=1 w2:rack=2",
                2,
                &budgets(&json!([
                    budget(1, 0),
                    {"name": "racks", "scope": {"label": "rack"}, "maxInFlight": 1}
                ])),
            ),
            "fleet web of=2 floor=1 ceiling=2; racks: rack=1 of=1 inFlight=1; racks: rack=2 of=1 inFlight=1",
        ),
    ]
}
