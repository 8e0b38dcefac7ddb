use serde::{Deserialize, Serialize};

use super::{Limit, Plan, Target, simulate::World};
use crate::fleet::Instance;

/// How long a plan takes, beside the least that any plan could take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Bounds {
    /// Waves of the plan.
    pub waves: u64,
    /// No plan within the same limits has fewer.
    pub least_waves: u64,
    /// No execution within the same limits is through earlier, if nothing is launched and ready faster than the
    /// world's least times.
    pub least_makespan_millis: u64,
}

/// How many waves a plan has, and the fewest that any plan could have.
///
/// Between two moments of one launch's duration, each limit lets no more be launched than fit between what must stay available
/// and what there may be: ceiling minus floor. In the beginning it can be more, where fewer are available than the
/// floor asks for, or less, where what stays is not available yet.
pub fn bounds(plan: &Plan, targets: &[Target], world: &World) -> Bounds {
    let least = plan.limits.iter().map(|limit| least_waves(limit, plan, targets)).max().unwrap_or(0);
    let least_waves = least.max(u64::from(plan.replacements().next().is_some()));
    let launches = plan.replacements().any(|one| one.launch.is_some());
    let once = world.launch_millis.least.saturating_add(world.ready_millis.least);
    let least_makespan_millis = if launches { least_waves.saturating_mul(once) } else { 0 };
    Bounds { waves: u64::from(plan.waves()), least_waves, least_makespan_millis }
}

fn least_waves(limit: &Limit, plan: &Plan, targets: &[Target]) -> u64 {
    if !limit.reasons.is_empty() || limit.window.is_some() {
        return 0;
    }
    let mut launches = 0_u64;
    let mut counted = 0_u64;
    let retired: std::collections::HashSet<&str> =
        plan.replacements().filter_map(|one| Some(&*one.retire.as_ref()?.id)).collect();
    let counts = |service: &str, instance: &Instance| limit.of.has(service, &instance.zone, &instance.labels);
    for stage in &plan.stages {
        let target = targets.iter().find(|target| *target.release.service() == stage.service);
        for one in &stage.replacements {
            let place = one.launch.as_ref();
            let here = place.is_some_and(|one| limit.of.has(&stage.service, &one.zone, &one.labels));
            let retire = one.retire.as_ref();
            let gone = retire.and_then(|retire| target?.fleet.instance(&retire.id));
            launches += u64::from(here);
            counted += u64::from(here || gone.is_some_and(|gone| counts(&stage.service, gone)));
        }
    }
    let by_number = limit.in_flight.filter(|most| *most > 0).map_or(0, |most| counted.div_ceil(most));
    let (Some(floor), Some(ceiling)) = (limit.floor, limit.ceiling) else { return by_number };
    let (mut kept, mut kept_available, mut available) = (0_u64, 0_u64, 0_u64);
    for target in targets {
        let service = target.release.service();
        for instance in target.fleet.instances().iter().filter(|instance| counts(service, instance)) {
            available += u64::from(instance.is_available());
            if !retired.contains(&*instance.id) && super::planner::is_live(instance) {
                kept += 1;
                kept_available += u64::from(instance.is_available());
            }
        }
    }
    let must_stay = floor.min(available).saturating_sub(kept_available);
    let first = ceiling.saturating_sub(kept).saturating_sub(must_stay);
    let rest = launches.saturating_sub(first);
    match ceiling.saturating_sub(floor) {
        _ if rest == 0 => u64::from(launches > 0).max(by_number),
        0 => by_number,
        each => (1 + rest.div_ceil(each)).max(by_number),
    }
}
