//! `cargo xtask bindings`: each binding, built and installed as its users do, and tested from there.

mod node;
pub(crate) mod python;

use std::{io, path::Path};

pub use python::write_stubs;

/// Builds, installs and tests every binding.
///
/// # Errors
///
/// When a step fails, or cannot be started.
pub fn run(root: &Path) -> io::Result<()> {
    python::run(root)?;
    node::run(root)
}
