//! A secret's value is in the process of the instance, and nowhere else: looked for wherever castline writes or tells anything.
#![cfg(all(feature = "local", target_os = "linux"))]

mod support;

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write as _},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Once},
};

use castline_core::{
    Document as _, Instance, Release,
    drift::{HealthCheck, InstanceSpec, SecretSource},
    plan::Disposal,
    policy::Policy,
    rollout::What,
};
use castline_engine::{CheckMode, Driver, Executor, Isolation, LocalConfig, LocalDriver, Store, Wanted};
use support::{
    drivers,
    images::{Images, release, scripted},
    run,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use xtask::engines::available;

/// All that is traced, at every level.
static TRACES: Mutex<String> = Mutex::new(String::new());

struct Collector;

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Fields(&mut TRACES.lock().expect("no panic")));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields(&mut TRACES.lock().expect("no panic")));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&mut TRACES.lock().expect("no panic")));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn collect_traces() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Collector).expect("there is no other"));
}

/// A value that nobody has written down anywhere.
fn value() -> String {
    fs::read_to_string("/proc/sys/kernel/random/uuid").expect("a number").trim().to_owned()
}

/// Panics where a file below has the value in it; files that are only to be read by root and are the kernel's are left out.
fn nowhere_below(folder: &Path, value: &str) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
            // What containers have mounted are the machine's own.
            let of_kernel =
                ["proc", "sys", "dev"].iter().any(|name| path.ends_with(format!("merged/{name}")));
            if kind.is_dir() && !of_kernel {
                folders.push(path);
            } else if kind.is_file() {
                let bytes = fs::read(&path).unwrap_or_default();
                let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
                assert!(!found, "{} has the value", path.display());
            }
        }
    }
}

/// Whether a process has this in its environment.
fn some_process_has(variable: &str) -> bool {
    let has = |path: PathBuf| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|one| one == variable.as_bytes())
    };
    fs::read_dir("/proc").expect("proc").flatten().any(|entry| has(entry.path()))
}

/// Where the secret of a test is, outside of what is searched.
struct Secret {
    folder: tempfile::TempDir,
}

impl Secret {
    fn new(value: &str) -> Self {
        let secret = Self { folder: tempfile::tempdir().expect("a folder") };
        secret.write(value);
        secret
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn write(&self, value: &str) {
        fs::write(self.path(), format!("{value}\n")).expect("writes");
    }

    /// A release of one instance that is healthy if its health check has the secret as well.
    fn release(&self, release: &Release) -> Release {
        let check = r#"test "${#TOKEN}" = 36 && test -n "$HERE""#;
        let health =
            HealthCheck { interval_millis: 300, retries: 3, ..HealthCheck::new(["/bin/sh", "-c", check]) };
        let scripted = scripted(release, "while :; do sleep 1; done", Some(health));
        let path = self.path().to_str().expect("text").to_owned();
        let secrets = [
            ("TOKEN".to_owned(), SecretSource::File(path)),
            ("HERE".to_owned(), SecretSource::Env("CARGO_MANIFEST_DIR".into())),
        ];
        let spec = InstanceSpec {
            env: Some(BTreeMap::from([("PLAIN".to_owned(), "x".to_owned())])),
            secrets: Some(secrets.into()),
            ..scripted.spec().clone()
        };
        scripted.with_spec(spec)
    }
}

/// Ends what is left of a service when it is dropped.
struct Ended<'a> {
    driver: &'a Arc<dyn Driver>,
    release: &'a Release,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        run(async {
            let Ok(fleet) = self.driver.observe("web").await else { return };
            for one in fleet.instances() {
                let retire = drivers::retire(self.release, &one.id, Disposal::End);
                let _ = self.driver.perform(&retire, None).await;
            }
        });
    }
}

