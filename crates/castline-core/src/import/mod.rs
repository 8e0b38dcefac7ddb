//! Fleets and policies out of what people have: what `kubectl`, `docker`, `podman` and `aws` print of what runs, and what
//! Packer writes of what it built.
//!
//! Every function takes bytes and gives values. Members that are not known are passed over; those that are read must be of
//! the type that their source documents, and an error names the place, as `items[3].status.phase`. What could not be
//! taken over is told in [`Import::notes`]. The order of what stands in a document changes nothing.
//!
//! ```
//! use castline_core::import::{self, KubernetesOptions};
//!
//! let pods = br#"{"kind": "List", "items": [{
//!     "kind": "Pod",
//!     "metadata": {
//!         "name": "web-6d4b75cb6d-hzx7k", "namespace": "shop", "uid": "b1f0b2a4-32d6-4a0b-9c7e-5a9d0b1b7a01",
//!         "labels": {"pod-template-hash": "6d4b75cb6d"},
//!         "ownerReferences": [{"kind": "ReplicaSet", "name": "web-6d4b75cb6d", "controller": true}]
//!     },
//!     "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
//! }]}"#;
//! let import = import::kubernetes(&[pods], &KubernetesOptions::default())?;
//! let fleet = import.fleet("web")?;
//! assert_eq!(fleet.instances()[0].label(import::NAME), Some("web-6d4b75cb6d-hzx7k"));
//! assert_eq!(import.notes, ["it reports no digest of its image: `shop/web-6d4b75cb6d-hzx7k`"]);
//! # Ok::<(), castline_core::Error>(())
//! ```

mod aws;
mod docker;
mod draft;
mod kubernetes;
mod notes;
mod packer;
mod read;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

pub use aws::aws;
pub use docker::{DockerOptions, docker};
pub use kubernetes::{KubernetesOptions, Zones, kubernetes};
pub use packer::{PackerImages, PackerOptions, packer};

use crate::{
    Error, Fleet, Identities, Result,
    drift::{Identification, InstanceSpec, identify},
    error::shown_whole,
    policy::Policy,
    shown,
};

/// The label under which an instance keeps the name that people know it by, where that is not its id: a pod's, a
/// container's.
pub const NAME: &str = "castline.name";

/// The label of the namespace that a pod is in.
pub const NAMESPACE: &str = "castline.namespace";

/// The label of the node that a pod is on.
pub const NODE: &str = "castline.node";

/// The label, tag or annotation that says which revision an instance was launched from
/// ([`Release::revision`](crate::Release::revision)).
pub const REVISION: &str = "castline.revision";

/// What was found, by service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Import {
    /// The services, by their names.
    pub services: BTreeMap<String, Service>,
    /// What was not taken over, or was taken to be so, and why: a sentence for people each, sorted.
    pub notes: Vec<String>,
}

/// What was found of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Service {
    /// What runs.
    pub fleet: Fleet,
    /// How many should, where the platform says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<u64>,
    /// What the platform keeps that number within when it scales by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// How the platform would replace them, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// How instances are run, by their ids, as [`compare_config`](crate::drift::compare_config) takes it. The values may
    /// be secrets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub specs: BTreeMap<Arc<str>, InstanceSpec>,
}

/// The least and the most instances that a platform scales a service to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

impl Import {
    /// The fleet of this service.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`] that names the services that there are.
    pub fn fleet(&self, service: &str) -> Result<&Fleet> {
        self.services.get(service).map(|service| &service.fleet).ok_or_else(|| {
            let mut names = self.services.keys().map(|name| format!("`{}`", shown(name)));
            let some: Vec<String> = names.by_ref().take(10).collect();
            let more = names.count();
            let there = match (some.is_empty(), more) {
                (true, _) => "it has none".to_owned(),
                (false, 0) => format!("it has {}", some.join(", ")),
                (false, more) => format!("it has {} and {more} more", some.join(", ")),
            };
            invalid(
                "source of this fleet",
                &format!("there is no service `{}` in it; {there}", shown(service)),
            )
        })
    }
}

/// Which service an instance is a copy of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Services {
    /// The platform's own: the Deployment, `StatefulSet` or `DaemonSet` that owns a pod; the service of Compose or Swarm; the
    /// Auto Scaling group. Two of one name are an error.
    #[default]
    Workload,
    /// The same under a longer name: `NAMESPACE/WORKLOAD`, `PROJECT/SERVICE`.
    Qualified,
    /// The value of this label, or tag.
    Label(String),
    /// All are of the service of this name.
    One(String),
}

fn invalid(what: &'static str, reason: &str) -> Error {
    Error::InvalidDocument { what, reason: shown_whole(reason).into() }
}

/// Whether there is a digest in what a platform reports of an image.
fn names_a_digest(reported: &str) -> bool {
    let none = Identities { manifest: None, indexes: Vec::new(), config: None };
    !matches!(identify(reported, &none), Identification::Unproven { .. })
}
