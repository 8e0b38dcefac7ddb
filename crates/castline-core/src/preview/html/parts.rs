//! The tables of a page.

use super::{all, rest};
use crate::{
    plan::{Limit, Plan, Replacement, Stage},
    preview::{
        course::{Column, Course},
        put,
        summary::{Summary, Tally, pace},
        words::{cut, escaped, gate, name, number, order, range, what},
    },
};

/// The most limits, services and stages.
const ROWS: usize = 50;
/// The most stages that one is said to wait for.
const AFTER: usize = 8;
/// The most replacements of a stage.
const REPLACEMENTS: usize = 50;
/// The most replacements in all.
const IN_ALL: usize = 500;
/// Of more replacements than these, tables are closed at first.
const OPEN: usize = 30;

/// The names of the services, as a title.
pub(super) fn services(summary: &Summary<'_>) -> String {
    let names: Vec<_> = summary
        .services
        .iter()
        .take(5)
        .map(|(one, _)| escaped(&cut(&one.service, 60)).into_owned())
        .collect();
    let rest = summary.services.len().saturating_sub(names.len());
    match rest {
        0 if names.is_empty() => "no service".into(),
        0 => names.join(", "),
        _ => format!("{} and {rest} more", names.join(", ")),
    }
}

pub(super) fn limits(plan: &Plan, course: &Course<'_>, out: &mut String) {
    if plan.limits.is_empty() {
        return;
    }
    let pace = pace(plan);
    let simulated = plan.limits.iter().enumerate().take(ROWS).any(|(at, _)| course.extremes(at).is_some());
    out.push_str(
        "<section>\n<h2>Limits</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>limit</th>\
         <th class=\"n\">floor</th><th class=\"n\">desired</th><th class=\"n\">ceiling</th>",
    );
    if simulated {
        out.push_str("<th class=\"n\">fewest available</th><th class=\"n\">most present</th>");
    }
    out.push_str("<th>notes</th></tr></thead>\n<tbody>\n");
    for (at, limit) in plan.limits.iter().enumerate().take(ROWS) {
        let words = pace.iter().find(|(paced, _)| *paced == at).map(|(_, words)| &**words);
        let extremes = course.extremes(at);
        one_limit(limit, simulated, extremes, words, out);
    }
    out.push_str("</tbody></table></div>\n");
    rest(all(&plan.limits), ROWS, "limit", out);
    out.push_str("</section>\n");
}

fn one_limit(limit: &Limit, simulated: bool, extremes: Option<Column>, pace: Option<&str>, out: &mut String) {
    let stated = |number: Option<u64>| number.map_or_else(|| "–".into(), self::number);
    put!(
        out,
        "<tr><td class=\"k\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
        name(&limit.name),
        stated(limit.floor),
        number(limit.desired),
        stated(limit.ceiling)
    );
    if simulated {
        let short = extremes.zip(limit.floor).is_some_and(|(column, floor)| column.available < floor);
        let over = extremes.zip(limit.ceiling).is_some_and(|(column, ceiling)| column.present > ceiling);
        let cells = [
            (extremes.map(|column| column.available), short, "below the floor"),
            (extremes.map(|column| column.present), over, "above the ceiling"),
        ];
        for (number, broken, how) in cells {
            if broken {
                put!(out, "<td class=\"n bad\">{}, {how}</td>", stated(number));
            } else {
                put!(out, "<td class=\"n\">{}</td>", stated(number));
            }
        }
    }
    // The range is in columns of its own; what else the limit says is not.
    let range = range(limit);
    let more = range.find([',', ';']).filter(|_| limit.in_flight.is_some() || range.contains(';'));
    let plain = Limit { in_flight: None, reasons: Vec::new(), window: None, ..limit.clone() };
    let more =
        more.map(|_| range[self::range(&plain).len()..].trim_start_matches([',', ';', ' ']).to_owned());
    let notes: Vec<_> = more.into_iter().chain(pace.map(str::to_owned)).collect();
    put!(out, "<td>{}</td></tr>\n", escaped(&notes.join("; ")));
}

