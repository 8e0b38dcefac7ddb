use crate::{
    Result,
    policy::{
        Amount, Budget, Policy, Strategy,
        presets::{IntOrPercent, Written, invalid},
    },
};

/// A Deployment's strategy (`apps/v1`, `spec.strategy`).
///
/// Surge is rounded up and what may be unavailable down; absent is 0; where both come to 0, one may be unavailable; no more
/// may be unavailable than there are (`pkg/controller/deployment/util/deployment_util.go`, `ResolveFenceposts`,
/// `MaxUnavailable`). The last two rules depend on the number of replicas, so a budget is made for one.
///
/// castline is more careful in one thing: pods that are terminating hold their place in the surge until they are gone, where
/// Kubernetes counts them no more (kubernetes#95498). Where Kubernetes takes the oldest `ReplicaSet` first, what is broken
/// before what is not, castline's own order does: compromised, failed, not ready, drifted, from the fullest zone, the oldest.
///
/// ```
/// use castline_core::policy::presets::kubernetes::{Deployment, Fenceposts};
///
/// let deployment = Deployment::api_default().with_max_surge("30%")?.with_max_unavailable(0)?;
/// assert_eq!(deployment.resolve(10), Fenceposts { surge: 3, unavailable: 0 });
/// let policy = deployment.policy(10);
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deployment {
    max_surge: Option<IntOrPercent>,
    max_unavailable: Option<IntOrPercent>,
    min_ready_seconds: u64,
    progress_deadline_seconds: u64,
    recreate: bool,
}

/// What a Deployment's percentages come to for a number of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fenceposts {
    /// How many more than desired there may be.
    pub surge: u64,
    /// How many may be unavailable.
    pub unavailable: u64,
}

impl Deployment {
    /// One that states nothing, with the API's defaults: 25 % and 25 %, ten minutes to make progress
    /// (`pkg/apis/apps/v1/defaults.go`, `SetDefaults_Deployment`).
    pub const fn api_default() -> Self {
        let quarter = Some(IntOrPercent::Percent(25));
        Self { max_surge: quarter, max_unavailable: quarter, ..Self::unstated() }
    }

