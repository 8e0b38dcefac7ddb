//! Does what runs differ from what was shipped?
//!
//! [`compare`] says how a scanned root filesystem differs from an image's; [`identify`] whether the image that a platform
//! reports is the one that was shipped; [`compare_config`] how the declared environment, command and mounts differ.

mod attributes;
mod builtin;
mod compare;
mod comparison;
mod config;
mod declared;
mod glob;
mod identity;
mod instance;
mod keep;
mod places;
mod profile;
mod report;
mod scan;
mod secret;
mod severity;
mod shared;
mod summary;
#[cfg(test)]
mod tests;

pub use compare::compare;
pub use comparison::Comparison;
pub use config::{ConfigFinding, ConfigValues, compare_config};
pub use glob::Glob;
pub use identity::{Identification, IdentityKind, identify, reported_digest};
pub use instance::{HealthCheck, InstanceSpec, Mount};
pub use profile::{Allowance, Profile, Rule};
pub use report::{Counts, DriftCode, DriftFinding, DriftReport, Ignored, IgnoredReason};
pub use scan::{Scan, Unread};
pub use secret::{SecretSource, names_a_secret};
pub use severity::Severity;
pub use summary::DirectorySummary;