/// Launches by a rollout, looks everywhere, rotates, and takes the secret away. `folder` has all that castline writes.
fn keeps_it_to_itself(driver: &Arc<dyn Driver>, plain: &Release, folder: &Path, modes: &[CheckMode]) {
    collect_traces();
    let (first, second) = (value(), value());
    let secret = Secret::new(&first);
    let release = secret.release(&plain.clone().with_replicas(1));
    let ended = Ended { driver, release: &release };
    let executor = Executor::new(Store::open(folder.join("ledger")).expect("a store"), Arc::clone(driver));
    let mut policy = Policy::default().with_zones(["a"]).with_progress_deadline_seconds(120);
    policy.drain_seconds = 0;
    let said = Mutex::new(String::new());
    let say = |what: &dyn Debug| {
        let _ = writeln!(said.lock().expect("no panic"), "{what:?}");
    };
    run(async {
        let apply = async |release: &Release| {
            let wanted = Wanted { release: release.clone(), policy: policy.clone() };
            let prepared = executor.prepare(&[wanted]).await.expect("a plan");
            say(&prepared.plan.to_json());
            say(&prepared);
            let rolling = match executor.apply(prepared, "a test").await {
                Ok(rolling) => rolling,
                Err(error) => {
                    say(&error);
                    return false;
                }
            };
            let ended = rolling
                .run(|told| say(&serde_json::to_string(&told).expect("JSON")))
                .await
                .expect("it is executed");
            say(&ended);
            ended.is_success()
        };
        assert!(apply(&release).await, "{}", said.lock().expect("no panic"));
        assert!(some_process_has(&format!("TOKEN={first}")), "its process has it");
        assert!(some_process_has(&format!("HERE={}", env!("CARGO_MANIFEST_DIR"))));
        let fleet = driver.observe("web").await.expect("observes");
        say(&fleet.to_json());
        let one = &fleet.instances()[0];
        assert!(one.is_available() && one.revision == Some(release.revision()), "{one:?}");
        for mode in modes {
            let report = driver.check(&one.id, &release, *mode).await.expect("looks");
            assert!(report.is_clean(), "{:?}", drivers::shown(&report));
            say(&serde_json::to_string(&report).expect("JSON"));
        }
        say(driver);
        nowhere_below(folder, &first);

        // Another one of the same release has what is there now.
        secret.write(&second);
        let action = drivers::launch(&release, "a", 1);
        let id = drivers::launched(&**driver, &action, &release).await;
        let ready = |all: &[Instance]| all.iter().all(Instance::is_available) && all.len() == 2;
        drivers::observed(&**driver, "web", ready).await;
        assert!(some_process_has(&format!("TOKEN={second}")));
        assert!(some_process_has(&format!("TOKEN={first}")), "the other one is what it was");
        let retire = drivers::retire(&release, &id, Disposal::End);
        driver.perform(&retire, None).await.expect("retires");

        // Without it, nothing is launched. It may come; what no variable can have is final.
        fs::remove_file(secret.path()).expect("removes");
        let action = drivers::launch(&release, "a", 2);
        let error = driver.perform(&action, Some(&release)).await.expect_err("it is not there");
        let reason = error.to_string();
        let path = secret.path();
        assert!(error.is_temporary(), "{reason}");
        assert!(reason.contains("TOKEN") && reason.contains(path.to_str().expect("text")), "{reason}");
        fs::write(secret.path(), format!("{second}\0")).expect("writes");
        let answer = driver.perform(&action, Some(&release)).await.expect("it is answered");
        let [What::LaunchFailed { reason, .. }] = &answer[..] else { panic!("{answer:?}") };
        assert!(reason.contains("TOKEN") && reason.contains("it has a NUL in it"), "{reason}");
        assert_eq!(driver.observe("web").await.expect("observes").instances().len(), 1);
        let larger = release.clone().with_replicas(2);
        assert!(!apply(&larger).await, "a NUL cannot be in a variable");
        assert!(said.lock().expect("no panic").contains("it has a NUL in it"));
        assert_eq!(executor.store().ledger().history("web").len(), 1, "it was not begun");
    });
    drop(ended);
    for value in [&first, &second] {
        nowhere_below(folder, value);
        assert!(!said.lock().expect("no panic").contains(value.as_str()));
        assert!(!TRACES.lock().expect("no panic").contains(value.as_str()));
    }
    assert!(TRACES.lock().expect("no panic").contains("instance="), "there are traces");
}

fn local(isolation: Isolation, modes: &[CheckMode]) {
    let folder = tempfile::tempdir().expect("a folder");
    // So that what others could read is found: the folders above do not hide it.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut images = Images::new(folder.path().join("images"));
    let release = release("web", &images.add("v1"), 1);
    let config = LocalConfig {
        zones: vec!["a".into()],
        isolation: Some(isolation),
        ..LocalConfig::new(folder.path().join("state"), [images.reference()])
    };
    let driver: Arc<dyn Driver> = Arc::new(LocalDriver::new(config).expect("a driver"));
    keeps_it_to_itself(&driver, &release, folder.path(), modes);
}

#[test]
fn of_a_process() {
    if available(&["busybox"], false) {
        local(Isolation::Process, &[CheckMode::Full]);
    }
}

#[test]
fn of_a_chroot() {
    if available(&["busybox"], true) {
        local(Isolation::Chroot, &[CheckMode::Fast, CheckMode::Full]);
    }
}

#[test]
fn of_a_container() {
    if available(&["busybox", "runc"], true) {
        local(Isolation::Container, &[CheckMode::Fast, CheckMode::Full]);
    }
}

/// Docker itself keeps the environment of its containers, in a folder of its own, and says it to who may ask it.
#[cfg(feature = "docker")]
#[test]
fn of_a_container_of_docker() {
    use castline_engine::{DockerConfig, DockerDriver, DockerHost};

    if !available(&["busybox", "dockerd", "runc"], true) {
        return;
    }
    let engine = support::engines::Engine::docker();
    let folder = tempfile::tempdir().expect("a folder");
    let mut images = Images::new(folder.path().join("images"));
    let release = release("web", &images.add("v1"), 1);
    let config = DockerConfig {
        network: "host".into(),
        ..DockerConfig::new([DockerHost::new(engine.url(), ["a"])], [images.reference()])
    };
    let driver: Arc<dyn Driver> = Arc::new(DockerDriver::new(config).expect("a driver"));
    keeps_it_to_itself(&driver, &release, folder.path(), &[CheckMode::Fast, CheckMode::Full]);
}
