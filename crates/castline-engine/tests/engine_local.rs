//! The driver `local`, in each of its isolations.
#![cfg(all(feature = "local", target_os = "linux"))]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use castline_core::{
    Health, Instance, Phase, Release,
    drift::HealthCheck,
    plan::Disposal,
    rollout::{Action, What},
};
use castline_engine::{
    CheckMode, Doing, Driver as _, Isolation, LeftoverKind, LocalConfig, LocalDriver, PortRange,
};
use rustix::fs::{FlockOperation, flock};
use support::{
    drivers,
    engines::tamper,
    images::{self, Images, release},
    run,
};
use tokio::sync::mpsc::channel;
use xtask::engines;

/// A driver of its own, with a service to launch. Ends what is left of it when it is dropped.
struct Bench {
    folder: tempfile::TempDir,
    config: LocalConfig,
    release: Release,
}

impl Bench {
    fn new(isolation: Isolation, first_port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut images = Images::new(folder.path().join("images"));
        let image = images.add("v1");
        let config = LocalConfig {
            zones: ["a", "b", "c"].map(str::to_owned).to_vec(),
            isolation: Some(isolation),
            port_range: Some(PortRange { first: first_port, last: first_port + 49 }),
            traffic: Some(drivers::hook(&folder.path().join("told"))),
            ..LocalConfig::new(folder.path().join("state"), [images.reference()])
        };
        Self { release: release("web", &image, 6), config, folder }
    }

    fn driver(&self) -> LocalDriver {
        LocalDriver::new(self.config.clone()).expect("a driver")
    }

    fn told(&self) -> PathBuf {
        self.folder.path().join("told")
    }

    fn instance(&self, id: &str) -> PathBuf {
        self.config.state.join("instances").join(id)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let driver = self.driver();
        let instances = fs::read_dir(self.config.state.join("instances")).into_iter().flatten().flatten();
        let ids: Vec<String> =
            instances.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        run(async {
            for id in ids {
                let action = drivers::retire(&self.release, &id, Disposal::Isolate);
                let _ = driver.perform(&action, None).await;
                let action = drivers::retire(&self.release, &id, Disposal::End);
                let _ = driver.perform(&action, None).await;
            }
        });
    }
}

fn conforms(isolation: Isolation, first_port: u16, modes: &[CheckMode]) {
    keeps_every_promise(&Bench::new(isolation, first_port), modes);
}

fn keeps_every_promise(bench: &Bench, modes: &[CheckMode]) {
    let driver = bench.driver();
    let root = if bench.config.isolation == Some(Isolation::Process) { "tree" } else { "merged" };
    run(drivers::conforms(&drivers::Subject {
        driver: &driver,
        release: bench.release.clone(),
        zones: ["a", "b", "c"],
        told: Some(&bench.told()),
        modes,
        tamper: &|id| tamper(&bench.instance(id).join(root)),
    }));
    assert_eq!(left(bench), [""; 0]);
}

const BOTH: &[CheckMode] = &[CheckMode::Fast, CheckMode::Full];

#[test]
fn processes_keep_every_promise() {
    if engines::available(&["busybox"], false) {
        let port = std::env::var("CASTLINE_TEST_PORT").ok().and_then(|port| port.parse().ok());
        conforms(Isolation::Process, port.unwrap_or(21_000), &[CheckMode::Full]);
    }
}

#[test]
fn chroots_keep_every_promise() {
    if engines::available(&["busybox"], true) {
        conforms(Isolation::Chroot, 21_050, BOTH);
    }
}

#[test]
fn containers_keep_every_promise() {
    if engines::available(&["busybox", "runc"], true) {
        conforms(Isolation::Container, 21_100, BOTH);
    }
}

