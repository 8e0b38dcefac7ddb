use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Result, Revision, Time, canonical::invalid};

/// One running copy of a service, as a platform reports it.
///
/// What is not known is left at its default. Texts are shared: a fleet of a million instances in three zones keeps
/// each zone's name once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Instance {
    /// Its name, unique among all services that are planned together, and never used again: container ID, pod UID, `i-…`.
    #[serde(deserialize_with = "stated")]
    pub id: Arc<str>,
    /// The image that the platform reports, in any form that [`identify`](crate::drift::identify) reads, or the
    /// provider's name of it, as `ami-…`.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub image: Arc<str>,
    /// The revision of the release that it was launched from, where its labels say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// Where it runs: what fails together. Empty where there are no zones.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub zone: Arc<str>,
    /// The place that it fills and its replacement inherits: a `StatefulSet`'s ordinal, a disk, an address. Two
    /// instances never share one, so that one is retired before its replacement is launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Arc<str>>,
    /// How far its life has gone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub phase: Phase,
    /// Whether it does its work.
    #[serde(default, skip_serializing_if = "is_default")]
    pub health: Health,
    /// Whether its files are those of its image.
    #[serde(default, skip_serializing_if = "is_default")]
    pub integrity: Integrity,
    /// When it was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// Since when it has been ready, without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Time>,
    /// What it costs to lose it, against the others: lower goes first (Kubernetes'
    /// `controller.kubernetes.io/pod-deletion-cost`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub deletion_cost: i32,
    /// Free text by key: rack, role, owner.
    #[serde(default, skip_serializing_if = "no_labels", deserialize_with = "crate::unique::shared")]
    pub labels: Arc<BTreeMap<String, String>>,
}

/// How far an instance's life has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Phase {
    /// Launched, and not yet running.
    Pending,
    /// It runs.
    #[default]
    Running,
    /// It is being retired: out of traffic, ending, not yet gone. It holds its place until it is gone.
    Terminating,
    /// Out of traffic and kept to be looked at. It is no part of the service's capacity.
    Quarantined,
}

/// Whether an instance does its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Health {
    /// It does.
    #[default]
    Ready,
    /// Not now: starting, overloaded, failing its check.
    NotReady,
    /// Not any more.
    Failed,
    /// Nobody knows. Counts as not ready.
    Unknown,
}

/// Whether the files of an instance are those of its image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Integrity {
    /// Nobody looked.
    #[default]
    Unknown,
    /// They are.
    Intact,
    /// They are not.
    Compromised,
}

impl Instance {
    /// A running, ready instance.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// The same, if a fleet may have it: [`Self::new`] takes any id.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) where it has no id.
    pub fn checked(self) -> Result<Self> {
        match self.validate() {
            Ok(()) => Ok(self),
            Err(reason) => Err(invalid("instance", reason)),
        }
    }

    /// What its types cannot say.
    pub(super) fn validate(&self) -> std::result::Result<(), &'static str> {
        if self.id.is_empty() { Err(NO_ID) } else { Ok(()) }
    }

    /// The same, running this image.
    #[must_use]
    pub fn with_image(self, image: impl Into<Arc<str>>) -> Self {
        Self { image: image.into(), ..self }
    }

    /// The same, launched from this revision.
    #[must_use]
    pub fn with_revision(self, revision: Revision) -> Self {
        Self { revision: Some(revision), ..self }
    }

    /// The same in this zone.
    #[must_use]
    pub fn with_zone(self, zone: impl Into<Arc<str>>) -> Self {
        Self { zone: zone.into(), ..self }
    }

    /// The same in this slot.
    #[must_use]
    pub fn with_slot(self, slot: impl Into<Arc<str>>) -> Self {
        Self { slot: Some(slot.into()), ..self }
    }

    /// The same in this phase.
    #[must_use]
    pub fn with_phase(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    /// The same with this health.
    #[must_use]
    pub fn with_health(self, health: Health) -> Self {
        Self { health, ..self }
    }

    /// The same with this integrity.
    #[must_use]
    pub fn with_integrity(self, integrity: Integrity) -> Self {
        Self { integrity, ..self }
    }

    /// The same, launched at this time.
    #[must_use]
    pub fn with_created_at(self, time: Time) -> Self {
        Self { created_at: Some(time), ..self }
    }

    /// The same, ready since this time.
    #[must_use]
    pub fn with_ready_at(self, time: Time) -> Self {
        Self { ready_at: Some(time), ..self }
    }

    /// The same with this deletion cost.
    #[must_use]
    pub fn with_deletion_cost(self, cost: i32) -> Self {
        Self { deletion_cost: cost, ..self }
    }

    /// The same with this label.
    #[must_use]
    pub fn with_label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.labels).insert(key.into(), value.into());
        self
    }

    /// Whether it holds a place of the service: it is there, and not in quarantine.
    pub const fn is_present(&self) -> bool {
        !matches!(self.phase, Phase::Quarantined)
    }

    /// Whether it does the service's work now: running, and ready. A compromised one that does so counts.
    pub const fn is_available(&self) -> bool {
        matches!((self.phase, self.health), (Phase::Running, Health::Ready))
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

const NO_ID: &str = "an instance has no id";

/// An id, which is not empty.
fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Arc<str>, D::Error> {
    let id = Arc::<str>::deserialize(deserializer)?;
    if id.is_empty() { Err(de::Error::custom(NO_ID)) } else { Ok(id) }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_empty(text: &Arc<str>) -> bool {
    text.is_empty()
}

fn no_labels(labels: &Arc<BTreeMap<String, String>>) -> bool {
    labels.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fleet;

    #[test]
    fn an_instance_without_an_id_is_none_wherever_it_comes_from() {
        for refused in [
            Instance::new("").checked().expect_err("it has no id").to_string(),
            Fleet::new("web", [Instance::new("")]).expect_err("it has no id").to_string(),
            serde_json::from_str::<Instance>(r#"{"id": ""}"#).expect_err("it has no id").to_string(),
        ] {
            assert!(refused.contains(NO_ID), "{refused}");
        }
        let one = Instance::new("a").with_zone("z");
        assert_eq!(one.clone().checked().expect("it has one"), one);
    }
}
