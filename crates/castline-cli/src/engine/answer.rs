use castline::engine::{Answer as Says, Asked, Command};

use super::{
    block_on,
    remote::{Reached, reach},
    short,
    site::Site,
    unfinished,
};
use crate::{Failure, Verdict, arguments::Answer, output};

/// `castline answer`.
pub(crate) fn run(arguments: &Answer) -> Result<Verdict, Failure> {
    let site = Site::open(&arguments.place.site)?;
    let named = arguments.rollout.as_deref();
    let asked = || Asked::Approval(arguments.approval.clone());
    let command = match &arguments.no {
        None => Command::Approve { of: asked() },
        Some(reason) => Command::Refuse { of: asked(), reason: reason.clone() },
    };
    let verb = if arguments.no.is_none() { "approved of" } else { "refused" };
    let what = format!("`{}` is {verb}", castline::shown_whole(&arguments.approval));
    let executor = match reach(&site, false, |other| Ok((other.rollout(named)?, command.clone())))? {
        Reached::Here(executor) => executor,
        Reached::There(answered) => return answered.report(&site, false, &what, ""),
    };
    block_on(async {
        let rollout =
            unfinished(&executor.store().ledger(), named)?.ok_or("nothing asks: every rollout is over")?;
        let answer = match &arguments.no {
            None => Says::yes(&site.actor),
            Some(reason) => Says::no(&site.actor, reason),
        };
        executor.answer(&rollout.rollout, &arguments.approval, &answer).await?;
        output::print(&format!(
            "{what}, by {}; go on with: castline resume {}\n",
            castline::shown_whole(&site.actor),
            short(&rollout.rollout)
        ))?;
        Ok(Verdict::Clean)
    })
}
