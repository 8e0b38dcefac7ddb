//! Which of what waits is begun.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    sync::Arc,
};

use super::{
    Rollout, Status,
    cells::Counting,
    steps::{Effect, Launching, Retiring, State},
    tally::{Refusal, refusal},
};
use crate::{
    import::NAME,
    plan::{Disposal, Launch, Limit, Order, Reason, Replacement, Retire},
    policy::Compromised,
};

/// What waits in a stage. Those that take the same from the same limits are together: where one has to wait, so has the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Queue(BTreeMap<Alike, BTreeSet<u32>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Alike {
    /// In which orders it may be done: as planned, or because what it retires is down.
    orders: Orders,
    /// What it does to limits.
    effects: Arc<[Effect]>,
}

/// In which orders a step may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Orders {
    LaunchFirst,
    RetireFirst,
    /// As planned; but what was down when the plan was made, and has come back, can be in need of the other order.
    RetireFirstElse,
    /// The old one is down: it is in the way of nothing but its own replacement.
    Down,
    Either,
}

impl Orders {
    const fn list(self) -> &'static [Order] {
        match self {
            Self::LaunchFirst => &[Order::LaunchFirst],
            Self::RetireFirst | Self::Down => &[Order::RetireFirst],
            Self::Either => &[Order::LaunchFirst, Order::RetireFirst],
            Self::RetireFirstElse => &[Order::RetireFirst, Order::LaunchFirst],
        }
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(BTreeSet::is_empty)
    }

    /// The first of each kind.
    fn heads(&self) -> impl Iterator<Item = u32> {
        self.0.values().filter_map(|steps| steps.first().copied())
    }
}

/// The names of limits, and what each has no room for.
pub(super) type Refusals = Vec<(Arc<str>, Refusal)>;

impl Rollout {
    /// In which orders a step may be done as things are.
    fn orders(&self, number: u32) -> Orders {
        let step = &self.steps[number as usize];
        let old = step.old.map(|cell| &self.cells[cell as usize]);
        match (&step.replacement.launch, old) {
            (None, _) => Orders::RetireFirst,
            (Some(_), None) => Orders::LaunchFirst,
            (Some(_), Some(old)) if old.gone => Orders::LaunchFirst,
            (Some(_), Some(old)) if !old.available => Orders::Down,
            (Some(launch), Some(_)) if launch.slot.is_some() => Orders::RetireFirst,
            _ if step.stage.is_none() => Orders::Either,
            _ => match step.replacement.order {
                Order::LaunchFirst => Orders::LaunchFirst,
                Order::RetireFirst => Orders::RetireFirstElse,
            },
        }
    }

    /// Puts a step where it waits; takes it out where it does not wait.
    pub(super) fn file(&mut self, number: u32) {
        let step = &self.steps[number as usize];
        let queue = step.stage.map_or(self.queues.len() - 1, |stage| stage as usize);
        let waits = matches!(step.state, State::Waiting);
        let alike = waits.then(|| Alike { orders: self.orders(number), effects: Arc::clone(&step.effects) });
        let queue = &mut self.queues[queue].0;
        for (kind, steps) in queue.iter_mut() {
            if alike.as_ref() != Some(kind) {
                steps.remove(&number);
            }
        }
        if let Some(alike) = alike {
            queue.entry(alike).or_default().insert(number);
        }
    }

    /// Begins what can be begun, stage by stage in the order of the plan; first what makes up for losses.
    pub(super) fn admit(&mut self) -> bool {
        let goes_on = matches!(self.status, Status::Running | Status::RollingBack { .. });
        if !goes_on || self.replan.is_some() {
            return false;
        }
        let mut begun = self.admit_from(self.queues.len() - 1);
        for stage in 0..self.stages.len() {
            if self.stages[stage].is_open() && self.may_begin(self.stages[stage].service) {
                begun |= self.admit_from(stage);
            }
        }
        begun
    }

    /// Whether the windows of a service allow that work is begun now. Going back waits for none.
    pub(super) fn may_begin(&self, service: u32) -> bool {
        let windows = &self.target(service).policy.windows;
        windows.is_empty() || windows.iter().any(|window| window.is_open(self.clock))
    }

