//! `cargo xtask bindings`: each binding, built and installed as its users do, and tested from there.

pub mod node;
mod python;

use std::{io, path::Path};

/// Builds, installs and tests every binding.
///
/// # Errors
///
/// When a step fails, or cannot be started.
pub fn run(root: &Path) -> io::Result<()> {
    python::run(root)?;
    node::run(root)
}
