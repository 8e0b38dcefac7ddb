//! Rolling replacements: what budgets allow, wave by wave.

use serde_json::{Value, json};

use super::fleets::{budget, fleet, plans, policy, release, several, target, web};
use crate::vectors::case::{Case, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Plans: budgets of one service", cases: one_service() },
        Section { title: "Plans: budgets of zones and labels", cases: places() },
        Section { title: "Plans: several services", cases: services() },
        Section { title: "Plans: what is down, going, or apart", cases: down() },
        Section { title: "Plans: more and fewer", cases: numbers() },
    ]
}

/// A policy of these budgets.
pub(super) fn budgets(budgets: &Value) -> Value {
    json!({"budgets": budgets})
}

/// A policy that lets the service grow by so many and fall by none.
pub(super) fn surge(surge: u64) -> Value {
    policy(0, surge, &json!({}))
}

fn one_service() -> Vec<Case> {
    let ten = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9";
    vec![
        plans("converged", &web("w1:new w2:new", 2, &surge(1)), "empty"),
        plans(
            "surge-of-one",
            &web("w1@a w2@a w3@a", 3, &surge(1)),
            "[web] 1:+a-w1:image 2:+a-w2:image 3:+a-w3:image",
        ),
        plans(
            "one-unavailable",
            &web("w1@a w2@a w3@a", 3, &policy(1, 0, &json!({}))),
            "[web] 1:-w1+a:image 2:-w2+a:image 3:-w3+a:image",
        ),
        plans(
            "surge-and-unavailable",
            &web("w1 w2 w3 w4", 4, &policy(1, 1, &json!({}))),
            "[web] 1:+-w1:image 1:-w2+:image 2:+-w3:image 2:-w4+:image",
        )
        .because("what finds no room above takes one that may be unavailable"),
        plans(
            "percentages-as-kubernetes-rounds-them",
            &web(ten, 10, &budgets(&json!([budget("25% down", "25% up")]))),
            "[web] 1:+-w0:image 1:+-w1:image 1:+-w2:image 1:-w3+:image 1:-w4+:image \
             2:+-w5:image 2:+-w6:image 2:+-w7:image 2:-w8+:image 2:-w9+:image",
        )
        .because("3 above, 2 unavailable"),
        plans(
            "percentages-the-other-way-round",
            &web("w1 w2 w3", 3, &budgets(&json!([budget("25% up", "25% down")]))),
            "[web] 1:-w1+:image 2:-w2+:image 3:-w3+:image",
        )
        .because("none above, 1 unavailable"),
        plans(
            "no-budget-at-all",
            &web("w1 w2 w3 w4", 4, &json!({})),
            "[web] 1:+-w1:image 2:+-w2:image 3:+-w3:image 4:+-w4:image",
        )
        .because("25% up above, none unavailable"),
        plans(
            "a-ceiling-alone",
            &web("w1 w2", 2, &budgets(&json!([{"maxSurge": 2}]))),
            "[web] 1:+-w1:image 1:+-w2:image",
        )
        .because("where no budget states a floor, none may be unavailable"),
        plans(
            "a-floor-alone",
            &web("w1 w2 w3 w4", 4, &budgets(&json!([{"minAvailable": 2}]))),
            "[web] 1:-w1+:image 1:-w2+:image 2:-w3+:image 2:-w4+:image",
        )
        .because("where no budget states a ceiling, there may be no more than desired"),
        plans(
            "of-two-floors-the-higher",
            &web(
                "w1 w2 w3",
                3,
                &budgets(&json!([{"minAvailable": "34% up", "maxUnavailable": 1, "maxSurge": 0}])),
            ),
            "[web] 1:-w1+:image 2:-w2+:image 3:-w3+:image",
        ),
        plans(
            "one-at-a-time-whatever-room-there-is",
            &web("w1 w2 w3", 3, &budgets(&json!([{"maxSurge": 3, "maxUnavailable": 3, "maxInFlight": 1}]))),
            "[web] 1:+-w1:image 2:+-w2:image 3:+-w3:image",
        ),
        plans(
            "one-at-a-time-for-one-reason",
            &web(
                "w1:config w2:config w3:config w4",
                4,
                &budgets(&json!([budget(0, 3), {"maxInFlight": 1, "reasons": ["config"]}])),
            ),
            "[web] 1:+-w1:config 1:+-w4:image 2:+-w2:config 3:+-w3:config",
        )
        .because("one that has to wait does not hold up others"),
        plans(
            "one-at-a-time-at-times",
            &web(
                "w1 w2",
                2,
                &budgets(&json!([
                    budget(0, 2),
                    {"maxInFlight": 1, "window": {"schedule": "0 9 * * mon-fri", "durationSeconds": 3600}}
                ])),
            ),
            "[web] 1:+-w1:image 1:+-w2:image",
        )
        .because("a limit that holds only at times is for the rollout to wait for"),
    ]
}

