//! Observing: which instances are on disk, how they fare, and what changes.

use std::{
    fs,
    path::Path,
    sync::{Arc, PoisonError},
    time::Duration,
};

use castline_core::{Fleet, rollout::What};
use tokio::{process::Command, sync::mpsc::Sender, task::JoinSet, time::sleep};

use super::{
    super::{failed, now, switch::FAILURES, told::Told},
    Inner, Isolation, logs,
    record::{self, ASIDE, Folder, Seen},
    start,
};
use crate::{DriverError, Endpoint};

/// How long what looks at instances waits until it looks again.
const TICK: Duration = Duration::from_millis(200);

impl Inner {
    /// The instances of a service as they are, those whose health is due checked before.
    pub(super) async fn observe(self: &Arc<Self>, service: &str) -> Result<Fleet, DriverError> {
        if let Err(error) = self.reclaim().await {
            tracing::warn!(%error, "what launches have left cannot be removed, and will be tried again");
        }
        let mut checks = JoinSet::new();
        for one in self.instances(service)?.into_iter().filter(|one| one.is_due(now())) {
            let inner = Arc::clone(self);
            checks.spawn(async move { inner.check_health(one).await });
        }
        while let Some(checked) = checks.join_next().await {
            checked.map_err(DriverError::temporary)??;
        }
        let seen = self.instances(service)?;
        let endpoints: Vec<Endpoint> = seen.iter().filter_map(Seen::endpoint).collect();
        self.switch.admitted(record::fleet(service, &seen)?, &endpoints).await
    }

    /// Tells what changes until nobody listens any more.
    pub(super) async fn watch(
        self: &Arc<Self>,
        services: &[Arc<str>],
        events: Sender<What>,
    ) -> Result<(), DriverError> {
        let mut told: Vec<Told> = services.iter().map(|_| Told::default()).collect();
        let mut checks = JoinSet::new();
        let (_watched, mut failures) = (self.switch.watch(), 0);
        while !events.is_closed() {
            for (service, told) in services.iter().zip(&mut told) {
                let seen = self.instances(service)?;
                for one in seen.iter().filter(|one| one.is_due(now())) {
                    let (inner, one) = (Arc::clone(self), one.clone());
                    checks.spawn(async move { inner.check_health(one).await });
                }
                for one in &seen {
                    let folder = self.folder(&one.id);
                    if let Err(error) = logs::cut(&folder, self.config.log_bytes) {
                        tracing::warn!(instance = %one.id, %error, "its logs cannot be cut");
                    }
                }
                // Traffic first: who hears that an instance is ready may take another one out.
                if let Err(error) = self.tell_traffic(service, false).await {
                    tracing::warn!(%service, %error, "traffic was not moved, and will be tried again");
                    failures += 1;
                    if failures >= FAILURES {
                        return Err(error);
                    }
                    continue;
                }
                failures = 0;
                let reason = |id: &str| {
                    let one = seen.iter().find(|one| *one.id == *id);
                    self.with_its_words(id, one.and_then(Seen::reason).unwrap_or_default())
                };
                for what in told.changes(&record::fleet(service, &seen)?, reason) {
                    tracing::debug!(%service, ?what, "seen");
                    if events.send(what).await.is_err() {
                        return Ok(());
                    }
                }
            }
            while let Some(checked) = checks.try_join_next() {
                checked.map_err(DriverError::temporary)??;
            }
            tokio::select! {
                () = sleep(TICK) => {}
                () = events.closed() => {}
            }
        }
        Ok(())
    }

    /// All folders of instances, whatever is in them.
    pub(super) fn folders(&self) -> Result<Vec<Folder>, DriverError> {
        self.named(|name| !name.starts_with('.'))
    }

    /// Those that were set aside to be removed.
    pub(super) fn aside(&self) -> Result<Vec<Folder>, DriverError> {
        self.named(|name| name.starts_with(ASIDE))
    }

    fn named(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Folder>, DriverError> {
        let path = self.state.join("instances");
        let mut folders = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed(path.display()))? {
            let entry = entry.map_err(failed(path.display()))?;
            if wanted(&entry.file_name().to_string_lossy()) {
                folders.push(Folder::new(entry.path()));
            }
        }
        folders.sort_by(|one, other| one.path().cmp(other.path()));
        Ok(folders)
    }

