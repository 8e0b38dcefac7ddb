//! An instance on disk: what it is, how it fares, and the lock by which one at a time works on it.
//!
//! ```text
//! STATE/instances/ID/
//!   lock             held by whoever launches or retires it
//!   instance.json    what it is; written before anything is started
//!   process          which process it is; while it is not there, the instance is not there either
//!   health.json      what its checks have said
//!   stdout.log, stderr.log, check.log
//!   upper/ work/ merged/      its overlay; or
//!   tree/                     its own copy of the image's tree
//!   bundle/          what the OCI runtime is told
//! STATE/instances/.gone-ID/   what is being removed
//! STATE/logs/ID/              what one has said that has failed
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use castline_core::{
    Fleet, Health, Instance, Phase, Revision, Time,
    drift::{HealthCheck, Mount},
    plan::Disposal,
    rollout::Key,
};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

use super::{
    super::{failed, secrets::Secrets},
    Isolation,
    process::Process,
    store::private_folder,
};
use crate::{DriverError, Endpoint};

/// What an instance is. Has its environment in it, so that only the owner may read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Record {
    pub(super) key: Key,
    pub(super) service: Arc<str>,
    pub(super) zone: Arc<str>,
    pub(super) slot: Option<Arc<str>>,
    pub(super) revision: Revision,
    /// The digest of its image.
    pub(super) image: Arc<str>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) created_at: Time,
    pub(super) port: Option<u16>,
    pub(super) isolation: Isolation,
    pub(super) run: Run,
    /// What becomes of it, once that was asked for. From then on it gets no traffic.
    pub(super) disposal: Option<Disposal>,
    /// Whether that was done, of one that is kept.
    pub(super) disposed: bool,
}

/// How it is run: everything decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Run {
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// The names of those of its variables that are secrets: what they are, only its own process knows.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) secrets: BTreeSet<String>,
    pub(super) dir: String,
    pub(super) user: User,
    pub(super) mounts: BTreeMap<String, Mount>,
    pub(super) stop_signal: i32,
    pub(super) health: Option<HealthCheck>,
}

/// Whom it is run as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
}

/// What health checks have said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Vitals {
    /// When the last check ended.
    pub(super) checked_at: Option<Time>,
    /// How many have failed since one did not.
    pub(super) failures: u32,
    /// Since when it is ready.
    pub(super) ready_at: Option<Time>,
    /// Why it has failed for good.
    pub(super) failed: Option<String>,
}

/// What the name of a folder begins with that is being removed.
pub(super) const ASIDE: &str = ".gone-";

/// An instance's folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

/// An instance's folder, and its lock.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) folder: Folder,
    lock: File,
}

/// For how long one waits for who works on the same instance.
const PATIENCE: Duration = Duration::from_secs(60);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn id(&self) -> Arc<str> {
        self.0.file_name().unwrap_or_default().to_string_lossy().into()
    }

    pub(super) fn record(&self) -> Result<Option<Record>, DriverError> {
        self.read("instance.json")
    }

    /// The secrets that its process has, where it says so.
    pub(super) fn secrets(&self, run: &Run) -> Result<Secrets, DriverError> {
        if run.secrets.is_empty() {
            return Ok(Secrets::default());
        }
        Ok(self.process()?.map(|process| process.variables(&run.secrets)).unwrap_or_default())
    }

    pub(super) fn vitals(&self) -> Result<Vitals, DriverError> {
        Ok(self.read("health.json")?.unwrap_or_default())
    }

    pub(super) fn process(&self) -> Result<Option<Process>, DriverError> {
        let file = self.join("process");
        Process::read(&file).map_err(failed(file.display()))
    }

    /// How it fares now.
    pub(super) fn seen(&self) -> Result<Option<Seen>, DriverError> {
        let Some(record) = self.record()? else { return Ok(None) };
        let Some(process) = self.process()? else { return Ok(None) };
        Ok(Some(Seen { id: self.id(), vitals: self.vitals()?, alive: process.is_alive(), record }))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DriverError> {
        let path = self.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(path.display())(error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            // Which values are wrong is not said: they may be secrets.
            let place = format!("line {} column {}", error.line(), error.column());
            DriverError::permanent(format!("{}: not what castline writes there ({place})", path.display()))
        })
    }

    /// Writes a document so that it is there whole, or the one before it is.
    pub(super) fn write(&self, name: &str, document: &impl Serialize) -> Result<(), DriverError> {
        let bytes = serde_json::to_vec(document).map_err(DriverError::permanent)?;
        self.write_bytes(name, &bytes)
    }

    pub(super) fn write_bytes(&self, name: &str, bytes: &[u8]) -> Result<(), DriverError> {
        let (path, new) = (self.join(name), self.join(&format!("{name}.new")));
        let write = || {
            let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(failed(path.display()))
    }

    /// Locks it; nothing where there is no such instance and none is to be.
    pub(super) async fn claim(self, create: bool) -> Result<Option<Claim>, DriverError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if create {
                private_folder(&self.0)?;
            }
            match self.attempt(create)? {
                Attempt::Locked(lock) => return Ok(Some(Claim { folder: self, lock })),
                // It was removed just now: another look at whether it is to be made.
                Attempt::Replaced => {}
                Attempt::Absent if create => {}
                Attempt::Absent => return Ok(None),
                Attempt::Busy if Instant::now() < deadline => sleep(Duration::from_millis(20)).await,
                Attempt::Busy => {
                    let message = format!("somebody else is at work on the instance {}", self.id());
                    return Err(DriverError::temporary(message));
                }
            }
        }
    }

    /// Locks it if nobody is at work on it; nothing where somebody is, or where there is no such instance.
    pub(super) fn claim_idle(self) -> Result<Option<Claim>, DriverError> {
        match self.attempt(false)? {
            Attempt::Locked(lock) => Ok(Some(Claim { folder: self, lock })),
            Attempt::Absent | Attempt::Replaced | Attempt::Busy => Ok(None),
        }
    }

    fn attempt(&self, create: bool) -> Result<Attempt, DriverError> {
        let path = self.join("lock");
        let mut options = File::options();
        options.read(true).write(true).create(create).mode(0o600);
        let lock = match options.open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Attempt::Absent),
            Err(error) => return Err(failed(path.display())(error)),
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // It may have been removed, and made anew, while this one waited.
                let same = |there: fs::Metadata| {
                    lock.metadata().is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
                };
                let same = fs::metadata(&path).is_ok_and(same);
                Ok(if same { Attempt::Locked(lock) } else { Attempt::Replaced })
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Attempt::Busy),
            Err(error) => Err(failed(path.display())(error.into())),
        }
    }
}

