//! Platforms that rollouts can be executed on.

mod command;

pub use command::CommandDriver;
