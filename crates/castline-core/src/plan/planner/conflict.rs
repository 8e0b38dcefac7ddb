//! What is in the way, told as the smallest set of constraints in conflict.

use super::{limits::Limits, placement::Draft, schedule::Stuck, stages::Outline};
use crate::{
    plan::{Constraint, Infeasible, InfeasibleCode, Limit, Order, Target},
    policy::Strategy,
};

pub(super) fn explain(target: &Target, outline: &Outline, limits: &Limits, stuck: &Stuck) -> Infeasible {
    let draft = &outline.drafts[stuck.item as usize];
    let strategy = match target.policy.strategy {
        Strategy::BlueGreen(_) => Some("blueGreen launches all before it retires any"),
        Strategy::Recreate => Some("recreate retires all before it launches any"),
        _ => None,
    };
    let mut conflict: Vec<Constraint> = smallest(&stuck.refused)
        .into_iter()
        .map(|(limit, order)| demand(&limits.list[limit as usize], order))
        .collect();
    let code = if let Some(demand) = strategy {
        conflict.push(Constraint::new(format!("the strategy of {}", target.release.service()), demand));
        InfeasibleCode::StrategyInConflict
    } else if smallest(&stuck.refused).iter().any(|(limit, order)| {
        let limit = &limits.list[*limit as usize];
        let retires = stuck.refused.iter().any(|(order, _)| *order == Order::RetireFirst);
        (retires || *order == Order::RetireFirst) && limit.floor > Some(limit.desired)
    }) {
        InfeasibleCode::FloorUnreachable
    } else {
        InfeasibleCode::BudgetsInConflict
    };
    if let Some(slot) =
        draft.launch.as_ref().and_then(|launch| launch.slot.as_ref()).filter(|_| draft.victim.is_some())
    {
        conflict.push(Constraint::new(
            format!("slot {slot}"),
            "only one instance holds a slot, so that the old one goes first",
        ));
    }
    Infeasible { code, what: what(draft, &outline.name), conflict }
}

/// The fewest limits of which one refuses each order: one that refuses all, or else the first of each.
fn smallest(refused: &[(Order, Vec<u32>)]) -> Vec<(u32, Order)> {
    let in_all = |limit: &&u32| refused.iter().all(|(_, limits)| limits.contains(limit));
    let one = refused.first().and_then(|(_, limits)| limits.iter().find(in_all));
    match one {
        Some(limit) => refused.iter().map(|(order, _)| (*limit, *order)).take(1).collect(),
        None => refused.iter().filter_map(|(order, limits)| Some((*limits.first()?, *order))).collect(),
    }
}

fn demand(limit: &Limit, order: Order) -> Constraint {
    let of = format!("of {} desired", limit.desired);
    if limit.in_flight == Some(0) {
        return Constraint::new(&limit.name, "no replacement may be under way")
            .with_advice("allow at least 1");
    }
    let floor = limit.floor.map(|floor| format!("at least {floor} {of} must stay available"));
    let ceiling = limit.ceiling.map(|ceiling| format!("there may be no more than {ceiling} {of}"));
    let (demand, advice) = match (order, floor, ceiling) {
        (_, Some(floor), Some(ceiling))
            if limit.floor >= Some(limit.desired) && limit.ceiling <= Some(limit.desired) =>
        {
            (format!("{floor}, and {ceiling}"), "allow a surge of 1, or 1 to be unavailable")
        }
        (Order::LaunchFirst, _, Some(ceiling)) => (ceiling, "allow a larger surge"),
        (_, Some(floor), _) => (floor, "allow one more to be unavailable"),
        (_, _, ceiling) => (ceiling.unwrap_or_default(), "allow a larger surge"),
    };
    Constraint::new(&limit.name, demand).with_advice(advice)
}

fn what(draft: &Draft, stage: &str) -> String {
    let place = |zone: &str| if zone.is_empty() { String::new() } else { format!(" in zone {zone}") };
    match (&draft.launch, &draft.victim) {
        (Some(_), Some(victim)) => format!("`{}` cannot be replaced (stage `{stage}`)", victim.instance.id),
        (Some(launch), None) => {
            format!("no instance can be launched{} (stage `{stage}`)", place(&launch.zone))
        }
        (None, Some(victim)) => format!("`{}` cannot be retired (stage `{stage}`)", victim.instance.id),
        (None, None) => format!("the stage `{stage}` cannot be done"),
    }
}
