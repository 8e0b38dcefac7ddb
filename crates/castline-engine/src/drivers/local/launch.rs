//! Launching: an image's tree, a record, a root filesystem, a process, in this order. Who asks may stop waiting at any time, and
//! castline may be killed: what is there by then is found by whoever asks again.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use castline_core::{Release, Runtime, drift::InstanceSpec, rollout::What};
use rustix::{
    fs::{FlockOperation, flock},
    process::{Signal, geteuid},
};

use super::{
    super::{blocking, failed, images::Known, now, perform::Launch, ports::is_free, secrets::Secrets},
    Inner, Isolation, LocalDriver, mounts,
    record::{Claim, Folder, Record, Run},
    start,
    store::{private_folder, remove},
    tree, user,
};
use crate::DriverError;

/// The `PATH` of instances whose image has none, as Docker has it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl LocalDriver {
    pub(super) async fn launch(&self, launch: Launch<'_>) -> Result<Vec<What>, DriverError> {
        let zones = &self.0.config.zones;
        if !zones.is_empty() && !zones.iter().any(|known| **known == **launch.zone) {
            let (zone, zones) = (launch.zone, zones.join(", "));
            let why = DriverError::permanent(format!("there is no zone `{zone}`: zones are {zones}"));
            return Ok(launch.failed(&why));
        }
        let id = launch.name();
        let Some(claim) = self.0.folder(&id).claim(true).await? else {
            return Err(DriverError::temporary("it was removed"));
        };
        if claim.folder.record()?.is_some() && claim.folder.process()?.is_some() {
            return Ok(launch.done(id));
        }
        match self.bring_up(&claim, launch).await {
            Ok(()) => Ok(launch.done(id)),
            // It is tried again, from where it got to.
            Err(error) if error.is_temporary() => Err(error),
            Err(error) => {
                self.0.clear(&claim).await?;
                Ok(launch.failed(&error))
            }
        }
    }

    /// Makes an instance, or finishes what was begun: until there is a process, nothing counts as done.
    async fn bring_up(&self, claim: &Claim, launch: Launch<'_>) -> Result<(), DriverError> {
        let isolation = self.isolation().await?;
        let prepare = {
            let (inner, release) = (Arc::clone(&self.0), launch.release.clone());
            move || {
                let secrets = Secrets::of(release.spec())?;
                let known = inner.images.of(&release)?;
                let root = inner.store.root(&known)?;
                let runtime = known.image.config().map(|config| config.runtime().clone()).unwrap_or_default();
                let run = Inner::run(&release, &runtime, &root, isolation)?;
                Ok((known, root, run, secrets))
            }
        };
        let (known, lower, mut run, secrets) = blocking(prepare).await?;
        let folder = &claim.folder;
        let before = folder.record()?;
        let choosing = self.0.ports.lock().await;
        let port = self.0.port(before.as_ref().and_then(|record| record.port))?;
        if let Some((_, port)) = &port {
            run.env.insert("PORT".into(), port.to_string());
        }
        let record = Record {
            key: launch.key.clone(),
            service: Arc::clone(launch.service),
            zone: Arc::clone(launch.zone),
            slot: launch.slot.cloned(),
            revision: launch.revision.clone(),
            image: known.image.digest().to_string().into(),
            labels: launch.labels(),
            created_at: now(),
            port: port.as_ref().map(|(_, port)| *port),
            isolation,
            run,
            disposal: None,
            disposed: false,
        };
        folder.write("instance.json", &record)?;
        // Now that it is written down, nobody else takes the port.
        drop((port, choosing));
        let root = {
            let (inner, folder, record, known) = (Arc::clone(&self.0), folder.clone(), record.clone(), known);
            let held = claim.lock()?;
            blocking(move || {
                let _held = held;
                inner.root(&folder, &record, &known, Some(&lower))
            })
            .await?
        };
        let started = match isolation {
            Isolation::Container => self.0.runtime().await?.launch(claim, &root, &record.run, &secrets).await,
            _ => start::start(claim, isolation, &root, &record.run, &secrets).await,
        };
        started.map_err(|error| secrets.hidden(error))
    }
}

