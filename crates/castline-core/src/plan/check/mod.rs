//! The proof that a plan is safe, and what was asked for.
//!
//! Written apart from the planner: it shares the values with it, and no code, so that a fault of the one is not
//! one of the other. Nothing in a plan is believed but what it says is to be done; every number in it is computed again.

mod capacity;
mod demands;
mod documents;
mod explore;
mod order;
mod proof;
mod quick;
mod slots;
mod stages;
mod steps;
mod strategy;
#[cfg(test)]
mod tests;
mod violation;

pub use explore::{Exploration, Extent, explore};
pub use proof::{Assumption, Held, Method, Proof};
pub use violation::{Violation, ViolationCode};

use super::{Plan, Target};
use capacity::{Capacity, extremes};
use documents::Case;
use stages::Stages;
use steps::Fates;

/// Proves that a plan is one for these targets, does what their policies ask and nothing else, and is safe: by
/// nothing that it does, in whatever order and however slowly things happen, is any limit broken; and there is
/// always something that can be done next, to the end. The time is linear in the plan.
///
/// What is under way holds what it may take at any time: a replacement that launches first holds one place above until
/// the old one is gone, one that retires first holds one of what may be unavailable until the new one is available. What
/// is down already costs nothing.
///
/// # Errors
///
/// The first [`Violation`] that is found, in the order: documents, instances, limits, stages, capacity.
pub fn check(plan: &Plan, targets: &[Target]) -> Result<Proof, Violation> {
    let case = Case::new(plan, targets)?;
    let stages = Stages::of(plan)?;
    let fates = Fates::of(&case)?;
    fates.launches(&case, &stages)?;
    demands::met(&case, &fates)?;
    order::kept(&case, &fates, &stages)?;
    strategy::followed(&case, &fates, &stages)?;
    let capacity = Capacity::of(&case, &fates, &stages);
    capacity.ends_well()?;
    capacity.never_stuck()?;
    capacity.waves_fit(plan)?;
    Ok(Proof {
        method: Method::Inductive,
        replacements: fates.steps.len() as u64,
        waves: plan.waves(),
        limits: extremes(&capacity),
        assumptions: assumptions(plan, &capacity),
    })
}

fn assumptions(plan: &Plan, capacity: &Capacity) -> Vec<Assumption> {
    let launches = plan.replacements().any(|replacement| replacement.launch.is_some());
    let gates = plan.stages.iter().any(|stage| !stage.gate.is_open());
    let taken = [
        (Assumption::LaunchedBecomeReady, launches),
        (Assumption::TerminatingGo, capacity.has_terminating()),
        (Assumption::KeptBecomeReady, capacity.has_unready()),
        (Assumption::DownStayDown, capacity.has_down()),
        (Assumption::WindowsClose, capacity.has_windows()),
        (Assumption::GatesOpen, gates),
    ];
    taken.into_iter().filter(|(_, taken)| *taken).map(|(assumption, _)| assumption).collect()
}
