//! Docker Engines and Podmans, through the API that both speak, at a socket or by TCP with TLS. Several engines are several zones.
//!
//! An image is verified here, given to the engine, and launched by the ID that the engine computes of it, which has to be the
//! digest of the release's configuration; or the engine pulls it from a registry by digest, and has to say the same. All that is to be
//! remembered of an instance are its container's labels and, once it is retired, the end of its name; so another castline goes on
//! where one has ended. A container's name comes from the key of its launch, so that the engine itself refuses to launch it twice.
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
mod config;
mod container;
mod image;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::{Api, escaped};
use castline_core::{
    Fleet, Health, Instance, Phase, Release, Time, Watch,
    drift::{Comparison, DriftReport, Profile, Scan, compare},
    plan::Disposal,
    rollout::{Action, Do, Key, What},
};
use castline_sources::{OverlayXattrs, Reference, ScanOptions, scan, scan_upper};
use container::{Container, ISOLATING, QUARANTINED, RETIRING};
use hyper::{Method, StatusCode};
use rustix::process::geteuid;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, mpsc::Sender},
    task::JoinSet,
    time::{Instant, sleep},
};

pub use config::{DockerConfig, DockerHost, DockerTls};

use super::{
    blocking,
    images::{self, Images},
    labels, now,
    ports::is_free,
    switch::Switch,
    told::Told,
};
use crate::{CheckMode, Doing, Driver, DriverError, Endpoint};

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

impl Host {
    /// The containers that a path of the API lists. Podman refuses the whole list where one of them is removed in the middle of it.
    async fn list(&self, path: &str) -> Result<Vec<Named>, DriverError> {
        for _ in 0..LISTINGS {
            match self.api.json(Method::GET, path, None).await? {
                Err(refusal) if refusal.is_absence() => sleep(BETWEEN_LISTINGS).await,
                listed => return Ok(listed?),
            }
        }
        Ok(self.api.json(Method::GET, path, None).await??)
    }
}

/// A container, and where it is.
#[derive(Clone, Debug)]
struct Placed {
    host: usize,
    container: Container,
}

/// How long what looks at containers waits for an event until it looks anyway.
const TICK: Duration = Duration::from_millis(500);
/// For how long a lost stream of events is not asked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// How many containers are asked about at the same time.
const AT_ONCE: usize = 8;
/// How often a list is asked for that a removal got in the way of, and how long after one another.
const LISTINGS: u32 = 20;
const BETWEEN_LISTINGS: Duration = Duration::from_millis(50);
/// For how long a container that is being removed may take to be gone.
const REMOVAL: Duration = Duration::from_secs(60);

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

    fn observe<'a>(&'a self, service: &'a str) -> Doing<'a, Fleet> {
        Box::pin(async move {
            let containers = Inner::containers(&self.0, service, true).await?;
            self.0.fleet(service, &containers)
        })
    }

    fn watch<'a>(&'a self, services: &'a [Arc<str>], events: Sender<What>) -> Doing<'a, ()> {
        Box::pin(async move {
            let wake = Arc::new(Notify::new());
            let mut listening = JoinSet::new();
            for host in 0..self.0.hosts.len() {
                let (inner, wake) = (Arc::clone(&self.0), Arc::clone(&wake));
                listening.spawn(async move { inner.listen(host, &wake).await });
            }
            let mut told: Vec<Told> = services.iter().map(|_| Told::default()).collect();
            while !events.is_closed() {
                for (service, told) in services.iter().zip(&mut told) {
                    let looked = async {
                        let containers = Inner::containers(&self.0, service, true).await?;
                        // Traffic first: who hears that an instance is ready may take another one out.
                        self.0.tell_traffic(service, Some(&containers), false).await?;
                        Ok::<_, DriverError>((self.0.fleet(service, &containers)?, containers))
                    };
                    let (fleet, containers) = match looked.await {
                        Ok(looked) => looked,
                        Err(error) if error.is_temporary() => {
                            tracing::warn!(%service, %error, "not seen this time");
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                    let reason = |id: &str| {
                        let one = containers.iter().find(|one| one.container.id == id);
                        one.map(|one| one.container.reason()).unwrap_or_default()
                    };
                    for what in told.changes(&fleet, reason) {
                        tracing::debug!(%service, ?what, "seen");
                        if events.send(what).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                tokio::select! {
                    () = wake.notified() => {}
                    () = sleep(TICK) => {}
                    () = events.closed() => {}
                }
            }
            Ok(())
        })
    }

    fn perform<'a>(&'a self, action: &'a Action, release: Option<&'a Release>) -> Doing<'a, Vec<What>> {
        Box::pin(async move {
            let Action { key, service, what } = action;
            match what {
                Do::Launch { .. } => {
                    let release = release.ok_or_else(|| {
                        DriverError::permanent(format!("the launch {key} comes without its release"))
                    })?;
                    self.0.launch(action, release).await
                }
                Do::Retire { instance, disposal, drain_seconds } => {
                    let drain = Duration::from_secs(*drain_seconds);
                    self.0.retire(service, instance, *disposal, drain).await
                }
                Do::Shift { revision, weight } => {
                    if let Some(mut held) = self.0.switch.hold().await {
                        held.weigh(service, &revision.to_string(), *weight)?;
                        let containers = Inner::containers(&self.0, service, false).await?;
                        held.tell(service, self.0.endpoints(&containers), true).await?;
                    }
                    Ok(vec![What::Shifted { key: key.clone() }])
                }
                other => Err(DriverError::permanent(format!(
                    "the driver docker does not do this: {}",
                    serde_json::to_string(other).unwrap_or_default()
                ))),
            }
        })
    }

    fn check<'a>(
        &'a self,
        instance: &'a str,
        release: &'a Release,
        mode: CheckMode,
    ) -> Doing<'a, DriftReport> {
        Box::pin(async move { self.0.compare(instance, release, mode).await })
    }
}

