use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Key;
use crate::{Revision, Time, plan::Disposal};

/// What is to be done now, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Next {
    /// All actions that are under way: asked for, and no event has said yet what became of them. The same action has the
    /// same key each time.
    pub actions: Vec<Action>,
    /// When time alone changes something: feed a `Tick` then, if nothing happens before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake: Option<Time>,
}

/// Something that a driver does in the world. Doing it twice is doing it once: the key says that it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// Its idempotency key.
    pub key: Key,
    /// The service that it is about.
    pub service: Arc<str>,
    /// What to do.
    #[serde(flatten)]
    pub what: Do,
}

/// What a driver is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Do {
    /// Launch an instance. Answered by `Launched` or `LaunchFailed`; then `Ready` and so on.
    Launch {
        /// What it is; the release is the one that has this revision.
        revision: Revision,
        /// In which zone.
        #[serde(default, skip_serializing_if = "no_text")]
        zone: Arc<str>,
        /// In which slot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<Arc<str>>,
        /// Labels that it is to have, by which limits count it.
        #[serde(default, skip_serializing_if = "no_labels")]
        labels: Arc<BTreeMap<String, String>>,
    },
    /// Retire an instance. Answered by `Gone`, or by `Quarantined` where it is kept.
    Retire {
        /// Its id.
        instance: Arc<str>,
        /// What becomes of it.
        disposal: Disposal,
        /// How long it has to finish what it does.
        drain_seconds: u64,
    },
    /// Send this share of the traffic to instances of the revision. Answered by `Shifted`.
    Shift {
        /// The revision.
        revision: Revision,
        /// Of a hundred.
        weight: u8,
    },
    /// Run an analysis. Answered by `Passed` or `NotPassed`.
    Analyse {
        /// Its name.
        name: String,
    },
    /// Ask somebody. Answered by `Approved` or `Refused`.
    Ask {
        /// What for.
        approval: String,
    },
}

fn no_text(text: &Arc<str>) -> bool {
    text.is_empty()
}

fn no_labels(labels: &Arc<BTreeMap<String, String>>) -> bool {
    labels.is_empty()
}
