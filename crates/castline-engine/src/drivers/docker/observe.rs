//! Observing: which containers engines have, how they fare, and what changes.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use castline_core::{
    Fleet, Health, Instance, Phase,
    rollout::{Key, What},
};
use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::{
    sync::{Notify, mpsc::Sender},
    task::{JoinError, JoinSet},
    time::sleep,
};

use super::{
    super::{labels, now, switch::FAILURES, told::Told},
    Host, Inner, Named, Placed,
    api::escaped,
    container::Container,
};
use crate::{DriverError, Endpoint};

/// How long what looks at containers waits for an event until it looks anyway.
const TICK: Duration = Duration::from_millis(500);
/// For how long a lost stream of events is not asked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// How many containers are asked about at the same time.
const AT_ONCE: usize = 8;
/// How often a list is asked for that a removal got in the way of, and how long after one another.
const LISTINGS: u32 = 20;
const BETWEEN_LISTINGS: Duration = Duration::from_millis(50);

impl Host {
    /// The containers that a path of the API lists. Podman refuses the whole list where one of them is removed in the middle of it.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, DriverError> {
        for _ in 0..LISTINGS {
            match self.api.json(Method::GET, path, None).await? {
                Err(refusal) if refusal.is_absence() => sleep(BETWEEN_LISTINGS).await,
                listed => return Ok(listed?),
            }
        }
        Ok(self.api.json(Method::GET, path, None).await??)
    }
}

impl Inner {
    /// The instances of a service as they are, those of Podman whose health is due checked before.
    pub(super) async fn observe(self: &Arc<Self>, service: &str) -> Result<Fleet, DriverError> {
        let containers = self.containers(service, true).await?;
        self.switch.admitted(self.fleet(service, &containers)?, &self.endpoints(&containers)).await
    }

    /// Tells what changes until nobody listens any more.
    pub(super) async fn watch(
        self: &Arc<Self>,
        services: &[Arc<str>],
        events: Sender<What>,
    ) -> Result<(), DriverError> {
        let wake = Arc::new(Notify::new());
        let mut listening = JoinSet::new();
        for host in 0..self.hosts.len() {
            let (inner, wake) = (Arc::clone(self), Arc::clone(&wake));
            listening.spawn(async move { inner.listen(host, &wake).await });
        }
        let mut told: Vec<Told> = services.iter().map(|_| Told::default()).collect();
        let (_watched, mut failures) = (self.switch.watch(), 0);
        while !events.is_closed() {
            for (service, told) in services.iter().zip(&mut told) {
                let looked = async {
                    let containers = self.containers(service, true).await?;
                    // Traffic first: who hears that an instance is ready may take another one out.
                    self.tell_traffic(service, Some(&containers), false).await?;
                    Ok::<_, DriverError>((self.fleet(service, &containers)?, containers))
                };
                let (fleet, containers) = match looked.await {
                    Ok(looked) => {
                        failures = 0;
                        looked
                    }
                    Err(error) if error.is_temporary() && failures + 1 < FAILURES => {
                        tracing::warn!(%service, %error, "not seen this time");
                        failures += 1;
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
    }

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
    pub(super) async fn containers(
        self: &Arc<Self>,
        service: &str,
        fresh: bool,
    ) -> Result<Vec<Placed>, DriverError> {
        let all = self.labelled(&format!("{}={service}", labels::SERVICE)).await?;
        let begun = all.into_iter().filter(|one| one.container.is_begun());
        // Filters of some versions match more than the whole value.
        let mut ours: Vec<Placed> =
            begun.filter(|one| one.container.label(labels::SERVICE) == Some(service)).collect();
        if fresh {
            for one in &mut ours {
                self.check_health(one).await?;
            }
        }
        Ok(ours)
    }

    /// All containers with a label, wherever they are.
    pub(super) async fn labelled(self: &Arc<Self>, label: &str) -> Result<Vec<Placed>, DriverError> {
        let filters = json!({"label": [label]}).to_string();
        let path = format!("/containers/json?all=1&filters={}", escaped(&filters));
        let mut found = Vec::new();
        for (number, host) in self.hosts.iter().enumerate() {
            let list = host.list::<Named>(&path).await?;
            found.extend(list.into_iter().map(|named| (number, named.id)));
        }
        let mut placed = Vec::new();
        let mut asking = JoinSet::new();
        for (host, id) in found {
            if asking.len() >= AT_ONCE {
                placed.extend(joined(asking.join_next().await)?);
            }
            let this = Arc::clone(self);
            asking.spawn(async move { this.inspect(host, &id).await });
        }
        while !asking.is_empty() {
            placed.extend(joined(asking.join_next().await)?);
        }
        placed.sort_by(|one, other| one.container.id.cmp(&other.container.id));
        Ok(placed)
    }

    /// The container of this id or name on a host, if it is there.
    pub(super) async fn inspect(&self, host: usize, id: &str) -> Result<Option<Placed>, DriverError> {
        let path = format!("/containers/{}/json", escaped(id));
        match self.hosts[host].api.json::<Container>(Method::GET, &path, None).await? {
            Ok(container) => Ok(Some(Placed { host, container })),
            Err(refusal) if refusal.is_absence() => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The container of this id, if it is one of castline's, wherever it is.
    pub(super) async fn by_id(&self, id: &str) -> Result<Option<Placed>, DriverError> {
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

    pub(super) fn endpoints(&self, containers: &[Placed]) -> Vec<Endpoint> {
        let endpoint = |Placed { host, container }: &Placed| {
            container.endpoint(&self.hosts[*host].address, self.config.port)
        };
        containers.iter().filter_map(endpoint).collect()
    }

    pub(super) async fn tell_traffic(
        self: &Arc<Self>,
        service: &Arc<str>,
        seen: Option<&[Placed]>,
        again: bool,
    ) -> Result<(), DriverError> {
        let Some(mut held) = self.switch.hold().await else { return Ok(()) };
        // What was seen before the switch was held may be old; it is good enough to see that nothing has changed.
        let endpoints = match seen {
            Some(seen) if !again && held.holds(service, &self.endpoints(seen)) => return Ok(()),
            _ => self.endpoints(&self.containers(service, false).await?),
        };
        held.tell(service, endpoints, again).await
    }
}

fn joined(
    asked: Option<Result<Result<Option<Placed>, DriverError>, JoinError>>,
) -> Result<Option<Placed>, DriverError> {
    match asked {
        None => Ok(None),
        Some(Ok(found)) => found,
        Some(Err(error)) => Err(DriverError::temporary(error)),
    }
}
