//! Verifies an image with progress, and stops at the first Ctrl-C of a program that has one.
//!
//! `cargo run --release --example verify -- oci:tests/vectors/layouts/three-layers`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::process::ExitCode;

use castline::{
    Cancel, Level, Options, Progress, Watch,
    sources::{Reference, Source},
};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1);
    let reference: Reference =
        argument.as_deref().unwrap_or("oci:tests/vectors/layouts/three-layers").parse()?;
    let source = Source::open(&reference)?;
    let options = Options::default().with_selection(reference.selection());

    // Called from the worker threads.
    let progress = |progress: Progress| eprintln!("{} of {} bytes", progress.bytes, progress.total_bytes);
    // Another thread may keep a clone and call `cancel()`.
    let cancel = Cancel::default();
    let watch = Watch::none().with_progress(&progress).with_cancel(&cancel);

    let verification = castline::verify(&source, &options, &watch)?;
    let report = verification.report;
    for image in &verification.images {
        println!("{} is what it claims to be", image.digest());
    }
    for finding in report.findings.iter().filter(|finding| finding.level == Level::Error) {
        println!("{}: {}", finding.code, finding.message);
    }
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
