use crate::{
    Fleet, Result,
    fleet::Instance,
    policy::{
        Amount, Budget, Policy, Preference, Scope, Select,
        presets::{IntOrPercent, Written, invalid},
    },
};

/// A `StatefulSet`'s rolling update (`apps/v1`, `spec.updateStrategy.rollingUpdate`).
///
/// What may be unavailable is rounded *down* and is at least one; ordinals below the partition stay as they are; the highest
/// goes first; there is no surge, since two pods cannot share an ordinal (`pkg/controller/statefulset/stateful_set_control.go`,
/// `getStatefulSetMaxUnavailable`, `updateStatefulSet`). An instance's ordinal is the number that its slot ends in.
///
/// With `OrderedReady`, what is under way at once is held to the same number, broken pods included. With `Parallel`, replacing
/// what is down costs nothing, as in Kubernetes since kubernetes#137409. In one thing castline differs: below the partition,
/// Kubernetes makes a lost pod anew in its old revision; castline knows one release, and would launch that.
///
/// ```
/// use castline_core::{Fleet, Instance, policy::{Select, presets::kubernetes::StatefulSet}};
///
/// let pods = (0..3).map(|ordinal| Instance::new(format!("db-{ordinal}")).with_slot(format!("db-{ordinal}")));
/// let policy = StatefulSet::api_default().with_partition(2).policy(&Fleet::new("db", pods)?, 3)?;
/// assert_eq!(policy.select, Select::Except(vec!["db-0".into(), "db-1".into()]));
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatefulSet {
    max_unavailable: IntOrPercent,
    partition: u64,
    start: u64,
    min_ready_seconds: u64,
    parallel: bool,
}

impl StatefulSet {
    /// With the API's defaults: one at a time, no partition, `OrderedReady`.
    pub const fn api_default() -> Self {
        Self {
            max_unavailable: IntOrPercent::Int(1),
            partition: 0,
            start: 0,
            min_ready_seconds: 0,
            parallel: false,
        }
    }

    /// The same with this `maxUnavailable`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says, and [`Error::InvalidDocument`](crate::Error::InvalidDocument) for 0 and for more than
    /// 100 %.
    pub fn with_max_unavailable(self, amount: impl Written) -> Result<Self> {
        let max_unavailable = amount.read()?;
        if max_unavailable.is_zero() || matches!(max_unavailable, IntOrPercent::Percent(101..)) {
            return Err(invalid("StatefulSet", "`maxUnavailable` is 0, or more than 100 %"));
        }
        Ok(Self { max_unavailable, ..self })
    }

    /// The same with this `partition`: so many of the lowest ordinals stay as they are.
    #[must_use]
    pub const fn with_partition(self, partition: u32) -> Self {
        Self { partition: partition as u64, ..self }
    }

    /// The same with this `spec.ordinals.start`, from which the partition counts.
    #[must_use]
    pub const fn with_start(self, start: u32) -> Self {
        Self { start: start as u64, ..self }
    }

    /// The same with this `minReadySeconds`.
    #[must_use]
    pub const fn with_min_ready_seconds(self, seconds: u32) -> Self {
        Self { min_ready_seconds: seconds as u64, ..self }
    }

    /// The same with the `podManagementPolicy` `Parallel`.
    #[must_use]
    pub const fn with_parallel(self) -> Self {
        Self { parallel: true, ..self }
    }

    /// How many of so many replicas may be unavailable.
    pub fn resolve(&self, replicas: u64) -> u64 {
        self.max_unavailable.down().of(replicas).max(1)
    }

