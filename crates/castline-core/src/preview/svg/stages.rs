//! Stages above the instances, and stages and gates as bands behind them.

use std::collections::HashMap;

use super::frame::{Band, Frame, LEFT, MARGIN, SPAN};
use crate::{
    plan::Plan,
    preview::{
        course::Course,
        scale::WAVE,
        words::{cut, duration, escaped, gate, name},
    },
};

/// The most stages that are drawn.
const MOST: usize = 60;
/// The most rows of stages that go on at the same time.
const ROWS: usize = 4;
/// How high a row is.
const ROW: u32 = 220;

/// A stage with its place on the axis.
pub(super) struct Placed<'a> {
    name: &'a str,
    /// What it is, escaped.
    title: String,
    from: u32,
    /// From where on its gate is closed.
    closed: Option<(u32, String)>,
    to: u32,
}

/// The stages that are in the plan and have begun.
pub(super) fn placed<'a>(plan: &'a Plan, course: &Course<'_>) -> Vec<Placed<'a>> {
    let mut done: HashMap<&str, Vec<u64>> = HashMap::new();
    for life in course.lives() {
        let moments = [life.available_millis, life.gone_millis];
        done.entry(&*life.service).or_default().extend(moments.into_iter().flatten());
    }
    for moments in done.values_mut() {
        moments.sort_unstable();
    }
    let begun = course.stages().filter_map(|(at, from, to)| Some((plan.stages.get(at)?, from, to)));
    let place = |(stage, begin, end): (&'a crate::plan::Stage, u64, u64)| {
        let (from, to) = place(course, begin, end);
        let holds = gate(&stage.gate);
        let closed = (!holds.is_empty()).then(|| {
            // The gate closes when the last replacement of the stage is done.
            let moments = done.get(&*stage.service).map_or(&[][..], |moments| moments);
            let before = moments[..moments.partition_point(|at| *at <= end)].last();
            let at = before.copied().filter(|at| *at >= begin).unwrap_or(end);
            // One that is open at once can be seen all the same.
            let x = (LEFT + course.place(at, SPAN)).clamp(from, to.saturating_sub(20).max(from));
            let holds = escaped(&holds.join(", then ")).into_owned();
            (x, format!("gate of {}: {holds}; {}", name(&stage.name), when(course, at, end)))
        });
        let title = format!("{}: {}", name(&stage.name), when(course, begin, end));
        Placed { name: &stage.name, title, from, closed, to }
    };
    begun.take(MOST).map(place).collect()
}

/// Gates, and where stages end, as bands.
pub(super) fn bands(stages: &[Placed<'_>]) -> Vec<Band> {
    let mut bands = Vec::new();
    for stage in stages {
        if let Some((from, title)) = &stage.closed {
            bands.push(Band { from: *from, to: stage.to, class: "gate", title: title.clone() });
        }
        if stage.to < LEFT + SPAN {
            let title = format!("the end of {}", name(stage.name));
            bands.push(Band { from: stage.to, to: stage.to + 10, class: "edge", title });
        }
    }
    bands
}

/// The names of the stages, over the time that each takes.
pub(super) fn strip(stages: &[Placed<'_>], frame: &mut Frame) {
    let mut ends = [0_u32; ROWS];
    let mut rows = 0;
    for stage in stages {
        let Some(row) = ends.iter().position(|end| *end <= stage.from) else { continue };
        ends[row] = stage.to;
        rows = rows.max(row + 1);
        let y = frame.y + ROW * u32::try_from(row).unwrap_or(0);
        let gate = stage.closed.as_ref().map_or(stage.to, |(from, _)| *from);
        frame.rect((stage.from, y), (stage.to - stage.from, ROW - 30), "stage", Some(&stage.title));
        if let Some((from, _)) = &stage.closed {
            frame.rect((*from, y + 10), (stage.to - from, ROW - 50), "gate-part", None);
        }
        // A letter is about 6.2 pixels wide. A name may stand on its gate where it does not fit beside it.
        let letters = |from: u32, to: u32| (to - from).saturating_sub(80) / 62;
        let length = u32::try_from(stage.name.chars().count()).unwrap_or(u32::MAX);
        let beside = length <= letters(stage.from, gate);
        let fits = letters(stage.from, stage.to);
        if fits >= 4 {
            let label = cut(stage.name, fits as usize);
            frame.text(stage.from + 50, y + 135, "small", &escaped(&label));
        }
        if beside && stage.closed.is_some() && letters(gate, stage.to) >= 4 {
            frame.text(gate + 50, y + 135, "small", "gate");
        }
    }
    if rows > 0 {
        frame.text(MARGIN, frame.y + 135, "small soft", "stages");
        frame.y += ROW * u32::try_from(rows).unwrap_or(0) + 60;
    }
}

fn place(course: &Course<'_>, from: u64, to: u64) -> (u32, u32) {
    let (x, end) = (LEFT + course.place(from, SPAN), LEFT + course.place(to, SPAN));
    // What takes no time can be seen all the same.
    if end - x < 20 { (x.min(LEFT + SPAN - 20), (x + 20).min(LEFT + SPAN)) } else { (x, end) }
}

/// From when to when.
fn when(course: &Course<'_>, from: u64, to: u64) -> String {
    match course.outcome() {
        Some(_) => format!("{} to {}", duration(from), duration(to)),
        None if from == to => format!("after wave {}", to / WAVE),
        None => format!("waves {} to {}", from / WAVE + 1, to / WAVE),
    }
}
