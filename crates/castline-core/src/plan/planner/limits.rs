//! Budgets as numbers.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use super::places::{Place, Places};
use crate::{
    plan::{Constraint, Infeasible, InfeasibleCode, Limit, Members, Target},
    policy::{Amount, Budget, Policy, Scope, Strategy},
};

/// The limits of a plan, and for each place those that count it.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) list: Vec<Limit>,
    pub(super) of_place: Vec<Vec<u32>>,
}

pub(super) fn resolve(targets: &[&Target], places: &Places) -> Result<Limits, Infeasible> {
    let (mut list, mut of_place) = (Vec::new(), vec![Vec::new(); places.list.len()]);
    // Of two that demand the same of the same instances, one is enough: the first, which gives the name.
    let mut known = HashSet::new();
    for (number, target) in targets.iter().enumerate() {
        for budget in budgets(target).iter() {
            for (members, counted) in groups(targets, number, &budget.scope, places)? {
                let desired = counted.iter().map(|place| places.counts[*place as usize].desired).sum::<i64>();
                let limit = limit(budget, members, u64::try_from(desired).unwrap_or(0));
                let demand = (limit.floor, limit.ceiling, limit.in_flight);
                if demand == (None, None, None)
                    || !known.insert((limit.of.clone(), demand, limit.reasons.clone(), limit.window.clone()))
                {
                    continue;
                }
                let number = u32::try_from(list.len()).unwrap_or(u32::MAX);
                for place in counted {
                    of_place[place as usize].push(number);
                }
                list.push(limit);
            }
        }
    }
    Ok(Limits { list, of_place })
}

/// The budgets of a policy, and what holds where they say nothing: see [`Budget`].
fn budgets(target: &Target) -> Cow<'_, [Budget]> {
    let Policy { budgets, strategy, .. } = &target.policy;
    let (floor, ceiling) = match strategy {
        Strategy::Recreate => (Amount::ALL, Amount::ZERO),
        Strategy::BlueGreen(_) => (Amount::ZERO, Amount::ALL),
        _ if budgets.is_empty() => (Amount::ZERO, Amount::percent_up(25)),
        _ => (Amount::ZERO, Amount::ZERO),
    };
    let whole = |budget: &&Budget| {
        matches!(budget.scope, Scope::Fleet | Scope::Zone)
            && budget.reasons.is_empty()
            && budget.window.is_none()
    };
    let states_floor = |budget: &Budget| budget.max_unavailable.is_some() || budget.min_available.is_some();
    let has_floor = budgets.iter().filter(whole).any(states_floor);
    let has_ceiling = budgets.iter().filter(whole).any(|budget| budget.max_surge.is_some());
    if has_floor && has_ceiling {
        return Cow::Borrowed(budgets);
    }
    let closing = Budget {
        max_unavailable: (!has_floor).then_some(floor),
        max_surge: (!has_ceiling).then_some(ceiling),
        ..Budget::default()
    };
    Cow::Owned([&[closing], budgets.as_slice()].concat())
}

/// The labels that limits of these policies count by.
pub(super) fn label_keys<'a>(targets: &[&'a Target]) -> BTreeSet<&'a str> {
    let scopes = targets.iter().flat_map(|target| target.policy.budgets.iter().map(|budget| &budget.scope));
    let keys = scopes.filter_map(|scope| match scope {
        Scope::Label(key) | Scope::WithLabel { key, .. } => Some(&**key),
        _ => None,
    });
    keys.collect()
}

