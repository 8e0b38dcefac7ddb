use castline::{
    Digest, Document as _, Release,
    engine::{Command, Contents, EngineError, Planner, Prepared, UnderWay, under_way, way_back},
    ledger::Ledger,
    plan::{Plan, Target},
    policy::{Policy, Select},
};

use super::{
    block_on,
    remote::{Other, Reached, goes_back_to, reach, rolled_out},
    rolling::{Orders, Planned, carry_out, watch},
    service,
    site::Site,
};
use crate::{Failure, Verdict, arguments::Rollback, documents};

/// `castline rollback`.
pub(crate) fn run(arguments: &Rollback) -> Result<Verdict, Failure> {
    let orders = Orders::of(&arguments.go, false)?;
    let policy: Option<Policy> = arguments.policy.as_ref().map(|path| documents::read(path)).transpose()?;
    let site = Site::open(&arguments.place.site)?;
    let to = arguments.to.as_deref();
    let told = |other: &Other| {
        let service = service(other.contents.ledger(), arguments.service.as_deref())?;
        let Some(ongoing) = of_service(other.contents.ledger(), &service) else {
            return Err(site.held(other.contents.holder()));
        };
        goes_back_to(&other.contents, &ongoing.rollout, &service, to)?;
        Ok((ongoing.rollout, Command::RollBack))
    };
    let executor = match reach(&site, orders.stay, told)? {
        Reached::Here(executor) => executor,
        Reached::There(answered) => {
            let then = "; `castline status` says how far it is";
            return answered.report(&site, orders.json, "it goes back", then);
        }
    };
    block_on(async {
        let ledger = executor.store().ledger();
        let service = service(&ledger, arguments.service.as_deref())?;
        if let Some(ongoing) = of_service(&ledger, &service) {
            goes_back_to(&executor.store().contents(), &ongoing.rollout, &service, to)?;
            let rolling = executor.resume(&ongoing.rollout, &site.actor).await?;
            rolling.handle().roll_back(&site.actor);
            let went = watch(rolling, orders.json, &site.actor).await?;
            return Ok(went.back_verdict());
        }
        // Whoever thinks about the plan keeps nobody from writing.
        drop(executor);
        let plan = async |planner: &Planner| prepare(planner, &service, to, policy.as_ref()).await;
        Ok(carry_out(&site, &orders, plan).await?.verdict())
    })
}

/// The rollout of a service that is not over.
fn of_service(ledger: &Ledger, service: &str) -> Option<UnderWay> {
    under_way(ledger).into_iter().find(|one| one.services.iter().any(|of| **of == *service))
}

async fn prepare(
    planner: &Planner,
    service: &str,
    to: Option<&str>,
    policy: Option<&Policy>,
) -> Result<Planned, Failure> {
    let ledger = planner.contents().ledger();
    let release = goal(ledger, service, to)?;
    let last = ledger.history(service).pop().ok_or("nothing was rolled out yet")?;
    let policy = match policy {
        Some(policy) => policy.clone(),
        None => last_policy(planner.contents(), service)?.repairing(),
    };
    let fleet = planner.observe(service).await?;
    let prepared = match Prepared::new(vec![Target { fleet, release: release.clone(), policy }]) {
        Ok(prepared) => prepared.taking_back(last.rollout),
        Err(EngineError::Infeasible(infeasible)) => return Ok(Planned::Infeasible(infeasible)),
        Err(error) => return Err(error.into()),
    };
    if prepared.plan.is_empty() && ledger.current(service) == Some(&release.digest()) {
        return Ok(Planned::Nothing("nothing to do: that release runs already"));
    }
    Ok(Planned::Prepared(prepared.into()))
}

/// The release to go back to: the one that is named, or the one that was good last, with as many copies as there are to be now.
fn goal(ledger: &Ledger, service: &str, to: Option<&str>) -> Result<Release, Failure> {
    let current = ledger.current(service).and_then(|digest| ledger.release(digest));
    if let Some(to) = to {
        let digest = rolled_out(ledger, service, to)?;
        let release = ledger.release(&digest).cloned();
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
fn policy_of(contents: &Contents, plan: &Digest, service: &str) -> Result<Policy, Failure> {
    let plan: Plan = contents.document(plan)?;
    let planned = plan.services.iter().find(|planned| *planned.service == *service);
    let planned = planned.ok_or("the last plan does not have the service; name a policy by --policy")?;
    Ok(contents.document(&planned.policy)?)
}

/// The policy that a service was rolled out by last, as a whole: one that only broken instances were replaced by says less.
pub(super) fn last_policy(contents: &Contents, service: &str) -> Result<Policy, Failure> {
    let mut last = Err("nothing was rolled out yet".into());
    for rollout in contents.ledger().history(service).iter().rev() {
        let policy = policy_of(contents, &rollout.plan, service);
        match policy {
            Ok(policy) if policy.select == Select::Broken => last = Ok(policy),
            other => return other,
        }
    }
    last
}
