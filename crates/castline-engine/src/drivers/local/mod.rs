//! This machine, without any daemon: the default for development, edge machines and tests. Linux only.
//!
//! An image is verified, then unpacked into a store, by its digest; its tree is compared with the image before anything runs on it. An
//! instance has that tree below and a scratch of its own above (an overlay), so that what it writes stands apart; without root,
//! it has a copy of the tree. It runs in a container where an OCI runtime can make one, else with a root filesystem of its own, else as
//! a group of processes ([`Isolation`]). There is no daemon: all that is known of an instance is on disk and in the kernel's
//! tables, and another process of castline finds it again. Nothing restarts an instance: one that has ended has failed.
//!
//! What is believed: the kernel, and who owns the state folder (root, or the user who runs castline). What is not: where images come
//! from (each is verified by each process that uses it), what is in the store (it is compared with the image when a process
//! first uses it, and unpacked anew if it differs), the instances, and process numbers.
//!
//! What [`CheckMode::Fast`] sees is what was written through the instance. Who writes to the store, or to the overlay's folders while it is
//! mounted, is seen by [`CheckMode::Full`], which reads all files as the instance has them.

mod config;
mod container;
mod mounts;
mod process;
mod programs;
mod record;
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
    io::ErrorKind,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use castline_core::{
    Fleet, Release, Revision, Runtime, Watch,
    drift::{Comparison, DriftReport, InstanceSpec, Profile, compare},
    plan::Disposal,
    rollout::{Action, Do, What},
};
use castline_sources::{OverlayXattrs, ScanOptions, scan, scan_upper};
use rustix::{
    fs::{FlockOperation, flock},
    process::{Signal, getegid, geteuid},
};
use tokio::{
    sync::{Mutex as AsyncMutex, OnceCell, mpsc::Sender},
    task::JoinSet,
    time::{Instant, sleep},
};

pub use config::{Isolation, LocalConfig};
use record::{Claim, Folder, Record, Run, Seen};
use store::{Store, private_folder, remove};
pub use unpacked::{Leftover, LeftoverKind, Unpacked};

use super::{
    blocking, failed,
    images::{Images, Known},
    labels, now,
    ports::is_free,
    switch::Switch,
    told::Told,
};
use crate::{CheckMode, Doing, Driver, DriverError, Endpoint};

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

/// How long what looks at instances waits until it looks again.
const TICK: Duration = Duration::from_millis(200);
/// How often a process that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// For how long a process that was killed may take to be gone.
const DEATH: Duration = Duration::from_secs(10);

