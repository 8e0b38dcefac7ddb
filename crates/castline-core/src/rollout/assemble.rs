//! A rollout at its beginning: what the plan and the fleets say, as a state.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Inputs, Rollout, Status,
    admit::Queue,
    cells::{Cell, Counted, Counting},
    fresh::Fresh,
    stages::StageState,
    steps::{Effect, State, Step},
    tally::Tally,
};
use crate::{
    Document as _, Error, Release, Result, Time,
    error::shown,
    fleet::Instance,
    plan::{Disposal, Plan, Reason, Replacement, Target},
};

/// Plan, targets and fallback, once it is sure that they belong together.
pub(super) fn inputs(plan: &Plan, targets: &[Target], fallback: &[Release]) -> Result<Inputs> {
    let stale = |reason: String| Error::StalePlan { reason: shown(&reason) };
    plan.validate().map_err(stale)?;
    let mut sorted = Vec::with_capacity(targets.len());
    for service in &plan.services {
        let name = &service.service;
        let mut of_service = targets.iter().filter(|target| target.release.service() == name);
        let (Some(target), None) = (of_service.next(), of_service.next()) else {
            return Err(stale(format!("there is not one fleet, release and policy of {name}")));
        };
        for (what, planned, given) in [
            ("fleet", &service.fleet, target.fleet.digest()),
            ("release", &service.release, target.release.digest()),
            ("policy", &service.policy, target.policy.digest()),
        ] {
            if *planned != given {
                return Err(stale(format!("the {what} of {name} is {given}, the plan is for {planned}")));
            }
        }
        sorted.push(target.clone());
    }
    if let Some(target) = targets.iter().find(|target| !sorted.contains(target)) {
        return Err(stale(format!("{} is not in the plan", target.release.service())));
    }
    let of_service = |target: &Target| {
        fallback.iter().find(|release| release.service() == target.release.service()).cloned()
    };
    // Going back is for all services or none.
    let fallback = sorted.iter().map(of_service).collect::<Option<Vec<_>>>().unwrap_or_default();
    let inputs = Inputs { plan: plan.clone(), targets: sorted, fallback };
    names_exist(&inputs).map_err(stale)?;
    Ok(inputs)
}

/// Everything that the plan names is there.
fn names_exist(inputs: &Inputs) -> std::result::Result<(), String> {
    let fleets: HashMap<&str, &Target> =
        inputs.targets.iter().map(|target| (&**target.release.service(), target)).collect();
    let mut retired = std::collections::HashSet::new();
    for stage in &inputs.plan.stages {
        for retire in stage.replacements.iter().filter_map(|one| one.retire.as_ref()) {
            let target = fleets.get(&*stage.service);
            if target.is_none_or(|target| target.fleet.instance(&retire.id).is_none()) {
                return Err(format!("`{}` is to be retired, and is not in the fleet", retire.id));
            }
            if !retired.insert((&stage.service, &retire.id)) {
                return Err(format!("`{}` is to be retired twice", retire.id));
            }
        }
    }
    Ok(())
}

pub(super) fn assemble(inputs: Inputs, at: Time) -> Rollout {
    let name: String = inputs.plan.digest().encoded().chars().take(32).collect();
    let stages = inputs.plan.stages.iter().map(StageState::new).collect::<Vec<_>>();
    let services = inputs.targets.len();
    let mut rollout = Rollout {
        tallies: vec![Tally::default(); inputs.plan.limits.len()],
        queues: vec![Queue::default(); stages.len() + 1],
        inputs: Arc::new(inputs),
        name: name.into(),
        generation: 0,
        clock: at,
        status: Status::Running,
        rolling_back: None,
        frozen: false,
        replan: None,
        cells: Vec::new(),
        ids: BTreeMap::new(),
        steps: Vec::new(),
        stages,
        timers: BTreeSet::new(),
        slots: BTreeMap::new(),
        unanswered: BTreeSet::new(),
        retiring: BTreeSet::new(),
        fresh: Fresh::default(),
        dirty: BTreeSet::new(),
        blocked: BTreeSet::new(),
        failed: vec![0; services],
        stall: None,
    };
    rollout.fill();
    rollout
}