    /// The instances of a service. One that has no process yet is not there: to launch it makes it whole.
    fn instances(&self, service: &str) -> Result<Vec<Seen>, DriverError> {
        let mut all = Vec::new();
        for folder in self.folders()? {
            all.extend(folder.seen()?.filter(|seen| *seen.record.service == *service));
        }
        Ok(all)
    }

    pub(super) fn endpoints(&self, service: &str) -> Result<Vec<Endpoint>, DriverError> {
        Ok(self.instances(service)?.iter().filter_map(Seen::endpoint).collect())
    }

    pub(super) async fn tell_traffic(&self, service: &Arc<str>, again: bool) -> Result<(), DriverError> {
        let Some(mut held) = self.switch.hold().await else { return Ok(()) };
        let endpoints = self.endpoints(service)?;
        held.tell(service, endpoints, again).await
    }

    /// Why an instance has failed, and where what it said is kept: not what that was, which may be secret, and a ledger is for all to read.
    fn with_its_words(&self, id: &str, reason: String) -> String {
        match logs::keep(&self.state, &self.folder(id)) {
            Ok(Some(place)) => format!("{reason}; what it said is in {}", place.display()),
            Ok(None) => reason,
            Err(error) => {
                tracing::warn!(instance = id, %error, "what it said is not kept");
                reason
            }
        }
    }

    /// Checks the health of an instance, unless that is being done.
    async fn check_health(&self, seen: Seen) -> Result<(), DriverError> {
        struct Checking<'a>(&'a Inner, Arc<str>);
        impl Drop for Checking<'_> {
            fn drop(&mut self) {
                self.0.checking.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
            }
        }
        let id = Arc::clone(&seen.id);
        if !self.checking.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(&id)) {
            return Ok(());
        }
        let _checking = Checking(self, Arc::clone(&id));
        let (folder, run) = (self.folder(&id), &seen.record.run);
        let Some(health) = &run.health else { return Ok(()) };
        let patience = Duration::from_millis(health.timeout_millis.max(1));
        let failure = match seen.record.isolation {
            Isolation::Container => {
                let (command, input) = self.runtime().await?.exec(&folder, run, &health.command)?;
                let inside = Some(folder.join("bundle/check"));
                start::check(command, patience, input, inside, logs::of_check(&folder)).await
            }
            isolation => {
                let root = folder.join(if isolation == Isolation::Chroot { "merged" } else { "tree" });
                match start::words(isolation, &root, run, &health.command) {
                    Err(error) => Some(error.to_string()),
                    Ok((words, dir)) => {
                        let mut command = Command::new(words.first().cloned().unwrap_or_default());
                        let secrets = folder.secrets(run)?;
                        command.args(words.iter().skip(1)).env_clear().envs(secrets.iter());
                        command.envs(&run.env).current_dir(dir);
                        if isolation == Isolation::Process {
                            command.env("CASTLINE_ROOT", &root);
                        }
                        start::check(command, patience, None, None, logs::of_check(&folder)).await
                    }
                }
            }
        };
        let failure = failure.map(|failure| explained(&folder, &seen, &health.command, failure));
        // It may have been retired meanwhile, and be gone.
        match folder.seen()? {
            Some(now_seen) => match folder.write("health.json", &now_seen.after_check(now(), failure)) {
                Err(_) if !folder.path().exists() => Ok(()),
                other => other,
            },
            None => Ok(()),
        }
    }
}

/// Why a check has failed: that its program is not there, where it is not. What starts it in a container or another root only says
/// how it has ended.
fn explained(folder: &Folder, seen: &Seen, command: &[String], failure: String) -> String {
    let run = &seen.record.run;
    let program = command.first().map_or("", String::as_str);
    // A container's mounts are nowhere but in it.
    let is_mounted = run.mounts.keys().any(|target| Path::new(program).starts_with(target));
    if seen.record.isolation == Isolation::Process || is_mounted || !folder.join("merged").is_dir() {
        return failure;
    }
    match start::program_in(&folder.join("merged"), program, run) {
        Err(missing) => format!("{missing} ({failure})"),
        Ok(_) => failure,
    }
}
