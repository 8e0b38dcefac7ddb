//! What the policies demand of the limits, computed from the budgets alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Violation, ViolationCode as Code, documents::Case, quick::Quick, steps::Fates};
use crate::{
    plan::{Limit, Members},
    policy::{Amount, Budget, Scope, Strategy},
};

/// A service, a zone, and a label's key and value; without a zone or a label, all of them.
type Within<'a> = (&'a str, Option<&'a str>, Option<(&'a str, &'a str)>);

/// How many instances there are in the end, in each zone and with each label that a budget names.
#[derive(Debug, Default)]
struct Census<'a> {
    counts: BTreeMap<Within<'a>, u64>,
    /// The scopes in which the plan does anything.
    touched: BTreeSet<Within<'a>>,
}

impl<'a> Census<'a> {
    fn of(case: &Case<'a>, fates: &Fates<'a>) -> Self {
        let keys = keys(case);
        let mut tally = Tally::default();
        for service in 0..case.services.len() {
            for instance in fates.kept(case, service) {
                tally.add(service, &instance.zone, &instance.labels, 1, false);
            }
        }
        for step in &fates.steps {
            if let Some(launch) = &step.one.launch {
                tally.add(step.service, &launch.zone, &launch.labels, 1, true);
            }
            if let Some(victim) = step.victim {
                tally.add(step.service, &victim.zone, &victim.labels, 0, true);
            }
        }
        let mut census = Self::default();
        for ((service, ..), Row { zone, labels, count, touched }) in tally.rows {
            let service = case.services[service].name();
            let labels = keys.iter().filter_map(|key| Some((*key, labels.get(*key)?.as_str())));
            for label in std::iter::once(None).chain(labels.map(Some)) {
                for scope in [(service, None, label), (service, Some(zone), label)] {
                    *census.counts.entry(scope).or_default() += count;
                    if touched {
                        census.touched.insert(scope);
                    }
                }
            }
        }
        census
    }
}

/// What is alike is counted together, by where its texts are kept: fleets share them.
#[derive(Debug, Default)]
struct Tally<'a> {
    rows: Quick<(usize, *const u8, *const BTreeMap<String, String>), Row<'a>>,
}

#[derive(Debug)]
struct Row<'a> {
    zone: &'a str,
    labels: &'a BTreeMap<String, String>,
    count: u64,
    touched: bool,
}

impl<'a> Tally<'a> {
    fn add(
        &mut self,
        service: usize,
        zone: &'a Arc<str>,
        labels: &'a Arc<BTreeMap<String, String>>,
        count: u64,
        touched: bool,
    ) {
        // Those without labels are alike, wherever none is kept.
        let labelled = if labels.is_empty() { std::ptr::null() } else { Arc::as_ptr(labels) };
        let key = (service, zone.as_ptr(), labelled);
        let row = self.rows.entry(key).or_insert(Row { zone, labels, count: 0, touched: false });
        row.count += count;
        row.touched |= touched;
    }
}

fn keys<'a>(case: &Case<'a>) -> BTreeSet<&'a str> {
    let budgets = case.services.iter().flat_map(|service| &service.target.policy.budgets);
    let of_scope = budgets.filter_map(|budget| match &budget.scope {
        Scope::Label(key) | Scope::WithLabel { key, .. } => Some(&**key),
        _ => None,
    });
    of_scope
        .chain(case.plan.limits.iter().filter_map(|limit| limit.of.label.as_ref()).map(|(key, _)| &**key))
        .collect()
}

/// Every budget is among the limits, with its numbers or stricter ones.
pub(super) fn met<'a>(case: &Case<'a>, fates: &Fates<'a>) -> Result<(), Violation> {
    let census = Census::of(case, fates);
    let mut limits: BTreeMap<&Members, Vec<&Limit>> = BTreeMap::new();
    for limit in &case.plan.limits {
        let count = desired(&census, &limit.of);
        if limit.desired != count {
            let message =
                format!("{}: {count} instances are counted in the end, not {}", limit.name, limit.desired);
            return Err(Violation::new(Code::LimitMiscounted, message));
        }
        limits.entry(&limit.of).or_default().push(limit);
    }
    for (position, service) in case.services.iter().enumerate() {
        let policy = &service.target.policy;
        let own = Members { services: vec![Arc::clone(&service.planned.service)], ..Members::default() };
        for budget in &policy.budgets {
            for members in scopes(case, &census, position, budget)? {
                let wanted = numbers(budget, desired(&census, &members));
                is_met(&limits, &members, &wanted, budget)?;
            }
        }
        let whole = |states: fn(&Budget) -> bool| {
            policy.budgets.iter().any(|budget| is_whole(budget) && states(budget))
        };
        let count = desired(&census, &own);
        let mut wanted = Numbers::default();
        if !whole(|budget| budget.min_available.is_some() || budget.max_unavailable.is_some()) {
            wanted.floor = (policy.strategy != Strategy::Recreate).then_some(count);
        }
        if !whole(|budget| budget.max_surge.is_some()) {
            let above = match policy.strategy {
                Strategy::BlueGreen(_) => count,
                Strategy::Rolling | Strategy::Canary(_) if policy.budgets.is_empty() => count.div_ceil(4),
                _ => 0,
            };
            wanted.ceiling = Some(count.saturating_add(above));
        }
        if census.touched.contains(&(service.name(), None, None)) {
            is_met(&limits, &own, &wanted, &Budget::default())?;
        }
    }
    Ok(())
}

/// Whether a budget limits a service as a whole, always: what limits each zone limits all of them.
fn is_whole(budget: &Budget) -> bool {
    matches!(budget.scope, Scope::Fleet | Scope::Zone) && budget.reasons.is_empty() && budget.window.is_none()
}

