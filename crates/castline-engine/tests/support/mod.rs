//! What tests of drivers begin with: images, engines, and what every driver promises.
#![allow(dead_code, reason = "each test uses what it needs of it")]

pub(crate) mod drivers;
pub(crate) mod engines;
pub(crate) mod images;
pub(crate) mod proxy;

/// Runs a test that waits for things.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}
