use castline::{
    Document as _, Release, ReleaseImage,
    engine::{EngineError, Planner, Wanted},
    ledger::Ledger,
    policy::Policy,
};

use super::{
    block_on,
    gate::Gate,
    rolling::{Orders, Planned, carry_out, none_under_way},
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
    site.answers_analyses(wanted.iter().map(|wanted| &wanted.policy))?;
    let plan = async |planner: &Planner| prepare(&site, planner, &wanted, orders.dry_run).await;
    block_on(async { Ok(carry_out(&site, &orders, plan).await?.verdict()) })
}

async fn prepare(
    site: &Site,
    planner: &Planner,
    wanted: &[Wanted],
    dry_run: bool,
) -> Result<Planned, Failure> {
    let ledger = planner.contents().ledger();
    if !dry_run {
        if !are_tested(site, ledger, wanted)? {
            return Ok(Planned::Refused);
        }
        none_under_way(planner.contents(), wanted.iter().map(|wanted| wanted.release.service()))?;
    }
    let prepared = match planner.prepare(wanted).await {
        Ok(prepared) => prepared,
        Err(EngineError::Infeasible(infeasible)) => return Ok(Planned::Infeasible(infeasible)),
        Err(error) => return Err(error.into()),
    };
    let known = |wanted: &Wanted| ledger.current(wanted.release.service()) == Some(&wanted.release.digest());
    if prepared.plan.is_empty() && wanted.iter().all(known) {
        return Ok(Planned::Nothing("nothing to do: what should run does"));
    }
    Ok(Planned::Prepared(prepared.into()))
}

/// Whether each image has passed the site's test, where there is one. What has not is said.
fn are_tested(site: &Site, ledger: &Ledger, wanted: &[Wanted]) -> Result<bool, Failure> {
    let Some(test) = &site.test else { return Ok(true) };
    let gate = Gate::new(test.clone(), ledger.clone());
    let mut all = true;
    for Wanted { release, .. } in wanted {
        let ReleaseImage::Verified { identities, .. } = release.image() else { continue };
        if release.replicas() == 0 {
            // Nothing is launched of it.
            continue;
        }
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
