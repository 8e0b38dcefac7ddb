use std::fmt::Write as _;

use castline::{
    engine::{CheckMode, Checked, EngineError, Verdict as Found},
    policy::Policy,
};

use super::{
    block_on,
    looking::Looking,
    rollback::last_policy,
    rolling::{Orders, Went, carry_out, refuse},
    service,
    site::Site,
};
use crate::{Failure, Verdict, arguments::Remediate, documents, output};

/// `castline remediate`.
pub(crate) fn run(arguments: &Remediate) -> Result<Verdict, Failure> {
    let orders = Orders::of(&arguments.go, arguments.dry_run)?;
    let policy: Option<Policy> = arguments.policy.as_ref().map(|path| documents::read(path)).transpose()?;
    let site = Site::open(&arguments.place.site)?;
    block_on(async {
        let executor = site.executor(orders.stay)?;
        let service = service(&executor.store().ledger(), arguments.service.as_deref())?;
        let mode = if arguments.fast { CheckMode::Fast } else { CheckMode::Full };
        let mut looking = Looking::new(orders.json);
        let (fleet, checked) = executor.verify(&service, mode, |told| looking.show(&told)).await?;
        drop(looking);
        if !orders.dry_run {
            executor.record_verification(&service, mode, &checked, &site.actor).await?;
        }
        let unverified = checked.iter().any(|one| matches!(one.verdict, Found::Unverified { .. }));
        let changed =
            checked.iter().filter(|one| matches!(one.verdict, Found::Compromised(_))).count() as u64;
        if !orders.json {
            output::print(&summary(&checked, changed))?;
        }
        let policy = match policy {
            Some(policy) => policy,
            None => last_policy(&executor, &service)?,
        };
        let prepared = match executor.remedy(fleet, policy, arguments.keep.as_policy()) {
            Ok(prepared) => prepared,
            Err(EngineError::Infeasible(infeasible)) => return refuse(infeasible, orders.json),
            Err(error) => return Err(error.into()),
        };
        if prepared.plan.is_empty() {
            if !orders.json {
                output::print("nothing is to be replaced\n")?;
            }
        } else {
            match carry_out(&executor, prepared, &orders, &site.actor).await? {
                Went::Shown => return Ok(Verdict::Findings),
                went => {
                    if went.verdict() == Verdict::Findings {
                        return Ok(Verdict::Findings);
                    }
                }
            }
        }
        Ok(if unverified { Verdict::Findings } else { Verdict::Clean })
    })
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