/// crun makes no containers where both hierarchies of cgroups are mounted and the newer one controls anything. This one sees only
/// the older one there.
#[test]
fn containers_of_crun_keep_every_promise() {
    if !engines::available(&["busybox", "crun"], true) {
        return;
    }
    let script = r#"[ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified; exec "$@""#;
    let output = Command::new("unshare")
        .args(["--mount", "/bin/sh", "-c", script, "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "another_process_with_crun"])
        .env("CASTLINE_TEST_CRUN", engines::command("crun").get_program())
        .output()
        .expect("unshare starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{errors}");
}

/// No test by itself: what another one starts, with its own mounts.
#[test]
fn another_process_with_crun() {
    let Some(program) = std::env::var_os("CASTLINE_TEST_CRUN") else { return };
    let mut bench = Bench::new(Isolation::Container, 21_150);
    bench.config.runtime = Some(program.into());
    keeps_every_promise(&bench, BOTH);
}

#[test]
fn a_tree_that_was_set_aside_is_kept_as_long_as_an_instance_may_run_on_it() {
    if !engines::available(&["busybox"], true) {
        return;
    }
    let bench = Bench::new(Isolation::Chroot, 21_750);
    let driver = bench.driver();
    let launch = drivers::launch(&bench.release, "a", 0);
    run(async {
        let id = drivers::launched(&driver, &launch, &bench.release).await;
        let image = driver.unpacked().await.expect("reads")[0].image.clone();
        let name = format!("changed-1-{}-{}", image.algorithm().name(), image.encoded());
        let tree = bench.config.state.join("store").join(&name);
        fs::create_dir_all(tree.join("root")).expect("folders");
        let found = driver.leftovers().await.expect("reads");
        assert!(found.len() == 1 && found[0].name == name && found[0].in_use, "{found:?}");
        assert_eq!(found[0].kind, LeftoverKind::Changed);
        let error = driver.remove_leftover(&name).await.expect_err("it is in use");
        assert!(!error.is_temporary() && tree.exists(), "{error}");
        let action = drivers::retire(&bench.release, &id, Disposal::End);
        driver.perform(&action, None).await.expect("it ends");
        driver.remove_leftover(&name).await.expect("it goes");
        assert!(!tree.exists() && driver.leftovers().await.expect("reads").is_empty());
        // Names that are none of these remove nothing.
        driver.remove_leftover("../instances").await.expect("nothing to do");
        assert!(bench.config.state.join("instances").exists());
    });
}

/// Processes, of whatever parent, that have this in their environment.
fn processes_with(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").expect("proc").flatten();
    let marked = |path: PathBuf| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes.filter(|entry| marked(entry.path())).count()
}

/// No test by itself: what another one starts, to kill it.
#[test]
fn another_process_that_launches() {
    let Some(task) = std::env::var_os("CASTLINE_TEST_LAUNCH") else { return };
    let task = fs::read(task).expect("a task");
    let (config, release): (LocalConfig, Release) = serde_json::from_slice(&task).expect("a task");
    let driver = LocalDriver::new(config).expect("a driver");
    run(drivers::launched(&driver, &drivers::launch(&release, "a", 0), &release));
}

/// Killed at any moment, a launch leaves nothing that the next one does not find.
fn survives(isolation: Isolation, first_port: u16) {
    let mut bench = Bench::new(isolation, first_port);
    let mark = format!("MARK={}", bench.folder.path().display());
    let mut spec = bench.release.spec().clone();
    spec.env = Some([("MARK".to_owned(), bench.folder.path().display().to_string())].into());
    bench.release = bench.release.clone().with_spec(spec);
    let task = bench.folder.path().join("task");
    fs::write(&task, serde_json::to_vec(&(&bench.config, &bench.release)).expect("JSON")).expect("writes");
    for millis in [5, 20, 40, 60, 80, 100, 130, 160, 200, 300] {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "another_process_that_launches"])
            .env("CASTLINE_TEST_LAUNCH", &task)
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        thread::sleep(Duration::from_millis(millis));
        child.kill().expect("killed");
        child.wait().expect("dead");
    }
    run(async {
        let action = drivers::launch(&bench.release, "a", 0);
        let id = drivers::launched(&bench.driver(), &action, &bench.release).await;
        let ready = |all: &[Instance]| all.iter().all(Instance::is_available);
        let all = drivers::observed(&bench.driver(), "web", ready).await;
        assert_eq!(all.iter().map(|one| &one.id).collect::<Vec<_>>(), [&id], "there is one of it");
        // The shell and the server.
        assert!((1..=2).contains(&processes_with(&mark)), "{}", processes_with(&mark));

        let end = drivers::retire(&bench.release, &id, Disposal::End);
        for millis in [0, 5, 20] {
            let driver = bench.driver();
            let _ = tokio::time::timeout(Duration::from_millis(millis), driver.perform(&end, None)).await;
        }
        bench.driver().perform(&end, None).await.expect("retires");
        assert_eq!(processes_with(&mark), 0, "nobody is left");
    });
}

