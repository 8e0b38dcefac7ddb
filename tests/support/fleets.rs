//! Random fleets, budgets and policies.

use std::collections::BTreeMap;

use castline::{
    Fleet, Health, Instance, Integrity, Phase, ProviderImage, Release,
    plan::Target,
    policy::{Amount, Budget, Compromised, Policy, Scope, Spread},
};
use proptest::prelude::*;

pub(crate) fn release(service: &str, image: &str, replicas: u64) -> Release {
    let provenance = BTreeMap::from([("builder".to_owned(), "packer".to_owned())]);
    let image = ProviderImage { provider: "aws".into(), id: image.into(), provenance };
    Release::of_provider_image(service, image, replicas).expect("a release")
}

prop_compose! {
    fn instance(id: usize)(
        zone in "[abc]",
        old in prop::bool::weighted(0.7),
        health in prop::sample::select(vec![
            Health::Ready, Health::Ready, Health::Ready, Health::NotReady, Health::Failed, Health::Unknown,
        ]),
        phase in prop::sample::select(vec![
            Phase::Running, Phase::Running, Phase::Running, Phase::Running, Phase::Pending, Phase::Terminating,
        ]),
        compromised in prop::bool::weighted(0.1),
        rack in prop::option::of("[xy]"),
    ) -> Instance {
        let instance = Instance::new(format!("i-{id:03}"))
            .with_zone(zone)
            .with_image(if old { "ami-1" } else { "ami-2" })
            .with_health(if phase == Phase::Pending { Health::NotReady } else { health })
            .with_phase(phase)
            .with_integrity(if compromised { Integrity::Compromised } else { Integrity::Unknown });
        match rack {
            Some(rack) => instance.with_label("rack", rack),
            None => instance,
        }
    }
}

pub(crate) fn fleet() -> impl Strategy<Value = Vec<Instance>> {
    (0_usize..14).prop_flat_map(|size| (0..size).map(instance).collect::<Vec<_>>())
}

pub(crate) fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        (0_u64..5).prop_map(Amount::Count),
        (0_u32..120).prop_map(Amount::percent_up),
        (0_u32..120).prop_map(Amount::percent_down),
    ]
}

pub(crate) fn budget() -> impl Strategy<Value = Budget> {
    let scope = prop_oneof![
        3 => Just(Scope::Fleet),
        2 => Just(Scope::Zone),
        1 => Just(Scope::Label("rack".into())),
        1 => Just(Scope::InZone("a".into())),
    ];
    (scope, amount(), amount(), prop::option::weighted(0.2, 1_u64..4)).prop_map(
        |(scope, unavailable, surge, in_flight)| {
            let mut budget = Budget::of(scope, unavailable, surge);
            budget.max_in_flight = in_flight.map(Amount::Count);
            budget
        },
    )
}

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    let compromised =
        prop::sample::select(vec![Compromised::Replace, Compromised::Quarantine, Compromised::Isolate]);
    (prop::collection::vec(budget(), 1..3), prop::bool::ANY, compromised, 0_u64..3).prop_map(
        |(budgets, even, compromised, min_ready)| {
            let policy = Policy::default()
                .with_spread(if even { Spread::Even } else { Spread::Keep })
                .with_compromised(compromised)
                .with_min_ready_seconds(min_ready * 30);
            budgets.into_iter().fold(policy, Policy::with_budget)
        },
    )
}

pub(crate) fn target() -> impl Strategy<Value = Target> {
    (fleet(), 0_u64..14, policy()).prop_map(|(instances, replicas, policy)| Target {
        fleet: Fleet::new("web", instances).expect("unique ids"),
        release: release("web", "ami-2", replicas),
        policy,
    })
}
