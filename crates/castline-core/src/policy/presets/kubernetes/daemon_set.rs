use crate::{
    Result,
    policy::{
        Amount, Budget, Policy,
        presets::{IntOrPercent, Written, invalid},
    },
};

/// A `DaemonSet`'s rolling update (`apps/v1`, `spec.updateStrategy.rollingUpdate`).
///
/// Both numbers are rounded *up*, shares are of the nodes that should run a pod, and only one of them may be more than 0
/// (`pkg/controller/daemon/util/daemonset_util.go`, `UnavailableCount`, `SurgeCount`;
/// `pkg/apis/apps/validation/validation.go`, `ValidateRollingUpdateDaemonSet`).
///
/// A surging pod runs beside the old one on the same node: give instances their node as zone, and no slot, which two never
/// share.
///
/// ```
/// use castline_core::policy::{Amount, presets::kubernetes::DaemonSet};
///
/// let budget = DaemonSet::unavailable("10%")?.budget();
/// assert_eq!(budget.max_unavailable, Some(Amount::percent_up(10)));
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DaemonSet {
    max_unavailable: IntOrPercent,
    max_surge: IntOrPercent,
    min_ready_seconds: u64,
}

impl DaemonSet {
    /// With the API's defaults: one may be unavailable, no surge.
    pub const fn api_default() -> Self {
        Self { max_unavailable: IntOrPercent::Int(1), max_surge: IntOrPercent::Int(0), min_ready_seconds: 0 }
    }

    /// With this `maxUnavailable`, and a `maxSurge` of 0.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn unavailable(max_unavailable: impl Written) -> Result<Self> {
        Self::new(max_unavailable, 0)
    }

    /// With this `maxSurge`, and a `maxUnavailable` of 0.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn surge(max_surge: impl Written) -> Result<Self> {
        Self::new(0, max_surge)
    }

    /// With this `maxUnavailable` and `maxSurge`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says, and [`Error::InvalidDocument`](crate::Error::InvalidDocument) unless exactly one is
    /// more than 0, and neither more than 100 %.
    pub fn new(max_unavailable: impl Written, max_surge: impl Written) -> Result<Self> {
        let (max_unavailable, max_surge) = (max_unavailable.read()?, max_surge.read()?);
        let too_much = |value| matches!(value, IntOrPercent::Percent(101..));
        if too_much(max_unavailable) || too_much(max_surge) {
            return Err(invalid("DaemonSet", "more than 100 % of the nodes are stated"));
        }
        match (max_unavailable.is_zero(), max_surge.is_zero()) {
            (true, true) => Err(invalid("DaemonSet", "`maxUnavailable` and `maxSurge` are both 0")),
            (false, false) => {
                Err(invalid("DaemonSet", "only one of `maxUnavailable` and `maxSurge` may be above 0"))
            }
            _ => Ok(Self { max_unavailable, max_surge, min_ready_seconds: 0 }),
        }
    }

    /// The same with this `minReadySeconds`.
    #[must_use]
    pub const fn with_min_ready_seconds(self, seconds: u32) -> Self {
        Self { min_ready_seconds: seconds as u64, ..self }
    }

    /// Its budget.
    pub fn budget(&self) -> Budget {
        let zero_or = |value: IntOrPercent| if value.is_zero() { Amount::ZERO } else { value.up() };
        Budget::fleet(zero_or(self.max_unavailable), zero_or(self.max_surge))
    }

    /// Its policy.
    pub fn policy(&self) -> Policy {
        Policy::default().with_budget(self.budget()).with_min_ready_seconds(self.min_ready_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_rounded_up() {
        // Of 5 and 100 nodes, as in `TestGetUnavailableNumbers` and `TestSurgeCount`-like tables upstream.
        for (set, nodes, expected) in [
            (DaemonSet::api_default(), 100, (1, 0)),
            (DaemonSet::unavailable("25%").expect("a set"), 10, (3, 0)),
            (DaemonSet::unavailable("50%").expect("a set"), 5, (3, 0)),
            (DaemonSet::unavailable("1%").expect("a set"), 1, (1, 0)),
            (DaemonSet::unavailable(4).expect("a set"), 2, (4, 0)),
            (DaemonSet::surge("25%").expect("a set"), 10, (0, 3)),
            (DaemonSet::surge("1%").expect("a set"), 0, (0, 0)),
        ] {
            let budget = set.budget();
            let of = |amount: Option<Amount>| amount.expect("stated").of(nodes);
            assert_eq!((of(budget.max_unavailable), of(budget.max_surge)), expected, "{set:?} of {nodes}");
        }
    }

    #[test]
    fn exactly_one_is_above_0() {
        for (unavailable, surge, fine) in [
            ("1", "0", true),
            ("0", "1", true),
            ("10%", "0%", true),
            ("0", "0", false),
            ("0%", "0", false),
            ("1", "1", false),
            ("1%", "1%", false),
            ("101%", "0", false),
            ("0", "101%", false),
        ] {
            assert_eq!(DaemonSet::new(unavailable, surge).is_ok(), fine, "{unavailable}, {surge}");
        }
    }
}
