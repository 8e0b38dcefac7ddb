use std::sync::Arc;

use castline_core::rollout::{Key, What};
use tokio::sync::mpsc::UnboundedSender;

/// By what others speak to a rollout that is executed. A clone speaks to the same one. What is said after it has ended goes
/// unheard.
#[derive(Clone, Debug)]
pub struct Handle(pub(super) UnboundedSender<What>);

impl Handle {
    fn say(&self, what: What) {
        // Nobody listens once it is over: then there is nothing to be changed.
        let _ = self.0.send(what);
    }

    /// Begins nothing more, and lets drivers finish what they are at: what Ctrl-C does. Half a replacement may be left for
    /// whoever resumes it; no limit is broken by that.
    pub fn pause(&self, by: impl Into<String>) {
        self.say(What::Pause { by: by.into() });
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
