use std::fmt::Write as _;

use castline::plan::{
    Plan,
    check::{Exploration, Extent, Proof, Violation, check, explore},
};
use serde::Serialize;

use crate::{Failure, Verdict, arguments::Check, documents, output};

/// What `castline check --json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    safe: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exploration: Option<Exploration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<Violation>,
}

/// `castline check`: the proof that a plan is safe, or the steps that break it.
pub(crate) fn run(arguments: &Check) -> Result<Verdict, Failure> {
    let targets = documents::targets(&arguments.targets)?;
    let plan: Plan = documents::read(&arguments.plan)?;
    let mut outcome = Verification { safe: false, proof: None, exploration: None, violation: None };
    match check(&plan, &targets) {
        Ok(proof) => outcome.proof = Some(proof),
        Err(violation) => outcome.violation = Some(violation),
    }
    if arguments.exhaustive && outcome.proof.is_some() {
        match explore(&plan, &targets, &[], Extent::default()) {
            Ok(exploration) => outcome.exploration = Some(exploration),
            Err(violation) => outcome.violation = Some(violation),
        }
    }
    outcome.safe = outcome.violation.is_none();
    if arguments.json {
        output::print_json(&outcome)?;
    } else {
        output::print(&text(&plan, &outcome))?;
    }
    Ok(if outcome.safe { Verdict::Clean } else { Verdict::Findings })
}

fn text(plan: &Plan, outcome: &Verification) -> String {
    let mut text = String::new();
    if let Some(violation) = &outcome.violation {
        let stage = violation.stage.and_then(|stage| plan.stages.get(stage as usize));
        let place = stage.map_or(String::new(), |stage| format!(" in the stage `{}`", stage.name));
        let _ = writeln!(text, "NOT SAFE{}:", castline::shown_whole(&place));
        for line in violation.to_string().lines() {
            let _ = writeln!(text, "{}", castline::shown_whole(line));
        }
        return text;
    }
    if let Some(proof) = &outcome.proof {
        let replacements = output::counted(proof.replacements, "replacement");
        let _ = writeln!(text, "safe: {replacements} in {}", output::counted(proof.waves.into(), "wave"));
        for held in &proof.limits {
            let name = castline::shown_whole(&held.limit);
            let (least, most) = (held.least_available, held.most_present);
            let _ =
                writeln!(text, "  {name}: never fewer than {least} available, never more than {most} there");
        }
        for assumption in &proof.assumptions {
            let _ = writeln!(text, "  taken for granted: {}", assumption.text());
        }
    }
    if let Some(exploration) = &outcome.exploration {
        let states = output::counted(exploration.states, "state");
        let _ = if exploration.exhaustive {
            let faults = output::counted(exploration.faults.into(), "fault");
            writeln!(text, "executed in every order with {faults} anywhere: {states}, none of them unsafe")
        } else {
            writeln!(text, "executed as far as {states} go, none of them unsafe; there are more")
        };
    }
    text
}
