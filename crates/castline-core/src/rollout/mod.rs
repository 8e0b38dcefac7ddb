//! A plan being executed: a pure state machine, fed with what happens and asked what to do.
//!
//! Nothing here waits, reads a clock or talks to anybody. Whoever drives a rollout asks [`Rollout::next`] what is to be done,
//! has it done, and tells [`Rollout::on`] what happened; a journal of those events makes the same rollout again.

mod action;
mod admit;
mod assemble;
mod cells;
mod event;
mod events;
mod failure;
mod fresh;
mod next;
mod progress;
mod replan;
mod stages;
mod status;
mod steps;
mod tally;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use action::{Action, Do, Next};
pub use event::{Event, Key, What};
pub use next::{Progress, Wait};
pub use status::Status;

use self::{
    admit::Queue,
    cells::Cell,
    fresh::Fresh,
    replan::Replan,
    stages::StageState,
    steps::{State, Step},
    tally::Tally,
};
use crate::{
    Fleet, Release, Result, Time,
    plan::{Plan, Target},
};

/// A plan being executed.
///
/// Equal journals give equal rollouts. A rollout admits a replacement only if every limit has room for the worst that it can do,
/// and asks for an instance to go, or to come, only if the limits hold at that moment, too: instances that
/// end by themselves can take capacity below a floor, and then nothing that does its work is retired until it is back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rollout {
    inputs: Arc<Inputs>,
    /// What the keys of all its actions begin with.
    name: Arc<str>,
    /// How often it was planned anew.
    generation: u32,
    clock: Time,
    status: Status,
    /// Why it goes back, once it does.
    rolling_back: Option<String>,
    /// Whether what is under way must not go on either: something has failed.
    frozen: bool,
    replan: Option<Replan>,
    cells: Vec<Cell>,
    ids: BTreeMap<Arc<str>, u32>,
    steps: Vec<Step>,
    stages: Vec<StageState>,
    tallies: Vec<Tally>,
    /// How many instances of a service hold a slot: one, but for those that somebody else put there.
    slots: BTreeMap<(u32, Arc<str>), u32>,
    /// What waits, of each stage; the last one is of no stage.
    queues: Vec<Queue>,
    timers: BTreeSet<(Time, Timer)>,
    /// Launches that nobody has answered yet.
    unanswered: BTreeSet<u32>,
    /// Instances that were asked to go and are still there.
    retiring: BTreeSet<u32>,
    /// Of both, those that were asked for since the last event.
    fresh: Fresh,
    /// Steps to be looked at.
    dirty: BTreeSet<u32>,
    /// Steps that wait for room in a limit.
    blocked: BTreeSet<u32>,
    /// How many replacements of each service have failed since somebody last said `Continue`.
    failed: Vec<u64>,
    /// When it has stood still for too long, while it waits for nothing that is sure to come.
    stall: Option<Time>,
}

/// What a rollout was made from: shared by all of its states.
#[derive(Debug, PartialEq, Eq)]
struct Inputs {
    plan: Plan,
    /// In the order of the plan's services.
    targets: Vec<Target>,
    /// What to go back to, in the same order; empty where there is nothing.
    fallback: Vec<Release>,
}

impl std::hash::Hash for Inputs {
    /// The plan names everything that it was made from.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for service in &self.plan.services {
            (&service.fleet, &service.release, &service.policy).hash(state);
        }
    }
}

/// What happens when time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timer {
    /// An instance has been ready for long enough.
    Available(u32),
    /// The new instance of a step should be available.
    Launch(u32, u32),
    /// An instance that was asked to go should be gone.
    Retire(u32),
    /// Nothing of a stage has failed for long enough.
    Bake(u32),
    /// Something should have gone on.
    Stall,
}