fn places() -> Vec<Case> {
    vec![
        plans(
            "zones-with-a-surge-of-one-each",
            &web(
                "w1@a w2@a w3@b w4@b",
                4,
                &budgets(&json!([budget(0, 4), {"scope": "zone", "maxUnavailable": 0, "maxSurge": 1}])),
            ),
            "[web] 1:+a-w1:image 1:+b-w3:image 2:+a-w2:image 2:+b-w4:image",
        ),
        plans(
            "zones-alone",
            &web(
                "w1@a w2@a w3@b",
                3,
                &budgets(&json!([{"scope": "zone", "maxUnavailable": 1, "maxSurge": 0}])),
            ),
            "[web] 1:-w1+a:image 1:-w3+b:image 2:-w2+a:image",
        )
        .because("budgets of all zones state a floor and a ceiling of the whole"),
        plans(
            "a-zone-that-waits-for-what-starts",
            &web(
                "w1@a:new,notReady w2@a w3@b",
                3,
                &budgets(&json!([{"scope": "zone", "maxUnavailable": 1, "maxSurge": 0}])),
            ),
            "[web] 1:-w3+b:image 2:-w2+a:image",
        ),
        plans(
            "a-zone-that-is-left-under-budgets-of-zones",
            &web(
                "w1@a w2@a",
                2,
                &json!({
                    "zones": ["b"],
                    "budgets": [budget(0, 1), {"scope": "zone", "maxUnavailable": 0, "maxSurge": 1}]
                }),
            ),
            "[web] 1:+b-w1:image 2:+b-w2:image",
        ),
        plans(
            "one-at-a-time-in-one-zone",
            &web(
                "w1@a w2@a w3@b w4@b",
                4,
                &budgets(&json!([budget(0, 4), {"scope": {"inZone": "a"}, "maxInFlight": 1}])),
            ),
            "[web] 1:+a-w1:image 1:+b-w3:image 1:+b-w4:image 2:+a-w2:image",
        ),
        plans(
            "one-at-a-time-in-each-rack",
            &web(
                "w1:rack=1 w2:rack=1 w3:rack=2 w4",
                4,
                &budgets(&json!([budget(0, 4), {"scope": {"label": "rack"}, "maxInFlight": 1}])),
            ),
            "[web] 1:+{rack=1}-w1:image 1:+{rack=2}-w3:image 1:+-w4:image 2:+{rack=1}-w2:image",
        )
        .because("one without the label is in no rack"),
        plans(
            "a-floor-for-one-label",
            &web(
                "w1:role=db,x=1 w2:role=db,x=2 w3 w4",
                4,
                &budgets(&json!([
                    budget(2, 0),
                    {"scope": {"withLabel": {"key": "role", "value": "db"}}, "minAvailable": "50% up"}
                ])),
            ),
            "[web] 1:-w1+{role=db}:image 1:-w3+:image 2:-w2+{role=db}:image 2:-w4+:image",
        )
        .because("a launch gets the labels that limits count by, and no others"),
    ]
}

fn services() -> Vec<Case> {
    let one = policy(1, 0, &json!({}));
    let api = |policy: &Value| target(&fleet("api", "a1 a2"), &release("api", 2), policy);
    let single =
        |service: &str, id: &str, policy: &Value| target(&fleet(service, id), &release(service, 1), policy);
    vec![
        several(
            "two-services-side-by-side",
            &[web("w1 w2", 2, &one), api(&one)],
            "[api] 1:-a1+:image 2:-a2+:image [web] 1:-w1+:image 2:-w2+:image",
        ),
        several(
            "a-floor-that-two-services-share",
            &[
                web(
                    "w1 w2",
                    2,
                    &budgets(&json!([
                        budget(1, 0),
                        {"scope": {"services": ["web", "api"]}, "maxUnavailable": 1}
                    ])),
                ),
                api(&one),
            ],
            "[api] 1:-a1+:image 2:-a2+:image [web] 3:-w1+:image 4:-w2+:image",
        ),
        several(
            "services-one-after-the-other",
            &[
                single("web", "w1", &json!({"after": ["api"]})),
                single("api", "a1", &json!({"after": ["db"]})),
                single("db", "d1", &json!({})),
            ],
            "[db] 1:+-d1:image [api] after=0 2:+-a1:image [web] after=1 3:+-w1:image",
        ),
        several(
            "after-one-that-has-nothing-to-do",
            &[
                single("web", "w1", &json!({"after": ["api"]})),
                single("api", "a1:new", &json!({"after": ["db"]})),
                single("db", "d1", &json!({})),
            ],
            "[db] 1:+-d1:image [web] after=0 2:+-w1:image",
        )
        .because("what waits for it waits for what it waits for"),
    ]
}

