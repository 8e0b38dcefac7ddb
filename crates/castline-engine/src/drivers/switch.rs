//! Who gets traffic: told in order, one membership after the other, and only when it changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::ErrorKind,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use castline_core::{Fleet, Health};
use tokio::sync::{Mutex, MutexGuard};

use super::failed;
use crate::{DriverError, Endpoint, Membership, TrafficHook};

/// How often in a row traffic may not be moved until whoever listens is told.
pub(super) const FAILURES: u32 = 3;

/// What moves traffic, if anything does.
#[derive(Debug)]
pub(super) struct Switch {
    hook: Option<TrafficHook>,
    /// Where weights are kept; in memory only without one.
    file: Option<PathBuf>,
    state: Mutex<State>,
    watched: Arc<AtomicUsize>,
}

/// Says that somebody watches, and so moves traffic as instances come and go.
pub(super) struct Watched(Arc<AtomicUsize>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug, Default)]
struct State {
    /// What stages have said, by service. Absent until it was read.
    weights: Option<Weights>,
    told: BTreeMap<Arc<str>, Membership>,
    /// Who is known to get traffic, by service: as it was told last with success, or found by somebody who only looked.
    moved: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// The services of which the traffic could not be moved when that was tried last.
    failing: BTreeSet<Arc<str>>,
}

type Weights = BTreeMap<Arc<str>, Vec<(String, u8)>>;

/// The switch, held: what is told meanwhile waits. Look at who is there only now, so that nothing newer is overwritten.
pub(super) struct Held<'s> {
    switch: &'s Switch,
    state: MutexGuard<'s, State>,
}

impl Switch {
    pub(super) fn new(hook: Option<TrafficHook>, file: Option<PathBuf>) -> Self {
        Self { hook, file, state: Mutex::default(), watched: Arc::default() }
    }

    /// Somebody watches until what comes back is dropped.
    pub(super) fn watch(&self) -> Watched {
        self.watched.fetch_add(1, Ordering::SeqCst);
        Watched(Arc::clone(&self.watched))
    }

    /// A fleet as it is to those who act by who gets traffic: what is to get some, and is not known to do so yet, is not ready.
    pub(super) async fn admitted(&self, fleet: Fleet, endpoints: &[Endpoint]) -> Result<Fleet, DriverError> {
        let Some(mut held) = self.hold().await else { return Ok(fleet) };
        let is_watched = self.watched.load(Ordering::SeqCst) > 0;
        if !is_watched && !held.state.failing.contains(fleet.service()) {
            // Nobody else moves it: who only looks finds everything as it is.
            held.state.moved.insert(Arc::clone(fleet.service()), ids(endpoints));
            return Ok(fleet);
        }
        // What got traffic goes on to do so where moving it fails. Whoever watched and gave up may be about to watch again.
        let moved = held.state.moved.get(fleet.service());
        let to_get_some = ids(endpoints);
        let instances = fleet.instances().iter().cloned().map(|mut one| {
            if to_get_some.contains(&one.id) && !moved.is_some_and(|moved| moved.contains(&one.id)) {
                one.health = Health::NotReady;
                one.ready_at = None;
            }
            one
        });
        Fleet::new(Arc::clone(fleet.service()), instances).map_err(DriverError::permanent)
    }

    /// Whether the hook could be started, where there is one.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`].
    pub(super) fn is_there(&self) -> Result<(), DriverError> {
        self.hook.as_ref().map_or(Ok(()), TrafficHook::is_there)
    }

    /// The switch, once nobody else holds it; nothing where no hook is to be told.
    pub(super) async fn hold(&self) -> Option<Held<'_>> {
        self.hook.as_ref()?;
        Some(Held { switch: self, state: self.state.lock().await })
    }
}

fn ids(endpoints: &[Endpoint]) -> BTreeSet<Arc<str>> {
    endpoints.iter().map(|one| Arc::clone(&one.instance)).collect()
}

