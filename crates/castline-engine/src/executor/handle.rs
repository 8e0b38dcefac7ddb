use std::sync::Arc;

use castline_core::rollout::{Key, What};
use tokio::sync::{
    mpsc::UnboundedSender,
    oneshot::{self, Sender},
};

use crate::{Command, EngineError, Recorded};

/// What somebody says to a rollout.
#[derive(Debug)]
pub(super) enum Said {
    /// What is recorded as it is.
    Event(What),
    /// What is looked at first, and answered.
    Command(Waiting),
    /// Nobody is waited for any more.
    Leave,
}

/// A command whose sender waits for an answer.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) command: Command,
    pub(super) by: String,
    pub(super) answer: Sender<Result<Recorded, Box<str>>>,
}

/// Why what is said too late is not heard.
pub(super) const TOO_LATE: &str = "it is over, or nobody executes it any more";

/// By what others speak to a rollout that is executed. A clone speaks to the same one. What is said after it has ended goes
/// unheard; [`Self::tell`] says whether it was. Other processes have a [`Remote`](crate::Remote).
#[derive(Clone, Debug)]
pub struct Handle(pub(super) UnboundedSender<Said>);

impl Handle {
    fn say(&self, what: What) {
        // Nobody listens once it is over: then there is nothing to be changed.
        let _ = self.0.send(Said::Event(what));
    }

    /// Tells it something, and comes back when that is in the ledger, on the disk: so not before [`Rolling::run`](crate::Rolling::run)
    /// was called. `by` says who wants it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] where it would change nothing, or it is over: nothing was recorded. [`EngineError::Unanswered`] where
    /// execution ended before it was said.
    pub async fn tell(&self, command: Command, by: impl Into<String>) -> Result<Recorded, EngineError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { command, by: by.into(), answer };
        if self.0.send(Said::Command(waiting)).is_err() {
            return Err(EngineError::Refused { reason: TOO_LATE.into() });
        }
        match answered.await {
            Ok(Ok(recorded)) => Ok(recorded),
            Ok(Err(reason)) => Err(EngineError::Refused { reason }),
            Err(_) => Err(EngineError::Unanswered {
                reason: "the rollout is not executed any more, and nobody said what came of it".into(),
            }),
        }
    }

    /// Begins nothing more, and lets drivers finish what they are at: what Ctrl-C does. Half a replacement may be left for
    /// whoever resumes it; no limit is broken by that.
    pub fn pause(&self, by: impl Into<String>) {
        self.say(What::Pause { by: by.into(), reason: String::new() });
    }

    /// Has [`Rolling::run`](crate::Rolling::run) come back where somebody has to decide, also where it was to wait for that
    /// ([`Options::stay`](crate::Options::stay)).
    pub fn leave(&self) {
        let _ = self.0.send(Said::Leave);
    }

    /// Goes on after a pause. What failed is tried again.
    pub fn go_on(&self, by: impl Into<String>) {
        self.say(What::Continue { by: by.into() });
    }

    /// Stops for good, and leaves things as they are.
    pub fn abort(&self, by: impl Into<String>) {
        self.say(What::Abort { by: by.into() });
    }

    /// Goes back to the release that succeeded before.
    pub fn roll_back(&self, by: impl Into<String>) {
        self.say(What::RollBack { by: by.into() });
    }

    /// Another number of instances.
    pub fn resize(&self, service: impl Into<Arc<str>>, replicas: u64, by: impl Into<String>) {
        self.say(What::Resize { service: service.into(), replicas, by: by.into() });
    }

    /// Approves of what the action of this key asks.
    pub fn approve(&self, key: Key, by: impl Into<String>) {
        self.say(What::Approved { key, by: by.into() });
    }

    /// Refuses it.
    pub fn refuse(&self, key: Key, by: impl Into<String>, reason: impl Into<String>) {
        self.say(What::Refused { key, by: by.into(), reason: reason.into() });
    }

    /// The files of an instance are not those of its image.
    pub fn compromised(&self, instance: impl Into<Arc<str>>) {
        self.say(What::Compromised { instance: instance.into() });
    }
}
