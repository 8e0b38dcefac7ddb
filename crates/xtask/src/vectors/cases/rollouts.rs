//! Rollouts that arrive, at gates and under somebody's hand.

use serde_json::{Value, json};

use super::{
    fleets::{fleet, policy, release, target, web},
    journals::{after_first, answer, by, event, launched, of, resize, rollout, several, two, with_fallback},
};
use crate::vectors::case::{Case, Section};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Rollouts that arrive", cases: arriving() },
        Section { title: "Rollouts that somebody steers", cases: steered() },
        Section { title: "Rollouts at a gate", cases: gated() },
    ]
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
            "baked-anew",
            &{
                let mut target = canary(&json!({"bakeSeconds": 60}), &Value::Null);
                target["policy"]["breakers"] = json!({"maxFailed": 1});
                target
            },
            &after_first([
                of(33, "gone", "n1"),
                launched(34, "$launch:0", "n2"),
                event(63, "tick"),
                of(64, "ready", "n2"),
                event(123, "tick"),
                event(124, "tick"),
            ]),
            &[
                (3, "running"),
                (4, "running launch:a"),
                (6, "running"),
                (8, "running"),
                (9, "running launch:a"),
            ],
        )
        .because("what is lost is made up for, and then nothing may fail for as long again"),
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
                target(&fleet("db", "d1@b"), &release("db", 1), &policy(0, 1, &json!({})))
            ]),
            &json!([]),
            &[launched(1, "$launch:0", "d2"), of(2, "ready", "d2"), of(3, "gone", "d1")],
            &[(0, "running launch:b"), (2, "running retire:d1"), (3, "running launch:a")],
        ),
    ]
}