impl Rollout {
    /// Begins a rollout of `plan` at the time `at`. `fallback` has the releases to go back to where a policy says so: one for each
    /// service, each of which has succeeded before; a ledger knows them.
    ///
    /// # Errors
    ///
    /// [`Error::StalePlan`](crate::Error::StalePlan) where the plan was made for other fleets, releases or policies than those
    /// of `targets`.
    pub fn start(plan: &Plan, targets: &[Target], fallback: &[Release], at: Time) -> Result<Self> {
        let inputs = assemble::inputs(plan, targets, fallback)?;
        let mut rollout = assemble::assemble(inputs, at);
        rollout.settle();
        Ok(rollout)
    }

    /// The rollout after something happened. Any event is answered, also one that is late, or comes twice, or is of no
    /// instance that is known: what changes nothing is ignored.
    #[must_use]
    pub fn on(mut self, event: &Event) -> Self {
        if self.status.is_end() {
            return self;
        }
        self.fresh = Fresh::default();
        self.pass(event.at);
        self.happen(&event.what);
        self.settle();
        self
    }

    /// How far it is.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// The time of the last event.
    pub const fn clock(&self) -> Time {
        self.clock
    }

    /// The plan that is executed: the one that it was started with, or the one made since for a resize or for going back.
    pub fn plan(&self) -> &Plan {
        &self.inputs.plan
    }

    /// What is executed, with the releases that are being rolled out now.
    pub fn targets(&self) -> &[Target] {
        &self.inputs.targets
    }

    /// The fleet of a service, as far as events tell.
    pub fn fleet(&self, service: &str) -> Option<Fleet> {
        let number = self.inputs.targets.iter().position(|target| **target.release.service() == *service)?;
        let of_service = |cell: &&Cell| cell.service as usize == number && !cell.gone;
        let instances = self.cells.iter().filter(of_service).map(|cell| cell.instance.clone());
        // Ids are unique among cells, and slots are free before they are taken again; else there is no such fleet.
        Fleet::new(service, instances).ok()
    }

    /// Whether it can still be taken back: it does not go back yet, and there is something for it to go back to.
    pub fn can_go_back(&self) -> bool {
        !self.status.is_end() && self.rolling_back.is_none() && !self.inputs.fallback.is_empty()
    }

    /// The releases that it was given to go back to, in the order of its services; none where it has nothing to go back to.
    pub fn fallback(&self) -> &[Release] {
        &self.inputs.fallback
    }

    /// How many instances of a service are still to be launched, as planned now: those of replacements that have failed among them, which
    /// are tried again.
    pub fn launches_left(&self, service: &str) -> u64 {
        let is_left = |step: &&Step| {
            let launches = step.replacement.launch.is_some();
            let is_up =
                matches!(step.state, State::Done | State::Active { launch: steps::Launching::Up(_), .. });
            launches && !is_up && **self.target(step.service).release.service() == *service
        };
        self.steps.iter().filter(is_left).count() as u64
    }

    /// How often it was planned anew, for a resize or to go back.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the stage at this position of [`Self::plan`] was begun, and whether it is done.
    pub fn stage(&self, position: usize) -> (bool, bool) {
        let stage = self.stages.get(position);
        stage.map_or((false, false), |stage| (!stage.is_closed(), stage.is_done()))
    }

    fn target(&self, service: u32) -> &Target {
        &self.inputs.targets[service as usize]
    }

