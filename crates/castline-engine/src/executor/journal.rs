//! Which of the things that drivers say are worth recording.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use castline_core::{
    Fleet, Instance, Time,
    rollout::{Event, Key, Rollout, What},
};

/// How many events of instances that nobody knows yet are kept until somebody does.
const EARLY: usize = 4096;

/// What was said of each instance, so that what is said again, or too early, can be told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    known: HashSet<Arc<str>>,
    last: HashMap<Arc<str>, Said>,
    /// Said of instances before anybody knew that they had been launched.
    early: HashMap<Arc<str>, What>,
    /// Of whom something was recorded since the last observation began.
    touched: HashSet<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Ready,
    NotReady,
    Failed,
    Gone,
    Quarantined,
}

impl Heard {
    pub(super) fn of(state: &Rollout) -> Self {
        let fleets = state.targets().iter().filter_map(|target| state.fleet(target.release.service()));
        let known = fleets.flat_map(|fleet| ids(&fleet)).collect();
        Self { known, ..Self::default() }
    }

    /// What is to be recorded where this was said: nothing, it, or more that it makes sense of.
    pub(super) fn hear(&mut self, what: What) -> Vec<What> {
        let (instance, said) = match &what {
            What::Ready { instance } => (Arc::clone(instance), Said::Ready),
            What::NotReady { instance } => (Arc::clone(instance), Said::NotReady),
            What::Failed { instance, .. } => (Arc::clone(instance), Said::Failed),
            What::Gone { instance } => (Arc::clone(instance), Said::Gone),
            What::Quarantined { instance } => (Arc::clone(instance), Said::Quarantined),
            What::Launched { instance, .. } => {
                let instance = Arc::clone(instance);
                if !self.known.insert(Arc::clone(&instance)) {
                    return Vec::new();
                }
                self.touched.insert(Arc::clone(&instance));
                let early = self.early.remove(&instance).into_iter().flat_map(|early| self.hear(early));
                let early: Vec<What> = early.collect();
                return [what].into_iter().chain(early).collect();
            }
            What::Compromised { instance } => {
                self.touched.insert(Arc::clone(instance));
                return vec![what];
            }
            What::Observed { fleet } => {
                self.known.extend(ids(fleet));
                self.last.clear();
                return vec![what];
            }
            _ => return vec![what],
        };
        if !self.known.contains(&instance) {
            if self.early.len() < EARLY {
                self.early.insert(instance, what);
            }
            return Vec::new();
        }
        self.touched.insert(Arc::clone(&instance));
        if self.last.insert(instance, said) == Some(said) {
            return Vec::new();
        }
        vec![what]
    }

    /// What an observation makes sense of before it is recorded itself: it shows instances whose launches nobody has answered yet, and
    /// of which something was said. That has reasons in it, which an observation has not.
    pub(super) fn overtaken(&mut self, fleet: &Fleet) -> Vec<What> {
        let of = |instance: &Instance| {
            let key = instance.label(Key::LABEL).filter(|_| self.early.contains_key(&instance.id))?;
            Some(What::Launched { key: Key(key.into()), instance: Arc::clone(&instance.id) })
        };
        let launched: Vec<What> = fleet.instances().iter().filter_map(of).collect();
        launched.into_iter().flat_map(|what| self.hear(what)).collect()
    }

    /// An observation begins: what is recorded from now on is newer than it.
    pub(super) fn observing(&mut self) {
        self.touched.clear();
    }

    /// What an observation says that the rollout does not know, as far as it is not older than what was recorded since it
    /// began. Nothing, where it says nothing new.
    pub(super) fn news(&self, state: &Rollout, fleet: &Fleet, now: Time) -> Option<What> {
        let known = state.fleet(fleet.service())?;
        let theirs = fleet.instances().iter().filter(|one| !self.touched.contains(&one.id));
        let ours = known.instances().iter().filter(|one| self.touched.contains(&one.id));
        let fleet = Fleet::new(Arc::clone(fleet.service()), theirs.chain(ours).cloned()).ok()?;
        let what = What::Observed { fleet };
        let told = |what| state.clone().on(&Event { at: now, what });
        (told(what.clone()) != told(What::Tick)).then_some(what)
    }
}

fn ids(fleet: &Fleet) -> Vec<Arc<str>> {
    fleet.instances().iter().map(|instance| Arc::clone(&instance.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(instance: &str) -> What {
        What::Ready { instance: instance.into() }
    }

    #[test]
    fn what_is_said_too_early_is_kept_until_it_makes_sense_and_what_is_said_again_is_not_recorded() {
        let mut heard = Heard::default();
        let launched = What::Launched { key: Key("p-0-0-0".into()), instance: "i-1".into() };
        assert_eq!(heard.hear(ready("i-1")), []);
        assert_eq!(heard.hear(launched.clone()), [launched.clone(), ready("i-1")]);
        assert_eq!(heard.hear(ready("i-1")), []);
        assert_eq!(heard.hear(launched), []);
        let not_ready = What::NotReady { instance: "i-1".into() };
        assert_eq!(heard.hear(not_ready.clone()), [not_ready]);
        assert_eq!(heard.hear(ready("i-1")), [ready("i-1")]);
        let observed = What::Observed { fleet: Fleet::new("web", []).expect("a fleet") };
        assert_eq!(heard.hear(observed.clone()), [observed]);
        assert_eq!(heard.hear(ready("i-1")), [ready("i-1")], "an observation may have said otherwise");
    }
    #[test]
    fn what_was_said_of_an_instance_is_not_lost_to_an_observation_that_comes_before_its_launch_is_answered() {
        let mut heard = Heard::default();
        let failed = What::Failed { instance: "i-1".into(), reason: "it is broken".into() };
        let launched = What::Launched { key: Key("p-0-0-0".into()), instance: "i-1".into() };
        assert_eq!(heard.hear(failed.clone()), []);
        let instances = [Instance::new("i-1").with_label(Key::LABEL, "p-0-0-0"), Instance::new("i-2")];
        let fleet = Fleet::new("web", instances).expect("a fleet");
        assert_eq!(heard.overtaken(&fleet), [launched.clone(), failed]);
        assert_eq!(heard.overtaken(&fleet), []);
        assert_eq!(heard.hear(launched), []);
    }
}
