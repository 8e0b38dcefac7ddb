//! One bar for each instance.

use std::collections::BTreeMap;

use super::frame::{Frame, LEFT, MARGIN, Px, SPAN};
use crate::{
    plan::simulate::Life,
    preview::{
        course::Course,
        put,
        scale::{By, WAVE},
        words::{cut, duration, escaped, name},
    },
};

/// Draws instances by service and zone, in the order in which they came.
pub(super) fn draw(course: &Course<'_>, frame: &mut Frame) {
    let mut groups: BTreeMap<(&str, &str), Vec<&Life>> = BTreeMap::new();
    for life in course.lives() {
        groups.entry((&life.service, &life.zone)).or_default().push(life);
    }
    let services = groups.keys().next().map(|(service, _)| *service);
    let several = groups.keys().any(|(service, _)| Some(*service) != services);
    let (pitch, class) = if course.lives().len() > 60 { (120, "tiny") } else { (180, "small") };
    for ((service, zone), lives) in groups {
        let label = group(several, service, zone);
        frame.text(MARGIN, frame.y + 130, "small strong", &escaped(&cut(&label, 28)));
        frame.y += 180;
        for life in lives {
            let label = escaped(&cut(&life.instance, 24)).into_owned();
            frame.text(LEFT - 100, frame.y + pitch / 2 + 20, &format!("{class} soft end"), &label);
            bar(course, life, pitch - 40, frame);
            frame.y += pitch;
        }
        frame.y += 80;
    }
}

/// What a group of instances is called.
pub(super) fn group(several: bool, service: &str, zone: &str) -> String {
    match (several, zone.is_empty()) {
        (true, true) => service.into(),
        (true, false) => format!("{service}, zone {zone}"),
        (false, true) => "instances".into(),
        (false, false) => format!("zone {zone}"),
    }
}

/// The parts of a life, one after the other, whatever the order of its times.
fn bar(course: &Course<'_>, life: &Life, height: u32, frame: &mut Frame) {
    let span = course.span;
    let begin = life.launched_millis.unwrap_or(0).min(span);
    let end = life.gone_millis.unwrap_or(span).clamp(begin, span);
    let retired = life.retired_millis.map_or(end, |at| at.clamp(begin, end));
    let available = match (life.available_millis, life.launched_millis) {
        (Some(at), _) => at.clamp(begin, retired),
        (None, Some(_)) => retired,
        (None, None) => begin,
    };
    let kind = if life.new { "new" } else { "old" };
    frame.begin(&title(course, life));
    for (class, from, to) in
        [("launching", begin, available), (kind, available, retired), ("retiring", retired, end)]
    {
        if from < to {
            let (x, right) = (LEFT + course.place(from, SPAN), LEFT + course.place(to, SPAN));
            frame.rect((x, frame.y), (right - x, height), class, None);
        }
    }
    if never_available(life) {
        let x = (LEFT + course.place(end, SPAN)).clamp(LEFT + 50, LEFT + SPAN - 50);
        let (left, right) = (Px(x - 40), Px(x + 40));
        let (y, bottom) = (Px(frame.y + 10), Px(frame.y + height - 10));
        frame.path(&format!("M{left} {y}L{right} {bottom}M{left} {bottom}L{right} {y}"), "failed", None);
    }
    frame.end();
}

fn title(course: &Course<'_>, life: &Life) -> String {
    let mut title = format!("{} ({})", name(&life.instance), if life.new { "new" } else { "old" });
    if let Some(reason) = life.reason {
        put!(&mut title, ": {}", reason.text());
    }
    for (what, at) in [
        ("launched", life.launched_millis),
        ("available", life.available_millis),
        ("retired", life.retired_millis),
        ("gone", life.gone_millis),
    ] {
        match at {
            Some(at) if course.by == By::Time => put!(&mut title, "; {what} at {}", duration(at)),
            Some(at) => put!(&mut title, "; {what} in wave {}", at.div_ceil(WAVE).max(1)),
            None => {}
        }
    }
    if never_available(life) {
        title.push_str("; it never became available");
    }
    title
}

/// Whether it was launched, and gone before it was available.
fn never_available(life: &Life) -> bool {
    life.launched_millis.is_some() && life.available_millis.is_none() && life.gone_millis.is_some()
}
