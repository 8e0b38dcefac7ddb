//! How a fleet may be replaced: strategy, budgets, order, gates, windows, breakers, and what to do on failure.

mod amount;
mod budget;
mod preference;
pub mod presets;
mod schedule;
mod strategy;
mod window;

use serde::{Deserialize, Serialize};

pub use amount::{Amount, Round};
pub use budget::{Budget, Scope};
pub use preference::Preference;
pub use strategy::{BlueGreen, Gate, Step, Strategy};
pub use window::Window;

use crate::Document;

/// How the fleet of a service may be replaced.
///
/// ```
/// use castline_core::{Document, policy::{Amount, Budget, Policy}};
///
/// let policy = Policy::default()
///     .with_budget(Budget::fleet(Amount::ZERO, Amount::percent_up(25)))
///     .with_budget(Budget::zone(Amount::Count(1), Amount::Count(1)));
/// assert_eq!(Policy::from_json(&policy.to_canonical())?, policy);
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Policy {
    /// The service that it is for; any, where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// In what manner instances are replaced.
    pub strategy: Strategy,
    /// What capacity must stay within; all of them hold at once.
    pub budgets: Vec<Budget>,
    /// In what order instances are replaced, the first preference first. After them: compromised, failed, not ready,
    /// drifted; by zone balance, age and id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<Preference>,
    /// What is replaced.
    #[serde(skip_serializing_if = "is_default")]
    pub select: Select,
    /// Where missing instances are launched.
    #[serde(skip_serializing_if = "is_default")]
    pub spread: Spread,
    /// The zones to launch in; where none is named, those that the fleet is in. An engine takes those of its driver instead, where it has
    /// some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// What becomes of an instance whose files are not those of its image.
    #[serde(skip_serializing_if = "is_default")]
    pub compromised: Compromised,
    /// A new instance counts as available once it has been ready for so long without a break.
    #[serde(skip_serializing_if = "is_default")]
    pub min_ready_seconds: u64,
    /// A new instance that is not available after so long has failed: 600 where nothing is stated.
    pub progress_deadline_seconds: u64,
    /// How long a retired instance has to finish what it does: 30 where nothing is stated.
    pub drain_seconds: u64,
    /// How often a launch is tried: 1 where nothing is stated. Must not be 0.
    pub attempts: u32,
    /// Work is begun only while one of these is open; at any time, where there is none. What was begun is finished.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// When to stop and ask.
    pub breakers: Breakers,
    /// What to do when a replacement, an analysis or a breaker fails.
    pub on_failure: OnFailure,
    /// What must hold before anything is done.
    #[serde(skip_serializing_if = "Gate::is_open")]
    pub before: Gate,
    /// The services that must be done first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            service: None,
            strategy: Strategy::Rolling,
            budgets: Vec::new(),
            order: Vec::new(),
            select: Select::Drifted,
            spread: Spread::Keep,
            zones: Vec::new(),
            compromised: Compromised::Replace,
            min_ready_seconds: 0,
            progress_deadline_seconds: 600,
            drain_seconds: 30,
            attempts: 1,
            windows: Vec::new(),
            breakers: Breakers::default(),
            on_failure: OnFailure::Pause,
            before: Gate::default(),
            after: Vec::new(),
        }
    }
}

/// Which instances are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Select {
    /// All that are not what the release says: another image, run otherwise, compromised, failed. The number of instances
    /// is brought to the release's, too.
    #[default]
    Drifted,
    /// Those with these ids, drifted or not, and nothing else: the number of instances stays.
    Named(Vec<String>),
    /// Of those that drifted, all but the ones with these ids. The number of instances is brought to the release's, too.
    Except(Vec<String>),
    /// Those that are compromised or failed, and nothing else: the number of instances stays.
    Broken,
}

/// In which zones instances are launched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Spread {
    /// A replacement in the zone of what it replaces; further ones where there are fewest.
    #[default]
    Keep,
    /// Replacements move from the fullest zones to the emptiest until all are as full as one another. What is not replaced
    /// stays where it is.
    Even,
}

/// What becomes of a compromised instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Compromised {
    /// It is retired before all others.
    #[default]
    Replace,
    /// It is taken out of traffic as the budgets allow, and kept to be looked at.
    Quarantine,
    /// It is taken out of traffic at once, whatever the budgets say, and kept. It counts as one that is down already.
    Isolate,
}

/// What is too much. One trips when there are more than it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Breakers {
    /// So many of the fleet are compromised when the plan is made, or found to be while it is executed: somebody has to
    /// approve of what is done. No limit where nothing is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_compromised: Option<Amount>,
    /// So many replacements fail. 0 where nothing is stated: the first that fails stops the rollout.
    pub max_failed: Amount,
}

