//! Swarm: a service's `update_config`.

use super::invalid;
use crate::{
    Result,
    policy::{Amount, Breakers, Budget, OnFailure, Policy, Scope},
};

/// A service's `update_config`.
///
/// An update fails once the failures among its own tasks, within `monitor` of their start, are *more* than `max_failure_ratio`
/// of the tasks that it updates, compared in 32-bit floating point (swarmkit, `manager/orchestrator/update/updater.go`,
/// `Run`).
///
/// ```
/// use castline_core::policy::{Amount, presets::swarm::{Order, UpdateConfig}};
///
/// let config = UpdateConfig::api_default().with_order(Order::StartFirst).with_max_failure_ratio(0.25)?;
/// assert!(!config.fails(2, 8) && config.fails(3, 8));
/// assert_eq!(config.policy(8).breakers.max_failed, Amount::Count(2));
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateConfig {
    parallelism: u64,
    delay_seconds: u64,
    monitor_seconds: u64,
    max_failure_ratio: f32,
    failure_action: FailureAction,
    order: Order,
}

/// What an update that fails does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailureAction {
    /// It stops, and waits.
    #[default]
    Pause,
    /// It goes on.
    Continue,
    /// It goes back to the service's earlier definition; a rollback is never rolled back.
    Rollback,
}

/// Which task is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The old one is stopped before the new one is started.
    #[default]
    StopFirst,
    /// The new one runs before the old one is stopped.
    StartFirst,
}

impl UpdateConfig {
    /// With swarmkit's defaults: one at a time, no delay, watched for five seconds, no failure tolerated, paused on failure,
    /// the old task stopped first (`api/defaults/service.go`).
    pub const fn api_default() -> Self {
        Self {
            parallelism: 1,
            delay_seconds: 0,
            monitor_seconds: 5,
            max_failure_ratio: 0.0,
            failure_action: FailureAction::Pause,
            order: Order::StopFirst,
        }
    }

    /// The same with this `parallelism`; 0 is all at once.
    #[must_use]
    pub const fn with_parallelism(self, tasks: u32) -> Self {
        Self { parallelism: tasks as u64, ..self }
    }

    /// The same with this `delay` after each task.
    #[must_use]
    pub const fn with_delay_seconds(self, seconds: u32) -> Self {
        Self { delay_seconds: seconds as u64, ..self }
    }

    /// The same with this `monitor`.
    #[must_use]
    pub const fn with_monitor_seconds(self, seconds: u32) -> Self {
        Self { monitor_seconds: seconds as u64, ..self }
    }

    /// The same with this `max_failure_ratio`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for what is not from 0 to 1.
    pub fn with_max_failure_ratio(self, ratio: f32) -> Result<Self> {
        if (0.0..=1.0).contains(&ratio) {
            Ok(Self { max_failure_ratio: ratio, ..self })
        } else {
            Err(invalid("update_config", "`max_failure_ratio` is not from 0 to 1"))
        }
    }

    /// The same with this `failure_action`.
    #[must_use]
    pub const fn with_failure_action(self, action: FailureAction) -> Self {
        Self { failure_action: action, ..self }
    }

    /// The same with this `order`.
    #[must_use]
    pub const fn with_order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Whether an update of so many tasks has failed after so many failures.
    #[expect(clippy::cast_precision_loss, reason = "as swarmkit computes it")]
    pub fn fails(&self, failures: u64, updated: u64) -> bool {
        self.failure_action != FailureAction::Continue
            && updated > 0
            && failures as f32 / updated as f32 > self.max_failure_ratio
    }

    /// How long an update is watched after its last task.
    pub const fn final_watch_seconds(&self) -> u64 {
        let delay = self.delay_seconds + 1;
        if self.monitor_seconds > delay { self.monitor_seconds } else { delay }
    }

    /// The most failures that an update of so many tasks survives: exact, as a count. A share would round it.
    pub fn max_failed(&self, updated: u64) -> u64 {
        let (mut survived, mut failed) = (0, updated);
        if !self.fails(updated, updated) {
            return updated;
        }
        while survived + 1 < failed {
            let middle = survived + (failed - survived) / 2;
            if self.fails(middle, updated) {
                failed = middle;
            } else {
                survived = middle;
            }
        }
        survived
    }