fn down() -> Vec<Case> {
    let none = policy(0, 0, &json!({}));
    vec![
        plans(
            "what-is-down-costs-nothing",
            &web("w1:notReady w2", 2, &surge(1)),
            "[web] 1:-w1+:image 1:+-w2:image",
        ),
        plans(
            "what-is-down-is-never-blocked",
            &web("w1:notReady w2:unknown w3:pending", 3, &none),
            "[web] 1:-w1+:image 1:-w2+:image 1:-w3+:image",
        )
        .because("no room above, none to spare: and none is needed"),
        plans(
            "what-stays-and-starts-is-waited-for",
            &web("w1 w2:new,notReady", 2, &policy(1, 0, &json!({}))),
            "[web] 2:-w1+:image",
        )
        .because("the one that may be unavailable is already"),
        plans(
            "one-that-goes-already",
            &web("t1:terminating w1 w2", 2, &surge(1)),
            "[web] 1:+-w1:image 2:+-w2:image",
        )
        .because("it makes room without being asked"),
        plans("one-in-quarantine", &web("q1:quarantined w1:new", 1, &surge(1)), "empty"),
        plans(
            "one-in-quarantine-is-made-up-for",
            &web("q1:new,quarantined w1:new", 2, &surge(1)),
            "[web] 1:+:missing",
        ),
    ]
}

fn numbers() -> Vec<Case> {
    let zones = |zones: &Value| policy(0, 1, &json!({"zones": zones}));
    vec![
        plans(
            "from-nothing",
            &web("", 4, &zones(&json!(["c", "a", "b"]))),
            "[web] 1:+a:missing 1:+b:missing 1:+c:missing 1:+a:missing",
        ),
        plans("from-nothing-without-zones", &web("", 1, &surge(0)), "[web] 1:+:missing"),
        plans(
            "up-where-there-are-fewest",
            &web("w1@a:new w2@a:new w3@b:new w4@c:new", 6, &surge(1)),
            "[web] 1:+b:missing 1:+c:missing",
        ),
        plans(
            "up-with-drift",
            &web("w1 w2", 4, &surge(1)),
            "[web] 1:+:missing 1:+:missing 1:+-w1:image 2:+-w2:image",
        ),
        plans(
            "down-the-oldest-first",
            &web("w1:new,at=30 w2:new,at=10 w3:new,at=20", 1, &surge(0)),
            "[web] 1:-w2:extra 1:-w3:extra",
        ),
        plans(
            "down-what-does-no-work-first",
            &web("w1:new w2:new,notReady", 1, &surge(0)),
            "[web] 1:-w2:extra",
        ),
        plans(
            "down-in-the-fullest-zone",
            &web("w1@a:new w2@b:new w3@b:new", 2, &surge(0)),
            "[web] 1:-w2:extra",
        ),
        plans(
            "down-with-drift",
            &web("w1 w2 w3 w4", 2, &surge(1)),
            "[web] 1:-w1:extra 1:-w2:extra 1:+-w3:image 2:+-w4:image",
        )
        .because("what is too much goes first: it makes room"),
        plans("down-by-what-drifted", &web("w1:new w2:new w3", 2, &surge(0)), "[web] 1:-w3:extra"),
        plans("down-to-nothing", &web("w1 w2:new", 0, &surge(0)), "[web] 1:-w1:extra 1:-w2:extra"),
        plans(
            "even-zones",
            &web("w1@a w2@a w3@a w4@b", 4, &policy(0, 4, &json!({"spread": "even"}))),
            "[web] 1:+a-w1:image 1:+a-w2:image 1:+b-w3:image 1:+b-w4:image",
        ),
        plans(
            "even-zones-around-what-stays",
            &web("w1@a:new w2@a:new w3@a w4@b", 4, &policy(0, 2, &json!({"spread": "even"}))),
            "[web] 1:+b-w3:image 1:+b-w4:image",
        ),
        plans(
            "a-zone-is-left",
            &web("w1@a w2@a w3@b", 3, &policy(0, 3, &json!({"zones": ["b", "c"]}))),
            "[web] 1:+c-w1:image 1:+b-w2:image 1:+b-w3:image",
        ),
        plans(
            "one-leaves-a-zone",
            &web(
                "w1@a:new w2@b:new",
                2,
                &policy(0, 1, &json!({"zones": ["b"], "select": {"named": ["w1"]}})),
            ),
            "[web] 1:+b-w1:named",
        ),
    ]
}
