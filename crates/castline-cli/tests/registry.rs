//! `pull`, `push`, `pin`, `list`, and `docker://` where an image is given, against a registry on loopback.
#![cfg(feature = "registry")]

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

struct Server {
    child: Child,
    host: String,
}

impl Server {
    /// With `ann` and her password where there is `htpasswd`.
    fn start(folder: &Path, htpasswd: Option<&Path>) -> Self {
        let auth = htpasswd.map_or(String::new(), |path| {
            format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", path.display())
        });
        Self::with(folder, &auth)
    }

    /// With more at the end of its configuration, that of `http:`.
    fn with(folder: &Path, more: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let configuration = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n{more}",
            folder.join("registry").display()
        );
        fs::write(&configuration, text).expect("written");
        let child = Command::new("docker-registry")
            .args([Path::new("serve"), &configuration])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "the registry does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, host: format!("127.0.0.1:{port}") }
    }

    fn image(&self, rest: &str) -> String {
        format!("docker://{}/{rest}", self.host)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// Runs castline beside the vectors, nothing of this machine's user being seen.
fn castline(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_castline"));
    command.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors"));
    for name in
        ["XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "CASTLINE_IMAGE_CACHE"]
    {
        command.env_remove(name);
    }
    command.env("HOME", home);
    command
}

fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    outcome(&mut castline(home, arguments))
}

fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
}

fn available(programs: &[&str]) -> bool {
    xtask::engines::available(&[&["docker-registry"], programs].concat(), false)
}

#[test]
fn an_image_goes_to_a_registry_and_comes_back_and_is_looked_at_there() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let home = folder.path();
    let server = Server::start(home, None);
    let image = server.image("app:v1");
    let (status, text, errors) = run(home, &["push", "oci:layouts/three-layers:v1", &image]);
    assert_eq!((status, &*errors), (0, ""), "{text}");
    let pinned = text.lines().next().expect("a line").to_owned();
    for (schema, command) in [
        ("push.json", &["push", "oci:layouts/three-layers:v1", &image][..]),
        ("pin.json", &["pin", &image]),
        ("list.json", &["list", &image]),
        ("list.json", &["list", &image, "--referrers"]),
    ] {
        let (status, text, errors) = run(home, &[command, &["--json"]].concat());
        assert_eq!((status, &*errors), (0, ""), "{text}");
        support::assert_is_as_the_schema_says(schema, &serde_json::from_str(&text).expect("JSON"));
    }
    let digest = "sha256:12be0fc75767c19283e4c09237d3679c9c4da2a332c8adfeffe58b729c1354f6";
    assert_eq!(pinned, format!("{}@{digest}", server.image("app")));
    assert_eq!(run(home, &["pin", &image]), (0, format!("{pinned}\n"), String::new()));
    assert_eq!(run(home, &["list", &server.image("app")]), (0, "v1\n".into(), String::new()));
    assert_eq!(run(home, &["list", &image, "--referrers"]), (0, String::new(), String::new()));

    let layout = format!("oci:{}:v2", home.join("layout").display());
    for fetched in [6, 0] {
        let (status, text, errors) = run(home, &["pull", &pinned, &layout, "--json"]);
        assert_eq!((status, &*errors), (0, ""), "{text}");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&document["digest"], &document["report"]["complete"]), (&digest.into(), &true.into()));
        support::assert_is_as_the_schema_says("pull.json", &document);
        // The manifest, the configuration and the layers.
        assert!(document["fetchedBlobs"].as_u64().expect("a number") <= fetched, "{text}");
    }
    assert_eq!(run(home, &["verify", &layout]).0, 0);

    let (status, text, _) = run(home, &["inspect", &image, "--json"]);
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &document["images"][0]["digest"]), (0, &digest.into()));
    let (status, text, errors) = run(home, &["verify", &image]);
    assert_eq!((status, &*errors), (0, ""), "{text}");
    assert!(text.contains("linux/amd64, 3 layers, v1: intact"), "{text}");
    let trees =
        [&image, &pinned, &"oci:layouts/three-layers:v1".to_owned()].map(|image| run(home, &["tree", image]));
    assert!(trees[0].0 == 0 && !trees[0].1.is_empty() && trees.iter().all(|tree| *tree == trees[0]));
    let (status, text, _) = run(home, &["release", &image, "--service", "web", "--replicas", "2"]);
    assert!(status == 0 && text.contains(digest), "{text}");
    let rootfs = home.join("empty");
    fs::create_dir(&rootfs).expect("a folder");
    let (status, text, _) = run(home, &["drift", &image, &rootfs.to_string_lossy(), "--json"]);
    assert!(status == 1 && text.contains("\"removed\""), "{text}");
    assert!(home.join(".cache/castline/images/oci-layout").is_file());
}

