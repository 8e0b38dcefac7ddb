//! EC2 Auto Scaling: instance refreshes.

use super::invalid;
use crate::{
    Result,
    policy::{Amount, Budget, Gate, OnFailure, Policy, Step, Strategy},
};

/// The preferences of an instance refresh (Amazon EC2 Auto Scaling, API reference, `RefreshPreferences`).
///
/// What stays healthy is a share of the desired capacity, rounded *up*; the most there may be is one rounded down, which never is more
/// than it says. At 100 % an instance is launched first, one at a time where the maximum is 100 %, too. Whatever the shares come
/// to, one at a time is replaced: a group of one with a minimum below 100 % has an outage. These depend on the
/// desired capacity, so a budget is made for one.
///
/// Like castline, and unlike a refresh that does not skip what matches, the policy leaves alone what is on the release already. For
/// all of them, add [`Select::Named`](crate::policy::Select::Named) with their ids.
///
/// ```
/// use castline_core::policy::{Amount, Budget, presets::aws::InstanceRefresh};
///
/// let refresh = InstanceRefresh::api_default().with_min_healthy(80)?.with_checkpoints([20, 50, 100])?;
/// assert_eq!(refresh.budget(10), Budget::fleet(Amount::Count(2), Amount::ZERO));
/// let policy = refresh.policy(10)?;
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InstanceRefresh {
    min_healthy: u32,
    max_healthy: u32,
    warmup_seconds: u64,
    checkpoints: Vec<u32>,
    checkpoint_delay_seconds: u64,
    auto_rollback: bool,
}

const WHAT: &str = "instance refresh";

impl InstanceRefresh {
    /// With the API's defaults: 90 % stay healthy, no more than 100 %, no checkpoint, an hour's wait at those that are added,
    /// no rollback.
    pub const fn api_default() -> Self {
        Self {
            min_healthy: 90,
            max_healthy: 100,
            warmup_seconds: 0,
            checkpoints: Vec::new(),
            checkpoint_delay_seconds: 3600,
            auto_rollback: false,
        }
    }

    /// The same with this `MinHealthyPercentage`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for more than 100.
    pub fn with_min_healthy(self, percent: u32) -> Result<Self> {
        if percent > 100 {
            return Err(invalid(WHAT, "`MinHealthyPercentage` is not from 0 to 100"));
        }
        Ok(Self { min_healthy: percent, ..self })
    }

    /// The same with this `MaxHealthyPercentage`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for what is not from 100 to 200.
    pub fn with_max_healthy(self, percent: u32) -> Result<Self> {
        if !(100..=200).contains(&percent) {
            return Err(invalid(WHAT, "`MaxHealthyPercentage` is not from 100 to 200"));
        }
        Ok(Self { max_healthy: percent, ..self })
    }

    /// The same with this `InstanceWarmup`.
    #[must_use]
    pub fn with_warmup_seconds(self, seconds: u32) -> Self {
        Self { warmup_seconds: seconds.into(), ..self }
    }

    /// The same with these `CheckpointPercentages`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for percentages that are not from 1 to 100 and ascending, and for
    /// a last one below 100: such a refresh ends there, successful, with a part of the group as it was. castline finishes
    /// what it begins. End in 100, and let somebody approve of the rest with a gate.
    pub fn with_checkpoints(self, percentages: impl IntoIterator<Item = u32>) -> Result<Self> {
        let checkpoints: Vec<u32> = percentages.into_iter().collect();
        let ascend = checkpoints.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascend || checkpoints.iter().any(|percent| !(1..=100).contains(percent)) {
            return Err(invalid(WHAT, "`CheckpointPercentages` do not ascend from 1 to 100"));
        }
        match checkpoints.last() {
            Some(0..=99) => Err(invalid(
                WHAT,
                "a last checkpoint below 100 leaves a part of the group as it was; end in 100",
            )),
            _ => Ok(Self { checkpoints, ..self }),
        }
    }

    /// The same with this `CheckpointDelay`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for more than 48 hours.
    pub fn with_checkpoint_delay_seconds(self, seconds: u32) -> Result<Self> {
        if seconds > 172_800 {
            return Err(invalid(WHAT, "`CheckpointDelay` is more than 172800"));
        }
        Ok(Self { checkpoint_delay_seconds: seconds.into(), ..self })
    }

    /// The same with `AutoRollback`. castline goes back to a release that has succeeded before, so that EC2's conditions (a
    /// desired configuration, no `$Latest`, `$Default` or parameter for an image) are met by what a release is.
    #[must_use]
    pub fn with_auto_rollback(self) -> Self {
        Self { auto_rollback: true, ..self }
    }

