//! The simulated world: does what a rollout asks for, and takes its time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Interval, Life, Sample, Timeline, chance::Chance};
use crate::{
    Time,
    fleet::Phase,
    plan::{Limit, Plan, Reason},
    rollout::{Action, Do, Event, Key, Rollout, Status, What},
};

/// How long things take, and how often they fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct World {
    /// What chance begins with.
    pub seed: u64,
    /// Milliseconds from asking for a launch to the instance.
    pub launch_millis: Between,
    /// Milliseconds from the instance to its being ready.
    pub ready_millis: Between,
    /// Milliseconds from asking an instance to go to its being gone.
    pub retire_millis: Between,
    /// Milliseconds that shifting traffic takes, an analysis, and somebody who is asked.
    pub answer_millis: Between,
    /// How many launches of a thousand fail.
    pub failures_in_a_thousand: u32,
}

/// A number of milliseconds; each as likely as the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Between {
    /// At least.
    pub least: u64,
    /// At most.
    pub most: u64,
}

impl Between {
    /// Always the same.
    pub const fn exactly(millis: u64) -> Self {
        Self { least: millis, most: millis }
    }
}

impl Default for World {
    /// Launches in 5 s, readiness in 10 to 20 s, retiring in 5 to 10 s, answers in 60 s; nothing fails.
    fn default() -> Self {
        Self {
            seed: 0,
            launch_millis: Between::exactly(5_000),
            ready_millis: Between { least: 10_000, most: 20_000 },
            retire_millis: Between { least: 5_000, most: 10_000 },
            answer_millis: Between::exactly(60_000),
            failures_in_a_thousand: 0,
        }
    }
}

struct Run<'a> {
    world: &'a World,
    chance: Chance,
    /// What is going to happen, in the order of time, then of having been asked for.
    coming: BinaryHeap<Reverse<(u64, u64, usize)>>,
    events: Vec<What>,
    asked: HashSet<Key>,
    lives: Vec<Life>,
    numbers: HashMap<Arc<str>, usize>,
    /// Where each life is counted: its zone and labels.
    labels: Vec<Arc<BTreeMap<String, String>>>,
    /// When an instance became ready that time has still to make available.
    min_ready: HashMap<Arc<str>, u64>,
    stages: Vec<Interval>,
}

/// No simulation goes on for longer: a rollout that is not through by then is not going to be.
const MOST_EVENTS: u64 = 50_000_000;

pub(super) fn run(mut rollout: Rollout, plan: &Plan, world: &World, start: Time) -> Timeline {
    let mut run = Run::new(&rollout, plan, world);
    let mut now = 0;
    for _ in 0..MOST_EVENTS {
        run.watch_stages(&rollout, now);
        let next = rollout.next_anew();
        for action in &next.actions {
            run.ask(action, &rollout, now);
        }
        if rollout.status().is_end() || matches!(rollout.status(), Status::Paused { .. }) {
            break;
        }
        let wake = next.wake.map(|wake| wake.millis_since(start));
        let happens = run.coming.peek().map(|Reverse((at, _, _))| *at);
        let (at, what) = match (happens, wake) {
            (Some(at), wake) if wake.is_none_or(|wake| at <= wake) => {
                let Some(Reverse((at, _, event))) = run.coming.pop() else { break };
                (at, run.events[event].clone())
            }
            (_, Some(wake)) => (wake, What::Tick),
            (_, None) => break,
        };
        now = now.max(at);
        run.note(&what, now);
        rollout = rollout.on(&Event { at: start.after_millis(now), what });
    }
    run.watch_stages(&rollout, now);
    run.timeline(&rollout, plan, now)
}

impl<'a> Run<'a> {
    fn new(rollout: &Rollout, plan: &Plan, world: &'a World) -> Self {
        let reasons: HashMap<&str, Reason> =
            plan.replacements().filter_map(|one| Some((&*one.retire.as_ref()?.id, one.reason))).collect();
        let mut run = Self {
            world,
            chance: Chance::new(world.seed),
            coming: BinaryHeap::new(),
            events: Vec::new(),
            asked: HashSet::new(),
            lives: Vec::new(),
            numbers: HashMap::new(),
            labels: Vec::new(),
            min_ready: HashMap::new(),
            stages: vec![Interval::default(); plan.stages.len()],
        };
        for target in rollout.targets() {
            let mut matcher = target.release.matcher();
            for instance in target.fleet.instances().iter().filter(|instance| instance.is_present()) {
                let is_ready = instance.is_available();
                run.live(
                    Life {
                        service: Arc::clone(target.release.service()),
                        instance: Arc::clone(&instance.id),
                        zone: Arc::clone(&instance.zone),
                        new: matcher.next(instance) == crate::Match::Same,
                        reason: reasons.get(&*instance.id).copied(),
                        launched_millis: None,
                        available_millis: is_ready.then_some(0),
                        retired_millis: None,
                        gone_millis: None,
                    },
                    Arc::clone(&instance.labels),
                );
                match instance.phase {
                    // What is going goes, and what is starting becomes ready.
                    Phase::Terminating => {
                        let gone = What::Gone { instance: Arc::clone(&instance.id) };
                        run.after(0, world.retire_millis, gone);
                    }
                    _ if !is_ready && !reasons.contains_key(&*instance.id) => {
                        let ready = What::Ready { instance: Arc::clone(&instance.id) };
                        run.after(0, world.ready_millis, ready);
                    }
                    _ => {}
                }
            }
        }
        run
    }

    fn live(&mut self, life: Life, labels: Arc<BTreeMap<String, String>>) {
        self.numbers.insert(Arc::clone(&life.instance), self.lives.len());
        self.lives.push(life);
        self.labels.push(labels);
    }

