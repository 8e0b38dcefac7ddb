//! Programs of other projects that tests compare castline with, or run instances under.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{checks::execute, say};

/// A program, and the Debian package that has it.
const ENGINES: &[(&str, &str)] = &[
    ("busybox", "busybox-static"),
    ("crun", "crun"),
    ("docker-registry", "docker-registry"),
    ("htpasswd", "apache2-utils"),
    ("dockerd", "docker.io"),
    ("mtree", "mtree-netbsd"),
    ("openssl", "openssl"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("setcap", "libcap2-bin"),
    ("skopeo", "skopeo"),
    ("umoci", "umoci"),
    ("zstd", "zstd"),
];

/// Installs what is missing, where that can be done: as root on Debian.
///
/// # Errors
///
/// When the packages cannot be installed.
pub(crate) fn install() -> io::Result<()> {
    require(ENGINES).map(|_| ())
}

/// The same of other programs, each with the Debian packages that have it; those that are still missing.
///
/// # Errors
///
/// As [`install`].
pub(crate) fn require(programs: &[(&'static str, &str)]) -> io::Result<Vec<&'static str>> {
    let missing: Vec<_> = programs.iter().filter(|(program, _)| !is_there(program)).collect();
    let packages: Vec<&str> = missing.iter().flat_map(|(_, packages)| packages.split(' ')).collect();
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    if !is_there("apt-get") || !is_root()? {
        say(&format!("not installed, since we are not root on Debian: {}", packages.join(" ")));
        return Ok(missing.iter().map(|(program, _)| *program).collect());
    }
    say(&format!("installing {}", packages.join(" ")));
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    execute(Path::new("."), &["apt-get", "update", "-q"], &quiet)?;
    let mut command = vec!["apt-get", "install", "-yq", "--no-install-recommends"];
    command.extend(packages);
    execute(Path::new("."), &command, &quiet)?;
    Ok(Vec::new())
}

/// Whether the programs are there, and we are root if they need it. If not, the test is to return: that is said on
/// standard error.
///
/// # Panics
///
/// If not, and `CI` is `true`: there, nothing may be skipped.
pub fn available(programs: &[&str], as_root: bool) -> bool {
    let missing: Vec<&str> = programs.iter().copied().filter(|program| !is_there(program)).collect();
    let why = if !missing.is_empty() {
        let packages = ENGINES.iter().filter(|(program, _)| missing.contains(program));
        let packages: Vec<&str> = packages.map(|(_, package)| *package).collect();
        format!("{} not found; on Debian: apt-get install {}", missing.join(", "), packages.join(" "))
    } else if as_root && !is_root().unwrap_or(false) {
        "it needs to be run as root".to_owned()
    } else {
        return true;
    };
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "a test cannot be run: {why}");
    say(&format!("SKIPPED: {why}"));
    false
}

/// A program of those that are [`available`], to be given what it is to do. Engines look for their runtimes in the same folders.
pub fn command(program: &str) -> Command {
    let found = folders().map(|folder| folder.join(program)).find(|path| path.is_file());
    let mut command = Command::new(found.unwrap_or_else(|| program.into()));
    if let Ok(path) = env::join_paths(folders()) {
        command.env("PATH", path);
    }
    command
}

/// Where programs are looked for: those of root as well, which are not in everyone's `PATH`.
fn folders() -> impl Iterator<Item = PathBuf> {
    let paths: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    paths.into_iter().chain(["/usr/sbin".into(), "/sbin".into()])
}

fn is_there(program: &str) -> bool {
    folders().any(|folder| folder.join(program).is_file())
}

fn is_root() -> io::Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}
