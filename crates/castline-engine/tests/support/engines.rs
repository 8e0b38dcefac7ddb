//! A dockerd and a podman of one's own, at a socket in a folder of one's own. Both end with what holds them.

use std::{
    fs::{self, File},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

/// What podman needs where it is not the system's own: no ulimits that are not ours to raise, no journal.
const PODMAN: &str = "\
[containers]
default_ulimits=[\"nofile=4096:4096\",\"nproc=4096:4096\"]
netns=\"none\"
[engine]
runtime=\"runc\"
cgroup_manager=\"cgroupfs\"
events_logger=\"file\"
";

/// An engine.
pub(crate) struct Engine {
    folder: tempfile::TempDir,
    child: Option<Child>,
    podman: bool,
}

impl Engine {
    pub(crate) fn docker() -> Self {
        let mut engine = Self { folder: tempfile::tempdir().expect("a folder"), child: None, podman: false };
        engine.start();
        engine
    }

    pub(crate) fn podman() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("containers.conf"), PODMAN).expect("writes");
        let mut engine = Self { folder, child: None, podman: true };
        engine.start();
        engine
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.path("socket").display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(name: &str) -> Command {
        let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];
        let program = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file());
        let mut command = Command::new(program.expect("it is there"));
        // Engines look for their runtimes in it.
        command.env("PATH", folders.join(":"));
        command
    }

    fn start(&mut self) {
        let log = File::options().append(true).create(true).open(self.path("log")).expect("a log");
        let socket = self.path("socket");
        let mut command = if self.podman {
            let mut command = Self::program("podman");
            command.env("CONTAINERS_CONF", self.path("containers.conf"));
            for name in ["root", "runroot", "tmpdir"] {
                command.arg(format!("--{name}")).arg(self.path(name));
            }
            command.args(["system", "service", "--time=0", &self.url()]);
            command
        } else {
            let mut command = Self::program("dockerd");
            for name in ["data-root", "exec-root", "pidfile"] {
                command.arg(format!("--{name}")).arg(self.path(name));
            }
            command.args(["-H", &self.url(), "--bridge=none", "--storage-driver=overlay2"]);
            command.args(
                ["iptables", "ip6tables", "ip-forward", "ip-masq"].map(|name| format!("--{name}=false")),
            );
            command
        };
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        self.child = Some(command.spawn().expect("it starts"));
        let deadline = Instant::now() + Duration::from_secs(60);
        while UnixStream::connect(&socket).is_err() {
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the engine does not answer: {log}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Removes every container, as the engine's own program would.
    fn clear(&self) {
        if !self.podman {
            return;
        }
        let mut command = Self::program("podman");
        command.env("CONTAINERS_CONF", self.path("containers.conf"));
        for name in ["root", "runroot", "tmpdir"] {
            command.arg(format!("--{name}")).arg(self.path(name));
        }
        let _ = command.args(["rm", "--all", "--force", "--time", "0"]).output();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.clear();
        if let Some(mut child) = self.child.take() {
            // dockerd ends its containers, and the containerd that it has started, when it is asked to end.
            let _ = Command::new("/bin/kill").arg(child.id().to_string()).status();
            let deadline = Instant::now() + Duration::from_secs(30);
            while child.try_wait().is_ok_and(|ended| ended.is_none()) {
                if Instant::now() > deadline {
                    let _ = child.kill();
                    let _ = child.wait();
                    break;
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        // containers/storage mounts its folder onto itself.
        if self.podman {
            let _ = Command::new("umount").arg(self.path("root/overlay")).output();
        }
    }
}

/// What the process of the container sees as its root; it is known by its cgroup.
pub(crate) fn root_of(id: &str) -> PathBuf {
    let processes = fs::read_dir("/proc").expect("proc").flatten();
    let ours = |pid: &PathBuf| {
        let groups = fs::read_to_string(pid.join("cgroup")).unwrap_or_default();
        groups.contains(id) && !groups.contains("conmon")
    };
    let process = processes.map(|entry| entry.path()).find(ours);
    process.expect("a process of the container").join("root")
}

/// Does to a tree what nobody should.
pub(crate) fn tamper(root: &Path) {
    let backdoor = root.join("usr/lib/backdoor");
    fs::write(&backdoor, "#!/bin/sh\n").expect("writes");
    fs::set_permissions(&backdoor, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::write(root.join("etc/app.conf"), "listen to somebody else\n").expect("writes");
}