fn desired(census: &Census, members: &Members) -> u64 {
    let zone = members.zone.as_deref();
    let label = members.label.as_ref().map(|(key, value)| (&**key, &**value));
    let count =
        |service: &Arc<str>| census.counts.get(&(&**service, zone, label)).copied().unwrap_or_default();
    members.services.iter().map(count).sum()
}

/// The scopes of a budget in which the plan does anything.
fn scopes(case: &Case, census: &Census, service: usize, budget: &Budget) -> Result<Vec<Members>, Violation> {
    let own = &case.services[service].planned.service;
    let members = |zone: Option<&str>, label: Option<(&str, &str)>| Members {
        services: vec![Arc::clone(own)],
        zone: zone.map(Arc::from),
        label: label.map(|(key, value)| (key.to_owned(), value.to_owned())),
    };
    let touched = || census.touched.iter().filter(|(name, ..)| *name == &**own);
    let is_touched = |zone, label| census.touched.contains(&(&**own, zone, label));
    Ok(match &budget.scope {
        Scope::Fleet => is_touched(None, None).then(|| members(None, None)).into_iter().collect(),
        Scope::Zone => touched()
            .filter(|(_, zone, label)| zone.is_some() && label.is_none())
            .map(|(_, zone, _)| members(*zone, None))
            .collect(),
        Scope::InZone(zone) => {
            is_touched(Some(zone), None).then(|| members(Some(zone), None)).into_iter().collect()
        }
        Scope::Label(key) => touched()
            .filter(|(_, zone, label)| zone.is_none() && label.is_some_and(|(one, _)| one == key))
            .map(|(.., label)| members(None, *label))
            .collect(),
        Scope::WithLabel { key, value } => {
            let label = Some((&**key, &**value));
            is_touched(None, label).then(|| members(None, label)).into_iter().collect()
        }
        Scope::Services(names) => {
            let mut services = Vec::with_capacity(names.len());
            for name in names.iter().map(String::as_str).collect::<BTreeSet<_>>() {
                let Some(found) = case.service(name) else {
                    let message = format!("a budget of {own} counts {name}, which is not planned");
                    return Err(Violation::new(Code::ServiceUnknown, message));
                };
                services.push(Arc::clone(&case.services[found].planned.service));
            }
            let touched = services.iter().any(|name| census.touched.contains(&(&**name, None, None)));
            touched.then(|| Members { services, ..Members::default() }).into_iter().collect()
        }
    })
}

/// What is demanded of a limit.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    floor: Option<u64>,
    ceiling: Option<u64>,
    in_flight: Option<u64>,
}

fn numbers(budget: &Budget, desired: u64) -> Numbers {
    let of = |amount: Option<Amount>| amount.map(|amount| amount.of(desired));
    let each = matches!(budget.scope, Scope::Zone | Scope::Label(_));
    let least = of(budget.min_available);
    let below = of(budget.max_unavailable).map(|below| desired.saturating_sub(below));
    // Where nothing is to be, nothing has to be available: a budget of each zone does not keep a zone alive.
    let floor = least.max(below).filter(|_| !(each && desired == 0));
    let ceiling = of(budget.max_surge).map(|above| desired.saturating_add(above));
    Numbers { floor, ceiling, in_flight: of(budget.max_in_flight) }
}

fn is_met(
    limits: &BTreeMap<&Members, Vec<&Limit>>,
    members: &Members,
    wanted: &Numbers,
    budget: &Budget,
) -> Result<(), Violation> {
    let about = |limit: &&&Limit| {
        let reasons = limit.reasons.is_empty()
            || !budget.reasons.is_empty()
                && budget.reasons.iter().all(|reason| limit.reasons.contains(reason));
        reasons && (limit.window.is_none() || limit.window == budget.window)
    };
    let limits: Vec<&Limit> = limits.get(members).into_iter().flatten().filter(about).copied().collect();
    let scope = describe(members);
    let is_floor = |least: u64| move |limit: &Limit| limit.floor.map(|floor| floor >= least);
    let is_most = |most: u64, of: fn(&Limit) -> Option<u64>| {
        move |limit: &Limit| of(limit).map(|number| number <= most)
    };
    if let Some(floor) = wanted.floor {
        some(&limits, &is_floor(floor), || format!("at least {floor} of {scope} stay available"))?;
    }
    if let Some(ceiling) = wanted.ceiling {
        some(&limits, &is_most(ceiling, |limit| limit.ceiling), || {
            format!("no more than {ceiling} of {scope} are present")
        })?;
    }
    if let Some(most) = wanted.in_flight {
        some(&limits, &is_most(most, |limit| limit.in_flight), || {
            format!("no more than {most} of {scope} are under way")
        })?;
    }
    Ok(())
}

/// Some limit demands it; of one that says something else about it, that it is too lax.
fn some(
    limits: &[&Limit],
    strict: &dyn Fn(&Limit) -> Option<bool>,
    demand: impl Fn() -> String,
) -> Result<(), Violation> {
    let mut lax = None;
    for limit in limits {
        match strict(limit) {
            Some(true) => return Ok(()),
            Some(false) => lax = Some(limit),
            None => {}
        }
    }
    Err(match lax {
        Some(limit) => {
            let message =
                format!("the limit `{}` is too lax: a policy demands that {}", limit.name, demand());
            Violation::new(Code::LimitTooLax, message)
        }
        None => Violation::new(
            Code::LimitMissing,
            format!("no limit says that {}, as a policy demands", demand()),
        ),
    })
}

fn describe(members: &Members) -> String {
    let mut text = members.services.join(" and ");
    if let Some(zone) = &members.zone {
        text = format!("{text} in the zone `{zone}`");
    }
    if let Some((key, value)) = &members.label {
        text = format!("{text} with `{key}={value}`");
    }
    text
}
