//! What is launched, where, and instead of what.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet},
    sync::Arc,
};

use super::{
    order::{Placed, Zones, in_order, ordinal},
    select::{Selection, Victim},
};
use crate::{
    fleet::Instance,
    plan::{Launch, Reason, Target},
    policy::{Compromised, Spread},
};

/// A replacement before it is known when, and in which order its halves, it is done.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) launch: Option<Launch>,
    pub(super) victim: Option<Victim<'a>>,
    pub(super) reason: Reason,
    pub(super) group: u32,
}

/// What is launched and retired, in the order in which it is wanted: what is missing, what is too much, the rest.
pub(super) fn place<'a>(
    target: &Target,
    mut selection: Selection<'a>,
    keys: &BTreeSet<&str>,
) -> (Vec<Draft<'a>>, Vec<&'a Instance>) {
    let victims_and_kept: Vec<&Instance> = selection
        .victims
        .iter()
        .map(|victim| victim.instance)
        .chain(selection.kept.iter().copied())
        .collect();
    let live = || victims_and_kept.iter().copied();
    let policy = &target.policy;
    let launchable: BTreeSet<Arc<str>> = match policy.zones.as_slice() {
        [] => live().map(|instance| Arc::clone(&instance.zone)).collect(),
        stated => stated.iter().map(|zone| Arc::from(&**zone)).collect(),
    };
    let mut slots = Slots::of(live());
    let desired = usize::try_from(selection.desired).unwrap_or(usize::MAX);
    let mut victims = selection.victims.clone();
    let surplus = selection.kept.len().saturating_sub(desired);
    if surplus > 0 {
        let extras = selection.kept.iter().map(|instance| Victim {
            instance,
            reason: Reason::Extra,
            down: !instance.is_available(),
        });
        let mut extras = in_order(extras.collect(), policy, &mut Zones::of(live()));
        extras.truncate(surplus);
        let gone: HashSet<&str> = extras.iter().map(|one| &*one.victim.instance.id).collect();
        selection.kept.retain(|instance| !gone.contains(&*instance.id));
        victims.extend(extras.into_iter().map(|one| one.victim));
    }
    let mut victims = in_order(victims, policy, &mut Zones::of(live()));
    let launches = desired.saturating_sub(selection.kept.len());
    let extra = victims.len().saturating_sub(launches);
    if extra > 0 && victims.iter().all(|one| one.victim.instance.slot.is_none()) {
        // Nothing comes for some: best for those that do no work, since nothing has to be there before they go.
        victims.sort_by_key(|one| !one.victim.down);
        victims[extra..].sort_by_key(|one| one.rank);
    }

    let mut fill = Fill::new(&launchable, &selection.kept, policy.spread == Spread::Even);
    let pairs = &victims[extra..];
    let mut homes = fill.homes(pairs, launches);
    let mut drafts = Vec::with_capacity(victims.len().max(launches));
    for _ in pairs.len()..launches {
        let launch = Launch { zone: fill.emptiest(), slot: slots.free(), labels: Arc::default() };
        drafts.push(Draft { launch: Some(launch), victim: None, reason: Reason::Missing, group: 0 });
    }
    let mut labels = Labels::new(keys);
    for (position, Placed { victim, group, .. }) in victims.into_iter().enumerate() {
        let launch = (position >= extra).then(|| Launch {
            zone: homes.next().unwrap_or_default(),
            slot: victim.instance.slot.clone(),
            labels: labels.of(victim.instance),
        });
        let reason = if launch.is_some() { victim.reason } else { worst(victim.reason) };
        if isolates(target, &victim) {
            // It goes at once; what comes for it takes its time.
            drafts.push(Draft { launch: None, victim: Some(victim), reason, group: 0 });
            drafts.extend(launch.map(|launch| Draft { launch: Some(launch), victim: None, reason, group }));
            continue;
        }
        drafts.push(Draft { launch, victim: Some(victim), reason, group });
    }
    (drafts, selection.kept)
}

/// Whether it is taken out of traffic at once. In a slot, its replacement has to wait for it anyway.
fn isolates(target: &Target, victim: &Victim) -> bool {
    victim.reason == Reason::Compromised
        && target.policy.compromised == Compromised::Isolate
        && victim.instance.slot.is_none()
}

/// Why an instance goes for which none comes: there are too many, unless it would go anyway.
fn worst(reason: Reason) -> Reason {
    match reason {
        Reason::Compromised | Reason::Failed => reason,
        _ => Reason::Extra,
    }
}

