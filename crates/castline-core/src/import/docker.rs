//! What `docker inspect` and `podman inspect` print of containers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    Import, NAME, REVISION, Services,
    draft::Drafts,
    invalid, names_a_digest,
    read::{self, At, Reason},
};
use crate::{
    Health, Instance, Phase, Result,
    drift::{InstanceSpec, Mount},
    json::Json,
};

/// How to take containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DockerOptions {
    /// Which service a container is a copy of.
    pub services: Services,
    /// The zone that the engine is in: a host knows of none.
    pub zone: Option<String>,
}

impl DockerOptions {
    /// The same, telling services apart so.
    #[must_use]
    pub fn with_services(self, services: Services) -> Self {
        Self { services, ..self }
    }

    /// The same, in this zone.
    #[must_use]
    pub fn with_zone(self, zone: impl Into<String>) -> Self {
        Self { zone: Some(zone.into()), ..self }
    }
}

/// Fleets, and how each container is run, out of what `docker inspect` or `podman inspect` prints of containers.
///
/// The id is the container's; its name is the label [`NAME`]. The image is what the engine calls `Image`: the digest of
/// the configuration or, of Docker's containerd store, that of a manifest or an index. A container that ended as it
/// should and is not to be started again is left out, with a note, and so is a pod's infrastructure.
///
/// ```
/// use castline_core::{Health, import::{self, DockerOptions, Services}};
///
/// let inspected = br#"[{
///     "Id": "4f1c9d0e", "Name": "/web-1", "Created": "2026-11-20T08:00:00.123456789Z",
///     "Image": "sha256:9c7a54a9a43cca047013b82af109fe963fde787f63f9e016fdc3384500c2823d",
///     "State": {"Status": "running", "StartedAt": "2026-11-20T08:00:01Z", "Health": {"Status": "unhealthy"}},
///     "Config": {"Env": ["PORT=80"], "Cmd": ["serve"], "Labels": {"com.docker.compose.service": "web"}},
///     "Mounts": []
/// }]"#;
/// let import = import::docker(&[inspected], &DockerOptions::default())?;
/// let web = &import.services["web"];
/// assert_eq!(web.fleet.instances()[0].health, Health::NotReady);
/// assert_eq!(web.specs["4f1c9d0e"].env.as_ref().map(|env| &*env["PORT"]), Some("80"));
/// # Ok::<(), castline_core::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for what is no such list, with the place.
pub fn docker(documents: &[&[u8]], options: &DockerOptions) -> Result<Import> {
    import(documents, options).map_err(|reason| invalid("list of inspected containers", &reason))
}

fn import(documents: &[&[u8]], options: &DockerOptions) -> Result<Import, Reason> {
    let mut drafts = Drafts::default();
    let documents = read::documents(documents)?;
    let mut known: HashMap<&str, &Json> = HashMap::new();
    for (place, document) in &documents {
        // The API gives one container by itself.
        if let Json::Object(_) = document {
            container(&At::root(place, document), options, &mut known, &mut drafts)?;
            continue;
        }
        for item in At::root(place, document).as_items()? {
            container(&item.at().as_object()?, options, &mut known, &mut drafts)?;
        }
    }
    drafts.into_import()
}

fn container<'j>(
    at: &At<'_, 'j>,
    options: &DockerOptions,
    known: &mut HashMap<&'j str, &'j Json>,
    drafts: &mut Drafts,
) -> Result<(), Reason> {
    let id = at.required("Id")?;
    if let Some(first) = known.insert(id, at.json) {
        let id = crate::shown(id);
        return if first == at.json {
            Ok(())
        } else {
            Err(at.fault(format_args!("the container `{id}` stands twice, and not alike")))
        };
    }
    let name = at.text("Name")?.map_or(id, |name| name.trim_start_matches('/'));
    if at.member("State").is_none() || at.member("Config").is_none() {
        drafts.notes.of("it is no container, and is left out", name);
        return Ok(());
    }
    let (state, config) = (at.object("State")?, at.object("Config")?);
    let labels = config.texts("Labels")?;
    if at.boolean("IsInfra")? == Some(true) {
        drafts.notes.of("it holds the namespaces of a pod, and is left out", name);
        return Ok(());
    }
    if labels.get("com.docker.compose.oneoff").is_some_and(|oneoff| oneoff == "True") {
        drafts.notes.of("it was run once by hand, beside its service, and is left out", name);
        return Ok(());
    }
    let Some((service, origin)) = service(&labels, &options.services) else {
        drafts.notes.of("it has no label that names its service, and is left out", name);
        return Ok(());
    };
    let status = state.required("Status")?;
    let ended = matches!(status, "exited" | "stopped");
    let restart = at.object("HostConfig")?.object("RestartPolicy")?.text("Name")?.unwrap_or("no");
    if ended && matches!(restart, "no" | "on-failure") && state.integer("ExitCode")? == Some(0) {
        drafts.notes.of("it has completed and is left out", name);
        return Ok(());
    }

    let (phase, health) = match status {
        "created" | "configured" | "initialized" => (Phase::Pending, Health::NotReady),
        "running" => (Phase::Running, checked(&state)?.unwrap_or(Health::Ready)),
        "paused" | "restarting" => (Phase::Running, Health::NotReady),
        "stopping" | "removing" => (Phase::Terminating, Health::NotReady),
        "exited" | "stopped" | "dead" => (Phase::Running, Health::Failed),
        other => {
            drafts.notes.of(format!("what the state `{}` means is not known", crate::shown(other)), name);
            (Phase::Running, Health::Unknown)
        }
    };
    let mut instance = Instance::new(id).with_phase(phase).with_health(health);
    let image = image(at, name, &mut drafts.notes)?;
    instance.image = drafts.shared(&image);
    instance.zone = drafts.shared(options.zone.as_deref().unwrap_or_default());
    instance.revision = drafts.revision(labels.get(REVISION), name);
    instance.created_at = at.time("Created")?;
    // Since when a check has been passed, no engine says.
    if health == Health::Ready && checked(&state)?.is_none() {
        instance.ready_at = state.time("StartedAt")?;
    }
    let mut all = labels.clone();
    all.insert(NAME.into(), name.into());
    instance.labels = Arc::new(all);
    let spec = spec(at, &config, labels, name, drafts)?;

    let draft = drafts.service(&service, &origin).map_err(|reason| at.fault(reason))?;
    draft.specs.insert(Arc::clone(&instance.id), spec);
    draft.instances.push(instance);
    Ok(())
}

