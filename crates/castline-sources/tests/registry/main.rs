//! Registries: a real one on loopback, plain, with a password, with TLS, with a token server, with damage on its disk, behind a proxy, behind
//! connections that are cut; and programs that only look like one.

mod auth;
mod cuts;
mod disk;
mod hostile;
mod images;
mod moving;
mod proxy;
mod referrers;
mod server;
mod tokens;
mod verified;
mod wire;

use std::time::Duration;

use castline_sources::registry::{Registry, RegistryOptions, Retries};

/// A client that does not wait long.
fn client() -> Registry {
    with(RegistryOptions::default())
}

fn with(options: RegistryOptions) -> Registry {
    Registry::new(options.with_retries(Retries::default().with(5, Duration::from_millis(10))))
        .expect("a client")
}

/// Whether there are a registry and what else is needed.
fn available(programs: &[&str]) -> bool {
    let programs: Vec<&str> = ["docker-registry"].iter().chain(programs).copied().collect();
    xtask::engines::available(&programs, false)
}
