//! `cargo xtask fuzz`: each fuzz target for a while.

use std::{fs, io, path::Path, process::Command};

use crate::{checks::execute, say};

/// Runs the targets for `seconds` each, `only` one of them if given; installs cargo-fuzz.
///
/// # Errors
///
/// When a target finds a fault, or something cannot be started.
pub fn run(root: &Path, seconds: u64, only: Option<&str>) -> io::Result<()> {
    let installed = Command::new("cargo").args(["fuzz", "--version"]).output()?.status.success();
    if !installed {
        say("installing cargo-fuzz");
        execute(root, &["cargo", "install", "--locked", "cargo-fuzz"], &[])?;
    }
    let targets = targets(root)?;
    if let Some(only) = only
        && !targets.iter().any(|target| target == only)
    {
        let known = targets.join(", ");
        return Err(io::Error::other(format!("no fuzz target is called `{only}`; there are: {known}")));
    }
    let time = format!("-max_total_time={seconds}");
    for target in targets.iter().filter(|target| only.is_none_or(|only| only == *target)) {
        say(&format!("\n== {target}, {seconds} s"));
        let command = [
            "cargo",
            "+nightly",
            "fuzz",
            "run",
            target,
            "--",
            &time,
            "-rss_limit_mb=2048",
            "-timeout=20",
            "-verbosity=0",
        ];
        execute(root, &command, &[])?;
    }
    Ok(())
}

/// The names of the files in `fuzz/fuzz_targets`.
fn targets(root: &Path) -> io::Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            targets.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    targets.sort();
    Ok(targets)
}