#[test]
fn a_process_is_launched_once_whenever_its_driver_is_killed() {
    if engines::available(&["busybox"], false) {
        survives(Isolation::Process, 21_550);
    }
}

#[test]
fn a_container_is_launched_once_whenever_its_driver_is_killed() {
    if engines::available(&["busybox", "runc"], true) {
        survives(Isolation::Container, 21_600);
    }
}

/// What is in the folder of instances, those that are being removed among it.
fn left(bench: &Bench) -> Vec<String> {
    // Until a driver has made it, it is not there.
    let entries = fs::read_dir(bench.config.state.join("instances")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Whether anything is mounted below a folder.
fn is_mounted_below(folder: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mountinfo").expect("a table");
    table.contains(folder.to_str().expect("text"))
}

/// Waits until something is there.
async fn appears(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A launch that has come as far as its runtime comes.
async fn half_done<'a>(
    driver: &'a LocalDriver,
    action: &'a Action,
    release: &'a Release,
    stuck: &Path,
) -> Doing<'a, Vec<What>> {
    let mut launch = driver.perform(action, Some(release));
    let asked = stuck.with_extension("asked");
    tokio::select! {
        answer = &mut launch => panic!("{answer:?}"),
        () = appears(&asked) => launch,
    }
}

/// A runtime that makes containers and never comes to start one.
fn stuck(folder: &Path) -> PathBuf {
    let program = folder.join("stuck");
    let script = r#"#!/bin/sh
for word; do [ "$word" = start ] && { touch "$0.asked"; exec sleep 600; }; done
exec runc "$@"
"#;
    fs::write(&program, script).expect("writes");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    program
}

#[test]
fn a_launch_that_was_given_up_before_its_process_has_started_leaves_nothing() {
    if !engines::available(&["busybox", "runc"], true) {
        return;
    }
    let mut bench = Bench::new(Isolation::Container, 21_850);
    // Who keeps the only port keeps everybody else out.
    bench.config.port_range = Some(PortRange { first: 21_850, last: 21_850 });
    let program = stuck(bench.folder.path());
    let config = LocalConfig { runtime: Some(program.clone()), ..bench.config.clone() };
    let given_up = drivers::launch(&bench.release, "a", 0);
    let next = drivers::launch(&bench.release, "b", 1);
    run(async {
        let driver = LocalDriver::new(config).expect("a driver");
        let launch = half_done(&driver, &given_up, &bench.release, &program).await;
        // As long as somebody is at it, nobody else takes it away.
        assert!(bench.driver().observe("web").await.expect("observes").instances().is_empty());
        assert_eq!(left(&bench).len(), 1);
        drop(launch);
        let [id] = &left(&bench)[..] else { panic!("{:?}", left(&bench)) };
        assert!(bench.instance(id).join("instance.json").exists() && is_mounted_below(&bench.config.state));
        let container = bench.config.state.join("runtime").join(id);
        assert!(container.exists());

        assert!(bench.driver().observe("web").await.expect("observes").instances().is_empty());
        assert_eq!(left(&bench), [""; 0]);
        assert!(!container.exists() && !is_mounted_below(&bench.config.state));
        assert!(bench.driver().observe("web").await.expect("observes again").instances().is_empty());
        let other = drivers::launched(&bench.driver(), &next, &bench.release).await;
        let end = drivers::retire(&bench.release, &other, Disposal::End);
        bench.driver().perform(&end, None).await.expect("retires");
        let id = drivers::launched(&bench.driver(), &given_up, &bench.release).await;
        drivers::observed(&bench.driver(), "web", |all| all.iter().any(|one| one.id == id)).await;
    });
}

#[test]
fn what_was_never_started_is_not_kept_in_quarantine() {
    if !engines::available(&["busybox", "runc"], true) {
        return;
    }
    let bench = Bench::new(Isolation::Container, 21_950);
    let program = stuck(bench.folder.path());
    let config = LocalConfig { runtime: Some(program.clone()), ..bench.config.clone() };
    run(async {
        let driver = LocalDriver::new(config).expect("a driver");
        let launch = drivers::launch(&bench.release, "a", 0);
        drop(half_done(&driver, &launch, &bench.release, &program).await);
        let [id] = &left(&bench)[..] else { panic!("{:?}", left(&bench)) };
        for disposal in [Disposal::Quarantine, Disposal::End] {
            let retire = drivers::retire(&bench.release, id, disposal);
            let answer = bench.driver().perform(&retire, None).await.expect("retires");
            assert_eq!(answer, [What::Gone { instance: id.as_str().into() }]);
            assert_eq!(left(&bench), [""; 0]);
        }
    });
}

/// Killed as soon as a launch has written down what it makes, time and again: what it leaves is a whole instance or is taken away.
fn leaves_all_or_nothing(isolation: Isolation, first_port: u16) {
    let mut bench = Bench::new(isolation, first_port);
    bench.config.port_range = Some(PortRange { first: first_port, last: first_port });
    let task = bench.folder.path().join("task");
    fs::write(&task, serde_json::to_vec(&(&bench.config, &bench.release)).expect("JSON")).expect("writes");
    let mut halves = 0;
    for millis in [0, 0, 10, 40, 80] {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "another_process_that_launches"])
            .env("CASTLINE_TEST_LAUNCH", &task)
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let begun =
            || left(&bench).first().is_some_and(|id| bench.instance(id).join("instance.json").exists());
        while !begun() {
            assert!(child.try_wait().expect("asked").is_none_or(|ended| ended.success()), "it has failed");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(millis));
        child.kill().expect("killed");
        child.wait().expect("dead");
        let id = left(&bench).first().cloned().expect("it has begun");
        halves += usize::from(!bench.instance(&id).join("process").exists());
        run(async {
            // What it had started may still be at it.
            let settled = |all: &[Instance]| all.len() == left(&bench).len();
            let all = drivers::observed(&bench.driver(), "web", settled).await;
            for one in &all {
                let end = drivers::retire(&bench.release, &one.id, Disposal::End);
                bench.driver().perform(&end, None).await.expect("retires");
            }
        });
        assert_eq!(left(&bench), [""; 0]);
        assert!(!is_mounted_below(&bench.config.state));
    }
    assert!(halves > 0, "it was never killed in time");
}