    /// One that states nothing and was given no defaults, as the controller reads it: absent is 0.
    pub const fn unstated() -> Self {
        Self {
            max_surge: None,
            max_unavailable: None,
            min_ready_seconds: 0,
            progress_deadline_seconds: 600,
            recreate: false,
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
    /// What [`Written::read`] says, and [`Error::InvalidDocument`](crate::Error::InvalidDocument) for more than 100 %.
    pub fn with_max_unavailable(self, unavailable: impl Written) -> Result<Self> {
        let unavailable = unavailable.read()?;
        if matches!(unavailable, IntOrPercent::Percent(101..)) {
            return Err(invalid("Deployment", "`maxUnavailable` is more than 100 %"));
        }
        Ok(Self { max_unavailable: Some(unavailable), ..self })
    }

    /// The same with this `minReadySeconds`.
    #[must_use]
    pub const fn with_min_ready_seconds(self, seconds: u32) -> Self {
        Self { min_ready_seconds: seconds as u64, ..self }
    }

    /// The same with this `progressDeadlineSeconds`. Kubernetes takes 2,147,483,647 for none, and so many seconds are.
    #[must_use]
    pub const fn with_progress_deadline_seconds(self, seconds: u32) -> Self {
        Self { progress_deadline_seconds: seconds as u64, ..self }
    }

    /// The same of type `Recreate`.
    #[must_use]
    pub const fn with_recreate(self) -> Self {
        Self { recreate: true, ..self }
    }

    /// What its percentages come to.
    pub fn resolve(&self, replicas: u64) -> Fenceposts {
        let of = |value: Option<Amount>| value.map_or(0, |amount| amount.of(replicas));
        let surge = of(self.max_surge.map(IntOrPercent::up));
        let unavailable = match of(self.max_unavailable.map(IntOrPercent::down)) {
            0 if surge == 0 => 1,
            unavailable => unavailable,
        };
        Fenceposts { surge, unavailable: unavailable.min(replicas) }
    }

    /// Its budget for so many replicas, in counts.
    pub fn budget(&self, replicas: u64) -> Budget {
        let Fenceposts { surge, unavailable } = self.resolve(replicas);
        Budget::fleet(Amount::Count(unavailable), Amount::Count(surge))
    }

    /// Its policy for so many replicas. A deadline that passes stops the rollout, where Kubernetes only reports it; a launch is
    /// tried once, where Kubernetes tries without end.
    pub fn policy(&self, replicas: u64) -> Policy {
        let policy = Policy::default()
            .with_min_ready_seconds(self.min_ready_seconds)
            .with_progress_deadline_seconds(self.progress_deadline_seconds);
        if self.recreate {
            policy.with_strategy(Strategy::Recreate)
        } else {
            policy.with_budget(self.budget(replicas))
        }
    }
}

impl Budget {
    /// A Deployment's budget for any number of replicas: what may be unavailable rounded down, the surge rounded up.
    ///
    /// # Errors
    ///
    /// What [`Deployment::with_max_unavailable`] says, and [`Error::InvalidDocument`](crate::Error::InvalidDocument) where both may
    /// come to 0: then Kubernetes lets one be unavailable, which depends on the number of replicas. Use
    /// [`Deployment::budget`] there.
    pub fn kubernetes(max_unavailable: impl Written, max_surge: impl Written) -> Result<Self> {
        let (unavailable, surge) = (max_unavailable.read()?, max_surge.read()?);
        Deployment::unstated().with_max_unavailable(unavailable)?;
        if surge.is_zero() && matches!(unavailable, IntOrPercent::Int(0) | IntOrPercent::Percent(0..=99)) {
            let rule = "without surge, a share may come to 0, and then Kubernetes lets one be unavailable: \
                        use `Deployment::budget`";
            return Err(invalid("Deployment", rule));
        }
        Ok(Self::fleet(unavailable.down(), surge.up()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(unavailable: &str, surge: &str) -> Deployment {
        let stated = Deployment::unstated();
        let stated = if surge.is_empty() { stated } else { stated.with_max_surge(surge).expect(surge) };
        if unavailable.is_empty() {
            stated
        } else {
            stated.with_max_unavailable(unavailable).expect(unavailable)
        }
    }

    #[test]
    fn fenceposts_are_those_of_the_controller() {
        // The first six are the examples above `ResolveFenceposts`; then those of `TestResolveFenceposts`' kind.
        for (unavailable, surge, replicas, expected) in [
            ("1%", "0%", 2, (1, 0)),
            ("1%", "0%", 1, (1, 0)),
            ("25%", "1%", 2, (0, 1)),
            ("25%", "1%", 1, (0, 1)),
            ("0%", "1%", 2, (0, 1)),
            ("0%", "1%", 1, (0, 1)),
            ("25%", "25%", 10, (2, 3)),
            ("25%", "25%", 15, (3, 4)),
            ("25%", "25%", 3, (0, 1)),
            ("3", "2", 10, (3, 2)),
            ("0", "0", 10, (1, 0)),
            ("", "", 10, (1, 0)),
            ("", "20%", 10, (0, 2)),
            ("20%", "", 10, (2, 0)),
            ("20", "0", 10, (10, 0)),
            ("100%", "0", 7, (7, 0)),
            ("25%", "25%", 0, (0, 0)),
            ("0", "0", 0, (0, 0)),
            ("5", "3", 0, (0, 3)),
            ("0", "200%", 4, (0, 8)),
        ] {
            let Fenceposts { surge: above, unavailable: below } =
                deployment(unavailable, surge).resolve(replicas);
            assert_eq!((below, above), expected, "{unavailable:?} and {surge:?} of {replicas}");
        }
        assert_eq!(Deployment::api_default(), deployment("25%", "25%"));
    }

    #[test]
    fn a_budget_for_any_size_is_that_for_each() {
        let numbers = ["0", "1", "3", "0%", "1%", "10%", "25%", "50%", "99%", "100%"];
        let mut made = 0;
        for (unavailable, surge) in numbers.iter().flat_map(|one| numbers.iter().map(move |two| (*one, *two)))
        {
            let Ok(budget) = Budget::kubernetes(unavailable, surge) else { continue };
            made += 1;
            for replicas in 0..=41 {
                let resolved = deployment(unavailable, surge).resolve(replicas);
                let of = |amount: Option<Amount>| amount.expect("stated").of(replicas);
                assert_eq!(of(budget.max_surge), resolved.surge);
                // A floor cannot be below nothing, so that the clamp to the number of replicas says nothing more.
                let floor = replicas.saturating_sub(of(budget.max_unavailable));
                assert_eq!(floor, replicas - resolved.unavailable, "{unavailable}, {surge} of {replicas}");
            }
        }
        assert_eq!(made, 100 - 14, "all but those that may come to 0 and 0");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Deployment::unstated().with_max_unavailable("101%").is_err());
        assert!(Deployment::unstated().with_max_surge("lots").is_err());
        assert!(Budget::kubernetes("101%", 1).is_err());
        assert!(Budget::kubernetes(0, 0).is_err());
    }

    #[test]
    fn recreate_has_no_budget() {
        let policy = Deployment::api_default().with_recreate().policy(10);
        assert_eq!((policy.strategy, policy.budgets), (Strategy::Recreate, Vec::new()));
    }
}
