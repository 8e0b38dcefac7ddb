use super::*;

const DRIFTED: DisruptionReason = DisruptionReason::Drifted;

fn at(text: &str) -> Time {
    text.parse().expect(text)
}

fn allowed(budgets: &[DisruptionBudget], total: u64, now: &str) -> Option<u64> {
    allowed_disruptions(budgets, total, 0, 0, DRIFTED, at(now))
}

const NOON: &str = "2026-11-23T12:00:00Z";

#[test]
fn shares_are_rounded_up_and_the_strictest_wins() {
    for (nodes, total, expected) in [
        (&["10%"][..], 10, Some(1)),
        // The documentation's: 5 % of 10 lets one go, since it is rounded up.
        (&["5%"], 10, Some(1)),
        (&["20%", "5"], 20, Some(4)),
        (&["20%", "5"], 30, Some(5)),
        (&["20%", "5", "0"], 30, Some(0)),
        (&["100%"], 7, Some(7)),
        (&["15"], 7, Some(15)),
        (&["1%"], 0, Some(0)),
        (&[], 7, None),
    ] {
        let budgets: Vec<_> = nodes.iter().map(|nodes| DisruptionBudget::new(*nodes)).collect();
        assert_eq!(allowed(&budgets, total, NOON), expected, "{nodes:?} of {total}");
    }
    assert_eq!(allowed(&api_default(), 11, NOON), Some(2));
}

#[test]
fn what_is_down_or_going_takes_from_it() {
    for (not_ready, deleting, expected) in [(0, 0, 3), (1, 0, 2), (1, 1, 1), (2, 5, 0)] {
        let budgets = [DisruptionBudget::new("3")];
        let left = allowed_disruptions(&budgets, 10, not_ready, deleting, DRIFTED, at(NOON));
        assert_eq!(left, Some(expected));
    }
}

#[test]
fn a_budget_holds_for_its_reasons_and_while_it_is_active() {
    let budgets = [
        DisruptionBudget::new("0").with_reasons([DisruptionReason::Empty]),
        DisruptionBudget::new("1").with_schedule("@daily", "10m"),
        DisruptionBudget::new("2").with_schedule("0 9 * * 1-5", "8h0s"),
        DisruptionBudget::new("4").with_reasons([]),
    ];
    let reasoned = |reason, now| allowed_disruptions(&budgets, 10, 0, 0, reason, at(now));
    for (now, expected) in [
        ("2026-11-23T00:00:00Z", Some(1)),
        ("2026-11-23T00:09:59Z", Some(1)),
        ("2026-11-23T00:10:00Z", None),
        ("2026-11-23T09:00:00Z", Some(2)),
        ("2026-11-23T16:59:59.999Z", Some(2)),
        ("2026-11-23T17:00:00Z", None),
        ("2026-11-22T12:00:00Z", None),
    ] {
        assert_eq!(reasoned(DRIFTED, now), expected, "{now}");
        assert_eq!(reasoned(DisruptionReason::Empty, now), Some(0), "{now}");
    }
}

#[test]
fn one_that_cannot_be_read_closes_all() {
    let good = DisruptionBudget::new("5");
    for (nodes, schedule, duration) in [
        ("five", None, None),
        ("101%", None, None),
        ("-1", None, None),
        ("5", Some("* * * * tue-mon"), Some("1h")),
        ("5", Some("* * * * 7"), Some("1h")),
        ("5", Some("* * * * 5-7"), Some("1h")),
        ("5", Some("* * * *"), Some("1h")),
        ("5", Some("@every 1h"), Some("1h")),
        ("5", Some("@reboot"), Some("1h")),
        ("5", Some("TZ=UTC * * * * *"), Some("1h")),
        ("5", Some("@daily"), Some("1d")),
        ("5", Some("@daily"), Some("30s")),
        ("5", Some("@daily"), Some("h")),
        ("5", Some("@daily"), Some("5m1h")),
        ("5", Some("@daily"), None),
        ("5", None, Some("1h")),
    ] {
        let bad = DisruptionBudget {
            schedule: schedule.map(Into::into),
            duration: duration.map(Into::into),
            ..DisruptionBudget::new(nodes).with_reasons([DisruptionReason::Empty])
        };
        assert!(!bad.is_well_formed(), "{bad:?}");
        // Even for a reason that it is not about, as Karpenter does.
        let budgets = [good.clone(), bad];
        assert_eq!(allowed(&budgets, 10, NOON), Some(0), "{budgets:?}");
        let policy = policy(&budgets);
        assert_eq!(policy.budgets[1].max_in_flight, Some(Amount::ZERO));
        assert_eq!(policy.budgets[1].window, None);
    }
}

#[test]
fn schedules_that_leave_nothing_in_between_are_karpenters() {
    let never = DisruptionBudget::new("2").with_schedule("0 0 31 2 *", "1h");
    assert_eq!(allowed(&[never], 10, NOON), Some(2), "a time that never comes is always past");
    let empty = DisruptionBudget::new("2").with_schedule("0 12 * * *", "0m");
    assert_eq!(allowed(&[empty], 10, NOON), None);
    let question = DisruptionBudget::new("2").with_schedule("0 12 ? * mon", "1h");
    assert_eq!(allowed(&[question], 10, NOON), Some(2));
}

#[test]
fn a_policy_has_each_budget_as_a_limit_of_what_is_under_way() {
    let policy = policy(&[
        DisruptionBudget::new("10%"),
        DisruptionBudget::new("0")
            .with_schedule("0 9 * * mon-fri", "8h30m")
            .with_reasons([DisruptionReason::Underutilized, DisruptionReason::Empty]),
    ]);
    assert_eq!(policy.budgets[0], Budget::fleet(Amount::ZERO, Amount::ALL));
    let (always, at_work) = (&policy.budgets[1], &policy.budgets[2]);
    assert_eq!((always.max_in_flight, &always.window), (Some(Amount::percent_up(10)), &None));
    assert!(always.reasons.contains(&Reason::Image) && !always.reasons.contains(&Reason::Failed));
    assert_eq!(at_work.reasons, [Reason::Extra]);
    assert_eq!(at_work.window, Window::new("0 9 * * mon-fri", 30_600, "UTC").ok());
}

#[test]
fn budgets_are_read_as_a_node_pool_writes_them() {
    let json = r#"[{"nodes": "0", "reasons": ["Drifted"], "schedule": "@daily", "duration": "8h"}, {}]"#;
    let read: Vec<DisruptionBudget> = serde_json::from_str(json).expect("budgets");
    let expected = DisruptionBudget::new("0").with_reasons([DRIFTED]).with_schedule("@daily", "8h");
    assert_eq!(read, [expected, DisruptionBudget::new("10%")]);
}