/// How full zones are going to be.
#[derive(Debug)]
struct Fill {
    even: bool,
    counts: BTreeMap<Arc<str>, u64>,
    heap: BinaryHeap<Reverse<(u64, Arc<str>)>>,
}

impl Fill {
    fn new(launchable: &BTreeSet<Arc<str>>, kept: &[&Instance], even: bool) -> Self {
        let mut counts: BTreeMap<_, _> = launchable.iter().map(|zone| (Arc::clone(zone), 0)).collect();
        for instance in kept {
            if let Some(count) = counts.get_mut(&instance.zone) {
                *count += 1;
            }
        }
        Self { even, counts, heap: BinaryHeap::new() }
    }

    /// Takes a place in the zone that will have the fewest; of two, the one that is named first.
    fn emptiest(&mut self) -> Arc<str> {
        if self.heap.is_empty() {
            self.heap = self.counts.iter().map(|(zone, count)| Reverse((*count, Arc::clone(zone)))).collect();
        }
        let Some(Reverse((count, zone))) = self.heap.pop() else { return Arc::from("") };
        self.heap.push(Reverse((count + 1, Arc::clone(&zone))));
        zone
    }

    /// Where the replacement of each is launched: where it was, unless nothing is launched there any more, or, where
    /// zones are to be even, all of them together would not be.
    fn homes(&mut self, pairs: &[Placed], launches: usize) -> impl Iterator<Item = Arc<str>> + use<> {
        let mut homes: Vec<Option<Arc<str>>> = Vec::with_capacity(pairs.len());
        let mut room: Option<BTreeMap<Arc<str>, u64>> = self.even.then(|| {
            let mut room = BTreeMap::new();
            for _ in 0..launches {
                *room.entry(self.emptiest()).or_default() += 1;
            }
            self.heap.clear();
            room
        });
        for Placed { victim, .. } in pairs {
            let zone = &victim.instance.zone;
            let stays = match &mut room {
                // What has a slot stays with it: a disk does not move.
                _ if victim.instance.slot.is_some() => true,
                None => self.counts.contains_key(zone),
                Some(room) => match room.get_mut(zone) {
                    Some(left) if *left > 0 => {
                        *left -= 1;
                        true
                    }
                    _ => false,
                },
            };
            if stays {
                *self.counts.entry(Arc::clone(zone)).or_default() += 1;
            }
            homes.push(stays.then(|| Arc::clone(zone)));
        }
        let homes: Vec<_> = homes.into_iter().map(|home| home.unwrap_or_else(|| self.emptiest())).collect();
        homes.into_iter()
    }
}

/// Slots that nobody holds, where all slots are numbered: a further instance gets the lowest.
#[derive(Debug)]
struct Slots {
    prefix: Option<String>,
    held: HashSet<u64>,
    next: u64,
}

impl Slots {
    fn of<'a>(instances: impl Iterator<Item = &'a Instance>) -> Self {
        let (mut prefix, mut held) = (None, HashSet::new());
        for instance in instances {
            let Some((before, number)) = instance.slot.as_deref().and_then(ordinal) else {
                return Self { prefix: None, held, next: 0 };
            };
            if prefix.get_or_insert(before) != &before {
                return Self { prefix: None, held, next: 0 };
            }
            held.insert(number);
        }
        Self { prefix: prefix.map(str::to_owned), held, next: 0 }
    }

    fn free(&mut self) -> Option<Arc<str>> {
        let prefix = self.prefix.as_ref()?;
        while self.held.contains(&self.next) {
            self.next += 1;
        }
        let slot = format!("{prefix}{}", self.next);
        self.next += 1;
        Some(slot.into())
    }
}

/// Those labels of an instance that limits count by; the same ones are shared.
#[derive(Debug)]
pub(super) struct Labels<'a> {
    keys: &'a BTreeSet<&'a str>,
    known: HashSet<Arc<BTreeMap<String, String>>>,
}

impl<'a> Labels<'a> {
    pub(super) fn new(keys: &'a BTreeSet<&'a str>) -> Self {
        Self { keys, known: HashSet::new() }
    }

    pub(super) fn of(&mut self, instance: &Instance) -> Arc<BTreeMap<String, String>> {
        let of_key = |key: &&str| Some(((*key).to_owned(), instance.label(key)?.to_owned()));
        let labels: BTreeMap<String, String> = self.keys.iter().filter_map(of_key).collect();
        if let Some(known) = self.known.get(&labels) {
            return Arc::clone(known);
        }
        let labels = Arc::new(labels);
        self.known.insert(Arc::clone(&labels));
        labels
    }
}
