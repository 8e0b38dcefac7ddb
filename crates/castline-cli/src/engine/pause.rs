use castline::{
    engine::{Command, Told, UnderWay, under_way},
    shown_whole,
};

use super::{
    remote::{Reached, reach},
    short,
    site::Site,
    view::View,
};
use crate::{Failure, Verdict, arguments::Pause, output};

/// `castline pause`.
pub(crate) fn run(arguments: &Pause) -> Result<Verdict, Failure> {
    let site = Site::known(&arguments.place.site)?;
    let reached =
        reach(&site, false, |other| Ok((other.rollout(arguments.rollout.as_deref())?, Command::Pause)))?;
    match reached {
        Reached::There(answered) => {
            let rollout = short(&answered.rollout);
            let then = format!(": what was begun is finished\n  go on:    castline resume {rollout}");
            answered.report(&site, arguments.json, "pausing", &then)
        }
        Reached::Here(executor) => {
            let left: String = under_way(&executor.store().ledger()).iter().map(line).collect();
            let why = format!("nothing to pause: no rollout is executed here now{left}");
            if arguments.json {
                View::new(true).show(&Told::Nothing { reason: why });
            } else {
                output::note(&why)?;
            }
            Ok(Verdict::Findings)
        }
    }
}

fn line(one: &UnderWay) -> String {
    let services = shown_whole(&one.services.join(", "));
    let rollout = short(&one.rollout);
    format!("; {rollout} of {services} is not over, and stands still until: castline resume {rollout}")
}
