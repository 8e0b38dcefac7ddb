//! What holds for timelines and plans that do not fit together.

use proptest::prelude::*;

use super::{check_all, samples, text};
use crate::plan::{
    Limit, Members, Reason,
    simulate::{Interval, Life, Sample, Timeline},
};

fn millis() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(prop_oneof![0_u64..400_000, Just(u64::MAX), any::<u64>()])
}

fn any_life() -> impl Strategy<Value = Life> {
    let zone = prop_oneof!["[a-c]", ".{0,8}"];
    let reason = proptest::option::of(proptest::sample::select(Reason::ALL));
    (".{0,12}", zone, any::<bool>(), reason, (millis(), millis(), millis(), millis())).prop_map(
        |(instance, zone, new, reason, (launched, available, retired, gone))| Life {
            service: "web".into(),
            instance: instance.into(),
            zone: zone.into(),
            new,
            reason,
            launched_millis: launched,
            available_millis: available,
            retired_millis: retired,
            gone_millis: gone,
        },
    )
}

fn any_timeline() -> impl Strategy<Value = Timeline> {
    let number = || prop_oneof![0_u64..30, Just(u64::MAX), any::<u64>()];
    let sample = (prop_oneof![0_u64..400_000, any::<u64>()], number(), number())
        .prop_map(|(at_millis, present, available)| Sample { at_millis, present, available });
    let stage = (millis(), millis()).prop_map(|(from_millis, to_millis)| Interval { from_millis, to_millis });
    let capacity = proptest::collection::vec(proptest::collection::vec(sample, 0..12), 0..4);
    let lives = prop_oneof![
        proptest::collection::vec(any_life(), 0..20),
        proptest::collection::vec(any_life(), 200..230)
    ];
    let makespan = prop_oneof![Just(0), Just(u64::MAX), 0_u64..400_000];
    (makespan, "[^|]{0,20}", capacity, lives, proptest::collection::vec(stage, 0..5)).prop_map(
        |(makespan_millis, outcome, capacity, lives, stages)| Timeline {
            makespan_millis,
            outcome,
            capacity,
            lives,
            stages,
        },
    )
}

fn any_limit() -> impl Strategy<Value = Limit> {
    let number = || prop_oneof![0_u64..30, Just(u64::MAX)];
    let maybe = move || proptest::option::of(number());
    (number(), maybe(), maybe(), maybe(), any::<bool>()).prop_map(
        |(desired, floor, ceiling, in_flight, zone)| {
            let of = Members { services: vec!["web".into()], zone: zone.then(|| "a".into()), label: None };
            Limit { of, floor, ceiling, in_flight, ..samples::limit("fleet web", &[], desired, 0, 0) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_does_not_fit_together_is_drawn_all_the_same(
        timeline in any_timeline(),
        limits in proptest::collection::vec(any_limit(), 0..4),
        waves in proptest::collection::vec(any::<u32>(), 18),
        halves in proptest::collection::vec(0..4, 18),
        weight in proptest::option::of(any::<u8>()),
        width in 0_usize..300,
        kept in any::<u64>(),
    ) {
        let mut plan = samples::canary();
        plan.limits = limits;
        plan.services[0].kept = kept;
        plan.stages[1].weight = weight;
        plan.stages[0].after = vec![7, u32::MAX, 0];
        let replacements = plan.stages.iter_mut().flat_map(|stage| &mut stage.replacements);
        for ((one, wave), half) in replacements.zip(waves).zip(halves) {
            one.wave = wave;
            if half & 1 == 1 {
                one.launch = None;
            }
            if half & 2 == 2 {
                one.retire = None;
            }
        }
        for timeline in [None, Some(&timeline)] {
            check_all(&plan, timeline);
            let shown = text(&plan, timeline, width);
            let charts = shown.lines().filter(|line| line.contains('|'));
            prop_assert!(charts.into_iter().all(|line| line.chars().count() <= width.clamp(40, 200)), "{shown}");
        }
    }
}
