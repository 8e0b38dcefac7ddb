//! Docker Engines and Podmans, through the API that both speak, at a socket or by TCP with TLS. Several engines are several zones.
//!
//! An image is verified here, given to the engine, and launched by the ID that the engine computes of it, which has to be the
//! digest of the release's configuration; or the engine pulls it from a registry by digest, and has to say the same. All that is to be
//! remembered of an instance are its container's labels and, once it is retired, the end of its name; so another castline goes on
//! where one has ended. A container's name comes from the key of its launch, so that the engine itself refuses to launch it twice.
//!
//! Secrets are read by castline, on its machine, when a container is made, and are among the container's variables: who can talk to the
//! engine sees them by `docker inspect`, as all that has them from the environment.
//!
//! An image that castline has brought to an engine has a name there that says so, `castline/ALGORITHM:DIGEST`, and can be removed again
//! ([`Driver::images`]). What was there before, has a name of somebody else as well (as out of a docker archive), or is used by any
//! container is left alone.
//!
//! Docker checks health by itself. Podman does where systemd keeps its timers, and is asked to by this driver anyway.
//!
//! What is believed: the engines, who are root on their machines, in what they say of containers and images. An engine that is not at
//! a socket and has no TLS can be anyone. What is not: where images come from, and containers, whose files are
//! compared with the image by castline itself. [`CheckMode::Fast`] reads the container's own layer on disk; it does not see what was done
//! to the image's layers in the engine's storage. [`CheckMode::Full`] reads all files as the container's processes see them, or, where the
//! engine is elsewhere or the container has ended, in the archive that the engine makes of them; that has no extended
//! attributes but capabilities.

mod api;
mod archive;
mod check;
mod config;
mod container;
mod image;
mod kept;
mod launch;
mod observe;
mod retire;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use api::Api;
use castline_core::{
    Fleet, Release, Time,
    drift::DriftReport,
    plan::Disposal,
    rollout::{Action, What},
};
use castline_sources::Reference;
use container::Container;
use serde::Deserialize;
use tokio::sync::{Mutex as AsyncMutex, mpsc::Sender};

pub use config::{DockerConfig, DockerHost, DockerTls};

use super::{
    images::Images,
    perform::{Launch, Performs, perform},
    secrets,
    switch::Switch,
};
use crate::{CheckMode, Doing, Driver, DriverError, Endpoint, KeptImage, Removal};

/// The driver `docker`. A clone is the same one.
#[derive(Clone, Debug)]
pub struct DockerDriver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: DockerConfig,
    hosts: Vec<Host>,
    images: Arc<Images>,
    registries: Vec<Reference>,
    switch: Switch,
    /// One launch at a time chooses a port.
    ports: AsyncMutex<()>,
    /// One launch at a time brings an image.
    bringing: AsyncMutex<()>,
    /// Since when containers have been seen ready, without a break.
    ready: Mutex<BTreeMap<String, Time>>,
    /// When Podman's containers were checked last.
    checked: Mutex<BTreeMap<String, Time>>,
}

#[derive(Debug)]
struct Host {
    api: Api,
    zones: Vec<String>,
    /// Where its instances are reached.
    address: String,
}
/// A container, and where it is.
#[derive(Clone, Debug)]
struct Placed {
    host: usize,
    container: Container,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    id: String,
}

impl DockerDriver {
    /// The driver. No engine is asked yet.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] for a configuration that cannot be: URLs and references that are none, a zone in two places,
    /// certificates that cannot be read.
    pub fn new(config: DockerConfig) -> Result<Self, DriverError> {
        if let Some(range) = config.port_range {
            range.check()?;
            if config.network != "host" {
                return Err(DriverError::permanent(
                    "portRange: ports are given to instances in the network `host`; in others, each has an address: set `port`",
                ));
            }
        }
        let patience = Duration::from_secs(config.timeout_seconds.max(1));
        let mut zones = BTreeSet::new();
        let mut hosts = Vec::new();
        for host in &config.hosts {
            if let Some(zone) = host.zones.iter().find(|zone| !zones.insert(zone.as_str())) {
                return Err(DriverError::permanent(format!("the zone `{zone}` is in two places")));
            }
            let api = Api::new(host, patience)?;
            let of_url = || match host.url.strip_prefix("tcp://").and_then(|rest| rest.rsplit_once(':')) {
                Some((name, _)) => name.to_owned(),
                None => "127.0.0.1".to_owned(),
            };
            let address = host.address.clone().unwrap_or_else(of_url);
            hosts.push(Host { api, zones: host.zones.clone(), address });
        }
        if hosts.is_empty() {
            return Err(DriverError::permanent("hosts: there is no engine to launch anything with"));
        }
        let images = Arc::new(Images::new(&config.images)?);
        let registries = images.registries();
        let switch = Switch::new(config.traffic.clone(), config.weights_file.clone());
        Ok(Self(Arc::new(Inner {
            config,
            hosts,
            images,
            registries,
            switch,
            ports: AsyncMutex::default(),
            bringing: AsyncMutex::default(),
            ready: Mutex::default(),
            checked: Mutex::default(),
        })))
    }
}

impl Driver for DockerDriver {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn zones(&self) -> Vec<Arc<str>> {
        self.0.hosts.iter().flat_map(|host| &host.zones).map(|zone| zone.as_str().into()).collect()
    }

    fn observe<'a>(&'a self, service: &'a str) -> Doing<'a, Fleet> {
        Box::pin(self.0.observe(service))
    }

    fn watch<'a>(&'a self, services: &'a [Arc<str>], events: Sender<What>) -> Doing<'a, ()> {
        Box::pin(self.0.watch(services, events))
    }

    fn perform<'a>(&'a self, action: &'a Action, release: Option<&'a Release>) -> Doing<'a, Vec<What>> {
        Box::pin(perform(self, action, release))
    }

    fn check<'a>(
        &'a self,
        instance: &'a str,
        release: &'a Release,
        mode: CheckMode,
    ) -> Doing<'a, DriftReport> {
        Box::pin(self.0.compare(instance, release, mode))
    }

    fn ready<'a>(&'a self, release: &'a Release) -> Doing<'a, ()> {
        Box::pin(async move {
            self.0.switch.is_there()?;
            secrets::are_there(release).await?;
            self.0.is_provided(release).await
        })
    }

    fn images(&self) -> Doing<'_, Option<Vec<KeptImage>>> {
        Box::pin(async move { self.0.kept().await.map(Some) })
    }

    fn remove_image<'a>(&'a self, image: &'a KeptImage) -> Doing<'a, Removal> {
        Box::pin(self.0.remove_kept(image))
    }
}

impl Performs for DockerDriver {
    async fn launch(&self, launch: Launch<'_>) -> Result<Vec<What>, DriverError> {
        self.0.launch(launch).await
    }

    async fn retire(
        &self,
        service: &Arc<str>,
        instance: &Arc<str>,
        disposal: Disposal,
        drain: Duration,
    ) -> Result<Vec<What>, DriverError> {
        self.0.retire(service, instance, disposal, drain).await
    }

    fn switch(&self) -> &Switch {
        &self.0.switch
    }

    async fn endpoints(&self, service: &str) -> Result<Vec<Endpoint>, DriverError> {
        Ok(self.0.endpoints(&self.0.containers(service, false).await?))
    }
}