#[test]
fn a_process_whose_launch_is_killed_is_there_or_leaves_nothing() {
    if engines::available(&["busybox"], false) {
        leaves_all_or_nothing(Isolation::Process, 21_900);
    }
}

#[test]
fn a_container_whose_launch_is_killed_is_there_or_leaves_nothing() {
    if engines::available(&["busybox", "runc"], true) {
        leaves_all_or_nothing(Isolation::Container, 21_901);
    }
}

#[test]
fn removals_that_did_not_get_to_their_end_are_ended_by_whoever_observes() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = LocalConfig {
        isolation: Some(Isolation::Process),
        ..LocalConfig::new(folder.path().join("state"), ["oci:images"])
    };
    let driver = LocalDriver::new(config.clone()).expect("a driver");
    let aside = |name: &str| config.state.join("instances").join(name);
    for name in [".gone-web-1", ".gone-web-2"] {
        fs::create_dir_all(aside(name).join("tree/bin")).expect("a folder");
        fs::write(aside(name).join("instance.json"), "{}").expect("writes");
        fs::write(aside(name).join("lock"), "").expect("writes");
    }
    fs::create_dir(aside(".gone-web-3")).expect("a folder whose lock is gone already");
    fs::create_dir(aside("web-4")).expect("a folder without anything");
    let lock = fs::File::open(aside(".gone-web-2").join("lock")).expect("opens");
    flock(&lock, FlockOperation::LockExclusive).expect("somebody is at it");
    run(async {
        assert!(driver.observe("web").await.expect("observes").instances().is_empty());
        for (name, is_there) in
            [(".gone-web-1", false), (".gone-web-2", true), (".gone-web-3", false), ("web-4", false)]
        {
            assert_eq!(aside(name).exists(), is_there, "{name}");
        }
        drop(lock);
        driver.observe("web").await.expect("observes");
        assert!(!aside(".gone-web-2").exists());
    });
}

#[test]
fn chroots_have_what_their_release_mounts() {
    if engines::available(&["busybox"], true) {
        mounts(Isolation::Chroot, 22_000);
    }
}

