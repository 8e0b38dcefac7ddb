//! What a plan comes to, in numbers.

use std::collections::{BTreeMap, HashMap};

use super::words::{counted, len, number};
use crate::plan::{Limit, Order, Plan, PlannedService, Reason, Replacement};

/// What is to be done, in all or to one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) replaced: u64,
    pub(super) launched: u64,
    pub(super) retired: u64,
    pub(super) reasons: BTreeMap<Reason, u64>,
    /// The first wave and the last.
    pub(super) waves: Option<(u32, u32)>,
}

impl Tally {
    fn add(&mut self, replacement: &Replacement) {
        match (&replacement.launch, &replacement.retire) {
            (Some(_), Some(_)) => self.replaced += 1,
            (Some(_), None) => self.launched += 1,
            (None, Some(_)) => self.retired += 1,
            (None, None) => return,
        }
        *self.reasons.entry(replacement.reason).or_default() += 1;
        let wave = replacement.wave;
        let (first, last) = self.waves.unwrap_or((wave, wave));
        self.waves = Some((first.min(wave), last.max(wave)));
    }

    /// All of one stage.
    pub(super) fn of<'a>(replacements: impl IntoIterator<Item = &'a Replacement>) -> Self {
        let mut tally = Self::default();
        replacements.into_iter().for_each(|one| tally.add(one));
        tally
    }

    /// `6 replaced, 2 launched`.
    pub(super) fn text(&self) -> String {
        let parts = [(self.replaced, "replaced"), (self.launched, "launched"), (self.retired, "retired")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let text: Vec<_> = parts.map(|(count, what)| format!("{} {what}", number(*count))).collect();
        if text.is_empty() { "nothing to do".into() } else { text.join(", ") }
    }

    /// `wave 2`, `waves 1 to 3`.
    pub(super) fn waves(&self) -> Option<String> {
        self.waves.map(|(first, last)| match last - first {
            0 => format!("wave {}", number(first.into())),
            _ => format!("waves {} to {}", number(first.into()), number(last.into())),
        })
    }
}

/// A plan in numbers.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    pub(super) all: Tally,
    pub(super) services: Vec<(&'a PlannedService, Tally)>,
    pub(super) kept: u64,
    pub(super) waves: u32,
}

impl<'a> Summary<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let mut of: HashMap<&str, Tally> = HashMap::new();
        for stage in &plan.stages {
            let tally = of.entry(&stage.service).or_default();
            stage.replacements.iter().for_each(|one| tally.add(one));
        }
        let services = plan.services.iter();
        Self {
            all: Tally::of(plan.replacements()),
            services: services.map(|one| (one, of.get(&*one.service).cloned().unwrap_or_default())).collect(),
            kept: plan.services.iter().fold(0, |kept, one| kept.saturating_add(one.kept)),
            waves: plan.waves(),
        }
    }

    /// The plan in one line: `1 service: 6 replaced in 3 waves, 1 stage`.
    pub(super) fn line(&self, plan: &Plan) -> String {
        let services = counted(len(&plan.services), "service");
        if plan.is_empty() {
            return format!("{services}: nothing to do");
        }
        let waves = counted(self.waves.into(), "wave");
        format!("{services}: {} in {waves}, {}", self.all.text(), counted(len(&plan.stages), "stage"))
    }
}

/// The limits that set the pace, each with what it has room for: a wave takes all of it, and another comes after.
///
/// Limits of labels are left out: a plan does not have the labels of what it retires.
pub(super) fn pace(plan: &Plan) -> Vec<(usize, String)> {
    /// How many of a wave a limit counts: above, below, and in all.
    type Taken = (u64, u64, u64);
    let mut of: HashMap<&str, Vec<usize>> = HashMap::new();
    for (position, limit) in plan.limits.iter().enumerate().filter(|(_, limit)| limit.of.label.is_none()) {
        for service in &limit.of.services {
            of.entry(service).or_default().push(position);
        }
    }
    let mut known: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    let mut most: HashMap<(usize, u32), Taken> = HashMap::new();
    let mut last: HashMap<usize, u32> = HashMap::new();
    for stage in &plan.stages {
        for one in &stage.replacements {
            let launched = one.launch.as_ref().map(|launch| &*launch.zone);
            let zone = launched.or(one.retire.as_ref().map(|retire| &*retire.zone)).unwrap_or_default();
            let counted = known.entry((&stage.service, zone)).or_insert_with(|| {
                let in_zone = |limit: &Limit| limit.of.zone.as_ref().is_none_or(|of| **of == *zone);
                let all = of.get(&*stage.service).into_iter().flatten();
                all.copied().filter(|position| in_zone(&plan.limits[*position])).collect()
            });
            let both = one.launch.is_some() && one.retire.is_some() && one.reason != Reason::Failed;
            for limit in counted {
                let reasons = &plan.limits[*limit].reasons;
                if !reasons.is_empty() && !reasons.contains(&one.reason) {
                    continue;
                }
                let taken = most.entry((*limit, one.wave)).or_default();
                taken.0 += u64::from(both && one.order == Order::LaunchFirst);
                taken.1 += u64::from(both && one.order == Order::RetireFirst);
                taken.2 += 1;
                let last = last.entry(*limit).or_default();
                *last = one.wave.max(*last);
            }
        }
    }
    let mut found: BTreeMap<usize, String> = BTreeMap::new();
    for ((position, wave), taken) in most {
        let limit = &plan.limits[position];
        let full = |taken: u64, room: Option<u64>| taken > 0 && room.is_some_and(|room| taken >= room);
        let above = limit.ceiling.map(|ceiling| ceiling.saturating_sub(limit.desired));
        let below = limit.floor.map(|floor| limit.desired.saturating_sub(floor));
        let words = match () {
            () if last.get(&position).is_none_or(|last| wave >= *last) => continue,
            () if full(taken.2, limit.in_flight) => limit.in_flight.map(|most| (most, "")),
            () if full(taken.0, above) => above.map(|most| (most, " more than desired")),
            () if full(taken.1, below) => below.map(|most| (most, " fewer than desired")),
            () => None,
        };
        let Some((most, how)) = words else { continue };
        let words = format!("sets the pace: {}{how} at a time", number(most));
        // Waves come in no order: the least of the texts is the same each time.
        let entry = found.entry(position).or_insert_with(|| words.clone());
        if words < *entry {
            *entry = words;
        }
    }
    found.into_iter().collect()
}
