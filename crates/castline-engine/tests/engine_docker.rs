//! The driver `docker`, with a real Docker Engine and a real Podman.
#![cfg(target_os = "linux")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use castline_core::{
    Instance, Phase, Release,
    plan::Disposal,
    policy::{Amount, Budget, Policy},
    rollout::What,
};
use castline_engine::{
    CheckMode, DockerConfig, DockerDriver, DockerHost, DockerTls, Driver, Executor, KeptImage, PortRange,
    Removal, Store, Wanted,
};
use support::{
    drivers::{self, Subject, launch, launched, observed, retire},
    engines::{Engine, root_of, tamper},
    images::{Images, release},
    run,
};
use xtask::{
    certificates::{Authority, Proves},
    engines::{available, command},
};

fn config(engine: &Engine, images: &Images, first_port: u16) -> DockerConfig {
    with(engine, [DockerHost::new(engine.url(), ["a", "b", "c"])], images, first_port)
}

/// These engines, of which the first keeps the files of the test.
fn with<const N: usize>(
    engine: &Engine,
    hosts: [DockerHost; N],
    images: &Images,
    first_port: u16,
) -> DockerConfig {
    DockerConfig {
        network: "host".into(),
        port_range: Some(PortRange { first: first_port, last: first_port + 49 }),
        traffic: Some(drivers::hook(&engine.folder().join("told"))),
        ..DockerConfig::new(hosts, [images.reference()])
    }
}

fn conforms(engine: &Engine, first_port: u16) {
    let host = DockerHost::new(engine.url(), ["a", "b", "c"]);
    conforms_at(engine, host, first_port, &[CheckMode::Fast, CheckMode::Full]);
}

fn conforms_at(engine: &Engine, host: DockerHost, first_port: u16, modes: &[CheckMode]) {
    let mut images = Images::new(engine.folder().join("images"));
    let image = images.add("v1");
    let driver = DockerDriver::new(with(engine, [host], &images, first_port)).expect("a driver");
    run(drivers::conforms(&Subject {
        driver: &driver,
        release: release("web", &image, 6),
        zones: ["a", "b", "c"],
        told: Some(&engine.folder().join("told")),
        modes,
        tamper: &|id| tamper(&root_of(id)),
    }));
}

#[test]
fn docker_keeps_every_promise() {
    if available(&["busybox", "dockerd", "runc"], true) {
        conforms(&Engine::docker(), 21_200);
    }
}

#[test]
fn podman_keeps_every_promise() {
    if available(&["busybox", "podman", "runc"], true) {
        conforms(&Engine::podman(), 21_250);
    }
}

/// An engine elsewhere, as far as the driver knows: nothing of it is read but by its API.
#[test]
fn docker_by_tcp_keeps_every_promise() {
    if !available(&["busybox", "dockerd", "openssl", "runc"], true) {
        return;
    }
    let engine = Engine::docker_by_tls();
    let (url, authority) = engine.by_tls();
    let (certificate, key) = authority.issue("client", Proves::Client).expect("a certificate");
    let tls = DockerTls { ca: authority.certificate(), certificate: Some(certificate), key: Some(key) };
    let host = DockerHost { tls: Some(tls), ..DockerHost::new(url, ["a", "b", "c"]) };
    conforms_at(&engine, host.clone(), 21_750, &[CheckMode::Full]);

    let mut images = Images::new(engine.folder().join("more"));
    let release = release("web", &images.add("v2"), 1);
    let driver = DockerDriver::new(with(&engine, [host], &images, 21_750)).expect("a driver");
    run(async {
        let id = launched(&driver, &launch(&release, "a", 0), &release).await;
        let error = driver.check(&id, &release, CheckMode::Fast).await.expect_err("its disk is elsewhere");
        assert!(!error.is_temporary() && error.to_string().contains("mode full"), "{error}");
        driver.perform(&retire(&release, &id, Disposal::End), None).await.expect("retires");
    });
}

