//! `cargo xtask …`: the tasks of castline's developers.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use xtask::{say, vectors};

/// Tasks of castline's developers.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
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
    let Task::Vectors { transient, into } = Arguments::parse().task;
    let root = root();
    let done = if transient {
        write(&into.unwrap_or_else(|| root.join("target/vectors")), vectors::write_transient)
    } else {
        write(&root.join("tests/vectors"), vectors::write_committed)
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
