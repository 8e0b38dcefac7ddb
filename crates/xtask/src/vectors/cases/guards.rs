//! Rollouts that count: what is begun, and what is asked for, when it is not to be begun or asked for yet.

use serde_json::{Value, json};

use super::{
    fleets::{budget, policy, web},
    journals::{answer, by, event, launched, of, resize, rollout, two},
};
use crate::vectors::case::{Case, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![Section { title: "Rollouts that count", cases: [begun(), asked(), failed()].concat() }]
}

fn budgets(budgets: &Value) -> Value {
    json!({"budgets": budgets})
}

/// What is begun.
fn begun() -> Vec<Case> {
    let soon = soon();
    let hourly = json!({"schedule": "0 * * * *", "durationSeconds": 60, "timeZone": "UTC"});
    vec![
        rollout(
            "one-in-flight",
            &web("w1@a w2@a w3@a", 3, &budgets(&json!([budget(0, 3), {"maxInFlight": 1}]))),
            &[launched(1, "$launch:0", "n1"), of(2, "ready", "n1"), of(3, "gone", "w1")],
            &[(0, "running launch:a"), (1, "running"), (2, "running retire:w1"), (3, "running launch:a")],
        ),
        rollout(
            "paused-with-one-that-retires-first",
            &web("w1@a w2@a w3@a", 3, &policy(1, 0, &json!({}))),
            &[by(1, "pause"), of(2, "gone", "w1"), launched(3, "$launch:0", "n1"), of(4, "ready", "n1")],
            &[(0, "running retire:w1"), (2, "paused launch:a"), (4, "paused")],
        )
        .because("only what was begun is finished, and only one could be"),
        rollout(
            "paused-before-it-was-asked-for",
            &web("w1@a w2@a", 2, &policy(0, 1, &json!({}))),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                by(3, "pause"),
                of(4, "gone", "w1"),
                by(5, "continue"),
            ],
            &[(2, "running retire:w1"), (4, "paused"), (5, "running launch:a")],
        )
        .because("the second launch waited for room when it was paused: nobody has seen that it was begun"),
        rollout(
            "closed-before-it-was-asked-for",
            &web("w1@a w2@a", 2, &policy(0, 1, &json!({"windows": [hourly]}))),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                of(60, "gone", "w1"),
                event(3600, "tick"),
            ],
            &[(2, "running retire:w1"), (3, "running"), (4, "running launch:a")],
        ),
        rollout(
            "a-budget-that-holds-before-it-was-asked-for",
            &web("w1@a w2@a", 2, &budgets(&json!([budget(0, 1), {"maxInFlight": 0, "window": soon}]))),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                of(60, "gone", "w1"),
                event(3660, "tick"),
            ],
            &[(2, "running retire:w1"), (3, "running"), (4, "running launch:a")],
        ),
        rollout(
            "a-budget-that-does-not-hold-now",
            &web("w1@a w2@a", 2, &budgets(&json!([budget(0, 1), {"maxInFlight": 0, "window": soon}]))),
            &[launched(1, "$launch:0", "n1"), of(60, "ready", "n1"), of(61, "gone", "w1")],
            &[(0, "running launch:a"), (2, "running retire:w1"), (3, "running")],
        )
        .because("from a minute past midnight nothing more is begun"),
        rollout(
            "isolated-while-others-are-replaced",
            &web("k1@a:new w1@a", 2, &policy(0, 1, &json!({"compromised": "isolate"}))),
            &[of(1, "compromised", "k1"), of(2, "quarantined", "k1")],
            &[
                (0, "running launch:a"),
                (1, "running retire:k1(isolate) launch:a"),
                (2, "running launch:a launch:a"),
            ],
        )
        .because("it goes at once, and what comes for it waits for room"),
        rollout(
            "isolated-while-enough-is-in-flight",
            &web(
                "k1@a:new w1@a",
                2,
                &json!({"budgets": [budget(0, 1), {"maxInFlight": 1}], "compromised": "isolate"}),
            ),
            &[of(1, "compromised", "k1")],
            &[(0, "running launch:a"), (1, "running retire:k1(isolate) launch:a")],
        )
        .because("no budget keeps what is compromised in its place"),
        rollout(
            "one-that-fell-goes-before-one-that-works",
            &web("w1@a w2@a w3@a", 3, &budgets(&json!([budget(0, 1), {"maxInFlight": 1}]))),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                of(3, "notReady", "w3"),
                of(4, "gone", "w1"),
            ],
            &[(0, "running launch:a"), (3, "running retire:w1"), (4, "running retire:w3")],
        ),
        rollout(
            "available-at-the-same-moment",
            &web(
                "w1@a w2@a w3@a",
                3,
                &json!({"budgets": [budget(1, 0), {"maxInFlight": 1}], "minReadySeconds": 60}),
            ),
            &[
                of(1, "gone", "w1"),
                launched(1, "$launch:0", "n1"),
                of(1, "ready", "n1"),
                of(1, "notReady", "w2"),
                of(2, "ready", "w2"),
                of(3, "notReady", "w3"),
                event(70, "tick"),
            ],
            &[(0, "running retire:w1"), (6, "running"), (7, "running retire:w3")],
        )
        .because(
            "w2 does its work again when the first replacement is seen to be done, and cannot be spared",
        ),
        rollout(
            "resized-with-one-that-was-begun",
            &web("w1@a w2@a w3@a", 3, &policy(0, 2, &json!({}))),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                resize(3, 4),
                of(4, "gone", "w1"),
                launched(5, "$launch:0", "n2"),
            ],
            &[
                (0, "running launch:a launch:a"),
                (2, "running retire:w1 launch:a"),
                (4, "running launch:a"),
                (5, "running launch:a launch:a"),
            ],
        )
        .because("nothing is asked for by a plan that is going to be made anew"),
    ]
}