/// The `PATH` of instances whose image has none, as Docker has it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

    fn observe<'a>(&'a self, service: &'a str) -> Doing<'a, Fleet> {
        Box::pin(async move {
            let mut checks = JoinSet::new();
            for one in self.0.instances(service)?.into_iter().filter(|one| one.is_due(now())) {
                let inner = Arc::clone(&self.0);
                checks.spawn(async move { inner.check_health(one).await });
            }
            while let Some(checked) = checks.join_next().await {
                checked.map_err(DriverError::temporary)??;
            }
            record::fleet(service, &self.0.instances(service)?)
        })
    }

    fn watch<'a>(&'a self, services: &'a [Arc<str>], events: Sender<What>) -> Doing<'a, ()> {
        Box::pin(async move {
            let mut told: Vec<Told> = services.iter().map(|_| Told::default()).collect();
            let mut checks = JoinSet::new();
            while !events.is_closed() {
                for (service, told) in services.iter().zip(&mut told) {
                    let seen = self.0.instances(service)?;
                    for one in seen.iter().filter(|one| one.is_due(now())) {
                        let (inner, one) = (Arc::clone(&self.0), one.clone());
                        checks.spawn(async move { inner.check_health(one).await });
                    }
                    for one in &seen {
                        let folder = self.0.folder(&one.id);
                        if let Err(error) = start::cut_logs(&folder, self.0.config.log_bytes) {
                            tracing::warn!(instance = %one.id, %error, "its logs cannot be cut");
                        }
                    }
                    // Traffic first: who hears that an instance is ready may take another one out.
                    if let Err(error) = self.0.tell_traffic(service, false).await {
                        tracing::warn!(%service, %error, "traffic was not moved, and will be tried again");
                        continue;
                    }
                    let reason = |id: &str| {
                        let one = seen.iter().find(|one| *one.id == *id);
                        one.and_then(Seen::reason).unwrap_or_default()
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
                    self.launch(action, release).await
                }
                Do::Retire { instance, disposal, drain_seconds } => {
                    let drain = Duration::from_secs(*drain_seconds);
                    self.0.retire(service, instance, *disposal, drain).await
                }
                Do::Shift { revision, weight } => {
                    if let Some(mut held) = self.0.switch.hold().await {
                        held.weigh(service, &revision.to_string(), *weight)?;
                        held.tell(service, self.0.endpoints(service)?, true).await?;
                    }
                    Ok(vec![What::Shifted { key: key.clone() }])
                }
                other => Err(DriverError::permanent(format!(
                    "the driver local does not do this: {}",
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
        Box::pin(async move {
            let inner = Arc::clone(&self.0);
            let folder = self.0.known_folder(instance)?;
            let release = release.clone();
            blocking(move || inner.compare(&folder, &release, mode)).await
        })
    }
}

impl LocalDriver {
    async fn launch(&self, action: &Action, release: &Release) -> Result<Vec<What>, DriverError> {
        let Action { key, service, what: Do::Launch { revision, zone, .. } } = action else {
            return Ok(Vec::new());
        };
        let id = labels::name(service, key);
        let folder = self.0.folder(&id);
        let failed = |why: DriverError| {
            tracing::warn!(%service, %key, %why, "not launched");
            vec![What::LaunchFailed { key: key.clone(), reason: why.to_string() }]
        };
        if *revision != release.revision() {
            return Err(DriverError::permanent(format!(
                "the launch {key} is of the revision {revision}, and comes with the release {}",
                release.revision()
            )));
        }
        if !self.0.config.zones.is_empty() && !self.0.config.zones.iter().any(|known| **known == **zone) {
            let zones = self.0.config.zones.join(", ");
            return Ok(failed(DriverError::permanent(format!(
                "there is no zone `{zone}`: zones are {zones}"
            ))));
        }
        let Some(claim) = folder.claim(true).await? else {
            return Err(DriverError::temporary("it was removed"));
        };
        let launched = vec![What::Launched { key: key.clone(), instance: id.into() }];
        if claim.folder.record()?.is_some() && claim.folder.process()?.is_some() {
            return Ok(launched);
        }
        match self.bring_up(&claim, action, release, revision).await {
            Ok(()) => {
                tracing::info!(%service, %key, instance = %claim.folder.id(), "launched");
                Ok(launched)
            }
            // It is tried again, from where it got to.
            Err(error) if error.is_temporary() => Err(error),
            Err(error) => {
                self.0.clear(&claim).await?;
                Ok(failed(error))
            }
        }
    }

    /// Makes an instance, or finishes what was begun: until there is a process, nothing counts as done.
    async fn bring_up(
        &self,
        claim: &Claim,
        action: &Action,
        release: &Release,
        revision: &Revision,
    ) -> Result<(), DriverError> {
        let Do::Launch { zone, slot, labels, .. } = &action.what else { return Ok(()) };
        let isolation = self.isolation().await?;
        let prepare = {
            let (inner, release) = (Arc::clone(&self.0), release.clone());
            move || {
                let known = inner.images.of(&release)?;
                let root = inner.store.root(&known)?;
                let runtime = known.image.config().map(|config| config.runtime().clone()).unwrap_or_default();
                let run = Inner::run(&release, &runtime, &root, isolation)?;
                Ok((known, root, run))
            }
        };
        let (known, lower, mut run) = blocking(prepare).await?;
        let folder = &claim.folder;
        let before = folder.record()?;
        let wanted = release.spec().labels.clone().unwrap_or_default();
        let counted = labels.iter().map(|(name, value)| (name.clone(), value.clone()));
        let place = (&*action.service, &**zone, slot.as_deref());
        let labels = labels::of(&action.key, place, revision, wanted.into_iter().chain(counted));
        let choosing = self.0.ports.lock().await;
        let port = self.0.port(before.as_ref().and_then(|record| record.port))?;
        if let Some((_, port)) = &port {
            run.env.insert("PORT".into(), port.to_string());
        }
        let record = Record {
            key: action.key.clone(),
            service: Arc::clone(&action.service),
            zone: Arc::clone(zone),
            slot: slot.clone(),
            revision: revision.clone(),
            image: known.image.digest().to_string().into(),
            labels,
            created_at: now(),
            port: port.as_ref().map(|(_, port)| *port),
            isolation,
            run,
            disposal: None,
            disposed: false,
        };
        folder.write("instance.json", &record)?;
        // Now that it is written down, nobody else takes the port.
        drop((port, choosing));
        let root = {
            let (inner, folder, record, known) = (Arc::clone(&self.0), folder.clone(), record.clone(), known);
            let held = claim.lock()?;
            blocking(move || {
                let _held = held;
                inner.root(&folder, &record, &known, Some(&lower))
            })
            .await?
        };
        match isolation {
            Isolation::Container => self.0.runtime().await?.launch(claim, &root, &record.run).await,
            _ => start::start(claim, isolation, &root, &record.run).await,
        }
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

    /// All folders of instances, whatever is in them.
    fn folders(&self) -> Result<Vec<Folder>, DriverError> {
        let path = self.state.join("instances");
        let mut folders = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed(path.display()))? {
            let entry = entry.map_err(failed(path.display()))?;
            if !entry.file_name().to_string_lossy().starts_with('.') {
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

    fn endpoints(&self, service: &str) -> Result<Vec<Endpoint>, DriverError> {
        Ok(self.instances(service)?.iter().filter_map(Seen::endpoint).collect())
    }

    async fn tell_traffic(&self, service: &Arc<str>, again: bool) -> Result<(), DriverError> {
        let Some(mut held) = self.switch.hold().await else { return Ok(()) };
        let endpoints = self.endpoints(service)?;
        held.tell(service, endpoints, again).await
    }

    /// How an instance is run: as the release says, and the image where it says nothing.
    fn run(
        release: &Release,
        image: &Runtime,
        root: &std::path::Path,
        isolation: Isolation,
    ) -> Result<Run, DriverError> {
        let InstanceSpec { env, entrypoint, args, user, working_dir, mounts, health, .. } =
            release.spec().over(image);
        let args: Vec<String> = entrypoint.into_iter().chain(args).flatten().collect();
        if args.is_empty() {
            return Err(DriverError::permanent("neither the release nor the image says what is to be run"));
        }
        if health.as_ref().is_some_and(|health| health.command.is_empty()) {
            return Err(DriverError::permanent("the release's health check has no command"));
        }
        let user = user::resolve(&user.unwrap_or_default(), root)?;
        let mounts = mounts.unwrap_or_default();
        if isolation == Isolation::Process {
            let own = geteuid().as_raw();
            if user.uid != own && user.uid != 0
                || user.uid == 0 && !geteuid().is_root() && release.spec().user.is_some()
            {
                return Err(DriverError::permanent(format!(
                    "it is to be run as user {}: without a container or chroot, it can only be user {own}",
                    user.uid
                )));
            }
            if !mounts.is_empty() {
                return Err(DriverError::permanent("mounts need a container or chroot"));
            }
        }
        for (place, mount) in &mounts {
            if !mount.source.starts_with('/') || !place.starts_with('/') {
                return Err(DriverError::permanent(format!(
                    "the mount {place} of {}: the driver local mounts only folders and files of this machine, by their whole path",
                    mount.source
                )));
            }
        }
        let mut env = env.unwrap_or_default();
        env.entry("PATH".into()).or_insert_with(|| PATH.into());
        let dir = working_dir.filter(|dir| !dir.is_empty()).unwrap_or_else(|| "/".into());
        let stop_signal = image.stop_signal.as_deref().and_then(signal).unwrap_or(Signal::TERM).as_raw();
        Ok(Run { args, env, dir, user, mounts, stop_signal, health })
    }

    /// A port that no instance has and nobody listens on, with the lock under which it was chosen.
    fn port(&self, before: Option<u16>) -> Result<Option<(fs::File, u16)>, DriverError> {
        let Some(range) = self.config.port_range else { return Ok(None) };
        let path = self.state.join("ports.lock");
        let lock = fs::File::create(&path).map_err(failed(path.display()))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(path.display())(error.into()))?;
        if let Some(port) = before.filter(|port| range.ports().any(|known| known == *port)) {
            return Ok(Some((lock, port)));
        }
        let mut taken = BTreeSet::new();
        for folder in self.folders()? {
            taken.extend(folder.record()?.and_then(|record| record.port));
        }
        let free = range.ports().find(|port| !taken.contains(port) && is_free(*port));
        let port = free.ok_or_else(|| range.exhausted())?;
        Ok(Some((lock, port)))
    }

    /// The root filesystem of an instance, as it is to be used. `lower` is the store's tree; without it, only what is there is
    /// looked for.
    fn root(
        &self,
        folder: &Folder,
        record: &Record,
        known: &Known,
        lower: Option<&std::path::Path>,
    ) -> Result<PathBuf, DriverError> {
        if record.isolation == Isolation::Process {
            let tree = folder.join("tree");
            if let Some(lower) = lower {
                // Half of one is none.
                remove(&tree)?;
                private_folder(&tree)?;
                let expected = self.store.expected(known);
                tree::make(&tree, &expected, &tree::Contents::Folder(lower), folder.path())?;
            }
            return Ok(tree);
        }
        let store;
        let lower = match lower {
            Some(lower) => {
                // What a launch that did not get to its end has left is not what this one starts from.
                mounts::unmount_below(folder.path())?;
                for name in ["upper", "work", "merged"] {
                    remove(&folder.join(name))?;
                }
                lower
            }
            None => {
                store = self.store.root(known)?;
                &store
            }
        };
        let top =
            known.tree.get(b"").cloned().ok_or_else(|| DriverError::permanent("the image has no root"))?;
        let merged = mounts::overlay(folder, lower, &top)?;
        if record.isolation == Isolation::Chroot {
            mounts::furnish(&merged, &record.run.mounts)?;
        }
        Ok(merged)
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
                let command = self.runtime().await?.exec(&folder, &health.command);
                start::check(command, patience, Some(folder.join("bundle/check"))).await
            }
            isolation => {
                let root = folder.join(if isolation == Isolation::Chroot { "merged" } else { "tree" });
                match start::words(isolation, &root, run, &health.command) {
                    Err(error) => Some(error.to_string()),
                    Ok((words, dir)) => {
                        let mut command =
                            tokio::process::Command::new(words.first().cloned().unwrap_or_default());
                        command.args(words.iter().skip(1)).env_clear().envs(&run.env).current_dir(dir);
                        if isolation == Isolation::Process {
                            command.env("CASTLINE_ROOT", &root);
                        }
                        start::check(command, patience, None).await
                    }
                }
            }
        };
        // It may have been retired meanwhile, and be gone.
        match folder.seen()? {
            Some(now_seen) => match folder.write("health.json", &now_seen.after_check(now(), failure)) {
                Err(_) if !folder.path().exists() => Ok(()),
                other => other,
            },
            None => Ok(()),
        }
    }

    async fn retire(
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
        if let Some(process) = folder.process()?.filter(process::Process::is_alive) {
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
    async fn clear(&self, claim: &Claim) -> Result<(), DriverError> {
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

    fn compare(
        &self,
        folder: &Folder,
        release: &Release,
        mode: CheckMode,
    ) -> Result<DriftReport, DriverError> {
        let id = folder.id();
        let record =
            folder.record()?.ok_or_else(|| DriverError::permanent(format!("there is no instance `{id}`")))?;
        let known = self.images.of(release)?;
        let expected = self.store.expected(&known);
        let profile = Profile::named("local").unwrap_or_default();
        let targets = record.run.mounts.keys();
        let options = targets.fold(Comparison::default().with_profile(profile), |options, target| {
            options.with_mount(target.as_bytes())
        });
        let unread = |error: castline_sources::Error| DriverError::temporary(format!("`{id}`: {error}"));
        let scanned = match (mode, record.isolation) {
            (CheckMode::Fast, Isolation::Process) => {
                return Err(DriverError::permanent(format!(
                    "`{id}` has a copy of its image's files and no layer of its own over them: ask for the mode full"
                )));
            }
            (CheckMode::Fast, _) => {
                let upper = folder.join("upper");
                let upper =
                    scan_upper(&upper, OverlayXattrs::Trusted, &ScanOptions::default(), &Watch::none());
                upper.map_err(unread)?.over(&expected).map_err(DriverError::permanent)?
            }
            (CheckMode::Full, _) => {
                let root = self.root(folder, &record, &known, None)?;
                scan(&root, &ScanOptions::default(), &Watch::none()).map_err(unread)?
            }
        };
        Ok(compare(&expected, &scanned, &options))
    }
}

/// A signal by its name or number, as in an image's `StopSignal`.
fn signal(text: &str) -> Option<Signal> {
    let known = [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("KILL", Signal::KILL),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("TERM", Signal::TERM),
        ("WINCH", Signal::WINCH),
    ];
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let known = known.into_iter().find(|(known, _)| *known == name).map(|(_, signal)| signal);
    known.or_else(|| Signal::from_named_raw(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_name_and_number() {
        for (text, expected) in [
            ("SIGQUIT", Some(Signal::QUIT)),
            ("WINCH", Some(Signal::WINCH)),
            ("15", Some(Signal::TERM)),
            ("SIGNOTHING", None),
            ("0", None),
        ] {
            assert_eq!(signal(text), expected, "{text}");
        }
    }
}
