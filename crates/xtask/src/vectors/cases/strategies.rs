//! Strategies, slots, what is selected, and in which order.

use serde_json::{Value, json};

use super::{
    fleets::{budget, plans, policy, web},
    plans::surge,
};
use crate::vectors::case::{Case, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Plans: strategies", cases: strategies() },
        Section { title: "Plans: gates before anything is done", cases: gates() },
        Section { title: "Plans: slots", cases: slots() },
        Section { title: "Plans: what is replaced", cases: selected() },
        Section { title: "Plans: what is compromised", cases: compromised() },
        Section { title: "Plans: in which order", cases: ordered() },
    ]
}

/// A canary of these steps, with a surge of one.
fn canary(steps: &Value) -> Value {
    policy(0, 1, &json!({"strategy": {"canary": steps}}))
}

fn strategies() -> Vec<Case> {
    let bakes = json!([
        {"amount": 1, "gate": {"bakeSeconds": 60}},
        {"amount": 2, "gate": {"bakeSeconds": 60}},
        {"amount": 3, "gate": {"bakeSeconds": 60}}
    ]);
    vec![
        plans(
            "canary",
            &web(
                "w1 w2 w3 w4",
                4,
                &canary(&json!([
                    {"amount": 1, "gate": {"bakeSeconds": 60}},
                    {"amount": "50% up", "gate": {"bakeSeconds": 5, "analysis": "errors", "approval": "ops"}}
                ])),
            ),
            "[web: canary 1 of 2] 1:+-w1:image bake=60 \
             [web: canary 2 of 2] after=0 2:+-w2:image bake=5 analysis=errors approval \
             [web: rest] after=1 3:+-w3:image 4:+-w4:image",
        ),
        plans(
            "canary-with-weights",
            &web(
                "w1 w2 w3 w4",
                4,
                &canary(&json!([{"amount": 1, "weight": 5}, {"amount": 2, "weight": 50}])),
            ),
            "[web: canary 1 of 2] 1:+-w1:image weight=5 \
             [web: canary 2 of 2] after=0 2:+-w2:image weight=50 \
             [web: rest] after=1 3:+-w3:image 4:+-w4:image weight=100",
        ),
        plans(
            "canary-in-the-middle",
            &web("w1:new w2:new w3 w4", 4, &canary(&bakes)),
            "[web: canary 2 of 3] bake=60 [web: canary 3 of 3] after=0 1:+-w3:image bake=60 \
             [web: rest] after=1 2:+-w4:image",
        )
        .because("where the fleet is exactly as a step leaves it, its gate is asked again"),
        plans(
            "canary-up-to-all",
            &web("w1 w2 w3", 3, &canary(&json!([{"amount": "50% down"}, {"amount": "100% up"}]))),
            "[web: canary 1 of 2] 1:+-w1:image [web: canary 2 of 2] after=0 2:+-w2:image 3:+-w3:image",
        ),
        plans(
            "canary-while-the-service-grows",
            &web("w1 w2", 4, &canary(&json!([{"amount": 1}]))),
            "[web: canary 1 of 1] 1:+:missing [web: rest] after=0 2:+:missing 2:+-w1:image 3:+-w2:image",
        ),
        plans("canary-of-what-is-done", &web("w1:new", 1, &canary(&bakes)), "empty"),
        plans(
            "blue-green",
            &web(
                "w1@a w2@b w3@a",
                3,
                &json!({"strategy": {"blueGreen": {
                    "beforeSwitch": {"approval": "ops"}, "beforeRetire": {"bakeSeconds": 300}
                }}}),
            ),
            "[web: green] 1:+a:image 1:+a:image 1:+b:image approval \
             [web: switch] after=0 weight=100 bake=300 \
             [web: retire blue] after=1 2:-w1:image 2:-w3:image 2:-w2:image",
        )
        .because("where no budget states a ceiling, twice the desired number is one"),
        plans(
            "recreate",
            &web("w1 w2", 2, &json!({"strategy": "recreate"})),
            "[web: retire] 1:-w1:image 1:-w2:image [web: launch] after=0 2:+:image 2:+:image",
        )
        .because("where no budget states a floor, there is none"),
        plans(
            "blue-green-in-the-middle",
            &web("n1:new w1 w2", 2, &json!({"strategy": {"blueGreen": {}}})),
            "[web: green] 1:+:image [web: switch] after=0 weight=100 \
             [web: retire blue] after=1 2:-w1:extra 2:-w2:image",
        ),
        plans(
            "recreate-in-the-middle",
            &web("w2", 2, &json!({"strategy": "recreate"})),
            "[web: retire] 1:-w2:image [web: launch] after=0 2:+:missing 2:+:image",
        ),
        plans(
            "canary-across-groups",
            &web(
                "w1 w2:role=a w3",
                3,
                &policy(
                    0,
                    3,
                    &json!({
                        "strategy": {"canary": [{"amount": 2}]}, "order": [{"first": {"key": "role", "value": "a"}}]
                    }),
                ),
            ),
            "[web: part 1] 1:+-w2:image [web: canary 1 of 1] after=0 2:+-w1:image \
             [web: rest] after=1 3:+-w3:image",
        ),
        plans(
            "canary-after-what-is-isolated",
            &web(
                "w1:new,compromised w2",
                2,
                &policy(0, 1, &json!({"strategy": {"canary": [{"amount": 1}]}, "compromised": "isolate"})),
            ),
            "[web: isolate] 1:-w1(isolate):compromised [web: canary 1 of 1] after=0 2:+:compromised \
             [web: rest] after=1 3:+-w2:image",
        ),
        plans(
            "recreate-above-a-floor-that-others-hold",
            &web("w1 w2:new", 2, &json!({"strategy": "recreate", "budgets": [budget(1, 0)]})),
            "[web: retire] 1:-w1:image [web: launch] after=0 2:+:image",
        ),
    ]
}

