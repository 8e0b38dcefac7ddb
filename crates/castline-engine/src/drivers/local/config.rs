use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::PortRange;
use crate::TrafficHook;

/// How the driver `local` is set up. Paths that are not absolute start where castline was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalConfig {
    /// The folder that the driver has for itself: unpacked images, instances, their scratch and logs.
    pub state: PathBuf,
    /// Where images are looked for, as references without tag or digest: `oci:DIR`, `oci-archive:FILE`.
    pub images: Vec<String>,
    /// The zones that may be launched in; without any, each is. They are names only: all are on this machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// How instances are kept apart from the machine. Without it, as well as it can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The OCI runtime; without it, `runc` or `crun` where one is found in the usual folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<PathBuf>,
    /// Where the instances' ports come from: each is told its own in the variable `PORT`, which it is to listen on at 127.0.0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_range: Option<PortRange>,
    /// What sends traffic to instances. Only those with a port get any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficHook>,
    /// How long each of an instance's logs (what it says on either output, and its last health check) may become, in bytes; then its older part goes. 16 MiB.
    #[serde(default = "LocalConfig::default_log_bytes")]
    pub log_bytes: u64,
}

/// How an instance is kept apart from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Isolation {
    /// A container, by an OCI runtime; it has the machine's network. Needs root.
    Container,
    /// A group of processes with a root filesystem of its own, and nothing else. Keeps files apart, not those who want to get
    /// out. Needs root.
    Chroot,
    /// A group of processes that see the machine's files: the program is run from its tree, whose place it finds in the variable
    /// `CASTLINE_ROOT`. For programs that need no others, in development and tests.
    Process,
}

impl LocalConfig {
    /// State in this folder, images from these places, everything else as it is by default.
    pub fn new(state: impl Into<PathBuf>, images: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            state: state.into(),
            images: images.into_iter().map(Into::into).collect(),
            zones: Vec::new(),
            isolation: None,
            runtime: None,
            port_range: None,
            traffic: None,
            log_bytes: Self::default_log_bytes(),
        }
    }

    const fn default_log_bytes() -> u64 {
        16 << 20
    }
}
