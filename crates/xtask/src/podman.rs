//! A podman of a test's own, which has nothing to do with the system's.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::engines;

/// What it needs where it is not the system's own: no ulimits that are not ours to raise, no network, no journal.
const CONFIGURATION: &str = "\
[containers]
default_ulimits=[\"nofile=4096:4096\",\"nproc=4096:4096\"]
netns=\"none\"
[engine]
runtime=\"runc\"
cgroup_manager=\"cgroupfs\"
events_logger=\"file\"
";

/// A podman that keeps all that it has in one folder.
#[derive(Debug)]
pub struct Podman {
    folder: PathBuf,
}

impl Podman {
    /// One in this folder, which is there.
    ///
    /// # Errors
    ///
    /// When its configuration cannot be written.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::write(folder.join("containers.conf"), CONFIGURATION)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The program, to be given what it is to do.
    pub fn command(&self) -> Command {
        let mut command = engines::command("podman");
        command.env("CONTAINERS_CONF", self.folder.join("containers.conf"));
        for name in ["root", "runroot", "tmpdir"] {
            command.arg(format!("--{name}")).arg(self.folder.join(name));
        }
        command
    }

    /// Ends and removes all that it runs, so that the folder can be removed.
    pub fn clear(&self) {
        let _ = self.command().args(["rm", "--all", "--force", "--time", "0"]).output();
        // containers/storage mounts its folder onto itself.
        let _ = Command::new("umount").arg(self.folder.join("root/overlay")).output();
    }
}
