//! Five incidents that others' rollouts had, and what castline does with the same fleets.
//!
//! `cargo run --example incidents`

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeMap;

use castline::{
    Fleet, Health, Instance, ProviderImage, Release, Time,
    plan::{self, Plan, Reason, Target, check::check, simulate::World},
    policy::{Amount, Budget, OnFailure, Policy, Preference},
    rollout::{Do, Event, Rollout, Status, What},
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    old_ones_that_are_down_eat_the_budget()?;
    terminating_ones_are_not_counted()?;
    a_revision_is_broken_half_way()?;
    a_primary_is_moved_again_and_again()?;
    drift_is_never_done()
}

/// kubernetes#137409: a `StatefulSet` (Parallel) with `maxUnavailable: 1`, two of whose old pods do not start. They used up
/// the budget, so that nothing was replaced, them included.
fn old_ones_that_are_down_eat_the_budget() -> Outcome {
    let down = |number| if number < 2 { Health::NotReady } else { Health::Ready };
    let fleet = old((0..5).map(|number| {
        Instance::new(format!("db-{number}")).with_slot(format!("db-{number}")).with_health(down(number))
    }))?;
    let policy = Policy::default()
        .with_budget(Budget::fleet(Amount::Count(1), Amount::ZERO))
        .with_preference(Preference::HighestSlot);
    let (plan, timeline) = carried_out(Target { fleet, release: release(2, 5)?, policy })?;
    let first: Vec<&str> = plan
        .replacements()
        .filter(|one| one.wave == 1)
        .filter_map(|one| Some(&*one.retire.as_ref()?.id))
        .collect();
    assert_eq!(first, ["db-1", "db-0"], "what is down is replaced first, and free of budget");
    println!(
        "kubernetes#137409: upstream, nothing moved. Here {} in {} waves.",
        timeline.outcome,
        plan.waves()
    );
    Ok(())
}

/// kubernetes#95498: 15 replicas, surge and unavailability 25 %: three pods were still terminating when seven new ones ran,
/// where four were allowed; nodes ran out of room.
fn terminating_ones_are_not_counted() -> Outcome {
    let fleet = old((0..15).map(|number| Instance::new(format!("web-{number:02}"))))?;
    let policy =
        Policy::default().with_budget(Budget::fleet(Amount::percent_down(25), Amount::percent_up(25)));
    let (plan, timeline) = carried_out(Target { fleet, release: release(2, 15)?, policy })?;
    let most = timeline.capacity[0].iter().map(|sample| sample.present).max().unwrap_or(0);
    assert_eq!(plan.limits[0].ceiling, Some(19));
    assert!(most <= 19, "{most} at once");
    println!(
        "kubernetes#95498: upstream, 22 at once. Here never more than {most} of 19, those that end included."
    );
    Ok(())
}

/// kubernetes#67250: a broken revision half way. The controller waited for the broken pod to become ready before it would
/// touch another, also after the revision was put right: people had to delete pods by hand.
fn a_revision_is_broken_half_way() -> Outcome {
    let fleet = old((0..4).map(|number| Instance::new(format!("web-{number}"))))?;
    let policy = Policy::default()
        .with_budget(Budget::fleet(Amount::Count(1), Amount::ZERO))
        .with_on_failure(OnFailure::Rollback);
    let targets = [Target { fleet, release: release(2, 4)?, policy }];
    let plan = plan::plan(&targets)?;
    let mut rollout = Rollout::start(&plan, &targets, &[release(1, 4)?], Time::default())?;
    let mut launches = 0;
    // The world: what goes, goes; what is launched of the new release never becomes ready, what is launched of the old does.
    while !rollout.status().is_end() {
        let next = rollout.next();
        let mut news = Vec::new();
        for action in next.actions {
            match action.what {
                Do::Launch { revision, .. } => {
                    launches += 1;
                    let instance: std::sync::Arc<str> = format!("new-{launches}").into();
                    news.push(What::Launched { key: action.key, instance: instance.clone() });
                    if revision == release(1, 4)?.revision() {
                        news.push(What::Ready { instance });
                    }
                }
                Do::Retire { instance, .. } => news.push(What::Gone { instance }),
                other => return Err(format!("nobody expected {other:?}").into()),
            }
        }
        let at = if news.is_empty() { next.wake.ok_or("it waits for nothing")? } else { rollout.clock() };
        news.push(What::Tick);
        rollout = news.into_iter().fold(rollout, |rollout, what| rollout.on(&Event { at, what }));
    }
    let Status::RolledBack { reason, .. } = rollout.status() else {
        return Err(format!("it ended otherwise: {:?}", rollout.status()).into());
    };
    let fleet = rollout.fleet("web").ok_or("no fleet")?;
    assert!(fleet.instances().iter().all(|one| one.is_available() && &*one.image == "ami-1"));
    assert_eq!(launches, 2, "one that was broken, and one in its place");
    println!(
        "kubernetes#67250: upstream, stuck until pods were deleted by hand. Here: {reason}; rolled back."
    );
    Ok(())
}

