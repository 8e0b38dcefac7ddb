//! `cargo xtask …`: the tasks of castline's developers.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use xtask::{bindings, checks, dist, fuzz, main_loop, mutants, say, vectors};

/// Tasks of castline's developers.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run everything that must pass: format, lints, tests, documentation, examples, packages
    ///
    /// Installs what is missing. `CASTLINE_TEST_IMAGES` may name a folder of real images.
    Test,
    /// Build, verify, release, tamper, find, replace, roll back: the whole loop, on this machine, in two minutes
    Loop {
        /// This castline, instead of one that is built first
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
    },
    /// Build the bindings, install them where nothing else is, and test them from there
    Bindings {
        /// Only this one: `python`, `node` or `c`
        only: Option<String>,
    },
    /// Build everything that is given to users, into target/dist, for the oldest Linux that is promised (20 minutes on 2 cores)
    Dist,
    /// Write the types of Python's compiled half, of what it says of itself
    Stubs,
    /// Write the JSON Schemas of what `--json` prints, into schemas/
    Schema,
    /// Run the fuzz targets for a while (needs a nightly toolchain; installs cargo-fuzz)
    Fuzz {
        /// Only this one, of `fuzz/fuzz_targets`
        target: Option<String>,
        /// Seconds for each target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Put faults into the planner and the rollout, one at a time, and see whether the tests notice (an hour)
    Mutants {
        /// Only those whose file or fault has this text
        only: Option<String>,
        /// Seconds that the tests of one may take
        #[arg(long, default_value_t = 300)]
        seconds: u64,
    },
    /// Write the test vectors: small images, valid and broken, and the tables of what verifying them must find
    ///
    /// Without options: the committed ones, into tests/vectors; what is stale there is removed.
    Vectors {
        /// Write those that git cannot hold instead (fifos, devices, bombs, huge documents)
        #[arg(long)]
        transient: bool,
        /// The folder to write the transient ones into, instead of target/vectors
        #[arg(long, value_name = "DIR", requires = "transient")]
        into: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let root = root();
    let done = match Arguments::parse().task {
        Task::Test => checks::run(&root),
        Task::Loop { binary } => main_loop::run(&root, binary.as_deref()),
        Task::Bindings { only } => bindings::run(&root, only.as_deref()),
        Task::Dist => dist::run(&root),
        Task::Stubs => bindings::write_stubs(&root),
        Task::Schema => checks::write_schemas(&root),
        Task::Fuzz { target, seconds } => fuzz::run(&root, seconds, target.as_deref()),
        Task::Mutants { only, seconds } => mutants::run(&root, only.as_deref(), seconds),
        Task::Vectors { transient: false, .. } => {
            write(&root.join("tests/vectors"), vectors::write_committed)
        }
        Task::Vectors { into, .. } => {
            write(&into.unwrap_or_else(|| root.join("target/vectors")), vectors::write_transient)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

fn write(folder: &Path, task: fn(&Path) -> io::Result<()>) -> io::Result<()> {
    task(folder).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    say(&format!("wrote {}", folder.display()));
    Ok(())
}

/// The workspace's folder, wherever the task was called.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).into()
}
