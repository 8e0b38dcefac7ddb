//! Karpenter: a `NodePool`'s disruption budgets.

use std::borrow::Cow;

use serde::Deserialize;

use super::IntOrPercent;
use crate::{
    Time,
    plan::Reason,
    policy::{Amount, Budget, Policy, Scope, Window, schedule::Schedule},
};

/// One of `spec.disruption.budgets`, as it is written there.
///
/// Whatever cannot be read closes: Karpenter then allows no disruption at all, and so does castline
/// (`pkg/apis/v1/nodepool.go`, `MustGetAllowedDisruptions`).
///
/// ```
/// use castline_core::policy::presets::karpenter::{DisruptionBudget, DisruptionReason, allowed_disruptions, policy};
///
/// let budgets = [
///     DisruptionBudget::new("20%"),
///     DisruptionBudget::new("0").with_schedule("0 9 * * mon-fri", "8h"),
/// ];
/// let allowed = |now: &str| allowed_disruptions(&budgets, 12, 1, 0, DisruptionReason::Drifted, now.parse().unwrap());
/// assert_eq!(allowed("2026-11-23T08:00:00Z"), Some(2), "20 % of 12 are 3, and one is not ready");
/// assert_eq!(allowed("2026-11-23T12:00:00Z"), Some(0));
/// assert_eq!(policy(&budgets).budgets.len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisruptionBudget {
    #[serde(default = "tenth")]
    nodes: String,
    reasons: Option<Vec<DisruptionReason>>,
    schedule: Option<String>,
    duration: Option<String>,
}

/// Why Karpenter disrupts a node, short of repairing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum DisruptionReason {
    /// Its pods fit elsewhere, or on something cheaper.
    Underutilized,
    /// Nothing runs on it.
    Empty,
    /// It is not what its pool says.
    Drifted,
}

fn tenth() -> String {
    "10%".into()
}

/// What a pool has that states no budgets: one of 10 %.
pub fn api_default() -> Vec<DisruptionBudget> {
    vec![DisruptionBudget::new("10%")]
}

/// How many more nodes may be disrupted for this reason now; none where nothing limits it.
///
/// `total` are the pool's nodes that are managed, initialised and not terminating. Those not ready and those being deleted
/// both take from what the strictest of the budgets allows that are active and for this reason; an inactive one allows any
/// number (`pkg/controllers/disruption/helpers.go`, `BuildDisruptionBudgetMapping`).
pub fn allowed_disruptions(
    budgets: &[DisruptionBudget],
    total: u64,
    not_ready: u64,
    deleting: u64,
    reason: DisruptionReason,
    now: Time,
) -> Option<u64> {
    let mut strictest: Option<u64> = None;
    for budget in budgets {
        let Some(read) = budget.read() else { return Some(0) };
        if budget.is_for(reason) && read.active.at(now) {
            let allowed = read.nodes.of(total);
            strictest = Some(strictest.map_or(allowed, |strictest| strictest.min(allowed)));
        }
    }
    strictest.map(|allowed| allowed.saturating_sub(not_ready).saturating_sub(deleting))
}

/// The policy of a pool with these budgets.
///
/// Nothing may be unavailable, and there may be twice as many: Karpenter launches replacements first, as many as it takes. Each
/// budget limits what is under way at once, in its window, for its reasons: `Drifted` is another image or another way to
/// run it, changed files, and what was named; `Empty` and `Underutilized` are what there is too much of. Repairs (what has
/// failed) and launches of what is missing pass the budgets by, as they do there.
///
/// That nodes not ready take from a budget is no part of it, since they come and go: see [`allowed_disruptions`].
pub fn policy(budgets: &[DisruptionBudget]) -> Policy {
    let base = Policy::default().with_budget(Budget::fleet(Amount::ZERO, Amount::ALL));
    let read: Option<Vec<(&DisruptionBudget, Read)>> =
        budgets.iter().map(|budget| budget.read().map(|read| (budget, read))).collect();
    let Some(read) = read else {
        let closed = limit(Amount::ZERO, None).with_name("a disruption budget that cannot be read");
        return base.with_budget(closed);
    };
    read.into_iter().fold(base, |policy, (budget, read)| match read.active {
        _ if budget.reasons.as_ref().is_some_and(Vec::is_empty) => policy,
        Active::Never => policy,
        Active::Always => policy.with_budget(limit(read.nodes, budget.reasons.as_deref())),
        Active::Within(window) => {
            policy.with_budget(limit(read.nodes, budget.reasons.as_deref()).with_window(window))
        }
    })
}