fn gates() -> Vec<Case> {
    let breaker = |most: u64, members: &Value| {
        let mut members = members.clone();
        members["breakers"] = json!({"maxCompromised": most});
        policy(0, 2, &members)
    };
    vec![
        plans(
            "a-gate-before",
            &web("w1", 1, &policy(0, 1, &json!({"before": {"approval": "ops", "analysis": "calm"}}))),
            "[web: before] analysis=calm approval [web] after=0 1:+-w1:image",
        ),
        plans(
            "a-gate-before-nothing",
            &web("w1:new", 1, &policy(0, 1, &json!({"before": {"approval": "ops"}}))),
            "empty",
        ),
        plans(
            "more-compromised-than-the-breaker-allows",
            &web("w1:new,compromised w2:new,compromised", 2, &breaker(1, &json!({}))),
            "[web: before] approval [web] after=0 1:+-w1:compromised 1:+-w2:compromised",
        ),
        plans(
            "as-many-compromised-as-the-breaker-allows",
            &web("w1:new,compromised w2:new,compromised", 2, &breaker(2, &json!({}))),
            "[web] 1:+-w1:compromised 1:+-w2:compromised",
        ),
    ]
}

fn slots() -> Vec<Case> {
    vec![
        plans(
            "slots-from-the-highest",
            &web(
                "x:slot=web-0 y:slot=web-10 z:slot=web-9",
                3,
                &policy(1, 1, &json!({"order": ["highestSlot"]})),
            ),
            "[web] 1:-y+#web-10:image 2:-z+#web-9:image 3:-x+#web-0:image",
        )
        .because("only one instance holds a slot, so that the old one goes first"),
        plans(
            "slots-that-are-free",
            &web("x:new,slot=web-0 y:new,slot=web-2", 4, &surge(0)),
            "[web] 1:+#web-1:missing 1:+#web-3:missing",
        ),
        plans(
            "slots-down-from-the-highest",
            &web(
                "x:new,slot=web-0 y:new,slot=web-1 z:new,slot=web-2",
                2,
                &policy(0, 0, &json!({"order": ["highestSlot"]})),
            ),
            "[web] 1:-z:extra",
        ),
        plans(
            "all-traffic-after-the-last-step",
            &web("w1 w2", 2, &canary(&json!([{"amount": 2, "weight": 100}]))),
            "[web: canary 1 of 1] 1:+-w1:image 2:+-w2:image weight=100",
        ),
        plans(
            "even-zones-stay-as-they-are",
            &web("w1@a w2@a w3@b", 3, &policy(0, 1, &json!({"spread": "even"}))),
            "[web] 1:+a-w1:image 2:+a-w2:image 3:+b-w3:image",
        ),
        plans(
            "the-highest-slot-goes-and-not-the-one-that-is-down",
            &web(
                "x:slot=web-0,notReady y:slot=web-1 z:slot=web-2",
                2,
                &policy(1, 1, &json!({"order": ["highestSlot"]})),
            ),
            "[web] 1:-x+#web-0:image 1:-z:extra 2:-y+#web-1:image",
        ),
        plans(
            "fewer-and-the-compromised-one-in-the-canary",
            &web(
                "w1:compromised w2:notReady w3:notReady",
                2,
                &policy(1, 1, &json!({"strategy": {"canary": [{"amount": 1, "gate": {"bakeSeconds": 60}}]}})),
            ),
            "[web: canary 1 of 1] 1:-w2:extra 1:+-w1:compromised bake=60 [web: rest] after=0 2:-w3+:image",
        )
        .because("nothing comes for one that does no work; of the others the worst goes first"),
        plans(
            "a-slot-that-is-down",
            &web("x:failed,slot=web-0", 1, &policy(0, 0, &json!({}))),
            "[web] 1:-x+#web-0:failed",
        ),
        plans(
            "slots-stay-in-their-zone",
            &web(
                "x@a:slot=web-0 y@a:slot=web-1",
                2,
                &policy(1, 0, &json!({"spread": "even", "zones": ["b"]})),
            ),
            "[web] 1:-x+a#web-0:image 2:-y+a#web-1:image",
        )
        .because("a disk does not move"),
    ]
}

