//! Kubernetes' workloads, and its budgets for disruptions.

mod daemon_set;
mod deployment;
mod disruption_budget;
mod stateful_set;

pub use daemon_set::DaemonSet;
pub use deployment::{Deployment, Fenceposts};
pub use disruption_budget::PodDisruptionBudget;
pub use stateful_set::StatefulSet;
