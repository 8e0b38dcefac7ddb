//! Starts programs that outlive castline, and runs commands beside them.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use castline_core::tar::normalize;
use rustix::{
    fs::{Mode, OFlags, ResolveFlags, openat2},
    process::Signal,
};
use tokio::{
    io::AsyncWriteExt as _,
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::{
    super::{failed, secrets::Secrets},
    Isolation, logs,
    process::Process,
    programs,
    record::{Claim, Run},
    tree::open_folder,
};
use crate::DriverError;

/// Writes down which process it is before it becomes the program, so that none runs that nobody knows of. Its input, until then, is
/// the instance's lock: whoever looks after it, if castline ends in between, finds either that or nothing.
const BECOME: &str = r#"read -r stat </proc/$$/stat || exit 126
read -r boot </proc/sys/kernel/random/boot_id || exit 126
printf '%s\n%s\n' "$stat" "$boot" >"$1" || exit 126
shift
exec "$@" </dev/null"#;

/// For how long a process may take to write that down.
const PATIENCE: Duration = Duration::from_secs(20);
/// What runs the program, without a container: what comes before it, and in which folder.
pub(super) fn words(
    isolation: Isolation,
    root: &Path,
    run: &Run,
    command: &[String],
) -> Result<(Vec<OsString>, PathBuf), DriverError> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| DriverError::permanent("there is no command to run"))?;
    if isolation == Isolation::Chroot {
        let unshare = programs::find("unshare")
            .ok_or_else(|| DriverError::permanent("`unshare` of util-linux is not in the usual folders"))?;
        let mut words: Vec<OsString> = vec![unshare.into()];
        let options = [
            ("--root=", root.as_os_str().to_owned()),
            ("--wd=", run.dir.clone().into()),
            ("--setgid=", run.user.gid.to_string().into()),
            ("--setuid=", run.user.uid.to_string().into()),
        ];
        for (name, value) in options {
            let mut option = OsString::from(name);
            option.push(value);
            words.push(option);
        }
        words.push("--".into());
        words.extend(command.iter().map(OsString::from));
        return Ok((words, PathBuf::from("/")));
    }
    let dir = root.join(std::ffi::OsStr::from_bytes(&normalize(run.dir.as_bytes()).path));
    let mut words = vec![program_in(root, program, run)?.into_os_string()];
    words.extend(arguments.iter().map(OsString::from));
    Ok((words, dir))
}

/// Where a program of the tree is on the machine. Its last name stays as it is where it leads to the same file, since programs look
/// at what they are called.
pub(super) fn program_in(root: &Path, program: &str, run: &Run) -> Result<PathBuf, DriverError> {
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![PathBuf::from(if program.starts_with('/') {
            program.to_owned()
        } else {
            format!("{}/{program}", run.dir)
        })]
    } else {
        let path = run.env.get("PATH").map_or("", String::as_str);
        path.split(':')
            .filter(|folder| !folder.is_empty())
            .map(|folder| Path::new(folder).join(program))
            .collect()
    };
    let folder = open_folder(root)?;
    let resolve = |path: &Path| {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let fd = openat2(&folder, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
        let fd = File::from(fd);
        let place = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
        Some((fd.metadata().ok()?, fs::read_link(place).ok()?))
    };
    for path in &candidates {
        let Some((_, place)) = resolve(path).filter(|(metadata, _)| metadata.is_file()) else { continue };
        let own = path.file_name().and_then(|name| {
            let (_, parent) = resolve(path.parent()?)?;
            Some(parent.join(name))
        });
        let own = own.filter(|own| fs::canonicalize(own).is_ok_and(|goal| goal == place));
        return Ok(own.unwrap_or(place));
    }
    Err(DriverError::permanent(format!("the program `{program}` is not in the image")))
}

/// Starts an instance's program in a session of its own, and waits until it has written down which process it is. Secrets are given to
/// that process, and to nothing else: no file or command line has them.
pub(super) async fn start(
    claim: &Claim,
    isolation: Isolation,
    root: &Path,
    run: &Run,
    secrets: &Secrets,
) -> Result<(), DriverError> {
    let folder = &claim.folder;
    let (words, dir) = words(isolation, root, run, &run.args)?;
    let setsid = programs::find("setsid")
        .ok_or_else(|| DriverError::permanent("`setsid` of util-linux is not in the usual folders"))?;
    let [stdout, stderr] = logs::open(folder)?;
    let mut command = Command::new(setsid);
    command
        .args(["/bin/sh", "-c", BECOME, "sh"])
        .arg(folder.join("process"))
        .args(words)
        .env_clear()
        .envs(secrets.iter())
        .envs(&run.env)
        .current_dir(dir)
        .stdin(claim.lock()?)
        .stdout(stdout)
        .stderr(stderr);
    if isolation == Isolation::Process {
        command.env("CASTLINE_ROOT", root);
    }
    let mut child = command.spawn().map_err(failed("`setsid`"))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if folder.process()?.is_some() {
            return Ok(());
        }
        if let Some(status) = child.try_wait().map_err(failed("`setsid`"))? {
            // It may have written that down between the two looks.
            if folder.process()?.is_some() {
                return Ok(());
            }
            let said = logs::last_words(folder);
            return Err(DriverError::permanent(format!("it could not be started ({status}): {said}")));
        }
        if Instant::now() > deadline {
            let _ = child.start_kill();
            return Err(DriverError::temporary("it takes too long to start"));
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Runs a health check; why it has failed, if it has. `input` is what it is given on its standard input. `inside` is where a
/// runtime writes down the process that it has started for the check, which is not its own child. What it says goes to `log`.
pub(super) async fn check(
    mut command: Command,
    patience: Duration,
    input: Option<Vec<u8>>,
    inside: Option<PathBuf>,
    log: Option<File>,
) -> Option<String> {
    let also = log.as_ref().and_then(|log| log.try_clone().ok());
    command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(also.map_or_else(Stdio::null, Stdio::from))
        .stderr(log.map_or_else(Stdio::null, Stdio::from))
        .process_group(0)
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Some(format!("it cannot be run: {error}")),
    };
    let process = child.id().and_then(|pid| Process::of(i32::try_from(pid).ok()?));
    let given = child.stdin.take().zip(input);
    let ended = async {
        if let Some((mut stdin, input)) = given {
            // Who does not read it ends, and says why.
            let _ = stdin.write_all(&input).await;
        }
        child.wait().await
    };
    match timeout(patience, ended).await {
        Ok(Ok(status)) if status.success() => None,
        Ok(Ok(status)) => Some(status.to_string()),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => {
            let inside = inside.and_then(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
            if let Some(process) = inside.and_then(Process::of) {
                process.kill();
            }
            if let Some(process) = process {
                process.signal_group(Signal::KILL);
            }
            Some(format!("it took longer than {} ms", patience.as_millis()))
        }
    }
}