#[test]
fn who_is_not_vouched_for_is_not_spoken_to() {
    if !available(&["dockerd", "openssl", "runc"], true) {
        return;
    }
    let engine = Engine::docker_by_tls();
    let (url, authority) = engine.by_tls();
    let stranger = Authority::new(engine.folder(), "stranger").expect("an authority");
    let images = Images::new(engine.folder().join("images"));
    let (certificate, key) = authority.issue("client", Proves::Client).expect("a certificate");
    let (other, its_key) = stranger.issue("other", Proves::Client).expect("a certificate");
    let known = DockerTls { ca: authority.certificate(), certificate: Some(certificate), key: Some(key) };
    let cases = [
        (DockerTls { ca: stranger.certificate(), ..known.clone() }, "its certificate is not believed"),
        (DockerTls { certificate: None, key: None, ..known.clone() }, "shows no certificate"),
        (DockerTls { certificate: Some(other), key: Some(its_key), ..known.clone() }, "`tls.certificate`"),
    ];
    let observe = |tls: Option<DockerTls>| {
        let host = DockerHost { tls, ..DockerHost::new(url.clone(), ["a"]) };
        let driver = DockerDriver::new(with(&engine, [host], &images, 21_750)).expect("a driver");
        run(async { driver.observe("web").await })
    };
    assert!(observe(Some(known.clone())).expect("let in").instances().is_empty());
    for (tls, reason) in cases {
        let error = observe(Some(tls)).expect_err(reason);
        let said = error.to_string();
        assert!(!error.is_temporary() && said.contains(&url) && said.contains(reason), "{said}");
    }
    // What is no TLS gets no answer that could be taken for one.
    observe(None).expect_err("it wants TLS");
    let halved = DockerTls { key: None, ..known };
    let host = DockerHost { tls: Some(halved), ..DockerHost::new(url.clone(), ["a"]) };
    let error = DockerDriver::new(with(&engine, [host], &images, 21_750)).expect_err("half of it");
    assert!(error.to_string().contains("go together"), "{error}");
}

/// All that a driver knows is with the engine: another one goes on where one was let go of in the middle.
fn goes_on(engine: &Engine, first_port: u16) {
    let mut images = Images::new(engine.folder().join("images"));
    let image = images.add("v1");
    let release = release("web", &image, 2);
    let config = config(engine, &images, first_port);
    let driver = || DockerDriver::new(config.clone()).expect("a driver");
    run(async {
        let action = launch(&release, "a", 0);
        // Let go of after each of many spans of time, then asked for again.
        for millis in [0, 5, 20, 50, 100, 200] {
            let driver = driver();
            let launch = driver.perform(&action, Some(&release));
            let _ = tokio::time::timeout(Duration::from_millis(millis), launch).await;
        }
        let id = launched(&driver(), &action, &release).await;
        let all = observed(&driver(), "web", |all| all.iter().all(Instance::is_available)).await;
        assert_eq!(all.iter().map(|one| &one.id).collect::<Vec<_>>(), [&id]);

        let isolate = retire(&release, &id, Disposal::Isolate);
        for millis in [0, 5, 20, 50] {
            let driver = driver();
            let isolate = driver.perform(&isolate, None);
            let _ = tokio::time::timeout(Duration::from_millis(millis), isolate).await;
        }
        let quarantined = vec![What::Quarantined { instance: Arc::clone(&id) }];
        assert_eq!(driver().perform(&isolate, None).await.expect("done"), quarantined);
        let fleet = driver().observe("web").await.expect("observes");
        assert_eq!(fleet.instance(&id).map(|one| one.phase), Some(Phase::Quarantined));
        let end = retire(&release, &id, Disposal::End);
        for millis in [0, 5, 20, 50] {
            let driver = driver();
            let end = driver.perform(&end, None);
            let _ = tokio::time::timeout(Duration::from_millis(millis), end).await;
        }
        assert_eq!(driver().perform(&end, None).await.expect("done"), [What::Gone { instance: id }]);
        assert!(driver().observe("web").await.expect("observes").instances().is_empty());
    });
}

#[test]
fn docker_remembers_what_its_driver_forgets() {
    if available(&["busybox", "dockerd", "runc"], true) {
        goes_on(&Engine::docker(), 21_300);
    }
}

#[test]
fn podman_remembers_what_its_driver_forgets() {
    if available(&["busybox", "podman", "runc"], true) {
        goes_on(&Engine::podman(), 21_350);
    }
}

