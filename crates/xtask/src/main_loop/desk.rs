//! A folder to work in, the commands that are run there, and what runs beside them.

use std::{
    fs,
    io::{self, IsTerminal as _, Read as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::say;

/// How long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A site on this machine, without what moves traffic.
const SITE: &str = r#"ledger = "ledger"
actor = "ann"

[local]                       # this machine, without a daemon
state = "state"
images = ["oci:images"]
zones = ["a", "b", "c"]
portRange = { first = 23200, last = 23399 }
"#;

pub(super) struct Desk {
    folder: PathBuf,
    binary: PathBuf,
    port: u16,
    proxy: Option<Child>,
    client: Option<Child>,
}

/// What a command came to.
pub(super) struct Outcome {
    command: String,
    status: Option<i32>,
    text: String,
}

pub(super) fn failed(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}

impl Outcome {
    /// What it printed, where its exit status is this one.
    pub(super) fn expect(self, status: i32) -> io::Result<String> {
        if self.status == Some(status) {
            return Ok(self.text);
        }
        let found = self.status.map_or("no exit status".to_owned(), |status| format!("exit status {status}"));
        let Self { command, text, .. } = self;
        Err(failed(&format!("`{command}` ended with {found} instead of {status}:\n{}", text.trim_end())))
    }
}

impl Desk {
    /// An empty desk, with what an earlier run that was cut off left there ended first.
    pub(super) fn new(folder: &Path, binary: &Path, app: &Path) -> io::Result<Self> {
        // What nobody listens on now is free for as long as this takes.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut desk =
            Self { folder: folder.to_owned(), binary: binary.to_owned(), port, proxy: None, client: None };
        if folder.exists() {
            say("an earlier run was cut off: what it left is ended first");
            desk.tidy()?;
        }
        fs::create_dir_all(desk.path("rootfs/usr/bin"))?;
        fs::create_dir_all(desk.path("rootfs/etc"))?;
        fs::copy(app, desk.path("app"))?;
        fs::copy(app, desk.path("rootfs/usr/bin/app"))?;
        Ok(desk)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    #[expect(clippy::unused_self, reason = "it reads like what the desk does")]
    pub(super) fn heading(&self, text: &str) {
        say(&format!("\n== {text}\n"));
    }

    /// Writes a file, and shows it.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        say(&format!("$ cat {name}"));
        say(text.trim_end());
        fs::write(self.path(name), text)
    }

    pub(super) fn site(&self) -> String {
        let traffic = format!("traffic = {{ command = [\"./app\", \"route\", \"routes-{}\"] }}\n", self.port);
        SITE.to_owned() + &traffic
    }

    /// What the image says of itself.
    pub(super) fn version(&self, version: &str) -> io::Result<()> {
        say(&format!("$ echo {version} > rootfs/etc/version"));
        fs::write(self.path("rootfs/etc/version"), format!("{version}\n"))
    }

    /// Runs castline, and shows what it prints.
    pub(super) fn castline(&self, arguments: &str) -> io::Result<Outcome> {
        say(&format!("$ castline {arguments}"));
        let outcome = self.quietly(arguments)?;
        if !outcome.text.is_empty() {
            say(outcome.text.trim_end());
        }
        Ok(outcome)
    }

    fn quietly(&self, arguments: &str) -> io::Result<Outcome> {
        // At a terminal, what is under way is shown there as it goes on.
        let live = io::stderr().is_terminal();
        let output = Command::new(&self.binary)
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .env_remove("CASTLINE_SITE")
            .stdin(Stdio::null())
            .stderr(if live { Stdio::inherit() } else { Stdio::piped() })
            .output()?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok(Outcome { command: format!("castline {arguments}"), status: output.status.code(), text })
    }

    /// The release of an image, as a document.
    pub(super) fn release(&self, version: &str, replicas: usize) -> io::Result<()> {
        let arguments =
            format!("release oci:images:{version} --service web --replicas {replicas} --spec spec.json");
        say(&format!("$ castline {arguments} > {version}.json"));
        let text = self.quietly(&arguments)?.expect(0)?;
        fs::write(self.path(&format!("{version}.json")), text)
    }

    /// What runs, for a machine to read.
    pub(super) fn status(&self) -> io::Result<Value> {
        let text = self.quietly("status --json")?.text;
        serde_json::from_str(&text).map_err(|error| failed(&format!("castline status: {error}: {text}")))
    }

    /// Starts what sends traffic to instances.
    pub(super) fn proxy(&mut self) -> io::Result<()> {
        let (port, routes) = (self.port.to_string(), format!("routes-{}", self.port));
        say(&format!("$ ./app proxy {port} {routes} &"));
        self.proxy = Some(self.beside(&["proxy", &port, &routes])?);
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if began.elapsed() > PATIENCE {
                return Err(failed("the proxy does not listen"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Starts the client, who asks without a break.
    pub(super) fn ask(&mut self) -> io::Result<()> {
        let port = self.port.to_string();
        say(&format!("$ ./app ask {port} stop > tally &"));
        self.client = Some(self.beside(&["ask", &port, "stop"])?);
        Ok(())
    }

    fn beside(&self, arguments: &[&str]) -> io::Result<Child> {
        Command::new(self.path("app"))
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
    }

    /// Lets the client stop, and tells what it got.
    pub(super) fn tally(&mut self) -> io::Result<String> {
        say("$ touch stop; wait; cat tally");
        fs::write(self.path("stop"), "")?;
        let mut client = self.client.take().ok_or_else(|| failed("nobody asks"))?;
        let mut text = String::new();
        if let Some(stdout) = &mut client.stdout {
            stdout.read_to_string(&mut text)?;
        }
        client.wait()?;
        say(text.trim_end());
        Ok(text)
    }

    /// Leaves a program in an instance.
    pub(super) fn tamper(&self, instance: &str) -> io::Result<()> {
        let home = format!("state/instances/{instance}");
        // A copy of the image's tree, where nothing else can be had without root.
        let root = if self.path(&format!("{home}/merged")).is_dir() { "merged" } else { "tree" };
        let backdoor = format!("{home}/{root}/usr/bin/backdoor");
        say(&format!("$ install -m 755 app {backdoor}"));
        fs::copy(self.path("app"), self.path(&backdoor))?;
        fs::set_permissions(self.path(&backdoor), fs::Permissions::from_mode(0o755))
    }

    /// Ends all that was begun here, and removes the folder.
    pub(super) fn tidy(&mut self) -> io::Result<()> {
        if self.path("ledger/ledger").exists() && self.path("v1.json").exists() {
            say("\nending what runs");
            let mut release: Value = serde_json::from_slice(&fs::read(self.path("v1.json"))?)?;
            release["replicas"] = 0.into();
            fs::write(self.path("none.json"), release.to_string())?;
            // Nobody asks any more, and the proxy of a run that was cut off may be gone.
            fs::write(self.path("castline-site.toml"), SITE)?;
            // What a run that was cut off has not finished is left as it is first. Its castline may still be at it.
            let began = Instant::now();
            while self.quietly("resume --abort")?.text.contains("another castline")
                && began.elapsed() < PATIENCE
            {
                thread::sleep(Duration::from_millis(100));
            }
            self.quietly("apply --release none.json --yes")?.expect(0)?;
            self.quietly("prune --quarantined --delete")?.expect(0)?;
        }
        for mut child in [self.client.take(), self.proxy.take()].into_iter().flatten() {
            child.kill()?;
            child.wait()?;
        }
        // A client of a run that was cut off may write there until the folder is gone.
        let began = Instant::now();
        loop {
            match fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound && began.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(50));
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return Ok(()),
            }
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for child in [&mut self.client, &mut self.proxy].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
