//! `cargo xtask fuzz`: each fuzz target for a while.

use std::{fs, io, path::Path, process::Command};

use crate::{checks::execute, images, say};

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
        seed(root, target)?;
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
            "-print_funcs=0",
            "-print_final_stats=1",
        ];
        execute(root, &command, &[])?;
    }
    Ok(())
}

/// Puts what the vectors have for a target into its corpus.
fn seed(root: &Path, target: &str) -> io::Result<()> {
    let corpus = root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let vectors = root.join("tests/vectors");
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    if target == "names" {
        let table = fs::read_to_string(vectors.join("index.tsv"))?;
        let inputs = table.lines().filter_map(|line| line.split('\t').nth(1));
        seeds.extend(inputs.map(|input| input.as_bytes().to_vec()));
    }
    for path in images::files(&vectors)? {
        let Ok(bytes) = fs::read(&path) else { continue };
        let within = |name: &str| path.components().any(|part| part.as_os_str() == name);
        let fits = match target {
            "archive" => within("archives"),
            "index" => path.file_name().is_some_and(|name| name == "index.json"),
            "manifest" => within("blobs") && bytes.starts_with(b"{"),
            "layer" | "inflate" => within("blobs") && !bytes.starts_with(b"{"),
            _ => false,
        };
        match bytes.strip_prefix(b"\x1f\x8b\x08\x00") {
            // Past the rest of the header, after two bytes that say how to cut.
            Some(body) if fits && target == "inflate" => {
                seeds.push([b"\x20\x40", body.get(6..).unwrap_or_default()].concat());
            }
            _ if fits && target != "inflate" => seeds.push(bytes),
            _ => {}
        }
    }
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number:04}")), seed)?;
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
