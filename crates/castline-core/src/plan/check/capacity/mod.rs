//! What the plan does to capacity: classes of replacements that are alike, and what each does to each limit.

mod extremes;
mod places;
mod progress;
mod waves;

use super::{
    Violation, ViolationCode as Code,
    documents::Case,
    quick::Quick,
    stages::Stages,
    steps::{Fates, Step},
};
use crate::{
    fleet::{Health, Phase},
    plan::{Disposal, Limit, Order, Reason},
};
pub(super) use extremes::extremes;
use places::{Place, Places};

/// What a replacement does to what a limit counts.
///
/// One that was admitted holds what it may take at any time until it is done. A new one that comes before the old one
/// goes takes room above; an old one that goes before the new one comes, and does work, takes from what is available. So
/// whatever is slow or lost, the sums of what is held tell how far capacity can get.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Effect {
    limit: usize,
    /// It is one of those that the limit is about.
    governed: bool,
    /// While it is under way, one more can be present.
    rises: bool,
    /// While it is under way, one fewer can be available.
    falls: bool,
    /// Something is launched that it counts.
    launches: bool,
    /// It retires one that is available once the new one is, too: it is not begun while fewer are than the floor.
    swaps: bool,
    /// What goes makes room that nothing of it takes again.
    leaves: bool,
    /// How many more are present when it is done.
    present: i64,
    /// How many more are available when it is done.
    available: i64,
}

/// Replacements of a stage that are alike: equal effects.
#[derive(Debug)]
struct Class {
    count: i64,
    /// The first of them, for messages.
    example: usize,
    effects: Vec<Effect>,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    present: i64,
    available: i64,
}

/// All that is needed to reason about capacity, linear in the plan.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Capacity<'a> {
    limits: &'a [Limit],
    names: Vec<&'a str>,
    stages: &'a Stages,
    steps: &'a [Step<'a>],
    classes: Vec<Class>,
    classes_of: Vec<Vec<usize>>,
    /// Runs of replacements of a class, in a wave.
    runs: Vec<(u32, usize, i64)>,
    /// What there is now, without what is isolated at once.
    now: Vec<Count>,
    /// What there is once what is going is gone, and what is kept and coming up is ready.
    settled: Vec<Count>,
    windows: bool,
    terminating: bool,
    unready: bool,
    down: bool,
}

impl<'a> Capacity<'a> {
    pub(super) fn of(case: &Case<'a>, fates: &'a Fates<'a>, stages: &'a Stages) -> Self {
        let limits = &case.plan.limits;
        let mut places = Places::new(case);
        let mut this = Self {
            limits,
            names: case.plan.stages.iter().map(|stage| &*stage.name).collect(),
            stages,
            steps: &fates.steps,
            classes: Vec::new(),
            classes_of: vec![Vec::new(); case.plan.stages.len()],
            runs: Vec::new(),
            now: vec![Count::default(); limits.len()],
            settled: vec![Count::default(); limits.len()],
            windows: limits.iter().any(|limit| limit.window.is_some()),
            terminating: false,
            unready: false,
            down: false,
        };
        this.count(case, fates, &mut places);
        this.classify(fates, &mut places);
        this
    }

    fn count(&mut self, case: &Case<'a>, fates: &Fates<'a>, places: &mut Places<'a>) {
        // Place by place, so that one place's limits are gone through once.
        let mut tally: Vec<(Count, Count)> = Vec::new();
        let mut add = |place: Place, now: Count, settled: Count| {
            if tally.len() <= place.0 {
                tally.resize(place.0 + 1, (Count::default(), Count::default()));
            }
            let entry = &mut tally[place.0];
            for (count, more) in [(&mut entry.0, now), (&mut entry.1, settled)] {
                count.present += more.present;
                count.available += more.available;
            }
        };
        for (position, service) in case.services.iter().enumerate() {
            for one in service.target.fleet.instances().iter().filter(|one| one.phase == Phase::Terminating) {
                self.terminating = true;
                add(
                    places.of(position, &one.zone, &one.labels),
                    Count { present: 1, available: 0 },
                    Count::default(),
                );
            }
            for one in fates.kept(case, position) {
                let ready = one.is_available();
                let settles = ready || one.health != Health::Failed;
                self.unready |= settles && !ready;
                let count = |available: bool| Count { present: 1, available: i64::from(available) };
                add(places.of(position, &one.zone, &one.labels), count(ready), count(settles));
            }
        }
        for step in &fates.steps {
            let Some(victim) = step.victim else { continue };
            let count = Count { present: 1, available: i64::from(!step.is_down()) };
            self.down |= step.is_down();
            add(places.of(step.service, &victim.zone, &victim.labels), count, count);
        }
        for (place, (now, settled)) in tally.into_iter().enumerate() {
            for &limit in places.limits(Place(place)) {
                for (count, more) in [(&mut self.now[limit], now), (&mut self.settled[limit], settled)] {
                    count.present += more.present;
                    count.available += more.available;
                }
            }
        }
    }

