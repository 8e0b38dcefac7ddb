//! Is what runs what was shipped? A saved tree (or an image's) against a root filesystem.
//!
//! `cargo run --example drift [TREE.jsonl ROOTFS]`. Without arguments it compares two trees of the test vectors.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{env, error::Error, fs::File, io::BufReader, path::Path, process::ExitCode};

use castline::{
    Rootfs, Watch,
    drift::{Comparison, Profile, Scan, compare},
    sources::{ScanOptions, scan},
};

fn tree(path: impl AsRef<Path>) -> Result<Rootfs, Box<dyn Error>> {
    Ok(Rootfs::read_json_lines(&mut BufReader::new(File::open(path)?))?)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/trees");
    let (shipped, seen) = match &arguments[..] {
        [saved, rootfs] => (tree(saved)?, scan(rootfs.as_ref(), &ScanOptions::default(), &Watch::none())?),
        _ => (
            tree(vectors.join("shipped.jsonl"))?,
            Scan::of(tree(vectors.join("a-new-setuid-program.jsonl"))?),
        ),
    };
    let profile = Profile::named("podman").ok_or("no such profile")?;
    let report = compare(&shipped, &seen, &Comparison::default().with_profile(profile));
    for finding in &report.findings {
        println!("{}: {}", finding.severity.name(), finding.message);
    }
    println!("{} entries, {}", report.entries, if report.is_clean() { "no drift" } else { "DRIFTED" });
    let expected = arguments.is_empty() && report.counts.critical == 1;
    Ok(if report.is_clean() || expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
