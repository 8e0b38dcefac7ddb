//! When each replacement is done and in which order its halves: a lock-step of waves.
//!
//! In each wave, all that can be under way at once begin together and end together. A replacement is begun when the limits have
//! room for the worst that it can do: one that launches first takes room below the ceiling until the old one is gone, one
//! that retires first takes room above the floor until the new one is available, and one that replaces what is down takes
//! neither. So whatever was begun can end by itself, and the order in which things end does not matter.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
    rc::Rc,
};

use super::{limits::Limits, places::Places};
use crate::plan::{Order, Reason};

/// A replacement, as far as limits are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Item {
    /// The place that something is launched in.
    pub(super) launch: Option<u32>,
    /// The place that something is retired from.
    pub(super) retire: Option<u32>,
    /// Whether what is retired is no loss.
    pub(super) down: bool,
    /// Whether both are in one slot, so that one must be gone before the other comes.
    pub(super) slot: bool,
    /// Whether it is done whatever the limits say.
    pub(super) at_once: bool,
    pub(super) reason: Reason,
}

/// When an item is done, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slotted {
    /// Its position in the stage.
    pub(super) item: u32,
    pub(super) order: Order,
    pub(super) wave: u32,
}

/// A stage: its items, and the stages before it.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) items: Vec<Item>,
    pub(super) after: Vec<u32>,
}

/// Why nothing more can be begun.
#[derive(Debug)]
pub(super) struct Stuck {
    pub(super) stage: usize,
    pub(super) item: u32,
    /// The limits that refuse each order that is possible.
    pub(super) refused: Vec<(Order, Vec<u32>)>,
}

/// What an item does to one limit.
#[derive(Clone, Copy, Debug)]
struct Effect {
    limit: u32,
    launch: bool,
    retire: bool,
    /// Whether the limit is about items of this reason; it counts the others, too.
    bound: bool,
}

impl Effect {
    /// How much room below the ceiling it takes for as long as it is under way.
    fn up(self, order: Order) -> bool {
        self.launch && (order == Order::LaunchFirst || !self.retire)
    }

    /// How much of what is available it takes for as long as it is under way.
    fn down(self, order: Order, is_down: bool) -> bool {
        self.retire && !is_down && (order == Order::RetireFirst || !self.launch)
    }
}

/// What a limit counts in the current wave.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    /// The most that can be there while what was begun is under way.
    high: i64,
    /// The least that can be available meanwhile.
    low: i64,
    /// How many more will be available once what is under way is done, without what it takes away.
    rise: i64,
    in_flight: i64,
    /// How many there are once everything is done.
    end: i64,
    /// What changes when the wave is over.
    high_after: i64,
    low_after: i64,
    floor: i64,
    ceiling: i64,
    most: i64,
}

/// Items that take the same from the same limits: where one has to wait, so has the next.
struct Group {
    effects: Rc<[Effect]>,
    item: Item,
    waiting: VecDeque<u32>,
}

/// Plans the waves of all stages together: stages that do not wait for each other share the limits.
pub(super) fn schedule(
    stages: &[Work],
    limits: &Limits,
    places: &Places,
) -> Result<Vec<Vec<Slotted>>, Stuck> {
    let mut counters = counters(limits, places);
    let mut effects = HashMap::new();
    let mut groups: Vec<Vec<Group>> =
        stages.iter().map(|stage| grouped(stage, limits, &mut effects)).collect();
    look_ahead(&mut counters, &groups);
    let mut out: Vec<Vec<Slotted>> =
        stages.iter().map(|stage| Vec::with_capacity(stage.items.len())).collect();
    let mut done = vec![false; stages.len()];
    let mut first = 0;
    let mut wave = 0;
    loop {
        // A stage comes after earlier ones only, so that one pass finds all that are over.
        for stage in first..stages.len() {
            let ready = stages[stage].after.iter().all(|before| done[*before as usize]);
            done[stage] |= ready && groups[stage].iter().all(|group| group.waiting.is_empty());
        }
        while done.get(first).is_some_and(|done| *done) {
            first += 1;
        }
        if first == stages.len() {
            return Ok(out);
        }
        wave += 1;
        let (mut begun, mut stopped) = (false, None);
        for stage in first..stages.len() {
            if done[stage] || !stages[stage].after.iter().all(|before| done[*before as usize]) {
                continue;
            }
            // What is begun can make room for what was refused before it.
            while admit(&mut groups[stage], &mut counters, wave, &mut out[stage]) {
                begun = true;
            }
            stopped = stopped.or(Some(stage));
        }
        for counter in &mut counters {
            counter.high += std::mem::take(&mut counter.high_after);
            counter.low += std::mem::take(&mut counter.low_after);
            counter.in_flight = 0;
            counter.rise = 0;
        }
        // What stays and was not available yet is taken to have become so.
        let settled = wave == 1 && settle(&mut counters, limits, places);
        if let Some(stage) = stopped.filter(|_| !begun && !settled) {
            return Err(stuck(stage, &groups[stage], &counters));
        }
    }
}

