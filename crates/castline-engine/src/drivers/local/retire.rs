//! Retiring: out of traffic, then ended and removed, or stopped and kept.

use std::{fs, io::ErrorKind, sync::Arc, time::Duration};

use castline_core::{plan::Disposal, rollout::What};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{
    super::{blocking, failed},
    Inner, Isolation, mounts,
    process::Process,
    record::{ASIDE, Claim, Folder, Record},
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
        let there = folder.process()?.is_some();
        // What has no process yet is no instance, so that there is nothing to be kept.
        let Some(record) = folder.record()?.filter(|_| there) else {
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
        let aside = Folder::new(self.state.join("instances").join(format!("{ASIDE}{id}")));
        // Of one who did not get to the end.
        match aside.clone().claim(false).await? {
            Some(claim) => bury(claim).await?,
            None => drop(fs::remove_dir(aside.path())),
        }
        let held = claim.lock()?;
        blocking(move || {
            let _held = held;
            mounts::unmount_below(folder.path())?;
            match fs::rename(folder.path(), aside.path()) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(failed(aside.path().display())(error)),
                Ok(()) => remove_aside(&aside),
            }
        })
        .await
    }

    /// Takes away what nobody is at any more and is no instance: what launches have left that were given up before their process
    /// had started, and removals that did not get to their end. Whoever is at one of them has its lock, and so has all that they
    /// have started; who asks for such a launch again makes it from the beginning anyway.
    pub(super) async fn reclaim(&self) -> Result<(), DriverError> {
        for folder in self.folders()? {
            if folder.process()?.is_some() {
                continue;
            }
            let Some(claim) = idle(folder)? else { continue };
            // Its launch may have come to its end since that look.
            if claim.folder.process()?.is_none() {
                self.clear(&claim).await?;
                tracing::info!(instance = %claim.folder.id(), "what a launch had left was removed");
            }
        }
        for aside in self.aside()? {
            if let Some(claim) = idle(aside)? {
                bury(claim).await?;
            }
        }
        Ok(())
    }
}

/// A folder that nobody is at work on, locked. One without a lock has nothing in it yet, or any more, and is removed: who is just about
/// to make the lock makes the folder anew.
fn idle(folder: Folder) -> Result<Option<Claim>, DriverError> {
    let path = folder.path().to_owned();
    let claim = folder.claim_idle()?;
    if claim.is_none() {
        // Where there is anything in it, this does nothing.
        let _ = fs::remove_dir(path);
    }
    Ok(claim)
}

/// Removes what was set aside and not removed.
async fn bury(claim: Claim) -> Result<(), DriverError> {
    blocking(move || {
        mounts::unmount_below(claim.folder.path())?;
        remove_aside(&claim.folder)
    })
    .await
}

/// Removes a folder that was set aside, its lock last: as long as anything is in it, it can be told whether anybody is at it.
fn remove_aside(aside: &Folder) -> Result<(), DriverError> {
    let path = aside.path();
    for entry in fs::read_dir(path).map_err(failed(path.display()))? {
        let entry = entry.map_err(failed(path.display()))?;
        if entry.file_name() == "lock" {
            continue;
        }
        if entry.file_type().map_err(failed(path.display()))?.is_dir() {
            remove(&entry.path())?;
        } else {
            fs::remove_file(entry.path()).map_err(failed(path.display()))?;
        }
    }
    remove(path)
}
