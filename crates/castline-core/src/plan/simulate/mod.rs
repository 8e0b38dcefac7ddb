//! What a plan would do, with times and failures that are given: no clock, and no chance that is not seeded.

mod chance;
mod timeline;
mod world;

pub use timeline::{Interval, Life, Sample, Timeline};
pub use world::{Between, World};

use super::{Plan, Target};
use crate::{Release, Result, Time, rollout::Rollout};

/// Executes a plan in a simulated world: what each instance's life, and capacity, would be.
///
/// The same inputs give the same timeline. It ends when the rollout does, when it pauses, or when nothing can happen any more.
///
/// # Errors
///
/// [`Error::StalePlan`](crate::Error::StalePlan) as [`Rollout::start`].
pub fn simulate(
    plan: &Plan,
    targets: &[Target],
    fallback: &[Release],
    world: &World,
    at: Time,
) -> Result<Timeline> {
    let rollout = Rollout::start(plan, targets, fallback, at)?;
    Ok(world::run(rollout, plan, world, at))
}
