use castline::engine::Answer as Says;

use super::{block_on, short, site::Site, unfinished};
use crate::{Failure, Verdict, arguments::Answer, output};

/// `castline answer`.
pub(crate) fn run(arguments: &Answer) -> Result<Verdict, Failure> {
    let site = Site::open(&arguments.place.site)?;
    block_on(async {
        let executor = site.executor(false)?;
        let rollout = unfinished(&executor.store().ledger(), arguments.rollout.as_deref())?
            .ok_or("nothing asks: every rollout is over")?;
        let answer = match &arguments.no {
            None => Says::yes(&site.actor),
            Some(reason) => Says::no(&site.actor, reason),
        };
        executor.answer(&rollout.rollout, &arguments.approval, &answer).await?;
        let what = if answer.yes { "approved of" } else { "refused" };
        output::print(&format!(
            "`{}` is {what}, by {}; go on with: castline resume {}\n",
            castline::shown_whole(&arguments.approval),
            castline::shown_whole(&site.actor),
            short(&rollout.rollout)
        ))?;
        Ok(Verdict::Clean)
    })
}
