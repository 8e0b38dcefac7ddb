//! A podman of a test's own.

use std::{fs, path::PathBuf, process::Command};

/// A podman with storage of its own, which goes when it is dropped.
pub(crate) struct Podman {
    folder: tempfile::TempDir,
    podman: xtask::podman::Podman,
}

impl Podman {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let podman = xtask::podman::Podman::new(folder.path()).expect("writes");
        fs::write(folder.path().join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#)
            .expect("writes");
        Self { folder, podman }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.podman.command();
        // Images are called after the path that they are pulled from, which may have lower case only.
        command.current_dir(self.folder.path());
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
        self.podman.clear();
    }
}