impl Rollout {
    /// Makes cells of the instances, and steps of the replacements.
    pub(super) fn fill(&mut self) {
        let inputs = Arc::clone(&self.inputs);
        let limits = &inputs.plan.limits;
        let mut counting = Counting::new(limits);
        for (service, target) in (0..).zip(&inputs.targets) {
            for instance in target.fleet.instances() {
                let place = (service, &**target.release.service());
                let counted = counting.of(place, &instance.zone, &instance.labels);
                self.add_cell(instance.clone(), service, counted, None);
            }
        }
        let mut known = HashMap::new();
        for (stage, planned) in (0..).zip(&inputs.plan.stages) {
            let is_of = |target: &Target| *target.release.service() == planned.service;
            let service = inputs.targets.iter().position(is_of).unwrap_or(0);
            let service = u32::try_from(service).unwrap_or(u32::MAX);
            self.stages[stage as usize].service = service;
            for replacement in &planned.replacements {
                self.add_step(replacement.clone(), Some(stage), service, &mut counting, &mut known);
            }
        }
    }

    /// Adds an instance.
    pub(super) fn add_cell(
        &mut self,
        instance: Instance,
        service: u32,
        counted: Counted,
        launched_by: Option<u32>,
    ) -> u32 {
        let number = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        self.ids.insert(Arc::clone(&instance.id), number);
        let (retired_by, asked) = (None, None);
        self.cells.push(Cell {
            instance,
            service,
            counted,
            launched_by,
            retired_by,
            asked,
            available: false,
            gone: false,
            stranger: false,
        });
        self.judge(number);
        self.count(number, 1);
        number
    }

    /// Adds a replacement, to be begun when there is room for it.
    pub(super) fn add_step(
        &mut self,
        replacement: Replacement,
        stage: Option<u32>,
        service: u32,
        counting: &mut Counting,
        known: &mut Effects,
    ) -> u32 {
        let inputs = Arc::clone(&self.inputs);
        let place = (service, &**inputs.targets[service as usize].release.service());
        let launched = replacement
            .launch
            .as_ref()
            .map_or_else(Counted::default, |launch| counting.of(place, &launch.zone, &launch.labels));
        let old = replacement.retire.as_ref().and_then(|retire| self.ids.get(&retire.id).copied());
        let retired =
            old.map_or_else(Counted::default, |cell| Arc::clone(&self.cells[cell as usize].counted));
        let reason = replacement.reason;
        // What is isolated goes at once, whatever the limits say.
        let isolates = replacement.retire.as_ref().is_some_and(|one| one.disposal == Disposal::Isolate);
        let at_once = isolates && replacement.launch.is_none();
        let effects = known
            .entry((Arc::clone(&launched), Arc::clone(&retired), reason, at_once))
            .or_insert_with(|| {
                effects(&launched, &retired, |limit| {
                    let reasons = &inputs.plan.limits[limit as usize].reasons;
                    !at_once && (reasons.is_empty() || reasons.contains(&reason))
                })
            });
        let number = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(Step {
            replacement,
            stage,
            service,
            effects: Arc::clone(effects),
            launched,
            old,
            state: State::Waiting,
            attempt: 0,
        });
        if let Some(old) = old {
            self.count(old, -1);
            self.cells[old as usize].retired_by = Some(number);
            self.count(old, 1);
        }
        self.file(number);
        number
    }
}

/// What steps with these places and this reason do to limits; those that are done at once apart.
pub(super) type Effects = HashMap<(Counted, Counted, Reason, bool), Arc<[Effect]>>;

fn effects(launched: &Counted, retired: &Counted, is_bound: impl Fn(u32) -> bool) -> Arc<[Effect]> {
    let all: BTreeSet<u32> = launched.iter().chain(&**retired).copied().collect();
    let effect = |limit: u32| Effect {
        limit,
        launch: launched.contains(&limit),
        retire: retired.contains(&limit),
        bound: is_bound(limit),
    };
    all.into_iter().map(effect).collect()
}
