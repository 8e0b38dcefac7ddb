//! Policies of presets, planned and proved.

use std::collections::BTreeMap;

use super::{aws, cluster_api, gce, karpenter, kubernetes, nomad, swarm};
use crate::{
    Fleet, Instance, ProviderImage, Release,
    fleet::Health,
    plan::{Target, check::check, plan},
    policy::Policy,
};

/// A fleet of so many with an old image, its release, and what a preset makes of it.
fn target(count: u64, policy: impl Fn(&Fleet) -> Policy) -> Target {
    let old =
        |number| Instance::new(format!("i-{number}")).with_image("ami-1").with_slot(format!("web-{number}"));
    unslotted(Fleet::new("web", (0..count).map(old)).expect("a fleet"), count, policy)
}

fn unslotted(fleet: Fleet, count: u64, policy: impl Fn(&Fleet) -> Policy) -> Target {
    let provenance = BTreeMap::from([("build".to_owned(), "2".to_owned())]);
    let image = ProviderImage { provider: "aws".into(), id: "ami-2".into(), provenance };
    let release = Release::of_provider_image("web", image, count).expect("a release");
    let policy = policy(&fleet);
    Target { fleet, release, policy }
}

/// The highest floor and the lowest ceiling of a plan, how many it retires, once it is proved.
fn planned(target: Target) -> (u64, u64, usize) {
    let targets = [target];
    let plan = plan(&targets).unwrap_or_else(|error| panic!("{error}\n{:?}", targets[0].policy));
    check(&plan, &targets).unwrap_or_else(|error| panic!("{error:?}\n{:?}", targets[0].policy));
    let floor = plan.limits.iter().filter_map(|limit| limit.floor).max().unwrap_or(0);
    let ceiling = plan.limits.iter().filter_map(|limit| limit.ceiling).min().unwrap_or(u64::MAX);
    (floor, ceiling, plan.replacements().filter(|one| one.retire.is_some()).count())
}

fn fleet(count: u64) -> Fleet {
    let old = |number| Instance::new(format!("i-{number}")).with_image("ami-1");
    Fleet::new("web", (0..count).map(old)).expect("a fleet")
}

#[test]
fn what_a_preset_allows_is_what_its_plan_stays_within() {
    let swarm = swarm::UpdateConfig::api_default().with_parallelism(4);
    for (policy, expected) in [
        (kubernetes::Deployment::api_default().policy(10), (8, 13)),
        (kubernetes::Deployment::unstated().policy(10), (9, 10)),
        (kubernetes::Deployment::api_default().with_recreate().policy(10), (0, 10)),
        (kubernetes::DaemonSet::api_default().policy(), (9, 10)),
        (kubernetes::DaemonSet::surge("25%").expect("a set").policy(), (10, 13)),
        (cluster_api::MachineDeployment::api_default().policy(10), (10, 11)),
        (karpenter::policy(&karpenter::api_default()), (10, 20)),
        (nomad::Update::api_default().with_max_parallel(3).policy(10).expect("a policy"), (7, 10)),
        (nomad::Update::api_default().with_canary(2).policy(10).expect("a policy"), (9, 12)),
        (swarm.clone().policy(10), (6, 10)),
        (swarm.with_order(swarm::Order::StartFirst).policy(10), (10, 14)),
        (aws::InstanceRefresh::api_default().policy(10).expect("a policy"), (9, 10)),
        (gce::InstanceGroup::regional(10, 3).policy().expect("a policy"), (7, 13)),
    ] {
        let (floor, ceiling, replacements) = planned(unslotted(fleet(10), 10, |_| policy.clone()));
        assert_eq!((floor, ceiling), expected, "{policy:?}");
        assert_eq!(replacements, 10, "{policy:?}");
    }
}

#[test]
fn a_stateful_set_is_replaced_down_to_its_partition() {
    let set = kubernetes::StatefulSet::api_default().with_partition(2);
    let target = target(5, |fleet| set.policy(fleet, 5).expect("a policy"));
    let made = plan(std::slice::from_ref(&target)).expect("a plan");
    let retired: Vec<&str> = made.replacements().filter_map(|one| Some(&*one.retire.as_ref()?.id)).collect();
    assert_eq!(retired, ["i-4", "i-3", "i-2"]);
    assert_eq!(planned(target), (4, 5, 3));
}

#[test]
fn what_is_broken_is_made_anew_and_nothing_else() {
    let broken = Instance::new("i-9").with_image("ami-1").with_health(Health::Failed);
    let instances = fleet(4).instances().iter().cloned().chain([broken]).collect::<Vec<_>>();
    let fleet = Fleet::new("web", instances).expect("a fleet");
    let check: cluster_api::MachineHealthCheck = "40%".parse().expect("a check");
    let (floor, ceiling, replacements) =
        planned(unslotted(fleet, 5, |fleet| check.policy(fleet, 5).expect("a policy")));
    assert_eq!((floor, ceiling, replacements), (3, 5, 1));
}

#[test]
fn a_karpenter_budget_that_cannot_be_read_leaves_no_plan() {
    let policy = karpenter::policy(&[karpenter::DisruptionBudget::new("many")]);
    let error = plan(&[unslotted(fleet(3), 3, |_| policy.clone())]).expect_err("a closed budget");
    assert!(error.to_string().contains("cannot be read"), "{error}");
}
