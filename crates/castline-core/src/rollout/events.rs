//! What an event changes.

use std::sync::Arc;

use super::{
    Key, Rollout, Status, What,
    cells::Counting,
    stages::At,
    steps::{Launching, State},
};
use crate::{
    Fleet, ReleaseImage,
    fleet::{Health, Instance, Integrity, Phase},
    plan::Reason,
};

impl Rollout {
    pub(super) fn happen(&mut self, what: &What) {
        match what {
            What::Tick => {}
            What::Launched { key, instance } => self.launched(key, instance),
            What::LaunchFailed { key, reason } => {
                if let Some(step) = self.asked_for(key) {
                    self.launch_failed(step, reason);
                }
            }
            What::Ready { instance } => self.health(instance, Health::Ready, ""),
            What::NotReady { instance } => self.health(instance, Health::NotReady, ""),
            What::Failed { instance, reason } => self.health(instance, Health::Failed, reason),
            What::Gone { instance } => self.gone(instance),
            What::Quarantined { instance } => self.quarantined(instance),
            What::Compromised { instance } => self.compromised(instance),
            What::Shifted { key } => self.gate(key, At::Shifting),
            What::Passed { key } => self.gate(key, At::Analysing),
            What::Approved { key, .. } => self.gate(key, At::Asking),
            What::NotPassed { key, reason } => self.gate_refused(key, At::Analysing, reason),
            What::Refused { key, by, reason } => {
                self.gate_refused(key, At::Asking, &format!("{by} refused: {reason}"));
            }
            What::Pause { by, reason } => {
                if matches!(self.status, Status::Running | Status::RollingBack { .. }) {
                    self.pause(if reason.is_empty() { format!("{by} asked for it") } else { reason.clone() });
                }
            }
            What::Continue { .. } => self.go_on(),
            What::Abort { by } => self.status = Status::Aborted { by: by.clone() },
            What::RollBack { by } => {
                if self.can_go_back() {
                    self.roll_back(format!("{by} asked for it"));
                }
            }
            What::Resize { service, replicas, .. } => self.resize(service, *replicas),
            What::Observed { fleet } => self.observed(fleet),
        }
    }

    /// The step whose launch this key asked for, where nobody has answered yet.
    fn asked_for(&self, key: &Key) -> Option<u32> {
        let number = key.0.split('-').nth(2)?.parse().ok()?;
        (self.unanswered.contains(&number) && self.launch_key(number) == *key).then_some(number)
    }

    fn launched(&mut self, key: &Key, id: &Arc<str>) {
        let Some(number) = self.asked_for(key) else { return };
        if self.ids.contains_key(id) || id.is_empty() {
            return;
        }
        let step = &self.steps[number as usize];
        let (State::Active { order, retire, .. }, Some(launch)) = (step.state, &step.replacement.launch)
        else {
            return;
        };
        let target = self.target(step.service);
        let image = match target.release.image() {
            ReleaseImage::Verified { identities, .. } => {
                let digest = identities.manifest.as_ref().or(identities.config.as_ref());
                digest.map(ToString::to_string).unwrap_or_default()
            }
            ReleaseImage::Provider(image) => image.id.clone(),
        };
        let mut instance = Instance::new(Arc::clone(id))
            .with_image(image)
            .with_revision(target.release.revision())
            .with_zone(Arc::clone(&launch.zone))
            .with_phase(Phase::Pending)
            .with_health(Health::Unknown)
            .with_created_at(self.clock);
        instance.slot.clone_from(&launch.slot);
        instance.labels = Arc::clone(&launch.labels);
        let (service, counted) = (step.service, Arc::clone(&step.launched));
        let cell = self.add_cell(instance, service, counted, Some(number));
        self.change_step(number, |step| {
            step.state = State::Active { order, launch: Launching::Up(cell), retire };
        });
    }

    fn health(&mut self, id: &str, health: Health, why: &str) {
        let Some(number) = self.ids.get(id).copied() else { return };
        let (clock, cell) = (self.clock, &self.cells[number as usize]);
        // One that is going, or in quarantine, is not to be counted again.
        if cell.is_out() || cell.is_leaving() {
            return;
        }
        let same = cell.instance.health == health && cell.instance.phase == Phase::Running;
        if same {
            return;
        }
        self.change_cell(number, |cell| {
            cell.instance.phase = Phase::Running;
            cell.instance.health = health;
            cell.instance.ready_at = (health == Health::Ready).then_some(clock);
        });
        if health == Health::Failed {
            match self.launching(number) {
                Some(step) => self.launch_failed(step, why),
                None => self.lost(number, Reason::Failed, why),
            }
        }
    }

    /// The step that waits for this instance to become available.
    fn launching(&self, cell: u32) -> Option<u32> {
        let step = self.cells[cell as usize].launched_by?;
        let up = matches!(self.steps[step as usize].state, State::Active { launch: Launching::Up(up), .. } if up == cell);
        up.then_some(step)
    }