fn mounts(engine: &Engine) {
    let mut images = Images::new(engine.folder().join("images"));
    let release = release("web", &images.add("v1"), 1);
    let driver = DockerDriver::new(config(engine, &images, 22_050)).expect("a driver");
    let folder = engine.folder().join("mounts");
    let modes = [CheckMode::Fast, CheckMode::Full];
    run(drivers::mounts(&driver, &release, &folder, Some("a-volume"), &modes));
}

#[test]
fn docker_has_what_a_release_mounts() {
    if available(&["busybox", "dockerd", "runc"], true) {
        mounts(&Engine::docker());
    }
}

#[test]
fn podman_has_what_a_release_mounts() {
    if available(&["busybox", "podman", "runc"], true) {
        mounts(&Engine::podman());
    }
}

/// Instances by the zone that they say they are in.
fn by_zone(all: &[Instance]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut zones: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in all {
        zones.entry(&one.zone).or_default().insert(&one.id);
    }
    zones
}

#[test]
fn several_engines_are_zones_of_one_fleet() {
    if !available(&["busybox", "dockerd", "podman", "runc"], true) {
        return;
    }
    let (docker, mut podman) = (Engine::docker(), Engine::podman());
    let mut images = Images::new(docker.folder().join("images"));
    let releases = [images.add("v1"), images.add("v2")].map(|image| release("web", &image, 6));
    let [east, west] =
        [(&docker, &["a"][..]), (&podman, &["b", "c"])].map(|(engine, zones)| (engine.url(), zones));
    let hosts = [&east, &west].map(|(url, zones)| DockerHost::new(url, zones.iter().copied()));
    let driver = |hosts: &[DockerHost]| {
        let config = DockerConfig { hosts: hosts.to_vec(), ..config(&docker, &images, 21_800) };
        Arc::new(DockerDriver::new(config).expect("a driver"))
    };
    let (all, alone) = (driver(&hosts), hosts.each_ref().map(|host| driver(std::slice::from_ref(host))));
    let store = Store::open(docker.folder().join("store")).expect("a store");
    let executor = Executor::new(store, Arc::clone(&all) as Arc<dyn Driver>);
    let mut policy = Policy::default()
        .with_budget(Budget::fleet(Amount::Count(1), Amount::Count(2)))
        .with_zones(["a", "b", "c"])
        .with_progress_deadline_seconds(120);
    policy.drain_seconds = 2;
    run(async {
        for release in &releases {
            let wanted = Wanted { release: release.clone(), policy: policy.clone() };
            let prepared = executor.prepare(&[wanted]).await.expect("a plan");
            let ended = executor.apply(prepared, "a test").await.expect("begins").run(|_| ()).await;
            let ended = ended.expect("it is executed");
            assert!(ended.is_success(), "{ended:?}");
            let fleet = all.observe("web").await.expect("observes");
            let zones = by_zone(fleet.instances());
            assert_eq!(zones.keys().copied().collect::<Vec<_>>(), ["a", "b", "c"]);
            for one in fleet.instances() {
                assert!(one.is_available() && one.revision == Some(release.revision()), "{one:?}");
                assert_eq!(zones[&*one.zone].len(), 2, "{zones:?}");
                let report = all.check(&one.id, release, CheckMode::Full).await.expect("looks");
                assert!(report.is_clean(), "{:?}", drivers::shown(&report));
            }
            // What each engine has itself are those of its zones, and no others.
            for (alone, here) in alone.iter().zip([&["a"][..], &["b", "c"]]) {
                let own = alone.observe("web").await.expect("observes");
                let expected: BTreeMap<&str, BTreeSet<&str>> =
                    here.iter().map(|zone| (*zone, zones[zone].clone())).collect();
                assert_eq!(by_zone(own.instances()), expected);
            }
        }

        let before = all.observe("web").await.expect("observes");
        podman.end();
        let error = all.observe("web").await.expect_err("it is half of the fleet");
        assert!(error.is_temporary() && error.to_string().contains(&west.0), "{error}");
        let more = launch(&releases[1], "b", 7);
        let error = all.perform(&more, Some(&releases[1])).await.expect_err("it cannot be launched there");
        assert!(error.is_temporary() && error.to_string().contains(&west.0), "{error}");
        alone[0].observe("web").await.expect("the other one goes on");
        podman.start();
        let whole = |seen: &[Instance]| by_zone(seen) == by_zone(before.instances());
        observed(&*all, "web", whole).await;
        launched(&*all, &more, &releases[1]).await;
    });
}

