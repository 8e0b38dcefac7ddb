//! A site: which platform it is, by which driver, and where its ledger is.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use castline::{
    drift::HealthCheck,
    engine::{
        Answerer, CommandDriver, Contents, Driver, Executor, Holder, LocalConfig, LocalDriver, Options,
        Planner, Remote, Store, StoreError,
    },
    ledger::Anchor,
    policy::Policy,
};
use serde::Deserialize;

use super::{short, status::moment};
use crate::Failure;

/// What a site's file says. Secrets have no place in it: drivers take them from where their platforms have them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SiteFile {
    pub(super) ledger: PathBuf,
    actor: Option<String>,
    local: Option<LocalConfig>,
    #[cfg(feature = "docker")]
    docker: Option<castline::engine::DockerConfig>,
    command: Option<CommandConfig>,
    pub(super) test: Option<HealthCheck>,
    /// The programs that answer analyses, by the names that policies give these.
    #[serde(default)]
    analyses: BTreeMap<String, Vec<String>>,
}

const NO_DRIVER: &str = "no driver is named: add one of [local], [docker] and [command]";

/// A program that is a driver.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CommandConfig {
    /// The program and its arguments.
    command: Vec<String>,
    /// What it is called in messages.
    name: Option<String>,
    /// How long each answer may take.
    timeout_seconds: Option<u64>,
}

/// A site, opened: its driver is there, its ledger not read yet.
pub(crate) struct Site {
    pub(crate) driver: Arc<dyn Driver>,
    /// The driver as what it is, where it keeps images itself.
    pub(crate) local: Option<LocalDriver>,
    /// Who does what is done.
    pub(crate) actor: String,
    /// What images must have passed.
    pub(crate) test: Option<HealthCheck>,
    /// The programs that answer analyses. Without any, the driver is asked.
    analyses: BTreeMap<String, Vec<String>>,
    /// Whether the driver is not one of castline's.
    is_own_driver: bool,
    ledger: PathBuf,
    file: PathBuf,
}

impl Site {
    /// Reads a site's file, TOML or JSON, and goes to its folder: what the file names starts there, and so do the programs
    /// that it names. Paths on the command line are to be read before, or made absolute.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        Self::read(path, |_| Ok(()))
    }

    /// The same for who can do nothing where nothing was done yet: where there is no ledger, nothing is made.
    pub(super) fn known(path: &Path) -> Result<Self, Failure> {
        Self::read(path, |site| {
            if site.ledger.exists() {
                return Ok(());
            }
            Err(format!(
                "{}: there is no ledger yet: the first `castline apply` of {} makes it",
                site.ledger.display(),
                path.display()
            )
            .into())
        })
    }

    fn read(path: &Path, allow: impl FnOnce(&SiteFile) -> Result<(), Failure>) -> Result<Self, Failure> {
        let site = SiteFile::read(path)?;
        let file = std::path::absolute(path)?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        env::set_current_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        allow(&site)?;
        site.opened(file).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// Refuses policies that ask for analyses which nobody here can answer.
    pub(crate) fn answers_analyses<'p>(
        &self,
        policies: impl Iterator<Item = &'p Policy>,
    ) -> Result<(), Failure> {
        // Where no programs are named, a driver of one's own is asked; castline's do no analyses.
        if self.analyses.is_empty() && self.is_own_driver {
            return Ok(());
        }
        let asked = policies.flat_map(Policy::gates).filter_map(|gate| gate.analysis.as_ref());
        match asked.into_iter().find(|name| !self.analyses.contains_key(*name)) {
            None => Ok(()),
            Some(name) => Err(format!(
                "{}: the policy asks for the analysis `{name}`, and no program is named that answers it: add it to [analyses]",
                self.file.display()
            )
            .into()),
        }
    }

    /// What executes rollouts here. Nobody else can write to the ledger while it is there.
    pub(crate) fn executor(&self, stay: bool) -> Result<Executor, Failure> {
        match self.store() {
            Ok(store) => Ok(self.executor_of(store, stay)),
            Err(StoreError::Held { holder, .. }) => Err(self.held(holder.as_ref())),
            Err(error) => Err(error.into()),
        }
    }

    /// The ledger, to be written to.
    pub(super) fn store(&self) -> Result<Store, StoreError> {
        Store::open(&self.ledger)
    }

    /// What executes rollouts, where the ledger is open already.
    pub(super) fn executor_of(&self, store: Store, stay: bool) -> Executor {
        let options = Options::default().with_stay(stay);
        let executor = Executor::new(store, Arc::clone(&self.driver)).with_options(options);
        if self.analyses.is_empty() {
            return executor;
        }
        executor.with_analyst(Answerer::of_commands(self.analyses.clone()))
    }

    /// What plans here. Nobody is kept from writing to the ledger meanwhile.
    pub(super) fn planner(&self) -> Result<Planner, Failure> {
        Ok(Planner::new(Contents::read_or_empty(&self.ledger)?, Arc::clone(&self.driver)))
    }

    /// The rollouts that another castline executes here.
    pub(super) fn remote(&self) -> Remote {
        Remote::of(&self.ledger)
    }

    /// Refuses to begin what the ledger is needed for, where another castline has it.
    pub(super) fn refuse_if_held(&self, contents: &Contents) -> Result<(), Failure> {
        if contents.is_held() { Err(self.held(contents.holder())) } else { Ok(()) }
    }

    /// Why nobody else can write to the ledger, and what to do.
    pub(super) fn held(&self, holder: Option<&Holder>) -> Failure {
        let who = holder.map_or_else(
            || "another castline".to_owned(),
            |holder| format!("another castline (process {}, since {})", holder.pid, moment(holder.since)),
        );
        let place = self.ledger.display();
        let executed = self.remote().rollouts().unwrap_or_default();
        let under_way = self.contents(None).map(|contents| contents.under_way()).unwrap_or_default();
        let Some(one) = under_way.iter().find(|one| executed.contains(&one.rollout)) else {
            return format!("{place}: {who} writes to the ledger: wait until it is done").into();
        };
        let (rollout, services) = (short(&one.rollout), one.services.join(", "));
        format!(
            "{place}: {who} executes something here: the rollout {rollout} of {services}. Wait until it is done (`castline status` says how far it is), or speak to it: castline answer, pause, resume, rollback"
        )
        .into()
    }

    /// What the ledger says, whoever writes to it; with an anchor, it has to be the one that is known from elsewhere.
    pub(crate) fn contents(&self, anchor: Option<&Anchor>) -> Result<Contents, Failure> {
        Ok(Contents::read(&self.ledger, anchor)?)
    }
}

