use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Fleet, Time};

/// Something that happened, and when. A journal of them is all that is needed to make a rollout again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When.
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum What {
    /// Time passed.
    Tick,
    /// The launch of this key was done: this is the new instance. It need not be ready.
    Launched {
        /// The action's key.
        key: Key,
        /// The new instance's id.
        instance: Arc<str>,
    },
    /// The launch of this key was tried and nothing is there.
    LaunchFailed {
        /// The action's key.
        key: Key,
        /// What the platform said.
        reason: String,
    },
    /// An instance passes its health check.
    Ready {
        /// Its id.
        instance: Arc<str>,
    },
    /// An instance does not pass its health check.
    NotReady {
        /// Its id.
        instance: Arc<str>,
    },
    /// An instance has failed for good, and is still there.
    Failed {
        /// Its id.
        instance: Arc<str>,
        /// What the platform said.
        reason: String,
    },
    /// An instance is not there any more, whoever ended it.
    Gone {
        /// Its id.
        instance: Arc<str>,
    },
    /// An instance is out of traffic and kept.
    Quarantined {
        /// Its id.
        instance: Arc<str>,
    },
    /// The files of an instance are not those of its image.
    Compromised {
        /// Its id.
        instance: Arc<str>,
    },
    /// Traffic flows as the stage says.
    Shifted {
        /// The action's key.
        key: Key,
    },
    /// The analysis of this key was passed.
    Passed {
        /// The action's key.
        key: Key,
    },
    /// The analysis of this key was not passed.
    NotPassed {
        /// The action's key.
        key: Key,
        /// What was seen.
        reason: String,
    },
    /// Somebody approves of what the action of this key asks.
    Approved {
        /// The action's key.
        key: Key,
        /// Who.
        by: String,
    },
    /// Somebody refuses what the action of this key asks.
    Refused {
        /// The action's key.
        key: Key,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Somebody asks to begin nothing more. What was begun is finished.
    Pause {
        /// Who.
        by: String,
        /// Why, where that is to be said: what the status says then.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Somebody asks to go on. What failed is tried again.
    Continue {
        /// Who.
        by: String,
    },
    /// Somebody asks to stop for good, and to leave things as they are.
    Abort {
        /// Who.
        by: String,
    },
    /// Somebody asks to go back to the release that was there to fall back to.
    RollBack {
        /// Who.
        by: String,
    },
    /// A service is to have another number of instances.
    Resize {
        /// The service.
        service: Arc<str>,
        /// How many.
        replicas: u64,
        /// Who asks.
        by: String,
    },
    /// What is really there: corrects what lost or late events left wrong.
    Observed {
        /// A service's fleet.
        #[serde(deserialize_with = "crate::strict::again")]
        fleet: Fleet,
    },
}

/// The idempotency key of an action: the same for the same action of the same plan, whenever and however often it is
/// asked for. Lower-case letters, digits and `-`, so that it can be a label or a part of a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Key(pub Arc<str>);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
