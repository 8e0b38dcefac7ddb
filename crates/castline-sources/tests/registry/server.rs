//! A real registry on loopback, and a folder for what a test needs.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use castline_core::Digest;
use castline_sources::Reference;

pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    root: PathBuf,
}

impl Server {
    /// One without authorization or TLS.
    pub(crate) fn plain(folder: &Path) -> Self {
        Self::start(folder, "", "")
    }

    /// One with more in `http:` and more at the end of its configuration.
    pub(crate) fn start(folder: &Path, http: &str, more: &str) -> Self {
        let port = free_port();
        let root = folder.join(format!("registry-{port}"));
        fs::create_dir_all(&root).expect("a folder");
        let configuration = format!(
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n{http}{more}",
            root.display()
        );
        let path = folder.join(format!("registry-{port}.yml"));
        fs::write(&path, configuration).expect("its configuration");
        let child = Command::new("docker-registry")
            .args([Path::new("serve"), &path])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "the registry does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, root }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `docker://HOST/` and what follows.
    pub(crate) fn image(&self, rest: &str) -> Reference {
        format!("docker://127.0.0.1:{}/{rest}", self.port).parse().expect("a reference")
    }

    /// Where it keeps a blob.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.encoded();
        self.root.join(format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// Runs a program, which must succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect(program);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Flips a bit of a file.
pub(crate) fn damage(path: &Path) -> io::Result<()> {
    let mut bytes = fs::read(path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes)
}
