//! How a step goes on once it was begun.

use std::sync::Arc;

use super::{
    Rollout, Status, Timer,
    cells::{Asked, Cell},
    steps::{Launching, Retiring, State},
};
use crate::{
    fleet::Phase,
    plan::{Disposal, Order},
};

impl Rollout {
    /// Asks for what may be asked for now, and ends the step once nothing is left to do.
    pub(super) fn advance(&mut self, number: u32) {
        let step = &self.steps[number as usize];
        let State::Active { order, launch, retire } = step.state else { return };
        let gone = step.old.is_none_or(|cell| self.cells[cell as usize].is_out());
        if step.is_untouched() && !self.may_start(number) {
            self.change_step(number, |step| step.state = State::Waiting);
            return;
        }
        let up = match launch {
            Launching::Up(cell) => self.cells[cell as usize].available,
            Launching::None => true,
            Launching::Held | Launching::Asked => false,
        };
        if gone && retire != Retiring::Over {
            self.change_step(number, |step| {
                step.state = State::Active { order, launch, retire: Retiring::Over }
            });
        } else if retire == Retiring::Held && (order == Order::RetireFirst || up) && self.may_ask() {
            self.retire(number, order, launch);
        } else if launch == Launching::Held && (order == Order::LaunchFirst || gone) && self.may_ask() {
            self.launch(number, order, retire);
        } else if up && retire == Retiring::Over {
            self.change_step(number, |step| step.state = State::Done);
        }
    }

    /// Whether anything may be asked for: not while somebody has to decide what becomes of a failure, nor between two plans.
    fn may_ask(&self) -> bool {
        !self.frozen && self.replan.is_none()
    }

    /// Whether a step that has asked for nothing yet may still go on. Where work may not begin any more it waits again, as if it
    /// had not been begun: nobody has seen that it was.
    fn may_start(&self, number: u32) -> bool {
        let step = &self.steps[number as usize];
        let paused = matches!(self.status, Status::Paused { .. });
        let mut bound = step.effects.iter().filter(|effect| effect.bound);
        let in_time = step.stage.is_none() || self.may_begin(step.service);
        !paused
            && in_time
            && bound.all(|effect| {
                let limit = &self.inputs.plan.limits[effect.limit as usize];
                let holds = limit.window.as_ref().is_some_and(|window| window.is_open(self.clock));
                !holds || !self.tallies[effect.limit as usize].is_crowded(limit)
            })
    }

    fn retire(&mut self, number: u32, order: Order, launch: Launching) {
        let step = &self.steps[number as usize];
        let Some(old) = step.old else { return };
        if self.cells[old as usize].available {
            // Others may have ended by themselves since the step was begun: what does its work stays until they are back.
            let mut bound = step.effects.iter().filter(|effect| effect.bound && effect.retire);
            let spared = bound.all(|effect| {
                let limit = &self.inputs.plan.limits[effect.limit as usize];
                limit.window.is_some() || self.tallies[effect.limit as usize].can_spare(limit)
            });
            if !spared {
                self.blocked.insert(number);
                return;
            }
        }
        let disposal = step.replacement.retire.as_ref().map_or(Disposal::End, |retire| retire.disposal);
        self.blocked.remove(&number);
        self.change_step(number, |step| {
            step.state = State::Active { order, launch, retire: Retiring::Asked }
        });
        self.ask_to_go(old, disposal);
    }

    /// Asks an instance to go: from now on it does no work.
    pub(super) fn ask_to_go(&mut self, number: u32, disposal: Disposal) {
        self.change_cell(number, |cell| {
            cell.asked = Some(Asked { disposal });
            cell.instance.phase = Phase::Terminating;
        });
        self.retiring.insert(number);
        self.fresh.retires.insert(number);
        let policy = &self.target(self.cells[number as usize].service).policy;
        let patience = policy.drain_seconds.saturating_add(policy.progress_deadline_seconds);
        self.timers.insert((self.clock.after_seconds(patience), Timer::Retire(number)));
    }

    fn launch(&mut self, number: u32, order: Order, retire: Retiring) {
        let step = &self.steps[number as usize];
        let mut bound = step.effects.iter().filter(|effect| effect.bound && effect.launch);
        let room = bound.all(|effect| {
            let limit = &self.inputs.plan.limits[effect.limit as usize];
            limit.window.is_some() || self.tallies[effect.limit as usize].has_room_besides(limit)
        });
        // Whoever was there by another way than this step holds the slot until it is gone.
        let slot = step.replacement.launch.as_ref().and_then(|launch| launch.slot.as_ref());
        let held = slot.is_some_and(|slot| self.slots.contains_key(&(step.service, Arc::clone(slot))));
        if !room || held {
            self.blocked.insert(number);
            return;
        }
        self.blocked.remove(&number);
        self.change_step(number, |step| {
            step.state = State::Active { order, launch: Launching::Asked, retire };
        });
        self.await_launch(number);
    }

    /// Begins to wait for a launch.
    pub(super) fn await_launch(&mut self, number: u32) {
        let step = &self.steps[number as usize];
        let patience = self.target(step.service).policy.progress_deadline_seconds;
        let timer = Timer::Launch(number, step.attempt);
        self.timers.insert((self.clock.after_seconds(patience), timer));
    }

    /// Looks again at what waits for room.
    pub(super) fn unblock(&mut self) -> bool {
        let before = self.blocked.clone();
        for number in &before {
            self.advance(*number);
        }
        self.blocked != before
    }

    /// Ends the rollout once everything is done.
    pub(super) fn finish_if_done(&mut self) {
        let goes_on = matches!(self.status, Status::Running | Status::RollingBack { .. });
        let done = self.stages.iter().all(super::stages::StageState::is_done)
            && self.queues.iter().all(super::admit::Queue::is_empty)
            && self.retiring.is_empty()
            && !self.steps.iter().any(super::steps::Step::is_active);
        if !goes_on || !done || self.replan.is_some() {
            return;
        }
        let failed = self.steps.iter().filter(|step| step.state == State::Failed).count();
        if failed > 0 {
            self.pause(format!("everything else is done; replacements that failed: {failed}"));
        } else if let Some(reason) = self.rolling_back.clone() {
            use crate::Document as _;
            let to = self.inputs.targets.iter().map(|target| target.release.digest()).collect();
            self.status = Status::RolledBack { reason, to };
        } else {
            self.status = Status::Succeeded;
        }
    }
}

impl Cell {
    /// Whether it holds no place any more.
    pub(super) fn is_out(&self) -> bool {
        !self.is_present()
    }
}