#[test]
fn what_is_not_intact_is_not_pushed_and_what_is_absent_is_said() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let home = folder.path();
    let server = Server::start(home, None);
    let image = server.image("app:v1");
    let (status, text, errors) = run(home, &["push", "oci:layouts/flipped-bit-in-a-tar-layer", &image]);
    assert_eq!((status, &*text), (1, ""));
    assert!(errors.contains("[blob-digest-mismatch]") && errors.contains("is not pushed"), "{errors}");
    for command in ["pin", "verify", "inspect"] {
        let (status, text, errors) = run(home, &[command, &image]);
        assert_eq!((status, &*text), (2, ""), "{command}");
        assert!(errors.contains("it is not there"), "{errors}");
    }
    let (status, _, errors) = run(home, &["pull", &image, "oci-archive:x.tar"]);
    assert_eq!(status, 2);
    assert!(errors.contains("write `oci:DIR`"), "{errors}");
}

#[test]
fn an_index_is_pushed_whole_or_one_platform_of_it() {
    if !available(&[]) {
        return;
    }
    let folder = folder();
    let home = folder.path();
    let server = Server::start(home, None);
    let (all, one) = (server.image("app:all"), server.image("app:one"));
    assert_eq!(run(home, &["push", "oci:layouts/platforms:v1", &all]).0, 0);
    let (status, text, _) =
        run(home, &["push", "oci:layouts/platforms:v1", &one, "--platform", "linux/arm64"]);
    assert!(status == 0 && text.contains(": 0 sent"), "{text}");
    assert_ne!(run(home, &["pin", &all]).1, run(home, &["pin", &one]).1);
    let layout = format!("oci:{}", home.join("layout").display());
    let (status, text, errors) = run(home, &["pull", &all, &layout, "--platform", "all"]);
    assert_eq!((status, &*errors), (0, ""), "{text}");
    let absent = run(home, &["pull", &all, &layout, "--platform", "plan9/mips"]);
    assert!(
        absent.0 == 1 && absent.1.contains("[platform-absent]") && absent.1.contains("given no name"),
        "{absent:?}"
    );
}

/// Runs castline in a folder that is a site.
#[cfg(target_os = "linux")]
fn at_site(folder: &Path, arguments: &str) -> (i32, String, String) {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    outcome(castline(folder, &arguments).current_dir(folder).env_remove("CASTLINE_SITE"))
}

