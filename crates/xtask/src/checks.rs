//! `cargo xtask test`: everything that must pass, in the order in which it fails fastest.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{bindings, engines, main_loop, say, target};

/// One step: what it is, the command, and what it has in its environment.
struct Step {
    name: &'static str,
    command: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const fn step(name: &'static str, command: &'static [&'static str]) -> Step {
    Step { name, command, environment: &[] }
}

const STEPS: &[Step] = &[
    step("format", &["cargo", "fmt", "--all", "--check"]),
    step(
        "lints",
        &[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "castline/schema,castline-engine/docker",
            "--",
            "-D",
            "warnings",
        ],
    ),
    step("tests", &["cargo", "test", "--workspace", "--features", "castline/schema,castline-engine/docker"]),
    step(
        "tests without C code",
        &[
            "cargo",
            "test",
            "--no-default-features",
            "--features",
            "pure-rust",
            "--test",
            "conformance",
            "--test",
            "properties",
        ],
    ),
    Step {
        name: "documentation",
        command: &[
            "cargo",
            "doc",
            "--workspace",
            "--no-deps",
            "--features",
            "castline/schema,castline-engine/docker",
        ],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    // Of the whole workspace, as the tests are: what they have built is used.
    step(
        "benchmarks run",
        &[
            "cargo",
            "test",
            "--workspace",
            "--features",
            "castline/schema,castline-engine/docker",
            "--profile",
            "dev",
            "--bench",
            "verify",
            "--bench",
            "drift",
            "--bench",
            "plan",
        ],
    ),
    step(
        "scripts",
        &["bash", "-c", "for script in .ci/run benches/*.sh; do bash -n \"$script\" || exit 1; done"],
    ),
    Step {
        name: "packages",
        command: &[
            "cargo",
            "package",
            "--workspace",
            "--exclude",
            "xtask",
            "--exclude",
            "castline-c",
            "--exclude",
            "castline-node",
            "--exclude",
            "castline-python",
            "--allow-dirty",
            "--quiet",
            "--target-dir",
            PACKAGES,
        ],
        // Nobody debugs what is only built to see that it can be.
        environment: &[("CARGO_PROFILE_DEV_DEBUG", "0")],
    },
];

/// Programs in `examples/`, which the tests have built.
const EXAMPLES: &[&str] = &["verify", "drift", "build", "plan", "incidents"];

/// Runs every step in `root`, and installs what it needs.
///
/// # Errors
///
/// When a step fails, or cannot be started.
pub fn run(root: &Path) -> io::Result<()> {
    components()?;
    engines::install()?;
    forget_packages(root)?;
    let began = Instant::now();
    let mut times = Vec::new();
    for step in STEPS {
        let started = Instant::now();
        say(&format!("\n== {}: {}", step.name, step.command.join(" ")));
        execute(root, step.command, step.environment)?;
        times.push((step.name, started.elapsed()));
    }
    let started = Instant::now();
    for example in EXAMPLES {
        say(&format!("\n== example: {example}"));
        let program = target(root).join("debug/examples").join(example);
        execute(root, &[&program.to_string_lossy()], &[])?;
    }
    times.push(("examples", started.elapsed()));
    let started = Instant::now();
    // The binary is the one that the tests ran.
    main_loop::run(root, Some(&main_loop::binary(root)))?;
    times.push(("the loop", started.elapsed()));
    let started = Instant::now();
    bindings::run(root, None)?;
    times.push(("bindings", started.elapsed()));
    say("");
    for (name, time) in times {
        say(&format!("{:>6} s  {name}", seconds(time)));
    }
    if env::var_os("CASTLINE_TEST_IMAGES").is_none() {
        say("SKIPPED: real images. Name a folder of them in CASTLINE_TEST_IMAGES to check them.");
    }
    say(&format!("everything passed in {} s", seconds(began.elapsed())));
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

/// rustfmt and clippy, which a minimal toolchain does not have.
fn components() -> io::Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let there = Command::new("cargo").args([tool, "--version"]).output()?.status.success();
        if !there {
            say(&format!("installing {component}"));
            execute(Path::new("."), &["rustup", "component", "add", component], &[])?;
        }
    }
    Ok(())
}

/// Where packages are built, apart from all else.
const PACKAGES: &str = "target/packages";

/// Removes what cargo has unpacked and built of this workspace's own packages: it takes another content of the same version
/// for the same, and would check the packages of an earlier run.
fn forget_packages(root: &Path) -> io::Result<()> {
    for built in
        entries(&root.join(PACKAGES).join("debug/.fingerprint"))?.filter(|path| named(path, "castline"))
    {
        fs::remove_dir_all(built)?;
    }
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let Some(home) = home else { return Ok(()) };
    for kind in ["src", "cache"] {
        // A registry without a host is one that `cargo package` has made.
        for registry in entries(&home.join("registry").join(kind))?.filter(|path| named(path, "-")) {
            for package in entries(&registry)?.filter(|path| named(path, "castline")) {
                if package.is_dir() { fs::remove_dir_all(package)? } else { fs::remove_file(package)? }
            }
        }
    }
    Ok(())
}

fn named(path: &Path, start: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
}

/// What is in a folder, which need not be there.
fn entries(folder: &Path) -> io::Result<impl Iterator<Item = PathBuf> + use<>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => Some(entries?),
    };
    Ok(entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())))
}

/// Writes `schemas/` anew.
///
/// # Errors
///
/// When cargo fails.
pub fn write_schemas(root: &Path) -> io::Result<()> {
    let of_library: &[&str] = &["cargo", "test", "--features", "schema,engine", "--test", "schemas"];
    let of_commands = &["cargo", "test", "--package", "castline-cli", "--bin", "castline", "schemas"];
    [of_library, of_commands]
        .iter()
        .try_for_each(|command| execute(root, command, &[("CASTLINE_WRITE_SCHEMAS", "1")]))
}

/// Runs a command to its end; an error that names it when it fails.
pub(crate) fn execute(folder: &Path, command: &[&str], environment: &[(&str, &str)]) -> io::Result<()> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .status()
        .map_err(|error| io::Error::new(error.kind(), format!("{program} cannot be started: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("`{}` failed ({status})", command.join(" "))))
}
