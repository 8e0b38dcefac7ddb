//! Registries.

mod auth;
mod body;
mod challenge;
mod client;
mod credentials;
mod helper;
mod options;
mod repository;
mod secret;
mod tls;

pub use credentials::{Credentials, Login};
pub use options::{Proxies, RegistryOptions, Retries};
pub use secret::Secret;
