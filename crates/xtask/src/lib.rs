//! The tasks of castline's developers, and what its tests share: the vectors, and the folder of real images.

use std::path::{Path, PathBuf};

pub mod bindings;
pub mod certificates;
pub mod checks;
pub mod dist;
pub mod engines;
pub mod fuzz;
pub mod images;
pub mod main_loop;
pub mod mutants;
pub mod podman;
pub mod vectors;

/// What cargo builds into.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Tells the developer who runs a task, on standard error.
#[expect(clippy::print_stderr, reason = "a task speaks to the developer who runs it")]
pub fn say(line: &str) {
    eprintln!("{line}");
}