#[test]
fn containers_have_what_their_release_mounts() {
    if engines::available(&["busybox", "runc"], true) {
        mounts(Isolation::Container, 22_010);
    }
}

fn mounts(isolation: Isolation, first_port: u16) {
    let bench = Bench::new(isolation, first_port);
    let driver = bench.driver();
    run(async {
        drivers::mounts(&driver, &bench.release, &bench.folder.path().join("mounts"), None, BOTH).await;
        // What only an engine has.
        let release = drivers::with_mounts(&bench.release, [("/data", "a-volume", false)]);
        let launch = drivers::launch(&release, "a", 1);
        let answer = driver.perform(&launch, Some(&release)).await.expect("it is answered");
        assert!(
            matches!(&answer[..], [What::LaunchFailed { reason, .. }] if reason.contains("a-volume")),
            "{answer:?}"
        );
    });
    assert_eq!(left(&bench), [""; 0]);
}

/// The isolations that can be had here, each with the first of three ports of its own.
fn isolations(first_port: u16) -> impl Iterator<Item = (Isolation, u16)> {
    let all = [
        (Isolation::Process, &["busybox"][..], false),
        (Isolation::Chroot, &["busybox"], true),
        (Isolation::Container, &["busybox", "runc"], true),
    ];
    let ports = (first_port..).step_by(3);
    let here = all.into_iter().zip(ports).filter(|((_, needs, root), _)| engines::available(needs, *root));
    here.map(|((isolation, ..), port)| (isolation, port))
}

#[test]
fn two_sites_on_one_machine_leave_each_other_alone() {
    for (isolation, first_port) in isolations(22_040) {
        let mut sites = [Bench::new(isolation, first_port), Bench::new(isolation, first_port)];
        sites[1].config.images = sites[0].config.images.clone();
        let release = images::scripted(&sites[0].release, "while :; do sleep 1; done", None);
        let launch = drivers::launch(&release, "a", 1);
        run(async {
            let [here, there] = sites.each_ref().map(Bench::driver);
            let id = drivers::launched(&here, &launch, &release).await;
            assert_eq!(drivers::launched(&there, &launch, &release).await, id, "the same release, and plan");
            for disposal in [Disposal::Isolate, Disposal::End] {
                here.perform(&drivers::retire(&release, &id, disposal), None).await.expect("it ends");
                let fleet = there.observe("web").await.expect("observes");
                let one = fleet.instance(&id).expect("it is still there");
                assert_eq!(
                    (one.phase, one.health),
                    (Phase::Running, Health::Ready),
                    "{isolation:?} {disposal:?}"
                );
            }
        });
    }
}

/// Why an instance of a release fails, once it does.
async fn failure(driver: &LocalDriver, release: &Release, number: usize) -> (String, String) {
    let services = ["web".into()];
    let (events, mut come) = channel(64);
    let listens = driver.watch(&services, events);
    let launches = async {
        let id = drivers::launched(driver, &drivers::launch(release, "a", number), release).await;
        loop {
            match come.recv().await.expect("something happens") {
                What::Failed { instance, reason } if instance == id => break (id.to_string(), reason),
                _ => {}
            }
        }
    };
    tokio::select! {
        reason = launches => reason,
        ended = listens => panic!("{ended:?}"),
    }
}

#[test]
fn why_an_instance_has_failed_can_be_found_out() {
    for (isolation, first_port) in isolations(22_030) {
        let bench = Bench::new(isolation, first_port);
        let driver = bench.driver();
        let checked = |command: &[&str]| {
            let health =
                HealthCheck { interval_millis: 100, retries: 1, ..HealthCheck::new(command.to_vec()) };
            images::scripted(&bench.release, "while :; do sleep 1; done", Some(health))
        };
        run(async {
            let (_, reason) = failure(&driver, &checked(&["/bin/nosuch", "-a"]), 1).await;
            assert!(
                reason.contains("the program `/bin/nosuch` is not in the image"),
                "{isolation:?}: {reason}"
            );

            let script = "echo no database >&2; exit 3";
            let ends = images::scripted(&bench.release, script, None);
            let checks = checked(&["/bin/sh", "-c", script]);
            for (number, release, log) in [(2, &ends, "stderr.log"), (3, &checks, "check.log")] {
                let (id, reason) = failure(&driver, release, number).await;
                assert!(!reason.contains("no database"), "it may be secret: {reason}");
                let (_, place) = reason.split_once("; what it said is in ").expect(&reason);
                assert_eq!(
                    Path::new(place),
                    fs::canonicalize(&bench.config.state).expect("a path").join("logs").join(&id)
                );
                let action = drivers::retire(release, &id, Disposal::End);
                driver.perform(&action, None).await.expect("it ends");
                let said = fs::read_to_string(Path::new(place).join(log)).expect("a log");
                assert_eq!(said, "no database\n", "{isolation:?}, after it is gone");
            }
        });
    }
}

