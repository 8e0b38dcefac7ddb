//! The whole loop on real engines: released, replaced under traffic, tampered with, found, remedied.
#![cfg(target_os = "linux")]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use castline_core::{
    Instance, Phase, Release,
    plan::Disposal,
    policy::{Amount, Budget, Compromised, Policy},
};
use castline_engine::{
    CheckMode, DockerConfig, DockerDriver, DockerHost, Driver, Executor, Isolation, LocalConfig, LocalDriver,
    PortRange, Store, Verdict, Wanted,
};
use support::{
    drivers::{fetch, retire},
    engines::Engine,
    images::{Images, release},
    proxy::{Proxy, hook},
    run,
};
use tokio::time::sleep;
use xtask::engines::available;

const ZONES: [&str; 3] = ["a", "b", "c"];
/// Of six, at least so many get traffic, and at most so many are there.
const FLOOR: usize = 5;
const CEILING: usize = 8;

fn policy() -> Policy {
    let mut policy = Policy::default()
        .with_budget(Budget::fleet(Amount::Count(1), Amount::Count(2)))
        .with_zones(ZONES)
        .with_progress_deadline_seconds(120);
    policy.drain_seconds = 2;
    policy
}

/// Fetches the page without a pause until it is told to stop; what was answered, but for the same answers again.
async fn client(address: String, stop: Arc<AtomicBool>, answers: Arc<Mutex<(u64, BTreeSet<String>)>>) {
    while !stop.load(Ordering::Relaxed) {
        let answer = fetch(&address).await;
        // Its first and its last line: the rest has times in it.
        let lines: Vec<&str> = answer.lines().collect();
        let short = format!("{} {}", lines.first().unwrap_or(&""), lines.last().unwrap_or(&""));
        {
            let mut answers = answers.lock().expect("no panic");
            answers.0 += 1;
            answers.1.insert(short);
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Counts what is there, over and over; the most that there ever was.
async fn count(driver: Arc<dyn Driver>, stop: Arc<AtomicBool>) -> usize {
    let mut most = 0;
    while !stop.load(Ordering::Relaxed) {
        let fleet = driver.observe("web").await.expect("observes");
        most = most.max(fleet.instances().iter().filter(|one| one.is_present()).count());
        sleep(Duration::from_millis(50)).await;
    }
    most
}

async fn roll(executor: &Executor, release: &Release) {
    let wanted = Wanted { release: release.clone(), policy: policy() };
    let prepared = executor.prepare(&[wanted]).await.expect("a plan");
    let rolling = executor.apply(prepared, "a test").await.expect("begins");
    let mut told = Vec::new();
    let ended = rolling.run(|what| told.push(what)).await.expect("ends");
    assert!(ended.is_success(), "{ended:?}: {told:#?}");
}

async fn life(driver: Arc<dyn Driver>, folder: &Path, releases: [Release; 2], tamper: &dyn Fn(&str)) {
    let proxy = Proxy::start(folder.join("told")).await;
    let executor = Executor::new(Store::open(folder.join("store")).expect("a store"), Arc::clone(&driver));
    let [v1, v2] = &releases;
    roll(&executor, v1).await;
    assert_eq!(proxy.told().last().expect("told").endpoints.len(), 6);

    let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let clients: Vec<_> = (0..2)
        .map(|_| tokio::spawn(client(proxy.address.clone(), Arc::clone(&stop), Arc::clone(&answers))))
        .collect();
    let counting = tokio::spawn(count(Arc::clone(&driver), Arc::clone(&stop)));
    let before = proxy.told().len();
    roll(&executor, v2).await;
    let all = driver.observe("web").await.expect("observes");
    assert_eq!(all.instances().len(), 6);
    for one in all.instances() {
        assert!(one.is_available() && one.revision == Some(v2.revision()), "{one:?}");
    }
    assert_eq!(all.instances().iter().map(|one| &*one.zone).collect::<BTreeSet<_>>(), ZONES.into());

    // Somebody gets into one of them.
    let victim = Arc::clone(&all.instances()[2].id);
    tamper(&victim);
    let (fleet, checked) = executor.verify("web", CheckMode::Full, |_| ()).await.expect("looks");
    let found: Vec<&Arc<str>> = checked
        .iter()
        .filter(|one| !matches!(one.verdict, Verdict::Intact(_)))
        .map(|one| &one.instance)
        .collect();
    assert_eq!(found, [&victim], "{checked:#?}");
    let prepared = executor.remedy(fleet, policy(), Compromised::Quarantine).expect("a plan");
    let ended = executor.apply(prepared, "a test").await.expect("begins").run(|_| ()).await.expect("ends");
    assert!(ended.is_success(), "{ended:?}");
    let all = driver.observe("web").await.expect("observes");
    let (kept, serving): (Vec<&Instance>, Vec<&Instance>) =
        all.instances().iter().partition(|one| one.phase == Phase::Quarantined);
    assert_eq!(kept.iter().map(|one| &one.id).collect::<Vec<_>>(), [&victim]);
    assert!(serving.len() == 6 && serving.iter().all(|one| one.is_available()), "{serving:#?}");
    let (_, checked) = executor.verify("web", CheckMode::Fast, |_| ()).await.expect("looks");
    assert!(checked.iter().all(|one| matches!(one.verdict, Verdict::Intact(_))), "{checked:#?}");

    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no panic");
    }
    let most = counting.await.expect("no panic");
    assert!((7..=CEILING).contains(&most), "{most} were there at once");
    // Every membership that traffic ever had, not only those that were there when somebody looked.
    let fewest = proxy.told()[before..].iter().map(|told| told.endpoints.len()).min();
    assert!(fewest.is_some_and(|fewest| (FLOOR..=6).contains(&fewest)), "{fewest:?} had traffic at once");
    let (requests, answers) = answers.lock().expect("no panic").clone();
    assert!(requests > 20, "{requests}");
    assert_eq!(answers, ["HTTP/1.1 200 OK v1", "HTTP/1.1 200 OK v2"].map(str::to_owned).into());

    for one in all.instances() {
        driver.perform(&retire(v2, &one.id, Disposal::End), None).await.expect("retires");
    }
}

fn docker(engine: &Engine, first_port: u16) {
    let mut images = Images::new(engine.folder().join("images"));
    let releases = [images.add("v1"), images.add("v2")].map(|image| release("web", &image, 6));
    let config = DockerConfig {
        network: "host".into(),
        port_range: Some(PortRange { first: first_port, last: first_port + 49 }),
        traffic: Some(hook(&engine.folder().join("told"))),
        ..DockerConfig::new([DockerHost::new(engine.url(), ZONES)], [images.reference()])
    };
    let driver = Arc::new(DockerDriver::new(config).expect("a driver"));
    run(life(driver, engine.folder(), releases, &|id| {
        support::engines::tamper(&support::engines::root_of(id));
    }));
}

#[test]
fn a_service_on_docker_is_replaced_without_a_lost_request_and_healed_when_it_is_tampered_with() {
    if available(&["busybox", "dockerd", "runc"], true) {
        docker(&Engine::docker(), 21_400);
    }
}

#[test]
fn a_service_on_podman_is_replaced_without_a_lost_request_and_healed_when_it_is_tampered_with() {
    if available(&["busybox", "podman", "runc"], true) {
        docker(&Engine::podman(), 21_450);
    }
}

#[test]
fn a_service_on_this_machine_is_replaced_without_a_lost_request_and_healed_when_it_is_tampered_with() {
    if !available(&["busybox", "runc"], true) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut images = Images::new(folder.path().join("images"));
    let releases = [images.add("v1"), images.add("v2")].map(|image| release("web", &image, 6));
    let state = folder.path().join("state");
    let config = LocalConfig {
        isolation: Some(Isolation::Container),
        port_range: Some(PortRange { first: 21_500, last: 21_549 }),
        traffic: Some(hook(&folder.path().join("told"))),
        ..LocalConfig::new(&state, [images.reference()])
    };
    let driver = Arc::new(LocalDriver::new(config).expect("a driver"));
    let tamper = |id: &str| support::engines::tamper(&state.join("instances").join(id).join("merged"));
    run(life(driver, folder.path(), releases, &tamper));
    assert!(fs::read_dir(state.join("instances")).expect("a folder").next().is_none());
}
