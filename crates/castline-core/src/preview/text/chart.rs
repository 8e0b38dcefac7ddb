//! Capacity over time, drawn with letters.

use crate::{
    plan::Limit,
    preview::{
        course::{Column, Course},
        put,
        scale::{Vertical, round, ticks},
        words::number,
    },
    shown_whole,
};

/// How many rows there are where each number has not its own.
const ROWS: u64 = 10;

/// Draws a limit: `#` up to what is available, `+` up to what is present, `=` the floor, `-` the ceiling, `!` what is
/// outside of them.
pub(super) fn draw(course: &Course<'_>, limit: &Limit, position: usize, width: usize, out: &mut String) {
    let Some(extremes) = course.extremes(position) else { return };
    let numbers = [Some(extremes.present), Some(extremes.available), limit.floor, limit.ceiling];
    let most = numbers.into_iter().flatten().max().unwrap_or(0);
    let least = extremes.available.min(limit.floor.unwrap_or(u64::MAX));
    let axis = Rows::new(least, most);
    let labels: Vec<(u64, String)> = axis.rows().map(|row| (row, label(limit, &axis, row))).collect();
    let gutter = labels.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
    let columns =
        course.columns(position, u32::try_from(width.saturating_sub(gutter + 2)).unwrap_or(0).max(1));

    put!(out, "\n{}: available #, present +", shown_whole(&limit.name));
    if limit.floor.is_some() {
        out.push_str(", floor =");
    }
    if limit.ceiling.is_some() {
        out.push_str(", ceiling -");
    }
    let broken = columns.iter().flatten().any(|column| outside(limit, *column) != (false, false));
    out.push_str(if broken { ", outside of them !\n" } else { "\n" });
    for (row, label) in &labels {
        let cells = columns.iter().map(|column| column.map_or(' ', |column| axis.cell(limit, *row, column)));
        let line = format!("{label:>gutter$} |{}", cells.collect::<String>());
        put!(out, "{}\n", line.trim_end());
    }
    let base = if axis.low == 0 { String::from("0") } else { number(axis.low) };
    put!(out, "{base:>gutter$} +{}\n", "-".repeat(columns.len()));
    put!(out, "{}\n", times(course, columns.len(), gutter + 2));
}

/// Whether fewer are available than must be, and whether more are present than may be.
fn outside(limit: &Limit, column: Column) -> (bool, bool) {
    (
        limit.floor.is_some_and(|floor| column.available < floor),
        limit.ceiling.is_some_and(|ceiling| column.present > ceiling),
    )
}

/// The rows of a chart, each for a number: `low` + 1, 2, 3 … times `step`.
struct Rows {
    low: u64,
    step: u64,
    count: u64,
}

impl Rows {
    fn new(least: u64, most: u64) -> Self {
        let low = Vertical::new(least, most).low;
        let step = if most - low <= ROWS + 4 { 1 } else { round((most - low).div_ceil(ROWS)) };
        let low = low / step * step;
        Self { low, step, count: (most - low).div_ceil(step).max(1) }
    }

    fn rows(&self) -> impl Iterator<Item = u64> {
        (1..=self.count).rev()
    }

    /// The row that is nearest to a number; 0 is the axis.
    fn nearest(&self, number: u64) -> u64 {
        let above = number.saturating_sub(self.low);
        (above / self.step + u64::from(above % self.step > self.step / 2)).min(self.count)
    }

    fn cell(&self, limit: &Limit, row: u64, column: Column) -> char {
        let (short, over) = outside(limit, column);
        let floor = limit.floor.is_some_and(|floor| self.nearest(floor) == row);
        let ceiling = limit.ceiling.is_some_and(|ceiling| self.nearest(ceiling) == row);
        if floor && short || ceiling && over {
            '!'
        } else if floor {
            '='
        } else if ceiling {
            '-'
        } else if row <= self.nearest(column.available) {
            '#'
        } else if row <= self.nearest(column.present) {
            '+'
        } else {
            ' '
        }
    }
}

fn label(limit: &Limit, axis: &Rows, row: u64) -> String {
    let at = |number: Option<u64>| number.filter(|number| axis.nearest(*number) == row);
    match (at(limit.floor), at(limit.ceiling)) {
        (Some(floor), _) => format!("floor {}", number(floor)),
        (None, Some(ceiling)) => format!("ceiling {}", number(ceiling)),
        (None, None) => number(axis.low.saturating_add(row.saturating_mul(axis.step))),
    }
}

/// The line below the axis: each label begins below its place.
fn times(course: &Course<'_>, columns: usize, indent: usize) -> String {
    let mut line = " ".repeat(indent);
    let size = u32::try_from(columns.saturating_sub(1)).unwrap_or(u32::MAX);
    for (at, label) in ticks(course.by, course.span, (columns / 14) as u64) {
        let place = indent + course.place(at, size) as usize;
        // The last one may have no room to the right, and is then left out.
        let first = line.trim().is_empty();
        let begun = line.chars().count();
        if (first || place > begun) && place + label.len() <= indent + columns {
            line.extend(std::iter::repeat_n(' ', place - begun));
            line += &label;
        }
    }
    line
}