fn selected() -> Vec<Case> {
    let select = |select: &Value| policy(0, 1, &json!({"select": select}));
    vec![
        plans("named", &web("w1 w2:new w3:new", 5, &select(&json!({"named": ["w2"]}))), "[web] 1:+-w2:named")
            .because("nothing else is replaced, and the number of instances stays"),
        plans(
            "named-and-drifted",
            &web("w1 w2", 2, &select(&json!({"named": ["w1"]}))),
            "[web] 1:+-w1:image",
        ),
        plans(
            "all-but-one",
            &web("w1 w2 w3", 3, &select(&json!({"except": ["w1"]}))),
            "[web] 1:+-w2:image 2:+-w3:image",
        ),
        plans(
            "broken-only",
            &web("w1 w2:failed w3:new,compromised", 3, &select(&json!("broken"))),
            "[web] 1:-w2+:failed 1:+-w3:compromised",
        )
        .because("what only adds to what is available goes first"),
        plans("otherwise-run", &web("w1:config w2:new", 2, &surge(1)), "[web] 1:+-w1:config"),
    ]
}

fn compromised() -> Vec<Case> {
    let fleet = "w1 w2:new,compromised w3:new";
    let dealt = |how: &str| policy(0, 1, &json!({"compromised": how}));
    vec![
        plans(
            "compromised-replaced",
            &web(fleet, 3, &dealt("replace")),
            "[web] 1:+-w2:compromised 2:+-w1:image",
        ),
        plans(
            "compromised-into-quarantine",
            &web(fleet, 3, &dealt("quarantine")),
            "[web] 1:+-w2(quarantine):compromised 2:+-w1:image",
        ),
        plans(
            "compromised-isolated-together",
            &web(
                "w1:new,compromised w2:new,compromised w3:new",
                3,
                &json!({"budgets": [budget(0, 1), {"maxInFlight": 1}], "compromised": "isolate"}),
            ),
            "[web: isolate] 1:-w1(isolate):compromised 1:-w2(isolate):compromised [web] after=0 \
             2:+:compromised 3:+:compromised",
        ),
        plans(
            "compromised-isolated",
            &web(fleet, 3, &dealt("isolate")),
            "[web: isolate] 1:-w2(isolate):compromised [web] after=0 2:+:compromised 2:+-w1:image",
        )
        .because("it goes at once, whatever the budgets say, and counts as one that is down"),
        plans(
            "compromised-isolated-in-a-slot",
            &web("w1:new,compromised,slot=s0", 1, &dealt("isolate")),
            "[web] 1:-w1(isolate)+#s0:compromised",
        ),
        plans(
            "compromised-and-too-many",
            &web("w1:new w2:new,compromised", 1, &dealt("quarantine")),
            "[web] 1:-w2(quarantine):compromised",
        ),
    ]
}

