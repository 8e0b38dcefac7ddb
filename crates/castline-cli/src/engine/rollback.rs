use castline::{
    Digest, Document as _, Release,
    engine::{Command, Contents, EngineError, Planner, Told, UnderWay, Wanted, under_way, way_back},
    ledger::Ledger,
    plan::Plan,
    policy::{Policy, Select},
};

use super::{
    block_on,
    outcome::ways_on,
    remote::{Other, Reached, goes_back_to, reach, rolled_out},
    rolling::{Orders, Planned, carry_out, hinders, watch},
    service, short,
    site::Site,
    status::image,
    view::View,
};
use crate::{Failure, Verdict, arguments::Rollback, documents, output};

/// `castline rollback`.
pub(crate) fn run(arguments: &Rollback) -> Result<Verdict, Failure> {
    let orders = Orders::of(&arguments.go, arguments.dry_run)?;
    let policy: Option<Policy> = arguments.policy.as_ref().map(|path| documents::read(path)).transpose()?;
    let site = Site::known(&arguments.place.site)?;
    let to = arguments.to.as_deref();
    if orders.dry_run {
        let planner = site.planner()?;
        let contents = planner.contents();
        let service = service(contents.ledger(), arguments.service.as_deref())?;
        return match of_service(contents.ledger(), &service) {
            Some(ongoing) if !contents.rollout(&ongoing.rollout)?.status().is_end() => {
                would_go_back(&planner, ongoing.rollout, &service, to, orders.json)
            }
            _ => plan_back(&site, &orders, &service, to, policy.as_ref()),
        };
    }
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
    let ledger = executor.store().ledger();
    let service = service(&ledger, arguments.service.as_deref())?;
    let Some(ongoing) = of_service(&ledger, &service) else {
        // Whoever thinks about the plan keeps nobody from writing.
        drop(executor);
        return plan_back(&site, &orders, &service, to, policy.as_ref());
    };
    let went = block_on(async {
        let rolling = executor.resume(&ongoing.rollout, &site.actor).await?;
        if rolling.state().status().is_end() {
            // All that is missing is that it is recorded: whoever executed it was gone by then.
            rolling.run(|_told| ()).await?;
            return Ok(None);
        }
        goes_back_to(&executor.store().contents(), &ongoing.rollout, &service, to)?;
        match executor.ready_to_go_back(&rolling).await {
            Ok(()) => {}
            Err(EngineError::NoWayBack { rollout, reason, .. }) => {
                return cannot_go_back(rollout, &reason, orders.json).map(Some);
            }
            Err(error) => return Err(error.into()),
        }
        rolling.handle().roll_back(&site.actor);
        Ok(Some(watch(rolling, orders.json, &site.actor).await?.back_verdict()))
    })?;
    drop(executor);
    went.map_or_else(|| plan_back(&site, &orders, &service, to, policy.as_ref()), Ok)
}

fn plan_back(
    site: &Site,
    orders: &Orders,
    service: &str,
    to: Option<&str>,
    policy: Option<&Policy>,
) -> Result<Verdict, Failure> {
    let plan = async |planner: &Planner| prepare(site, planner, service, to, policy).await;
    block_on(async { Ok(carry_out(site, orders, plan).await?.verdict()) })
}

/// Says where a rollout that is not over would go back to.
fn would_go_back(
    planner: &Planner,
    rollout: Digest,
    service: &str,
    to: Option<&str>,
    json: bool,
) -> Result<Verdict, Failure> {
    let contents = planner.contents();
    goes_back_to(contents, &rollout, service, to)?;
    let releases = match contents.way_back_of(&rollout) {
        Ok(releases) => releases,
        Err(EngineError::NoWayBack { reason, .. }) => return cannot_go_back(rollout, &reason, json),
        Err(error) => return Err(error.into()),
    };
    let ready = block_on(async { Ok(planner.ready_to_go_back(&rollout).await) })?;
    if json {
        let releases = releases.iter().map(castline::Document::digest).collect();
        View::new(true).show(&Told::WouldGoBack { rollout, releases });
    } else {
        let goals = releases.iter().map(|goal| {
            let copies = output::counted(goal.replicas(), "instance");
            format!("{} to {copies} of {}", goal.service(), image(goal))
        });
        let (rollout, goals) = (short(&rollout), goals.collect::<Vec<_>>().join(", "));
        output::print(&format!("the rollout {rollout} is not over, and would go back: {goals}\n"))?;
    }
    let Err(error) = ready else { return Ok(Verdict::Clean) };
    hinders(&error)?;
    Ok(Verdict::Findings)
}

fn cannot_go_back(rollout: Digest, reason: &str, json: bool) -> Result<Verdict, Failure> {
    if json {
        View::new(true).show(&Told::Refused { rollout, reason: reason.to_owned() });
        return Ok(Verdict::Findings);
    }
    let rollout = short(&rollout);
    let else_ = ways_on(&rollout, false);
    output::note(&format!("the rollout {rollout} cannot go back: {reason}; nothing was recorded"))?;
    for line in else_.lines() {
        output::note(line)?;
    }
    Ok(Verdict::Findings)
}

/// The rollout of a service that is not over.
fn of_service(ledger: &Ledger, service: &str) -> Option<UnderWay> {
    under_way(ledger).into_iter().find(|one| one.services.iter().any(|of| **of == *service))
}

async fn prepare(
    site: &Site,
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
        None => last_policy(site, planner.contents(), service)?.repairing(),
    };
    let known = ledger.current(service) == Some(&release.digest());
    let prepared = match planner.prepare(&[Wanted { release, policy }]).await {
        Ok(prepared) => prepared.taking_back(last.rollout),
        Err(EngineError::Infeasible(infeasible)) => return Ok(Planned::Infeasible(infeasible)),
        Err(error) => return Err(error.into()),
    };
    if prepared.plan.is_empty() && known {
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
            "there is nothing that {service} can go back to: no other release of it has succeeded, and was neither taken back nor failed since; name one by --to (`castline history` has them)"
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

/// The policy that a service was rolled out by last, as a whole: one that only broken instances were replaced by says less. Zones that
/// the site does not have any more are left out.
pub(super) fn last_policy(site: &Site, contents: &Contents, service: &str) -> Result<Policy, Failure> {
    let zones = site.driver.zones();
    let here = |mut policy: Policy| {
        policy.zones.retain(|named| zones.is_empty() || zones.iter().any(|zone| **zone == **named));
        policy
    };
    let mut last = Err("nothing was rolled out yet".into());
    for rollout in contents.ledger().history(service).iter().rev() {
        let policy = policy_of(contents, &rollout.plan, service);
        match policy {
            Ok(policy) if policy.select == Select::Broken => last = Ok(policy),
            other => return other.map(here),
        }
    }
    last.map(here)
}