/// What each limit counts at the beginning. One that holds only at times does not hold here: the rollout waits.
fn counters(limits: &Limits, places: &Places) -> Vec<Counter> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut counters: Vec<Counter> = limits
        .list
        .iter()
        .map(|limit| {
            let held = limit.window.is_none();
            Counter {
                floor: limit.floor.filter(|_| held).map_or(i64::MIN, number),
                ceiling: limit.ceiling.filter(|_| held).map_or(i64::MAX, number),
                most: limit.in_flight.filter(|_| held).map_or(i64::MAX, number),
                ..Counter::default()
            }
        })
        .collect();
    for (place, count) in limits.of_place.iter().zip(&places.counts) {
        for limit in place {
            let counter = &mut counters[*limit as usize];
            // What is leaving makes room without being asked.
            counter.high += count.present - count.leaving;
            counter.low += count.available;
            counter.rise += count.starting;
        }
    }
    counters
}

/// How many there will be in each limit.
fn look_ahead(counters: &mut [Counter], stages: &[Vec<Group>]) {
    for counter in &mut *counters {
        counter.end = counter.high;
    }
    for group in stages.iter().flatten() {
        let items = i64::try_from(group.waiting.len()).unwrap_or(i64::MAX);
        for effect in &*group.effects {
            let change = i64::from(effect.launch) - i64::from(effect.retire);
            counters[effect.limit as usize].end += items * change;
        }
    }
}

fn settle(counters: &mut [Counter], limits: &Limits, places: &Places) -> bool {
    let mut settled = false;
    for (place, count) in limits.of_place.iter().zip(&places.counts) {
        for limit in place {
            counters[*limit as usize].low += count.starting;
        }
        settled |= count.starting > 0;
    }
    settled
}

/// What items with these places and this reason do to limits, computed once for all that are alike.
type Effects = HashMap<(Option<u32>, Option<u32>, Reason, bool), Rc<[Effect]>>;

fn grouped(stage: &Work, limits: &Limits, known: &mut Effects) -> Vec<Group> {
    let mut numbers: HashMap<Item, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (position, item) in (0_u32..).zip(&stage.items) {
        let number = *numbers.entry(*item).or_insert_with(|| {
            let effects = known
                .entry((item.launch, item.retire, item.reason, item.at_once))
                .or_insert_with(|| effects(item, limits))
                .clone();
            groups.push(Group { effects, item: *item, waiting: VecDeque::new() });
            groups.len() - 1
        });
        groups[number].waiting.push_back(position);
    }
    groups
}

fn effects(item: &Item, limits: &Limits) -> Rc<[Effect]> {
    let mut effects: BTreeMap<u32, Effect> = BTreeMap::new();
    for (place, launch) in [(item.launch, true), (item.retire, false)] {
        for limit in place.iter().flat_map(|place| &limits.of_place[*place as usize]) {
            let reasons = &limits.list[*limit as usize].reasons;
            let bound = !item.at_once && (reasons.is_empty() || reasons.contains(&item.reason));
            let effect = effects.entry(*limit).or_insert(Effect {
                limit: *limit,
                launch: false,
                retire: false,
                bound,
            });
            effect.launch |= launch;
            effect.retire |= !launch;
        }
    }
    effects.into_values().collect()
}

/// Begins what can be begun, in the order of the stage; what has to wait holds up only what is like it.
fn admit(groups: &mut [Group], counters: &mut [Counter], wave: u32, out: &mut Vec<Slotted>) -> bool {
    // What only adds to what is available goes first: the others may need it.
    let adds = |item: &Item| item.launch.is_some() && (item.down || item.retire.is_none());
    let mut heads: BinaryHeap<Reverse<(bool, u32, usize)>> = groups
        .iter()
        .enumerate()
        .filter_map(|(number, group)| Some(Reverse((!adds(&group.item), *group.waiting.front()?, number))))
        .collect();
    let mut begun = false;
    while let Some(Reverse((later, item, number))) = heads.pop() {
        let group = &mut groups[number];
        let Some(order) = possible(group, counters) else { continue };
        begin(group, counters, order);
        out.push(Slotted { item, order, wave });
        begun = true;
        group.waiting.pop_front();
        if let Some(next) = group.waiting.front() {
            heads.push(Reverse((later, *next, number)));
        }
    }
    begun
}