    fn classify(&mut self, fates: &'a Fates<'a>, places: &mut Places<'a>) {
        type Key = (usize, Option<Place>, Option<Place>, bool, bool, Reason);
        let mut known: Quick<Key, usize> = Quick::default();
        let mut last: Option<(Key, usize)> = None;
        for (position, step) in fates.steps.iter().enumerate() {
            let launch = step.one.launch.as_ref();
            let launch = launch.map(|launch| places.of(step.service, &launch.zone, &launch.labels));
            let retire = step.victim.map(|victim| places.of(step.service, &victim.zone, &victim.labels));
            let retire_first = launch.is_some() && retire.is_some() && step.one.order == Order::RetireFirst;
            let key = (step.stage, launch, retire, retire_first, step.is_down(), step.one.reason);
            let class = match last {
                Some((same, class)) if same == key => class,
                _ => *known.entry(key).or_insert_with(|| {
                    let of = |place: Option<Place>| place.map_or(&[][..], |place| places.limits(place));
                    let effects = effects(self.limits, of(launch), of(retire), step, retire_first);
                    self.classes.push(Class { count: 0, example: position, effects });
                    self.classes_of[step.stage].push(self.classes.len() - 1);
                    self.classes.len() - 1
                }),
            };
            last = Some((key, class));
            self.classes[class].count += 1;
            match self.runs.last_mut() {
                Some((wave, same, count)) if *wave == step.one.wave && *same == class => *count += 1,
                _ => self.runs.push((step.one.wave, class, 1)),
            }
        }
    }

    /// The end is within all limits, unless they cannot be reached.
    pub(super) fn ends_well(&self) -> Result<(), Violation> {
        let mut end = self.settled.clone();
        for class in &self.classes {
            for effect in &class.effects {
                end[effect.limit].present += class.count * effect.present;
                end[effect.limit].available += class.count * effect.available;
            }
        }
        for ((limit, end), start) in self.limits.iter().zip(&end).zip(&self.settled) {
            let Limit { name, .. } = limit;
            let outside = |message| Err(Violation::new(Code::EndsOutsideLimit, message));
            if let Some(floor) =
                limit.floor.filter(|floor| end.available < signed(*floor) && end.available < start.available)
            {
                return outside(format!(
                    "{} are available in the end, below the floor {floor} of {name}",
                    end.available
                ));
            }
            if let Some(ceiling) =
                limit.ceiling.filter(|ceiling| end.present > signed(*ceiling) && end.present > start.present)
            {
                return outside(format!(
                    "{} are present in the end, above the ceiling {ceiling} of {name}",
                    end.present
                ));
            }
            if let Some(floor) = limit.floor.filter(|floor| *floor > limit.desired) {
                return outside(format!(
                    "the floor {floor} of {name} is above the desired {}",
                    limit.desired
                ));
            }
        }
        Ok(())
    }

    /// What a replacement is called in messages.
    fn describe(&self, position: usize) -> String {
        let step = &self.steps[position];
        let at = |zone: &str| if zone.is_empty() { String::new() } else { format!(" in `{zone}`") };
        let launch = step.one.launch.as_ref().map(|launch| format!("launching one{}", at(&launch.zone)));
        let retire = step.one.retire.as_ref().map(|retire| format!("retiring `{}`", retire.id));
        match (launch, retire) {
            (Some(launch), Some(retire)) if step.one.order == Order::RetireFirst => {
                format!("{retire}, then {launch}")
            }
            (Some(launch), Some(retire)) => format!("{launch}, then {retire}"),
            (launch, retire) => launch.or(retire).unwrap_or_default(),
        }
    }

    pub(super) fn has_windows(&self) -> bool {
        self.windows
    }

    pub(super) fn has_terminating(&self) -> bool {
        self.terminating
    }

    pub(super) fn has_unready(&self) -> bool {
        self.unready
    }

    pub(super) fn has_down(&self) -> bool {
        self.down
    }
}

/// Both lists are sorted: they are merged.
fn effects(
    limits: &[Limit],
    launch: &[usize],
    retire: &[usize],
    step: &Step,
    retire_first: bool,
) -> Vec<Effect> {
    let mut effects = Vec::with_capacity(launch.len().max(retire.len()));
    let (mut launch, mut retire) = (launch.iter().peekable(), retire.iter().peekable());
    // What is isolated is so at once, whatever the limits say.
    let at_once = step.one.retire.as_ref().is_some_and(|retire| retire.disposal == Disposal::Isolate);
    while let Some(limit) = launch.peek().into_iter().chain(retire.peek()).min().map(|limit| **limit) {
        let launched = launch.next_if(|one| **one == limit).is_some();
        let retired = retire.next_if(|one| **one == limit).is_some();
        let working = retired && !step.is_down();
        let reasons = &limits[limit].reasons;
        effects.push(Effect {
            limit,
            governed: !at_once && (reasons.is_empty() || reasons.contains(&step.one.reason)),
            rises: launched && !(retired && retire_first),
            falls: working && (retire_first || !launched),
            launches: launched,
            swaps: working && launched && !retire_first,
            leaves: retired && !launched && (retire_first || step.one.launch.is_none()),
            present: i64::from(launched) - i64::from(retired),
            available: i64::from(launched) - i64::from(working),
        });
    }
    effects
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
