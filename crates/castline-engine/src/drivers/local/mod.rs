//! This machine, without any daemon: the default for development, edge machines and tests. Linux only.
//!
//! An image is verified, then unpacked into a store, by its digest; its tree is compared with the image before anything runs on it. An
//! instance has that tree below and a scratch of its own above (an overlay), so that what it writes stands apart; without root,
//! it has a copy of the tree. It runs in a container where an OCI runtime can make one, else with a root filesystem of its own, else as
//! a group of processes ([`Isolation`]). There is no daemon: all that is known of an instance is on disk and in the kernel's
//! tables, and another process of castline finds it again. Nothing restarts an instance: one that has ended has failed. What a launch that
//! was given up has left half made is removed by whoever observes next.
//!
//! What is believed: the kernel, and who owns the state folder (root, or the user who runs castline). What is not: where images come
//! from (each is verified by each process that uses it), what is in the store (it is compared with the image when a process
//! first uses it, and unpacked anew if it differs), the instances, and process numbers.
//!
//! Secrets are read when an instance is launched, and are in the environment of its process, for which root and its own user can look in
//! `/proc`. An OCI runtime is told of them in a file that only the owner can read, which has them until the program was started (crun
//! keeps a copy of its own in the state folder, which only the owner can enter). Health checks have what the process was started
//! with; of a program that writes over its environment, they have no secrets.
//!
//! What [`CheckMode::Fast`] sees is what was written through the instance. Who writes to the store, or to the overlay's folders while it is
//! mounted, is seen by [`CheckMode::Full`], which reads all files as the instance has them.

mod check;
mod config;
mod container;
mod launch;
mod logs;
mod mounts;
mod observe;
mod process;
mod programs;
mod record;
mod retire;
#[cfg(test)]
mod source_tests;
mod start;
mod store;
mod tree;
mod unpacked;
mod user;

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use castline_core::{
    Fleet, Release,
    drift::DriftReport,
    plan::Disposal,
    rollout::{Action, What},
};
use rustix::process::{getegid, geteuid};
use tokio::sync::{Mutex as AsyncMutex, OnceCell, mpsc::Sender};

pub use config::{Isolation, LocalConfig};
use record::Folder;
use store::{Store, private_folder};
pub use unpacked::{Leftover, LeftoverKind, Unpacked};

use super::{
    blocking, failed,
    images::Images,
    perform::{Launch, Performs, perform},
    secrets,
    switch::Switch,
};
use crate::{CheckMode, Doing, Driver, DriverError, Endpoint, KeptImage, Removal};

/// The driver `local`. A clone is the same one.
#[derive(Clone, Debug)]
pub struct LocalDriver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: LocalConfig,
    /// The folder, without links in its path.
    state: PathBuf,
    images: Images,
    store: Store,
    switch: Switch,
    /// The runtime, once it was looked for; or why there is none.
    runtime: OnceCell<Result<container::Runtime, String>>,
    /// Instances that are being checked now.
    checking: Mutex<BTreeSet<Arc<str>>>,
    /// One launch at a time chooses a port.
    ports: AsyncMutex<()>,
}

impl LocalDriver {
    /// The driver, with its folder made. Nothing is read or started yet.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] for a configuration that cannot be: references that are none, a port range without ports, a state
    /// folder that cannot be made.
    pub fn new(config: LocalConfig) -> Result<Self, DriverError> {
        let images = Images::new(&config.images)?;
        if let Some(range) = config.port_range {
            range.check()?;
        }
        if !geteuid().is_root() && matches!(config.isolation, Some(Isolation::Container | Isolation::Chroot))
        {
            return Err(DriverError::permanent("isolation: containers and chroots need root"));
        }
        for folder in ["instances", "store"] {
            private_folder(&config.state.join(folder))?;
        }
        let state = fs::canonicalize(&config.state).map_err(failed(config.state.display()))?;
        if geteuid().is_root()
            && config.isolation != Some(Isolation::Process)
            && !mounts::is_mountable(&state)
        {
            return Err(DriverError::permanent(format!(
                "state: {} has a colon, comma, quote or backslash in it, which no overlay can be mounted with",
                state.display()
            )));
        }
        let user = (!geteuid().is_root()).then(|| (geteuid().as_raw(), getegid().as_raw()));
        let store = Store::new(state.join("store"), user)?;
        let switch = Switch::new(config.traffic.clone(), Some(state.join("weights.json")));
        Ok(Self(Arc::new(Inner {
            config,
            state,
            images,
            store,
            switch,
            runtime: OnceCell::new(),
            checking: Mutex::default(),
            ports: AsyncMutex::default(),
        })))
    }

