//! A dockerd and a podman of one's own, at a socket in a folder of one's own. Both end with what holds them.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use xtask::{
    certificates::{Authority, Proves},
    engines::command,
    podman::Podman,
};

/// An engine.
pub(crate) struct Engine {
    folder: tempfile::TempDir,
    child: Option<Child>,
    podman: Option<Podman>,
    tls: Option<Tls>,
}

/// Where an engine is besides at its socket, and who vouches for it and for its clients.
struct Tls {
    port: u16,
    authority: Authority,
}

impl Engine {
    pub(crate) fn docker() -> Self {
        let mut engine = Self { folder: folder(), child: None, podman: None, tls: None };
        engine.start();
        engine
    }

    /// One that can be had by TCP as well, by those who have a certificate.
    pub(crate) fn docker_by_tls() -> Self {
        let folder = folder();
        let authority = Authority::new(folder.path(), "ca").expect("an authority");
        authority.issue("server", Proves::Server).expect("a certificate");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let tls = Some(Tls { port, authority });
        let mut engine = Self { folder, child: None, podman: None, tls };
        engine.start();
        engine
    }

    pub(crate) fn podman() -> Self {
        let folder = folder();
        let podman = Podman::new(folder.path()).expect("writes");
        let mut engine = Self { folder, child: None, podman: Some(podman), tls: None };
        engine.start();
        engine
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.path("socket").display())
    }

    /// Where it is by TCP, and who vouches for it.
    pub(crate) fn by_tls(&self) -> (String, &Authority) {
        let tls = self.tls.as_ref().expect("one by TLS");
        (format!("tcp://127.0.0.1:{}", tls.port), &tls.authority)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it, with what it had when it was ended.
    pub(crate) fn start(&mut self) {
        let log = File::options().append(true).create(true).open(self.path("log")).expect("a log");
        let socket = self.path("socket");
        let mut command = match &self.podman {
            Some(podman) => {
                let mut command = podman.command();
                command.args(["system", "service", "--time=0", &self.url()]);
                command
            }
            None => self.dockerd(),
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

    /// Asks it for something by its API, as somebody else would who uses it; what it answers.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut socket = UnixStream::connect(self.path("socket")).expect("it listens");
        let kind = "Content-Type: application/json";
        write!(
            socket,
            "{method} /v1.41{path} HTTP/1.0\r\nHost: engine\r\n{kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.contains(" 20"), "{method} {path}: {answer}");
        body.to_owned()
    }

    fn dockerd(&self) -> Command {
        let mut command = command("dockerd");
        for name in ["data-root", "exec-root", "pidfile"] {
            command.arg(format!("--{name}")).arg(self.path(name));
        }
        command.args(["-H", &self.url(), "--bridge=none", "--storage-driver=overlay2"]);
        command
            .args(["iptables", "ip6tables", "ip-forward", "ip-masq"].map(|name| format!("--{name}=false")));
        if let Some(tls) = &self.tls {
            command.args(["-H", &self.by_tls().0, "--tlsverify", "--tlscacert"]);
            command.arg(tls.authority.certificate());
            command.arg("--tlscert").arg(self.path("server.crt"));
            command.arg("--tlskey").arg(self.path("server.key"));
        }
        command
    }

    /// Ends it. What podman runs goes on; dockerd ends its containers, and the containerd that it has started.
    pub(crate) fn end(&mut self) {
        let Some(mut child) = self.child.take() else { return };
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
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
        if let Some(podman) = &self.podman {
            podman.clear();
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
