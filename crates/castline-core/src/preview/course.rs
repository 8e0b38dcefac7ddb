//! What is drawn: a simulation, or the plan's waves as one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::scale::{By, WAVE, part};
use crate::plan::{
    Limit, Order, Plan, Reason, Replacement,
    simulate::{Interval, Life, Sample, Timeline},
};

/// A timeline that can be drawn, whatever it says.
#[derive(Debug)]
pub(super) struct Course<'a> {
    timeline: Cow<'a, Timeline>,
    /// What its times count.
    pub(super) by: By,
    /// When it ends; not 0.
    pub(super) span: u64,
}

/// What a limit counts within a part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The most that were present.
    pub(super) present: u64,
    /// The fewest that were available.
    pub(super) available: u64,
}

impl<'a> Course<'a> {
    pub(super) fn new(plan: &Plan, timeline: Option<&'a Timeline>) -> Self {
        let (timeline, by) = match timeline {
            Some(timeline) => (Cow::Borrowed(timeline), By::Time),
            None => (Cow::Owned(in_waves(plan)), By::Waves),
        };
        let ends = timeline.stages.iter().filter_map(|stage| stage.to_millis);
        let span = ends.fold(timeline.makespan_millis, u64::max).max(1);
        Self { timeline, by, span }
    }

    /// How it ended, where it was simulated.
    pub(super) fn outcome(&self) -> Option<&str> {
        (self.by == By::Time).then_some(&*self.timeline.outcome)
    }

    pub(super) fn lives(&self) -> &[Life] {
        &self.timeline.lives
    }

    /// The stages that are both in the plan and in the timeline, and when they were.
    pub(super) fn stages(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let drawn = |(position, stage): (usize, &Interval)| {
            let from = stage.from_millis?.min(self.span);
            Some((position, from, stage.to_millis.unwrap_or(self.span).clamp(from, self.span)))
        };
        self.timeline.stages.iter().enumerate().filter_map(drawn)
    }

    /// What the limit at this position counts, in the order of time and without samples that last for no time.
    fn samples(&self, limit: usize) -> impl Iterator<Item = Sample> {
        let samples = self.timeline.capacity.get(limit).map_or(&[][..], |samples| samples);
        let mut latest = 0;
        let mut ordered = samples
            .iter()
            .copied()
            .filter(move |sample| {
                let fits = sample.at_millis >= latest && sample.at_millis <= self.span;
                latest = if fits { sample.at_millis } else { latest };
                fits
            })
            .peekable();
        std::iter::from_fn(move || {
            loop {
                let sample = ordered.next()?;
                if ordered.peek().is_none_or(|next| next.at_millis > sample.at_millis) {
                    return Some(sample);
                }
            }
        })
    }

    /// The most that were present and the fewest that were available, in all; none where nothing is known.
    pub(super) fn extremes(&self, limit: usize) -> Option<Column> {
        self.samples(limit).map(Column::from).reduce(Column::and)
    }

    /// The same in each of `count` equal parts of the time; none before the first sample.
    pub(super) fn columns(&self, limit: usize, count: u32) -> Vec<Option<Column>> {
        let mut samples = self.samples(limit).peekable();
        let mut now: Option<Column> = None;
        let begin = |column: u32| {
            let place = u128::from(self.span) * u128::from(column) / u128::from(count.max(1));
            u64::try_from(place).unwrap_or(u64::MAX)
        };
        let column = |number: u32| {
            while let Some(sample) = samples.next_if(|sample| sample.at_millis <= begin(number)) {
                now = Some(sample.into());
            }
            let mut whole = now;
            let last = number + 1 == count;
            while let Some(sample) =
                samples.next_if(|sample| last || sample.at_millis < begin(number.saturating_add(1)))
            {
                now = Some(sample.into());
                whole = Some(whole.map_or(sample.into(), |whole| whole.and(sample.into())));
            }
            whole
        };
        (0..count).map(column).collect()
    }

    /// The positions of the limits that have a chart: those of whole services, with a floor or a ceiling where any has.
    pub(super) fn charted(&self, plan: &Plan) -> Vec<usize> {
        let known = plan.limits.iter().enumerate().filter(|(position, limit)| {
            is_of_services(limit) && self.timeline.capacity.get(*position).is_some_and(|all| !all.is_empty())
        });
        let known: Vec<_> = known.collect();
        let bounded = |limit: &Limit| limit.floor.is_some() || limit.ceiling.is_some();
        let any = known.iter().any(|(_, limit)| bounded(limit));
        known.into_iter().filter(|(_, limit)| !any || bounded(limit)).map(|(position, _)| position).collect()
    }

    /// Where a moment stands on an axis of this size.
    pub(super) fn place(&self, at: u64, size: u32) -> u32 {
        part(at, self.span, size)
    }
}

impl Column {
    fn and(self, other: Self) -> Self {
        Self { present: self.present.max(other.present), available: self.available.min(other.available) }
    }
}

impl From<Sample> for Column {
    fn from(sample: Sample) -> Self {
        Self { present: sample.present, available: sample.available }
    }
}

fn is_of_services(limit: &Limit) -> bool {
    limit.of.zone.is_none() && limit.of.label.is_none()
}