fn limit(nodes: Amount, reasons: Option<&[DisruptionReason]>) -> Budget {
    const ANY: &[DisruptionReason] = &[DisruptionReason::Drifted, DisruptionReason::Empty];
    let mut reasons: Vec<Reason> =
        reasons.unwrap_or(ANY).iter().flat_map(|reason| reason.of_castline()).copied().collect();
    reasons.sort();
    reasons.dedup();
    Budget::in_flight(Scope::Fleet, nodes).with_reasons(reasons)
}

impl DisruptionReason {
    const fn of_castline(self) -> &'static [Reason] {
        match self {
            Self::Drifted => &[Reason::Compromised, Reason::Image, Reason::Config, Reason::Named],
            Self::Underutilized | Self::Empty => &[Reason::Extra],
        }
    }
}

struct Read {
    nodes: Amount,
    active: Active,
}

enum Active {
    Always,
    Never,
    Within(Window),
}

impl Active {
    fn at(&self, now: Time) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Within(window) => window.is_open(now),
        }
    }
}

impl DisruptionBudget {
    /// So many nodes, `3` or `10%`, for any reason, at any time.
    pub fn new(nodes: impl Into<String>) -> Self {
        Self { nodes: nodes.into(), reasons: None, schedule: None, duration: None }
    }

    /// The same for these reasons only.
    #[must_use]
    pub fn with_reasons(self, reasons: impl IntoIterator<Item = DisruptionReason>) -> Self {
        Self { reasons: Some(reasons.into_iter().collect()), ..self }
    }

    /// The same, active from when this schedule says, in UTC, for so long: five fields or a macro such as `@daily`, and hours and
    /// minutes as `8h`, `30m`, `8h30m`.
    #[must_use]
    pub fn with_schedule(self, schedule: impl Into<String>, duration: impl Into<String>) -> Self {
        Self { schedule: Some(schedule.into()), duration: Some(duration.into()), ..self }
    }

    /// Whether Karpenter can read it.
    pub fn is_well_formed(&self) -> bool {
        self.read().is_some()
    }

    fn is_for(&self, reason: DisruptionReason) -> bool {
        self.reasons.as_ref().is_none_or(|reasons| reasons.contains(&reason))
    }

    fn read(&self) -> Option<Read> {
        let nodes: IntOrPercent = self.nodes.parse().ok()?;
        if matches!(nodes, IntOrPercent::Percent(101..)) || self.nodes.len() > 4 && self.nodes.ends_with('%')
        {
            return None;
        }
        let active = match (&self.schedule, &self.duration) {
            (None, None) => Active::Always,
            (Some(schedule), Some(duration)) => active(schedule, seconds(duration)?)?,
            _ => return None,
        };
        Some(Read { nodes: nodes.up(), active })
    }
}

/// When a schedule makes a budget active. Karpenter asks for the next time after `now - duration`: one that never comes is
/// the zero time to it, which is never later than now, and no duration leaves no time in between.
fn active(schedule: &str, seconds: u64) -> Option<Active> {
    let schedule = five_fields(schedule)?;
    if Schedule::parse(&schedule).ok()?.never() {
        return Some(Active::Always);
    }
    if seconds == 0 {
        return Some(Active::Never);
    }
    Window::new(&schedule, seconds, "UTC").ok().map(Active::Within)
}

/// The five fields of what robfig/cron v3 reads: its macros, and `?`, are ways to write some; Sunday is 0 only.
fn five_fields(schedule: &str) -> Option<Cow<'_, str>> {
    Some(match schedule {
        "@annually" | "@yearly" => "0 0 1 1 *".into(),
        "@monthly" => "0 0 1 * *".into(),
        "@weekly" => "0 0 * * 0".into(),
        "@daily" | "@midnight" => "0 0 * * *".into(),
        "@hourly" => "0 * * * *".into(),
        fields => {
            let weekdays = fields.split_ascii_whitespace().nth(4)?;
            let ends = weekdays
                .split(',')
                .filter_map(|part| part.split('/').next())
                .flat_map(|part| part.split('-'));
            if ends.into_iter().any(|end| end.parse() == Ok(7_u8)) {
                return None;
            }
            fields.replace('?', "*").into()
        }
    })
}

/// `8h`, `30m`, `8h30m`, each with a `0s` after it or not, in seconds.
fn seconds(duration: &str) -> Option<u64> {
    let text = duration.strip_suffix("0s").unwrap_or(duration);
    let number = |digits: &str| -> Option<u64> {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    let (hours, minutes) = match text.split_once('h') {
        Some((hours, "")) => (number(hours)?, 0),
        Some((hours, minutes)) => (number(hours)?, number(minutes.strip_suffix('m')?)?),
        None => (0, number(text.strip_suffix('m')?)?),
    };
    hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)
}

#[cfg(test)]
mod tests;
