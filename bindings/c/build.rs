//! The name by which programs find the shared library: with the version of its ABI.

use std::env;

/// The ABI that a release has: `0.N` before 1.0, then the major number.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let part = |key: &str| env::var(key).expect("cargo sets it");
    if part("CARGO_CFG_TARGET_OS") != "linux" || env::var_os("CARGO_FEATURE_CAPI").is_some() {
        return;
    }
    let abi = match (part("CARGO_PKG_VERSION_MAJOR"), part("CARGO_PKG_VERSION_MINOR")) {
        (major, minor) if major == "0" => format!("0.{minor}"),
        (major, _) => major,
    };
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcastline.so.{abi}");
}
