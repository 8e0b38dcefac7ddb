//! What is to be done now, and how far things are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Action, Do, Key, Next, Rollout, Status,
    admit::Refusals,
    stages::At,
    steps::{State, Step},
    tally::Refusal,
};
use crate::{Digest, Time, plan::Disposal};

/// How far a rollout is, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// Replacements that wait.
    pub waiting: u64,
    /// Replacements that are under way.
    pub active: u64,
    /// Replacements that are done.
    pub done: u64,
    /// Replacements that have failed.
    pub failed: u64,
    /// Stages that are done.
    pub stages_done: u64,
    /// All stages.
    pub stages: u64,
}

/// A replacement that waits, and what for. Others like it wait for the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Wait {
    /// What waits, e.g. ``the replacement of `web-3` of web``.
    pub what: String,
    /// What for, e.g. `fleet web: no room above`.
    pub on: Vec<String>,
}

impl Key {
    /// The label by which an instance says which launch it comes from. A driver that sets it makes up for answers that
    /// are lost.
    pub const LABEL: &'static str = "castline.key";
}

impl Rollout {
    /// What is to be done now: everything that was asked for and that no event has answered yet, with the same key each time.
    /// Nothing, once the rollout has ended.
    pub fn next(&self) -> Next {
        if self.status.is_end() {
            return Next::default();
        }
        self.next_of(self.retiring.iter(), self.unanswered.iter())
    }

    /// [`Self::next`] without what was asked for before the last event: for those who remember what they have begun.
    pub(crate) fn next_anew(&self) -> Next {
        if self.status.is_end() {
            return Next::default();
        }
        let retires = self.fresh.retires.intersection(&self.retiring);
        self.next_of(retires, self.fresh.launches.intersection(&self.unanswered))
    }

    /// What gates ask for, that these instances go, and that these steps launch.
    fn next_of<'a>(
        &self,
        retires: impl Iterator<Item = &'a u32>,
        launches: impl Iterator<Item = &'a u32>,
    ) -> Next {
        let gates = (0..).zip(&self.stages).filter_map(|(number, _)| self.gate_action(number));
        let retires = retires.map(|cell| self.retire_action(*cell));
        let launches = launches.filter_map(|step| self.launch_action(*step));
        Next { actions: gates.chain(retires).chain(launches).collect(), wake: self.wake() }
    }

    /// How far it is, in numbers.
    pub fn progress(&self) -> Progress {
        let count = |of: fn(&State) -> bool| self.steps.iter().filter(|step| of(&step.state)).count() as u64;
        Progress {
            waiting: count(|state| matches!(state, State::Waiting)),
            active: count(|state| matches!(state, State::Active { .. })),
            done: count(|state| matches!(state, State::Done)),
            failed: count(|state| matches!(state, State::Failed)),
            stages_done: self.stages.iter().filter(|stage| stage.is_done()).count() as u64,
            stages: self.stages.len() as u64,
        }
    }

    /// What waits of the stages that are open, and what for: one of each kind.
    pub fn waits(&self) -> Vec<Wait> {
        let text = |refusal| match refusal {
            Refusal::Ceiling => "no room above",
            Refusal::Floor => "none can be spared",
            Refusal::InFlight => "enough is under way",
        };
        let wait = |(number, refused): (u32, Refusals)| {
            let service = self.steps[number as usize].service;
            let mut on: Vec<String> =
                refused.into_iter().map(|(limit, refusal)| format!("{limit}: {}", text(refusal))).collect();
            if !self.may_begin(service) {
                on.push("no window is open".into());
            }
            if let Status::Paused { reason } = &self.status {
                on.push(format!("somebody to go on: {reason}"));
            }
            Wait { what: self.name_of(number), on }
        };
        self.waiting().into_iter().map(wait).collect()
    }

    /// When time alone changes something.
    fn wake(&self) -> Option<Time> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let waits = !matches!(self.status, Status::Paused { .. })
            && self.queues.iter().any(|queue| !queue.is_empty());
        let windows = self.inputs.targets.iter().filter(|_| waits).flat_map(|target| &target.policy.windows);
        let opens = windows.filter(|window| !window.is_open(self.clock));
        let opens = opens.filter_map(|window| window.next_open(self.clock)).min();
        // A limit that holds at times may cease to hold: looked at by the minute, as schedules go by.
        let held = self.inputs.plan.limits.iter().filter_map(|limit| limit.window.as_ref());
        let held = held.filter(|window| waits && window.is_open(self.clock)).count();
        let ceases = (held > 0).then(|| self.clock.after_seconds(60));
        [timer, opens, ceases].into_iter().flatten().min()
    }

    /// The key of a launch: of the plan, the step and the attempt.
    pub(super) fn launch_key(&self, number: u32) -> Key {
        let attempt = self.steps[number as usize].attempt;
        Key(format!("{}-{}-{number}-{attempt}", self.name, self.generation).into())
    }

    pub(super) fn gate_key(&self, number: u32) -> Key {
        let stage = &self.stages[number as usize];
        let what = match stage.at {
            At::Shifting => "shift",
            At::Analysing => "analysis",
            _ => "approval",
        };
        Key(format!("{}-{}-{what}-{number}-{}", self.name, self.generation, stage.attempt).into())
    }

    fn launch_action(&self, number: u32) -> Option<Action> {
        let Step { replacement, service, .. } = &self.steps[number as usize];
        let launch = replacement.launch.as_ref()?;
        let release = &self.target(*service).release;
        let what = Do::Launch {
            revision: release.revision(),
            zone: Arc::clone(&launch.zone),
            slot: launch.slot.clone(),
            labels: Arc::clone(&launch.labels),
        };
        Some(Action { key: self.launch_key(number), service: Arc::clone(release.service()), what })
    }

    fn retire_action(&self, number: u32) -> Action {
        let cell = &self.cells[number as usize];
        let target = self.target(cell.service);
        // By the instance, not by the step: another plan that wants the same asks for the same.
        let id: String = Digest::of(cell.instance.id.as_bytes()).encoded().chars().take(16).collect();
        let what = Do::Retire {
            instance: Arc::clone(&cell.instance.id),
            disposal: cell.asked.map_or(Disposal::End, |asked| asked.disposal),
            drain_seconds: target.policy.drain_seconds,
        };
        let service = Arc::clone(target.release.service());
        Action { key: Key(format!("{}-retire-{id}", self.name).into()), service, what }
    }

    fn gate_action(&self, number: u32) -> Option<Action> {
        let planned = &self.inputs.plan.stages[number as usize];
        let what = match self.stages[number as usize].at {
            At::Shifting => Do::Shift {
                revision: self.target(self.stages[number as usize].service).release.revision(),
                weight: planned.weight?,
            },
            At::Analysing => Do::Analyse { name: planned.gate.analysis.clone()? },
            At::Asking => Do::Ask { approval: planned.gate.approval.clone()? },
            At::Closed | At::Open | At::Baking | At::Done => return None,
        };
        Some(Action { key: self.gate_key(number), service: Arc::clone(&planned.service), what })
    }
}
