//! `cargo xtask bindings`: each binding, built and installed as its users do, and tested from there.

mod c;
mod node;
mod python;

use std::{io, path::Path};

pub use c::install_into;

/// Builds, installs and tests every binding.
///
/// # Errors
///
/// When a step fails, or cannot be started.
pub fn run(root: &Path) -> io::Result<()> {
    python::run(root)?;
    node::run(root)?;
    c::run(root)
}
