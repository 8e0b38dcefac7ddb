//! Fleets, releases, policies and plans out of files.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use castline::{Document, Fleet, Release, Time, plan::Target, policy::Policy};

use crate::{Failure, arguments::Targets};

/// Reads a document; `-` is standard input.
pub(crate) fn read<T: Document>(path: &Path) -> Result<T, Failure> {
    let bytes = bytes(path)?;
    T::from_json(&bytes).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Reads a file; `-` is standard input.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    read.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Puts together what belongs together: for each release its fleet, and the policy that names it or else the one that
/// names no service.
pub(crate) fn targets(arguments: &Targets) -> Result<Vec<Target>, Failure> {
    let all = |paths: &[PathBuf]| paths.iter().filter(|path| path.as_path() == Path::new("-")).count();
    if all(&arguments.fleet) + all(&arguments.release) + all(&arguments.policy) > 1 {
        return Err("only one document can be read from standard input".into());
    }
    let fleets: Vec<Fleet> = arguments.fleet.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let releases: Vec<Release> = arguments.release.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let policies: Vec<Policy> = arguments.policy.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let mut targets = Vec::with_capacity(releases.len());
    for release in releases {
        let service = release.service();
        let fleet = fleets.iter().find(|fleet| fleet.service() == service).cloned();
        let fleet =
            fleet.ok_or_else(|| format!("there is a release of {service}, and no fleet: add --fleet"))?;
        let policy = policy_for(&policies, service)?;
        targets.push(Target { fleet, release, policy });
    }
    if let Some(fleet) = fleets.iter().find(|fleet| targets.iter().all(|target| target.fleet != **fleet)) {
        return Err(format!("there is a fleet of {}, and no release: add --release", fleet.service()).into());
    }
    Ok(targets)
}

/// The policy that names the service, or else the one that names none; the default one, where none is given at all.
pub(crate) fn policy_for(policies: &[Policy], service: &str) -> Result<Policy, Failure> {
    let named = policies.iter().find(|policy| policy.service.as_deref() == Some(service));
    let policy = named.or_else(|| policies.iter().find(|policy| policy.service.is_none()));
    if policy.is_none() && !policies.is_empty() {
        return Err(format!("no policy is for {service}: one without `service` is for all").into());
    }
    Ok(policy.cloned().unwrap_or_default())
}

/// What time it is.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
