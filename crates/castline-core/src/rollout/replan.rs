//! Planning anew from where things are: for another number of instances, or to go back.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Inputs, Rollout, Status, admit::Queue, cells::Cell, fresh::Fresh, stages::StageState, tally::Tally,
};
use crate::{
    Fleet, Release,
    plan::{Target, plan},
    policy::{Amount, BlueGreen, Breakers, Gate, Policy, Select, Step, Strategy},
};

/// What to plan for, once every launch that was asked for was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replan {
    /// In the order of the targets.
    releases: Vec<Release>,
    back: bool,
}

impl std::hash::Hash for Replan {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.back.hash(state);
        for release in &self.releases {
            (release.revision(), release.replicas()).hash(state);
        }
    }
}

impl Rollout {
    /// Goes back to the releases that there are to go back to.
    pub(super) fn roll_back(&mut self, reason: String) {
        self.frozen = false;
        self.failed.fill(0);
        let releases = self.way_back();
        self.rolling_back = Some(reason.clone());
        self.status = Status::RollingBack { reason };
        self.replan = Some(Replan { releases, back: true });
    }

    /// The releases that it would go back to now, in the order of its services, with as many copies as there are to be then; none where it
    /// has nothing to go back to.
    pub fn way_back(&self) -> Vec<Release> {
        // Whatever was resized stays so: the number is the service's, the rest is the release's.
        let wanted = self.wanted();
        let numbers = wanted.iter().zip(&self.inputs.plan.services).zip(&self.inputs.targets);
        let numbers = numbers.map(|((now, planned), target)| match target.policy.select {
            // Where only some are replaced, the number is that of the fleet, whatever the release says.
            Select::Named(_) | Select::Broken => planned.desired,
            Select::Drifted | Select::Except(_) => now.replicas(),
        });
        let pairs = self.inputs.fallback.iter().zip(numbers);
        pairs.map(|(back, replicas)| back.clone().with_replicas(replicas)).collect()
    }

    pub(super) fn resize(&mut self, service: &str, replicas: u64) {
        let replicas = replicas.min(Release::MAX_REPLICAS);
        let mut releases = self.wanted();
        let Some(release) = releases.iter_mut().find(|release| **release.service() == *service) else {
            return;
        };
        if release.replicas() != replicas {
            *release = release.clone().with_replicas(replicas);
            let back = self.replan.as_ref().is_some_and(|replan| replan.back);
            self.replan = Some(Replan { releases, back });
        }
    }

    /// The releases that are rolled out, or are to be.
    fn wanted(&self) -> Vec<Release> {
        match &self.replan {
            Some(replan) => replan.releases.clone(),
            None => self.inputs.targets.iter().map(|target| target.release.clone()).collect(),
        }
    }

    /// Makes the new plan, once nothing is on its way that nobody has answered for.
    pub(super) fn replan_if_settled(&mut self) -> bool {
        let goes_on = matches!(self.status, Status::Running | Status::RollingBack { .. });
        if !goes_on || !self.unanswered.is_empty() {
            return false;
        }
        let Some(Replan { releases, back }) = self.replan.clone() else { return false };
        let wanted = releases.clone();
        let mut targets = Vec::with_capacity(releases.len());
        for (service, (target, release)) in (0..).zip(self.inputs.targets.iter().zip(releases)) {
            let begun = self.stages.iter().any(|stage| stage.service == service && stage.is_done());
            let Some(fleet) = self.fleet(target.release.service()) else { return false };
            let policy = if back { self.going_back(target) } else { going_on(target, &fleet, begun) };
            targets.push(Target { fleet, release, policy });
        }
        self.replan = None;
        match plan(&targets) {
            Ok(plan) => {
                let fallback = self.inputs.fallback.clone();
                self.restart(Inputs { plan, targets, fallback });
            }
            Err(infeasible) => {
                // Whoever goes on after this still wants to go back, and not on with what was left.
                self.replan = back.then_some(Replan { releases: wanted, back });
                let what = if back { "there is no way back" } else { "it cannot be resized" };
                self.freeze(format!("{what}: {}", infeasible.what));
            }
        }
        true
    }

    /// The policy by which a service goes back: its budgets and order, at once, without gates.
    fn going_back(&self, target: &Target) -> Policy {
        let weighted =
            |stage: &crate::plan::Stage| stage.weight.is_some() && stage.service == *target.release.service();
        let strategy = match &target.policy.strategy {
            Strategy::BlueGreen(_) => Strategy::BlueGreen(BlueGreen::default()),
            Strategy::Recreate => Strategy::Recreate,
            Strategy::Canary(_) if self.inputs.plan.stages.iter().any(weighted) => {
                // Instances first, then traffic: else few would get what many are to take.
                let gate = Gate::default();
                Strategy::Canary(vec![Step { amount: Amount::ALL, weight: Some(100), gate }])
            }
            Strategy::Canary(_) | Strategy::Rolling => Strategy::Rolling,
        };
        Policy {
            strategy,
            before: Gate::default(),
            windows: Vec::new(),
            after: Vec::new(),
            select: Select::Drifted,
            breakers: Breakers { max_compromised: None, ..target.policy.breakers.clone() },
            ..target.policy.clone()
        }
    }

    /// Goes on with another plan from where things are. Who was asked to go still is.
    fn restart(&mut self, inputs: Inputs) {
        let asked: Vec<_> = self
            .cells
            .iter()
            .filter(|cell| !cell.is_out())
            .filter_map(|cell| Some((Arc::clone(&cell.instance.id), cell.asked?)))
            .collect();
        let ids: BTreeSet<Arc<str>> = self.ids.keys().cloned().collect();
        self.generation += 1;
        self.stages = inputs.plan.stages.iter().map(StageState::new).collect();
        self.tallies = vec![Tally::default(); inputs.plan.limits.len()];
        self.queues = vec![Queue::default(); self.stages.len() + 1];
        self.inputs = Arc::new(inputs);
        self.cells = Vec::new();
        self.ids.clear();
        self.slots.clear();
        self.steps = Vec::new();
        self.timers.clear();
        self.stall = None;
        self.retiring.clear();
        self.fresh = Fresh::default();
        self.dirty.clear();
        self.blocked.clear();
        self.fill();
        for (id, asked) in asked {
            if let Some(number) = self.ids.get(&id).copied() {
                self.ask_to_go(number, asked.disposal);
            }
        }
        self.forget(ids);
    }

    /// Ids that were seen before the new plan are not taken for new instances, whatever comes late.
    fn forget(&mut self, ids: BTreeSet<Arc<str>>) {
        for id in ids {
            if !self.ids.contains_key(&id) {
                let number = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
                let instance = crate::Instance::new(Arc::clone(&id));
                self.ids.insert(id, number);
                self.cells.push(Cell {
                    instance,
                    service: 0,
                    counted: [].into(),
                    launched_by: None,
                    retired_by: None,
                    asked: None,
                    available: false,
                    gone: true,
                    stranger: false,
                });
            }
        }
    }
}

/// The policy by which a service goes on after a resize: what was asked before it began is not asked again.
fn going_on(target: &Target, fleet: &Fleet, begun: bool) -> Policy {
    let mut policy = target.policy.clone();
    if let Select::Named(ids) = &mut policy.select {
        // Those that have been replaced already are not there to be named.
        let stays = |id: &str| fleet.instance(id).is_some_and(crate::plan::is_live);
        ids.retain(|id| stays(id));
    }
    if !begun {
        return policy;
    }
    let breakers = Breakers { max_compromised: None, ..policy.breakers };
    Policy { before: Gate::default(), breakers, ..policy }
}
