//! Launching: an image that the engine has, a container that carries the launch's key, and its start.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use castline_core::{
    Release,
    rollout::{Key, What},
};
use hyper::Method;

use super::{
    super::{blocking, images, labels, perform::Launch, ports::is_free, secrets::Secrets},
    Inner, Named, Placed, container, image,
};
use crate::DriverError;

impl Inner {
    /// Whether an image can be launched from, as far as that is known beforehand.
    pub(super) async fn is_provided(&self, release: &Release) -> Result<(), DriverError> {
        let apis = self.hosts.iter().map(|host| &host.api);
        image::is_provided(apis, &self.images, &self.registries, release).await
    }

    pub(super) async fn launch(self: &Arc<Self>, launch: Launch<'_>) -> Result<Vec<What>, DriverError> {
        let here = |zones: &[String]| zones.iter().any(|known| **known == **launch.zone);
        let Some(host) = self.hosts.iter().position(|host| here(&host.zones)) else {
            let why = DriverError::permanent(format!("there is no zone `{}`", launch.zone));
            return Ok(launch.failed(&why));
        };
        match self.bring_up(host, launch).await {
            Ok(id) => Ok(launch.done(id)),
            Err(error) if error.is_temporary() => Err(error),
            Err(error) => {
                // One that was made and cannot be started is not left behind.
                let mine = self.labelled(&format!("{}={}", Key::LABEL, launch.key)).await?;
                for one in mine.iter().filter(|one| !one.container.is_begun()) {
                    self.remove(one).await?;
                }
                Ok(launch.failed(&error))
            }
        }
    }

    /// The id of the container that the action's key names, running; made where it is not there.
    async fn bring_up(self: &Arc<Self>, host: usize, launch: Launch<'_>) -> Result<String, DriverError> {
        let known = self.labelled(&format!("{}={}", Key::LABEL, launch.key)).await?;
        let mine = known.into_iter().find(|one| one.container.label(Key::LABEL) == Some(&*launch.key.0));
        let command = launch.release.spec().health.as_ref().map(|health| &health.command[..]);
        let one = match mine {
            Some(one) if one.container.is_begun() || one.container.checks(command) => one,
            Some(one) => {
                self.remove(&one).await?;
                self.create(host, launch).await?
            }
            None => self.create(host, launch).await?,
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

    async fn create(self: &Arc<Self>, host: usize, launch: Launch<'_>) -> Result<Placed, DriverError> {
        let release = launch.release;
        let api = &self.hosts[host].api;
        let secrets = {
            let spec = release.spec().clone();
            blocking(move || Secrets::of(&spec)).await?
        };
        let image = {
            let _bringing = self.bringing.lock().await;
            image::provide(api, &self.images, &self.registries, release).await?
        };
        let mut own = launch.labels();
        own.insert(labels::IMAGE.into(), images::digest(release)?.to_string());
        let name = format!("castline-{}", launch.name());
        let _choosing = self.ports.lock().await;
        let port = self.port(host).await?;
        if let Some(port) = port {
            own.insert(labels::PORT.into(), port.to_string());
        }
        let path = format!("/containers/create?name={name}");
        let command = release.spec().health.as_ref().map(|health| &health.command[..]);
        for test in container::tests(release) {
            let body = container::body(release, &image, &self.config.network, &own, port, &test, &secrets);
            // Where it is refused since somebody was faster, the container of that name is this one. Docker calls that a conflict,
            // Podman an error of its own.
            let created = api.json::<Named>(Method::POST, &path, Some(body)).await?.map(|created| created.id);
            let found = self.inspect(host, created.as_deref().unwrap_or(&name)).await?;
            let mine = found.filter(|one| one.container.label(Key::LABEL) == Some(&*launch.key.0));
            match (mine, created) {
                (Some(one), _) if one.container.is_begun() || one.container.checks(command) => {
                    return Ok(one);
                }
                (Some(one), _) => self.remove(&one).await?,
                (None, Ok(id)) => {
                    let message = format!("the container {id} was gone when it had just been made");
                    return Err(DriverError::temporary(message));
                }
                (None, Err(refusal)) => return Err(secrets.hidden(refusal.into())),
            }
        }
        Err(DriverError::permanent("the engine does not take the command of the health check as it is"))
    }

    /// A port that no instance on the host has, and, where that can be seen, nobody listens on.
    async fn port(self: &Arc<Self>, host: usize) -> Result<Option<u16>, DriverError> {
        let Some(range) = self.config.port_range else { return Ok(None) };
        let all = self.labelled(labels::PORT).await?;
        // Engines on one machine share its ports: those of all are left alone.
        let taken: BTreeSet<u16> =
            all.iter().filter_map(|one| one.container.label(labels::PORT)?.parse().ok()).collect();
        let here = self.hosts[host].api.is_here();
        let free = range.ports().find(|port| !taken.contains(port) && (!here || is_free(*port)));
        free.map(Some).ok_or_else(|| range.exhausted())
    }
}
