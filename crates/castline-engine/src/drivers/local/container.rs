//! Containers by an OCI runtime (opencontainers/runtime-spec): `runc`, `crun`.

use std::{
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use castline_core::Digest;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use super::{
    super::{blocking, failed, secrets::Secrets},
    process::Process,
    programs,
    record::{Claim, Folder, Run},
    store::{private_folder, remove},
};
use crate::DriverError;

/// An OCI runtime that was seen to work here.
#[derive(Clone, Debug)]
pub(super) struct Runtime {
    program: PathBuf,
    /// Where it keeps what it knows.
    root: PathBuf,
}

/// For how long one command of a runtime may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of what a runtime says is kept, in bytes.
const SAID: usize = 4096;
/// What the probe asks for, and no image has.
const PROBE: &str = "/castline-probe";

#[derive(Deserialize)]
struct State {
    status: String,
    #[serde(default)]
    pid: i32,
}

impl Runtime {
    /// The runtimes to try, best first.
    pub(super) fn candidates(configured: Option<&Path>) -> Vec<PathBuf> {
        match configured {
            Some(program) => vec![program.to_owned()],
            None => ["runc", "crun"].into_iter().filter_map(programs::find).collect(),
        }
    }

    /// The runtime, if it can make containers here: not every machine lets it have namespaces, cgroups and mounts. It is asked for
    /// a container of an empty tree, and has to get as far as to miss the program.
    pub(super) async fn probed(program: &Path, root: &Path) -> Result<Self, DriverError> {
        // Each has a name of its own: who asked before may have stopped waiting, while the runtime was still at work.
        static PROBES: AtomicU32 = AtomicU32::new(0);
        let runtime = Self { program: program.to_owned(), root: root.to_owned() };
        private_folder(root)?;
        let id = format!("castline-probe-{}-{}", std::process::id(), PROBES.fetch_add(1, Ordering::Relaxed));
        let bundle = root.join(format!(".{id}"));
        remove(&bundle)?;
        private_folder(&bundle.join("rootfs"))?;
        let run = Run {
            args: vec![PROBE.to_owned()],
            env: [("PATH".to_owned(), "/".to_owned())].into(),
            secrets: std::collections::BTreeSet::new(),
            dir: "/".into(),
            user: super::record::User { uid: 0, gid: 0, groups: vec![] },
            mounts: std::collections::BTreeMap::new(),
            stop_signal: 15,
            health: None,
        };
        write_bundle(&bundle, &bundle.join("rootfs"), &id, &run, &Secrets::default())?;
        let said = runtime.ask(&["create", "--bundle", &text(&bundle)?, &id]).await;
        let _ = runtime.ask(&["delete", "--force", &id]).await;
        remove(&bundle)?;
        match said {
            // It does not look for the program before it starts it.
            Ok(_) => Ok(runtime),
            Err(error) if error.to_string().contains(PROBE) => Ok(runtime),
            Err(error) => Err(DriverError::permanent(error)),
        }
    }

    /// Launches the instance's container, or finishes what was begun. The runtime is told of secrets in a file that only the owner
    /// can read, and that has them no longer than until the program was started.
    pub(super) async fn launch(
        &self,
        claim: &Claim,
        merged: &Path,
        run: &Run,
        secrets: &Secrets,
    ) -> Result<(), DriverError> {
        let folder = &claim.folder;
        let id = folder.id();
        let forget = || {
            if run.secrets.is_empty() {
                return Ok(());
            }
            write_bundle(&folder.join("bundle"), merged, &id, run, &Secrets::default())
        };
        match self.state(&id).await? {
            Some(state) if state.status == "running" => {
                forget()?;
                return Self::note(folder, &state);
            }
            Some(state) if state.status == "created" => {}
            other => {
                if other.is_some() {
                    self.delete(&id).await?;
                }
                self.create(claim, merged, run, secrets).await?;
            }
        }
        self.ask(&["start", &id]).await?;
        forget()?;
        let state = self.state(&id).await?.ok_or_else(|| {
            DriverError::temporary(format!("the container {id} was gone when it had just been started"))
        })?;
        Self::note(folder, &state)
    }

    /// Writes down which process it is. One that has ended already has no number any more, and none is made up.
    fn note(folder: &Folder, state: &State) -> Result<(), DriverError> {
        let pid =
            fs::read_to_string(folder.join("bundle/pid")).ok().and_then(|text| text.trim().parse().ok());
        let pid = if state.pid > 0 { state.pid } else { pid.unwrap_or_default() };
        let process = Process::of(pid).unwrap_or_else(|| Process::ended(pid));
        folder.write_bytes("process", process.to_text().as_bytes())
    }

    async fn create(
        &self,
        claim: &Claim,
        merged: &Path,
        run: &Run,
        secrets: &Secrets,
    ) -> Result<(), DriverError> {
        let folder = claim.folder.clone();
        let (id, bundle) = (folder.id(), folder.join("bundle"));
        remove(&bundle)?;
        private_folder(&bundle)?;
        let prepare = {
            let (bundle, merged, id, run) = (bundle.clone(), merged.to_owned(), id.clone(), run.clone());
            let secrets = secrets.clone();
            move || write_bundle(&bundle, &merged, &id, &run, &secrets)
        };
        blocking(prepare).await?;
        let [stdout, stderr] = super::logs::open(&folder)?;
        let (log, pid) = (text(&bundle.join("runtime.log"))?, text(&bundle.join("pid"))?);
        // The lock is the shell's input, so that it is held until the runtime is done, should castline end before that. What
        // the runtime starts has no part in it.
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#""$@" </dev/null; exit $?"#, "sh"])
            .arg(&self.program)
            .args(["--root", &text(&self.root)?, "--log", &log, "create", "--bundle", &text(&bundle)?])
            .args(["--pid-file", &pid, &id])
            .stdin(claim.lock()?)
            .stdout(stdout)
            .stderr(stderr);
        let mut child = command.spawn().map_err(failed("/bin/sh"))?;
        let ended = timeout(PATIENCE, child.wait())
            .await
            .map_err(|_| DriverError::temporary(format!("{} takes too long", self.program.display())))?;
        if ended.map_err(failed("/bin/sh"))?.success() {
            return Ok(());
        }
        let said = fs::read(&log).unwrap_or_default();
        Err(DriverError::permanent(format!("{}: {}", self.program.display(), shown(&said))))
    }

    async fn state(&self, id: &str) -> Result<Option<State>, DriverError> {
        if !self.root.join(id).exists() {
            return Ok(None);
        }
        match self.ask(&["state", id]).await {
            Ok(said) => serde_json::from_slice(&said)
                .map(Some)
                .map_err(|error| DriverError::temporary(format!("the state of the container {id}: {error}"))),
            Err(_) if !self.root.join(id).exists() => Ok(None),
            // One that was not made to the end.
            Err(error) if !error.is_temporary() => Ok(Some(State { status: "broken".into(), pid: 0 })),
            Err(error) => Err(error),
        }
    }

    /// Kills all that runs in the container, which stays.
    pub(super) async fn kill(&self, id: &str) {
        // It may have ended by itself, or never have been.
        if let Err(error) = self.ask(&["kill", "--all", id, "KILL"]).await {
            tracing::debug!(id, %error, "nothing to be killed");
        }
    }

    /// Removes the container, whatever state it is in.
    pub(super) async fn delete(&self, id: &str) -> Result<(), DriverError> {
        if !self.root.join(id).exists() {
            return Ok(());
        }
        self.ask(&["delete", "--force", id]).await.map(drop)
    }

    /// What runs a command inside the container, and what it has to be given on its standard input: of secrets, it is told there.
    pub(super) fn exec(
        &self,
        folder: &Folder,
        run: &Run,
        command: &[String],
    ) -> Result<(Command, Option<Vec<u8>>), DriverError> {
        let mut exec = Command::new(&self.program);
        exec.arg("--root").arg(&self.root).arg("exec").arg("--pid-file").arg(folder.join("bundle/check"));
        if run.secrets.is_empty() {
            exec.arg(&*folder.id()).args(command);
            return Ok((exec, None));
        }
        exec.args(["--process", "/dev/stdin"]).arg(&*folder.id());
        let input = serde_json::to_vec(&process(run, command, &folder.secrets(run)?));
        Ok((exec, Some(input.map_err(DriverError::permanent)?)))
    }

    async fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>, DriverError> {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(&self.root).args(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(PATIENCE, command.output())
            .await
            .map_err(|_| DriverError::temporary(format!("{} takes too long", self.program.display())))?
            .map_err(failed(self.program.display()))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(DriverError::permanent(format!(
            "`{} {}`: {}",
            self.program.display(),
            arguments.first().unwrap_or(&""),
            shown(&output.stderr)
        )))
    }
}

fn shown(said: &[u8]) -> String {
    String::from_utf8_lossy(&said[..said.len().min(SAID)]).trim().to_owned()
}

fn text(path: &Path) -> Result<String, DriverError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        DriverError::permanent(format!("{}: runtimes take only paths that are UTF-8", path.display()))
    })
}

