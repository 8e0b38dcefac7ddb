//! Retiring: out of traffic, then ended and removed, or stopped and kept.

use std::{fs, io::ErrorKind, sync::Arc, time::Duration};

use castline_core::{plan::Disposal, rollout::What};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{
    super::{blocking, failed},
    Inner, Isolation, mounts,
    process::Process,
    record::{Claim, Folder, Record},
    store::remove,
};
use crate::DriverError;

/// How often a process that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// For how long a process that was killed may take to be gone.
const DEATH: Duration = Duration::from_secs(10);

impl Inner {
    pub(super) async fn retire(
        &self,
        service: &Arc<str>,
        id: &Arc<str>,
        disposal: Disposal,
        drain: Duration,
    ) -> Result<Vec<What>, DriverError> {
        let gone = || vec![What::Gone { instance: Arc::clone(id) }];
        let Some(claim) = self.known_folder(id)?.claim(false).await? else { return Ok(gone()) };
        let folder = &claim.folder;
        let Some(record) = folder.record()? else {
            self.clear(&claim).await?;
            return Ok(gone());
        };
        if record.disposed && disposal != Disposal::End {
            return Ok(vec![What::Quarantined { instance: Arc::clone(id) }]);
        }
        // From here on it is out of traffic, whoever looks.
        let going = Record { disposal: Some(disposal), disposed: false, ..record };
        folder.write("instance.json", &going)?;
        self.tell_traffic(service, false).await?;
        if disposal == Disposal::End {
            self.end(folder, &going, drain).await?;
            self.clear(&claim).await?;
            tracing::info!(%service, instance = %id, "ended");
            return Ok(gone());
        }
        if disposal == Disposal::Quarantine {
            sleep(drain).await;
        }
        // It is not asked: who is in it is not to tidy up.
        self.kill(folder, &going).await?;
        folder.write("instance.json", &Record { disposed: true, ..going })?;
        tracing::info!(%service, instance = %id, "put into quarantine");
        Ok(vec![What::Quarantined { instance: Arc::clone(id) }])
    }

    /// Asks an instance to end, waits for so long, then kills what is left.
    async fn end(&self, folder: &Folder, record: &Record, drain: Duration) -> Result<(), DriverError> {
        if let Some(process) = folder.process()?.filter(Process::is_alive) {
            let signal = Signal::from_named_raw(record.run.stop_signal).unwrap_or(Signal::TERM);
            process.signal_group(signal);
            let deadline = Instant::now() + drain;
            while process.is_alive() && Instant::now() < deadline {
                sleep(LOOK).await;
            }
        }
        self.kill(folder, record).await
    }

    /// Kills all of an instance, and waits until it is gone.
    async fn kill(&self, folder: &Folder, record: &Record) -> Result<(), DriverError> {
        let deadline = Instant::now() + DEATH;
        loop {
            if record.isolation == Isolation::Container {
                self.runtime().await?.kill(&folder.id()).await;
            }
            let Some(process) = folder.process()? else { return Ok(()) };
            let nobody = match record.isolation {
                Isolation::Container => !process.is_alive(),
                _ => process.kill_session(),
            };
            if nobody {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(DriverError::temporary(format!("the instance {} does not die", folder.id())));
            }
            sleep(LOOK).await;
        }
    }

    /// Removes all that is left of an instance.
    pub(super) async fn clear(&self, claim: &Claim) -> Result<(), DriverError> {
        let folder = claim.folder.clone();
        let id = folder.id();
        if self.state.join("runtime").join(&*id).exists() {
            self.runtime().await?.delete(&id).await?;
        }
        let gone = self.state.join("instances").join(format!(".gone-{id}"));
        let held = claim.lock()?;
        blocking(move || {
            let _held = held;
            mounts::unmount_below(folder.path())?;
            // Of one who did not get to the end.
            if gone.exists() {
                mounts::unmount_below(&gone)?;
                remove(&gone)?;
            }
            match fs::rename(folder.path(), &gone) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(failed(gone.display())(error)),
                Ok(()) => remove(&gone),
            }
        })
        .await
    }
}
