//! Containers as engines describe them.

use std::{collections::BTreeMap, sync::Arc};

use castline_core::{Health, Instance, Phase, Release, Time, drift::InstanceSpec};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{labels, secrets::Secrets};
use crate::Endpoint;

/// What a container's name ends in once it is on its way out: names are all of a container that can be changed later, so that they
/// remember it when castline does not.
pub(super) const RETIRING: &str = ".retiring";
/// On its way into quarantine.
pub(super) const ISOLATING: &str = ".isolating";
/// In quarantine.
pub(super) const QUARANTINED: &str = ".quarantined";

/// A container, as `GET /containers/ID/json` has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    created: String,
    image: String,
    pub(super) state: State,
    config: Config,
    #[serde(default)]
    pub(super) graph_driver: Option<GraphDriver>,
    #[serde(default)]
    network_settings: Option<NetworkSettings>,
    #[serde(default)]
    mounts: Option<Vec<MountPoint>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct State {
    pub(super) status: String,
    #[serde(default)]
    running: bool,
    #[serde(default)]
    pub(super) pid: u32,
    #[serde(default)]
    exit_code: i64,
    #[serde(default)]
    error: String,
    #[serde(default)]
    started_at: String,
    #[serde(default)]
    pub(super) health: Option<Checked>,
}

/// What health checks have said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Checked {
    #[serde(default)]
    status: String,
    #[serde(default)]
    failing_streak: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    healthcheck: Option<Check>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Check {
    #[serde(default)]
    test: Option<Vec<String>>,
    /// In nanoseconds.
    #[serde(default)]
    interval: u64,
}

/// Where the engine keeps the container's files.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GraphDriver {
    #[serde(default)]
    pub(super) data: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(default)]
    networks: Option<BTreeMap<String, Network>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Network {
    #[serde(default, rename = "IPAddress")]
    address: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MountPoint {
    #[serde(default)]
    destination: String,
}

impl Container {
    /// The value of a label.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.config.labels.as_ref()?.get(name).map(String::as_str)
    }

    /// The name without what says that it is on its way out.
    pub(super) fn plain_name(&self) -> &str {
        let name = self.name.trim_start_matches('/');
        [RETIRING, ISOLATING, QUARANTINED].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
    }

    /// Whether it was ever started. One that was not is not there yet: to launch it makes it whole.
    pub(super) fn is_begun(&self) -> bool {
        !matches!(&*self.state.status, "created" | "configured" | "initialized")
    }

    /// Whether the engine has tried to start it, and could not.
    pub(super) fn is_refused(&self) -> bool {
        !self.state.running && (self.state.exit_code != 0 || !self.state.error.is_empty())
    }

    pub(super) fn phase(&self) -> Phase {
        if self.name.ends_with(QUARANTINED) {
            Phase::Quarantined
        } else if self.name.ends_with(RETIRING)
            || self.name.ends_with(ISOLATING)
            || self.state.status == "removing"
        {
            Phase::Terminating
        } else {
            Phase::Running
        }
    }

    /// Whether it checks health by just this command, or not at all where there is none.
    pub(super) fn checks(&self, command: Option<&[String]>) -> bool {
        let test =
            self.config.healthcheck.as_ref().and_then(|check| check.test.as_deref()).unwrap_or_default();
        match (command, test.split_first()) {
            (None, None) => true,
            (None, Some((first, _))) => first == "NONE" || first.is_empty(),
            (Some(command), Some((first, words))) => first == "CMD" && words == command,
            (Some(_), None) => false,
        }
    }

    /// How long after a check the next one begins, in milliseconds, where it has one.
    pub(super) fn interval(&self) -> Option<u64> {
        let check = self.config.healthcheck.as_ref()?;
        let first = check.test.as_ref()?.first()?;
        (first != "NONE").then_some(check.interval / 1_000_000)
    }

    pub(super) fn health(&self) -> Health {
        if !self.state.running {
            return Health::Failed;
        }
        match (self.interval(), self.state.health.as_ref().map(|checked| &*checked.status)) {
            (None, _) | (_, Some("healthy")) => Health::Ready,
            (_, Some("unhealthy")) => Health::Failed,
            _ => Health::NotReady,
        }
    }

    /// Why it has failed.
    pub(super) fn reason(&self) -> String {
        let State { running, exit_code, error, health, .. } = &self.state;
        match health {
            _ if !running && !error.is_empty() => format!("it has ended with {exit_code}: {error}"),
            _ if !running => format!("it has ended with {exit_code}"),
            Some(checked) => format!("its health check has failed {} times in a row", checked.failing_streak),
            None => "its health check has failed".into(),
        }
    }

    /// The instance; `since` is when this process first saw it ready.
    pub(super) fn instance(&self, since: Option<Time>) -> Instance {
        let text = |name: &str| self.label(name).unwrap_or_default().to_owned();
        let created = self.created.parse().ok();
        let mut instance = Instance::new(self.id.clone())
            .with_image(self.image.clone())
            .with_zone(text(labels::ZONE))
            .with_phase(self.phase())
            .with_health(self.health());
        instance.revision = text(labels::REVISION).parse().ok();
        instance.slot = self.label(labels::SLOT).map(Arc::from);
        instance.created_at = created;
        if instance.is_available() {
            let started: Option<Time> = self.state.started_at.parse().ok();
            instance.ready_at = if self.interval().is_none() { started.or(created) } else { since };
        }
        instance.labels = Arc::new(self.config.labels.clone().unwrap_or_default());
        instance
    }

    /// Where it gets traffic, if it does: at its host's address, or at its own.
    pub(super) fn endpoint(&self, host: &str, port: Option<u16>) -> Option<Endpoint> {
        if self.phase() != Phase::Running || self.health() != Health::Ready {
            return None;
        }
        let address = match self.label(labels::PORT) {
            Some(port) => format!("{host}:{port}"),
            None => {
                let networks = self.network_settings.as_ref()?.networks.as_ref()?;
                let address = networks.values().map(|network| &network.address).find(|it| !it.is_empty())?;
                format!("{address}:{}", port?)
            }
        };
        Some(Endpoint {
            instance: self.id.clone().into(),
            address,
            zone: self.label(labels::ZONE).unwrap_or_default().into(),
            revision: self.label(labels::REVISION).unwrap_or_default().to_owned(),
        })
    }

    /// Where something is mounted.
    pub(super) fn mounts(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().flatten().map(|mount| &*mount.destination)
    }
}