/// An hour that begins a minute after everything else.
fn soon() -> Value {
    json!({"schedule": "1 0 * * *", "durationSeconds": 3600, "timeZone": "UTC"})
}

/// What is asked for.
fn asked() -> Vec<Case> {
    let soon = soon();
    vec![
        rollout(
            "what-is-down-goes-before-its-replacement-comes",
            &web("k1@a:new w1@a:notReady", 2, &policy(0, 1, &json!({}))),
            &[of(1, "gone", "w1")],
            &[(0, "running retire:w1"), (1, "running launch:a")],
        ),
        rollout(
            "ends-when-the-failed-one-is-gone",
            &web("w1@a", 1, &policy(0, 2, &json!({"attempts": 2}))),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "failed", "n1"),
                launched(3, "$launch:0", "n2"),
                of(4, "ready", "n2"),
                of(5, "gone", "w1"),
                of(6, "gone", "n1"),
            ],
            &[
                (2, "running retire:n1 launch:a"),
                (4, "running retire:w1 retire:n1"),
                (5, "running retire:n1"),
                (6, "succeeded"),
            ],
        ),
        rollout(
            "fails-twice-and-is-retired-once",
            &web("w1@a", 1, &policy(0, 2, &json!({"attempts": 3}))),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "failed", "n1"),
                of(3, "failed", "n1"),
                of(4, "gone", "n1"),
            ],
            &[(2, "running retire:n1 launch:a"), (3, "running retire:n1 launch:a"), (4, "running launch:a")],
        ),
        rollout(
            "compromised-after-it-was-asked-to-go",
            &web("w1@a", 1, &policy(0, 3, &json!({"attempts": 2}))),
            &[launched(1, "$launch:0", "n1"), of(2, "failed", "n1"), of(3, "compromised", "n1")],
            &[(2, "running retire:n1 launch:a"), (3, "running retire:n1 launch:a")],
        )
        .because("something else comes for it already"),
        rollout(
            "lost-when-nothing-may-be-begun",
            &web(
                "w1@a",
                1,
                &json!({
                    "budgets": [budget(0, 1), {"maxInFlight": 0, "window": soon}],
                    "strategy": {"canary": [{"amount": 1, "gate": {"approval": "ops"}}]},
                }),
            ),
            &[
                launched(1, "$launch:0", "n1"),
                of(2, "ready", "n1"),
                of(3, "gone", "w1"),
                of(60, "gone", "n1"),
                answer(61, "approved", "$ask:0"),
                event(3660, "tick"),
            ],
            &[(3, "running ask"), (4, "running ask"), (5, "running"), (6, "running launch:a")],
        )
        .because("it has not succeeded before what is lost is back"),
    ]
}

/// What is counted as failed.
fn failed() -> Vec<Case> {
    let no_capacity = |second| answer(second, "launchFailed", "$launch:0");
    vec![
        rollout(
            "nothing-more-is-asked-for-after-a-failure",
            &web("w1@a w2@a", 2, &policy(0, 2, &json!({}))),
            &[no_capacity(1), launched(2, "$launch:0", "n2"), of(3, "ready", "n2"), by(4, "continue")],
            &[
                (0, "running launch:a launch:a"),
                (1, "paused launch:a"),
                (3, "paused"),
                (4, "running retire:w2 launch:a"),
            ],
        ),
        rollout(
            "as-many-compromised-as-allowed",
            &two(&json!({"breakers": {"maxCompromised": 1}})),
            &[of(1, "compromised", "w2"), launched(2, "$launch:0", "n1"), of(3, "compromised", "w1")],
            &[(1, "running launch:a"), (2, "running"), (3, "paused")],
        ),
        rollout(
            "what-failed-before-somebody-went-on",
            &two(&json!({"breakers": {"maxFailed": 1}})),
            &[no_capacity(1), no_capacity(2), by(3, "continue"), no_capacity(4)],
            &[(1, "running launch:a"), (2, "paused"), (3, "running launch:a"), (4, "running launch:a")],
        )
        .because("who goes on forgives"),
        rollout(
            "tried-again-when-everything-else-is-done",
            &web("w1@a w2@a", 2, &policy(0, 2, &json!({"breakers": {"maxFailed": 1}}))),
            &[
                no_capacity(1),
                launched(2, "$launch:0", "n2"),
                of(3, "ready", "n2"),
                of(4, "gone", "w2"),
                by(5, "continue"),
                launched(6, "$launch:0", "n3"),
                of(7, "ready", "n3"),
                of(8, "gone", "w1"),
            ],
            &[(4, "paused"), (5, "running launch:a"), (7, "running retire:w1"), (8, "succeeded")],
        ),
        rollout(
            "launched-late-in-a-pause",
            &two(&json!({"progressDeadlineSeconds": 60})),
            &[
                by(1, "pause"),
                event(70, "tick"),
                launched(71, "$launch:0", "n1"),
                by(72, "continue"),
                event(131, "tick"),
                event(132, "tick"),
            ],
            &[(3, "paused"), (4, "running"), (5, "running"), (6, "paused retire:n1")],
        )
        .because("its time ran out in the pause, and begins anew with the one who goes on"),
        rollout(
            "each-attempt-has-its-own-time",
            &two(&json!({"attempts": 2, "progressDeadlineSeconds": 60})),
            &[
                launched(5, "$launch:0", "n1"),
                of(50, "failed", "n1"),
                of(51, "gone", "n1"),
                launched(55, "$launch:0", "n2"),
                event(60, "tick"),
                event(111, "tick"),
            ],
            &[(2, "running retire:n1"), (3, "running launch:a"), (5, "running"), (6, "paused retire:n2")],
        ),
    ]
}
