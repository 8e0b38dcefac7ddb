//! Which castline this is.

use std::ffi::c_char;

/// Grows when a function, a constant or a structure of the header changes what it means, or goes.
pub const CASTLINE_ABI_VERSION: u32 = 1;

/// The version of the library, as `0.1.0`. Static: do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn castline_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The CASTLINE_ABI_VERSION that the library was built with. A program that was built with another one must not use it.
#[unsafe(no_mangle)]
pub extern "C" fn castline_abi_version() -> u32 {
    CASTLINE_ABI_VERSION
}
