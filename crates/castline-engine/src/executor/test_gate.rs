//! Tests an image before it is pushed or released: one instance, a command in it, and away with it.

use std::{sync::Arc, time::Duration};

use castline_core::{
    Digest, Health, Instance, Phase, Release, ReleaseImage,
    drift::HealthCheck,
    ledger::Record,
    plan::Disposal,
    rollout::{Action, Do, Key, What},
};
use tokio::time::{Instant, sleep};

use super::{EngineError, Executor, work};
use crate::DriverError;

/// The test of an image: a command that must end with 0 in an instance of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageTest {
    /// The command, how often it is tried, and for how long each.
    pub check: HealthCheck,
    /// How long all of it may take.
    pub timeout: Duration,
}

impl ImageTest {
    /// By this check, within two minutes.
    pub const fn new(check: HealthCheck) -> Self {
        Self { check, timeout: Duration::from_secs(120) }
    }

    /// The same within this time.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

/// What a test found, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tested {
    /// Whether the image passed.
    pub passed: bool,
    /// What was seen, where it did not.
    pub reason: String,
}

/// How the keys of tests begin; those of rollouts do not.
const KEY: &str = "test-";

/// How often it is looked at, where a test runs.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Executor {
    /// Launches one instance of a release, as a service of its own called `SERVICE.test`, with the command as its health check;
    /// waits until it is ready or has failed; retires it; and records what came of it. Instances that an earlier test left
    /// behind, as in a crash, are retired first.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`] where the platform cannot say or do what is asked of it, which says nothing of the image and is
    /// not recorded; [`EngineError::NoRelease`] for an image that only its provider has; [`EngineError::Store`].
    pub async fn test(
        &self,
        release: &Release,
        test: &ImageTest,
        actor: &str,
    ) -> Result<Tested, EngineError> {
        let ReleaseImage::Verified { identities, .. } = release.image() else {
            let what = "an image that only its provider has cannot be tested".into();
            return Err(EngineError::NoRelease { what });
        };
        let image = identities.manifest.as_ref().or(identities.config.as_ref()).cloned();
        let image = image.ok_or_else(|| EngineError::NoRelease { what: "the image has no digest".into() })?;
        let service: Arc<str> = format!("{}.test", release.service()).into();
        let mut spec = release.spec().clone();
        spec.health = Some(test.check.clone());
        let tried = release.clone().with_service(Arc::clone(&service)).with_replicas(1).with_spec(spec);
        self.clear(&service).await?;
        let found = self.try_out(&tried, test).await;
        let cleared = self.clear(&service).await;
        let tested = found?;
        cleared?;
        let record = Record::Test {
            image,
            command: test.check.command.clone(),
            passed: tested.passed,
            reason: tested.reason.clone(),
        };
        self.record(actor, vec![record]).await?;
        Ok(tested)
    }

    async fn try_out(&self, release: &Release, test: &ImageTest) -> Result<Tested, EngineError> {
        let service = release.service();
        let failed = |reason: String| Tested { passed: false, reason };
        // A key of its own each time: what an earlier test launched is gone, and is not to be found again.
        let at = self.clock.now().as_millis().to_string();
        let name = Digest::of(format!("{} {at}", release.revision()).as_bytes());
        let key = Key(format!("{KEY}{}", &name.encoded()[..32]).into());
        let zone = self.drivers.of(service).zones().into_iter().next().unwrap_or_default();
        let what = Do::Launch { revision: release.revision(), zone, slot: None, labels: Arc::default() };
        let launch = Action { key, service: Arc::clone(service), what };
        let answers = self.insist(&launch, Some(release)).await?;
        let instance = answers.iter().find_map(|what| match what {
            What::Launched { instance, .. } => Some(Ok(Arc::clone(instance))),
            What::LaunchFailed { reason, .. } => {
                Some(Err(failed(format!("it cannot be launched: {reason}"))))
            }
            _ => None,
        });
        let instance = match instance {
            Some(Ok(instance)) => instance,
            Some(Err(failed)) => return Ok(failed),
            None => {
                let what = "the test's instance".into();
                let source = DriverError::permanent("it does not say what it launched");
                return Err(EngineError::Driver { what, source });
            }
        };
        let until = Instant::now() + test.timeout;
        loop {
            let fleet = self.observe(service).await?;
            match fleet.instance(&instance) {
                None => return Ok(failed("its instance ended".into())),
                Some(one) if one.health == Health::Failed => {
                    return Ok(failed(format!("`{}` failed in it", test.check.command.join(" "))));
                }
                Some(one) if one.is_available() => {
                    return Ok(Tested { passed: true, reason: String::new() });
                }
                Some(_) if Instant::now() >= until => {
                    let millis = test.timeout.as_millis();
                    return Ok(failed(format!("nothing came of it within {millis} ms")));
                }
                Some(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Retires the instances that tests have launched; a service may be called as they call theirs.
    async fn clear(&self, service: &Arc<str>) -> Result<(), EngineError> {
        let fleet = self.observe(service).await?;
        let of_test = |one: &&Instance| {
            let launched = one.label(Key::LABEL).is_some_and(|key| key.starts_with(KEY));
            launched && one.phase != Phase::Quarantined
        };
        for instance in fleet.instances().iter().filter(of_test) {
            let id: String = Digest::of(instance.id.as_bytes()).encoded().chars().take(32).collect();
            let what =
                Do::Retire { instance: Arc::clone(&instance.id), disposal: Disposal::End, drain_seconds: 0 };
            let key = Key(format!("{KEY}retire-{id}").into());
            self.insist(&Action { key, service: Arc::clone(service), what }, None).await?;
        }
        Ok(())
    }

    /// Has an action done, asking again where that may help, a few times.
    async fn insist(&self, action: &Action, release: Option<&Release>) -> Result<Vec<What>, EngineError> {
        let driver = self.drivers.of(&action.service);
        let limit = self.options.timeout_of(&action.what);
        for attempt in 1.. {
            match work::within(limit, driver.perform(action, release)).await {
                Ok(answers) => return Ok(answers),
                Err(error) if error.is_temporary() && attempt < 8 => {
                    sleep(self.options.backoff_after(attempt)).await;
                }
                Err(source) => {
                    let what = format!("a test's instance, by the driver {}", driver.name()).into();
                    return Err(EngineError::Driver { what, source });
                }
            }
        }
        unreachable!("the last attempt returns")
    }
}
