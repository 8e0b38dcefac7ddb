//! The instances that a rollout knows of.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    fleet::{Health, Instance, Integrity, Phase},
    plan::{Limit, Target},
    policy::Compromised,
};

/// The limits that count what is at a place.
pub(super) type Counted = Arc<[u32]>;

/// One instance, as far as events tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    pub(super) instance: Instance,
    /// The position of its service among the targets.
    pub(super) service: u32,
    /// The limits that count it.
    pub(super) counted: Counted,
    /// The step that launched it.
    pub(super) launched_by: Option<u32>,
    /// The step that is to retire it.
    pub(super) retired_by: Option<u32>,
    /// Whether it was asked to go and has not gone yet.
    pub(super) asked: Option<Asked>,
    /// Whether it does its work, and has for long enough.
    pub(super) available: bool,
    pub(super) gone: bool,
    /// Whether it was only seen: the plan knows nothing of it, and so nothing comes in its place.
    pub(super) stranger: bool,
}

/// How an instance was asked to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    pub(super) disposal: crate::plan::Disposal,
}

impl Cell {
    pub(super) fn is_present(&self) -> bool {
        !self.gone && self.instance.is_present()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.is_present() && self.instance.phase == Phase::Terminating
    }

    /// Whether it stays, and is going to be available if all is well.
    pub(super) fn is_starting(&self) -> bool {
        let stays = self.launched_by.is_none() && self.retired_by.is_none();
        self.is_present()
            && stays
            && !self.available
            && !self.is_leaving()
            && self.instance.health != Health::Failed
    }

    /// Whether it does its work, whatever the time; and is to do it.
    pub(super) fn is_ready(&self, target: &Target) -> bool {
        let isolated = target.policy.compromised == Compromised::Isolate
            && self.instance.integrity == Integrity::Compromised;
        !self.gone && self.instance.is_available() && !isolated
    }
}

/// Finds the limits that count a place; those of a place that was asked for before are known.
#[derive(Debug)]
pub(super) struct Counting<'a> {
    limits: &'a [Limit],
    known: HashMap<Place, Counted>,
}

/// The service, the zone, and the values of the labels that limits count by.
type Place = (u32, Arc<str>, Vec<Option<String>>);

impl<'a> Counting<'a> {
    pub(super) fn new(limits: &'a [Limit]) -> Self {
        Self { limits, known: HashMap::new() }
    }

    pub(super) fn of(
        &mut self,
        (number, service): (u32, &str),
        zone: &Arc<str>,
        labels: &BTreeMap<String, String>,
    ) -> Counted {
        let keys = self.limits.iter().filter_map(|limit| limit.of.label.as_ref());
        let values = keys.map(|(key, _)| labels.get(key).cloned()).collect();
        let place = (number, Arc::clone(zone), values);
        let limits = self.limits;
        let counted = || {
            let counts = |limit: &&(u32, &Limit)| limit.1.of.has(service, zone, labels);
            let all: Vec<(u32, &Limit)> = (0..).zip(limits).collect();
            all.iter().filter(counts).map(|(number, _)| *number).collect()
        };
        Arc::clone(self.known.entry(place).or_insert_with(counted))
    }
}
