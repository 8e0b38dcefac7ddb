//! A podman of a test's own.

use std::{fs, path::PathBuf, process::Command};

/// What podman needs where it is not the system's own: no ulimits that are not ours to raise, no network, no journal.
const CONFIG: &str = "\
[containers]
default_ulimits=[\"nofile=4096:4096\",\"nproc=4096:4096\"]
netns=\"none\"
[engine]
runtime=\"runc\"
cgroup_manager=\"cgroupfs\"
events_logger=\"file\"
";

/// A podman with storage of its own, which goes when it is dropped.
pub(crate) struct Podman {
    folder: tempfile::TempDir,
}

impl Podman {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("containers.conf"), CONFIG).expect("writes");
        fs::write(folder.path().join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#)
            .expect("writes");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("podman");
        // Images are called after the path that they are pulled from, which may have lower case only.
        command.current_dir(self.folder.path());
        command.env("CONTAINERS_CONF", self.path("containers.conf"));
        for name in ["root", "runroot", "tmpdir"] {
            command.arg(format!("--{name}")).arg(self.path(name));
        }
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("podman starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "podman {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.command(&["rm", "--all", "--force", "--time", "0"]).output();
        // containers/storage mounts its folder onto itself.
        let _ = Command::new("umount").arg(self.path("root/overlay")).output();
    }
}
