//! What is seen of instances while they are looked into: a line or two of each as soon as it is known, above a bar on a terminal; or JSON.

use std::{fmt::Write as _, sync::Arc};

use castline::{
    Integrity,
    drift::{DriftReport, Severity},
    engine::Told,
    shown_whole,
};

use super::view::View;
use crate::{drift, output, progress::Counter};

/// How many findings of an instance are told, at most.
const NAMED: usize = 5;

/// What is seen of instances while they are looked into.
pub(super) struct Looking {
    json: Option<View>,
    counter: Option<Counter>,
}

impl Looking {
    /// Lines of JSON on standard output; else text there, and on a terminal how far it is.
    pub(super) fn new(json: bool) -> Self {
        Self { json: json.then(|| View::new(true)), counter: None }
    }

    /// Shows what is told. Who reads it may have gone: that is no reason to stop.
    pub(super) fn show(&mut self, told: &Told) {
        if let Some(view) = &mut self.json {
            view.show(told);
            return;
        }
        match told {
            Told::Verifying { service, instances } => {
                let doing = format!("comparing instances of {} with their images", shown_whole(service));
                self.counter = Some(Counter::new(doing, *instances));
            }
            Told::Checked { instance, zone, integrity, reason, report, .. } => {
                let text = of(&place(instance, zone), *integrity, reason, report.as_deref());
                let print = || output::print(&text);
                let _ = match &self.counter {
                    Some(counter) => counter.count(print),
                    None => print(),
                };
            }
            _ => {}
        }
    }
}

fn place(instance: &Arc<str>, zone: &Arc<str>) -> String {
    if zone.is_empty() {
        shown_whole(instance)
    } else {
        format!("{} (zone {})", shown_whole(instance), shown_whole(zone))
    }
}

/// What was found in an instance.
fn of(place: &str, integrity: Integrity, reason: &str, report: Option<&DriftReport>) -> String {
    let mut text = match integrity {
        Integrity::Intact => {
            let files = report.map_or(0, |report| report.entries);
            return format!("{place}: intact, {} compared\n", output::counted(files, "file"));
        }
        Integrity::Compromised => format!("{place}: NOT WHAT WAS SHIPPED\n"),
        _ => format!("{place}: NOT VERIFIED: {}\n", shown_whole(reason)),
    };
    let Some(report) = report else { return text };
    let worst = [Severity::Critical, Severity::Warning];
    let findings = worst
        .iter()
        .flat_map(|severity| report.findings.iter().filter(move |finding| finding.severity == *severity));
    for finding in findings.clone().take(NAMED) {
        for line in drift::of(finding).lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    let more = findings.count().saturating_sub(NAMED) as u64 + report.more;
    if more > 0 {
        let _ = writeln!(text, "  and {more} more; --json has them");
    }
    text
}
