//! The tasks of castline's developers, and what its tests share: the vectors, and the folder of real images.

pub mod bindings;
pub mod checks;
pub mod dist;
pub mod engines;
pub mod fuzz;
pub mod images;
pub mod main_loop;
pub mod mutants;
pub mod vectors;

/// Tells the developer who runs a task, on standard error.
#[expect(clippy::print_stderr, reason = "a task speaks to the developer who runs it")]
pub fn say(line: &str) {
    eprintln!("{line}");
}
