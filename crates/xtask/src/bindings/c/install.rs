//! The library, its header, and what finds them, in a folder of their own.

use std::{env, fs, io, os::unix::fs::symlink, path::Path};

use super::archive;
use crate::{checks::execute, target};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the ABI, as `bindings/c/build.rs` says it: `0.N` before 1.0, then the major number.
pub(super) fn abi() -> String {
    match (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")) {
        ("0", minor) => format!("0.{minor}"),
        (major, _) => major.to_owned(),
    }
}

/// Builds the C library of the workspace at `root`, and puts all that programs need of it below `prefix`: `include/`,
/// `lib/`, and there what `pkg-config` and `cmake` read. The prefix may be moved. With the profile of the tests, or that of
/// releases.
///
/// # Errors
///
/// When cargo fails, or `prefix` cannot be written.
pub fn install_into(root: &Path, prefix: &Path, release: bool) -> io::Result<()> {
    let command = ["cargo", "build", "--quiet", "-p", "castline-c"];
    let (profile, folder): (&[&str], _) = if release { (&["--release"], "release") } else { (&[], "debug") };
    execute(root, &[&command[..], profile].concat(), &[])?;
    install_built(root, prefix, &target(root).join(folder))
}

/// The same of libraries that are in the folder `built`.
///
/// # Errors
///
/// When they are not there, or `prefix` cannot be written.
pub fn install_built(root: &Path, prefix: &Path, built: &Path) -> io::Result<()> {
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    let (pkg_config, cmake) = (lib.join("pkgconfig"), lib.join("cmake/castline"));
    for folder in [&include, &pkg_config, &cmake] {
        fs::create_dir_all(folder)?;
    }
    fs::copy(root.join("include/castline.h"), include.join("castline.h"))?;
    archive::closed(root, &built.join("libcastline.a"), &lib.join("libcastline.a"))?;
    let full = format!("libcastline.so.{VERSION}");
    fs::copy(built.join("libcastline.so"), lib.join(&full))?;
    let named = format!("libcastline.so.{}", abi());
    for (link, to) in [(&*named, &full), ("libcastline.so", &named)] {
        let link = lib.join(link);
        if link.is_symlink() {
            fs::remove_file(&link)?;
        }
        symlink(to, link)?;
    }
    let home = root.join("bindings/c");
    for (from, to) in [
        ("castline.pc.in", pkg_config.join("castline.pc")),
        ("cmake/castline-config.cmake", cmake.join("castline-config.cmake")),
        ("cmake/castline-config-version.cmake", cmake.join("castline-config-version.cmake")),
    ] {
        let text = fs::read_to_string(home.join(from))?;
        fs::write(to, text.replace("@VERSION@", VERSION).replace("@ABI@", &abi()))?;
    }
    Ok(())
}