    /// Its budget for this desired capacity, in counts.
    pub fn budget(&self, desired: u64) -> Budget {
        let kept = Amount::percent_up(self.min_healthy).of(desired);
        let above = Amount::percent_down(self.max_healthy.saturating_sub(100)).of(desired);
        let (unavailable, surge) = match (desired.saturating_sub(kept), above) {
            (0, 0) if self.min_healthy == 100 => (0, 1),
            (0, 0) => (1, 0),
            other => other,
        };
        Budget::fleet(Amount::Count(unavailable.min(desired)), Amount::Count(surge.min(desired)))
    }

    /// Its policy for this desired capacity. A checkpoint is reached when at least its share is new; the wait at 100 %, after
    /// which nothing comes, is left out. An instance has an hour to get in service, after which a refresh fails.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) where the two shares are more than 100 apart.
    pub fn policy(&self, desired: u64) -> Result<Policy> {
        if self.max_healthy - self.min_healthy > 100 {
            return Err(invalid(WHAT, "the healthy percentages are more than 100 apart"));
        }
        let policy = Policy::default()
            .with_budget(self.budget(desired))
            .with_min_ready_seconds(self.warmup_seconds)
            .with_progress_deadline_seconds(self.warmup_seconds + 3600)
            .with_on_failure(if self.auto_rollback { OnFailure::Rollback } else { OnFailure::Pause });
        let step = |percent: &u32| {
            let gate =
                if *percent == 100 { Gate::default() } else { Gate::bake(self.checkpoint_delay_seconds) };
            Step { amount: Amount::percent_up(*percent), weight: None, gate }
        };
        Ok(match self.checkpoints.as_slice() {
            [] | [100] => policy,
            checkpoints => policy.with_strategy(Strategy::Canary(checkpoints.iter().map(step).collect())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refresh(least: u32, most: u32) -> InstanceRefresh {
        let refresh = InstanceRefresh::api_default().with_min_healthy(least).expect("a minimum");
        refresh.with_max_healthy(most).expect("a maximum")
    }

    #[test]
    fn what_stays_healthy_is_rounded_up_and_one_is_always_replaced() {
        for (least, most, desired, expected) in [
            // The user guide's example for checkpoints: 10 instances, 80 % to 100 %, two at a time.
            (80, 100, 10, (2, 0)),
            (90, 100, 10, (1, 0)),
            (90, 100, 15, (1, 0)),
            (90, 100, 25, (2, 0)),
            (90, 100, 5, (1, 0)),
            (90, 100, 1, (1, 0)),
            (100, 100, 10, (0, 1)),
            (100, 100, 1, (0, 1)),
            (100, 110, 10, (0, 1)),
            (100, 150, 10, (0, 5)),
            (100, 200, 4, (0, 4)),
            (100, 105, 10, (0, 1)),
            (90, 110, 10, (1, 1)),
            (0, 100, 10, (10, 0)),
            (0, 100, 0, (0, 0)),
        ] {
            let (unavailable, surge) = expected;
            let budget = Budget::fleet(Amount::Count(unavailable), Amount::Count(surge));
            assert_eq!(refresh(least, most).budget(desired), budget, "{least}-{most} % of {desired}");
        }
    }

    #[test]
    fn checkpoints_are_steps_of_a_canary() {
        let refresh = InstanceRefresh::api_default().with_checkpoints([20, 50, 100]).expect("checkpoints");
        let Strategy::Canary(steps) = refresh.policy(10).expect("a policy").strategy else {
            panic!("no canary");
        };
        let told: Vec<_> = steps.iter().map(|step| (step.amount.of(9), step.gate.bake_seconds)).collect();
        assert_eq!(told, [(2, 3600), (5, 3600), (9, 0)]);
        let plain = InstanceRefresh::api_default().with_checkpoints([100]).expect("checkpoints");
        assert_eq!(plain.policy(10).expect("a policy").strategy, Strategy::Rolling);
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        let refresh_default = InstanceRefresh::api_default;
        assert!(refresh_default().with_min_healthy(101).is_err());
        assert!(refresh_default().with_max_healthy(99).is_err());
        assert!(refresh_default().with_max_healthy(201).is_err());
        assert!(refresh_default().with_checkpoint_delay_seconds(172_801).is_err());
        for checkpoints in [&[50, 20, 100][..], &[20, 20, 100], &[0, 100], &[20, 101], &[20, 50]] {
            assert!(
                refresh_default().with_checkpoints(checkpoints.iter().copied()).is_err(),
                "{checkpoints:?}"
            );
        }
        for (least, most, fine) in
            [(90, 190, true), (90, 191, false), (0, 100, true), (0, 101, false), (100, 200, true)]
        {
            assert_eq!(refresh(least, most).policy(10).is_ok(), fine, "{least}-{most}");
        }
    }
}