pub(super) fn stages(plan: &Plan, out: &mut String) {
    if plan.stages.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Stages</h2>\n");
    let mut left = IN_ALL;
    let open = plan.replacements().take(OPEN + 1).count() <= OPEN;
    for (position, stage) in plan.stages.iter().enumerate().take(ROWS) {
        one_stage(plan, position, stage, open, &mut left, out);
    }
    rest(all(&plan.stages), ROWS, "stage", out);
    out.push_str("</section>\n");
}

fn one_stage(plan: &Plan, position: usize, stage: &Stage, open: bool, left: &mut usize, out: &mut String) {
    let tally = Tally::of(&stage.replacements);
    put!(
        out,
        "<section class=\"stage\">\n<h3>{}. {}</h3>\n<p>{}",
        position + 1,
        name(&stage.name),
        tally.text()
    );
    if let Some(waves) = tally.waves() {
        put!(out, " in {waves}");
    }
    out.push_str("</p>\n");
    let after = stage.after.iter().take(AFTER).filter_map(|earlier| plan.stages.get(*earlier as usize));
    for earlier in after {
        let what = if earlier.gate.is_open() { "is done" } else { "is done and its gate has opened" };
        put!(out, "<p class=\"soft\">Waits until <b>{}</b> {what}.</p>\n", name(&earlier.name));
    }
    if let Some(weight) = stage.weight {
        put!(out, "<p class=\"soft\">Then {weight} of 100 of the traffic goes to the new release.</p>\n");
    }
    let gate = gate(&stage.gate);
    if !gate.is_empty() {
        put!(out, "<p class=\"soft\">Gate: {}.</p>\n", escaped(&gate.join(", then ")));
    }
    let shown = stage.replacements.len().min(REPLACEMENTS).min(*left);
    *left -= shown;
    if shown > 0 {
        table(&stage.replacements, shown, open, out);
    }
    out.push_str("</section>\n");
}

fn table(replacements: &[Replacement], shown: usize, open: bool, out: &mut String) {
    let total = number(all(replacements));
    let first = if shown < replacements.len() { format!("the first {shown} of {total}") } else { total };
    put!(
        out,
        "<details{}><summary>Replacements: {first}</summary>\n<div class=\"wide\"><table>\n\
         <thead><tr><th class=\"n\">wave</th><th>what</th><th>order</th><th>reason</th></tr></thead>\n<tbody>\n",
        if open { " open" } else { "" }
    );
    for one in &replacements[..shown] {
        put!(
            out,
            "<tr><td class=\"n\">{}</td><td>{}</td><td class=\"k\">{}</td><td>{}</td></tr>\n",
            number(one.wave.into()),
            name(&what(one)).replace(" -&gt; ", " → "),
            order(one),
            one.reason.text()
        );
    }
    out.push_str("</tbody></table></div>\n");
    rest(all(replacements), shown, "replacement", out);
    out.push_str("</details>\n");
}

/// What the plan was made for, and of.
pub(super) fn origin(plan: &Plan, summary: &Summary<'_>, out: &mut String) {
    out.push_str("<section>\n<h2>Made from</h2>\n");
    for (service, tally) in summary.services.iter().take(ROWS) {
        put!(
            out,
            "<section class=\"stage\">\n<h3>{}</h3>\n<p>{} desired: {} kept, {}</p>\n<table>\n<tbody>\n",
            name(&service.service),
            number(service.desired),
            number(service.kept),
            tally.text()
        );
        for (what, digest) in [
            ("fleet", service.fleet.to_string()),
            ("release", service.release.to_string()),
            ("revision", service.revision.to_string()),
            ("policy", service.policy.to_string()),
        ] {
            put!(out, "<tr><th>{what}</th><td><code>{}</code></td></tr>\n", escaped(&digest));
        }
        out.push_str("</tbody></table>\n</section>\n");
    }
    rest(all(&plan.services), ROWS, "service", out);
    out.push_str("</section>\n");
}
