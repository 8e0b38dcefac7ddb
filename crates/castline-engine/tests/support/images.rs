//! A tiny service as an image, for tests that launch it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use castline_core::{
    Digest, Image, Options, Release, Selection, Verified, Watch,
    drift::{HealthCheck, InstanceSpec},
    verify,
};
use castline_sources::Layout;
use serde_json::{Value, json};

/// Serves `/www` on the port that it is told, and ends when it is asked to. Without a container its files are not at the root.
const SERVE: &str = r#""$CASTLINE_ROOT/bin/httpd" -f -p "127.0.0.1:$PORT" -h "$CASTLINE_ROOT/www" & server=$!
trap 'kill $server; exit 0' TERM
wait $server"#;

/// An OCI layout with images of a tiny service, and what they are.
pub(crate) struct Images {
    folder: PathBuf,
    manifests: Vec<Value>,
}

impl Images {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        fs::create_dir_all(folder.join("blobs/sha256")).expect("a folder");
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("writes");
        Self { folder, manifests: Vec::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a configuration calls it.
    pub(crate) fn reference(&self) -> String {
        format!("oci:{}", self.folder.display())
    }

    fn put(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        fs::write(self.folder.join("blobs/sha256").join(digest.encoded()), bytes).expect("writes");
        json!({"mediaType": media_type, "size": bytes.len(), "digest": digest.to_string()})
    }

    /// Adds the image of a version, of which the page that it serves tells.
    pub(crate) fn add(&mut self, version: &str) -> Verified<Image> {
        let files = tempfile::tempdir().expect("a folder");
        fill(files.path(), version);
        // Two layers, of which the upper one hides and replaces some of the lower one.
        let lower = packed(files.path());
        let upper = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(upper.path().join("etc")).expect("a folder");
        fs::write(upper.path().join("etc/.wh.secret"), "").expect("writes");
        fs::write(upper.path().join("etc/version"), format!("{version}\n")).expect("writes");
        let layers = [lower, packed(upper.path())];
        let diff_ids: Vec<String> = layers.iter().map(|tar| Digest::of(tar).to_string()).collect();
        let config = json!({"os": "linux", "architecture": "amd64",
            "config": {"Cmd": ["/bin/sh", "-c", SERVE], "Env": ["PATH=/bin", "GREETING=hello"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let config = self.put("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let layers: Vec<Value> =
            layers.iter().map(|tar| self.put("application/vnd.oci.image.layer.v1.tar", tar)).collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config, "layers": layers});
        let manifest =
            self.put("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        let digest: Digest = manifest["digest"].as_str().expect("text").parse().expect("a digest");
        self.manifests.push(manifest);
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        fs::write(self.folder.join("index.json"), index.to_string()).expect("writes");
        let options = Options::default().with_selection(Selection::everything().with_digest(digest));
        let layout = Layout::open(&self.folder).expect("opens");
        let verification = verify(&layout, &options, &Watch::none()).expect("verifies");
        verification.images.into_iter().next().expect("an intact image")
    }
}

/// What goes into the image: busybox, a page, a device, a fifo, links, an odd name, modes and owners.
fn fill(folder: &Path, version: &str) {
    for name in ["bin", "dev", "etc", "proc", "sys", "tmp", "usr/lib", "var/empty", "www"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].iter().find(|path| Path::new(path).is_file());
    fs::copy(busybox.expect("busybox"), folder.join("bin/busybox")).expect("copies");
    for name in ["sh", "sleep", "httpd", "wget", "touch", "cat", "false", "true"] {
        symlink("busybox", folder.join("bin").join(name)).expect("a link");
    }
    let write = |name: &str, content: &str, mode: u32| {
        let path = folder.join(name);
        fs::write(&path, content).expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    write("etc/passwd", "root:x:0:0:root:/:/bin/sh\napp:x:1234:1234::/:/bin/sh\n", 0o644);
    write("etc/group", "root:x:0:\napp:x:1234:\n", 0o644);
    write("etc/secret", "of the lower layer\n", 0o600);
    write("etc/version", "of the lower layer\n", 0o644);
    write("etc/app.conf", "listen\n", 0o644);
    write("www/index.html", &format!("{version}\n"), 0o644);
    write("usr/lib/tool", "#!/bin/sh\necho tool\n", 0o4755);
    write("usr/lib/empty", "", 0o640);
    write("usr/lib/same", "#!/bin/sh\necho tool\n", 0o755);
    write("usr/lib/odd \u{e4}\n", "odd\n", 0o644);
    fs::hard_link(folder.join("etc/app.conf"), folder.join("usr/lib/linked")).expect("a link");
    symlink("/etc/app.conf", folder.join("usr/lib/absolute")).expect("a link");
    symlink("/nowhere", folder.join("usr/lib/dangling")).expect("a link");
    fs::set_permissions(folder.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("a mode");
    fs::set_permissions(folder.join("var/empty"), fs::Permissions::from_mode(0o555)).expect("a mode");
}

fn packed(folder: &Path) -> Vec<u8> {
    // A folder of an image that the machine's umask has nothing to do with.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a mode");
    let options = ["--numeric-owner", "--owner=0", "--group=0", "--format=pax", "--sort=name", "--mtime=@0"];
    let output = Command::new("tar").args(options).arg("-C").arg(folder).args(["-cf", "-", "."]).output();
    let output = output.expect("tar starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A service that is healthy once its page can be had.
pub(crate) fn release(service: &str, image: &Verified<Image>, replicas: u64) -> Release {
    let fetch = r#"exec "$CASTLINE_ROOT/bin/wget" -q -O /dev/null "http://127.0.0.1:$PORT/""#;
    let health = HealthCheck {
        interval_millis: 300,
        timeout_millis: 5000,
        retries: 3,
        start_period_millis: 20_000,
        ..HealthCheck::new(["/bin/sh", "-c", fetch])
    };
    let spec = InstanceSpec { health: Some(health), ..InstanceSpec::default() };
    Release::new(service, image, replicas).with_spec(spec)
}

/// Instances of a release, run otherwise: by this script.
pub(crate) fn scripted(release: &Release, script: &str, health: Option<HealthCheck>) -> Release {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    let spec = InstanceSpec {
        entrypoint: words(&["/bin/sh", "-c"]),
        args: words(&[script]),
        health,
        ..InstanceSpec::default()
    };
    release.clone().with_spec(spec)
}
