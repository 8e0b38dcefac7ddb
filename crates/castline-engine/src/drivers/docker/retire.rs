//! Retiring: out of traffic, then ended and removed, or stopped and kept.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use castline_core::{Phase, plan::Disposal, rollout::What};
use hyper::{Method, StatusCode};
use tokio::time::{Instant, sleep};

use super::{
    Inner, Placed,
    api::Refusal,
    container::{Container, ISOLATING, QUARANTINED, RETIRING},
};
use crate::DriverError;

/// For how long a container that is being removed may take to be gone.
const REMOVAL: Duration = Duration::from_secs(60);

impl Inner {
    pub(super) async fn retire(
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
    pub(super) async fn remove(&self, one: &Placed) -> Result<(), DriverError> {
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
}

/// What was done, or was refused in a way that says the same: that the container is not there, or one of these.
fn allowed(done: Result<(), Refusal>, fine: &[StatusCode]) -> Result<(), DriverError> {
    match done {
        Err(refusal) if !refusal.is_absence() && !fine.contains(&refusal.status) => Err(refusal.into()),
        _ => Ok(()),
    }
}