impl Inner {
    /// How an instance is run: as the release says, and the image where it says nothing.
    fn run(
        release: &Release,
        image: &Runtime,
        root: &Path,
        isolation: Isolation,
    ) -> Result<Run, DriverError> {
        let InstanceSpec { env, secrets, entrypoint, args, user, working_dir, mounts, health, .. } =
            release.spec().over(image);
        let args: Vec<String> = entrypoint.into_iter().chain(args).flatten().collect();
        if args.is_empty() {
            return Err(DriverError::permanent("neither the release nor the image says what is to be run"));
        }
        if health.as_ref().is_some_and(|health| health.command.is_empty()) {
            return Err(DriverError::permanent("the release's health check has no command"));
        }
        let user = user::resolve(&user.unwrap_or_default(), root)?;
        let mounts = mounts.unwrap_or_default();
        if isolation == Isolation::Process {
            let own = geteuid().as_raw();
            if user.uid != own && user.uid != 0
                || user.uid == 0 && !geteuid().is_root() && release.spec().user.is_some()
            {
                return Err(DriverError::permanent(format!(
                    "it is to be run as user {}: without a container or chroot, it can only be user {own}",
                    user.uid
                )));
            }
            if !mounts.is_empty() {
                return Err(DriverError::permanent("mounts need a container or chroot"));
            }
        }
        for (place, mount) in &mounts {
            if !mount.source.starts_with('/') || !place.starts_with('/') {
                return Err(DriverError::permanent(format!(
                    "the mount {place} of {}: the driver local mounts only folders and files of this machine, by their whole path",
                    mount.source
                )));
            }
        }
        let mut env = env.unwrap_or_default();
        env.entry("PATH".into()).or_insert_with(|| PATH.into());
        let dir = working_dir.filter(|dir| !dir.is_empty()).unwrap_or_else(|| "/".into());
        let stop_signal = image.stop_signal.as_deref().and_then(signal).unwrap_or(Signal::TERM).as_raw();
        let secrets = secrets.unwrap_or_default().into_keys().collect();
        Ok(Run { args, env, secrets, dir, user, mounts, stop_signal, health })
    }

    /// A port that no instance has and nobody listens on, with the lock under which it was chosen.
    fn port(&self, before: Option<u16>) -> Result<Option<(fs::File, u16)>, DriverError> {
        let Some(range) = self.config.port_range else { return Ok(None) };
        let path = self.state.join("ports.lock");
        let lock = fs::File::create(&path).map_err(failed(path.display()))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(path.display())(error.into()))?;
        if let Some(port) = before.filter(|port| range.ports().any(|known| known == *port)) {
            return Ok(Some((lock, port)));
        }
        let mut taken = BTreeSet::new();
        for folder in self.folders()? {
            taken.extend(folder.record()?.and_then(|record| record.port));
        }
        let free = range.ports().find(|port| !taken.contains(port) && is_free(*port));
        let port = free.ok_or_else(|| range.exhausted())?;
        Ok(Some((lock, port)))
    }

    /// The root filesystem of an instance, as it is to be used. `lower` is the store's tree; without it, only what is there is
    /// looked for.
    pub(super) fn root(
        &self,
        folder: &Folder,
        record: &Record,
        known: &Known,
        lower: Option<&Path>,
    ) -> Result<PathBuf, DriverError> {
        if record.isolation == Isolation::Process {
            let tree = folder.join("tree");
            if let Some(lower) = lower {
                // Half of one is none.
                remove(&tree)?;
                private_folder(&tree)?;
                let expected = self.store.expected(known);
                tree::make(&tree, &expected, &tree::Contents::Folder(lower), folder.path())?;
            }
            return Ok(tree);
        }
        let store;
        let lower = match lower {
            Some(lower) => {
                // What a launch that did not get to its end has left is not what this one starts from.
                mounts::unmount_below(folder.path())?;
                for name in ["upper", "work", "merged"] {
                    remove(&folder.join(name))?;
                }
                lower
            }
            None => {
                store = self.store.root(known)?;
                &store
            }
        };
        let top =
            known.tree.get(b"").cloned().ok_or_else(|| DriverError::permanent("the image has no root"))?;
        let merged = mounts::overlay(folder, lower, &top)?;
        if record.isolation == Isolation::Chroot {
            mounts::furnish(&merged, &record.run.mounts)?;
        }
        Ok(merged)
    }
}

/// A signal by its name or number, as in an image's `StopSignal`.
fn signal(text: &str) -> Option<Signal> {
    let known = [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("KILL", Signal::KILL),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("TERM", Signal::TERM),
        ("WINCH", Signal::WINCH),
    ];
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let known = known.into_iter().find(|(known, _)| *known == name).map(|(_, signal)| signal);
    known.or_else(|| Signal::from_named_raw(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_known_by_name_and_number() {
        for (text, expected) in [
            ("SIGQUIT", Some(Signal::QUIT)),
            ("WINCH", Some(Signal::WINCH)),
            ("15", Some(Signal::TERM)),
            ("SIGNOTHING", None),
            ("0", None),
        ] {
            assert_eq!(signal(text), expected, "{text}");
        }
    }
}
