//! The driver `local`, in each of its isolations.
#![cfg(all(feature = "local", target_os = "linux"))]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use castline_core::Release;
use castline_engine::{CheckMode, Isolation, LocalConfig, LocalDriver, PortRange};
use support::{
    drivers,
    images::{Images, release},
    run,
};
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
            use castline_engine::Driver as _;
            for id in ids {
                let action = drivers::retire(&self.release, &id, castline_core::plan::Disposal::Isolate);
                let _ = driver.perform(&action, None).await;
                let action = drivers::retire(&self.release, &id, castline_core::plan::Disposal::End);
                let _ = driver.perform(&action, None).await;
            }
        });
    }
}

/// Writes into the tree that an instance sees.
fn tamper(root: &Path) {
    let backdoor = root.join("usr/lib/backdoor");
    fs::write(&backdoor, "#!/bin/sh\n").expect("writes");
    fs::set_permissions(&backdoor, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::write(root.join("etc/app.conf"), "listen to somebody else\n").expect("writes");
}

fn conforms(isolation: Isolation, first_port: u16, modes: &[CheckMode]) {
    let bench = Bench::new(isolation, first_port);
    let driver = bench.driver();
    let root = if isolation == Isolation::Process { "tree" } else { "merged" };
    run(drivers::conforms(&drivers::Subject {
        driver: &driver,
        release: bench.release.clone(),
        zones: ["a", "b", "c"],
        told: &bench.told(),
        modes,
        tamper: &|id| tamper(&bench.instance(id).join(root)),
    }));
    let left: Vec<_> =
        fs::read_dir(bench.config.state.join("instances")).expect("a folder").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

const BOTH: &[CheckMode] = &[CheckMode::Fast, CheckMode::Full];

#[test]
fn processes_keep_every_promise() {
    if engines::available(&["busybox"], false) {
        conforms(Isolation::Process, 21_000, &[CheckMode::Full]);
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