/// The ways to say which command checks health. The first is the API's. Podman 4 joins its words and parts them again at their spaces,
/// and takes a list whole that is written as JSON in one word (containers/podman `pkg/specgenutil/specgen.go`, `makeHealthCheckFromCli`);
/// which of them an engine has understood, it says afterwards.
pub(super) fn tests(release: &Release) -> Vec<Vec<String>> {
    let Some(check) = &release.spec().health else { return vec![vec!["NONE".into()]] };
    let plain = std::iter::once("CMD".to_owned()).chain(check.command.iter().cloned()).collect();
    vec![plain, vec![json!(check.command).to_string()]]
}

/// What a container is made from (`POST /containers/create`). Secrets are among its variables, as engines have no other way to give a
/// container any.
pub(super) fn body(
    release: &Release,
    image: &str,
    network: &str,
    labels: &BTreeMap<String, String>,
    port: Option<u16>,
    test: &[String],
    secrets: &Secrets,
) -> Value {
    let InstanceSpec { env, entrypoint, args, user, working_dir, mounts, health, .. } = release.spec();
    let mut variables = env.clone().unwrap_or_default();
    variables.extend(secrets.iter().map(|(name, value)| (name.clone(), value.clone())));
    if let Some(port) = port {
        variables.insert("PORT".into(), port.to_string());
    }
    let variables: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mounts: Vec<Value> = mounts
        .iter()
        .flatten()
        .map(|(target, mount)| {
            let kind = if mount.source.starts_with('/') { "bind" } else { "volume" };
            json!({"Type": kind, "Source": mount.source, "Target": target, "ReadOnly": mount.read_only})
        })
        .collect();
    let nanos = |millis: u64| millis.saturating_mul(1_000_000).min(i64::MAX.unsigned_abs());
    // The release says how health is checked; what the image says is no part of it.
    let check = health.as_ref().map_or_else(
        || json!({"Test": ["NONE"]}),
        |check| {
            json!({
                "Test": test,
                "Interval": nanos(check.interval_millis.max(1)),
                "Timeout": nanos(check.timeout_millis.max(1)),
                "Retries": check.retries.max(1),
                "StartPeriod": nanos(check.start_period_millis),
            })
        },
    );
    let mut body = json!({
        "Image": image,
        "Env": variables,
        "Labels": labels,
        "Healthcheck": check,
        "HostConfig": {
            "NetworkMode": network,
            "Mounts": mounts,
            // An instance is replaced, never started again.
            "RestartPolicy": {"Name": "no"},
        },
    });
    let mut say = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
            body.insert(name.into(), value);
        }
    };
    say("Entrypoint", entrypoint.as_ref().map(|words| json!(words)));
    say("Cmd", args.as_ref().map(|words| json!(words)));
    say("User", user.as_ref().map(|user| json!(user)));
    say("WorkingDir", working_dir.as_ref().map(|dir| json!(dir)));
    body
}