    /// Lets time pass, and everything happen that time alone makes happen. Who was late in telling the time must not make
    /// anything fail: what has become available by now has done so before any deadline is looked at.
    fn pass(&mut self, now: Time) {
        self.clock = self.clock.max(now);
        let due: Vec<(Time, Timer)> =
            self.timers.iter().copied().take_while(|(at, _)| *at <= self.clock).collect();
        let (available, others): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|(_, timer)| matches!(timer, Timer::Available(_)));
        // All of them, before anything is asked for: one that may go may have come to do its work at the same moment.
        let some = !available.is_empty();
        for (at, timer) in available {
            self.timers.remove(&(at, timer));
            self.expire(timer);
        }
        if some {
            self.settle();
        }
        for (at, timer) in others {
            if self.timers.remove(&(at, timer)) {
                self.expire(timer);
                self.settle();
            }
        }
    }

    fn expire(&mut self, timer: Timer) {
        match timer {
            Timer::Available(cell) => self.change_cell(cell, |_| ()),
            Timer::Launch(step, attempt) => self.launch_is_late(step, attempt),
            Timer::Retire(cell) => self.retire_is_late(cell),
            Timer::Bake(stage) => self.baked(stage),
            Timer::Stall => self.stalled(),
        }
    }

    /// Does everything that follows, until nothing does.
    fn settle(&mut self) {
        loop {
            while let Some(step) = self.dirty.pop_first() {
                self.advance(step);
            }
            if self.status.is_end() {
                return;
            }
            let moved = self.unblock() | self.advance_stages() | self.admit();
            if !moved && self.dirty.is_empty() {
                if self.replan_if_settled() {
                    continue;
                }
                self.finish_if_done();
                self.watch();
                return;
            }
        }
    }

    /// Changes an instance, and everything that counts it.
    fn change_cell(&mut self, number: u32, change: impl FnOnce(&mut Cell)) {
        let cell = &self.cells[number as usize];
        let steps: BTreeSet<u32> = [cell.launched_by, cell.retired_by].into_iter().flatten().collect();
        for step in &steps {
            self.reserve(*step, -1);
        }
        self.count(number, -1);
        change(&mut self.cells[number as usize]);
        self.judge(number);
        self.count(number, 1);
        for step in steps {
            self.reserve(step, 1);
            self.file(step);
            self.dirty.insert(step);
        }
    }

    /// Changes a step, and what it reserves.
    fn change_step(&mut self, number: u32, change: impl FnOnce(&mut Step)) {
        self.moved();
        self.reserve(number, -1);
        let was_over = self.steps[number as usize].is_over();
        change(&mut self.steps[number as usize]);
        let step = &self.steps[number as usize];
        if step.is_unanswered() {
            self.unanswered.insert(number);
            self.fresh.launches.insert(number);
        } else {
            self.unanswered.remove(&number);
        }
        if !step.is_active() {
            self.blocked.remove(&number);
        }
        if let Some(stage) = step.stage {
            let remaining = &mut self.stages[stage as usize].remaining;
            *remaining = *remaining + u64::from(was_over) - u64::from(step.is_over());
        }
        self.reserve(number, 1);
        self.file(number);
        self.dirty.insert(number);
    }

    /// Decides whether an instance is available now; where only time is missing, time will tell.
    fn judge(&mut self, number: u32) {
        let cell = &self.cells[number as usize];
        let target = self.target(cell.service);
        let ready = cell.is_ready(target);
        let since = cell.instance.ready_at.map(|at| at.after_seconds(target.policy.min_ready_seconds));
        let available = ready && since.is_none_or(|since| since <= self.clock);
        if let Some(since) = since.filter(|_| ready && !available) {
            self.timers.insert((since, Timer::Available(number)));
        }
        self.cells[number as usize].available = available;
    }

    fn count(&mut self, number: u32, sign: i64) {
        let cell = &self.cells[number as usize];
        for limit in &*cell.counted {
            self.tallies[*limit as usize].count(cell, sign);
        }
        let Some(slot) = cell.instance.slot.as_ref().filter(|_| cell.is_present()) else { return };
        let place = (cell.service, Arc::clone(slot));
        let holders = self.slots.get(&place).copied().unwrap_or(0);
        match if sign < 0 { holders.saturating_sub(1) } else { holders + 1 } {
            0 => self.slots.remove(&place),
            holders => self.slots.insert(place, holders),
        };
    }

    fn reserve(&mut self, number: u32, sign: i64) {
        let step = &self.steps[number as usize];
        let State::Active { launch, .. } = step.state else { return };
        let new = match launch {
            steps::Launching::Up(cell) => Some(&self.cells[cell as usize]),
            _ => None,
        };
        let old = step.old.map(|cell| &self.cells[cell as usize]);
        tally::reserve(&mut self.tallies, step, old, new, sign);
    }
}
