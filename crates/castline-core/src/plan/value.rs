use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Digest, Document, Revision,
    policy::{Gate, Window},
};

/// How fleets get from what runs to what should: the ordered replacements, the numbers that capacity must stay within,
/// and what must hold in between. Immutable; whoever approves of its digest approves of exactly this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The version of the format: 1.
    pub version: u32,
    /// The services, sorted by name.
    pub services: Vec<PlannedService>,
    /// What capacity must stay within, as numbers.
    pub limits: Vec<Limit>,
    /// The parts that it is done in. One begins when all that it comes after are done and their gates have opened.
    pub stages: Vec<Stage>,
}

/// What a plan was made for, and of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedService {
    /// The service.
    pub service: Arc<str>,
    /// The digest of the fleet.
    pub fleet: Digest,
    /// The digest of the release.
    pub release: Digest,
    /// What every instance is when the plan is done.
    pub revision: Revision,
    /// The digest of the policy.
    pub policy: Digest,
    /// How many instances there are when it is done.
    pub desired: u64,
    /// How many instances stay as they are.
    pub kept: u64,
}

/// What capacity must stay within: a budget of a policy, applied to what there is.
///
/// Nothing that the plan does takes the number of available instances below the floor, or the number of those present
/// above the ceiling. Where there are fewer or more by themselves, nothing it does makes that worse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// What it is called in messages, e.g. `fleet web`, `zone a of web`.
    pub name: String,
    /// The instances that it counts.
    pub of: Members,
    /// How many there are when the plan is done.
    pub desired: u64,
    /// How many must stay available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<u64>,
    /// How many there may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<u64>,
    /// How many replacements may be under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u64>,
    /// It is about replacements for these reasons; all, where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// It holds only within this window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// The instances that a limit counts: of these services, in this zone, with this label, where each is stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Members {
    /// Sorted; never empty.
    pub services: Vec<Arc<str>>,
    /// The zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Arc<str>>,
    /// The label and its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<(String, String)>,
}

impl Members {
    /// Whether it counts an instance of this service, in this zone, with these labels.
    pub fn has(&self, service: &str, zone: &str, labels: &BTreeMap<String, String>) -> bool {
        self.services.iter().any(|one| **one == *service)
            && self.zone.as_ref().is_none_or(|one| **one == *zone)
            && self.label.as_ref().is_none_or(|(key, value)| labels.get(key) == Some(value))
    }
}

/// A part of a plan that ends in a gate, or in nothing but its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stage {
    /// What it is called in messages, unique in the plan, e.g. `web: canary 1 of 3`.
    pub name: String,
    /// The service that it is about.
    pub service: Arc<str>,
    /// The positions of the stages that must be done before it, all of them smaller than its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
    /// What is done, in this order as far as limits allow: one that has to wait does not hold up others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replacements: Vec<Replacement>,
    /// How much of the traffic goes to the new release once that is done, of a hundred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// What must hold then, before the stage is done.
    #[serde(default, skip_serializing_if = "Gate::is_open")]
    pub gate: Gate,
}

/// One step: an instance is retired, one is launched, or both, in the order that it says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replacement {
    /// What is launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<Launch>,
    /// What is retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire: Option<Retire>,
    /// Which of the two is first, where there are both.
    pub order: Order,
    /// Why.
    pub reason: Reason,
    /// When it is done, from 1, if everything takes as long: in each wave all is begun that there is room for, room that is
    /// made on the way included, and all of it is done before the next one.
    pub wave: u32,
}

/// An instance to be launched.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Launch {
    /// In which zone.
    #[serde(default, skip_serializing_if = "no_text")]
    pub zone: Arc<str>,
    /// In which slot, where what it replaces had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Arc<str>>,
    /// The labels by which limits count it; those of what it replaces.
    #[serde(default, skip_serializing_if = "no_labels", deserialize_with = "crate::unique::shared")]
    pub labels: Arc<BTreeMap<String, String>>,
}

/// An instance to be retired.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retire {
    /// Its id.
    pub id: Arc<str>,
    /// What people know it by, where that is not its id: the label [`NAME`](crate::import::NAME).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// In which zone it is.
    #[serde(default, skip_serializing_if = "no_text")]
    pub zone: Arc<str>,
    /// What becomes of it.
    #[serde(default, skip_serializing_if = "Disposal::is_end")]
    pub disposal: Disposal,
}

/// What becomes of a retired instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Disposal {
    /// It is drained, ended and removed.
    #[default]
    End,
    /// It is taken out of traffic as the limits allow, and kept.
    Quarantine,
    /// It is taken out of traffic at once, and kept.
    Isolate,
}

impl Disposal {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_end(&self) -> bool {
        *self == Self::End
    }

    /// Whether the instance is kept, out of traffic.
    pub const fn keeps(self) -> bool {
        matches!(self, Self::Quarantine | Self::Isolate)
    }
}

/// Which half of a replacement is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Order {
    /// The new one is available before the old one is retired: it takes room above, for as long.
    LaunchFirst,
    /// The old one is gone before the new one is launched: it takes from what is available, for as long.
    RetireFirst,
}

/// Why an instance is replaced, launched or retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Reason {
    /// Its files are not those of its image.
    Compromised,
    /// It has failed.
    Failed,
    /// It runs another image than the release's.
    Image,
    /// It runs the image, but otherwise than the release says.
    Config,
    /// It was named.
    Named,
    /// There are fewer than desired.
    Missing,
    /// There are more than desired.
    Extra,
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Compromised,
        Self::Failed,
        Self::Image,
        Self::Config,
        Self::Named,
        Self::Missing,
        Self::Extra,
    ];

    /// The reason in a few words, for tables.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Compromised => "its files were changed",
            Self::Failed => "it has failed",
            Self::Image => "it runs another image",
            Self::Config => "it is run otherwise",
            Self::Named => "it was named",
            Self::Missing => "there are too few",
            Self::Extra => "there are too many",
        }
    }
}

impl Plan {
    /// The version of the format that this build writes.
    pub const VERSION: u32 = 1;

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.stages.iter().all(|stage| stage.replacements.is_empty() && stage.weight.is_none())
    }

    /// All replacements, in the order of the stages.
    pub fn replacements(&self) -> impl Iterator<Item = &Replacement> {
        self.stages.iter().flat_map(|stage| &stage.replacements)
    }

    /// How many waves it takes: the last one that a replacement is done in.
    pub fn waves(&self) -> u32 {
        self.replacements().map(|replacement| replacement.wave).max().unwrap_or(0)
    }
}

impl Document for Plan {
    const KIND: &'static str = "plan";

    fn validate(&self) -> Result<(), String> {
        if self.version != Self::VERSION {
            return Err(format!("it is of version {}; this castline reads {}", self.version, Self::VERSION));
        }
        for (position, stage) in self.stages.iter().enumerate() {
            if stage.after.iter().any(|earlier| *earlier as usize >= position) {
                return Err(format!(
                    "the stage `{}` comes after one that does not stand before it",
                    stage.name
                ));
            }
            if !self.services.iter().any(|service| service.service == stage.service) {
                return Err(format!("the stage `{}` is of a service that is not listed", stage.name));
            }
            let empty = |one: &Replacement| one.launch.is_none() && one.retire.is_none();
            if stage.replacements.iter().any(empty) {
                return Err(format!("a replacement of `{}` neither launches nor retires", stage.name));
            }
        }
        Ok(())
    }
}

fn no_text(text: &Arc<str>) -> bool {
    text.is_empty()
}

fn no_labels(labels: &Arc<BTreeMap<String, String>>) -> bool {
    labels.is_empty()
}
