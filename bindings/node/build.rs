//! What the linker has to know of Node.

fn main() {
    napi_build::setup();
    // Node unloads the library with the last of its threads that has loaded it, whatever threads of ours still run in it.
    println!("cargo:rustc-link-arg-cdylib=-Wl,-z,nodelete");
}
