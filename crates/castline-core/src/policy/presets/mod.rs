//! Presets: budgets and policies that follow other systems' rules, from those systems' own parameters.
//!
//! Each takes what that system's documents say, in its own words, and rounds as it does: 25 % of 10 is 2 to one, 3 to
//! another. Where a rule needs the number of replicas or the fleet, the preset asks for it; where castline is more careful
//! than the system, the preset says so. What holds for all of them: an instance holds its place above the desired number until
//! it is *gone*, and replacing what is down already costs no budget.
//!
//! ```
//! use castline_core::policy::{Budget, Policy, presets::kubernetes::Deployment};
//!
//! let any_size = Policy::default().with_budget(Budget::kubernetes("25%", "25%")?);
//! let of_ten = Deployment::api_default().policy(10);
//! # Ok::<(), castline_core::Error>(())
//! ```

pub mod aws;
pub mod cluster_api;
pub mod gce;
mod int_or_percent;
pub mod karpenter;
pub mod kubernetes;
pub mod nomad;
pub mod swarm;

pub use int_or_percent::{IntOrPercent, Written};

use crate::{Error, error::shown};

/// What `what` states cannot be.
fn invalid(what: &'static str, reason: &str) -> Error {
    Error::InvalidDocument { what, reason: shown(reason) }
}

#[cfg(test)]
mod tests;