/// The orders in which an item can be done, the better one first: launching first takes nothing from what is available,
/// but what is down is in the way of nothing but its own replacement.
fn orders(item: &Item) -> &'static [Order] {
    match (item.launch, item.retire) {
        (Some(_), Some(_)) if item.down || item.slot => &[Order::RetireFirst],
        (Some(_), Some(_)) => &[Order::LaunchFirst, Order::RetireFirst],
        (Some(_), None) => &[Order::LaunchFirst],
        (None, _) => &[Order::RetireFirst],
    }
}

/// The order in which an item is begun, if it can be. Where there is room above only as long as others have not come, one that
/// launches first would be stuck if they came before it: there it retires first, if it can.
fn possible(group: &Group, counters: &[Counter]) -> Option<Order> {
    let is_full = |effect: &Effect| {
        let counter = &counters[effect.limit as usize];
        effect.bound && effect.launch && effect.retire && counter.end >= counter.ceiling
    };
    let can = |order: &&Order| refusals(group, counters, **order).next().is_none();
    let mut orders = orders(&group.item).iter();
    let found = if group.effects.iter().any(is_full) { orders.rfind(can) } else { orders.find(can) };
    found.copied()
}

/// The limits that have no room for an item in this order.
fn refusals<'a>(group: &'a Group, counters: &'a [Counter], order: Order) -> impl Iterator<Item = u32> + 'a {
    let refused = move |effect: &&Effect| {
        let counter = &counters[effect.limit as usize];
        let most = counter.high + i64::from(effect.up(order));
        // Where nothing is launched for it, it can go when others have come.
        let hoped = if group.item.launch.is_none() { counter.rise.max(0) } else { 0 };
        let least = counter.low + hoped - i64::from(effect.down(order, group.item.down));
        // One that launches first ends when another one can be spared. If nothing that is under way makes that so, it must
        // not take the place of those that would.
        let both = effect.launch && effect.retire && order == Order::LaunchFirst;
        let waits = both && !group.item.down && counter.low + counter.rise < counter.floor;
        effect.bound
            && (waits
                || (effect.launch && most > counter.ceiling)
                || (effect.down(order, group.item.down) && least < counter.floor)
                || counter.in_flight + 1 > counter.most)
    };
    group.effects.iter().filter(refused).map(|effect| effect.limit)
}

fn begin(group: &Group, counters: &mut [Counter], order: Order) {
    // One that waits for a launch makes room nowhere before that, wherever it is counted.
    let stays = group.effects.iter().any(|effect| {
        let counter = &counters[effect.limit as usize];
        effect.down(order, group.item.down) && counter.low - 1 < counter.floor
    });
    for effect in &*group.effects {
        let counter = &mut counters[effect.limit as usize];
        let (up, down) = (i64::from(effect.up(order)), i64::from(effect.down(order, group.item.down)));
        let (launch, retire) = (i64::from(effect.launch), i64::from(effect.retire));
        // What is retired without a launch here makes room as it goes, unless it waits for a launch elsewhere.
        let waits = group.item.launch.is_none() && down > 0 && counter.low - down < counter.floor;
        let leaves = i64::from(effect.retire && !effect.launch && order == Order::RetireFirst && !stays);
        counter.high += up - leaves;
        if waits {
            counter.rise -= down;
        } else {
            counter.low -= down;
        }
        let down = if waits { 0 } else { down };
        counter.in_flight += i64::from(effect.bound);
        let replaces = order == Order::LaunchFirst && effect.retire && !group.item.down;
        counter.rise += launch - i64::from(effect.launch && replaces);
        counter.high_after += launch - retire - up + leaves;
        counter.low_after += launch - retire * i64::from(!group.item.down) + down;
    }
}

/// Which limits are in the way of the first item that waits.
fn stuck(stage: usize, groups: &[Group], counters: &[Counter]) -> Stuck {
    let waiting = |group: &&Group| !group.waiting.is_empty();
    let group = groups.iter().filter(waiting).min_by_key(|group| group.waiting.front().copied());
    let (item, refused) = group.map_or((0, Vec::new()), |group| {
        let refused = |order: &Order| (*order, refusals(group, counters, *order).collect());
        (group.waiting.front().copied().unwrap_or(0), orders(&group.item).iter().map(refused).collect())
    });
    Stuck { stage, item, refused }
}
