//! What is really there while a rollout is explored: the check's own count of instances.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Fleet, Time,
    fleet::{Health, Instance, Phase},
    plan::{Disposal, Limit, Target},
    policy::Compromised,
    rollout::{Action, Do, Event, Key, What},
};

/// What can be told to a rollout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum News {
    Launched(Key, Arc<str>),
    LaunchFailed(Key),
    Ready(Arc<str>),
    NotReady(Arc<str>),
    Gone(Arc<str>),
    Quarantined(Arc<str>),
    Shifted(Key),
    Passed(Key),
    NotPassed(Key),
    Approved(Key),
    Refused(Key),
}

impl News {
    pub(super) fn event(&self, at: Time) -> Event {
        let (by, reason) = (String::from("somebody"), String::from("it did not work"));
        let what = match self.clone() {
            Self::Launched(key, instance) => What::Launched { key, instance },
            Self::LaunchFailed(key) => What::LaunchFailed { key, reason },
            Self::Ready(instance) => What::Ready { instance },
            Self::NotReady(instance) => What::NotReady { instance },
            Self::Gone(instance) => What::Gone { instance },
            Self::Quarantined(instance) => What::Quarantined { instance },
            Self::Shifted(key) => What::Shifted { key },
            Self::Passed(key) => What::Passed { key },
            Self::NotPassed(key) => What::NotPassed { key, reason },
            Self::Approved(key) => What::Approved { key, by },
            Self::Refused(key) => What::Refused { key, by, reason },
        };
        Event { at, what }
    }
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Body {
    service: Arc<str>,
    zone: Arc<str>,
    slot: Option<Arc<str>>,
    labels: Arc<BTreeMap<String, String>>,
    phase: Phase,
    ready: bool,
    /// It was ready once.
    came: bool,
    /// It may come up by itself.
    may_rise: bool,
    isolated: bool,
    /// It was asked to go.
    asked: bool,
    key: Option<Key>,
}

/// All instances, and what was told of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct World {
    bodies: BTreeMap<Arc<str>, Body>,
    /// Launches that were asked for and not answered.
    launching: BTreeMap<Key, Body>,
    /// Launches that were answered.
    pub(super) answered: BTreeSet<Key>,
    /// What happened, and was not told.
    pub(super) lost: BTreeSet<News>,
    /// What was told, and can be told again.
    pub(super) told: BTreeSet<News>,
}

impl World {
    pub(super) fn of(targets: &[Target]) -> Self {
        let mut world = Self::default();
        for target in targets {
            let isolates = target.policy.compromised == Compromised::Isolate;
            for one in target.fleet.instances() {
                let body = Body {
                    service: Arc::clone(target.fleet.service()),
                    zone: Arc::clone(&one.zone),
                    slot: one.slot.clone(),
                    labels: Arc::clone(&one.labels),
                    phase: one.phase,
                    ready: one.is_available(),
                    came: true,
                    may_rise: one.health != Health::Failed,
                    isolated: isolates && one.integrity == crate::Integrity::Compromised,
                    asked: one.phase == Phase::Terminating,
                    key: None,
                };
                world.bodies.insert(Arc::clone(&one.id), body);
            }
        }
        world
    }

