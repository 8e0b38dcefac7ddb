//! Who holds which slot, and when it is free.

use std::collections::{HashMap, HashSet};

use super::{
    ViolationCode as Code,
    documents::Case,
    stages::Stages,
    steps::{Fault, Step},
};
use crate::{
    fleet::Phase,
    plan::{Launch, Order},
};

/// Who holds which slot.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    /// Those that stay, or are retired in a stage.
    held: HashMap<(usize, &'a str), Option<Step<'a>>>,
    taken: HashSet<(usize, &'a str)>,
}

impl<'a> Slots<'a> {
    pub(super) fn of(case: &Case<'a>, steps: &[Step<'a>]) -> Self {
        let mut held = HashMap::new();
        for (position, service) in case.services.iter().enumerate() {
            let live = service.target.fleet.instances().iter();
            // What is terminating is going by itself: its slot is free by then.
            let live = live.filter(|one| matches!(one.phase, Phase::Pending | Phase::Running));
            held.extend(live.filter_map(|one| Some(((position, one.slot.as_deref()?), None))));
        }
        for step in steps {
            if let Some(slot) = step.victim.and_then(|victim| victim.slot.as_deref()) {
                held.insert((step.service, slot), Some(*step));
            }
        }
        Self { held, taken: HashSet::new() }
    }

    pub(super) fn take(&mut self, step: &Step<'a>, launch: &'a Launch, stages: &Stages) -> Result<(), Fault> {
        let Some(slot) = launch.slot.as_deref() else { return Ok(()) };
        let taken =
            |by: &str| Err((Code::SlotTaken, format!("an instance is launched in the slot `{slot}`, {by}")));
        if !self.taken.insert((step.service, slot)) {
            return taken("in which another one is launched");
        }
        match self.held.get(&(step.service, slot)) {
            None => Ok(()),
            Some(None) => taken("which one holds that stays"),
            Some(Some(holder)) => {
                let itself = (holder.stage, holder.position) == (step.stage, step.position);
                let freed = if itself {
                    step.one.order == Order::RetireFirst
                } else {
                    stages.ordered(holder.stage, step.stage)
                };
                if freed { Ok(()) } else { taken("before the one that holds it is gone") }
            }
        }
    }
}