    /// How instances are kept apart here. Looks for a runtime, and whether it works, the first time.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] where the configuration wants a container and none can be made, with what the runtime says.
    pub async fn isolation(&self) -> Result<Isolation, DriverError> {
        match self.0.config.isolation {
            Some(Isolation::Container) => self.0.runtime().await.map(|_| Isolation::Container),
            Some(other) => Ok(other),
            None if !geteuid().is_root() => Ok(Isolation::Process),
            None => match self.0.runtime().await {
                Ok(_) => Ok(Isolation::Container),
                Err(why) => {
                    tracing::info!(%why, "instances are run without containers");
                    Ok(Isolation::Chroot)
                }
            },
        }
    }
}

impl Driver for LocalDriver {
    fn name(&self) -> &'static str {
        "local"
    }

    fn zones(&self) -> Vec<Arc<str>> {
        self.0.config.zones.iter().map(|zone| zone.as_str().into()).collect()
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
        Box::pin(async move {
            let inner = Arc::clone(&self.0);
            let folder = self.0.known_folder(instance)?;
            let release = release.clone();
            blocking(move || inner.compare(&folder, &release, mode)).await
        })
    }

    fn ready<'a>(&'a self, release: &'a Release) -> Doing<'a, ()> {
        Box::pin(async move {
            self.0.switch.is_there()?;
            secrets::are_there(release).await?;
            let (inner, release) = (Arc::clone(&self.0), release.clone());
            // It is read once, whoever asks: a launch finds it verified.
            blocking(move || inner.images.of(&release).map(|_| ())).await
        })
    }

    fn images(&self) -> Doing<'_, Option<Vec<KeptImage>>> {
        Box::pin(async move {
            let kept =
                |one: Unpacked| KeptImage { in_use: one.in_use, ..KeptImage::new(one.image, one.bytes) };
            Ok(Some(self.unpacked().await?.into_iter().map(kept).collect()))
        })
    }

    fn remove_image<'a>(&'a self, image: &'a KeptImage) -> Doing<'a, Removal> {
        Box::pin(async move { self.remove_unpacked(&image.image).await.map(|()| Removal::Removed) })
    }
}

impl Performs for LocalDriver {
    async fn launch(&self, launch: Launch<'_>) -> Result<Vec<What>, DriverError> {
        self.launch(launch).await
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
        self.0.endpoints(service)
    }
}

impl Inner {
    async fn runtime(&self) -> Result<&container::Runtime, DriverError> {
        let looked = self.runtime.get_or_init(|| async {
            let candidates = container::Runtime::candidates(self.config.runtime.as_deref());
            let mut refused = Vec::new();
            for program in &candidates {
                match container::Runtime::probed(program, &self.state.join("runtime")).await {
                    Ok(runtime) => return Ok(runtime),
                    Err(why) => refused.push(why.to_string()),
                }
            }
            if candidates.is_empty() {
                refused.push("there is neither runc nor crun in the usual folders".into());
            }
            Err(refused.join("; "))
        });
        looked
            .await
            .as_ref()
            .map_err(|why| DriverError::permanent(format!("no container can be made: {why}")))
    }

    fn folder(&self, id: &str) -> Folder {
        Folder::new(self.state.join("instances").join(id))
    }

    /// The folder of an instance of which nobody knows whether it is one of ours.
    fn known_folder(&self, id: &str) -> Result<Folder, DriverError> {
        if id.is_empty() || id.starts_with('.') || id.contains('/') {
            return Err(DriverError::permanent(format!("`{id}` is no instance of the driver local")));
        }
        Ok(self.folder(id))
    }
}