impl Inner {
    /// What tells that something has happened, again and again.
    async fn listen(&self, host: usize, wake: &Notify) {
        let filters = json!({"type": ["container"], "label": [labels::SERVICE]}).to_string();
        let path = format!("/events?filters={}", escaped(&filters));
        let api = &self.hosts[host].api;
        loop {
            let heard = async {
                let mut body = api.stream_of(&path).await??;
                wake.notify_one();
                // Nothing may happen for days.
                while api.piece(&mut body, Duration::MAX).await?.is_some() {
                    wake.notify_one();
                }
                Ok::<_, DriverError>(())
            };
            if let Err(error) = heard.await {
                tracing::debug!(%error, "no events; what happens is seen all the same, a little later");
            }
            sleep(PAUSE).await;
        }
    }

    /// The containers of a service that were started, wherever they are. `fresh` has Podman check those that are due.
    async fn containers(this: &Arc<Self>, service: &str, fresh: bool) -> Result<Vec<Placed>, DriverError> {
        let all = Self::labelled(this, &format!("{}={service}", labels::SERVICE)).await?;
        let begun = all.into_iter().filter(|one| one.container.is_begun());
        // Filters of some versions match more than the whole value.
        let mut ours: Vec<Placed> =
            begun.filter(|one| one.container.label(labels::SERVICE) == Some(service)).collect();
        if fresh {
            for one in &mut ours {
                this.check_health(one).await?;
            }
        }
        Ok(ours)
    }

    /// All containers with a label, wherever they are.
    async fn labelled(this: &Arc<Self>, label: &str) -> Result<Vec<Placed>, DriverError> {
        let filters = json!({"label": [label]}).to_string();
        let path = format!("/containers/json?all=1&filters={}", escaped(&filters));
        let mut found = Vec::new();
        for (number, host) in this.hosts.iter().enumerate() {
            let list = host.list(&path).await?;
            found.extend(list.into_iter().map(|named| (number, named.id)));
        }
        let mut placed = Vec::new();
        let mut asking = JoinSet::new();
        for (host, id) in found {
            if asking.len() >= AT_ONCE {
                placed.extend(joined(asking.join_next().await)?);
            }
            let this = Arc::clone(this);
            asking.spawn(async move { this.inspect(host, &id).await });
        }
        while !asking.is_empty() {
            placed.extend(joined(asking.join_next().await)?);
        }
        placed.sort_by(|one, other| one.container.id.cmp(&other.container.id));
        Ok(placed)
    }

