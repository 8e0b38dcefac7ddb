use std::{fmt::Write as _, sync::Arc};

use castline::{
    Fleet, Instance,
    engine::{CheckMode, Checked, EngineError, Planner, Verdict as Found},
    policy::Policy,
};

use super::{
    block_on,
    looking::Looking,
    rollback::last_policy,
    rolling::{Orders, Planned, Went, carry_out, none_under_way},
    service,
    site::Site,
};
use crate::{Failure, Verdict, arguments::Remediate, documents, output};

/// `castline remediate`.
pub(crate) fn run(arguments: &Remediate) -> Result<Verdict, Failure> {
    let orders = Orders::of(&arguments.go, arguments.dry_run)?;
    let policy: Option<Policy> = arguments.policy.as_ref().map(|path| documents::read(path)).transpose()?;
    let site = Site::known(&arguments.place.site)?;
    block_on(async {
        let planner = site.planner()?;
        if !orders.dry_run {
            // Rather now than after all has been read.
            site.refuse_if_held(planner.contents())?;
        }
        let service = service(planner.contents().ledger(), arguments.service.as_deref())?;
        if !orders.dry_run {
            none_under_way(planner.contents(), std::iter::once(&service))?;
        }
        let mode = if arguments.fast { CheckMode::Fast } else { CheckMode::Full };
        let mut looking = Looking::new(orders.json);
        let (seen, checked) = planner.verify(&service, mode, |told| looking.show(&told)).await?;
        drop(looking);
        if !orders.dry_run {
            let executor = site.executor(orders.stay)?;
            executor.record_verification(&service, mode, &checked, &site.actor).await?;
        }
        let unverified = checked.iter().any(|one| matches!(one.verdict, Found::Unverified { .. }));
        let changed =
            checked.iter().filter(|one| matches!(one.verdict, Found::Compromised(_))).count() as u64;
        if !orders.json {
            output::print(&summary(&checked, changed))?;
        }
        let plan = async |planner: &Planner| {
            let policy = match &policy {
                Some(policy) => policy.clone(),
                None => last_policy(&site, planner.contents(), &service)?,
            };
            let fleet = judged(&planner.observe(&service).await?, &seen)?;
            Ok(match planner.remedy(fleet, policy, arguments.keep.as_policy()) {
                Ok(prepared) if prepared.plan.is_empty() => Planned::Nothing("nothing is to be replaced"),
                Ok(prepared) => Planned::Prepared(prepared.into()),
                Err(EngineError::Infeasible(infeasible)) => Planned::Infeasible(infeasible),
                Err(error) => return Err(error.into()),
            })
        };
        let clean = match carry_out(&site, &orders, plan).await? {
            Went::Shown => false,
            went => went.verdict() == Verdict::Clean && !unverified,
        };
        Ok(if clean { Verdict::Clean } else { Verdict::Findings })
    })
}

/// What is there now, with what was found in it when it was looked into.
fn judged(now: &Fleet, seen: &Fleet) -> Result<Fleet, Failure> {
    let judge = |one: &Instance| match seen.instance(&one.id) {
        // Another one may have come by the same name.
        Some(then) if (then.created_at, &then.image) == (one.created_at, &one.image) => {
            one.clone().with_integrity(then.integrity)
        }
        _ => one.clone(),
    };
    Ok(Fleet::new(Arc::clone(now.service()), now.instances().iter().map(judge))?)
}

fn summary(checked: &[Checked], changed: u64) -> String {
    let unverified =
        checked.iter().filter(|one| matches!(one.verdict, Found::Unverified { .. })).count() as u64;
    let all = output::counted(checked.len() as u64, "instance");
    let mut text = match changed {
        0 => format!("\n{all} looked into: none was changed"),
        changed => format!("\n{all} looked into: {changed} changed"),
    };
    if unverified > 0 {
        let _ = write!(text, ", {unverified} not verified, and not taken for intact");
    }
    text.push_str("\n\n");
    text
}