impl Held<'_> {
    /// Sends so much of a service's traffic to a revision from now on. Nothing is told yet.
    pub(super) fn weigh(
        &mut self,
        service: &Arc<str>,
        revision: &str,
        weight: u8,
    ) -> Result<(), DriverError> {
        let mut weights = self.weights()?.clone();
        weights.insert(Arc::clone(service), vec![(revision.to_owned(), weight)]);
        self.keep(weights)
    }

    /// Makes these get traffic and no others. What holds already is not told again, unless `again`.
    ///
    /// Weights hold for as long as instances of other revisions get traffic as well: after that there is nothing to weigh.
    pub(super) async fn tell(
        &mut self,
        service: &Arc<str>,
        mut endpoints: Vec<Endpoint>,
        again: bool,
    ) -> Result<(), DriverError> {
        let Some(hook) = &self.switch.hook else { return Ok(()) };
        // Until it is known that it holds.
        self.state.failing.insert(Arc::clone(service));
        endpoints.sort_by(|one, other| one.instance.cmp(&other.instance));
        let mut weights = self.weights()?.get(service).cloned().unwrap_or_default();
        let decided =
            |endpoint: &Endpoint| weights.iter().any(|(revision, _)| *revision == endpoint.revision);
        if !weights.is_empty() && !endpoints.is_empty() && endpoints.iter().all(decided) {
            weights.clear();
            let mut all = self.weights()?.clone();
            all.remove(service);
            self.keep(all)?;
        }
        let membership = Membership { service: Arc::clone(service), endpoints, weights };
        if !again && self.state.told.get(service) == Some(&membership) {
            self.state.failing.remove(service);
            return Ok(());
        }
        // Until it is known that this holds, nothing is.
        self.state.told.remove(service);
        hook.tell(&membership).await?;
        self.state.failing.remove(service);
        self.state.moved.insert(Arc::clone(service), ids(&membership.endpoints));
        tracing::debug!(%service, endpoints = membership.endpoints.len(), "traffic was moved");
        self.state.told.insert(Arc::clone(service), membership);
        Ok(())
    }

    /// Whether these are known to be those that get traffic now.
    #[cfg(feature = "docker")]
    pub(super) fn holds(&self, service: &str, endpoints: &[Endpoint]) -> bool {
        let mut endpoints = endpoints.to_vec();
        endpoints.sort_by(|one, other| one.instance.cmp(&other.instance));
        self.state.told.get(service).is_some_and(|told| told.endpoints == endpoints)
    }

    fn weights(&mut self) -> Result<&Weights, DriverError> {
        if self.state.weights.is_none() {
            let read = match &self.switch.file {
                None => Weights::new(),
                Some(file) => match fs::read(file) {
                    Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                        DriverError::permanent(format!("{}: {error}; remove it to go on", file.display()))
                    })?,
                    Err(error) if error.kind() == ErrorKind::NotFound => Weights::new(),
                    Err(error) => return Err(failed(file.display())(error)),
                },
            };
            self.state.weights = Some(read);
        }
        Ok(self.state.weights.get_or_insert_default())
    }

    fn keep(&mut self, weights: Weights) -> Result<(), DriverError> {
        if let Some(file) = &self.switch.file {
            let bytes = serde_json::to_vec(&weights).map_err(DriverError::permanent)?;
            let new = file.with_extension("new");
            fs::write(&new, bytes).and_then(|()| fs::rename(&new, file)).map_err(failed(file.display()))?;
        }
        self.state.weights = Some(weights);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use castline_core::Instance;

    use super::*;

    fn endpoint(instance: &str, revision: &str) -> Endpoint {
        Endpoint {
            instance: instance.into(),
            address: "127.0.0.1:1".into(),
            zone: "".into(),
            revision: revision.into(),
        }
    }

    fn current_thread(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
    }

    #[test]
    fn weights_outlive_the_process_and_end_when_one_revision_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, file) = (folder.path().join("log"), folder.path().join("weights"));
        let command = ["/bin/sh", "-c", r#"cat >>"$0"; echo >>"$0""#, log.to_str().expect("text")];
        let hook = TrafficHook { command: command.map(str::to_owned).to_vec(), timeout_millis: 10_000 };
        let web: Arc<str> = "web".into();
        let lines = || -> Vec<Membership> {
            let text = fs::read_to_string(&log).expect("a log");
            text.lines().map(|line| serde_json::from_str(line).expect("a membership")).collect()
        };
        current_thread(async {
            let switch = Switch::new(Some(hook.clone()), Some(file.clone()));
            let mut held = switch.hold().await.expect("a hook");
            held.weigh(&web, "2", 10).expect("kept");
            held.tell(&web, vec![endpoint("b", "2"), endpoint("a", "1")], false).await.expect("told");
            held.tell(&web, vec![endpoint("a", "1"), endpoint("b", "2")], false).await.expect("told");
            drop(held);
            assert_eq!(lines().len(), 1, "the same is told once");
            assert_eq!(lines()[0].weights, [("2".to_owned(), 10)]);
            assert_eq!(&*lines()[0].endpoints[0].instance, "a", "in the order of ids");

            let switch = Switch::new(Some(hook), Some(file));
            let mut held = switch.hold().await.expect("a hook");
            held.tell(&web, vec![endpoint("a", "1"), endpoint("b", "2"), endpoint("c", "2")], false)
                .await
                .expect("told");
            held.tell(&web, vec![endpoint("b", "2"), endpoint("c", "2")], false).await.expect("told");
            held.tell(&web, vec![endpoint("b", "2"), endpoint("d", "3")], false).await.expect("told");
            let weights: Vec<usize> = lines().iter().map(|told| told.weights.len()).collect();
            assert_eq!(weights, [1, 1, 0, 0], "what a later rollout launches is not held back by them");
        });
    }

    #[test]
    fn what_is_not_known_to_get_traffic_is_not_ready_to_who_moves_it() {
        let hook = |program: &str| TrafficHook { command: vec![program.into()], timeout_millis: 10_000 };
        let web: Arc<str> = "web".into();
        let fleet = Fleet::new("web", [Instance::new("a"), Instance::new("b")]).expect("a fleet");
        let ready = |fleet: &Fleet| -> Vec<bool> {
            fleet.instances().iter().map(|one| one.health == Health::Ready).collect()
        };
        // `b` has no port, and is not waited for.
        let endpoints = [endpoint("a", "1")];
        current_thread(async {
            let switch = Switch::new(Some(hook("/bin/false")), None);
            let fails = async |endpoints: &[Endpoint]| {
                let mut held = switch.hold().await.expect("a hook");
                held.tell(&web, endpoints.to_vec(), false).await.expect_err("fails");
            };
            let watched = switch.watch();
            fails(&endpoints).await;
            let seen = switch.admitted(fleet.clone(), &endpoints).await.expect("a fleet");
            assert_eq!(ready(&seen), [false, true]);
            drop(watched);
            let seen = switch.admitted(fleet.clone(), &endpoints).await.expect("a fleet");
            assert_eq!(ready(&seen), [false, true], "whoever watched has given up, and nothing was moved");

            let switch = Switch::new(Some(hook("/bin/false")), None);
            let seen = switch.admitted(fleet.clone(), &endpoints).await.expect("a fleet");
            assert_eq!(ready(&seen), [true, true], "who only looks moves nothing");
            let more = [endpoint("a", "1"), endpoint("b", "2")];
            let watched = switch.watch();
            let mut held = switch.hold().await.expect("a hook");
            held.tell(&web, more.to_vec(), false).await.expect_err("fails");
            drop(held);
            for watched in [Some(watched), None] {
                let seen = switch.admitted(fleet.clone(), &more).await.expect("a fleet");
                assert_eq!(ready(&seen), [true, false], "what got traffic goes on to do so");
                drop(watched);
            }

            let switch = Switch::new(Some(hook("/bin/true")), None);
            let _watched = switch.watch();
            switch.hold().await.expect("a hook").tell(&web, endpoints.to_vec(), false).await.expect("told");
            let seen = switch.admitted(fleet.clone(), &endpoints).await.expect("a fleet");
            assert_eq!(ready(&seen), [true, true]);
        });
    }

    #[test]
    fn what_a_failing_hook_was_told_is_told_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let sign = folder.path().join("works");
        let command = ["/bin/sh", "-c", r#"test -e "$0""#, sign.to_str().expect("text")];
        let hook = TrafficHook { command: command.map(str::to_owned).to_vec(), timeout_millis: 10_000 };
        let web: Arc<str> = "web".into();
        current_thread(async {
            let switch = Switch::new(Some(hook), None);
            let mut held = switch.hold().await.expect("a hook");
            let error = held.tell(&web, vec![endpoint("a", "1")], false).await.expect_err("fails");
            assert!(error.is_temporary(), "{error}");
            fs::write(&sign, "").expect("writes");
            held.tell(&web, vec![endpoint("a", "1")], false).await.expect("told");
        });
    }
}