impl SiteFile {
    /// Reads a site's file, TOML or JSON.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!(
                "{}: there is no such site: write one (`castline apply --help` has an example), or name it by --site",
                path.display()
            ),
            _ => format!("{}: {error}", path.display()),
        })?;
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let read: Result<Self, String> = if is_json {
            castline::from_json(text.as_bytes())
        } else {
            let read = toml::Deserializer::parse(&text).and_then(castline::strictly);
            read.map_err(|error| error.to_string())
        };
        let site = read.map_err(|error| format!("{}: {}", path.display(), error.trim_end()))?;
        site.check().map_err(|what| format!("{}: {what}", path.display()))?;
        Ok(site)
    }

    /// What can be said of it without opening anything.
    fn check(&self) -> Result<(), &'static str> {
        #[cfg(feature = "docker")]
        let docker = self.docker.is_some();
        #[cfg(not(feature = "docker"))]
        let docker = false;
        match [self.local.is_some(), docker, self.command.is_some()].into_iter().filter(|is| *is).count() {
            0 => return Err(NO_DRIVER),
            1 => {}
            _ => return Err("several drivers are named: leave one of [local], [docker] and [command]"),
        }
        if self.command.as_ref().is_some_and(|config| config.command.is_empty()) {
            return Err("[command]: there is no command");
        }
        match &self.test {
            Some(test) if test.command.is_empty() => Err("[test]: there is no command"),
            _ => Ok(()),
        }
    }

    fn opened(self, file: PathBuf) -> Result<Site, Failure> {
        let mut local = None;
        let mut driver: Option<Arc<dyn Driver>> = None;
        if let Some(config) = self.local {
            let here = LocalDriver::new(config).map_err(|error| format!("[local]: {error}"))?;
            driver = Some(Arc::new(here.clone()));
            local = Some(here);
        }
        #[cfg(feature = "docker")]
        if let Some(config) = self.docker {
            let engines = castline::engine::DockerDriver::new(config);
            driver = Some(Arc::new(engines.map_err(|error| format!("[docker]: {error}"))?));
        }
        let is_own_driver = self.command.is_some();
        if let Some(config) = self.command {
            driver = Some(Arc::new(config.driver()?));
        }
        let driver = driver.ok_or(NO_DRIVER)?;
        let actor = self.actor.or_else(user).filter(|actor| !actor.is_empty());
        let actor = actor.ok_or("nobody is named who does it: add `actor = \"…\"`")?;
        Ok(Site {
            driver,
            local,
            actor,
            test: self.test,
            analyses: self.analyses,
            is_own_driver,
            ledger: self.ledger,
            file,
        })
    }
}

/// Whoever this process belongs to.
fn user() -> Option<String> {
    let named = |variable| env::var(variable).ok().filter(|name| !name.is_empty());
    named("USER").or_else(|| named("LOGNAME")).or_else(number)
}

#[cfg(unix)]
fn number() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let uid = fs::metadata("/proc/self").ok()?.uid();
    Some(format!("uid {uid}"))
}

#[cfg(not(unix))]
fn number() -> Option<String> {
    None
}

impl CommandConfig {
    fn driver(self) -> Result<CommandDriver, Failure> {
        let mut words = self.command.into_iter();
        let program = words.next().ok_or("[command]: there is no command")?;
        let mut driver = CommandDriver::new(program, words);
        if let Some(name) = self.name {
            driver = driver.with_name(name);
        }
        if let Some(seconds) = self.timeout_seconds {
            driver = driver.with_timeout(Duration::from_secs(seconds));
        }
        Ok(driver)
    }
}
