use castline::{
    engine::{Command, Told},
    rollout::Status,
};

use super::{
    block_on,
    remote::{Reached, reach},
    rolling::watch,
    site::Site,
    unfinished,
    view::View,
};
use crate::{Failure, Verdict, arguments::Resume, output};

/// `castline resume`.
pub(crate) fn run(arguments: &Resume) -> Result<Verdict, Failure> {
    let site = Site::known(&arguments.place.site)?;
    let named = arguments.rollout.as_deref();
    let (command, what) = if arguments.abort {
        (Command::Abort, "stopped for good")
    } else {
        (Command::Continue, "it goes on")
    };
    let reached = reach(&site, arguments.stay, |other| Ok((other.rollout(named)?, command.clone())))?;
    let executor = match reached {
        Reached::Here(executor) => executor,
        Reached::There(answered) => return answered.report(&site, arguments.json, what, ""),
    };
    block_on(async {
        let Some(rollout) = unfinished(&executor.store().ledger(), named)? else {
            let why = "nothing to go on with: every rollout is over";
            if arguments.json {
                View::new(true).show(&Told::Nothing { reason: why.to_owned() });
            } else {
                output::print(&format!("{why}\n"))?;
            }
            return Ok(Verdict::Clean);
        };
        let rolling = executor.resume(&rollout.rollout, &site.actor).await?;
        if arguments.abort {
            rolling.handle().abort(&site.actor);
        } else {
            executor.ready_to_go_on(&rolling).await?;
            if matches!(rolling.state().status(), Status::Paused { .. }) {
                rolling.handle().go_on(&site.actor);
            }
        }
        let went = watch(rolling, arguments.json, &site.actor).await?;
        // Who wants it to stop has what they want.
        Ok(if arguments.abort { Verdict::Clean } else { went.verdict() })
    })
}
