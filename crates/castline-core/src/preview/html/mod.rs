mod parts;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use super::{
    course::Course,
    put,
    summary::Summary,
    svg::{STYLE as DRAWING, drawing},
    words::{counted, duration, len, name, number},
};
use crate::{
    Document,
    plan::{Plan, simulate::Timeline},
};

const STYLE: &str = include_str!("style.css");

/// A plan as one HTML file to be read before it is approved of: what it comes to, its digest and those of what it was
/// made of, the drawing of [`svg`](super::svg), limits, stages and the first of their replacements with reasons.
///
/// The file needs no network and has no script; its content security policy allows nothing but its two style sheets.
/// All names are escaped. At most 1 MiB.
pub fn html(plan: &Plan, timeline: Option<&Timeline>) -> String {
    let course = Course::new(plan, timeline);
    let summary = Summary::new(plan);
    let digest = plan.digest();
    let mut out = String::with_capacity(64 * 1024);
    let styles =
        [STYLE, DRAWING].map(|style| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(style))));
    put!(
        &mut out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Plan {} {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        styles.join(" "),
        digest.short(),
        parts::services(&summary)
    );
    put!(&mut out, "<header>\n<h1>Plan for {}</h1>\n", parts::services(&summary));
    put!(&mut out, "<p class=\"soft\">{}.", summary.line(plan));
    if let Some(outcome) = course.outcome() {
        put!(&mut out, " Simulated: {} after {}.", name(outcome), duration(course.span));
    }
    out.push_str("</p>\n");
    put!(
        &mut out,
        "<div class=\"approve\">Whoever approves of this digest approves of exactly this plan:\
         <code>{digest}</code></div>\n</header>\n"
    );
    figures(plan, &course, &summary, &mut out);
    if !course.lives().is_empty() || !course.charted(plan).is_empty() {
        let drawing = drawing(plan, &course, &summary, false);
        put!(
            &mut out,
            "<section>\n<h2>Timeline</h2>\n<figure tabindex=\"0\" aria-label=\"Timeline\">\n{drawing}</figure>\n\
             </section>\n"
        );
    }
    parts::limits(plan, &course, &mut out);
    parts::stages(plan, &mut out);
    parts::origin(plan, &summary, &mut out);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn figures(plan: &Plan, course: &Course<'_>, summary: &Summary<'_>, out: &mut String) {
    let all = &summary.all;
    out.push_str("<dl class=\"figures\">\n");
    let mut figure = |what: &str, value: &str| put!(out, "<div><dt>{what}</dt><dd>{value}</dd></div>\n");
    figure("replaced", &number(all.replaced));
    for (what, count) in [("launched", all.launched), ("retired", all.retired)] {
        if count > 0 {
            figure(what, &number(count));
        }
    }
    figure("kept", &number(summary.kept));
    figure(if summary.waves == 1 { "wave" } else { "waves" }, &number(summary.waves.into()));
    let gates = plan.stages.iter().filter(|stage| !stage.gate.is_open()).count();
    if gates > 0 {
        figure(if gates == 1 { "gate" } else { "gates" }, &number(gates as u64));
    }
    if course.outcome().is_some() {
        figure("simulated time", &duration(course.span));
    }
    out.push_str("</dl>\n");
}

/// What was left out of a list.
fn rest(count: u64, shown: usize, what: &str, out: &mut String) {
    let rest = count.saturating_sub(shown as u64);
    if rest > 0 {
        put!(out, "<p class=\"soft\">… {}</p>\n", counted(rest, &format!("more {what}")));
    }
}

/// How many there are of a list.
fn all<T>(items: &[T]) -> u64 {
    len(items)
}
