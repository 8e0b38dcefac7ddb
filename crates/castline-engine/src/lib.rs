//! What acts: a [`Driver`] observes a platform and does on it what a rollout asks for.
//!
//! The decisions are the core's: a driver decides nothing, and can be written for any platform. Nothing here prints; what goes on
//! is told by the `tracing` crate. Secrets are in no error, event or trace.

#![forbid(unsafe_code)]

/// The README's example runs with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod control;
mod driver;
mod drivers;
mod error;
mod executor;
mod kept;
mod program;
mod store;
mod traffic;

pub use control::{Asked, Command, Recorded, Remote};
pub use driver::{CheckMode, Doing, Driver};
pub use drivers::CommandDriver;
#[cfg(all(any(feature = "docker", feature = "local"), target_os = "linux"))]
pub use drivers::PortRange;
#[cfg(all(feature = "docker", target_os = "linux"))]
pub use drivers::{DockerConfig, DockerDriver, DockerHost, DockerTls};
#[cfg(all(feature = "local", target_os = "linux"))]
pub use drivers::{Isolation, Leftover, LeftoverKind, LocalConfig, LocalDriver, Unpacked};
pub use error::DriverError;
pub use executor::{
    Answer, Answerer, Checked, Clock, Ended, EngineError, Executor, Handle, ImageTest, Options, Planner,
    Prepared, Question, Rolling, Tested, Told, UnderWay, Unneeded, Verdict, Wanted, under_way, unneeded,
    way_back,
};
pub use kept::{KeptImage, Removal};
pub use store::{Contents, Holder, Repair, Store, StoreError};
pub use traffic::{Endpoint, Membership, TrafficHook};
