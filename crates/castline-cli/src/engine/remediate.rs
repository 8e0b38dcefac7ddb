use std::fmt::Write as _;

use castline::{
    drift::Severity,
    engine::{CheckMode, Checked, EngineError, Told, Verdict as Found},
    policy::Policy,
    shown_whole,
};

use super::{
    block_on,
    rollback::last_policy,
    rolling::{Orders, Went, carry_out, refuse},
    service,
    site::Site,
    view::View,
};
use crate::{Failure, Verdict, arguments::Remediate, documents, drift, output, progress::Spinner};

/// How many findings of an instance are told, at most.
const NAMED: usize = 5;

/// `castline remediate`.
pub(crate) fn run(arguments: &Remediate) -> Result<Verdict, Failure> {
    let orders = Orders::of(&arguments.go, arguments.dry_run)?;
    let policy: Option<Policy> = arguments.policy.as_ref().map(|path| documents::read(path)).transpose()?;
    let site = Site::open(&arguments.place.site)?;
    block_on(async {
        let executor = site.executor(orders.stay)?;
        let service = service(&executor.store().ledger(), arguments.service.as_deref())?;
        let mode = if arguments.fast { CheckMode::Fast } else { CheckMode::Full };
        let spinner = Spinner::new(format!("comparing the instances of {service} with their images"));
        let (fleet, checked) = executor.verify(&service, mode).await?;
        drop(spinner);
        for one in &checked {
            if orders.json {
                View::new(true).show(&Told::from(one));
            } else {
                output::print(&text(one))?;
            }
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

/// What was found in an instance.
fn text(checked: &Checked) -> String {
    let place = if checked.zone.is_empty() {
        shown_whole(&checked.instance)
    } else {
        format!("{} (zone {})", shown_whole(&checked.instance), shown_whole(&checked.zone))
    };
    let (verdict, report) = match &checked.verdict {
        Found::Intact(report) => {
            return format!("{place}: intact, {} compared\n", output::counted(report.entries, "file"));
        }
        Found::Compromised(report) => ("NOT WHAT WAS SHIPPED".to_owned(), Some(report)),
        Found::Unverified { reason, report } => {
            (format!("NOT VERIFIED: {}", shown_whole(reason)), report.as_ref())
        }
        _ => ("NOT VERIFIED".to_owned(), None),
    };
    let mut text = format!("{place}: {verdict}\n");
    let Some(report) = report else { return text };
    let worst = [Severity::Critical, Severity::Warning];
    let findings = worst
        .iter()
        .flat_map(|severity| report.findings.iter().filter(move |finding| finding.severity == *severity));
    for finding in findings.clone().take(NAMED) {
        for line in drift::of(finding).lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    let more = findings.count().saturating_sub(NAMED) as u64 + report.more;
    if more > 0 {
        let _ = writeln!(text, "  and {more} more; --json has them");
    }
    text
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