    /// Its policy for this fleet and so many replicas.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) where there is a partition, and an instance whose slot ends in no
    /// number.
    pub fn policy(&self, fleet: &Fleet, replicas: u64) -> Result<Policy> {
        let amount = Amount::Count(self.resolve(replicas));
        let mut policy = Policy::default()
            .with_budget(Budget::fleet(amount, Amount::ZERO))
            .with_preference(Preference::HighestSlot)
            .with_min_ready_seconds(self.min_ready_seconds);
        if !self.parallel {
            policy = policy.with_budget(Budget::in_flight(Scope::Fleet, amount));
        }
        let mut kept = Vec::new();
        for instance in fleet.instances().iter().filter(|_| self.partition > 0) {
            let ordinal = ordinal(instance).ok_or_else(|| {
                invalid("StatefulSet", &format!("the slot of `{}` ends in no number", instance.id))
            })?;
            if ordinal < self.start.saturating_add(self.partition) {
                kept.push(instance.id.to_string());
            }
        }
        Ok(if kept.is_empty() { policy } else { policy.with_select(Select::Except(kept)) })
    }
}

/// The number that its slot ends in.
fn ordinal(instance: &Instance) -> Option<u64> {
    let slot = instance.slot.as_deref()?;
    let digits = slot.bytes().rev().take_while(u8::is_ascii_digit).count();
    slot[slot.len() - digits..].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(ordinals: std::ops::Range<u64>) -> Fleet {
        let pod =
            |ordinal| Instance::new(format!("uid-{}", 99 - ordinal)).with_slot(format!("db2-{ordinal}"));
        Fleet::new("db", ordinals.map(pod)).expect("a fleet")
    }

    #[test]
    fn at_least_one_may_be_unavailable() {
        for (amount, replicas, expected) in [
            ("1", 10, 1),
            ("25%", 10, 2),
            ("25%", 3, 1),
            ("1%", 10, 1),
            ("100%", 3, 3),
            ("33%", 9, 2),
            ("3", 2, 3),
        ] {
            let set = StatefulSet::api_default().with_max_unavailable(amount).expect(amount);
            assert_eq!(set.resolve(replicas), expected, "{amount} of {replicas}");
        }
        assert_eq!(StatefulSet::api_default().resolve(5), 1);
        for amount in ["0", "0%", "101%"] {
            assert!(StatefulSet::api_default().with_max_unavailable(amount).is_err(), "{amount}");
        }
    }

    #[test]
    fn ordinals_below_the_partition_are_kept() {
        for (ordinals, start, partition, kept) in [
            (0..3, 0, 0, &[][..]),
            (0..3, 0, 1, &["uid-99"]),
            (0..3, 0, 3, &["uid-97", "uid-98", "uid-99"]),
            (0..3, 0, 9, &["uid-97", "uid-98", "uid-99"]),
            (5..8, 5, 1, &["uid-94"]),
            (9..12, 0, 11, &["uid-89", "uid-90"]),
        ] {
            let set = StatefulSet::api_default().with_partition(partition).with_start(start);
            let policy = set.policy(&fleet(ordinals.clone()), 3).expect("a policy");
            let expected = match kept {
                [] => Select::Drifted,
                kept => Select::Except(kept.iter().map(ToString::to_string).collect()),
            };
            assert_eq!(policy.select, expected, "partition {partition} of {ordinals:?}");
            assert_eq!(policy.order, [Preference::HighestSlot]);
        }
    }

    #[test]
    fn only_an_ordered_set_holds_back_what_is_broken() {
        let set = StatefulSet::api_default();
        let budgets = |set: &StatefulSet| set.policy(&fleet(0..3), 3).expect("a policy").budgets;
        assert_eq!(budgets(&set).len(), 2);
        assert_eq!(budgets(&set.with_parallel()), [Budget::fleet(Amount::Count(1), Amount::ZERO)]);
    }

    #[test]
    fn a_partition_needs_ordinals() {
        let fleet =
            Fleet::new("db", [Instance::new("a"), Instance::new("b").with_slot("left")]).expect("a fleet");
        assert!(StatefulSet::api_default().policy(&fleet, 2).is_ok());
        assert!(StatefulSet::api_default().with_partition(1).policy(&fleet, 2).is_err());
    }
}
