//! castline for Node: converts, calls, converts back. What is decided, is decided in the core; what JavaScript sees, is in `lib/`.
//!
//! Documents cross as JSON, or as handles. Long work runs on [`threads`], and its [`work::Watch`] is asked how far it is.

#![deny(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        dead_code,
        reason = "napi makes nothing of these for tests of Rust's own, of which there are none"
    )
)]
#![allow(
    unreachable_pub,
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "the signatures are what Node calls: arguments come as values, and macros make what is public"
)]

#[cfg(target_os = "linux")]
mod build;
mod document;
mod drift;
mod error;
mod import;
mod ledger;
mod plan;
mod rollout;
mod texts;
mod threads;
mod verify;
mod work;

use napi_derive::napi;

/// The version of castline.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Panics, to see what Node sees. Only where castline is built for tests.
#[cfg(debug_assertions)]
#[napi(catch_unwind)]
pub fn panic_now() {
    panic!("as it was asked to");
}

/// The same in long work.
///
/// # Errors
///
/// What became of the panic.
#[cfg(debug_assertions)]
#[napi]
pub fn panic_later<'env>(
    env: &'env napi::Env,
    watch: &work::Watch,
) -> error::Result<napi::bindgen_prelude::Object<'env>> {
    work::job(env, watch, |_| -> error::Result<String> { panic!("as it was asked to") })
}
