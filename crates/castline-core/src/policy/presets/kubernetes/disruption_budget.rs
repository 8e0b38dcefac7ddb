use crate::{
    Result,
    policy::{
        Budget, Scope,
        presets::{IntOrPercent, Written},
    },
};

/// A `PodDisruptionBudget` (`policy/v1`): a floor under what disruptions leave available.
///
/// Shares are rounded *up*, those of `maxUnavailable` as well as those of `minAvailable`, and are of the number that
/// the pods' controllers ask for (`pkg/controller/disruption/disruption.go`, `getExpectedPodCount`, `updatePdbStatus`).
///
/// Kubernetes lets rollouts pass such a budget by (kubernetes#91808) and applies it to evictions; castline holds it in
/// whatever it does. A scope of [`Scope::Services`] puts one floor under several services.
///
/// ```
/// use castline_core::policy::{Scope, presets::kubernetes::PodDisruptionBudget};
///
/// let pdb = PodDisruptionBudget::max_unavailable("30%")?;
/// assert_eq!(pdb.disruptions_allowed(7, 7), 3);
/// let floor = pdb.budget(Scope::Fleet).with_name("pdb web");
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PodDisruptionBudget {
    /// How many stay available.
    MinAvailable(IntOrPercent),
    /// How many may be unavailable.
    MaxUnavailable(IntOrPercent),
}

impl PodDisruptionBudget {
    /// With this `minAvailable`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says.
    pub fn min_available(amount: impl Written) -> Result<Self> {
        amount.read().map(Self::MinAvailable)
    }

    /// With this `maxUnavailable`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says.
    pub fn max_unavailable(amount: impl Written) -> Result<Self> {
        amount.read().map(Self::MaxUnavailable)
    }

    /// How many must be healthy of `expected`.
    pub fn desired_healthy(self, expected: u64) -> u64 {
        match self {
            Self::MinAvailable(amount) => amount.up().of(expected),
            Self::MaxUnavailable(amount) => expected.saturating_sub(amount.up().of(expected)),
        }
    }

    /// How many may be disrupted now: `status.disruptionsAllowed`. None where none are expected.
    pub fn disruptions_allowed(self, expected: u64, healthy: u64) -> u64 {
        if expected == 0 { 0 } else { healthy.saturating_sub(self.desired_healthy(expected)) }
    }

    /// The floor in this scope. It says nothing of how many more there may be: put it beside a budget that does.
    pub fn budget(self, scope: Scope) -> Budget {
        match self {
            Self::MinAvailable(amount) => Budget::floor(scope, amount.up()),
            Self::MaxUnavailable(amount) => {
                Budget { scope, max_unavailable: Some(amount.up()), ..Budget::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_what_the_controller_allows() {
        // The 30 % of 7 pods are the documentation's example ("Rounding logic when specifying percentages").
        for (max_unavailable, amount, expected, healthy, allowed) in [
            (true, "30%", 7, 7, 3),
            (true, "50%", 7, 7, 4),
            (false, "50%", 7, 7, 3),
            (false, "28%", 10, 10, 7),
            (false, "100%", 3, 3, 0),
            (false, "2", 3, 3, 1),
            (false, "2", 3, 2, 0),
            (false, "5", 3, 3, 0),
            (false, "0", 3, 3, 3),
            (false, "0", 0, 0, 0),
            (false, "0", 0, 3, 0),
            (true, "1", 5, 5, 1),
            (true, "1", 5, 4, 0),
            (true, "10", 5, 5, 5),
            (true, "0", 5, 5, 0),
            (true, "0%", 5, 5, 0),
            (true, "100%", 5, 2, 2),
        ] {
            let pdb = if max_unavailable {
                PodDisruptionBudget::max_unavailable(amount)
            } else {
                PodDisruptionBudget::min_available(amount)
            }
            .expect(amount);
            assert_eq!(
                pdb.disruptions_allowed(expected, healthy),
                allowed,
                "{pdb:?}: {healthy} of {expected}"
            );
            let budget = pdb.budget(Scope::Fleet);
            let floor = match (budget.min_available, budget.max_unavailable) {
                (Some(floor), None) => floor.of(expected),
                (None, Some(below)) => expected.saturating_sub(below.of(expected)),
                other => panic!("{other:?}"),
            };
            assert_eq!(floor, pdb.desired_healthy(expected));
            assert_eq!(budget.max_surge, None);
        }
    }
}
