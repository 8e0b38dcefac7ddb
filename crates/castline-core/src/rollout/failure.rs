//! What fails, and what is done about it.

use std::sync::Arc;

use super::{
    Rollout, Status, Timer,
    steps::{Launching, State, Step},
};
use crate::{
    fleet::Integrity,
    plan::{Disposal, Reason},
    policy::OnFailure,
};

impl Rollout {
    /// A launch has failed, or what it launched has, before it was available. It is tried again as often as the policy says.
    pub(super) fn launch_failed(&mut self, number: u32, reason: &str) {
        let step = &self.steps[number as usize];
        let State::Active { order, launch, retire } = step.state else { return };
        let (service, attempt) = (step.service, step.attempt + 1);
        // One that is going is let go, and nothing comes for it.
        // What was asked for before a new plan is not to be tried again, nor held against that plan.
        let abandoned = self.replan.is_some();
        let again = !abandoned && attempt < self.target(service).policy.attempts;
        let next =
            if again { State::Active { order, launch: Launching::Held, retire } } else { State::Failed };
        self.change_step(number, |step| {
            step.state = next;
            step.attempt = attempt;
        });
        if let Launching::Up(cell) = launch {
            self.discard(cell);
        }
        if !again && !abandoned {
            self.failed[service as usize] += 1;
            let what = self.name_of(number);
            self.judge_failures(service, format!("{what}: {reason}"));
        }
    }

    /// Forgets which step an instance was launched by.
    fn disown(&mut self, cell: u32) {
        self.count(cell, -1);
        self.cells[cell as usize].launched_by = None;
        self.count(cell, 1);
    }

    /// Takes away what was launched and has failed.
    fn discard(&mut self, cell: u32) {
        self.disown(cell);
        let failed = &self.cells[cell as usize];
        if !failed.is_out() && !failed.is_leaving() {
            self.ask_to_go(cell, Disposal::End);
        }
    }

    /// Stops where more of a service have failed than its policy allows.
    pub(super) fn judge_failures(&mut self, service: u32, reason: String) {
        let target = self.target(service);
        let most = target.policy.breakers.max_failed.of(target.release.replicas());
        if self.failed[service as usize] > most {
            self.fail(service, reason);
        }
    }

    /// Goes back, or stops and waits for somebody, as the policy of the service says.
    pub(super) fn fail(&mut self, service: u32, reason: String) {
        if !matches!(self.status, Status::Running | Status::RollingBack { .. }) {
            return;
        }
        match self.target(service).policy.on_failure {
            _ if self.rolling_back.is_some() => {
                self.freeze(format!("going back has failed, too: {reason}"));
            }
            OnFailure::Pause => self.freeze(reason),
            OnFailure::Rollback if self.inputs.fallback.is_empty() => {
                self.freeze(format!("{reason}; there is no release to go back to"));
            }
            OnFailure::Rollback => self.roll_back(reason),
        }
    }

    /// Begins nothing more; what is under way is finished.
    pub(super) fn pause(&mut self, reason: String) {
        self.status = Status::Paused { reason };
    }

    /// Asks for nothing more.
    pub(super) fn freeze(&mut self, reason: String) {
        self.frozen = true;
        self.pause(reason);
    }

    /// A launch has taken too long. One that nobody has answered may still come: it cannot be told from one that is lost.
    pub(super) fn launch_is_late(&mut self, number: u32, attempt: u32) {
        let step = &self.steps[number as usize];
        let State::Active { launch, .. } = step.state else { return };
        if step.attempt != attempt {
            return;
        }
        let seconds = self.target(step.service).policy.progress_deadline_seconds;
        match launch {
            Launching::Up(cell) if !self.cells[cell as usize].available => {
                self.launch_failed(number, &format!("it is not available after {seconds} s"));
            }
            Launching::Asked if !matches!(self.status, Status::Paused { .. }) => {
                let what = self.name_of(number);
                self.freeze(format!("{what}: nobody has said what became of the launch for {seconds} s"));
            }
            _ => {}
        }
    }

    /// An instance that was asked to go is still there.
    pub(super) fn retire_is_late(&mut self, number: u32) {
        let waits = self.retiring.contains(&number) && !matches!(self.status, Status::Paused { .. });
        if waits {
            let id = &self.cells[number as usize].instance.id;
            self.freeze(format!("`{id}` was asked to go, and is still there"));
        }
    }

    /// Something went on.
    pub(super) fn moved(&mut self) {
        if let Some(at) = self.stall.take() {
            self.timers.remove(&(at, Timer::Stall));
        }
    }