    /// Its policy for an update of so many tasks: those that will be replaced.
    ///
    /// A new task counts as available once it has run for `monitor` and `delay`, whichever is longer, and its place is free for the
    /// next one then. Swarm frees it after `delay` alone, so that castline is slower where `monitor` is longer, and has
    /// seen every failure that counts before it goes on.
    pub fn policy(&self, updated: u64) -> Policy {
        let at_once = if self.parallelism == 0 { Amount::ALL } else { Amount::Count(self.parallelism) };
        let budget = match self.order {
            Order::StopFirst => Budget::fleet(at_once, Amount::ZERO),
            Order::StartFirst => Budget::fleet(Amount::ZERO, at_once),
        };
        let breakers =
            Breakers { max_failed: Amount::Count(self.max_failed(updated)), ..Breakers::default() };
        let on_failure = match self.failure_action {
            FailureAction::Rollback => OnFailure::Rollback,
            FailureAction::Pause | FailureAction::Continue => OnFailure::Pause,
        };
        Policy::default()
            .with_budget(budget)
            .with_budget(Budget::in_flight(Scope::Fleet, at_once))
            .with_min_ready_seconds(self.monitor_seconds.max(self.delay_seconds))
            .with_breakers(breakers)
            .with_on_failure(on_failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(ratio: f32) -> UpdateConfig {
        UpdateConfig::api_default().with_max_failure_ratio(ratio).expect("a ratio")
    }

    #[test]
    fn more_than_the_ratio_fails_and_the_ratio_does_not() {
        for (ratio, failures, updated, fails) in [
            (0.0, 0, 5, false),
            (0.0, 1, 5, true),
            (0.25, 1, 4, false),
            (0.25, 2, 4, true),
            (0.25, 1, 3, true),
            (0.5, 2, 4, false),
            (1.0, 4, 4, false),
            (0.0, 0, 0, false),
            // 3/10 and 0.3 are the same number in 32 bits, and would not be in 64.
            (0.3, 3, 10, false),
            (0.3, 4, 10, true),
        ] {
            assert_eq!(config(ratio).fails(failures, updated), fails, "{failures} of {updated} at {ratio}");
        }
        let goes_on = config(0.0).with_failure_action(FailureAction::Continue);
        assert!(!goes_on.fails(5, 5));
        assert_eq!(goes_on.max_failed(5), 5);
    }

    #[test]
    fn a_breaker_trips_just_where_the_update_fails() {
        for hundredths in 0_u8..=100 {
            let config = config(f32::from(hundredths) / 100.0);
            for updated in 0..60 {
                let most = config.max_failed(updated);
                for failures in 0..=updated {
                    assert_eq!(failures > most, config.fails(failures, updated));
                }
            }
        }
    }

    #[test]
    fn the_order_says_what_the_budget_allows() {
        let (three, none) = (Amount::Count(3), Amount::ZERO);
        for (order, parallelism, budget) in [
            (Order::StopFirst, 3, Budget::fleet(three, none)),
            (Order::StartFirst, 3, Budget::fleet(none, three)),
            (Order::StopFirst, 0, Budget::fleet(Amount::ALL, none)),
            (Order::StartFirst, 0, Budget::fleet(none, Amount::ALL)),
        ] {
            let config = UpdateConfig::api_default().with_order(order).with_parallelism(parallelism);
            assert_eq!(config.policy(9).budgets[0], budget);
        }
    }

    #[test]
    fn an_update_is_watched_for_as_long_as_it_takes() {
        for (monitor, delay, watch, ready) in
            [(5, 0, 5, 5), (5, 4, 5, 5), (5, 5, 6, 5), (0, 0, 1, 0), (5, 60, 61, 60)]
        {
            let config = UpdateConfig::api_default().with_monitor_seconds(monitor).with_delay_seconds(delay);
            assert_eq!(config.final_watch_seconds(), watch);
            assert_eq!(config.policy(3).min_ready_seconds, ready);
        }
        for ratio in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(UpdateConfig::api_default().with_max_failure_ratio(ratio).is_err(), "{ratio}");
        }
    }
}