#[test]
fn processes_without_a_root_of_their_own_have_no_mounts() {
    if !engines::available(&["busybox"], false) {
        return;
    }
    let bench = Bench::new(Isolation::Process, 22_020);
    let release = drivers::with_mounts(&bench.release, [("/data", "/tmp", false)]);
    let launch = drivers::launch(&release, "a", 0);
    let answer = run(async { bench.driver().perform(&launch, Some(&release)).await });
    let answer = answer.expect("it is answered");
    assert!(
        matches!(&answer[..], [What::LaunchFailed { reason, .. }] if reason.contains("mounts need")),
        "{answer:?}"
    );
    assert_eq!(left(&bench), [""; 0]);
}

#[test]
fn without_root_every_promise_is_kept() {
    if !engines::available(&["busybox"], true) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copies");
    // Other ports than the same test has as root, which may run now.
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", "processes_keep_every_promise"])
        .env("TMPDIR", folder.path())
        .env("CASTLINE_TEST_PORT", "21650")
        .current_dir(folder.path())
        .output()
        .expect("setpriv starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn what_was_changed_in_the_store_is_seen_and_not_launched_again() {
    if !engines::available(&["busybox"], true) {
        return;
    }
    let bench = Bench::new(Isolation::Chroot, 21_700);
    run(async {
        let driver = bench.driver();
        let first =
            drivers::launched(&driver, &drivers::launch(&bench.release, "a", 0), &bench.release).await;
        let store = fs::read_dir(bench.config.state.join("store")).expect("a folder").flatten();
        let tree = store.map(|entry| entry.path()).find(|path| path.is_dir()).expect("an image").join("root");
        tamper(&tree);
        let look = async |driver: &LocalDriver, id: &str, mode| {
            driver.check(id, &bench.release, mode).await.expect("looks").drifted
        };
        assert!(!look(&driver, &first, CheckMode::Fast).await, "it is not in the layer above");
        assert!(look(&driver, &first, CheckMode::Full).await);

        let driver = bench.driver();
        let second =
            drivers::launched(&driver, &drivers::launch(&bench.release, "b", 1), &bench.release).await;
        assert!(!look(&driver, &second, CheckMode::Full).await, "it was unpacked anew");
        assert!(look(&driver, &first, CheckMode::Full).await, "who runs on the old tree still does");
    });
}

#[test]
fn configurations_are_read_strictly() {
    let read = |text: &str| serde_json::from_str::<LocalConfig>(text).map_err(|error| error.to_string());
    let config =
        read(r#"{"state":"s","images":["oci:i"],"isolation":"chroot","portRange":{"first":1,"last":2}}"#);
    assert_eq!(config.expect("a configuration").isolation, Some(Isolation::Chroot));
    for (text, reason) in [
        (r#"{"state":"s","images":[],"portrange":null}"#, "portrange"),
        (r#"{"images":[]}"#, "state"),
        (r#"{"state":"s","images":[],"isolation":"jail"}"#, "jail"),
    ] {
        assert!(read(text).expect_err(text).contains(reason), "{text}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let none = LocalConfig::new(folder.path(), ["docker://registry.example/app", "nonsense"]);
    assert!(LocalDriver::new(none).is_err_and(|error| error.to_string().contains("nonsense")));
    let backwards = LocalConfig {
        port_range: Some(PortRange { first: 2, last: 1 }),
        ..LocalConfig::new(folder.path(), ["oci:images"])
    };
    assert!(LocalDriver::new(backwards).is_err_and(|error| error.to_string().contains("portRange")));
}