fn ordered() -> Vec<Case> {
    let order = |order: &Value| policy(0, 1, &json!({"order": order}));
    let roles = "w1:role=b w2:role=a w3";
    vec![
        plans(
            "the-worst-first",
            &web("a1 b1:notReady c1:failed d1:new,compromised e1:config", 5, &policy(0, 5, &json!({}))),
            "[web] 1:-c1+:failed 1:-b1+:image 1:+-d1:compromised 1:+-a1:image 1:+-e1:config",
        )
        .because("what is down is no loss, failed before not ready; of what does its work, compromised before drifted"),
        plans(
            "the-oldest-first",
            &web("w1 w2:at=20 w3:at=10 w4:at=10", 4, &surge(1)),
            "[web] 1:+-w3:image 2:+-w4:image 3:+-w2:image 4:+-w1:image",
        )
        .because("those of an unknown age last; of those as old, by id"),
        plans(
            "the-fullest-zone-first",
            &web("w1@a w2@b w3@b w4@b", 4, &surge(1)),
            "[web] 1:+b-w2:image 2:+b-w3:image 3:+a-w1:image 4:+b-w4:image",
        )
        .because("of two that are as full, the one that is named first"),
        plans(
            "a-label-first",
            &web(roles, 3, &order(&json!([{"first": {"key": "role", "value": "a"}}]))),
            "[web: 1 of 2] 1:+-w2:image [web: 2 of 2] after=0 2:+-w1:image 3:+-w3:image",
        ),
        plans(
            "a-label-last",
            &web(roles, 3, &order(&json!([{"last": {"key": "role", "value": "b"}}]))),
            "[web: 1 of 2] 1:+-w2:image 2:+-w3:image [web: 2 of 2] after=0 3:+-w1:image",
        ),
        plans(
            "label-by-label",
            &web(roles, 3, &policy(0, 3, &json!({"order": [{"oneByOne": "role"}]}))),
            "[web: 1 of 3] 1:+-w2:image [web: 2 of 3] after=0 2:+-w1:image \
             [web: 3 of 3] after=1 3:+-w3:image",
        ),
        plans(
            "zone-by-zone",
            &web("w1@b w2@a w3@a", 3, &policy(0, 3, &json!({"order": ["zoneByZone"]}))),
            "[web: 1 of 2] 1:+a-w2:image 1:+a-w3:image [web: 2 of 2] after=0 2:+b-w1:image",
        ),
        plans(
            "by-deletion-cost",
            &web("w1:cost=5 w2:cost=-1 w3", 3, &order(&json!(["deletionCost"]))),
            "[web] 1:+-w2:image 2:+-w3:image 3:+-w1:image",
        ),
        plans(
            "the-youngest-first",
            &web("w1 w2:at=10 w3:at=20", 3, &order(&json!(["newest"]))),
            "[web] 1:+-w3:image 2:+-w2:image 3:+-w1:image",
        ),
        plans(
            "a-preference-before-the-worst",
            &web("w1:cost=1,new,compromised w2", 2, &order(&json!(["deletionCost"]))),
            "[web] 1:+-w2:image 2:+-w1:compromised",
        ),
    ]
}