/// What an engine has of these images, by its own account.
fn there(engine: &Engine, ids: &[String]) -> Vec<bool> {
    let all = engine.ask("GET", "/images/json?all=1", "");
    ids.iter().map(|id| all.contains(id.as_str())).collect()
}

/// Images that the driver has brought go once nobody uses them, and no others.
fn removes_what_it_has_brought(engine: &Engine, first_port: u16) {
    let mut images = Images::new(engine.folder().join("images"));
    let made = ["v1", "v2", "v3"].map(|version| images.add(version));
    let releases = made.each_ref().map(|image| release("web", image, 1));
    let ids = made.each_ref().map(|image| image.identities().config.expect("a digest").encoded().clone());
    let driver = DockerDriver::new(config(engine, &images, first_port)).expect("a driver");
    let end = async |release: &Release, id: &str| {
        driver.perform(&retire(release, id, Disposal::End), None).await.expect("retires");
    };
    let kept = async || driver.images().await.expect("looks").expect("it keeps some");
    let of = |all: &[KeptImage], number: usize| {
        all.iter().find(|one| one.image == *made[number].digest()).cloned().map(|one| (one.in_use, one))
    };
    run(async {
        // The third is there before: by whatever way it came, somebody else has named it, and castline has not.
        let id = launched(&driver, &launch(&releases[2], "a", 9), &releases[2]).await;
        end(&releases[2], &id).await;
        engine.ask("POST", &format!("/images/{}/tag?repo=somebody/app&tag=1", ids[2]), "");
        let inspected = engine.ask("GET", &format!("/images/{}/json", ids[2]), "");
        let inspected: serde_json::Value = serde_json::from_str(&inspected).expect("JSON");
        let mut names =
            inspected["RepoTags"].as_array().expect("names").iter().filter_map(|name| name.as_str());
        let name = names.find(|name| name.contains("castline/")).expect("castline's name");
        engine.ask("DELETE", &format!("/images/{name}"), "");
        let mut instances = Vec::new();
        for (number, release) in releases.iter().enumerate() {
            instances.push(launched(&driver, &launch(release, "a", number), release).await);
        }
        let all = kept().await;
        assert_eq!(all.len(), 2, "{all:?}");
        for number in [0, 1] {
            let (in_use, one) = of(&all, number).expect("it was brought");
            assert!(in_use && one.bytes > 0 && one.place.expect("an engine").contains(&engine.url()));
            assert!(one.names.iter().any(|name| *name.encoded() == ids[number]), "{:?}", one.names);
        }
        for (release, id) in releases.iter().zip(&instances) {
            end(release, id).await;
        }

        // A container that was never started, of somebody who knows nothing of castline.
        let body = format!(
            r#"{{"Image": "sha256:{}", "Cmd": ["/bin/true"], "HostConfig": {{"NetworkMode": "none"}}}}"#,
            ids[1]
        );
        engine.ask("POST", "/containers/create?name=strangers", &body);
        let all = kept().await;
        let (first, second) = (of(&all, 0).expect("there"), of(&all, 1).expect("there"));
        assert_eq!((first.0, second.0), (false, true));
        let refused = driver.remove_image(&second.1).await.expect("answers");
        assert!(matches!(refused, Removal::Refused { .. }), "{refused:?}");
        for _ in 0..2 {
            assert_eq!(driver.remove_image(&first.1).await.expect("answers"), Removal::Removed);
        }
        assert_eq!(there(engine, &ids), [false, true, true]);
        assert_eq!(of(&kept().await, 1), Some(second), "it is still known");

        // It is brought again when it is needed; and then somebody else gives it a name.
        let id = launched(&driver, &launch(&releases[0], "a", 7), &releases[0]).await;
        end(&releases[0], &id).await;
        let (_, first) = of(&kept().await, 0).expect("there");
        engine.ask("POST", &format!("/images/{}/tag?repo=somebody/else&tag=1", ids[0]), "");
        assert_eq!(of(&kept().await, 0), None);
        driver.remove_image(&first).await.expect("answers");
        assert_eq!(there(engine, &ids), [true; 3]);
        engine.ask("DELETE", "/containers/strangers", "");
    });
}

