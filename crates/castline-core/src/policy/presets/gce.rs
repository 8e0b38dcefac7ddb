//! Compute Engine: managed instance groups.

use super::{IntOrPercent, Written, invalid};
use crate::{
    Result,
    policy::{Amount, Budget, Policy, Strategy},
};

/// The update policy of a managed instance group (Compute Engine API, `InstanceGroupManagerUpdatePolicy`).
///
/// Both numbers are, where they are not stated, that of the group's zones. A regional group's are 0 or at least that of its zones;
/// percentages are for groups of ten and more, and rounded *up*; not both may be 0. With `RECREATE`, which keeps names,
/// there is no surge and something has to be unavailable.
///
/// ```
/// use castline_core::policy::{Amount, Budget, presets::gce::InstanceGroup};
///
/// let group = InstanceGroup::regional(30, 3).with_max_surge("10%")?.with_max_unavailable(0)?;
/// assert_eq!(group.budget()?, Budget::fleet(Amount::Count(0), Amount::Count(3)));
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InstanceGroup {
    size: u64,
    zones: u64,
    max_surge: Option<IntOrPercent>,
    max_unavailable: Option<IntOrPercent>,
    recreate: bool,
    min_ready_seconds: u64,
}

const WHAT: &str = "update policy of an instance group";

impl InstanceGroup {
    /// A group of so many instances in one zone, with the API's defaults.
    pub const fn zonal(size: u64) -> Self {
        Self::regional(size, 1)
    }

    /// A group of so many instances in so many zones, with the API's defaults.
    pub const fn regional(size: u64, zones: u32) -> Self {
        Self {
            size,
            zones: zones as u64,
            max_surge: None,
            max_unavailable: None,
            recreate: false,
            min_ready_seconds: 0,
        }
    }

    /// The same with this `maxSurge`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says.
    pub fn with_max_surge(self, surge: impl Written) -> Result<Self> {
        Ok(Self { max_surge: Some(surge.read()?), ..self })
    }

    /// The same with this `maxUnavailable`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says.
    pub fn with_max_unavailable(self, unavailable: impl Written) -> Result<Self> {
        Ok(Self { max_unavailable: Some(unavailable.read()?), ..self })
    }

    /// The same with the replacement method `RECREATE`: without surge, where none is stated.
    #[must_use]
    pub const fn with_recreate(self) -> Self {
        Self { recreate: true, ..self }
    }

    /// The same with this `minReadySec`.
    #[must_use]
    pub const fn with_min_ready_seconds(self, seconds: u32) -> Self {
        Self { min_ready_seconds: seconds as u64, ..self }
    }

    /// Its budget, in counts.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) where the group breaks one of the rules above.
    pub fn budget(&self) -> Result<Budget> {
        let zones = IntOrPercent::Int(self.zones);
        let above = if self.recreate { IntOrPercent::Int(0) } else { zones };
        let surge = self.count("maxSurge", self.max_surge.unwrap_or(above))?;
        let unavailable = self.count("maxUnavailable", self.max_unavailable.unwrap_or(zones))?;
        match (unavailable, surge) {
            (0, _) if self.recreate => Err(invalid(WHAT, "`RECREATE` needs a `maxUnavailable` above 0")),
            (_, 1..) if self.recreate => {
                Err(invalid(WHAT, "`RECREATE` keeps names, and allows no `maxSurge`"))
            }
            (0, 0) => Err(invalid(WHAT, "`maxSurge` and `maxUnavailable` are both 0")),
            _ => Ok(Budget::fleet(Amount::Count(unavailable), Amount::Count(surge))),
        }
    }

    /// Its policy. `RECREATE` is no [`Strategy::Recreate`], which takes all at once: it replaces as its budget allows, each instance
    /// before its successor.
    ///
    /// # Errors
    ///
    /// As [`Self::budget`].
    pub fn policy(&self) -> Result<Policy> {
        Ok(Policy::default()
            .with_strategy(Strategy::Rolling)
            .with_budget(self.budget()?)
            .with_min_ready_seconds(self.min_ready_seconds))
    }

    fn count(&self, field: &str, value: IntOrPercent) -> Result<u64> {
        let refuse = |rule: String| Err(invalid(WHAT, &rule));
        match value {
            IntOrPercent::Percent(_) if self.size < 10 => {
                refuse(format!("`{field}` is a percentage, which a group of less than 10 cannot have"))
            }
            IntOrPercent::Percent(101..) => refuse(format!("`{field}` is more than 100 %")),
            IntOrPercent::Int(count) if count > 0 && count < self.zones => {
                refuse(format!("`{field}` is neither 0 nor at least the number of zones, {}", self.zones))
            }
            value => Ok(value.up().of(self.size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(group: InstanceGroup, surge: &str, unavailable: &str) -> InstanceGroup {
        let group = if surge.is_empty() { group } else { group.with_max_surge(surge).expect(surge) };
        if unavailable.is_empty() {
            group
        } else {
            group.with_max_unavailable(unavailable).expect(unavailable)
        }
    }

    #[test]
    fn numbers_are_those_of_the_group() {
        for (of, surge, unavailable, expected) in [
            (InstanceGroup::zonal(5), "", "", Some((1, 1))),
            (InstanceGroup::regional(9, 3), "", "", Some((3, 3))),
            (InstanceGroup::regional(9, 3), "0", "", Some((3, 0))),
            (InstanceGroup::regional(9, 3), "", "0", Some((0, 3))),
            (InstanceGroup::regional(9, 3), "4", "5", Some((5, 4))),
            (InstanceGroup::regional(9, 3), "2", "0", None),
            (InstanceGroup::regional(9, 3), "0", "1", None),
            (InstanceGroup::zonal(5), "0", "0", None),
            (InstanceGroup::zonal(9), "10%", "0", None),
            (InstanceGroup::zonal(10), "25%", "25%", Some((3, 3))),
            (InstanceGroup::zonal(10), "1%", "0%", Some((0, 1))),
            (InstanceGroup::zonal(10), "0%", "0%", None),
            (InstanceGroup::zonal(10), "101%", "0", None),
            // A percentage may come to less than the number of zones.
            (InstanceGroup::regional(10, 3), "10%", "0", Some((0, 1))),
            (InstanceGroup::zonal(5).with_recreate(), "", "", Some((1, 0))),
            (InstanceGroup::zonal(5).with_recreate(), "0", "2", Some((2, 0))),
            (InstanceGroup::zonal(5).with_recreate(), "", "0", None),
            (InstanceGroup::zonal(5).with_recreate(), "1", "1", None),
        ] {
            let group = group(of, surge, unavailable);
            let budget =
                expected.map(|(below, above)| Budget::fleet(Amount::Count(below), Amount::Count(above)));
            assert_eq!(group.budget().ok(), budget, "{group:?}");
            assert_eq!(group.policy().is_ok(), budget.is_some());
        }
    }
}
