//! Cluster API: machines that are rolled out, and machines that are made anew when they break.

use std::str::FromStr;

use super::{IntOrPercent, Written, invalid, kubernetes::Deployment};
use crate::{
    Error, Fleet, Integrity, Result,
    fleet::{Health, Instance},
    plan::Reason,
    policy::{Amount, Breakers, Budget, Policy, Scope, Select},
};

/// A `MachineDeployment`'s rollout (`spec.rollout`, `spec.strategy` before `v1beta2`), and how many of its machines are
/// remediated at once.
///
/// Rounding is a Deployment's (`internal/controllers/machinedeployment/mdutil/util.go`, `ResolveFenceposts`): surge up, what may
/// be unavailable down, one where both come to 0. `maxInFlight` is rounded *up*. A machine holds its place until it is gone,
/// as in castline.
///
/// ```
/// use castline_core::policy::presets::{cluster_api::MachineDeployment, kubernetes::Fenceposts};
///
/// let machines = MachineDeployment::api_default();
/// assert_eq!(machines.resolve(3), Fenceposts { surge: 1, unavailable: 0 });
/// let policy = machines.with_max_in_flight("20%")?.policy(3);
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MachineDeployment {
    rolling: Deployment,
    max_in_flight: Option<IntOrPercent>,
}

impl MachineDeployment {
    /// With the API's defaults: a surge of one, none unavailable, no limit of remediations.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn api_default() -> Self {
        let rolling = Deployment::unstated().with_max_surge(1).and_then(|one| one.with_max_unavailable(0));
        Self { rolling: rolling.expect("counts are always read"), max_in_flight: None }
    }

    /// The same with this `maxSurge`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says.
    pub fn with_max_surge(self, surge: impl Written) -> Result<Self> {
        Ok(Self { rolling: self.rolling.with_max_surge(surge)?, ..self })
    }

    /// The same with this `maxUnavailable`.
    ///
    /// # Errors
    ///
    /// What [`Deployment::with_max_unavailable`] says.
    pub fn with_max_unavailable(self, unavailable: impl Written) -> Result<Self> {
        Ok(Self { rolling: self.rolling.with_max_unavailable(unavailable)?, ..self })
    }

    /// The same with this `remediation.maxInFlight`.
    ///
    /// # Errors
    ///
    /// What [`Written::read`] says.
    pub fn with_max_in_flight(self, amount: impl Written) -> Result<Self> {
        Ok(Self { max_in_flight: Some(amount.read()?), ..self })
    }

    /// The same with this `minReadySeconds`.
    #[must_use]
    pub fn with_min_ready_seconds(self, seconds: u32) -> Self {
        Self { rolling: self.rolling.with_min_ready_seconds(seconds), ..self }
    }

    /// What its percentages come to.
    pub fn resolve(&self, replicas: u64) -> super::kubernetes::Fenceposts {
        self.rolling.resolve(replicas)
    }

    /// How many more machines may be remediated while so many are still being deleted
    /// (`internal/controllers/machineset/machineset_controller.go`, `reconcileUnhealthyMachines`). None: no limit.
    pub fn remediations_allowed(&self, replicas: u64, deleting: u64) -> Option<u64> {
        self.max_in_flight.map(|amount| amount.up().of(replicas).saturating_sub(deleting))
    }

    /// Its policy for so many replicas. `maxInFlight` holds for what has failed or is compromised.
    pub fn policy(&self, replicas: u64) -> Policy {
        let policy = self.rolling.policy(replicas);
        match self.max_in_flight {
            None => policy,
            Some(amount) => policy.with_budget(
                Budget::in_flight(Scope::Fleet, amount.up())
                    .with_reasons([Reason::Compromised, Reason::Failed])
                    .with_name("remediation"),
            ),
        }
    }
}

/// A `MachineHealthCheck`'s condition for remediating at all (`spec.remediation.triggerIf`, `spec.maxUnhealthy` and
/// `spec.unhealthyRange` before `v1beta2`): beyond it, what is broken is something larger than machines.
///
/// `maxUnhealthy` is rounded *down*; a range holds its ends, and counts
/// (`internal/controllers/machinehealthcheck/machinehealthcheck_controller.go`, `isAllowedRemediation`). As text: a number, a
/// percentage, or `[3-5]`.
///
/// ```
/// use castline_core::policy::presets::cluster_api::MachineHealthCheck;
///
/// let check: MachineHealthCheck = "40%".parse()?;
/// assert!(check.remediation_allowed(6, 2));
/// assert!(!check.remediation_allowed(6, 3));
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MachineHealthCheck {
    /// At most so many are unhealthy.
    MaxUnhealthy(IntOrPercent),
    /// From so many to so many are.
    UnhealthyRange {
        /// At least.
        least: u64,
        /// At most.
        most: u64,
    },
}

impl MachineHealthCheck {
    /// With the API's default: 100 % may be unhealthy.
    pub const fn api_default() -> Self {
        Self::MaxUnhealthy(IntOrPercent::Percent(100))
    }

    /// Whether any is remediated while so many of so many are unhealthy, or missing.
    pub fn remediation_allowed(self, total: u64, unhealthy: u64) -> bool {
        match self {
            Self::MaxUnhealthy(amount) => unhealthy <= amount.down().of(total),
            Self::UnhealthyRange { least, most } => (least..=most).contains(&unhealthy),
        }
    }

