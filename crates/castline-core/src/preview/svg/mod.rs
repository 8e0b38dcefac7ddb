mod capacity;
mod frame;
mod lives;
mod stages;
mod zones;

use super::{
    course::Course,
    put,
    summary::Summary,
    words::{counted, cut, duration, escaped, name},
};
use crate::plan::{Plan, simulate::Timeline};
use frame::{Frame, LEFT, MARGIN, WIDTH};

/// The style of a drawing, which an HTML page must allow.
pub(super) const STYLE: &str = include_str!("style.css");

/// Of more instances than these, a zone's are drawn together.
const SINGLE: usize = 200;

/// A plan as an SVG document that stands for itself: when each instance is launched, available and retired, by service
/// and zone; stages and gates behind them; below, the capacity between floor and ceiling. Light or dark, as the reader
/// prefers. At most 500 KiB; fleets of more than 200 instances are drawn zone by zone.
///
/// Over time, where a simulation is given; wave by wave, without instances that stay, where none is.
pub fn svg(plan: &Plan, timeline: Option<&Timeline>) -> String {
    drawing(plan, &Course::new(plan, timeline), &Summary::new(plan), true)
}

/// The drawing of what was computed before, with a heading or without.
pub(super) fn drawing(plan: &Plan, course: &Course<'_>, summary: &Summary<'_>, headed: bool) -> String {
    let stages = stages::placed(plan, course);
    let mut frame = Frame::new(stages::bands(&stages));
    frame.y = MARGIN;
    if headed {
        heading(plan, course, summary, &mut frame);
    }
    legend(&mut frame);
    stages::strip(&stages, &mut frame);
    let top = frame.y - 60;
    if course.lives().len() > SINGLE {
        zones::draw(course, &mut frame);
    } else {
        lives::draw(course, &mut frame);
    }
    frame.axis(course, top);
    let charted = course.charted(plan);
    for limit in charted.iter().take(capacity::MOST) {
        capacity::draw(course, &plan.limits[*limit], *limit, &mut frame);
    }
    let rest = charted.len().saturating_sub(capacity::MOST);
    if rest > 0 {
        frame.text(LEFT, frame.y + 180, "small soft", &format!("and {}", counted(rest as u64, "more limit")));
        frame.y += 300;
    }
    whole(plan, course, summary, &frame)
}

fn whole(plan: &Plan, course: &Course<'_>, summary: &Summary<'_>, frame: &Frame) -> String {
    let drawn = frame.drawn();
    let (width, height) = (WIDTH / 10, (frame.y + MARGIN).div_ceil(10));
    let mut out = String::with_capacity(drawn.len() + STYLE.len() + 2048);
    put!(
        &mut out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"castline\" role=\"img\" \
         aria-labelledby=\"castline-title castline-desc\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<title id=\"castline-title\">{}</title>\n<desc id=\"castline-desc\">{}</desc>\n",
        escaped(&title(summary)),
        escaped(&description(plan, course, summary))
    );
    put!(&mut out, "<style>{STYLE}</style>\n<defs>\n");
    for (id, line, size) in
        [("launching", "hatch-new", 6), ("retiring", "hatch-old", 6), ("breach", "hatch-bad", 5)]
    {
        // Those that lean the other way are of what goes.
        let turn = if id == "retiring" { -45 } else { 45 };
        let ground = if id == "breach" { "" } else { "hatch-paper" };
        put!(
            &mut out,
            "<pattern id=\"castline-{id}\" width=\"{size}\" height=\"{size}\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate({turn})\">"
        );
        if !ground.is_empty() {
            put!(&mut out, "<rect width=\"{size}\" height=\"{size}\" class=\"{ground}\"/>");
        }
        put!(&mut out, "<path d=\"M0 0V{size}\" class=\"{line}\"/></pattern>\n");
    }
    put!(&mut out, "</defs>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{drawn}</svg>\n");
    out
}

/// What is drawn, in one line.
fn title(summary: &Summary<'_>) -> String {
    let names: Vec<_> = summary.services.iter().take(3).map(|(one, _)| cut(&one.service, 40)).collect();
    let more = if summary.services.len() > 3 { " and others" } else { "" };
    format!("{}{more}: {}", names.join(", "), summary.all.text())
}

fn description(plan: &Plan, course: &Course<'_>, summary: &Summary<'_>) -> String {
    let mut text = format!("{}.", summary.line(plan));
    if let Some(outcome) = course.outcome() {
        put!(&mut text, " Simulated: {} after {}.", cut(outcome, 80), duration(course.span));
    }
    for limit in course.charted(plan).into_iter().take(capacity::MOST) {
        put!(&mut text, " {}.", capacity::sentence(course, &plan.limits[limit], limit));
    }
    text
}

fn heading(plan: &Plan, course: &Course<'_>, summary: &Summary<'_>, frame: &mut Frame) {
    frame.text(MARGIN, frame.y + 140, "title", &escaped(&title(summary)));
    let line = match course.outcome() {
        Some(outcome) => {
            format!("{}; simulated: {} after {}", summary.line(plan), name(outcome), duration(course.span))
        }
        None => format!("{}; drawn wave by wave, without instances that stay", summary.line(plan)),
    };
    frame.text(MARGIN, frame.y + 320, "small soft", &line);
    frame.y += 440;
}

fn legend(frame: &mut Frame) {
    let mut x = MARGIN;
    for (class, text) in [
        ("old", "old"),
        ("retiring", "retiring"),
        ("launching", "launching"),
        ("new", "new"),
        ("gate-mark", "gate"),
    ] {
        frame.rect((x, frame.y), (160, 100), class, None);
        frame.text(x + 220, frame.y + 90, "small soft", text);
        x += 400 + 55 * u32::try_from(text.len()).unwrap_or(0);
    }
    frame.y += 260;
}
