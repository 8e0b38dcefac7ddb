//! Platforms that rollouts can be executed on, and what drivers for them share.
//!
//! - [`LocalDriver`]: this machine, without any daemon.
//! - [`DockerDriver`]: Docker Engines and Podmans, one or several.
//! - [`CommandDriver`]: whatever a program drives.

mod command;
#[cfg(all(feature = "docker", target_os = "linux"))]
mod docker;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod images;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod labels;
#[cfg(all(feature = "local", target_os = "linux"))]
mod local;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod perform;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod ports;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod secrets;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod shared;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod switch;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
mod told;

use castline_core::{Release, Revision, rollout::Key};

pub use command::CommandDriver;
#[cfg(all(feature = "docker", target_os = "linux"))]
pub use docker::{DockerConfig, DockerDriver, DockerHost, DockerTls};
#[cfg(all(feature = "local", target_os = "linux"))]
pub use local::{Isolation, Leftover, LeftoverKind, LocalConfig, LocalDriver, Unpacked};
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
pub use ports::PortRange;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
use shared::{blocking, failed, now};

use crate::DriverError;

/// The release that a launch comes with, which has to be the one that it is of.
fn release_of<'a>(
    key: &Key,
    revision: &Revision,
    release: Option<&'a Release>,
) -> Result<&'a Release, DriverError> {
    let release = release
        .ok_or_else(|| DriverError::permanent(format!("the launch {key} comes without its release")))?;
    let other = release.revision();
    if *revision != other {
        return Err(DriverError::permanent(format!(
            "the launch {key} is of the revision {revision}, and comes with the release {other}"
        )));
    }
    Ok(release)
}
