//! What is said to a rollout here, whoever executes it: this castline, or another one.

use std::{
    thread,
    time::{Duration, Instant},
};

use castline::{
    Digest, Document as _,
    engine::{Command, Contents, EngineError, Executor, Recorded, Remote, StoreError, Told},
    ledger::Ledger,
    shown_whole,
};

use super::{find, short, site::Site, unfinished, view::View};
use crate::{Failure, Verdict, output};

/// For how long somebody who holds the ledger and cannot be spoken to is taken for one who begins, or ends, just now.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long is waited between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Who does what is wanted of a rollout.
pub(super) enum Reached {
    /// Nobody executes anything here: this castline can.
    Here(Box<Executor>),
    /// Another one executes it, and was told.
    There(Answered),
}

/// What another castline has answered.
pub(super) struct Answered {
    pub(super) rollout: Digest,
    /// Where it stands, or why not.
    said: Result<Recorded, Box<str>>,
}

/// Another castline, which holds the ledger.
pub(super) struct Other {
    remote: Remote,
    pub(super) contents: Contents,
}

impl Other {
    /// The rollout that is named; the only one that is not over; or the only one that is executed.
    pub(super) fn rollout(&self, named: Option<&str>) -> Result<Digest, Failure> {
        let under_way = self.contents.under_way();
        if named.is_none()
            && under_way.len() > 1
            && let Ok([only]) = self.remote.rollouts().as_deref()
        {
            return Ok(only.clone());
        }
        match unfinished(self.contents.ledger(), named)? {
            Some(one) => Ok(one.rollout),
            None => Err("no rollout is under way: another castline does something else here".into()),
        }
    }
}

/// Tells the castline that executes a rollout what `choose` makes of what the ledger says; where none does, gives what can execute it.
pub(super) fn reach(
    site: &Site,
    stay: bool,
    choose: impl Fn(&Other) -> Result<(Digest, Command), Failure>,
) -> Result<Reached, Failure> {
    let begun = Instant::now();
    loop {
        let holder = match site.store() {
            Ok(store) => return Ok(Reached::Here(site.executor_of(store, stay).into())),
            Err(StoreError::Held { holder, .. }) => holder,
            Err(error) => return Err(error.into()),
        };
        let other = Other { remote: site.remote(), contents: site.contents(None)? };
        let (rollout, command) = choose(&other)?;
        let said = match other.remote.tell(&rollout, &site.actor, command) {
            Ok(recorded) => Ok(recorded),
            Err(EngineError::Refused { reason, .. }) => Err(reason),
            // It may have ended just now, or not have begun.
            Err(EngineError::NotReached { .. }) if begun.elapsed() < PATIENCE => {
                thread::sleep(PAUSE);
                continue;
            }
            Err(error @ EngineError::NotReached { .. }) => {
                return Err(format!("{}; {error}", site.held(holder.as_ref())).into());
            }
            Err(error) => {
                return Err(format!("{error}: look at it by `castline status`, and say it again").into());
            }
        };
        return Ok(Reached::There(Answered { rollout, said }));
    }
}

impl Answered {
    /// The rollout that was told.
    pub(super) const fn rollout(&self) -> &Digest {
        &self.rollout
    }

    /// Says what came of it; `what` is what was done, and `then` what can be done now.
    pub(super) fn report(self, site: &Site, json: bool, what: &str, then: &str) -> Result<Verdict, Failure> {
        let Self { rollout, said } = self;
        if json {
            let told = match said {
                Ok(Recorded { entry, digest, .. }) => Told::Recorded { rollout, entry, digest },
                Err(reason) => Told::Refused { rollout, reason: reason.into() },
            };
            View::new(true).show(&told);
            let recorded = matches!(told, Told::Recorded { .. });
            return Ok(if recorded { Verdict::Clean } else { Verdict::Findings });
        }
        match said {
            Ok(recorded) => {
                let by = shown_whole(&site.actor);
                output::print(&format!("{what}, by {by}; recorded as entry {}{then}\n", recorded.entry))?;
                Ok(Verdict::Clean)
            }
            Err(reason) => {
                output::note(&format!(
                    "the rollout {} refuses: {reason}; nothing was recorded",
                    short(&rollout)
                ))?;
                Ok(Verdict::Findings)
            }
        }
    }
}

/// The release that is named of those that were rolled out.
pub(super) fn rolled_out(ledger: &Ledger, service: &str, named: &str) -> Result<Digest, Failure> {
    let history = ledger.history(service);
    Ok(find(history.iter().map(|one| &one.release), named, "release that was rolled out")?.clone())
}

/// Refuses to go back to a release to which a rollout that is not over does not go back itself.
pub(super) fn goes_back_to(
    contents: &Contents,
    rollout: &Digest,
    service: &str,
    to: Option<&str>,
) -> Result<(), Failure> {
    let Some(to) = to else { return Ok(()) };
    let to = rolled_out(contents.ledger(), service, to)?;
    let back = contents.fallback(rollout)?;
    if back.iter().any(|release| **release.service() == *service && release.digest() == to) {
        return Ok(());
    }
    Err(format!(
        "the rollout {rollout} of {service} is not over, and would go back to another release: go on with it by `castline resume`, or stop it by `castline resume --abort`; without --to it goes back itself"
    )
    .into())
}
