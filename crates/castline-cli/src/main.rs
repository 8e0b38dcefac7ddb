//! The binary `castline`. The only crate of the workspace that prints, and that reads arguments or the environment.
#![forbid(unsafe_code)]

mod arguments;
#[cfg(target_os = "linux")]
mod build;
mod check;
mod diff;
mod documents;
#[cfg(target_os = "linux")]
mod drift;
mod engine;
mod import;
mod inspect;
mod output;
mod plan;
mod profile;
mod progress;
#[cfg(feature = "registry")]
mod registry;
mod release;
#[cfg(test)]
mod schemas;
mod secrets;
mod size;
mod tree;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};

/// How a command that did its work ended: 0 where all is well, 1 where an error was found or something could not be
/// checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    Findings,
}

/// Why the work could not be done.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        #[cfg(target_os = "linux")]
        Command::Build(arguments) => build::run(&arguments),
        #[cfg(not(target_os = "linux"))]
        Command::Build(_) => Err("images can be built on Linux only".into()),
        Command::Diff(arguments) => diff::run(&arguments),
        #[cfg(target_os = "linux")]
        Command::Drift(arguments) => drift::run(&arguments),
        #[cfg(not(target_os = "linux"))]
        Command::Drift(_) => Err("a root filesystem can be scanned on Linux only".into()),
        Command::Answer(arguments) => engine::answer(&arguments),
        Command::Apply(arguments) => engine::apply(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Release(arguments) => release::run(&arguments),
        Command::Profile(arguments) => profile::run(&arguments),
        Command::History(arguments) => engine::history(&arguments),
        Command::Pause(arguments) => engine::pause(&arguments),
        Command::Prune(arguments) => engine::prune(&arguments),
        Command::Remediate(arguments) => engine::remediate(&arguments),
        Command::Resume(arguments) => engine::resume(&arguments),
        Command::Rollback(arguments) => engine::rollback(&arguments),
        Command::Status(arguments) => engine::status(&arguments),
        Command::Test(arguments) => engine::test(&arguments),
        #[cfg(feature = "registry")]
        Command::List(arguments) => registry::list(&arguments),
        #[cfg(feature = "registry")]
        Command::Pin(arguments) => registry::pin(&arguments),
        #[cfg(feature = "registry")]
        Command::Pull(arguments) => registry::pull(&arguments),
        #[cfg(feature = "registry")]
        Command::Push(arguments) => registry::push(&arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Tree(arguments) => tree::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    };
    match outcome {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Findings) => ExitCode::from(1),
        Err(failure) => {
            output::complain(&*failure);
            ExitCode::from(2)
        }
    }
}
