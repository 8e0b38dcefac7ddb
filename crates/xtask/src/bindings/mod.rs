//! `cargo xtask bindings`: each binding, built and installed as its users do, and tested from there.

mod c;
pub mod node;
pub(crate) mod python;

use std::{io, path::Path};

pub use c::{install_built, install_into};
pub use python::write_stubs;

/// Builds, installs and tests one, in the workspace at this path.
type Run = fn(&Path) -> io::Result<()>;

/// Each by its name.
const BINDINGS: &[(&str, Run)] = &[("python", python::run), ("node", node::run), ("c", c::run)];

/// Builds, installs and tests every binding, or only one.
///
/// # Errors
///
/// When a step fails, or cannot be started; when there is none of the name.
pub fn run(root: &Path, only: Option<&str>) -> io::Result<()> {
    let mut asked = BINDINGS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).peekable();
    if asked.peek().is_none() {
        return Err(io::Error::other("there is no such binding; write `python`, `node` or `c`"));
    }
    asked.try_for_each(|(_, run)| run(root))
}