/// What came of one attempt to lock an instance.
enum Attempt {
    Locked(File),
    /// Somebody else has it.
    Busy,
    /// It was removed before it was locked, and may have been made anew.
    Replaced,
    /// There is none.
    Absent,
}

impl Claim {
    /// The lock once more, for work that goes on when nobody waits for it any more. It is let go of when all of them are closed, those of
    /// programs that were started with it among them.
    pub(super) fn lock(&self) -> Result<File, DriverError> {
        self.lock.try_clone().map_err(failed("the lock of an instance"))
    }
}

/// An instance that is there, as it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) id: Arc<str>,
    pub(super) record: Record,
    vitals: Vitals,
    pub(super) alive: bool,
}

impl Seen {
    pub(super) fn phase(&self) -> Phase {
        match self.record.disposal {
            None => Phase::Running,
            Some(Disposal::End) => Phase::Terminating,
            Some(_) if self.record.disposed => Phase::Quarantined,
            Some(_) => Phase::Terminating,
        }
    }

    pub(super) fn health(&self) -> Health {
        match &self.record.run.health {
            _ if self.reason().is_some() => Health::Failed,
            None => Health::Ready,
            Some(_) if self.vitals.ready_at.is_some() => Health::Ready,
            Some(_) => Health::NotReady,
        }
    }

    /// Why it has failed.
    pub(super) fn reason(&self) -> Option<String> {
        if !self.alive {
            return Some("its process has ended".into());
        }
        self.vitals.failed.clone()
    }

    /// Whether it is to be checked now.
    pub(super) fn is_due(&self, now: Time) -> bool {
        let Some(health) = &self.record.run.health else { return false };
        let due = self.vitals.checked_at.is_none_or(|last| now.millis_since(last) >= health.interval_millis);
        due && self.phase() == Phase::Running && self.reason().is_none()
    }

    /// What its vitals are after a check, as Docker counts: failures count only in a row, and not in the start period of one that was
    /// never ready.
    pub(super) fn after_check(&self, now: Time, failure: Option<String>) -> Vitals {
        let before = self.vitals.clone();
        let Some(failure) = failure else {
            let ready_at = before.ready_at.or(Some(now));
            return Vitals { checked_at: Some(now), failures: 0, ready_at, failed: None };
        };
        let checked = Vitals { checked_at: Some(now), ..before };
        let Some(health) = &self.record.run.health else { return checked };
        let starting = now.millis_since(self.record.created_at) < health.start_period_millis;
        if starting && checked.ready_at.is_none() {
            return checked;
        }
        let failures = checked.failures.saturating_add(1);
        let failed = (failures >= health.retries.max(1))
            .then(|| format!("its health check has failed {failures} times in a row: {failure}"));
        Vitals { failures, failed, ..checked }
    }