impl Default for Breakers {
    fn default() -> Self {
        Self { max_compromised: None, max_failed: Amount::ZERO }
    }
}

/// What to do when a rollout fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OnFailure {
    /// Stop, and wait for somebody.
    #[default]
    Pause,
    /// Go back to a release that has succeeded before; pause where there is none, or where this fails, too.
    Rollback,
}

impl Policy {
    /// The same for what puts right what runs, as going back and replacing what is broken do: by the same limits, without the steps
    /// and the gates that a new release has to pass, of everything that is not as it should be, and with a pause where it fails, since
    /// what it brings is what was good.
    #[must_use]
    pub fn repairing(self) -> Self {
        let strategy = match self.strategy {
            Strategy::Canary(_) => Strategy::Rolling,
            Strategy::BlueGreen(_) => Strategy::BlueGreen(BlueGreen::default()),
            other => other,
        };
        Self {
            strategy,
            select: Select::Drifted,
            before: Gate::default(),
            on_failure: OnFailure::Pause,
            ..self
        }
    }

    /// The gates that a rollout by it may come to.
    pub fn gates(&self) -> Vec<&Gate> {
        let of_strategy: Vec<&Gate> = match &self.strategy {
            Strategy::Rolling | Strategy::Recreate => Vec::new(),
            Strategy::Canary(steps) => steps.iter().map(|step| &step.gate).collect(),
            Strategy::BlueGreen(BlueGreen { before_switch, before_retire }) => {
                vec![before_switch, before_retire]
            }
        };
        [&self.before].into_iter().chain(of_strategy).collect()
    }

    /// The same for this service only.
    #[must_use]
    pub fn with_service(self, service: impl Into<String>) -> Self {
        Self { service: Some(service.into()), ..self }
    }

    /// The same with this strategy.
    #[must_use]
    pub fn with_strategy(self, strategy: Strategy) -> Self {
        Self { strategy, ..self }
    }

    /// The same with one more budget.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
        self
    }

    /// The same with one more preference, after those that there are.
    #[must_use]
    pub fn with_preference(mut self, preference: Preference) -> Self {
        self.order.push(preference);
        self
    }

    /// The same replacing these.
    #[must_use]
    pub fn with_select(self, select: Select) -> Self {
        Self { select, ..self }
    }

    /// The same, launching so.
    #[must_use]
    pub fn with_spread(self, spread: Spread) -> Self {
        Self { spread, ..self }
    }

    /// The same, launching in these zones.
    #[must_use]
    pub fn with_zones(self, zones: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { zones: zones.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same, dealing so with what is compromised.
    #[must_use]
    pub fn with_compromised(self, compromised: Compromised) -> Self {
        Self { compromised, ..self }
    }

    /// The same with this time until a ready instance counts.
    #[must_use]
    pub fn with_min_ready_seconds(self, seconds: u64) -> Self {
        Self { min_ready_seconds: seconds, ..self }
    }

    /// The same with this time until a new instance has failed.
    #[must_use]
    pub fn with_progress_deadline_seconds(self, seconds: u64) -> Self {
        Self { progress_deadline_seconds: seconds, ..self }
    }

    /// The same with so many attempts at a launch.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// The same with one more window in which work may begin.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        self.windows.push(window);
        self
    }

    /// The same with these breakers.
    #[must_use]
    pub fn with_breakers(self, breakers: Breakers) -> Self {
        Self { breakers, ..self }
    }

    /// The same, doing this on failure.
    #[must_use]
    pub fn with_on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }

    /// The same with this gate before anything is done.
    #[must_use]
    pub fn with_before(self, gate: Gate) -> Self {
        Self { before: gate, ..self }
    }

    /// The same, after this service.
    #[must_use]
    pub fn with_after(mut self, service: impl Into<String>) -> Self {
        self.after.push(service.into());
        self
    }
}

impl Document for Policy {
    const KIND: &'static str = "policy";

    fn validate(&self) -> Result<(), String> {
        if self.attempts == 0 {
            return Err("`attempts` is 0: nothing would ever be launched".into());
        }
        for gate in self.gates() {
            for (what, name) in [("approval", &gate.approval), ("analysis", &gate.analysis)] {
                if name.as_ref().is_some_and(String::is_empty) {
                    return Err(format!("a gate's `{what}` has no name"));
                }
            }
        }
        let Strategy::Canary(steps) = &self.strategy else { return Ok(()) };
        if steps.is_empty() {
            return Err("a canary without steps is a rolling replacement: write `rolling`".into());
        }
        match steps.iter().position(|step| step.weight.is_some_and(|weight| weight > 100)) {
            Some(position) => Err(format!("step {} sends more than 100 % of the traffic", position + 1)),
            None => Ok(()),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
