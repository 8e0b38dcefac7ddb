//! In whatever order replacements are done, there is always one that can be done next.

use std::collections::BTreeMap;

use super::{
    super::{Violation, ViolationCode as Code},
    Capacity, Class, Count, Effect, signed,
};

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
enum Blocked {
    Ceiling { present: i64, ceiling: u64 },
    Floor { available: i64, floor: u64 },
    InFlight,
}

impl Capacity<'_> {
    /// Replacements are ranked: one of rank n can be admitted whenever all of lower ranks are done and nothing is under
    /// way, whatever else was done before it. Were there a state in which nothing can be admitted, one of the lowest rank
    /// that waits there could be; so there is none, and the plan ends in every order. A stage's ranks are above those of
    /// the stages that it comes after, so that the lowest that waits is in a stage that has begun.
    pub(in super::super) fn never_stuck(&self) -> Result<(), Violation> {
        let mut done = self.settled.clone();
        let mut waiting: Vec<Vec<usize>> = self.classes_of.clone();
        let mut worst: Vec<BTreeMap<usize, Worst>> =
            waiting.iter().map(|classes| self.sum(classes)).collect();
        loop {
            let mut moved = false;
            for stage in 0..waiting.len() {
                let ready = !waiting[stage].is_empty() && self.is_ready(stage, &waiting);
                moved |= ready && self.advance(stage, &mut waiting, &mut worst, &mut done);
            }
            if !moved {
                break;
            }
        }
        let stuck =
            (0..waiting.len()).find(|stage| !waiting[*stage].is_empty() && self.is_ready(*stage, &waiting));
        stuck.map_or(Ok(()), |stage| Err(self.stuck(stage, &waiting, &worst, &done)))
    }

    /// Whether all before it were shown to be doable.
    fn is_ready(&self, stage: usize, waiting: &[Vec<usize>]) -> bool {
        let mut earlier = (0..stage).rev().filter(|earlier| !waiting[*earlier].is_empty());
        earlier.all(|earlier| !self.stages.ordered(earlier, stage))
    }

    /// Gives ranks to what can be done next in a stage, again and again.
    fn advance(
        &self,
        stage: usize,
        waiting: &mut [Vec<usize>],
        worst: &mut [BTreeMap<usize, Worst>],
        done: &mut [Count],
    ) -> bool {
        let mut any = false;
        loop {
            let beside = self.beside(stage, worst);
            let can = |class: &usize| self.blocked(&self.classes[*class], &beside, done).is_none();
            let (go, wait): (Vec<usize>, Vec<usize>) = waiting[stage].iter().copied().partition(can);
            if go.is_empty() {
                return any;
            }
            any = true;
            for class in go.iter().map(|class| &self.classes[*class]) {
                for effect in &class.effects {
                    done[effect.limit].present += class.count * effect.present;
                    done[effect.limit].available += class.count * effect.available;
                }
            }
            worst[stage] = self.sum(&wait);
            waiting[stage] = wait;
        }
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
    fn beside(&self, stage: usize, worst: &[BTreeMap<usize, Worst>]) -> BTreeMap<usize, Worst> {
        let mut sums = worst[stage].clone();
        for &other in self.stages.beside(stage) {
            for (limit, more) in &worst[other] {
                if let Some(sum) = sums.get_mut(limit) {
                    sum.more += more.more;
                    sum.fewer += more.fewer;
                }
            }
        }
        sums
    }

    /// The first limit that does not admit one of a class when all that is against it has happened.
    fn blocked(
        &self,
        class: &Class,
        worst: &BTreeMap<usize, Worst>,
        done: &[Count],
    ) -> Option<(usize, Blocked)> {
        class.effects.iter().find_map(|effect| {
            let limit = &self.limits[effect.limit];
            // Outside its window a limit does not hold; that there is such a time is an assumption of the proof.
            if !effect.governed || limit.window.is_some() {
                return None;
            }
            let all = worst.get(&effect.limit).copied().unwrap_or_default();
            let own = Worst::of(effect, 1);
            let present = done[effect.limit].present + all.more - own.more;
            let available = done[effect.limit].available - (all.fewer - own.fewer);
            let blocked = |why| Some((effect.limit, why));
            match (limit.ceiling, limit.floor, limit.in_flight) {
                (.., Some(0)) => blocked(Blocked::InFlight),
                (Some(ceiling), ..)
                    if effect.launches && present + i64::from(effect.rises) > signed(ceiling) =>
                {
                    blocked(Blocked::Ceiling { present: present + i64::from(effect.rises), ceiling })
                }
                (_, Some(floor), _) if effect.falls && available - 1 < signed(floor) => {
                    blocked(Blocked::Floor { available: available - 1, floor })
                }
                _ => None,
            }
        })
    }

    fn stuck(
        &self,
        stage: usize,
        waiting: &[Vec<usize>],
        worst: &[BTreeMap<usize, Worst>],
        done: &[Count],
    ) -> Violation {
        let beside = self.beside(stage, worst);
        let mut trace = Vec::new();
        let first = (0..stage).rev().find(|earlier| self.stages.ordered(*earlier, stage));
        if let Some(earlier) = first {
            trace.push(format!("all is done up to `{}`", self.names[earlier]));
        }
        trace.push(format!(
            "all is done in `{}` that can be, and all beside it that makes it worse",
            self.names[stage]
        ));
        let mut example = 0;
        let mut message = format!("nothing more can be done in `{}`", self.names[stage]);
        for (position, class) in waiting[stage].iter().map(|class| &self.classes[*class]).enumerate() {
            let Some((limit, blocked)) = self.blocked(class, &beside, done) else { continue };
            let what = self.describe(class.example);
            let name = &self.limits[limit].name;
            let why = match blocked {
                Blocked::Ceiling { present, ceiling } => {
                    format!(
                        "{what} would make {} present, above the ceiling {ceiling} of {name}",
                        present + 1
                    )
                }
                Blocked::Floor { available, floor } => {
                    format!("{what} would leave {available} available, below the floor {floor} of {name}")
                }
                Blocked::InFlight => {
                    format!("{what} is not allowed by {name}, in which nothing may be under way")
                }
            };
            if position == 0 {
                example = class.example;
                message = format!("`{}` can get stuck: {why}", self.names[stage]);
            }
            trace.push(why);
        }
        let step = &self.steps[example];
        Violation::new(Code::Stuck, message).at(step.stage, step.position).with_trace(trace)
    }
}
