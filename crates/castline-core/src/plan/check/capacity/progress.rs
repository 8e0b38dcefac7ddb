//! In whatever order replacements are done, there is always one that can be done next.

use std::collections::BTreeMap;

use super::{
    super::{Violation, ViolationCode as Code},
    Capacity, Count, Effect, signed,
};

/// How many suppositions are tried before a proof is given up.
const MOST_CASES: usize = 1000;

/// The worst that what is not yet shown to be doable can have done to a limit when all else waits.
#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    /// How many more it can have left present.
    more: i64,
    /// How many fewer it can have left available.
    fewer: i64,
}

impl Worst {
    fn of(effect: &Effect, count: i64) -> Self {
        Self { more: count * effect.present.max(0), fewer: count * (-effect.available).max(0) }
    }
}

/// Why a replacement cannot be admitted.
#[derive(Clone, Copy, Debug)]
enum Blocked {
    Ceiling { present: i64, ceiling: u64 },
    Floor { available: i64, floor: u64 },
    InFlight,
}

/// What is known of a state in which nothing can be admitted.
#[derive(Clone)]
struct Standstill {
    /// What is done in it for certain, or is supposed to be.
    done: Vec<Count>,
    /// The classes of each stage that may wait in it.
    waiting: Vec<Vec<usize>>,
    worst: Vec<BTreeMap<usize, Worst>>,
    /// What limits count in it at the least and at the most, because of what is supposed to wait for them.
    least_available: BTreeMap<usize, i64>,
    most_present: BTreeMap<usize, i64>,
    /// The classes that are supposed to wait.
    waits: Vec<usize>,
}

impl Standstill {
    /// How many can be present at the most, when one with this effect waits.
    fn present(&self, effect: &Effect, worst: &BTreeMap<usize, Worst>) -> i64 {
        let all = worst.get(&effect.limit).copied().unwrap_or_default();
        let most = self.most_present.get(&effect.limit).copied().unwrap_or(i64::MAX);
        let own = Worst::of(effect, 1);
        (self.done[effect.limit].present + all.more - own.more).min(most)
    }

    /// How many are available at the least, when one with this effect waits.
    fn available(&self, effect: &Effect, worst: &BTreeMap<usize, Worst>) -> i64 {
        let all = worst.get(&effect.limit).copied().unwrap_or_default();
        let least = self.least_available.get(&effect.limit).copied().unwrap_or(i64::MIN);
        let own = Worst::of(effect, 1);
        (self.done[effect.limit].available - (all.fewer - own.fewer)).max(least)
    }
}

/// Adds to what is counted already, and to nothing else.
fn add(sums: &mut BTreeMap<usize, Worst>, more: &BTreeMap<usize, Worst>) {
    for (limit, more) in more {
        if let Some(sum) = sums.get_mut(limit) {
            sum.more += more.more;
            sum.fewer += more.fewer;
        }
    }
}

