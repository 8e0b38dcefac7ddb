//! How far each stage is, and its gate.

use super::{Rollout, Status, Timer};
use crate::plan::Stage;

/// How far a stage is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StageState {
    /// The position of its service among the targets.
    pub(super) service: u32,
    /// How many of its steps are not over.
    pub(super) remaining: u64,
    pub(super) at: At,
    /// How often its gate was asked before.
    pub(super) attempt: u32,
}

/// Where a stage is on its way, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum At {
    /// What it comes after is not done.
    Closed,
    /// Replacements are made.
    Open,
    /// Traffic is shifted.
    Shifting,
    /// Time passes in which nothing of it may fail.
    Baking,
    /// An analysis is run.
    Analysing,
    /// Somebody is asked.
    Asking,
    Done,
}

impl StageState {
    pub(super) fn new(stage: &Stage) -> Self {
        Self { service: 0, remaining: stage.replacements.len() as u64, at: At::Closed, attempt: 0 }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.at == At::Closed
    }

    pub(super) fn is_open(&self) -> bool {
        self.at == At::Open
    }

    /// Whether it is at something that somebody else, or time, decides.
    pub(super) fn waits_for_others(&self) -> bool {
        !matches!(self.at, At::Closed | At::Open | At::Done)
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == At::Done
    }
}

impl Rollout {
    /// Opens the stages whose turn it is, and takes those that are through with a part of theirs to the next.
    pub(super) fn advance_stages(&mut self) -> bool {
        if !matches!(self.status, Status::Running | Status::RollingBack { .. }) || self.replan.is_some() {
            return false;
        }
        let mut moved = false;
        for number in 0..self.stages.len() {
            let planned = &self.inputs.plan.stages[number];
            let state = &self.stages[number];
            let ready = || planned.after.iter().all(|before| self.stages[*before as usize].is_done());
            let next = match state.at {
                At::Closed if ready() => Some(At::Open),
                At::Open if state.remaining == 0 && self.made_up(number) && self.may_end(number) => {
                    Some(At::Shifting)
                }
                At::Shifting if planned.weight.is_none() => Some(At::Baking),
                At::Baking if planned.gate.bake_seconds == 0 => Some(At::Analysing),
                At::Analysing if planned.gate.analysis.is_none() => Some(At::Asking),
                At::Asking if planned.gate.approval.is_none() => Some(At::Done),
                _ => None,
            };
            if let Some(next) = next {
                self.enter(number, next);
                moved = true;
            }
        }
        moved
    }

    /// Whether nothing of a stage's service is lost that is not made up for. Only a stage that bakes waits for it.
    fn made_up(&self, number: usize) -> bool {
        let service = self.stages[number].service;
        let bakes = self.inputs.plan.stages[number].gate.bake_seconds > 0;
        let is_open =
            |step: &super::steps::Step| step.stage.is_none() && step.service == service && !step.is_over();
        !bakes || !self.steps.iter().rev().take_while(|step| step.stage.is_none()).any(is_open)
    }

    /// A stage that only asks or shifts begins when work may begin.
    fn may_end(&self, number: usize) -> bool {
        let planned = &self.inputs.plan.stages[number];
        !planned.replacements.is_empty()
            || planned.weight.is_none()
            || self.may_begin(self.stages[number].service)
    }

    fn enter(&mut self, number: usize, at: At) {
        self.stages[number].at = at;
        let bake = self.inputs.plan.stages[number].gate.bake_seconds;
        if at == At::Baking && bake > 0 {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            self.timers.insert((self.clock.after_seconds(bake), Timer::Bake(number)));
        }
    }

    /// Takes a stage that is at `from` on: what it waited for is there.
    pub(super) fn pass_gate(&mut self, number: u32, from: At) {
        let next = match from {
            At::Shifting => At::Baking,
            At::Baking => At::Analysing,
            At::Analysing => At::Asking,
            At::Asking => At::Done,
            At::Closed | At::Open | At::Done => return,
        };
        let number = number as usize;
        if self.stages.get(number).is_some_and(|stage| stage.at == from) {
            self.enter(number, next);
        }
    }

    /// Time has passed in which nothing of a stage was to fail. While somebody has to decide what becomes of a failure, it
    /// counts for nothing.
    pub(super) fn baked(&mut self, stage: u32) {
        if self.frozen {
            self.bake_again(stage);
        } else {
            self.pass_gate(stage, At::Baking);
        }
    }

    /// Something of a stage has failed, or is lost: once it is made up for, time begins anew.
    pub(super) fn bake_again(&mut self, stage: u32) {
        let failed = &mut self.stages[stage as usize];
        if failed.at == At::Baking {
            failed.at = At::Open;
            // What its gate asked before is asked again, and the answer of then is none to it.
            failed.attempt += 1;
            self.timers.retain(|(_, timer)| *timer != Timer::Bake(stage));
        }
    }
}
