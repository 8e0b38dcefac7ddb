//! Replacement as a value: how fleets get from what runs to what should, named instance by instance.

mod bounds;
pub mod check;
mod infeasible;
mod planner;
pub mod simulate;
mod value;

pub use bounds::{Bounds, bounds};
pub use infeasible::{Constraint, Infeasible, InfeasibleCode};
pub(crate) use planner::is_live;
pub use planner::plan;
pub use simulate::simulate;
pub use value::{
    Disposal, Launch, Limit, Members, Order, Plan, PlannedService, Reason, Replacement, Retire, Stage,
};

use crate::{Fleet, Release, policy::Policy};

/// What is to become of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What runs.
    pub fleet: Fleet,
    /// What should.
    pub release: Release,
    /// How it may get there.
    pub policy: Policy,
}