    fn gone(&mut self, id: &str) {
        let Some(number) = self.ids.get(id).copied() else { return };
        let cell = &self.cells[number as usize];
        if cell.gone {
            return;
        }
        // What was going, or in quarantine, has been made up for already.
        let expected = cell.is_leaving() || cell.is_out();
        self.retiring.remove(&number);
        self.change_cell(number, |cell| cell.gone = true);
        if expected {
            return;
        }
        match self.launching(number) {
            Some(step) => self.launch_failed(step, "it was gone before it was available"),
            None => self.lost(number, Reason::Missing, "it is gone"),
        }
    }

    fn quarantined(&mut self, id: &str) {
        let Some(number) = self.ids.get(id).copied() else { return };
        if self.cells[number as usize].is_out() {
            return;
        }
        let asked = self.cells[number as usize].asked.is_some();
        self.retiring.remove(&number);
        self.change_cell(number, |cell| cell.instance.phase = Phase::Quarantined);
        if !asked {
            match self.launching(number) {
                Some(step) => self.launch_failed(step, "it was put into quarantine"),
                None => self.lost(number, Reason::Missing, "it was put into quarantine"),
            }
        }
    }

    fn compromised(&mut self, id: &str) {
        let Some(number) = self.ids.get(id).copied() else { return };
        let cell = &self.cells[number as usize];
        if cell.is_out() || cell.instance.integrity == Integrity::Compromised {
            return;
        }
        let service = cell.service;
        self.change_cell(number, |cell| cell.instance.integrity = Integrity::Compromised);
        let why = "its files were changed";
        match self.launching(number) {
            Some(step) if !self.cells[number as usize].available => self.launch_failed(step, why),
            launching => {
                // It does its work, and so goes as the limits allow, like any other: by a step of its own.
                if let Some(step) = launching {
                    self.change_step(step, |step| {
                        if let State::Active { launch, .. } = &mut step.state {
                            *launch = Launching::None;
                        }
                    });
                }
                self.lost(number, Reason::Compromised, why);
            }
        }
        self.judge_integrity(service);
    }

    fn gate(&mut self, key: &Key, at: At) {
        if let Some(stage) = self.gate_of(key, at) {
            self.pass_gate(stage, at);
        }
    }

    fn gate_refused(&mut self, key: &Key, at: At, reason: &str) {
        let Some(stage) = self.gate_of(key, at) else { return };
        let refused = &mut self.stages[stage as usize];
        refused.attempt += 1;
        let service = refused.service;
        let name = self.inputs.plan.stages[stage as usize].name.clone();
        self.fail(service, format!("the stage `{name}`: {reason}"));
    }

    /// The stage that waits at `at` for an answer to this key.
    fn gate_of(&self, key: &Key, at: At) -> Option<u32> {
        (0..)
            .zip(&self.stages)
            .find_map(|(number, stage)| (stage.at == at && self.gate_key(number) == *key).then_some(number))
    }

    /// Corrects what is known by what is there.
    fn observed(&mut self, fleet: &Fleet) {
        let number =
            self.inputs.targets.iter().position(|target| target.release.service() == fleet.service());
        let Some(service) = number.and_then(|number| u32::try_from(number).ok()) else { return };
        let missing = |cell: &&super::cells::Cell| {
            cell.service == service && !cell.gone && fleet.instance(&cell.instance.id).is_none()
        };
        let missing: Vec<Arc<str>> =
            self.cells.iter().filter(missing).map(|cell| Arc::clone(&cell.instance.id)).collect();
        for instance in fleet.instances() {
            self.seen(service, instance);
        }
        for id in missing {
            self.gone(&id);
            self.settle();
        }
    }

    fn seen(&mut self, service: u32, instance: &Instance) {
        if !self.ids.contains_key(&instance.id) {
            // A launch whose answer was lost says by its label which one it is.
            if let Some(key) = instance.label(Key::LABEL) {
                self.launched(&Key(key.into()), &instance.id);
            }
        }
        let Some(number) = self.ids.get(&instance.id).copied() else {
            let inputs = Arc::clone(&self.inputs);
            let place = (service, &**inputs.targets[service as usize].release.service());
            let counted = Counting::new(&inputs.plan.limits).of(place, &instance.zone, &instance.labels);
            let number = self.add_cell(instance.clone(), service, counted, None);
            self.cells[number as usize].stranger = true;
            return;
        };
        match instance.phase {
            Phase::Quarantined => self.quarantined(&instance.id),
            Phase::Running => self.health(&instance.id, instance.health, "it is reported as failed"),
            Phase::Pending => {}
            Phase::Terminating => {
                let cell = &self.cells[number as usize];
                if !cell.is_out() && !cell.is_leaving() {
                    self.change_cell(number, |cell| cell.instance.phase = Phase::Terminating);
                    match self.launching(number) {
                        Some(step) => self.launch_failed(step, "somebody else ended it"),
                        None => self.lost(number, Reason::Missing, "somebody else ended it"),
                    }
                }
            }
        }
        if instance.integrity == Integrity::Compromised {
            self.compromised(&instance.id);
        }
        self.settle();
    }
}