impl Capacity<'_> {
    /// Were there a state in which nothing is under way and nothing can be admitted, it would be one of these: what
    /// can be admitted even at its worst, whatever else was done before, is done in it. So is what can be once that is
    /// done, and so on, stage by stage, as a stage begins when those before it are done. What is left then either is done, too,
    /// or waits for some limit, and so tells what this limit counts; both are supposed in turn. If nothing is left, or what is
    /// supposed to wait could be admitted, there is no such state, and the plan ends in every order.
    pub(in super::super) fn never_stuck(&self) -> Result<(), Violation> {
        let waiting = self.classes_of.clone();
        let start = Standstill {
            done: self.settled.clone(),
            worst: waiting.iter().map(|classes| self.sum(classes)).collect(),
            waiting,
            least_available: BTreeMap::new(),
            most_present: BTreeMap::new(),
            waits: Vec::new(),
        };
        let mut cases = vec![start];
        let (mut tried, mut first) = (0, None);
        while let Some(mut case) = cases.pop() {
            let Some(stage) = self.refute(&mut case) else { continue };
            tried += 1;
            // The first one is told of: it supposes least.
            first.get_or_insert_with(|| (case.clone(), stage));
            let class = case.waiting[stage].iter().copied().find(|class| !case.waits.contains(class));
            match class.filter(|_| tried <= MOST_CASES) {
                Some(class) => cases.extend(self.suppose(&case, stage, class)),
                None => return first.map_or(Ok(()), |(case, stage)| Err(self.stuck(stage, &case))),
            }
        }
        Ok(())
    }

    /// Finds all that is done in a standstill. None where there can be no such state; else the first stage in which
    /// something may wait.
    fn refute(&self, case: &mut Standstill) -> Option<usize> {
        loop {
            let mut moved = false;
            for stage in 0..case.waiting.len() {
                if !case.waiting[stage].is_empty() && self.is_ready(stage, case) {
                    match self.advance(stage, case) {
                        Some(any) => moved |= any,
                        None => return None,
                    }
                }
            }
            if !moved {
                let waits = |stage: &usize| !case.waiting[*stage].is_empty() && self.is_ready(*stage, case);
                return (0..case.waiting.len()).find(waits);
            }
        }
    }

    /// A class is done in the standstill, or one of it waits for one of the limits that could hold it up.
    fn suppose(&self, case: &Standstill, stage: usize, class: usize) -> Vec<Standstill> {
        let mut done = case.clone();
        self.finish(&mut done, stage, &[class]);
        let mut cases = vec![done];
        let beside = self.beside(stage, case);
        for effect in &self.classes[class].effects {
            let count = case.done[effect.limit];
            // At the most so many are present and do no work: what is launched does, once it is done.
            let idle = count.present - count.available;
            let below = |most_available: i64| {
                let mut case = case.clone();
                case.waits.push(class);
                for limit in self.alike(effect.limit) {
                    let most = case.most_present.entry(limit).or_insert(i64::MAX);
                    *most = (*most).min(most_available + idle);
                }
                case
            };
            match self.blocks(effect, &beside, case) {
                Some(Blocked::Ceiling { ceiling, .. }) => {
                    let mut case = case.clone();
                    case.waits.push(class);
                    let present = signed(ceiling) + 1 - i64::from(effect.rises);
                    for limit in self.alike(effect.limit) {
                        let least = case.least_available.entry(limit).or_insert(i64::MIN);
                        *least = (*least).max(present - idle);
                    }
                    cases.push(case);
                }
                Some(Blocked::Floor { floor, .. }) => {
                    cases.push(below(signed(floor) - i64::from(effect.swaps)));
                }
                Some(Blocked::InFlight) => {
                    let mut case = case.clone();
                    case.waits.push(class);
                    cases.push(case);
                }
                None => {}
            }
        }
        cases
    }

    /// The limits that count the same instances: what is known of one is known of all.
    fn alike(&self, limit: usize) -> impl Iterator<Item = usize> {
        let of = &self.limits[limit].of;
        self.limits.iter().enumerate().filter(move |(_, other)| other.of == *of).map(|(other, _)| other)
    }

    /// Whether all before it are done.
    fn is_ready(&self, stage: usize, case: &Standstill) -> bool {
        let mut earlier = (0..stage).filter(|earlier| !case.waiting[*earlier].is_empty());
        earlier.all(|earlier| !self.stages.ordered(earlier, stage))
    }

    /// Finds what is done of a stage, again and again; none where something can be admitted that is supposed to wait.
    fn advance(&self, stage: usize, case: &mut Standstill) -> Option<bool> {
        let mut any = false;
        loop {
            let beside = self.beside(stage, case);
            let can = |class: &usize| self.blocked(*class, &beside, case).is_none();
            let go: Vec<usize> = case.waiting[stage].iter().copied().filter(can).collect();
            if go.is_empty() {
                return Some(any);
            }
            if go.iter().any(|class| case.waits.contains(class)) {
                return None;
            }
            any = true;
            self.finish(case, stage, &go);
        }
    }

    fn finish(&self, case: &mut Standstill, stage: usize, classes: &[usize]) {
        for class in classes.iter().map(|class| &self.classes[*class]) {
            for effect in &class.effects {
                case.done[effect.limit].present += class.count * effect.present;
                case.done[effect.limit].available += class.count * effect.available;
            }
        }
        case.waiting[stage].retain(|class| !classes.contains(class));
        case.worst[stage] = self.sum(&case.waiting[stage]);
    }

    fn sum(&self, classes: &[usize]) -> BTreeMap<usize, Worst> {
        let mut sums = BTreeMap::<usize, Worst>::new();
        for class in classes.iter().map(|class| &self.classes[*class]) {
            for effect in &class.effects {
                let more = Worst::of(effect, class.count);
                let sum = sums.entry(effect.limit).or_default();
                sum.more += more.more;
                sum.fewer += more.fewer;
            }
        }
        sums
    }

    /// What the stage and all that may be under way beside it can have done.
    fn beside(&self, stage: usize, case: &Standstill) -> BTreeMap<usize, Worst> {
        let mut sums = case.worst[stage].clone();
        for &other in self.stages.beside(stage) {
            add(&mut sums, &case.worst[other]);
        }
        sums
    }

    /// The first limit that does not admit one of a class when all that is against it has happened.
    fn blocked(
        &self,
        class: usize,
        worst: &BTreeMap<usize, Worst>,
        case: &Standstill,
    ) -> Option<(usize, Blocked)> {
        let mut effects = self.classes[class].effects.iter();
        effects.find_map(|effect| Some((effect.limit, self.blocks(effect, worst, case)?)))
    }

    fn blocks(&self, effect: &Effect, worst: &BTreeMap<usize, Worst>, case: &Standstill) -> Option<Blocked> {
        let limit = &self.limits[effect.limit];
        // Outside its window a limit does not hold; that there is such a time is an assumption of the proof.
        if !effect.governed || limit.window.is_some() {
            return None;
        }
        let present = case.present(effect, worst) + i64::from(effect.rises);
        let available = case.available(effect, worst) - i64::from(effect.falls);
        match (limit.ceiling, limit.floor, limit.in_flight) {
            (.., Some(0)) => Some(Blocked::InFlight),
            (Some(ceiling), ..) if effect.launches && present > signed(ceiling) => {
                Some(Blocked::Ceiling { present, ceiling })
            }
            (_, Some(floor), _) if (effect.falls || effect.swaps) && available < signed(floor) => {
                Some(Blocked::Floor { available, floor })
            }
            _ => None,
        }
    }

    fn stuck(&self, stage: usize, case: &Standstill) -> Violation {
        let beside = self.beside(stage, case);
        let name = self.names[stage];
        let mut trace = Vec::new();
        let first = (0..stage).rev().find(|earlier| self.stages.ordered(*earlier, stage));
        if let Some(earlier) = first {
            trace.push(format!("all is done up to `{}`", self.names[earlier]));
        }
        trace.push(format!("all is done in `{name}` that can be, and all beside it that makes it worse"));
        let mut example = None;
        for &class in &case.waiting[stage] {
            let first = self.classes[class].example;
            let what = self.describe(first);
            let Some((limit, blocked)) = self.blocked(class, &beside, case) else { continue };
            let of = &self.limits[limit].name;
            let why = match blocked {
                Blocked::Ceiling { present, ceiling } => {
                    format!("{what} would make {present} present, above the ceiling {ceiling} of {of}")
                }
                Blocked::Floor { available, floor } => {
                    format!("{what} would leave {available} available, below the floor {floor} of {of}")
                }
                Blocked::InFlight => {
                    format!("{what} is not allowed by {of}, in which nothing may be under way")
                }
            };
            example.get_or_insert((first, format!("`{name}` can get stuck: {why}")));
            trace.push(why);
        }
        let (example, message) = example.unwrap_or_else(|| (0, format!("`{name}` can get stuck")));
        let step = &self.steps[example];
        Violation::new(Code::Stuck, message).at(step.stage, step.position).with_trace(trace)
    }
}
