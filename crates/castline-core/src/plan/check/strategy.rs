//! What each strategy promises: so many and no more before a gate, nothing old retired before the switch, nothing new
//! launched before the old is gone.

use super::{Violation, ViolationCode as Code, documents::Case, order::covers, stages::Stages, steps::Fates};
use crate::{
    plan::Disposal,
    policy::{BlueGreen, Step, Strategy},
};

/// How many a stage launches, and how many it retires.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    launches: u64,
    retires: u64,
}

/// Each service is replaced in the manner that its policy says.
pub(super) fn followed(case: &Case, fates: &Fates, stages: &Stages) -> Result<(), Violation> {
    let mut work = vec![Work::default(); case.plan.stages.len()];
    for step in &fates.steps {
        work[step.stage].launches += u64::from(step.one.launch.is_some());
        // One that is isolated is out of traffic at once, whatever the strategy is.
        let retires = step.one.retire.as_ref().is_some_and(|retire| retire.disposal != Disposal::Isolate);
        work[step.stage].retires += u64::from(retires);
    }
    let scene = Scene { case, stages, work };
    for (position, service) in case.services.iter().enumerate() {
        match &service.target.policy.strategy {
            Strategy::Rolling => {}
            Strategy::Canary(steps) => scene.canary(position, fates.kept_of_release(position), steps)?,
            Strategy::BlueGreen(gates) => scene.blue_green(position, gates)?,
            Strategy::Recreate => scene.recreate(position)?,
        }
    }
    Ok(())
}

struct Scene<'a> {
    case: &'a Case<'a>,
    stages: &'a Stages,
    work: Vec<Work>,
}

impl Scene<'_> {
    fn name(&self, stage: usize) -> &str {
        &self.case.plan.stages[stage].name
    }

    fn canary(&self, service: usize, already: u64, steps: &[Step]) -> Result<(), Violation> {
        let own: Vec<usize> = self.case.stages_of(service).collect();
        let name = self.case.services[service].name();
        let desired = self.case.services[service].planned.desired;
        let all = already + own.iter().map(|stage| self.work[*stage].launches).sum::<u64>();
        let (mut from, mut reached) = (0, already);
        for (position, step) in steps.iter().enumerate() {
            // A step that is passed already is not asked for again; past the last replacement, nothing is held up.
            let says = step.amount.of(desired).min(desired);
            if says < already || reached >= all {
                continue;
            }
            reached = says.min(all);
            if step.gate.is_open() && step.weight.is_none() {
                continue;
            }
            let gated = |stage: &usize| {
                let stage = &self.case.plan.stages[*stage];
                stage.weight == step.weight && covers(&stage.gate, &step.gate)
            };
            let mut fault = None;
            let found = own[from..].iter().position(|stage| {
                if !gated(stage) {
                    return false;
                }
                let new = |done: &dyn Fn(usize) -> bool| {
                    already
                        + own
                            .iter()
                            .filter(|one| done(**one))
                            .map(|one| self.work[*one].launches)
                            .sum::<u64>()
                };
                let most = new(&|one| !self.stages.ordered(*stage, one));
                let least = new(&|one| one == *stage || self.stages.ordered(one, *stage));
                let at = self.name(*stage);
                let says = format!("step {} of the canary of {name} says {reached}", position + 1);
                let wrong = if most > reached {
                    Some((
                        Code::StepTooLarge,
                        format!("{most} instances can be new before `{at}` is done; {says}"),
                    ))
                } else if least < reached {
                    Some((
                        Code::StepTooSmall,
                        format!("{least} instances are new when `{at}` is done; {says}"),
                    ))
                } else {
                    None
                };
                let fits = wrong.is_none();
                if let Some((code, message)) = wrong {
                    fault.get_or_insert(Violation::new(code, message).in_stage(*stage));
                }
                fits
            });
            match (found, fault) {
                (Some(found), _) => from += found + 1,
                (None, None) if reached >= all => {}
                (None, Some(fault)) => return Err(fault),
                (None, None) => {
                    let message =
                        format!("no stage of {name} ends in the gate of step {} of its canary", position + 1);
                    return Err(Violation::new(Code::GateMissing, message));
                }
            }
        }
        Ok(())
    }

    fn blue_green(&self, service: usize, gates: &BlueGreen) -> Result<(), Violation> {
        let name = self.case.services[service].name();
        let own: Vec<usize> = self.case.stages_of(service).collect();
        let retiring: Vec<usize> =
            own.iter().copied().filter(|stage| self.work[*stage].retires > 0).collect();
        let launching = || own.iter().filter(|stage| self.work[**stage].launches > 0);
        let Some(&first) = retiring.first() else { return Ok(()) };
        // Where nothing new is launched, there is nothing to switch to.
        if launching().next().is_none() {
            return Ok(());
        }
        let is_switch = |stage: &usize| {
            self.case.plan.stages[*stage].weight == Some(100)
                && launching().all(|one| one == stage || self.stages.ordered(*one, *stage))
        };
        let switches: Vec<usize> = own.iter().copied().filter(is_switch).collect();
        let early = |switch: usize| retiring.iter().find(|stage| !self.stages.ordered(switch, **stage));
        if switches.is_empty() {
            let message = format!("the traffic of {name} is never switched to all that is new");
            return Err(Violation::new(Code::RetiresBeforeSwitch, message).in_stage(first));
        }
        let Some(switch) = switches.iter().copied().find(|switch| early(*switch).is_none()) else {
            let stage = early(switches[0]).copied().unwrap_or(first);
            let message = format!("`{}` retires before the traffic of {name} is switched", self.name(stage));
            return Err(Violation::new(Code::RetiresBeforeSwitch, message).in_stage(stage));
        };
        let is_before = |stage: &usize| {
            self.stages.ordered(*stage, switch)
                && covers(&self.case.plan.stages[*stage].gate, &gates.before_switch)
                && launching().all(|one| one == stage || self.stages.ordered(*one, *stage))
        };
        let missing = |which| {
            let message = format!("the gate before {which} of {name} is not there");
            Err(Violation::new(Code::GateMissing, message).in_stage(switch))
        };
        if !gates.before_switch.is_open() && !own.iter().any(is_before) {
            return missing("the switch");
        }
        let is_after = |stage: &usize| {
            (*stage == switch || self.stages.ordered(switch, *stage))
                && covers(&self.case.plan.stages[*stage].gate, &gates.before_retire)
                && retiring.iter().all(|late| self.stages.ordered(*stage, *late))
        };
        if !gates.before_retire.is_open() && !own.iter().any(is_after) {
            return missing("the end of what is old");
        }
        Ok(())
    }

    fn recreate(&self, service: usize) -> Result<(), Violation> {
        let own: Vec<usize> = self.case.stages_of(service).collect();
        for late in own.iter().filter(|stage| self.work[**stage].launches > 0) {
            let waits =
                |early: &&usize| self.work[**early].retires > 0 && !self.stages.ordered(**early, *late);
            if let Some(early) = own.iter().find(waits) {
                let message = format!(
                    "`{}` launches before all is gone that `{}` retires",
                    self.name(*late),
                    self.name(*early)
                );
                return Err(Violation::new(Code::LaunchesBeforeRetired, message).in_stage(*late));
            }
        }
        Ok(())
    }
}
