#![doc = include_str!("../../README.md")]
#![forbid(unsafe_code)]

pub use castline_core::*;

/// Where images are read: folders and archives.
pub mod sources {
    pub use castline_sources::*;
}

/// What acts: drivers, the executor, ledger files.
#[cfg(feature = "engine")]
pub mod engine {
    pub use castline_engine::*;
}