/// A registry of a test's own, which ends with what holds it.
struct Registry(Child);

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One that has the images of a layout under the name `app`; where it listens.
fn registry(folder: &Path, images: &Images) -> (Registry, String) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let file = folder.join("registry.yml");
    let text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
        folder.join("registry").display()
    );
    fs::write(&file, text).expect("writes");
    let mut child = command("docker-registry");
    child.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let registry = Registry(child.spawn().expect("it starts"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the registry does not listen");
        thread::sleep(Duration::from_millis(20));
    }
    let host = format!("127.0.0.1:{port}");
    let copied = command("skopeo")
        .args(["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", &images.reference()])
        .arg(format!("docker://{host}/app:1"))
        .output()
        .expect("skopeo starts");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    (registry, host)
}

/// An image that was pulled is known by its digest as well, once castline's name for it is gone.
#[test]
fn docker_is_rid_of_what_it_pulled() {
    if !available(&["busybox", "docker-registry", "dockerd", "runc", "skopeo"], true) {
        return;
    }
    let engine = Engine::docker();
    let mut images = Images::new(engine.folder().join("images"));
    let image = images.add("v1");
    let (_registry, host) = registry(engine.folder(), &images);
    let release = release("web", &image, 1);
    let ids = [image.identities().config.expect("a digest").encoded().clone()];
    let config =
        DockerConfig { images: vec![format!("docker://{host}/app")], ..config(&engine, &images, 22_200) };
    let driver = DockerDriver::new(config).expect("a driver");
    run(async {
        let id = launched(&driver, &launch(&release, "a", 0), &release).await;
        driver.perform(&retire(&release, &id, Disposal::End), None).await.expect("retires");
        let all = driver.images().await.expect("looks").expect("it keeps some");
        assert!(all.len() == 1 && all[0].image == *image.digest() && !all[0].in_use, "{all:?}");
        assert_eq!(driver.remove_image(&all[0]).await.expect("answers"), Removal::Removed);
    });
    assert_eq!(there(&engine, &ids), [false]);
}

#[test]
fn docker_is_rid_of_images_that_nobody_uses() {
    if available(&["busybox", "dockerd", "runc"], true) {
        removes_what_it_has_brought(&Engine::docker(), 22_100);
    }
}

#[test]
fn podman_is_rid_of_images_that_nobody_uses() {
    if available(&["busybox", "podman", "runc"], true) {
        removes_what_it_has_brought(&Engine::podman(), 22_150);
    }
}

#[test]
fn an_engine_that_does_not_answer_may_answer_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = Images::new(folder.path().join("images"));
    let url = format!("unix://{}", folder.path().join("nobody").display());
    let config = DockerConfig::new([DockerHost::new(url, ["a"])], [images.reference()]);
    let error = run(async {
        DockerDriver::new(config).expect("a driver").observe("web").await.expect_err("nobody is there")
    });
    assert!(error.is_temporary() && error.to_string().contains("cannot be reached"), "{error}");
}

#[test]
fn what_cannot_be_is_said_before_anything_is_asked() {
    let host = |url: &str, zones: &[&str]| DockerHost::new(url, zones.iter().copied());
    let socket = "unix:///run/docker.sock";
    let none: [String; 0] = [];
    let configs = [
        (DockerConfig::new([], none.clone()), "no engine"),
        (DockerConfig::new([host(socket, &["a"]), host("tcp://b:1", &["a"])], none.clone()), "two places"),
        (DockerConfig::new([host(socket, &["a"])], ["nonsense"]), "nonsense"),
        (
            DockerConfig {
                port_range: Some(PortRange { first: 1, last: 2 }),
                ..DockerConfig::new([host(socket, &["a"])], none)
            },
            "network",
        ),
    ];
    for (config, reason) in configs {
        let error = DockerDriver::new(config).expect_err(reason);
        assert!(!error.is_temporary() && error.to_string().contains(reason), "{error}");
    }
    let text = r#"{"hosts":[{"url":"unix:///s","zones":["a"]}],"images":[],"portrange":1}"#;
    let error = serde_json::from_str::<DockerConfig>(text).expect_err("unknown").to_string();
    assert!(error.contains("portrange"), "{error}");
}
