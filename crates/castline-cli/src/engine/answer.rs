use castline::{
    engine::{Answer as Says, Asked, Command, EngineError, Told},
    rollout::Status,
};

use super::{
    block_on,
    remote::{Reached, reach},
    short,
    site::Site,
    unfinished,
    view::View,
};
use crate::{Failure, Verdict, arguments::Answer, output};

/// `castline answer`.
pub(crate) fn run(arguments: &Answer) -> Result<Verdict, Failure> {
    let site = Site::known(&arguments.place.site)?;
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
        Reached::There(answered) => {
            let paused = site
                .contents(None)
                .and_then(|contents| Ok(contents.rollout(answered.rollout())?))
                .is_ok_and(|state| matches!(state.status(), Status::Paused { .. }));
            let rollout = short(answered.rollout());
            let then = if paused {
                format!("; it is paused: go on with: castline resume {rollout}")
            } else {
                String::new()
            };
            return answered.report(&site, arguments.json, &what, &then);
        }
    };
    block_on(async {
        let refused = |why: String| {
            if arguments.json {
                View::new(true).show(&Told::Nothing { reason: why });
                return Ok(Verdict::Findings);
            }
            output::note(&format!("{why}; nothing was recorded"))?;
            Ok(Verdict::Findings)
        };
        let Some(rollout) = unfinished(&executor.store().ledger(), named)? else {
            return refused("nothing asks: every rollout is over".to_owned());
        };
        let answer = match &arguments.no {
            None => Says::yes(&site.actor),
            Some(reason) => Says::no(&site.actor, reason),
        };
        let recorded = match executor.answer(&rollout.rollout, &arguments.approval, &answer).await {
            Ok(recorded) => recorded,
            Err(error @ EngineError::NoQuestion { .. }) if arguments.json => {
                let (rollout, reason) = (rollout.rollout, error.to_string());
                View::new(true).show(&Told::Refused { rollout, reason });
                return Ok(Verdict::Findings);
            }
            Err(error @ EngineError::NoQuestion { .. }) => return refused(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        if arguments.json {
            let (entry, digest) = (recorded.entry, recorded.digest);
            View::new(true).show(&Told::Recorded { rollout: rollout.rollout, entry, digest });
            return Ok(Verdict::Clean);
        }
        output::print(&format!(
            "{what}, by {}; recorded as entry {}; go on with: castline resume {}\n",
            castline::shown_whole(&site.actor),
            recorded.entry,
            short(&rollout.rollout)
        ))?;
        Ok(Verdict::Clean)
    })
}
