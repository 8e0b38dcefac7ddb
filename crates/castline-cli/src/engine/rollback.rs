use castline::{
    Digest, Document as _, Release,
    engine::{EngineError, Executor, Prepared, Store, way_back},
    ledger::Ledger,
    plan::{Plan, Target},
    policy::{Policy, Select},
};

use super::{
    block_on, find,
    rolling::{Orders, carry_out, refuse, watch},
    service,
    site::Site,
};
use crate::{Failure, Verdict, arguments::Rollback, documents, output};

/// `castline rollback`.
pub(crate) fn run(arguments: &Rollback) -> Result<Verdict, Failure> {
    let orders = Orders::of(&arguments.go, false)?;
    let policy: Option<Policy> = arguments.policy.as_ref().map(|path| documents::read(path)).transpose()?;
    let site = Site::open(&arguments.place.site)?;
    block_on(async {
        let executor = site.executor(orders.stay)?;
        let ledger = executor.store().ledger();
        let service = service(&ledger, arguments.service.as_deref())?;
        if let Some(ongoing) =
            castline::engine::under_way(&ledger).iter().find(|one| one.services.contains(&service))
        {
            if arguments.to.is_some() {
                return Err(format!(
                    "the rollout {} of {service} is not over: go on with it by `castline resume`, or stop it by `castline resume --abort`; without --to it goes back itself",
                    ongoing.rollout
                )
                .into());
            }
            let rolling = executor.resume(&ongoing.rollout, &site.actor).await?;
            rolling.handle().roll_back(&site.actor);
            let went = watch(rolling, orders.json, &site.actor).await?;
            return Ok(went.back_verdict());
        }
        let release = goal(&ledger, &service, arguments.to.as_deref())?;
        let last = ledger.history(&service).pop().ok_or("nothing was rolled out yet")?;
        let policy = match policy {
            Some(policy) => policy,
            None => last_policy(&executor, &service)?.repairing(),
        };
        let fleet = executor.observe(&service).await?;
        let prepared = match Prepared::new(vec![Target { fleet, release: release.clone(), policy }]) {
            Ok(prepared) => prepared.taking_back(last.rollout),
            Err(EngineError::Infeasible(infeasible)) => return refuse(infeasible, orders.json),
            Err(error) => return Err(error.into()),
        };
        if prepared.plan.is_empty() && ledger.current(&service) == Some(&release.digest()) {
            output::note("nothing to do: that release runs already")?;
            return Ok(Verdict::Clean);
        }
        Ok(carry_out(&executor, prepared, &orders, &site.actor).await?.verdict())
    })
}

/// The release to go back to: the one that is named, or the one that was good last, with as many copies as there are to be now.
fn goal(ledger: &Ledger, service: &str, to: Option<&str>) -> Result<Release, Failure> {
    let current = ledger.current(service).and_then(|digest| ledger.release(digest));
    if let Some(to) = to {
        let history = ledger.history(service);
        let digest = find(history.iter().map(|one| &one.release), to, "release that was rolled out")?;
        let release = ledger.release(digest).cloned();
        return release.ok_or_else(|| format!("the ledger does not have the release {digest}").into());
    }
    let release = way_back(ledger, service).cloned().ok_or_else(|| {
        format!(
            "there is nothing that {service} can go back to: no other release of it succeeded and has not failed since; name one by --to (`castline history` has them)"
        )
    })?;
    Ok(match current {
        Some(current) => release.with_replicas(current.replicas()),
        None => release,
    })
}

/// The policy that a service was rolled out by.
fn policy_of(store: &Store, plan: &Digest, service: &str) -> Result<Policy, Failure> {
    let plan: Plan = store.document(plan)?;
    let planned = plan.services.iter().find(|planned| *planned.service == *service);
    let planned = planned.ok_or("the last plan does not have the service; name a policy by --policy")?;
    Ok(store.document(&planned.policy)?)
}

/// The policy that a service was rolled out by last, as a whole: one that only broken instances were replaced by says less.
pub(super) fn last_policy(executor: &Executor, service: &str) -> Result<Policy, Failure> {
    let mut last = Err("nothing was rolled out yet".into());
    for rollout in executor.store().ledger().history(service).iter().rev() {
        let policy = policy_of(executor.store(), &rollout.plan, service);
        match policy {
            Ok(policy) if policy.select == Select::Broken => last = Ok(policy),
            other => return other,
        }
    }
    last
}