/// The service of a container, and what tells two of one name apart.
fn service(labels: &BTreeMap<String, String>, services: &Services) -> Option<(String, String)> {
    let label = |key: &str| labels.get(key).filter(|value| !value.is_empty()).cloned();
    let compose = || Some((label("com.docker.compose.project"), label("com.docker.compose.service")?));
    let swarm = || Some((label("com.docker.stack.namespace"), label("com.docker.swarm.service.name")?));
    let (project, service) = match services {
        Services::Label(key) => return Some((label(key)?, String::new())),
        Services::One(name) => return Some((name.clone(), String::new())),
        Services::Workload | Services::Qualified => compose().or_else(swarm)?,
    };
    let origin = format!("that of project `{}`", project.as_deref().unwrap_or_default());
    match project {
        Some(project) if *services == Services::Qualified => Some((format!("{project}/{service}"), origin)),
        _ => Some((service, origin)),
    }
}

/// What the health check says, where there is one: Docker's and newer Podman's `Health`, older Podman's `Healthcheck`.
fn checked(state: &At<'_, '_>) -> Result<Option<Health>, Reason> {
    let docker = state.object("Health")?.text("Status")?;
    let status = match docker {
        Some(status) => Some(status),
        None => state.object("Healthcheck")?.text("Status")?,
    };
    Ok(match status {
        None | Some("none") => None,
        Some("healthy") => Some(Health::Ready),
        Some("starting" | "unhealthy") => Some(Health::NotReady),
        Some(_) => Some(Health::Unknown),
    })
}

/// The digest that names its image: of the configuration, alone or after `sha256:`, or of what was pulled.
fn image(at: &At<'_, '_>, name: &str, notes: &mut super::notes::Notes) -> Result<String, Reason> {
    for member in ["Image", "ImageDigest"] {
        let Some(image) = at.text(member)?.filter(|image| names_a_digest(image)) else { continue };
        return Ok(if image.contains(':') { image.into() } else { format!("sha256:{image}") });
    }
    notes.of("it reports no digest of its image", name);
    Ok(String::new())
}

fn spec(
    at: &At<'_, '_>,
    config: &At<'_, '_>,
    labels: BTreeMap<String, String>,
    name: &str,
    drafts: &mut Drafts,
) -> Result<InstanceSpec, Reason> {
    let mut env = BTreeMap::new();
    for pair in config.words("Env")?.unwrap_or_default() {
        let (variable, value) = pair.split_once('=').unwrap_or((&pair, ""));
        if env.insert(variable.to_owned(), value.to_owned()).is_some() {
            let variable = crate::shown(variable);
            drafts.notes.of(format!("it has the variable `{variable}` twice, and the last counts"), name);
        }
    }
    let command = command(at, config)?;
    if command.is_none() {
        drafts.notes.of("its entrypoint is one text of several words, and its command is not compared", name);
    }
    let (entrypoint, args) = command.unzip();
    let mut mounts = BTreeMap::new();
    for item in at.items("Mounts")? {
        let at = item.at().as_object()?;
        let volume = at.text("Type")? == Some("volume");
        let source = if volume { at.text("Name")? } else { None };
        let source = source.or(at.text("Source")?).unwrap_or_default().to_owned();
        let mount = Mount { source, read_only: at.boolean("RW")? == Some(false) };
        if mounts.insert(at.required("Destination")?.to_owned(), mount).is_some() {
            return Err(at.fault("something else is mounted at this place"));
        }
    }
    Ok(InstanceSpec {
        env: Some(env),
        // Which of them are secrets, no engine knows.
        secrets: None,
        entrypoint,
        args,
        user: Some(config.text("User")?.unwrap_or_default().into()),
        working_dir: Some(config.text("WorkingDir")?.unwrap_or_default().into()),
        mounts: Some(mounts),
        labels: Some(labels),
        // Not stated: which check runs is of no consequence for what runs.
        health: None,
    })
}

/// Entrypoint and arguments.
type Command = (Vec<String>, Vec<String>);

/// What is run. Podman before version 5 joins the words of an entrypoint to one text; what was started tells
/// them apart.
fn command(at: &At<'_, '_>, config: &At<'_, '_>) -> Result<Option<Command>, Reason> {
    let args = config.words("Cmd")?.unwrap_or_default();
    let joined = config.member("Entrypoint").and_then(|entrypoint| entrypoint.json.text());
    let Some(joined) = joined else {
        return Ok(Some((config.words("Entrypoint")?.unwrap_or_default(), args)));
    };
    if !joined.contains(char::is_whitespace) {
        let words = Some(joined.to_owned()).filter(|word| !word.is_empty());
        return Ok(Some((words.into_iter().collect(), args)));
    }
    let mut started = vec![at.text("Path")?.unwrap_or_default().to_owned()];
    started.extend(at.words("Args")?.unwrap_or_default());
    let entrypoint = started.strip_suffix(&*args).filter(|words| words.join(" ") == joined);
    Ok(entrypoint.map(|words| (words.to_vec(), args.clone())))
}
