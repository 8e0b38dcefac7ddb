//! Platforms that rollouts can be executed on, and what drivers for them share.
//!
//! - [`LocalDriver`]: this machine, without any daemon.
//! - [`DockerDriver`]: Docker Engines and Podmans, one or several.
//! - [`CommandDriver`]: whatever a program drives.

mod command;
#[cfg(feature = "docker")]
mod docker;
#[cfg(any(feature = "docker", feature = "local"))]
mod images;
#[cfg(any(feature = "docker", feature = "local"))]
mod labels;
#[cfg(feature = "local")]
mod local;
#[cfg(any(feature = "docker", feature = "local"))]
mod ports;
#[cfg(any(feature = "docker", feature = "local"))]
mod shared;
#[cfg(any(feature = "docker", feature = "local"))]
mod switch;
#[cfg(any(feature = "docker", feature = "local"))]
mod told;

pub use command::CommandDriver;
#[cfg(feature = "docker")]
pub use docker::{DockerConfig, DockerDriver, DockerHost, DockerTls};
#[cfg(feature = "local")]
pub use local::{Isolation, LocalConfig, LocalDriver};
#[cfg(any(feature = "docker", feature = "local"))]
pub use ports::PortRange;
#[cfg(any(feature = "docker", feature = "local"))]
use shared::{blocking, failed, now};
