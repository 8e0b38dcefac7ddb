use std::{num::NonZeroUsize, time::Duration};

use castline_core::Limits;

use super::{credentials::Credentials, secret::Secret};

/// How registries are spoken to.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    pub(super) credentials: Credentials,
    pub(super) authorities: Vec<Vec<u8>>,
    pub(super) plain_http: bool,
    pub(super) proxies: Proxies,
    pub(super) retries: Retries,
    pub(super) connections: NonZeroUsize,
    pub(super) limits: Limits,
    pub(super) patience: Duration,
}

/// Through which proxies: the values of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, which the caller reads. Loopback is never
/// asked through one.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub(super) https: Option<Secret>,
    pub(super) http: Option<Secret>,
    pub(super) except: String,
}

impl Proxies {
    /// For `https`, for `http`, and the hosts for which there is none, separated by commas: names, which mean the hosts below
    /// them as well (`example`, `.example` and `*.example` alike), addresses, networks (`10.0.0.0/8`), or `*` for all. A port behind
    /// a name or an address is not looked at. A proxy's address can have a name and a password in it.
    pub fn new(https: Option<&str>, http: Option<&str>, except: &str) -> Self {
        let except: Vec<&str> = except.split(',').map(excepted).collect();
        // The HTTP client takes that for all names, and for no address.
        let all = except.contains(&"*");
        let address = |text: Option<&str>| text.filter(|text| !all && !text.is_empty()).map(Secret::new);
        Self { https: address(https), http: address(http), except: except.join(",") }
    }
}

/// An entry of `NO_PROXY` as the HTTP client reads it, which knows neither ports nor `*.` in it.
fn excepted(entry: &str) -> &str {
    let entry = entry.trim();
    let entry = match entry.rsplit_once(':') {
        // An IPv6 address has more colons, unless it is in brackets.
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!host.contains(':') || host.ends_with(']')) =>
        {
            host.trim_start_matches('[').trim_end_matches(']')
        }
        _ => entry,
    };
    entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry)
}

/// How often, and how long, to try what a registry or the way to it fails at for the moment: connections that cannot be made
/// or are cut, 429, and 500 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// How often a request is tried in all; of a download or an upload, how often in a row without getting further: 5.
    pub attempts: u32,
    /// The first pause; each one after it is twice as long: 500 ms.
    pub first: Duration,
    /// The longest pause, whatever `Retry-After` says: 30 s.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl Retries {
    /// The same with `attempts` in all, the first pause being `first`.
    #[must_use]
    pub const fn with(self, attempts: u32, first: Duration) -> Self {
        Self { attempts, first, ..self }
    }

    /// How long to wait after `failures`, the registry having asked for `asked`.
    pub(super) fn pause(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled =
            self.first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        asked.unwrap_or(doubled).min(self.longest)
    }
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            credentials: Credentials::none(),
            authorities: Vec::new(),
            plain_http: false,
            proxies: Proxies::default(),
            retries: Retries::default(),
            connections: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
            limits: Limits::default(),
            patience: Duration::from_secs(60),
        }
    }
}

impl RegistryOptions {
    /// The same with these credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials, ..self }
    }

    /// The same, certificates of these authorities being trusted, too: one or more in PEM, beside those that the system
    /// trusts.
    #[must_use]
    pub fn with_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// The same, speaking HTTP without TLS to every registry, or not. To loopback it is spoken where there is no TLS.
    #[must_use]
    pub fn with_plain_http(self, plain_http: bool) -> Self {
        Self { plain_http, ..self }
    }

    /// The same through proxies.
    #[must_use]
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// The same with other retries.
    #[must_use]
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// The same with so many blobs under way at once.
    #[must_use]
    pub fn with_connections(self, connections: NonZeroUsize) -> Self {
        Self { connections, ..self }
    }

    /// The same with other limits: of one document, of all documents of an image, of a blob.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same waiting so long for a registry that says nothing: 60 s.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_whatever_the_registry_asks_for() {
        let retries = Retries::default();
        let pauses: Vec<u128> = (1..=8).map(|failures| retries.pause(failures, None).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(retries.pause(u32::MAX, None), retries.longest);
        assert_eq!(retries.pause(1, Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(retries.pause(1, Some(Duration::from_secs(86_400))), retries.longest);
    }

    #[test]
    fn what_is_excepted_from_proxies_is_read_as_others_do() {
        for (entry, read) in [
            (" registry.example ", "registry.example"),
            ("registry.example:5000", "registry.example"),
            (".example", ".example"),
            ("*.example", ".example"),
            ("*", "*"),
            ("10.0.0.1:80", "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("fe80::1", "fe80::1"),
            ("[fe80::1]:5000", "fe80::1"),
            ("", ""),
        ] {
            assert_eq!(excepted(entry), read, "{entry}");
        }
    }

    #[test]
    fn a_proxy_does_not_print_its_password() {
        let options = RegistryOptions::default().with_proxies(Proxies::new(
            Some("http://me:hunter2@proxy.example:3128"),
            None,
            "",
        ));
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