#[cfg(target_os = "linux")]
#[test]
fn what_has_not_passed_the_sites_test_is_not_pushed() {
    use std::os::unix::fs::PermissionsExt as _;
    if !available(&[]) {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let home = folder.path();
    let server = Server::start(home, None);
    let write = |name: &str, text: &str| fs::write(home.join(name), text).expect("written");
    fs::create_dir_all(home.join("rootfs/bin")).expect("a folder");
    for (name, script) in [("run", "exec sleep 600"), ("check", "exit 0")] {
        let name = format!("rootfs/bin/{name}");
        write(&name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(home.join(&name), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    write(
        "castline.toml",
        "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[[layers]]\ndirectory = \"rootfs\"\n[config]\nentrypoint = [\"/bin/run\"]\n",
    );
    write(
        "castline-site.toml",
        "ledger = \"ledger\"\nactor = \"ann\"\n[local]\nstate = \"state\"\nimages = [\"oci:images\"]\nisolation = \"process\"\n[test]\ncommand = [\"/bin/check\"]\n",
    );
    let ok = |arguments: &str| {
        let (status, text, errors) = at_site(home, arguments);
        assert_eq!(status, 0, "{arguments}: {text}{errors}");
        text
    };
    ok("build -o oci:images:v1");
    let (all, one) = (server.image("app:all"), server.image("app:one"));
    let refused = |arguments: &str, images: usize| {
        let (status, text, errors) = at_site(home, arguments);
        assert_eq!((status, &*text), (1, ""), "{errors}");
        assert_eq!(
            errors.matches("was not tested by the site's test `/bin/check`").count(),
            images,
            "{errors}"
        );
        assert!(errors.contains("castline test --release"), "{errors}");
    };
    let amd64 = format!("push oci:images:v1 {one} --platform linux/amd64");
    refused(&amd64, 1);
    refused(&format!("push oci:images:v1 {all}"), 2);
    // The file counts wherever the command runs.
    let site = home.join("castline-site.toml");
    let image = format!("oci:{}:v1", home.join("images").display());
    let (status, _, errors) = run(home, &["push", &image, &all, "--site", site.to_str().expect("UTF-8")]);
    assert!(status == 1 && errors.contains("was not tested"), "{errors}");
    let (status, text, _) = run(home, &["pin", &all]);
    assert_eq!((status, &*text), (2, ""), "nothing is there");

    write("v1.json", &ok("release oci:images:v1 --platform linux/amd64 --service web --replicas 1"));
    let (status, _, errors) = at_site(home, "test --release v1.json -- /bin/run/not");
    assert_eq!(status, 1, "{errors}");
    refused(&amd64, 1);
    ok("test --release v1.json");
    ok(&amd64);
    // One platform of two is not all of them.
    refused(&format!("push oci:images:v1 {all}"), 1);
    ok(&format!("push oci:images:v1 {all} --untested"));
    let (status, _, errors) = at_site(home, &format!("push oci:images:v1 {all} --site nowhere.toml"));
    assert!(status == 2 && errors.contains("nowhere.toml: there is no such site"), "{errors}");
}

#[cfg(unix)]
#[test]
fn passwords_come_from_files_and_helpers_and_are_printed_nowhere() {
    use std::os::unix::fs::PermissionsExt as _;
    if !available(&["htpasswd"]) {
        return;
    }
    let folder = folder();
    let home = folder.path();
    let htpasswd =
        Command::new("htpasswd").args(["-Bbn", "ann", "hunter2"]).output().expect("it runs").stdout;
    let file = home.join("htpasswd");
    fs::write(&file, htpasswd).expect("written");
    let server = Server::start(home, Some(&file));
    let image = server.image("app:v1");
    let push = ["push", "oci:layouts/three-layers:v1", &image];
    let (status, _, errors) = run(home, &push);
    assert!(status == 2 && errors.contains("docker login"), "{errors}");

    // What a helper says: the right thing for this host, no more than that there is none for others.
    let helper = home.join("docker-credential-test");
    let script = format!(
        "#!/bin/sh\nread host\n[ \"$1 $host\" = \"get {}\" ] || {{ echo credentials not found in native keychain; exit 1; }}\necho '{{\"ServerURL\": \"x\", \"Username\": \"ann\", \"Secret\": \"hunter2\"}}'\n",
        server.host
    );
    fs::write(&helper, script).expect("written");
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", home.display(), std::env::var("PATH").unwrap_or_default());
    fs::create_dir(home.join(".docker")).expect("a folder");
    let config = home.join(".docker/config.json");
    for text in [
        r#"{"credsStore": "test"}"#.to_owned(),
        format!(r#"{{"credHelpers": {{"{}": "test"}}}}"#, server.host),
        // ann:hunter2
        format!(r#"{{"auths": {{"http://{}/v2/": {{"auth": "YW5uOmh1bnRlcjI="}}}}}}"#, server.host),
    ] {
        fs::write(&config, &text).expect("written");
        let (status, text, errors) = outcome(castline(home, &push).env("PATH", &path));
        assert_eq!((status, &*errors), (0, ""), "{text}");
    }
    for (text, part) in [
        (r#"{"credsStore": "../test"}"#, "a name that no helper has"),
        (r#"{"credsStore": "absent"}"#, "cannot be run"),
        (r#"{"auths": {"h": {"auth": "hunter2"}}}"#, "is not `user:password`"),
        ("hunter2", "not the JSON"),
    ] {
        fs::write(&config, text).expect("written");
        let (status, text, errors) = outcome(castline(home, &push).env("PATH", &path));
        assert_eq!((status, &*text), (2, ""));
        assert!(errors.contains(part) && !errors.contains("hunter2"), "{errors}");
    }
    // One that was asked for counts instead, and has to be there.
    let authfile = home.join("auth.json");
    let with = [&push[..], &["--authfile", authfile.to_str().expect("UTF-8")]].concat();
    let (status, _, errors) = run(home, &with);
    assert!(status == 2 && errors.contains("there is no such file"), "{errors}");
    let text = format!(r#"{{"auths": {{"{}/app": {{"auth": "YW5uOmh1bnRlcjI="}}}}}}"#, server.host);
    fs::write(&authfile, text).expect("written");
    assert_eq!(run(home, &with).0, 0);
}

#[test]
fn authorities_are_taken_from_where_containers_keep_them() {
    if !available(&["openssl"]) {
        return;
    }
    let folder = folder();
    let home = folder.path();
    let at = |name: &str| home.join(name).display().to_string();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &at("tls.key"), "-out", &at("tls.crt")])
        .output()
        .expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let tls = format!("  tls:\n    certificate: {}\n    key: {}\n", at("tls.crt"), at("tls.key"));
    let server = Server::with(home, &tls);
    let image = server.image("app:v1");
    let push = || run(home, &["push", "oci:layouts/three-layers:v1", &image]);
    let (status, text, errors) = push();
    assert!(status == 2 && errors.contains("certificate"), "{text}{errors}");
    let place = home.join(".config/containers/certs.d").join(&server.host);
    fs::create_dir_all(&place).expect("a folder");
    // What is of a client is left alone, and what is of another ending.
    for (from, to) in [("tls.key", "client.key"), ("tls.key", "client.cert"), ("tls.crt", "notes.txt")] {
        fs::copy(home.join(from), place.join(to)).expect("copies");
    }
    assert_eq!(push().0, 2);
    fs::copy(home.join("tls.crt"), place.join("own.crt")).expect("copies");
    let (status, text, errors) = push();
    assert_eq!((status, &*errors), (0, ""), "{text}");
}

/// An HTTP proxy that answers every request by itself, with a manifest, and says how often it was asked.
fn proxy() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|length| length > 0) {
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"GET http://registry.invalid/v2/app/manifests/v1 "));
            count.fetch_add(1, Ordering::SeqCst);
            let body = r#"{"schemaVersion":2,"config":{}}"#;
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    (port, asked)
}

#[test]
fn the_environment_says_through_which_proxy() {
    let folder = folder();
    let (port, asked) = proxy();
    let address = format!("http://127.0.0.1:{port}");
    for (number, name) in ["HTTP_PROXY", "http_proxy"].into_iter().enumerate() {
        let mut command =
            castline(folder.path(), &["pin", "docker://registry.invalid/app:v1", "--plain-http"]);
        for other in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(other);
        }
        let (status, text, errors) = outcome(command.env(name, &address));
        assert!(status == 0 && text.starts_with("docker://registry.invalid/app@sha256:"), "{text}{errors}");
        assert_eq!(asked.load(Ordering::SeqCst), number + 1);
    }
    // 0.0.0.0 is this machine, without being loopback by name; nobody listens at port 1.
    let mut command = castline(folder.path(), &["pin", "docker://0.0.0.0:1/app:v1", "--plain-http"]);
    let command = command.env("HTTP_PROXY", &address).env("NO_PROXY", "registry.example,0.0.0.0");
    let (status, _, errors) = outcome(command);
    assert!(status == 2 && errors.contains("http://0.0.0.0:1/"), "{errors}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
