//! The wheel: built, installed into a virtual environment of its own, and used from there.

use std::{fs, io, path::Path};

use crate::{checks::execute, say};

/// Where the environment and the wheel are.
const PLACE: &str = "target/bindings/python";

pub(super) fn run(root: &Path) -> io::Result<()> {
    say("\n== Python");
    let place = root.join(PLACE);
    let environment = place.join("environment");
    let python = environment.join("bin/python");
    if !python.is_file() {
        fs::create_dir_all(&place)?;
        // Without pip: Debian has that of an environment in a package of its own. The one that is there does it, too.
        let path = text(&environment)?;
        execute(root, &["python3", "-m", "venv", "--without-pip", path], &[])?;
    }
    let python = text(&python)?;
    let pip =
        ["python3", "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "--quiet"];
    execute(root, &[&pip[..], &["--requirement", "bindings/python/requirements.txt"]].concat(), &[])?;
    let wheels = place.join("wheels");
    if wheels.exists() {
        fs::remove_dir_all(&wheels)?;
    }
    let wheels = text(&wheels)?;
    let manifest = "bindings/python/Cargo.toml";
    // With the profile of the tests, which has most of it built already.
    let build = [
        "-m",
        "maturin",
        "build",
        "--quiet",
        "--profile",
        "dev",
        "--manifest-path",
        manifest,
        "--out",
        wheels,
    ];
    execute(root, &[&[python], &build[..]].concat(), &[])?;
    let wheel = fs::read_dir(wheels)?.next().ok_or_else(|| io::Error::other("no wheel was built"))??.path();
    let install = [&pip[..], &["--force-reinstall", "--no-deps", text(&wheel)?]].concat();
    execute(root, &install, &[])?;
    // From a folder in which there is no package of that name but the installed one.
    let folder = root.join("bindings/python/tests");
    let quiet = [("PYTHONDONTWRITEBYTECODE", "1")];
    execute(&folder, &[python, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "."], &quiet)?;
    execute(&folder, &[python, "-m", "mypy.stubtest", "castline", "--ignore-disjoint-bases"], &quiet)?;
    let cache = ["--cache-dir", "/dev/null"];
    let strict =
        [&[python, "-m", "mypy", "--strict"], &cache[..], &[".", "../../../examples/python"]].concat();
    execute(&folder, &strict, &quiet)?;
    for example in ["plan.py", "drive.py"] {
        execute(&root.join("examples/python"), &[python, example], &quiet)?;
    }
    Ok(())
}

fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))
}
