use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::PortRange;
use crate::TrafficHook;

/// How the driver `docker` is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerConfig {
    /// The engines, and which zones each of them is.
    pub hosts: Vec<DockerHost>,
    /// Where images are looked for, as references without tag or digest: `oci:DIR`, `oci-archive:FILE` and `docker-archive:FILE`, which
    /// are verified and given to the engines; then `docker://HOST/NAME`, which the engines pull from by digest, with what
    /// credentials they have.
    pub images: Vec<String>,
    /// The network of containers: `host`, or one that the engines have.
    #[serde(default = "DockerConfig::default_network")]
    pub network: String,
    /// In the network `host`, where the instances' ports come from: each is told its own in the variable `PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_range: Option<PortRange>,
    /// In another network, the port that each instance listens on, at the address that it has there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What sends traffic to instances. Only those with a port get any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficHook>,
    /// A file that keeps what stages have said of traffic's weights. Without it, who starts castline anew in the middle of a
    /// rollout that has shifted traffic has all instances get the same until the next stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_file: Option<PathBuf>,
    /// How long an engine may take to answer, in seconds; what is asked to end has its time to drain in addition. 60.
    #[serde(default = "DockerConfig::default_timeout")]
    pub timeout_seconds: u64,
}

/// A Docker Engine or a Podman.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerHost {
    /// Where it listens: `unix:///PATH` or `tcp://HOST:PORT`, the latter with TLS where [`Self::tls`] is given. Whoever can talk to
    /// an engine without it is its root.
    pub url: String,
    /// The zones that are there. A zone is in one place.
    pub zones: Vec<String>,
    /// How it is known to be the one, and how castline says that it is castline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<DockerTls>,
    /// Where instances in the network `host` are reached; without it, 127.0.0.1 for a socket, and else the host of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Certificates, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerTls {
    /// Who vouches for the engine. Nobody else does: the system's authorities are not asked.
    pub ca: PathBuf,
    /// The certificate of castline, where the engine asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

impl DockerConfig {
    /// These engines, images from these places, everything else as it is by default.
    pub fn new(
        hosts: impl IntoIterator<Item = DockerHost>,
        images: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            images: images.into_iter().map(Into::into).collect(),
            network: Self::default_network(),
            port_range: None,
            port: None,
            traffic: None,
            weights_file: None,
            timeout_seconds: Self::default_timeout(),
        }
    }

    fn default_network() -> String {
        "bridge".into()
    }

    const fn default_timeout() -> u64 {
        60
    }
}

impl DockerHost {
    /// An engine that is these zones.
    pub fn new(url: impl Into<String>, zones: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { url: url.into(), zones: zones.into_iter().map(Into::into).collect(), tls: None, address: None }
    }
}