    /// Looks whether anything is sure to happen. Where nothing was asked for and nobody is waited for, only what
    /// instances do by themselves can help: they have as long as a launch has.
    pub(super) fn watch(&mut self) {
        let goes_on = matches!(self.status, Status::Running | Status::RollingBack { .. });
        let asked = !self.unanswered.is_empty() || !self.retiring.is_empty();
        let waits = self.stages.iter().any(super::stages::StageState::waits_for_others);
        let held = !self.inputs.targets.iter().all(|target| target.policy.windows.is_empty())
            || self.inputs.plan.limits.iter().any(|limit| limit.window.is_some());
        if !goes_on || asked || waits || held || self.steps.iter().any(|step| self.is_coming(step)) {
            self.moved();
        } else if self.stall.is_none() {
            let patience =
                self.inputs.targets.iter().map(|target| target.policy.progress_deadline_seconds).max();
            let at = self.clock.after_seconds(patience.unwrap_or(0));
            self.stall = Some(at);
            self.timers.insert((at, Timer::Stall));
        }
    }

    pub(super) fn stalled(&mut self) {
        self.stall = None;
        let waits = self.waits();
        let on = waits.iter().flat_map(|wait| wait.on.iter()).next();
        let what = waits.first().map_or("it".to_owned(), |wait| wait.what.clone());
        let why = on.map_or_else(|| "instances are down that it does not replace".to_owned(), Clone::clone);
        self.freeze(format!(
            "nothing has gone on for too long: {what} waits ({why}); look at what is down, or plan again"
        ));
    }

    /// What was launched, or stays, is lost or has failed: another one comes for it.
    pub(super) fn lost(&mut self, cell: u32, reason: Reason, why: &str) {
        let lost = &self.cells[cell as usize];
        let (service, ours) = (lost.service, lost.launched_by.is_some());
        if lost.retired_by.is_some() || lost.asked.is_some() || lost.stranger {
            return;
        }
        let (id, step) = (Arc::clone(&lost.instance.id), lost.launched_by);
        self.disown(cell);
        self.replace(cell, reason);
        if let Some(stage) = step.and_then(|step| self.steps[step as usize].stage) {
            self.bake_again(stage);
        }
        if ours && reason != Reason::Missing && self.replan.is_none() {
            self.failed[service as usize] += 1;
            self.judge_failures(service, format!("`{id}`, which was launched for this rollout: {why}"));
        }
    }

    /// Stops where more are compromised than the policy allows.
    pub(super) fn judge_integrity(&mut self, service: u32) {
        let target = self.target(service);
        let Some(most) = target.policy.breakers.max_compromised else { return };
        let most = most.of(target.release.replicas());
        let compromised = self.cells.iter().filter(|cell| {
            cell.service == service && cell.is_present() && cell.instance.integrity == Integrity::Compromised
        });
        let count = compromised.count() as u64;
        if count > most && matches!(self.status, Status::Running | Status::RollingBack { .. }) {
            let service = target.release.service();
            self.freeze(format!("{count} instances of {service} are compromised, which is more than {most}"));
        }
    }

    /// Somebody says that it goes on: what failed is tried again.
    pub(super) fn go_on(&mut self) {
        if !matches!(self.status, Status::Paused { .. }) {
            return;
        }
        self.frozen = false;
        self.failed.fill(0);
        self.status = match &self.rolling_back {
            Some(reason) => Status::RollingBack { reason: reason.clone() },
            None => Status::Running,
        };
        for number in 0..u32::try_from(self.steps.len()).unwrap_or(u32::MAX) {
            let step = &self.steps[number as usize];
            if step.state == State::Failed {
                self.try_again(number);
            } else if step.is_active() {
                // Its time may have run out while nobody looked at it.
                if self.is_coming(step) {
                    self.await_launch(number);
                }
                self.dirty.insert(number);
            }
        }
        for cell in self.retiring.clone() {
            let policy = &self.target(self.cells[cell as usize].service).policy;
            let patience = policy.drain_seconds.saturating_add(policy.progress_deadline_seconds);
            self.timers.insert((self.clock.after_seconds(patience), Timer::Retire(cell)));
        }
    }

    /// Whether the launch of a step was asked for, and what it launches is not available.
    fn is_coming(&self, step: &Step) -> bool {
        match step.state {
            State::Active { launch: Launching::Asked, .. } => true,
            State::Active { launch: Launching::Up(cell), .. } => !self.cells[cell as usize].available,
            _ => false,
        }
    }

    /// Lets a step that has failed wait again. Its stage may be over: then it is of none.
    fn try_again(&mut self, number: u32) {
        let stage = self.steps[number as usize].stage;
        let over = stage.is_some_and(|stage| !self.stages[stage as usize].is_open());
        if over {
            // The stage has counted it as over, and stays so.
            self.steps[number as usize].stage = None;
        }
        self.change_step(number, |step| step.state = State::Waiting);
    }

    /// What a step does, for messages.
    pub(super) fn name_of(&self, number: u32) -> String {
        let step = &self.steps[number as usize];
        let service = self.target(step.service).release.service();
        match (&step.replacement.retire, &step.replacement.launch) {
            (Some(retire), _) => format!("the replacement of `{}` of {service}", retire.id),
            (None, Some(launch)) if !launch.zone.is_empty() => {
                format!("a new instance of {service} in zone {}", launch.zone)
            }
            _ => format!("a new instance of {service}"),
        }
    }
}
