//! Rollouts that fail, and that the world changes under.

use serde_json::json;

use super::{
    fleets::{fleet, policy, web},
    journals::{after_first, answer, by, event, launched, observed, of, rollout, two, with_fallback},
};
use crate::vectors::{
    case::{Case, Section},
    layout::with,
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Rollouts that fail, and go back", cases: failing() },
        Section { title: "Rollouts in a world that changes", cases: changing() },
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
            "back-while-more-fails",
            &web("w1@a w2@a", 2, &policy(0, 2, &json!({"onFailure": "rollback"}))),
            &[no_capacity(1), no_capacity(2)],
            &[(0, "running launch:a launch:a"), (1, "rollingBack launch:a"), (2, "rolledBack")],
        )
        .because("what was begun before and fails is no failure of going back"),
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
