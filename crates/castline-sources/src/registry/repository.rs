use std::net::IpAddr;

use reqwest::Url;

use super::credentials::is_docker_hub;
use crate::{Error, Reference, Result, Transport};

/// A repository of a registry, and where that is.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// The registry, as people write it.
    pub(super) host: String,
    /// Its name in the registry.
    pub(super) name: String,
    /// Where the registry answers: scheme, host and port.
    pub(super) origin: Url,
}

impl Repository {
    /// Whether `url` is of the registry itself: the same scheme, host and port.
    pub(super) fn is_home(&self, url: &Url) -> bool {
        self.origin.origin() == url.origin()
    }

    /// `/v2/NAME/` and what follows.
    pub(super) fn url(&self, rest: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.name));
        url
    }
}

/// The host and the name that a reference means: Docker Hub has another host than people write, and a namespace of its
/// own for names without one.
pub(super) fn place(reference: &Reference) -> Result<(String, String)> {
    let not_one = || Error::Unsupported {
        what: reference.to_string().into(),
        advice: "this is no image in a registry; write `docker://HOST/NAME:TAG`",
    };
    if reference.transport() != Transport::Docker {
        return Err(not_one());
    }
    let place = reference.path().to_str().ok_or_else(not_one)?;
    let (host, name) = place.split_once('/').ok_or_else(not_one)?;
    let host = host.to_ascii_lowercase();
    if is_docker_hub(&host) {
        let name = if name.contains('/') { name.to_owned() } else { format!("library/{name}") };
        return Ok(("registry-1.docker.io".into(), name));
    }
    Ok((host, name.to_owned()))
}

/// Whether a host, perhaps with a port, is this machine and no other.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_hub_is_where_people_mean_it_to_be() {
        for (text, host, name) in [
            ("docker://docker.io/alpine", "registry-1.docker.io", "library/alpine"),
            ("docker://docker.io/grafana/loki:3", "registry-1.docker.io", "grafana/loki"),
            (
                "docker://Registry.Example:5000/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
                "registry.example:5000",
                "a/b",
            ),
        ] {
            let reference: Reference = text.parse().expect("a reference");
            assert_eq!(place(&reference).expect("a place"), (host.to_owned(), name.to_owned()));
        }
        assert!(place(&"oci:app".parse().expect("a reference")).is_err());
    }

    #[test]
    fn loopback_is_told_from_what_only_looks_like_it() {
        for (host, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1", true),
            ("127.9.9.9:1", true),
            ("[::1]:5000", true),
            ("localhost.example", false),
            ("127.0.0.1.example:5000", false),
            ("10.0.0.1:5000", false),
            ("[fe80::1]:5000", false),
        ] {
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }
}
