//! Nomad: a task group's `update` block.

use super::invalid;
use crate::{
    Result,
    policy::{Amount, Budget, Gate, OnFailure, Policy, Scope, Step, Strategy},
};

/// A task group's `update` block.
///
/// While a deployment is under way, Nomad places `max_parallel` less those placed but not healthy yet, and none while any
/// of them is unhealthy, or the deployment is paused, failed, or has canaries that are not promoted
/// (`scheduler/reconciler/reconcile_cluster.go`, `computeUnderProvisionedBy`). An old allocation is stopped before its
/// successor is placed; canaries are placed beside the old ones.
///
/// ```
/// use castline_core::policy::presets::nomad::Update;
///
/// let update = Update::api_default().with_max_parallel(3).with_canary(1);
/// assert_eq!(update.limit(10, 1, false, false), 2);
/// let policy = update.policy(10)?;
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Update {
    max_parallel: u64,
    canary: u64,
    auto_promote: bool,
    auto_revert: bool,
    min_healthy_seconds: u64,
    healthy_deadline_seconds: u64,
}

impl Update {
    /// With Nomad's defaults: one at a time, no canary, healthy for 10 s, within five minutes
    /// (`nomad/structs/structs.go`, `DefaultUpdateStrategy`).
    pub const fn api_default() -> Self {
        Self {
            max_parallel: 1,
            canary: 0,
            auto_promote: false,
            auto_revert: false,
            min_healthy_seconds: 10,
            healthy_deadline_seconds: 300,
        }
    }

    /// The same with this `max_parallel`. 0 is no limit, and no deployment.
    #[must_use]
    pub const fn with_max_parallel(self, count: u32) -> Self {
        Self { max_parallel: count as u64, ..self }
    }

    /// The same with this number of canaries.
    #[must_use]
    pub const fn with_canary(self, count: u32) -> Self {
        Self { canary: count as u64, ..self }
    }

    /// The same, promoting canaries once they are all healthy.
    #[must_use]
    pub const fn with_auto_promote(self) -> Self {
        Self { auto_promote: true, ..self }
    }

    /// The same, going back to the last stable version on failure.
    #[must_use]
    pub const fn with_auto_revert(self) -> Self {
        Self { auto_revert: true, ..self }
    }

    /// The same with this `min_healthy_time`.
    #[must_use]
    pub const fn with_min_healthy_seconds(self, seconds: u32) -> Self {
        Self { min_healthy_seconds: seconds as u64, ..self }
    }

    /// The same with this `healthy_deadline`.
    #[must_use]
    pub const fn with_healthy_deadline_seconds(self, seconds: u32) -> Self {
        Self { healthy_deadline_seconds: seconds as u64, ..self }
    }

    /// How many may be placed now, of a group of `count`: so many of the deployment's are not healthy yet, some is unhealthy,
    /// or it is held up: paused, failed, or waiting for its canaries. Lost and drained allocations are placed anew
    /// whatever this says.
    pub const fn limit(&self, count: u64, pending: u64, any_unhealthy: bool, held_up: bool) -> u64 {
        if self.max_parallel == 0 {
            count
        } else if any_unhealthy || held_up {
            0
        } else {
            self.max_parallel.saturating_sub(pending)
        }
    }

    /// Its policy for a group of `count`.
    ///
    /// That any unhealthy one stops it is the breaker's part: the first failure does. Canaries go first, and then somebody promotes
    /// them, unless they promote themselves; time that this takes counts against no deadline, where Nomad's progress deadline
    /// runs on (nomad#7058). There may be as many more as there are canaries; no more than `max_parallel` are under way at
    /// once, canaries included, where Nomad places those all at once.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for what Nomad's own validation refuses: canaries, promoting
    /// or reverting without a deployment (`max_parallel` 0), promoting without canaries, and a deadline that ends before the
    /// time to be healthy.
    pub fn policy(&self, count: u64) -> Result<Policy> {
        let refuse = |rule| Err(invalid("update block", rule));
        if self.max_parallel == 0 && (self.canary > 0 || self.auto_promote || self.auto_revert) {
            return refuse("`max_parallel` 0 makes no deployment to promote or to revert");
        }
        if self.auto_promote && self.canary == 0 {
            return refuse("`auto_promote` promotes canaries, and there are none");
        }
        if self.min_healthy_seconds >= self.healthy_deadline_seconds {
            return refuse("`healthy_deadline` is not longer than `min_healthy_time`");
        }
        let at_once = Amount::Count(if self.max_parallel == 0 { count } else { self.max_parallel });
        let policy = Policy::default()
            .with_budget(Budget::fleet(at_once, Amount::Count(self.canary)))
            .with_budget(Budget::in_flight(Scope::Fleet, at_once))
            .with_min_ready_seconds(self.min_healthy_seconds)
            .with_progress_deadline_seconds(self.healthy_deadline_seconds)
            .with_on_failure(if self.auto_revert { OnFailure::Rollback } else { OnFailure::Pause });
        if self.canary == 0 {
            return Ok(policy);
        }
        let gate = if self.auto_promote { Gate::default() } else { Gate::approval("promote the canaries") };
        let step = Step { amount: Amount::Count(self.canary), weight: None, gate };
        Ok(policy.with_strategy(Strategy::Canary(vec![step])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_placed_is_what_the_scheduler_computes() {
        for (max_parallel, count, pending, unhealthy, held_up, expected) in [
            (3, 10, 0, false, false, 3),
            (3, 10, 1, false, false, 2),
            (3, 10, 3, false, false, 0),
            (3, 10, 5, false, false, 0),
            (3, 10, 0, true, false, 0),
            (3, 10, 0, false, true, 0),
            (0, 10, 4, true, false, 10),
        ] {
            let update = Update::api_default().with_max_parallel(max_parallel);
            assert_eq!(update.limit(count, pending, unhealthy, held_up), expected);
        }
    }

    #[test]
    fn a_policy_replaces_as_many_at_once() {
        let policy = Update::api_default().with_max_parallel(2).policy(10).expect("a policy");
        assert_eq!(policy.budgets[0], Budget::fleet(Amount::Count(2), Amount::ZERO));
        assert_eq!(policy.budgets[1].max_in_flight, Some(Amount::Count(2)));
        assert_eq!((policy.min_ready_seconds, policy.progress_deadline_seconds), (10, 300));
        assert_eq!((policy.strategy, policy.breakers.max_failed), (Strategy::Rolling, Amount::ZERO));
        let all = Update::api_default().with_max_parallel(0).policy(10).expect("a policy");
        assert_eq!(all.budgets[0].max_unavailable, Some(Amount::Count(10)));
    }

    #[test]
    fn canaries_wait_for_their_promotion() {
        let canaries = Update::api_default().with_canary(2);
        for (update, gate) in [
            (canaries.clone(), Gate::approval("promote the canaries")),
            (canaries.with_auto_promote(), Gate::default()),
        ] {
            let policy = update.with_auto_revert().policy(10).expect("a policy");
            let step = Step { amount: Amount::Count(2), weight: None, gate };
            assert_eq!(policy.strategy, Strategy::Canary(vec![step]));
            assert_eq!(policy.on_failure, OnFailure::Rollback);
        }
    }

    #[test]
    fn what_nomad_refuses_is_refused() {
        for update in [
            Update::api_default().with_max_parallel(0).with_canary(1),
            Update::api_default().with_max_parallel(0).with_auto_revert(),
            Update::api_default().with_auto_promote(),
            Update::api_default().with_min_healthy_seconds(300),
        ] {
            assert!(update.policy(3).is_err(), "{update:?}");
        }
    }
}
