use std::{collections::BTreeMap, ops::RangeInclusive};

use super::machine::tags;
use crate::{
    import::{
        Bounds,
        notes::Notes,
        read::{At, Reason},
    },
    policy::{Amount, Budget, Policy},
    shown,
};

/// What EC2 Auto Scaling says of a group.
pub(super) struct Group<'j> {
    pub(super) members: BTreeMap<&'j str, Member<'j>>,
    pub(super) tags: BTreeMap<String, String>,
    /// `None` where it counts something else than instances.
    pub(super) desired: Option<u64>,
    pub(super) bounds: Bounds,
    pub(super) policy: Option<Policy>,
}

/// What a group says of an instance.
pub(super) struct Member<'j> {
    pub(super) lifecycle: &'j str,
    pub(super) healthy: bool,
    pub(super) zone: &'j str,
    pub(super) protected: bool,
    /// Name and version of the launch template.
    pub(super) template: Option<String>,
}

/// What an instance refresh keeps in service, of a hundred, where nothing is stated.
const MIN_HEALTHY: u32 = 90;

impl<'j> Group<'j> {
    pub(super) fn of(at: &At<'_, 'j>, name: &str, notes: &mut Notes) -> Result<Self, Reason> {
        let amount = |key: &str| -> Result<u64, Reason> {
            at.count(key)?.ok_or_else(|| at.fault(format_args!("there is no `{key}`")))
        };
        let (least, desired, most) = (amount("MinSize")?, amount("DesiredCapacity")?, amount("MaxSize")?);
        if least > most {
            return Err(at.fault(format_args!("`MinSize` is {least}, and `MaxSize` {most}")));
        }
        let (mut members, mut weighted) = (BTreeMap::new(), false);
        for item in at.items("Instances")? {
            let at = item.at().as_object()?;
            let id = at.required("InstanceId")?;
            weighted |= at.member("WeightedCapacity").is_some();
            if members.insert(id, Member::of(&at)?).is_some() {
                return Err(at.fault(format_args!("the instance `{}` stands twice", shown(id))));
            }
        }
        let unit = at.text("DesiredCapacityType")?.is_some_and(|unit| unit != "units");
        if weighted || unit {
            notes.of("its capacity is not counted in instances: how many it should have is not known", name);
        }
        if let Some(status) = at.text("Status")? {
            notes.of(format!("its status is `{}`", shown(status)), name);
        }
        for item in at.items("SuspendedProcesses")? {
            let process = item.at().as_object()?.required("ProcessName")?;
            notes.of(format!("its process `{}` is suspended", shown(process)), name);
        }
        let counted = !weighted && !unit;
        Ok(Self {
            members,
            tags: tags(at)?,
            desired: counted.then_some(desired),
            bounds: Bounds { min: least, max: most },
            policy: if counted { Some(policy(at, desired, name, notes)?) } else { None },
        })
    }
}

impl<'j> Member<'j> {
    fn of(at: &At<'_, 'j>) -> Result<Self, Reason> {
        let template = at.object("LaunchTemplate")?;
        let version = template.text("Version")?.unwrap_or("$Default");
        let named = match template.text("LaunchTemplateName")? {
            Some(name) => Some(name),
            None => template.text("LaunchTemplateId")?,
        };
        let healthy = match at.required("HealthStatus")? {
            status if status.eq_ignore_ascii_case("healthy") => true,
            status if status.eq_ignore_ascii_case("unhealthy") => false,
            other => return Err(at.fault(format_args!("`{}` is no health", shown(other)))),
        };
        Ok(Self {
            lifecycle: at.required("LifecycleState")?,
            healthy,
            zone: at.text("AvailabilityZone")?.unwrap_or_default(),
            protected: at.boolean("ProtectedFromScaleIn")? == Some(true),
            template: named.map(|name| format!("{name}:{version}")),
        })
    }
}

fn policy(at: &At<'_, '_>, desired: u64, name: &str, notes: &mut Notes) -> Result<Policy, Reason> {
    let maintenance = at.object("InstanceMaintenancePolicy")?;
    let percent = |key: &str, range: RangeInclusive<u32>| -> Result<Option<u32>, Reason> {
        // -1 clears what was stated before.
        let Some(stated) = maintenance.integer(key)?.filter(|percent| *percent != -1) else {
            return Ok(None);
        };
        let percent = u32::try_from(stated).ok().filter(|percent| range.contains(percent));
        percent.map(Some).ok_or_else(|| maintenance.fault(format_args!("`{key}` is {stated}")))
    };
    let least = percent("MinHealthyPercentage", 0..=100)?;
    let most = percent("MaxHealthyPercentage", 100..=200)?;
    if least.is_none() || most.is_none() {
        notes.of(
            format!("it has no maintenance policy: {MIN_HEALTHY} % stay in service, as an instance refresh does by default"),
            name,
        );
    }
    let budget = healthy_budget(least.unwrap_or(MIN_HEALTHY), most.unwrap_or(100), desired);
    let mut policy =
        Policy::default().with_budget(budget).with_zones(at.words("AvailabilityZones")?.unwrap_or_default());
    policy.zones.sort();
    // A new instance counts after the warm-up or, where none is stated, the grace period.
    let stated = |key: &str| -> Result<Option<u64>, Reason> {
        Ok(at.integer(key)?.and_then(|seconds| u64::try_from(seconds).ok()))
    };
    let warm_up = stated("DefaultInstanceWarmup")?;
    policy.min_ready_seconds = warm_up.or(stated("HealthCheckGracePeriod")?).unwrap_or(0);
    Ok(policy)
}

/// At least `least` % in service, rounded up, and at most `most` %. Where that leaves no room, one is replaced at a time:
/// launched first where all must stay in service, else retired first.
fn healthy_budget(least: u32, most: u32, desired: u64) -> Budget {
    let floor = Amount::percent_up(least);
    let mut budget = Budget { min_available: Some(floor), ..Budget::default() };
    let mut surge = Amount::percent_down(most.saturating_sub(100));
    if desired > 0 && floor.of(desired) >= desired && surge.of(desired) == 0 {
        if least == 100 {
            surge = Amount::Count(1);
        } else {
            (budget.min_available, budget.max_unavailable) = (None, Some(Amount::Count(1)));
        }
    }
    budget.max_surge = Some(surge);
    budget
}
