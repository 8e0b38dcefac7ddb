//! Strategies as stages.

use std::collections::BTreeMap;

use super::placement::Draft;
use crate::{
    plan::{Constraint, Infeasible, InfeasibleCode, Reason, Target},
    policy::{Compromised, Gate, Step, Strategy},
};

/// A stage before it is known when its replacements are done.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub(super) name: String,
    pub(super) drafts: Vec<Draft<'a>>,
    pub(super) weight: Option<u8>,
    pub(super) gate: Gate,
}

impl<'a> Outline<'a> {
    fn new(name: String, drafts: Vec<Draft<'a>>) -> Self {
        Self { name, drafts, weight: None, gate: Gate::default() }
    }
}

/// The stages of one service, each after the one before it. `converted` is how many instances run the release already.
pub(super) fn outline<'a>(
    target: &Target,
    drafts: Vec<Draft<'a>>,
    converted: u64,
    desired: u64,
    compromised: u64,
) -> Result<Vec<Outline<'a>>, Infeasible> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let service = target.release.service();
    let mut outlines = Vec::new();
    if let Some(gate) = first_gate(target, desired, compromised) {
        outlines.push(Outline { gate, ..Outline::new(format!("{service}: before"), Vec::new()) });
    }
    let at_once = |draft: &Draft| {
        draft.reason == Reason::Compromised
            && draft.launch.is_none()
            && target.policy.compromised == Compromised::Isolate
    };
    let (isolated, drafts): (Vec<_>, Vec<_>) = drafts.into_iter().partition(at_once);
    outlines.push(Outline::new(format!("{service}: isolate"), isolated));
    match &target.policy.strategy {
        Strategy::Rolling => outlines.extend(by_group(service, drafts)),
        Strategy::Canary(steps) => outlines.extend(canary(service, steps, drafts, converted, desired)),
        Strategy::BlueGreen(settings) => {
            let (green, blue) = halves(drafts);
            if let Some(slot) = green.iter().find_map(|draft| draft.launch.as_ref()?.slot.as_ref()) {
                return Err(slotted(service, slot));
            }
            let switch = |gate: &Gate| Outline {
                weight: Some(100),
                gate: gate.clone(),
                ..Outline::new(format!("{service}: switch"), Vec::new())
            };
            let launch = Outline::new(format!("{service}: green"), green);
            outlines.push(Outline { gate: settings.before_switch.clone(), ..launch });
            outlines.push(switch(&settings.before_retire));
            outlines.push(Outline::new(format!("{service}: retire blue"), blue));
        }
        Strategy::Recreate => {
            let (launches, retires) = halves(drafts);
            outlines.push(Outline::new(format!("{service}: retire"), retires));
            outlines.push(Outline::new(format!("{service}: launch"), launches));
        }
    }
    outlines
        .retain(|outline| !outline.drafts.is_empty() || outline.weight.is_some() || !outline.gate.is_open());
    Ok(outlines)
}

/// What must hold before anything is done: what the policy says, and somebody's word where too many are compromised.
fn first_gate(target: &Target, desired: u64, compromised: u64) -> Option<Gate> {
    let mut gate = target.policy.before.clone();
    let limit = target.policy.breakers.max_compromised.map(|amount| amount.of(desired));
    if let Some(limit) = limit.filter(|limit| compromised > *limit) {
        let question = format!("{compromised} instances are compromised, which is more than {limit}");
        gate.approval = Some(match gate.approval {
            Some(other) => format!("{other}; {question}"),
            None => question,
        });
    }
    (!gate.is_open()).then_some(gate)
}

/// One stage for each group that barriers make.
fn by_group<'a>(name: &str, drafts: Vec<Draft<'a>>) -> Vec<Outline<'a>> {
    let groups = grouped(drafts);
    let total = groups.len();
    let name = |number: usize| match total {
        1 => name.to_owned(),
        _ => format!("{name}: {} of {total}", number + 1),
    };
    groups.into_iter().enumerate().map(|(number, drafts)| Outline::new(name(number), drafts)).collect()
}

fn grouped(drafts: Vec<Draft<'_>>) -> Vec<Vec<Draft<'_>>> {
    let mut groups: BTreeMap<u32, Vec<Draft>> = BTreeMap::new();
    for draft in drafts {
        groups.entry(draft.group).or_default().push(draft);
    }
    groups.into_values().collect()
}

/// A stage for each step that is not passed yet, and the rest. Where the fleet is exactly as a step leaves it, nothing says
/// that its gate was passed: it is asked again.
fn canary<'a>(
    service: &str,
    steps: &[Step],
    drafts: Vec<Draft<'a>>,
    converted: u64,
    desired: u64,
) -> Vec<Outline<'a>> {
    // Where some are left as they are, a step that asks for more than there will be ends with the last one.
    let launches = drafts.iter().filter(|draft| draft.launch.is_some()).count() as u64;
    let most = desired.min(converted + launches);
    let ends = |step: &Step| step.amount.of(desired).min(most);
    let mut ahead = steps.iter().enumerate().filter(|(_, step)| ends(step) >= converted).peekable();
    let mut outlines = Vec::new();
    let mut done = converted;
    let mut stage = Vec::new();
    let total = steps.len();
    let close = |(number, step): (usize, &Step), drafts| Outline {
        weight: step.weight,
        gate: step.gate.clone(),
        ..Outline::new(format!("{service}: canary {} of {total}", number + 1), drafts)
    };
    let mut groups = grouped(drafts).into_iter();
    loop {
        while let Some((number, step)) = ahead.next_if(|(_, step)| ends(step) <= done) {
            outlines.push(close((number, step), std::mem::take(&mut stage)));
        }
        let Some(group) = groups.next() else { break };
        if !stage.is_empty() {
            outlines.push(Outline::new(
                format!("{service}: part {}", outlines.len() + 1),
                std::mem::take(&mut stage),
            ));
        }
        // What is too much goes first: it makes room.
        let (launches, extras): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|draft| draft.launch.is_some());
        stage.extend(extras);
        for draft in launches {
            while let Some((number, step)) = ahead.next_if(|(_, step)| ends(step) <= done) {
                outlines.push(close((number, step), std::mem::take(&mut stage)));
            }
            stage.push(draft);
            done += 1;
        }
    }
    let weighted = steps.iter().any(|step| step.weight.is_some());
    let last = steps.last().and_then(|step| step.weight);
    if !stage.is_empty() || (weighted && last != Some(100)) {
        let weight = weighted.then_some(100);
        outlines.push(Outline { weight, ..Outline::new(format!("{service}: rest"), stage) });
    }
    outlines
}

/// What is launched, and what is retired, apart.
fn halves(drafts: Vec<Draft<'_>>) -> (Vec<Draft<'_>>, Vec<Draft<'_>>) {
    let (mut launches, mut retires) = (Vec::new(), Vec::new());
    for draft in drafts {
        if let Some(launch) = draft.launch {
            launches.push(Draft { launch: Some(launch), victim: None, ..draft });
        }
        if let Some(victim) = draft.victim {
            retires.push(Draft { launch: None, victim: Some(victim), ..draft });
        }
    }
    (launches, retires)
}

fn slotted(service: &str, slot: &str) -> Infeasible {
    Infeasible {
        code: InfeasibleCode::StrategyInConflict,
        what: format!("the new instance in slot {slot} of {service} is to run beside the old one"),
        conflict: vec![
            Constraint::new(format!("slot {slot}"), "only one instance holds a slot"),
            Constraint::new(
                format!("the strategy of {service}"),
                "blueGreen launches all before it retires any",
            )
            .with_advice("use rolling or recreate"),
        ],
    }
}
