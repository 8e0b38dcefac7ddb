//! The npm package: built, packed, installed into a folder of its own, and used from there.

use std::{env, fs, io, path::Path};

use crate::{checks::execute, say};

/// Where the folder is that it is installed into.
const PLACE: &str = "target/bindings/node";

pub(super) fn run(root: &Path) -> io::Result<()> {
    say("\n== Node");
    // With the profile of the tests, which has most of it built already.
    execute(root, &["cargo", "build", "--quiet", "-p", "castline-node"], &[])?;
    let built = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let package = root.join("bindings/node");
    fs::copy(built.join("debug/libcastline_node.so"), package.join("castline.node"))?;
    let place = root.join(PLACE);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    fs::write(place.join("package.json"), "{\"private\": true}\n")?;
    let folder = place.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
    execute(&package, &["npm", "pack", "--silent", "--pack-destination", folder], &[])?;
    let archive = format!("castline-{}.tgz", env!("CARGO_PKG_VERSION"));
    let install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--offline", "--no-package-lock"];
    execute(&place, &[&install[..], &[&format!("./{archive}")]].concat(), &[])?;
    // Next to the installed package, so that its name leads there.
    for test in fs::read_dir(package.join("tests"))? {
        let test = test?;
        fs::copy(test.path(), place.join(test.file_name()))?;
    }
    let vectors = root.join("tests/vectors");
    let vectors = vectors.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
    execute(&place, &["node", "--test"], &[("CASTLINE_VECTORS", vectors)])
}
