mod chart;

use super::{
    course::Course,
    put,
    summary::{Summary, Tally, pace},
    words::{counted, duration, gate, len, number, order, range, tally, what},
};
use crate::{
    Document,
    plan::{Plan, Replacement, Stage, simulate::Timeline},
    shown_whole,
};

/// The most rows of one table: a plan of a million instances is a page or two.
const ROWS: usize = 20;
/// The most stages.
const STAGES: usize = 40;
/// The widest that a column of names is padded to.
const WIDEST: usize = 48;

/// A plan as plain text, for a terminal `width` characters wide (40 to 200): what is done to each service, the limits,
/// the stages with the first of their replacements and why, and what waits for what; then the capacity over time, as
/// simulated, or wave by wave.
///
/// The lines of tables may be longer than `width` where names are; charts never are.
pub fn text(plan: &Plan, timeline: Option<&Timeline>, width: usize) -> String {
    let width = width.clamp(40, 200);
    let mut out = String::new();
    let summary = Summary::new(plan);
    put!(&mut out, "plan {}\n{}\n", plan.digest(), summary.line(plan));
    if let Some(timeline) = timeline {
        let outcome = shown_whole(&timeline.outcome);
        put!(&mut out, "simulated: {} after {}\n", outcome, duration(timeline.makespan_millis));
    }
    services(&summary, &mut out);
    limits(plan, &mut out);
    for (position, stage) in plan.stages.iter().enumerate().take(STAGES) {
        one_stage(plan, position, stage, &mut out);
    }
    rest(len(&plan.stages), STAGES, "stage", "\n", &mut out);
    let course = Course::new(plan, timeline);
    let charted = course.charted(plan);
    for limit in charted.iter().take(ROWS) {
        chart::draw(&course, &plan.limits[*limit], *limit, width, &mut out);
    }
    rest(len(&charted), ROWS, "chart", "\n", &mut out);
    out
}

fn rest(count: u64, shown: usize, what: &str, indent: &str, out: &mut String) {
    let rest = count.saturating_sub(shown as u64);
    if rest > 0 {
        put!(out, "{indent}... {}\n", counted(rest, &format!("more {what}")));
    }
}

fn services(summary: &Summary<'_>, out: &mut String) {
    for (service, tally) in summary.services.iter().take(ROWS) {
        let revision = &service.revision;
        put!(
            out,
            "\n{} to revision {}@{}, release {}\n",
            shown_whole(&service.service),
            revision.version(),
            revision.digest().short(),
            service.release.short()
        );
        put!(out, "  {} desired: {} kept, {}", number(service.desired), number(service.kept), tally.text());
        if let Some(waves) = tally.waves() {
            put!(out, "; {waves}");
        }
        out.push('\n');
        for (reason, count) in self::tally(&tally.reasons) {
            put!(out, "    {} because {reason}\n", number(count));
        }
    }
    rest(len(&summary.services), ROWS, "service", "\n", out);
}

fn limits(plan: &Plan, out: &mut String) {
    if plan.limits.is_empty() {
        return;
    }
    let pace = pace(plan);
    put!(out, "\nlimits\n");
    for (position, limit) in plan.limits.iter().enumerate().take(ROWS) {
        put!(out, "  {}: {}", shown_whole(&limit.name), range(limit));
        if let Some((_, words)) = pace.iter().find(|(paced, _)| *paced == position) {
            put!(out, "; {words}");
        }
        out.push('\n');
    }
    rest(len(&plan.limits), ROWS, "limit", "  ", out);
}

fn one_stage(plan: &Plan, position: usize, stage: &Stage, out: &mut String) {
    let tally = Tally::of(&stage.replacements);
    put!(out, "\nstage {} of {}: ", position + 1, plan.stages.len());
    put!(out, "{} ({})\n", shown_whole(&stage.name), tally.text());
    for earlier in stage.after.iter().take(ROWS) {
        match plan.stages.get(*earlier as usize) {
            Some(earlier) if earlier.gate.is_open() => {
                put!(out, "  waits for `{}` to be done\n", shown_whole(&earlier.name));
            }
            Some(earlier) => put!(out, "  waits for the gate of `{}`\n", shown_whole(&earlier.name)),
            None => {}
        }
    }
    table(&stage.replacements, out);
    if let Some(weight) = stage.weight {
        put!(out, "  then {weight} of 100 of the traffic goes to the new release\n");
    }
    let gate = gate(&stage.gate);
    if !gate.is_empty() {
        put!(out, "  gate: {}\n", gate.join(", then "));
    }
}

fn table(replacements: &[Replacement], out: &mut String) {
    let rows: Vec<[String; 3]> = replacements
        .iter()
        .take(ROWS)
        .map(|one| [number(one.wave.into()), what(one), order(one).into()])
        .collect();
    if rows.is_empty() {
        return;
    }
    let widest = |column: usize, title: &str| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([title.len()]).max().unwrap_or(0).min(WIDEST)
    };
    let (wave, what, order) = (widest(0, "wave"), widest(1, "what"), widest(2, ""));
    let mut line = |cells: [&str; 3], reason: &str| {
        let [one, two, three] = cells;
        let line = format!("  {one:>wave$}  {two:<what$}  {three:<order$}  ");
        let line = if order == 0 { format!("  {one:>wave$}  {two:<what$}  ") } else { line };
        put!(out, "{line}{reason}\n");
    };
    line(["wave", "what", if order == 0 { "" } else { "order" }], "reason");
    for (row, replacement) in rows.iter().zip(replacements) {
        line([&row[0], &row[1], &row[2]], replacement.reason.text());
    }
    let rest = replacements.len().saturating_sub(ROWS) as u64;
    if rest > 0 {
        put!(out, "  {:>wave$}  ... {} more\n", "", number(rest));
    }
}