    /// The policy that replaces what has failed or is compromised in this fleet of so many, all at once; none where so much is that
    /// remediation is not allowed. Machines that are missing count as unhealthy.
    ///
    /// The condition is looked at when the policy is made. While it is executed, its breaker stops where more than that are found to be
    /// compromised.
    pub fn policy(self, fleet: &Fleet, replicas: u64) -> Option<Policy> {
        let well = |instance: &&Instance| {
            instance.is_present()
                && instance.health != Health::Failed
                && instance.integrity != Integrity::Compromised
        };
        let well = u64::try_from(fleet.instances().iter().filter(well).count()).unwrap_or(u64::MAX);
        if !self.remediation_allowed(replicas, replicas.saturating_sub(well)) {
            return None;
        }
        let most = match self {
            Self::MaxUnhealthy(amount) => amount.down(),
            Self::UnhealthyRange { most, .. } => Amount::Count(most),
        };
        let breakers = Breakers { max_compromised: Some(most), ..Breakers::default() };
        let policy = Policy::default()
            .with_select(Select::Broken)
            .with_budget(Budget::fleet(most, Amount::ZERO))
            .with_breakers(breakers);
        Some(policy)
    }
}

impl FromStr for MachineHealthCheck {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some(range) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
            return text.parse().map(Self::MaxUnhealthy);
        };
        let number = |text: &str| match text.parse() {
            Ok(IntOrPercent::Int(count)) => Some(count),
            _ => None,
        };
        let range = range.split_once('-').and_then(|(least, most)| Some((number(least)?, number(most)?)));
        match range {
            Some((least, most)) if least <= most => Ok(Self::UnhealthyRange { least, most }),
            _ => Err(invalid("MachineHealthCheck", &format!("`{text}` is no range like `[3-5]`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::presets::kubernetes::Fenceposts;

    #[test]
    fn rollouts_are_rounded_as_a_deployments() {
        // The sizes that upstream's planner tests run through, and shares of them.
        for (surge, unavailable, replicas, expected) in [
            ("1", "0", 3, (1, 0)),
            ("0", "1", 3, (0, 1)),
            ("3", "1", 6, (3, 1)),
            ("1", "3", 6, (1, 3)),
            ("10", "0", 6, (10, 0)),
            ("0", "10", 6, (0, 6)),
            ("25%", "25%", 6, (2, 1)),
            ("0", "10%", 6, (0, 1)),
        ] {
            let machines = MachineDeployment::api_default()
                .with_max_surge(surge)
                .and_then(|machines| machines.with_max_unavailable(unavailable))
                .expect("machines");
            let (surge, unavailable) = expected;
            assert_eq!(machines.resolve(replicas), Fenceposts { surge, unavailable });
        }
    }

    #[test]
    fn remediations_in_flight_are_rounded_up_less_those_being_deleted() {
        for (amount, replicas, deleting, expected) in [
            ("20%", 3, 0, 1),
            ("20%", 6, 0, 2),
            ("20%", 6, 1, 1),
            ("20%", 6, 5, 0),
            ("2", 10, 1, 1),
            ("100%", 3, 0, 3),
        ] {
            let machines = MachineDeployment::api_default().with_max_in_flight(amount).expect(amount);
            assert_eq!(machines.remediations_allowed(replicas, deleting), Some(expected), "{amount}");
            assert_eq!(machines.policy(replicas).budgets.len(), 2);
        }
        assert_eq!(MachineDeployment::api_default().remediations_allowed(3, 3), None);
    }

    #[test]
    fn remediation_is_allowed_as_upstream_allows_it() {
        for (check, total, unhealthy, allowed) in [
            // The proposal's examples: 40 % of 25 are 10, of 6 are 2.
            ("40%", 25, 10, true),
            ("40%", 25, 11, false),
            ("40%", 6, 2, true),
            ("40%", 6, 3, false),
            ("2", 5, 2, true),
            ("2", 5, 3, false),
            ("0", 5, 0, true),
            ("0", 5, 1, false),
            ("100%", 3, 3, true),
            ("[3-5]", 10, 2, false),
            ("[3-5]", 10, 3, true),
            ("[3-5]", 10, 5, true),
            ("[3-5]", 10, 6, false),
            ("[0-0]", 10, 0, true),
        ] {
            let check: MachineHealthCheck = check.parse().expect(check);
            assert_eq!(
                check.remediation_allowed(total, unhealthy),
                allowed,
                "{check:?}: {unhealthy} of {total}"
            );
        }
        for text in ["[5-3]", "[3]", "[3-5", "3-5", "[-5]", "[3-]", "[a-b]", "[3-5%]", "[3-4-5]", "[]", ""] {
            assert!(text.parse::<MachineHealthCheck>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn there_is_a_policy_only_while_remediation_is_allowed() {
        let instance = |id: u32| Instance::new(format!("m-{id}"));
        let failed = |id| instance(id).with_health(Health::Failed);
        let compromised = |id| instance(id).with_integrity(Integrity::Compromised);
        let fleet = |instances: Vec<Instance>| Fleet::new("nodes", instances).expect("a fleet");
        let check: MachineHealthCheck = "40%".parse().expect("a check");
        for (instances, replicas, some) in [
            (vec![instance(0), instance(1), instance(2)], 3, true),
            (vec![instance(0), instance(1), failed(2)], 3, true),
            (vec![instance(0), compromised(1), failed(2)], 3, false),
            (vec![instance(0), instance(1)], 3, true),
            (vec![instance(0), failed(1)], 3, false),
        ] {
            let policy = check.policy(&fleet(instances), replicas);
            assert_eq!(policy.is_some(), some);
            assert!(policy.is_none_or(|policy| policy.select == Select::Broken));
        }
    }
}