    fn after(&mut self, now: u64, delay: Between, what: What) {
        let at = now.saturating_add(self.chance.between(delay.least, delay.most));
        let number = self.events.len();
        self.events.push(what);
        self.coming.push(Reverse((at, number as u64, number)));
    }

    /// Begins to do what is asked for, the first time.
    fn ask(&mut self, action: &Action, rollout: &Rollout, now: u64) {
        if !self.asked.insert(action.key.clone()) {
            return;
        }
        let (world, key) = (self.world, action.key.clone());
        match &action.what {
            Do::Launch { zone, labels, .. } => {
                let instance: Arc<str> = format!("{}+{}", action.service, self.asked.len()).into();
                let life = Life {
                    service: Arc::clone(&action.service),
                    instance: Arc::clone(&instance),
                    zone: Arc::clone(zone),
                    new: true,
                    reason: None,
                    launched_millis: Some(now),
                    available_millis: None,
                    retired_millis: None,
                    gone_millis: None,
                };
                let fails = self.chance.happens(world.failures_in_a_thousand);
                self.live(life, Arc::clone(labels));
                if fails {
                    let reason = "the simulation says so".to_owned();
                    self.after(now, world.launch_millis, What::LaunchFailed { key, reason });
                    let life = self.lives.len() - 1;
                    // It never was there.
                    self.lives[life].gone_millis = Some(now);
                    return;
                }
                let target =
                    rollout.targets().iter().find(|target| *target.release.service() == action.service);
                let min_ready =
                    target.map_or(0, |target| target.policy.min_ready_seconds.saturating_mul(1000));
                self.min_ready.insert(Arc::clone(&instance), min_ready);
                self.after(now, world.launch_millis, What::Launched { key, instance });
            }
            Do::Retire { instance, disposal, .. } => {
                let id = Arc::clone(instance);
                if let Some(number) = self.numbers.get(&id) {
                    self.lives[*number].retired_millis.get_or_insert(now);
                }
                let what = if disposal.keeps() {
                    What::Quarantined { instance: id }
                } else {
                    What::Gone { instance: id }
                };
                self.after(now, world.retire_millis, what);
            }
            Do::Shift { .. } => self.after(now, world.answer_millis, What::Shifted { key }),
            Do::Analyse { .. } => self.after(now, world.answer_millis, What::Passed { key }),
            Do::Ask { .. } => {
                self.after(now, world.answer_millis, What::Approved { key, by: "simulation".into() });
            }
        }
    }

    /// Notes what an event does to a life, and what follows from it in the world.
    fn note(&mut self, what: &What, now: u64) {
        match what {
            What::Launched { instance, .. } => {
                self.after(now, self.world.ready_millis, What::Ready { instance: Arc::clone(instance) });
            }
            What::Ready { instance } => {
                let after = self.min_ready.get(instance).copied().unwrap_or(0);
                if let Some(number) = self.numbers.get(instance) {
                    self.lives[*number].available_millis.get_or_insert(now.saturating_add(after));
                }
            }
            What::Gone { instance } | What::Quarantined { instance } => {
                if let Some(number) = self.numbers.get(instance) {
                    let life = &mut self.lives[*number];
                    life.retired_millis.get_or_insert(now);
                    life.gone_millis.get_or_insert(now);
                }
            }
            _ => {}
        }
    }

    fn watch_stages(&mut self, rollout: &Rollout, now: u64) {
        if rollout.generation() > 0 {
            return;
        }
        for (number, interval) in self.stages.iter_mut().enumerate() {
            let (begun, done) = rollout.stage(number);
            if begun {
                interval.from_millis.get_or_insert(now);
            }
            if done {
                interval.to_millis.get_or_insert(now);
            }
        }
    }

    fn timeline(self, rollout: &Rollout, plan: &Plan, now: u64) -> Timeline {
        let outcome = match rollout.status() {
            Status::Succeeded => "succeeded".into(),
            Status::Paused { reason } => format!("paused: {reason}"),
            Status::RolledBack { reason, .. } => format!("rolled back: {reason}"),
            Status::Aborted { by } => format!("aborted by {by}"),
            Status::Running | Status::RollingBack { .. } => "not ended: nothing can happen any more".into(),
        };
        let capacity = plan.limits.iter().map(|limit| self.samples(limit, now)).collect();
        Timeline { makespan_millis: now, outcome, capacity, lives: self.lives, stages: self.stages }
    }

    /// What a limit counts, moment by moment: a sample wherever something changes.
    fn samples(&self, limit: &Limit, end: u64) -> Vec<Sample> {
        let mut changes: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
        changes.entry(0).or_default();
        let counted = |(life, labels): &(&Life, &Arc<BTreeMap<String, String>>)| {
            limit.of.has(&life.service, &life.zone, labels)
        };
        for (life, _) in self.lives.iter().zip(&self.labels).filter(counted) {
            let from = life.launched_millis.unwrap_or(0);
            let to = life.gone_millis.unwrap_or(u64::MAX);
            if to <= from {
                continue;
            }
            changes.entry(from).or_default().0 += 1;
            if to <= end {
                changes.entry(to).or_default().0 -= 1;
            }
            let stops = life.retired_millis.unwrap_or(u64::MAX).min(to);
            if let Some(available) = life.available_millis.filter(|at| *at < stops && *at <= end) {
                changes.entry(available).or_default().1 += 1;
                if stops <= end {
                    changes.entry(stops).or_default().1 -= 1;
                }
            }
        }
        let (mut present, mut available) = (0_i64, 0_i64);
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        let mut samples: Vec<Sample> = Vec::with_capacity(changes.len());
        for (at_millis, (more, more_available)) in changes {
            present += more;
            available += more_available;
            samples.push(Sample { at_millis, present: number(present), available: number(available) });
        }
        samples
    }
}
