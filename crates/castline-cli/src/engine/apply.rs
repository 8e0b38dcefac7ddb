use castline::{
    Document as _, Release, ReleaseImage,
    engine::{EngineError, Executor, Wanted},
    policy::Policy,
};

use super::{
    block_on,
    gate::Gate,
    rolling::{Orders, carry_out, refuse},
    site::Site,
    status::image,
};
use crate::{Failure, Verdict, arguments::Apply, documents, output, secrets};

/// `castline apply`.
pub(crate) fn run(arguments: &Apply) -> Result<Verdict, Failure> {
    let orders = Orders::of(&arguments.go, arguments.dry_run)?;
    let releases: Vec<Release> =
        arguments.release.iter().map(|path| documents::read(path)).collect::<Result<_, _>>()?;
    let policies: Vec<Policy> =
        arguments.policy.iter().map(|path| documents::read(path)).collect::<Result<_, _>>()?;
    let mut wanted: Vec<Wanted> = Vec::new();
    for release in releases {
        if wanted.iter().any(|other| other.release.service() == release.service()) {
            return Err(format!("two releases of {} are named", release.service()).into());
        }
        secrets::warn(&release)?;
        let policy = documents::policy_for(&policies, release.service())?;
        wanted.push(Wanted { release, policy });
    }
    let site = Site::open(&arguments.place.site)?;
    block_on(async {
        let executor = site.executor(orders.stay)?;
        if !orders.dry_run && !are_tested(&site, &executor, &wanted)? {
            return Ok(Verdict::Findings);
        }
        site.answers_analyses(wanted.iter().map(|wanted| &wanted.policy))?;
        let prepared = match executor.prepare(&wanted).await {
            Ok(prepared) => prepared,
            Err(EngineError::Infeasible(infeasible)) => return refuse(infeasible, orders.json),
            Err(error) => return Err(error.into()),
        };
        let ledger = executor.store().ledger();
        let known =
            |wanted: &Wanted| ledger.current(wanted.release.service()) == Some(&wanted.release.digest());
        if prepared.plan.is_empty() && wanted.iter().all(known) {
            if !orders.json {
                output::print("nothing to do: what should run does\n")?;
            }
            return Ok(Verdict::Clean);
        }
        Ok(carry_out(&executor, prepared, &orders, &site.actor).await?.verdict())
    })
}

/// Whether each image has passed the site's test, where there is one. What has not is said.
fn are_tested(site: &Site, executor: &Executor, wanted: &[Wanted]) -> Result<bool, Failure> {
    let Some(test) = &site.test else { return Ok(true) };
    let gate = Gate::new(test.clone(), executor.store().ledger());
    let mut all = true;
    for Wanted { release, .. } in wanted {
        let ReleaseImage::Verified { identities, .. } = release.image() else { continue };
        if let Some(refusal) = gate.refusal(identities) {
            output::note(&format!(
                "nothing was done: the image {} of {} {refusal}: castline test --release FILE",
                image(release),
                release.service(),
            ))?;
            all = false;
        }
    }
    Ok(all)
}
