use castline::rollout::Status;

use super::{block_on, rolling::watch, site::Site, unfinished};
use crate::{Failure, Verdict, arguments::Resume, output};

/// `castline resume`.
pub(crate) fn run(arguments: &Resume) -> Result<Verdict, Failure> {
    let site = Site::open(&arguments.place.site)?;
    block_on(async {
        let executor = site.executor(arguments.stay)?;
        let Some(rollout) = unfinished(&executor.store().ledger(), arguments.rollout.as_deref())? else {
            if !arguments.json {
                output::print("nothing to go on with: every rollout is over\n")?;
            }
            return Ok(Verdict::Clean);
        };
        let rolling = executor.resume(&rollout.rollout, &site.actor).await?;
        if arguments.abort {
            rolling.handle().abort(&site.actor);
        } else if matches!(rolling.state().status(), Status::Paused { .. }) {
            rolling.handle().go_on(&site.actor);
        }
        let went = watch(rolling, arguments.json, &site.actor).await?;
        // Who wants it to stop has what they want.
        Ok(if arguments.abort { Verdict::Clean } else { went.verdict() })
    })
}