/// cluster-api#14256: each control-plane machine that was replaced handed etcd's leadership to one that was to be replaced
/// next. The primary should move once: at the end.
fn a_primary_is_moved_again_and_again() -> Outcome {
    let fleet = old((0..5).map(|number| {
        let role = if number == 0 { "primary" } else { "member" };
        Instance::new(format!("cp-{number}")).with_label("role", role)
    }))?;
    let last = Preference::Last { key: "role".into(), value: "primary".into() };
    let policy =
        Policy::default().with_budget(Budget::fleet(Amount::ZERO, Amount::Count(1))).with_preference(last);
    let (plan, _) = carried_out(Target { fleet, release: release(2, 5)?, policy })?;
    let (before, after) = (&plan.stages[0], &plan.stages[1]);
    assert!(before.replacements.iter().all(|one| one.retire.as_ref().is_some_and(|one| &*one.id != "cp-0")));
    assert_eq!(after.after, [0], "the primary waits until all others are done");
    println!(
        "cluster-api#14256: upstream, one that was to go next took over, time and again. Here it moves once, in the stage `{}`.",
        after.name
    );
    Ok(())
}

/// karpenter#3197: nodes drift faster than they are replaced, one decision at a time, and a restart forgets the queue. A plan
/// is done after so many replacements, and whoever plans again half way repeats none.
fn drift_is_never_done() -> Outcome {
    let fleet = old((0..20).map(|number| Instance::new(format!("node-{number:02}"))))?;
    let policy = Policy::default().with_budget(Budget::fleet(Amount::percent_up(10), Amount::ZERO));
    let targets = [Target { fleet, release: release(2, 20)?, policy }];
    let plan = plan::plan(&targets)?;
    let mut rollout = Rollout::start(&plan, &targets, &[], Time::default())?;
    let mut replaced = 0;
    // The first half, then whoever drives it is gone, and another one looks at what is there.
    while rollout.progress().done < 10 {
        for action in rollout.next().actions {
            let news = match action.what {
                Do::Launch { .. } => {
                    replaced += 1;
                    let instance: std::sync::Arc<str> = format!("new-{replaced:02}").into();
                    vec![
                        What::Launched { key: action.key, instance: instance.clone() },
                        What::Ready { instance },
                    ]
                }
                Do::Retire { instance, .. } => vec![What::Gone { instance }],
                other => return Err(format!("nobody expected {other:?}").into()),
            };
            let at = rollout.clock();
            rollout = news.into_iter().fold(rollout, |rollout, what| rollout.on(&Event { at, what }));
        }
    }
    let fleet = rollout.fleet("web").ok_or("no fleet")?;
    let (rest, timeline) = carried_out(Target { fleet, ..targets[0].clone() })?;
    let again =
        rest.replacements().filter(|one| one.retire.as_ref().is_some_and(|one| one.id.starts_with("new-")));
    assert_eq!(again.count(), 0);
    let drifted = rest.replacements().filter(|one| one.reason == Reason::Image).count();
    assert!(drifted <= 10, "{drifted}");
    println!(
        "karpenter#3197: upstream, begins again and again. Here {drifted} are left half way, and it {}.",
        timeline.outcome
    );
    Ok(())
}

fn release(version: u32, replicas: u64) -> Result<Release, castline::Error> {
    let provenance = BTreeMap::from([("builder".to_owned(), "packer".to_owned())]);
    let image = ProviderImage { provider: "aws".into(), id: format!("ami-{version}"), provenance };
    Release::of_provider_image("web", image, replicas)
}

fn old(instances: impl Iterator<Item = Instance>) -> Result<Fleet, castline::Error> {
    Fleet::new("web", instances.map(|instance| instance.with_image("ami-1")))
}

/// Plans, proves, and executes in a simulated world.
fn carried_out(target: Target) -> Result<(Plan, plan::simulate::Timeline), Box<dyn std::error::Error>> {
    let targets = [target];
    let plan = plan::plan(&targets)?;
    check(&plan, &targets)?;
    let timeline = plan::simulate(&plan, &targets, &[], &World::default(), Time::default())?;
    if timeline.outcome == "succeeded" { Ok((plan, timeline)) } else { Err(timeline.outcome.into()) }
}