/// The plan's waves as a timeline: all replacements of a wave begin together, meet in its middle, and end together.
fn in_waves(plan: &Plan) -> Timeline {
    let mut timeline = Timeline {
        makespan_millis: u64::from(plan.waves()) * WAVE,
        capacity: capacity(plan),
        ..Timeline::default()
    };
    for stage in &plan.stages {
        let waves = || stage.replacements.iter().map(|one| u64::from(one.wave.max(1)));
        timeline.stages.push(Interval {
            from_millis: waves().min().map(|wave| (wave - 1) * WAVE),
            to_millis: waves().max().map(|wave| wave * WAVE),
        });
        for (position, replacement) in stage.replacements.iter().enumerate() {
            lives(&stage.service, &stage.name, position, replacement, &mut timeline.lives);
        }
    }
    timeline
}

/// When the first half of a replacement begins, when its second does, and when that ends.
fn moments(replacement: &Replacement) -> (u64, u64, u64) {
    let end = u64::from(replacement.wave.max(1)) * WAVE;
    (end - WAVE, end - WAVE / 2, end)
}

fn lives(service: &Arc<str>, stage: &str, position: usize, replacement: &Replacement, lives: &mut Vec<Life>) {
    let (begin, middle, end) = moments(replacement);
    let launch_first = replacement.order == Order::LaunchFirst;
    let (mut launch, mut retire) = ((middle, end), (begin, middle));
    if launch_first || replacement.retire.is_none() {
        launch = (begin, middle);
    }
    if launch_first && replacement.launch.is_some() {
        retire = (middle, end);
    }
    if let Some(old) = &replacement.retire {
        lives.push(Life {
            service: service.clone(),
            instance: old.id.clone(),
            zone: old.zone.clone(),
            new: false,
            reason: Some(replacement.reason),
            launched_millis: None,
            available_millis: None,
            retired_millis: Some(retire.0),
            gone_millis: Some(retire.1),
        });
    }
    if let Some(new) = &replacement.launch {
        lives.push(Life {
            service: service.clone(),
            instance: match (&replacement.retire, &new.slot) {
                (_, Some(slot)) => format!("new in slot {slot}").into(),
                (Some(old), None) => format!("new for {}", old.id).into(),
                (None, None) => format!("new {} of {stage}", position + 1).into(),
            },
            zone: new.zone.clone(),
            new: true,
            reason: Some(replacement.reason),
            launched_millis: Some(launch.0),
            available_millis: Some(launch.1),
            retired_millis: None,
            gone_millis: None,
        });
    }
}

/// What limits of whole services count, wave by wave. Others count instances that a plan does not name: those that stay.
fn capacity(plan: &Plan) -> Vec<Vec<Sample>> {
    /// Present and available, more or fewer.
    type Change = (i64, i64);
    let mut of: HashMap<&str, Vec<usize>> = HashMap::new();
    for (position, limit) in plan.limits.iter().enumerate().filter(|(_, limit)| is_of_services(limit)) {
        for service in &limit.of.services {
            of.entry(service).or_default().push(position);
        }
    }
    let mut begins = vec![(0_i64, 0_i64); plan.limits.len()];
    let mut changes: Vec<BTreeMap<u64, Change>> = vec![BTreeMap::new(); plan.limits.len()];
    for service in &plan.services {
        for limit in of.get(&*service.service).into_iter().flatten() {
            let kept = i64::try_from(service.kept).unwrap_or(i64::MAX);
            begins[*limit] = (begins[*limit].0.saturating_add(kept), begins[*limit].1.saturating_add(kept));
        }
    }
    for (stage, replacement) in
        plan.stages.iter().flat_map(|stage| stage.replacements.iter().map(move |one| (stage, one)))
    {
        let up = i64::from(replacement.reason != Reason::Failed);
        let (begin, middle, end) = moments(replacement);
        let (launch, retire) = (replacement.launch.is_some(), replacement.retire.is_some());
        let launch_first = replacement.order == Order::LaunchFirst;
        for limit in of.get(&*stage.service).into_iter().flatten() {
            let mut change = |at: u64, present: i64, available: i64| {
                let change = changes[*limit].entry(at).or_default();
                *change = (change.0 + present, change.1 + available);
            };
            if launch {
                let (from, to) = if launch_first || !retire { (begin, middle) } else { (middle, end) };
                change(from, 1, 0);
                change(to, 0, 1);
            }
            if retire {
                let (from, to) = if launch_first && launch { (middle, end) } else { (begin, middle) };
                change(from, 0, -up);
                change(to, -1, 0);
                begins[*limit] = (begins[*limit].0.saturating_add(1), begins[*limit].1.saturating_add(up));
            }
        }
    }
    let sample = |at_millis, (present, available): Change| Sample {
        at_millis,
        present: u64::try_from(present).unwrap_or(0),
        available: u64::try_from(available).unwrap_or(0),
    };
    let run = |(position, limit): (usize, &Limit)| {
        if !is_of_services(limit) {
            return Vec::new();
        }
        let mut now = begins[position];
        let mut samples = vec![sample(0, now)];
        for (at, change) in &changes[position] {
            now = (now.0.saturating_add(change.0), now.1.saturating_add(change.1));
            samples.push(sample(*at, now));
        }
        samples
    };
    plan.limits.iter().enumerate().map(run).collect()
}