/// What containers may do by default, as Docker has it (moby/moby `oci/caps/defaults.go`).
const CAPABILITIES: &[&str] = &[
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// What containers do not see, as Docker has it (moby/moby `oci/defaults.go`).
const MASKED: &[&str] = &[
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];
const READ_ONLY: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Files of the machine that an instance on its network needs.
const SHARED: &[&str] = &["/etc/hosts", "/etc/resolv.conf"];

fn write_bundle(
    bundle: &Path,
    root: &Path,
    id: &str,
    run: &Run,
    secrets: &Secrets,
) -> Result<(), DriverError> {
    Folder::new(bundle.to_owned()).write("config.json", &config(root, id, run, secrets)?)
}

/// A process in the container, as the runtime is told of it.
fn process(run: &Run, args: &[String], secrets: &Secrets) -> Value {
    // What the driver sets itself, such as `PORT`, goes first.
    let secrets = secrets.iter().filter(|(name, _)| !run.env.contains_key(*name));
    let env: Vec<String> =
        run.env.iter().chain(secrets).map(|(name, value)| format!("{name}={value}")).collect();
    json!({
        "terminal": false,
        "user": {"uid": run.user.uid, "gid": run.user.gid, "additionalGids": run.user.groups},
        "args": args,
        "env": env,
        "cwd": run.dir,
        "capabilities": {
            "bounding": CAPABILITIES,
            "effective": if run.user.uid == 0 { CAPABILITIES } else { &[] },
            "permitted": if run.user.uid == 0 { CAPABILITIES } else { &[] },
        },
        "noNewPrivileges": false,
    })
}

/// The control group of a container: of this one alone. Instances of two sites may have the same id, and whoever removes a container kills
/// all that is in its group.
fn cgroup(id: &str, root: &Path) -> String {
    let place = Digest::of(root.as_os_str().as_bytes());
    format!("/castline/{id}-{}", &place.encoded()[..12])
}

/// The runtime's configuration (runtime-spec `config.md`).
fn config(root: &Path, id: &str, run: &Run, secrets: &Secrets) -> Result<Value, DriverError> {
    let mount = |place: &str, kind: &str, options: &[&str]| json!({"destination": place, "type": kind, "source": kind, "options": options});
    let bind = |place: &str, source: &str, read_only: bool| {
        let options = ["rbind", "rprivate", if read_only { "ro" } else { "rw" }];
        json!({"destination": place, "type": "bind", "source": source, "options": options})
    };
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
        mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        bind("/sys", "/sys", true),
    ];
    let probe = run.args.first().is_some_and(|program| program == PROBE);
    let shared = SHARED.iter().filter(|path| !probe && Path::new(path).is_file());
    mounts.extend(shared.map(|path| bind(path, path, true)));
    mounts.extend(run.mounts.iter().map(|(place, it)| bind(place, &it.source, it.read_only)));
    let namespaces: Vec<Value> =
        ["pid", "ipc", "uts", "mount"].into_iter().map(|kind| json!({"type": kind})).collect();
    Ok(json!({
        "ociVersion": "1.0.2",
        "hostname": id,
        "root": {"path": text(root)?, "readonly": false},
        "process": process(run, &run.args, secrets),
        "mounts": mounts,
        "linux": {
            "cgroupsPath": cgroup(id, root),
            "namespaces": namespaces,
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    }))
}
