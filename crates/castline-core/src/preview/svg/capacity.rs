//! Capacity over time, between floor and ceiling.

use super::frame::{Frame, LEFT, MARGIN, Px, SPAN, steps};
use crate::{
    plan::Limit,
    preview::{
        course::{Column, Course},
        put,
        scale::Vertical,
        words::{cut, escaped, name, number, range},
    },
};

/// The most limits that are drawn.
pub(super) const MOST: usize = 6;
/// Into how many parts the time is cut.
const PARTS: u32 = SPAN / 10;
/// How high a chart is.
const HEIGHT: u32 = 1200;

/// What a chart shows, in words.
pub(super) fn sentence(course: &Course<'_>, limit: &Limit, position: usize) -> String {
    let known = course.extremes(position).map(|column| {
        format!(
            ": {} available at least, {} present at most",
            number(column.available),
            number(column.present)
        )
    });
    format!("{}, {}{}", cut(&limit.name, 80), range(limit), known.unwrap_or_default())
}

/// Draws a limit: what is available, what is present, floor and ceiling, and where either is broken.
pub(super) fn draw(course: &Course<'_>, limit: &Limit, position: usize, frame: &mut Frame) {
    let Some(extremes) = course.extremes(position) else { return };
    let most = [Some(extremes.present), Some(extremes.available), limit.floor, limit.ceiling];
    let most = most.into_iter().flatten().max().unwrap_or(0);
    let axis = Vertical::new(extremes.available.min(limit.floor.unwrap_or(u64::MAX)), most);
    frame.text(MARGIN, frame.y + 180, "strong", &escaped(&cut(&limit.name, 60)));
    frame.text(LEFT + SPAN, frame.y + 180, "small soft end", &key(limit));
    let (top, bottom) = (frame.y + 300, frame.y + 300 + HEIGHT);
    let y = |value: u64| bottom - axis.up(value, HEIGHT);
    let x = |part: u32| LEFT + SPAN * part / PARTS;

    let highest = limit.ceiling.map_or(top, y);
    let lowest = limit.floor.map_or(bottom, y);
    frame.rect((LEFT, highest.min(lowest)), (SPAN, lowest.abs_diff(highest)), "allowed", None);
    let columns = course.columns(position, PARTS);
    let known: Vec<(u32, Column)> =
        columns.iter().zip(0..).filter_map(|(column, part)| column.map(|column| (part, column))).collect();
    if let Some((first, _)) = known.first() {
        let title = escaped(&sentence(course, limit, position)).into_owned();
        let line = |of: &dyn Fn(Column) -> u64| {
            steps(known.iter().map(|(part, column)| (x(*part), y(of(*column)))), LEFT + SPAN)
        };
        let (available, present) = (line(&|column| column.available), line(&|column| column.present));
        let close = format!("V{}H{}Z", Px(bottom), Px(x(*first)));
        frame.path(&format!("{available}{close}"), "area", Some(&title));
        breaches(limit, &known, (top, bottom), frame);
        frame.path(&present, "present", None);
        frame.path(&available, "available", None);
    }
    let ceiling =
        limit.ceiling.map(|ceiling| (y(ceiling), "limit ceiling", format!("ceiling {}", number(ceiling))));
    let floor = limit.floor.map(|floor| (y(floor), "limit floor", format!("floor {}", number(floor))));
    let mut lowest = top;
    for (y, class, label) in ceiling.into_iter().chain(floor) {
        frame.line((LEFT, y), (LEFT + SPAN, y), class);
        // Two labels never stand on each other.
        let at = (y + 40).max(lowest);
        frame.text(LEFT - 100, at, "small end", &label);
        lowest = at + 130;
    }
    if lowest < bottom {
        frame.text(LEFT - 100, bottom + 40, "small soft end", &number(axis.low));
    }
    frame.y = bottom;
    frame.axis(course, top);
}

fn key(limit: &Limit) -> String {
    format!("{}  ·  filled: available, line: present, dashed: floor and ceiling", name(&range(limit)))
}

/// Marks the times at which a limit is broken, from where to where.
fn breaches(limit: &Limit, known: &[(u32, Column)], (top, bottom): (u32, u32), frame: &mut Frame) {
    let broken = |column: Column| {
        limit.floor.is_some_and(|floor| column.available < floor)
            || limit.ceiling.is_some_and(|ceiling| column.present > ceiling)
    };
    let mut path = String::new();
    let mut from = None;
    for (part, column) in known.iter().copied().chain([(PARTS, Column { present: 0, available: u64::MAX })]) {
        match (from, broken(column)) {
            (None, true) => from = Some(part),
            (Some(begin), false) => {
                let (x, end) = (Px(LEFT + SPAN * begin / PARTS), Px(LEFT + SPAN * part / PARTS));
                put!(&mut path, "M{x} {}H{end}V{}H{x}Z", Px(top), Px(bottom));
                from = None;
            }
            _ => {}
        }
    }
    if !path.is_empty() {
        frame.path(&path, "breach", Some("outside of what is allowed"));
    }
}