/// The instances that a scope counts, as groups of places: one, or one for each zone or value of a label.
fn groups(
    targets: &[&Target],
    number: usize,
    scope: &Scope,
    places: &Places,
) -> Result<Vec<(Members, Vec<u32>)>, Infeasible> {
    let service = targets[number].release.service();
    let own = Members { services: vec![Arc::clone(service)], ..Members::default() };
    let mut found: BTreeMap<Members, Vec<u32>> = BTreeMap::new();
    let counted = |place: &&(u32, &Place)| place.1.service == number;
    let all: Vec<(u32, &Place)> = (0_u32..).zip(&places.list).collect();
    let in_own = all.iter().filter(counted);
    match scope {
        Scope::Fleet => {
            found.insert(own, in_own.map(|(place, _)| *place).collect());
        }
        Scope::Zone => {
            for (number, place) in in_own {
                let members = Members { zone: Some(Arc::clone(&place.zone)), ..own.clone() };
                found.entry(members).or_default().push(*number);
            }
        }
        Scope::InZone(zone) => {
            let inside = in_own.filter(|(_, place)| *place.zone == **zone).map(|(place, _)| *place);
            found.insert(Members { zone: Some(zone.as_str().into()), ..own }, inside.collect());
        }
        Scope::Label(key) => {
            for (number, place) in in_own {
                let Some(value) = place.labels.get(key) else { continue };
                let members = Members { label: Some((key.clone(), value.clone())), ..own.clone() };
                found.entry(members).or_default().push(*number);
            }
        }
        Scope::WithLabel { key, value } => {
            let with = in_own.filter(|(_, place)| place.labels.get(key) == Some(value));
            let with = with.map(|(place, _)| *place).collect();
            found.insert(Members { label: Some((key.clone(), value.clone())), ..own }, with);
        }
        Scope::Services(services) => {
            let mut named = BTreeSet::new();
            for name in services {
                let known = targets.iter().position(|target| **target.release.service() == **name);
                named.insert(known.ok_or_else(|| unknown(service, "a budget", name))?);
            }
            let members = named.iter().map(|number| Arc::clone(targets[*number].release.service()));
            let inside = all.iter().filter(|(_, place)| named.contains(&place.service));
            let inside = inside.map(|(place, _)| *place).collect();
            found.insert(Members { services: members.collect(), ..Members::default() }, inside);
        }
    }
    Ok(found.into_iter().collect())
}

pub(super) fn unknown(service: &str, what: &str, name: &str) -> Infeasible {
    Infeasible {
        code: InfeasibleCode::UnknownService,
        what: format!("{what} of {service} names the service `{name}`, which is not among those planned"),
        conflict: vec![
            Constraint::new(format!("the policy of {service}"), format!("names `{name}`"))
                .with_advice("plan it together with the others, or do not name it"),
        ],
    }
}

fn limit(budget: &Budget, of: Members, desired: u64) -> Limit {
    let least = budget.min_available.map(|amount| amount.of(desired));
    let from_above = budget.max_unavailable.map(|amount| desired.saturating_sub(amount.of(desired)));
    // A plan has no number that a reader of JSON could take for another one.
    let shown = |number: u64| number.min(Amount::MOST);
    Limit {
        name: budget.name.clone().map_or_else(|| name(&of), |own| own_name(&own, budget, &of)),
        floor: least.max(from_above).map(shown),
        ceiling: budget.max_surge.map(|amount| shown(desired.saturating_add(amount.of(desired)))),
        in_flight: budget.max_in_flight.map(|amount| shown(amount.of(desired))),
        desired,
        of,
        reasons: budget.reasons.clone(),
        window: budget.window.clone(),
    }
}

/// What the limit is called: by what it counts.
fn name(of: &Members) -> String {
    let services: Vec<&str> = of.services.iter().map(|service| &**service).collect();
    let services = services.join(" and ");
    match (&of.zone, &of.label) {
        (Some(zone), _) => format!("zone {zone} of {services}"),
        (_, Some((key, value))) => format!("{key}={value} of {services}"),
        _ if of.services.len() > 1 => format!("{services} together"),
        _ => format!("fleet {services}"),
    }
}

/// The name that the budget has, with the zone or value where there is one limit for each.
fn own_name(own: &str, budget: &Budget, of: &Members) -> String {
    match (&budget.scope, &of.zone, &of.label) {
        (Scope::Zone, Some(zone), _) => format!("{own}: zone {zone}"),
        (Scope::Label(_), _, Some((key, value))) => format!("{own}: {key}={value}"),
        _ => own.to_owned(),
    }
}