    fn admit_from(&mut self, queue: usize) -> bool {
        // What only adds to what is available goes first: the others may need it.
        let adds = |kind: &Alike| {
            let launches_alone = !kind.effects.iter().any(|effect| effect.retire);
            kind.orders == Orders::Down || launches_alone
        };
        let mut heads: BinaryHeap<Reverse<(bool, u32, Alike)>> = self.queues[queue]
            .0
            .iter()
            .filter_map(|(kind, steps)| Some(Reverse((!adds(kind), *steps.first()?, kind.clone()))))
            .collect();
        let mut begun = false;
        while let Some(Reverse((later, number, kind))) = heads.pop() {
            let Some(order) = self.possible(number, kind.orders) else { continue };
            self.begin(number, order);
            begun = true;
            if let Some(next) = self.queues[queue].0.get(&kind).and_then(|steps| steps.first()) {
                heads.push(Reverse((later, *next, kind)));
            }
        }
        begun
    }

    fn possible(&self, number: u32, orders: Orders) -> Option<Order> {
        orders.list().iter().copied().find(|order| self.refusals(number, *order).next().is_none())
    }

    /// The limits that have no room for a step in this order.
    pub(super) fn refusals(&self, number: u32, order: Order) -> impl Iterator<Item = (&Limit, Refusal)> + '_ {
        let step = &self.steps[number as usize];
        let old = step.old.map(|cell| &self.cells[cell as usize]).filter(|cell| !cell.gone);
        let old_is_available = old.is_some_and(|cell| cell.available);
        let bound = step.effects.iter().filter(|effect| effect.bound);
        bound.filter_map(move |effect| {
            let limit = &self.inputs.plan.limits[effect.limit as usize];
            let holds = limit.window.as_ref().is_none_or(|window| window.is_open(self.clock));
            let halves = (effect.launch, effect.retire && old.is_some());
            let tally = &self.tallies[effect.limit as usize];
            let refused = refusal(tally, limit, halves, order, old_is_available);
            Some((limit, refused.filter(|_| holds)?))
        })
    }

    fn begin(&mut self, number: u32, order: Order) {
        let step = &self.steps[number as usize];
        let launch = if step.replacement.launch.is_some() { Launching::Held } else { Launching::None };
        let gone = step.old.is_none_or(|cell| self.cells[cell as usize].gone);
        let retire = if gone { Retiring::Over } else { Retiring::Held };
        self.change_step(number, |step| step.state = State::Active { order, launch, retire });
        // At once: what it asks for is counted before the next one is looked at.
        self.dirty.remove(&number);
        self.advance(number);
    }

    /// What waits, and what it waits for: one of each kind.
    pub(super) fn waiting(&self) -> Vec<(u32, Refusals)> {
        let open = |(stage, _): &(usize, &Queue)| {
            self.stages.get(*stage).is_none_or(super::stages::StageState::is_open)
        };
        let heads = self.queues.iter().enumerate().filter(open).flat_map(|(_, queue)| queue.heads());
        let refused = |number: u32| {
            let orders = self.orders(number).list().iter();
            let all = orders.flat_map(|order| self.refusals(number, *order));
            (number, all.map(|(limit, refusal)| (Arc::from(&*limit.name), refusal)).collect())
        };
        heads.map(refused).collect()
    }

    /// Adds a step that makes up for an instance that is lost, or not to be trusted any more.
    pub(super) fn replace(&mut self, cell: u32, reason: Reason) {
        let lost = &self.cells[cell as usize];
        let (service, instance) = (lost.service, &lost.instance);
        let disposal = match (reason, self.target(service).policy.compromised) {
            (Reason::Compromised, Compromised::Quarantine) => Disposal::Quarantine,
            (Reason::Compromised, Compromised::Isolate) => Disposal::Isolate,
            _ => Disposal::End,
        };
        let retire = (!lost.is_out() && !lost.is_leaving()).then(|| Retire {
            id: Arc::clone(&instance.id),
            name: instance.label(NAME).map(Arc::from),
            zone: Arc::clone(&instance.zone),
            disposal,
        });
        let labels = self.inputs.plan.limits.iter().filter_map(|limit| {
            let (key, _) = limit.of.label.as_ref()?;
            Some((key.clone(), instance.label(key)?.to_owned()))
        });
        let launch = Launch {
            zone: Arc::clone(&instance.zone),
            slot: instance.slot.clone(),
            labels: Arc::new(labels.collect()),
        };
        let apart = disposal == Disposal::Isolate && instance.slot.is_none();
        let step =
            |launch, retire| Replacement { launch, retire, order: Order::LaunchFirst, reason, wave: 1 };
        let steps = match retire {
            Some(retire) if apart => vec![step(None, Some(retire)), step(Some(launch), None)],
            retire => vec![step(Some(launch), retire)],
        };
        let inputs = Arc::clone(&self.inputs);
        let mut counting = Counting::new(&inputs.plan.limits);
        for step in steps {
            self.add_step(step, None, service, &mut counting, &mut HashMap::new());
        }
    }
}