    /// Notes what is asked for now; what was not asked for before is given back.
    pub(super) fn ask<'a>(&mut self, actions: &'a [Action]) -> Vec<&'a Action> {
        let mut fresh = Vec::new();
        self.launching.retain(|key, _| actions.iter().any(|action| action.key == *key));
        for action in actions {
            match &action.what {
                Do::Launch { zone, slot, labels, .. } if !self.launching.contains_key(&action.key) => {
                    let body = Body {
                        service: Arc::clone(&action.service),
                        zone: Arc::clone(zone),
                        slot: slot.clone(),
                        labels: Arc::clone(labels),
                        phase: Phase::Pending,
                        ready: false,
                        came: false,
                        may_rise: true,
                        isolated: false,
                        asked: false,
                        key: Some(action.key.clone()),
                    };
                    self.launching.insert(action.key.clone(), body);
                    fresh.push(action);
                }
                Do::Retire { instance, .. } => {
                    if let Some(body) = self.bodies.get_mut(instance).filter(|body| !body.asked) {
                        body.asked = true;
                        fresh.push(action);
                    }
                }
                _ => {}
            }
        }
        fresh
    }

    /// How many a limit counts: present, those that may be launched already included, and available.
    pub(super) fn count(&self, limit: &Limit) -> (u64, u64) {
        let counted = |body: &&Body| limit.of.has(&body.service, &body.zone, &body.labels);
        let coming = self.launching.values().filter(counted).count() as u64;
        let there = || self.bodies.values().filter(counted).filter(|body| body.phase != Phase::Quarantined);
        (there().count() as u64 + coming, there().filter(|body| body.is_available()).count() as u64)
    }

    /// How many replacements are under way at the least, as a limit counts: each has one that comes and one that goes at most.
    /// What is isolated goes whatever limits say.
    pub(super) fn under_way(&self, limit: &Limit) -> u64 {
        let counted = |body: &&Body| limit.of.has(&body.service, &body.zone, &body.labels);
        let there = || self.bodies.values().filter(counted);
        let coming = there().filter(|body| body.key.is_some() && !body.came && !body.asked).count()
            + self.launching.values().filter(counted).count();
        let going =
            there().filter(|body| body.asked && body.phase == Phase::Running && !body.isolated).count();
        coming.max(going) as u64
    }

    pub(super) fn is_counted(&self, limit: &Limit, action: &Action) -> bool {
        let body = match &action.what {
            Do::Launch { .. } => self.launching.get(&action.key),
            Do::Retire { instance, .. } => self.bodies.get(instance),
            _ => None,
        };
        body.is_some_and(|body| limit.of.has(&body.service, &body.zone, &body.labels))
    }

    /// Whether the instance would do its work, were it not asked to go.
    pub(super) fn works(&self, id: &str) -> bool {
        self.bodies.get(id).is_some_and(|body| body.phase == Phase::Running && body.ready && !body.isolated)
    }

    /// A slot that two hold.
    pub(super) fn shared_slot(&self) -> Option<Arc<str>> {
        let mut seen = BTreeSet::new();
        let there = self.bodies.values().filter(|body| body.phase != Phase::Quarantined);
        let mut slots = there.chain(self.launching.values()).filter_map(|body| {
            let slot = body.slot.clone()?;
            Some((Arc::clone(&body.service), slot))
        });
        slots.find(|slot| !seen.insert(slot.clone())).map(|(_, slot)| slot)
    }

    /// What can happen next if nothing goes wrong.
    pub(super) fn fair(&self, actions: &[Action]) -> Vec<News> {
        let mut news: Vec<News> = self.lost.iter().cloned().collect();
        for action in actions {
            let key = action.key.clone();
            news.extend(match &action.what {
                Do::Launch { .. } => Some(News::Launched(key.clone(), format!("new-{key}").into())),
                Do::Retire { instance, disposal, .. } => match disposal {
                    Disposal::End => Some(News::Gone(Arc::clone(instance))),
                    Disposal::Quarantine | Disposal::Isolate => Some(News::Quarantined(Arc::clone(instance))),
                },
                Do::Shift { .. } => Some(News::Shifted(key)),
                Do::Analyse { .. } => Some(News::Passed(key)),
                Do::Ask { .. } => Some(News::Approved(key)),
            });
        }
        for (id, body) in &self.bodies {
            if body.phase == Phase::Terminating {
                news.push(News::Gone(Arc::clone(id)));
            } else if body.may_rise && !body.ready && !body.asked && body.phase != Phase::Quarantined {
                news.push(News::Ready(Arc::clone(id)));
            }
        }
        news
    }

    /// What can go wrong next.
    pub(super) fn unfair(&self, actions: &[Action]) -> Vec<News> {
        let mut news: Vec<News> = self.told.iter().cloned().collect();
        for action in actions {
            let key = action.key.clone();
            news.extend(match &action.what {
                Do::Launch { .. } => Some(News::LaunchFailed(key)),
                Do::Analyse { .. } => Some(News::NotPassed(key)),
                Do::Ask { .. } => Some(News::Refused(key)),
                Do::Retire { .. } | Do::Shift { .. } => None,
            });
        }
        for (id, body) in &self.bodies {
            if !body.asked && body.phase != Phase::Quarantined {
                news.push(News::Gone(Arc::clone(id)));
                if body.ready {
                    news.push(News::NotReady(Arc::clone(id)));
                }
            }
        }
        news
    }

    /// What the news change.
    pub(super) fn happen(&mut self, news: &News) {
        match news {
            News::Launched(key, id) => {
                if let Some(body) = self.launching.remove(key) {
                    self.bodies.insert(Arc::clone(id), body);
                    self.answered.insert(key.clone());
                }
            }
            News::LaunchFailed(key) if self.launching.remove(key).is_some() => {
                self.answered.insert(key.clone());
            }
            News::Ready(id) | News::NotReady(id) => {
                if let Some(body) = self.bodies.get_mut(id).filter(|body| !body.asked) {
                    body.ready = matches!(news, News::Ready(_));
                    body.came |= body.ready;
                    body.may_rise = true;
                    body.phase = Phase::Running;
                }
            }
            News::Gone(id) => drop(self.bodies.remove(id)),
            News::Quarantined(id) => {
                if let Some(body) = self.bodies.get_mut(id) {
                    body.phase = Phase::Quarantined;
                }
            }
            _ => {}
        }
    }

    /// What was lost of a service is lost no more: somebody looks.
    pub(super) fn look(&mut self, service: &str) {
        let of = |news: &News| match news {
            News::Launched(key, _) => self.launching.get(key).is_none_or(|body| *body.service == *service),
            News::Gone(id) | News::Ready(id) => {
                self.bodies.get(id).is_none_or(|body| *body.service == *service)
            }
            _ => true,
        };
        let (seen, lost) = self.lost.iter().cloned().partition(of);
        self.lost = lost;
        let seen: BTreeSet<News> = seen;
        for news in &seen {
            self.happen(news);
        }
    }

    /// What somebody who looks sees of a service, what was lost included.
    pub(super) fn observed(&self, service: &Arc<str>) -> Option<Fleet> {
        let mut world = self.clone();
        world.look(service);
        let instances = world.bodies.iter().filter(|(_, body)| body.service == *service).map(|(id, body)| {
            let health = if body.ready { Health::Ready } else { Health::NotReady };
            let phase =
                if body.asked && body.phase != Phase::Quarantined { Phase::Terminating } else { body.phase };
            let mut one = Instance::new(Arc::clone(id))
                .with_zone(Arc::clone(&body.zone))
                .with_phase(phase)
                .with_health(health);
            one.slot.clone_from(&body.slot);
            one.labels = Arc::clone(&body.labels);
            match &body.key {
                Some(key) => one.with_label(Key::LABEL, key.to_string()),
                None => one,
            }
        });
        Fleet::new(Arc::clone(service), instances).ok()
    }
}

impl Body {
    fn is_available(&self) -> bool {
        self.phase == Phase::Running && self.ready && !self.isolated && !self.asked
    }
}