    pub(super) fn instance(&self) -> Instance {
        let Record { revision, image, zone, slot, labels, created_at, .. } = &self.record;
        let mut instance = Instance::new(Arc::clone(&self.id))
            .with_image(Arc::clone(image))
            .with_revision(revision.clone())
            .with_zone(Arc::clone(zone))
            .with_phase(self.phase())
            .with_health(self.health())
            .with_created_at(*created_at);
        instance.slot.clone_from(slot);
        instance.labels = Arc::new(labels.clone());
        if instance.is_available() {
            instance.ready_at = self.vitals.ready_at.or(Some(*created_at));
        }
        instance
    }

    /// Where it gets traffic, if it does.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        let gets = self.phase() == Phase::Running && self.health() == Health::Ready;
        Some(Endpoint {
            instance: Arc::clone(&self.id),
            address: format!("127.0.0.1:{}", self.record.port.filter(|_| gets)?),
            zone: Arc::clone(&self.record.zone),
            revision: self.record.revision.to_string(),
        })
    }
}

/// The fleet of these.
pub(super) fn fleet(service: &str, seen: &[Seen]) -> Result<Fleet, DriverError> {
    Fleet::new(service, seen.iter().map(Seen::instance)).map_err(DriverError::permanent)
}

#[cfg(test)]
mod tests {
    use castline_core::{
        Digest,
        Health::{Failed, NotReady, Ready},
    };

    use super::*;

    fn seen(vitals: Vitals) -> Seen {
        let health = HealthCheck { retries: 2, start_period_millis: 1000, ..HealthCheck::new(["check"]) };
        let run = Run {
            args: vec!["/app".into()],
            env: BTreeMap::new(),
            secrets: BTreeSet::new(),
            dir: "/".into(),
            user: User { uid: 0, gid: 0, groups: vec![] },
            mounts: BTreeMap::new(),
            stop_signal: 15,
            health: Some(health),
        };
        let record = Record {
            key: Key("k".into()),
            service: "web".into(),
            zone: "a".into(),
            slot: None,
            revision: format!("1@{}", Digest::of(b"")).parse().expect("a revision"),
            image: "sha256:".into(),
            labels: BTreeMap::new(),
            created_at: Time::from_millis(0),
            port: Some(80),
            isolation: Isolation::Process,
            run,
            disposal: None,
            disposed: false,
        };
        Seen { id: "web-1".into(), record, vitals, alive: true }
    }

    #[test]
    fn failures_count_in_a_row_and_not_while_it_starts() {
        let mut vitals = Vitals::default();
        let mut told = Vec::new();
        for (at, fails) in
            [(100, true), (200, true), (300, false), (400, true), (500, false), (1100, true), (1200, true)]
        {
            vitals = seen(vitals).after_check(Time::from_millis(at), fails.then(|| "no".into()));
            told.push(seen(vitals.clone()).health());
        }
        let expected = [NotReady, NotReady, Ready, Ready, Ready, Ready, Failed];
        assert_eq!(told, expected);
        assert_eq!(vitals.ready_at, Some(Time::from_millis(300)));
        assert!(
            !seen(vitals).is_due(Time::from_millis(9000)),
            "what has failed for good is not asked any more"
        );
    }

    #[test]
    fn one_that_is_never_ready_fails_once_its_start_is_over() {
        let vitals = seen(Vitals::default()).after_check(Time::from_millis(1000), Some("no".into()));
        assert_eq!(seen(vitals.clone()).health(), NotReady);
        let vitals = seen(vitals).after_check(Time::from_millis(2000), Some("no".into()));
        assert_eq!(seen(vitals.clone()).health(), Failed);
        assert!(seen(vitals).endpoint().is_none());
    }

    #[test]
    fn what_is_retired_gets_no_traffic() {
        let mut one = seen(Vitals { ready_at: Some(Time::from_millis(1)), ..Vitals::default() });
        assert_eq!(one.endpoint().map(|endpoint| endpoint.address), Some("127.0.0.1:80".into()));
        one.record.disposal = Some(Disposal::Isolate);
        assert_eq!((one.phase(), one.endpoint()), (Phase::Terminating, None));
        one.record.disposed = true;
        assert_eq!(one.phase(), Phase::Quarantined);
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_its_faults_tell_no_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(folder.path().join("web-1"));
        private_folder(folder.path()).expect("a folder");
        assert_eq!(folder.record().expect("reads"), None);
        let record = seen(Vitals::default()).record;
        folder.write("instance.json", &record).expect("writes");
        assert_eq!(folder.record().expect("reads"), Some(record));
        folder.write_bytes("instance.json", br#"{"key":"SECRET","run":7}"#).expect("writes");
        let error = folder.record().expect_err("refused").to_string();
        assert!(error.contains("line 1") && !error.contains("SECRET"), "{error}");
    }
}