    /// The container of this id or name on a host, if it is there.
    async fn inspect(&self, host: usize, id: &str) -> Result<Option<Placed>, DriverError> {
        let path = format!("/containers/{}/json", escaped(id));
        match self.hosts[host].api.json::<Container>(Method::GET, &path, None).await? {
            Ok(container) => Ok(Some(Placed { host, container })),
            Err(refusal) if refusal.is_absence() => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The container of this id, if it is one of castline's, wherever it is.
    async fn by_id(&self, id: &str) -> Result<Option<Placed>, DriverError> {
        for host in 0..self.hosts.len() {
            if let Some(found) = self.inspect(host, id).await? {
                // A name or the start of an id finds it, too, and is none.
                let ours = found.container.id == id && found.container.label(Key::LABEL).is_some();
                return Ok(ours.then_some(found));
            }
        }
        Ok(None)
    }

    /// Has Podman check a container's health if it is due, and takes over what it says.
    async fn check_health(&self, one: &mut Placed) -> Result<(), DriverError> {
        let api = &self.hosts[one.host].api;
        let (Some(interval), true) = (one.container.interval(), api.engine().await?.podman) else {
            return Ok(());
        };
        if one.container.phase() != Phase::Running || one.container.state.status != "running" {
            return Ok(());
        }
        let id = one.container.id.clone();
        {
            let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            if checked.get(&id).is_some_and(|last| now().millis_since(*last) < interval) {
                return Ok(());
            }
            checked.insert(id.clone(), now());
        }
        // What it answers tells of this one check. What that makes of the container, with its retries and its start, is told apart.
        match api.podman::<serde::de::IgnoredAny>(&format!("/containers/{id}/healthcheck")).await? {
            Ok(_) => {
                if let Some(seen) = self.inspect(one.host, &id).await? {
                    *one = seen;
                }
            }
            // It has ended meanwhile, or is gone.
            Err(refusal) => tracing::debug!(%id, error = %DriverError::from(refusal), "not checked"),
        }
        Ok(())
    }

    fn fleet(&self, service: &str, containers: &[Placed]) -> Result<Fleet, DriverError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let instances: Vec<Instance> = containers
            .iter()
            .map(|Placed { container, .. }| {
                let id = container.id.clone();
                if container.phase() == Phase::Running && container.health() == Health::Ready {
                    let since = *ready.entry(id).or_insert_with(now);
                    container.instance(Some(since))
                } else {
                    ready.remove(&id);
                    container.instance(None)
                }
            })
            .collect();
        Fleet::new(service, instances).map_err(DriverError::permanent)
    }

    fn endpoints(&self, containers: &[Placed]) -> Vec<Endpoint> {
        let endpoint = |Placed { host, container }: &Placed| {
            container.endpoint(&self.hosts[*host].address, self.config.port)
        };
        containers.iter().filter_map(endpoint).collect()
    }

    async fn tell_traffic(
        self: &Arc<Self>,
        service: &Arc<str>,
        seen: Option<&[Placed]>,
        again: bool,
    ) -> Result<(), DriverError> {
        let Some(mut held) = self.switch.hold().await else { return Ok(()) };
        // What was seen before the switch was held may be old; it is good enough to see that nothing has changed.
        let endpoints = match seen {
            Some(seen) if !again && held.holds(service, &self.endpoints(seen)) => return Ok(()),
            _ => self.endpoints(&Self::containers(self, service, false).await?),
        };
        held.tell(service, endpoints, again).await
    }

    async fn launch(self: &Arc<Self>, action: &Action, release: &Release) -> Result<Vec<What>, DriverError> {
        let Action { key, service, what: Do::Launch { revision, zone, .. } } = action else {
            return Ok(Vec::new());
        };
        if *revision != release.revision() {
            return Err(DriverError::permanent(format!(
                "the launch {key} is of the revision {revision}, and comes with the release {}",
                release.revision()
            )));
        }
        let Some(host) = self.hosts.iter().position(|host| host.zones.iter().any(|known| **known == **zone))
        else {
            let reason = format!("there is no zone `{zone}`");
            return Ok(vec![What::LaunchFailed { key: key.clone(), reason }]);
        };
        match self.bring_up(host, action, release).await {
            Ok(id) => {
                tracing::info!(%service, %key, instance = %id, "launched");
                Ok(vec![What::Launched { key: key.clone(), instance: id.into() }])
            }
            Err(error) if error.is_temporary() => Err(error),
            Err(error) => {
                // One that was made and cannot be started is not left behind.
                let mine = Self::labelled(self, &format!("{}={key}", Key::LABEL)).await?;
                for one in mine.iter().filter(|one| !one.container.is_begun()) {
                    self.remove(one).await?;
                }
                tracing::warn!(%service, %key, %error, "not launched");
                Ok(vec![What::LaunchFailed { key: key.clone(), reason: error.to_string() }])
            }
        }
    }

    /// The id of the container that the action's key names, running; made where it is not there.
    async fn bring_up(
        self: &Arc<Self>,
        host: usize,
        action: &Action,
        release: &Release,
    ) -> Result<String, DriverError> {
        let known = Self::labelled(self, &format!("{}={}", Key::LABEL, action.key)).await?;
        let mine = known.into_iter().find(|one| one.container.label(Key::LABEL) == Some(&*action.key.0));
        let command = release.spec().health.as_ref().map(|health| &health.command[..]);
        let one = match mine {
            Some(one) if one.container.is_begun() || one.container.checks(command) => one,
            Some(one) => {
                self.remove(&one).await?;
                self.create(host, action, release).await?
            }
            None => self.create(host, action, release).await?,
        };
        if !one.container.is_begun() {
            self.start(&one).await?;
        }
        Ok(one.container.id)
    }

    async fn start(&self, one: &Placed) -> Result<(), DriverError> {
        let path = format!("/containers/{}/start", one.container.id);
        match self.hosts[one.host].api.done(Method::POST, &path, Duration::ZERO).await? {
            Ok(()) => Ok(()),
            Err(refusal) => {
                // An engine that could not start it for reasons that will stay says 500 as well as one that is busy. What was tried
                // and has an exit code is not tried again.
                let seen = self.inspect(one.host, &one.container.id).await?;
                match seen.filter(|seen| seen.container.is_refused()) {
                    Some(_) => Err(DriverError::permanent(DriverError::from(refusal))),
                    None => Err(refusal.into()),
                }
            }
        }
    }

    async fn create(
        self: &Arc<Self>,
        host: usize,
        action: &Action,
        release: &Release,
    ) -> Result<Placed, DriverError> {
        let Do::Launch { revision, zone, slot, labels: counted, .. } = &action.what else {
            return Err(DriverError::permanent("it is no launch"));
        };
        let api = &self.hosts[host].api;
        let image = {
            let _bringing = self.bringing.lock().await;
            image::provide(api, &self.images, &self.registries, release).await?
        };
        let others = release.spec().labels.clone().unwrap_or_default().into_iter();
        let others = others.chain(counted.iter().map(|(name, value)| (name.clone(), value.clone())));
        let place = (&*action.service, &**zone, slot.as_deref());
        let mut own = labels::of(&action.key, place, revision, others);
        own.insert(labels::IMAGE.into(), images::digest(release)?.to_string());
        let name = format!("castline-{}", labels::name(&action.service, &action.key));
        let _choosing = self.ports.lock().await;
        let port = self.port(host).await?;
        if let Some(port) = port {
            own.insert(labels::PORT.into(), port.to_string());
        }
        let path = format!("/containers/create?name={name}");
        let command = release.spec().health.as_ref().map(|health| &health.command[..]);
        for test in container::tests(release) {
            let body = container::body(release, &image, &self.config.network, &own, port, &test);
            // Where it is refused since somebody was faster, the container of that name is this one. Docker calls that a conflict,
            // Podman an error of its own.
            let created = api.json::<Named>(Method::POST, &path, Some(body)).await?.map(|created| created.id);
            let found = self.inspect(host, created.as_deref().unwrap_or(&name)).await?;
            let mine = found.filter(|one| one.container.label(Key::LABEL) == Some(&*action.key.0));
            match (mine, created) {
                (Some(one), _) if one.container.is_begun() || one.container.checks(command) => {
                    return Ok(one);
                }
                (Some(one), _) => self.remove(&one).await?,
                (None, Ok(id)) => {
                    let message = format!("the container {id} was gone when it had just been made");
                    return Err(DriverError::temporary(message));
                }
                (None, Err(refusal)) => return Err(refusal.into()),
            }
        }
        Err(DriverError::permanent("the engine does not take the command of the health check as it is"))
    }

    /// A port that no instance on the host has, and, where that can be seen, nobody listens on.
    async fn port(self: &Arc<Self>, host: usize) -> Result<Option<u16>, DriverError> {
        let Some(range) = self.config.port_range else { return Ok(None) };
        let all = Self::labelled(self, labels::PORT).await?;
        // Engines on one machine share its ports: those of all are left alone.
        let taken: BTreeSet<u16> =
            all.iter().filter_map(|one| one.container.label(labels::PORT)?.parse().ok()).collect();
        let here = self.hosts[host].api.is_here();
        let free = range.ports().find(|port| !taken.contains(port) && (!here || is_free(*port)));
        free.map(Some).ok_or_else(|| range.exhausted())
    }

    async fn retire(
        self: &Arc<Self>,
        service: &Arc<str>,
        id: &Arc<str>,
        disposal: Disposal,
        drain: Duration,
    ) -> Result<Vec<What>, DriverError> {
        let gone = || vec![What::Gone { instance: Arc::clone(id) }];
        let Some(one) = self.by_id(id).await? else { return Ok(gone()) };
        if disposal != Disposal::End && one.container.phase() == Phase::Quarantined {
            return Ok(vec![What::Quarantined { instance: Arc::clone(id) }]);
        }
        // From here on it is out of traffic, whoever looks.
        self.rename(&one, if disposal == Disposal::End { RETIRING } else { ISOLATING }).await?;
        self.tell_traffic(service, None, false).await?;
        let api = &self.hosts[one.host].api;
        if disposal == Disposal::End {
            let path = format!("/containers/{id}/stop?t={}", drain.as_secs());
            allowed(api.done(Method::POST, &path, drain).await?, &[])?;
            self.remove(&one).await?;
            tracing::info!(%service, instance = %id, "ended");
            return Ok(gone());
        }
        if disposal == Disposal::Quarantine {
            sleep(drain).await;
        }
        // It is not asked: who is in it is not to tidy up.
        let path = format!("/containers/{id}/kill");
        allowed(api.done(Method::POST, &path, Duration::ZERO).await?, &[StatusCode::CONFLICT])?;
        self.rename(&one, QUARANTINED).await?;
        tracing::info!(%service, instance = %id, "put into quarantine");
        Ok(vec![What::Quarantined { instance: Arc::clone(id) }])
    }

    /// Has a container's name say where it is on its way to.
    async fn rename(&self, one: &Placed, ending: &str) -> Result<(), DriverError> {
        let Container { id, name, .. } = &one.container;
        let wanted = format!("{}{ending}", one.container.plain_name());
        if name.trim_start_matches('/') == wanted {
            return Ok(());
        }
        let path = format!("/containers/{id}/rename?name={wanted}");
        match self.hosts[one.host].api.done(Method::POST, &path, Duration::ZERO).await? {
            Ok(()) => Ok(()),
            Err(refusal) => match self.inspect(one.host, id).await? {
                // It is gone, or somebody else has done it.
                None => Ok(()),
                Some(seen) if seen.container.name.trim_start_matches('/') == wanted => Ok(()),
                Some(_) => Err(refusal.into()),
            },
        }
    }

    /// Removes a container with its own volumes, and waits until it is gone.
    async fn remove(&self, one: &Placed) -> Result<(), DriverError> {
        let (api, id) = (&self.hosts[one.host].api, &one.container.id);
        let path = format!("/containers/{id}?force=1&v=1");
        let refused = api.done(Method::DELETE, &path, Duration::ZERO).await?;
        // Whoever else removes it may not be done.
        allowed(refused, &[StatusCode::CONFLICT])?;
        let deadline = Instant::now() + REMOVAL;
        while self.inspect(one.host, id).await?.is_some() {
            if Instant::now() > deadline {
                return Err(DriverError::temporary(format!(
                    "the container {id} is being removed for a long time"
                )));
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }

    async fn compare(
        self: &Arc<Self>,
        id: &str,
        release: &Release,
        mode: CheckMode,
    ) -> Result<DriftReport, DriverError> {
        let one = self.by_id(id).await?;
        let one = one.ok_or_else(|| DriverError::permanent(format!("there is no instance `{id}`")))?;
        let api = &self.hosts[one.host].api;
        let profile = if api.engine().await?.podman { "podman" } else { "docker" };
        let options = Comparison::default().with_profile(Profile::named(profile).unwrap_or_default());
        let options =
            one.container.mounts().fold(options, |options, target| options.with_mount(target.as_bytes()));
        let known = {
            let (images, release) = (Arc::clone(&self.images), release.clone());
            blocking(move || images.of(&release)).await?
        };
        let readable = api.is_here() && geteuid().is_root();
        let upper =
            one.container.graph_driver.as_ref().and_then(|driver| driver.data.as_ref()?.get("UpperDir"));
        let unread = |error: castline_sources::Error| DriverError::temporary(error);
        let scanned = match (mode, upper.map(PathBuf::from)) {
            (CheckMode::Fast, Some(upper)) if readable => {
                let known = Arc::clone(&known);
                blocking(move || {
                    let options = ScanOptions::default();
                    let upper = scan_upper(&upper, OverlayXattrs::Trusted, &options, &Watch::none());
                    upper.map_err(unread)?.over(&known.tree).map_err(DriverError::permanent)
                })
                .await?
            }
            (CheckMode::Fast, _) => {
                return Err(DriverError::permanent(format!(
                    "`{id}`: its layer can only be read by root, on the engine's machine, and where it is an overlay: ask for the mode full"
                )));
            }
            _ if readable && one.container.state.pid > 0 => {
                let root = PathBuf::from(format!("/proc/{}/root", one.container.state.pid));
                blocking(move || scan(&root, &ScanOptions::default(), &Watch::none()).map_err(unread)).await?
            }
            _ => self.packed(&one).await?,
        };
        blocking(move || Ok(compare(&known.tree, &scanned, &options))).await
    }

    /// What the engine packs of a container's files.
    async fn packed(&self, one: &Placed) -> Result<Scan, DriverError> {
        let api = &self.hosts[one.host].api;
        let mut body = api.stream_of(&format!("/containers/{}/archive?path=%2F", one.container.id)).await??;
        let mut tree = archive::Tree::new();
        while let Some(piece) = api.piece(&mut body, api.patience()).await? {
            tree.feed(&piece)?;
        }
        let (tree, bytes) = tree.finish()?;
        let mut scan = Scan::of(tree);
        scan.bytes = bytes;
        // Podman leaves out what it mounts over when the container runs. The profile excuses a mount there, and the report says so.
        for folder in [&b"dev"[..], b"proc", b"sys"] {
            if scan.rootfs.get(folder).is_none() && api.engine().await?.podman {
                scan.mounts.insert(folder.to_vec());
            }
        }
        Ok(scan)
    }
}

fn joined(
    asked: Option<Result<Result<Option<Placed>, DriverError>, tokio::task::JoinError>>,
) -> Result<Option<Placed>, DriverError> {
    match asked {
        None => Ok(None),
        Some(Ok(found)) => found,
        Some(Err(error)) => Err(DriverError::temporary(error)),
    }
}

/// What was done, or was refused in a way that says the same: that the container is not there, or one of these.
fn allowed(done: Result<(), api::Refusal>, fine: &[StatusCode]) -> Result<(), DriverError> {
    match done {
        Err(refusal) if !refusal.is_absence() && !fine.contains(&refusal.status) => Err(refusal.into()),
        _ => Ok(()),
    }
}
