//! The driver `docker`, with a real Docker Engine and a real Podman.
#![cfg(target_os = "linux")]

mod support;

use std::sync::Arc;

use castline_core::{Phase, plan::Disposal, rollout::What};
use castline_engine::{CheckMode, DockerConfig, DockerDriver, DockerHost, Driver as _, PortRange};
use support::{
    drivers::{self, Subject, launch, launched, observed, retire},
    engines::{Engine, root_of, tamper},
    images::{Images, release},
    run,
};
use xtask::engines::available;

fn config(engine: &Engine, images: &Images, first_port: u16) -> DockerConfig {
    DockerConfig {
        network: "host".into(),
        port_range: Some(PortRange { first: first_port, last: first_port + 49 }),
        traffic: Some(drivers::hook(&engine.folder().join("told"))),
        ..DockerConfig::new([DockerHost::new(engine.url(), ["a", "b", "c"])], [images.reference()])
    }
}

fn conforms(engine: &Engine, first_port: u16) {
    let mut images = Images::new(engine.folder().join("images"));
    let image = images.add("v1");
    let driver = DockerDriver::new(config(engine, &images, first_port)).expect("a driver");
    run(drivers::conforms(&Subject {
        driver: &driver,
        release: release("web", &image, 6),
        zones: ["a", "b", "c"],
        told: Some(&engine.folder().join("told")),
        modes: &[CheckMode::Fast, CheckMode::Full],
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
            let _ = tokio::time::timeout(std::time::Duration::from_millis(millis), launch).await;
        }
        let id = launched(&driver(), &action, &release).await;
        let all =
            observed(&driver(), "web", |all| all.iter().all(castline_core::Instance::is_available)).await;
        assert_eq!(all.iter().map(|one| &one.id).collect::<Vec<_>>(), [&id]);

        let isolate = retire(&release, &id, Disposal::Isolate);
        for millis in [0, 5, 20, 50] {
            let driver = driver();
            let isolate = driver.perform(&isolate, None);
            let _ = tokio::time::timeout(std::time::Duration::from_millis(millis), isolate).await;
        }
        let quarantined = vec![What::Quarantined { instance: Arc::clone(&id) }];
        assert_eq!(driver().perform(&isolate, None).await.expect("done"), quarantined);
        let fleet = driver().observe("web").await.expect("observes");
        assert_eq!(fleet.instance(&id).map(|one| one.phase), Some(Phase::Quarantined));
        let end = retire(&release, &id, Disposal::End);
        for millis in [0, 5, 20, 50] {
            let driver = driver();
            let end = driver.perform(&end, None);
            let _ = tokio::time::timeout(std::time::Duration::from_millis(millis), end).await;
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
