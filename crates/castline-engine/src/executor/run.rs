//! The loop: record what happened, see what is to be done, have it done, wait.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use castline_core::{
    Digest, Fleet, Release, Time,
    ledger::Record,
    rollout::{Action, Do, Event, Key, Next, Rollout, Status, What},
};
use tokio::{
    sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, channel, unbounded_channel},
    task::{Id, JoinSet},
    time::{Instant, sleep_until},
};
use tracing::Instrument as _;

use super::{
    Ended, EngineError, Executor, Handle, Told, command,
    handle::{Said, TOO_LATE, Waiting},
    journal::Heard,
    replay,
    replay::Replayed,
    watching, work,
    work::Job,
};
use crate::{Command, DriverError, Recorded, control::Board};

/// How many events are recorded together, at most.
const BATCH: usize = 256;

/// The longest that is slept at once: a machine's clock can be set, and a machine can sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A rollout that is ready to be executed.
#[derive(Debug)]
pub struct Rolling {
    executor: Executor,
    rollout: Digest,
    actor: String,
    replayed: Replayed,
    handle: UnboundedSender<Said>,
    commands: UnboundedReceiver<Said>,
}

impl Rolling {
    pub(super) fn new(executor: Executor, rollout: Digest, actor: &str, replayed: Replayed) -> Self {
        let (handle, commands) = unbounded_channel();
        Self { executor, rollout, actor: actor.to_owned(), replayed, handle, commands }
    }

    /// By what to speak to it.
    pub fn handle(&self) -> Handle {
        Handle(self.handle.clone())
    }

    /// The digest of the entry that it began with.
    pub const fn rollout(&self) -> &Digest {
        &self.rollout
    }

    /// Whether it waits where somebody has to decide ([`Options::stay`](super::Options::stay)).
    pub const fn stays(&self) -> bool {
        self.executor.options.stay
    }

    /// How far it is.
    pub const fn state(&self) -> &Rollout {
        &self.replayed.state
    }

    /// Executes it, until it has ended; or, unless [`Options::stay`](super::Options::stay) says otherwise, until it is paused or asks
    /// what nobody here can answer, and nothing is under way. `tell` is told what goes on.
    ///
    /// Letting go of what this returns stops at once, as a crash would: what was asked of the platform may go on, and
    /// [`Executor::resume`] finds out.
    ///
    /// Other processes can speak to it by a [`Remote`](crate::Remote) while it is executed. The runtime needs its timers and
    /// its input and output for all this: `enable_all`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] where something could not be recorded: nothing more was asked for after that.
    pub async fn run(self, tell: impl FnMut(Told) + Send) -> Result<Ended, EngineError> {
        let span = tracing::info_span!("rollout", rollout = %self.rollout);
        self.execute(tell).instrument(span).await
    }

    async fn execute(self, mut tell: impl FnMut(Told) + Send) -> Result<Ended, EngineError> {
        let Self { executor, rollout, actor, replayed, handle, commands } = self;
        let Replayed { state, plan, events } = replayed;
        let services: Vec<Arc<str>> =
            state.targets().iter().map(|target| Arc::clone(target.release.service())).collect();
        for repair in executor.store.repairs() {
            tell(repair.into());
        }
        tell(Told::Rollout { rollout: rollout.clone(), plan, services: services.clone(), events });
        let (listed, listens) = Board::list(&executor.store, &rollout, Handle(handle));
        if let Err(error) = listens {
            tell(Told::Trouble { message: format!("nobody else can speak to this rollout: {error}") });
        }
        tracing::info!(events, "executed");
        let (sender, heard) = channel(watching::WAITING);
        let (trouble, troubles) = unbounded_channel();
        let watches = watching::watch(&executor, &services, &sender, &trouble);
        let paused = replay::is_known_paused(&executor.store.ledger(), &rollout);
        let run = Run {
            heard: Heard::of(&state),
            state: Some(state),
            executor,
            rollout,
            actor,
            services,
            tell,
            commands,
            waiting: VecDeque::new(),
            events: heard,
            troubles,
            _watches: watches,
            work: JoinSet::new(),
            jobs: HashMap::new(),
            asked: HashMap::new(),
            observing: false,
            observe_at: Instant::now(),
            looked: Instant::now(),
            paused,
            releases: HashMap::new(),
        };
        let ended = run.run().await;
        listed.close().await;
        ended
    }
}

/// What is known of an action that was asked for.
struct Asked {
    attempts: u32,
    at: Turn,
}

enum Turn {
    /// Somebody is at it.
    UnderWay,
    /// It is asked for again then.
    Waits(Instant),
    /// Nobody here can do it.
    GivenUp,
}

/// What work gives when it is done.
enum Done {
    Action(Action, Result<Vec<What>, DriverError>),
    Observed(Vec<(Arc<str>, Result<Fleet, DriverError>)>),
}

/// What there is to react to.
enum Input {
    Heard(What),
    Commanded(Said),
    Trouble(String),
    Done(Result<(Id, Done), tokio::task::JoinError>),
    Woke,
}

struct Run<T> {
    executor: Executor,
    rollout: Digest,
    actor: String,
    /// Taken out only while it is told of an event.
    state: Option<Rollout>,
    services: Vec<Arc<str>>,
    tell: T,
    commands: UnboundedReceiver<Said>,
    /// Commands that were heard, whose senders wait for an answer.
    waiting: VecDeque<Waiting>,
    events: Receiver<What>,
    troubles: UnboundedReceiver<String>,
    _watches: JoinSet<()>,
    work: JoinSet<Done>,
    /// Whose work each task is; none where it observes.
    jobs: HashMap<Id, Option<Action>>,
    asked: HashMap<Key, Asked>,
    heard: Heard,
    observing: bool,
    observe_at: Instant,
    /// When it was looked last for what is to be begun.
    looked: Instant,
    /// Whether the ledger says last that it is paused.
    paused: bool,
    /// The releases to be launched, by service and generation of the plan.
    releases: HashMap<(Arc<str>, u32), Arc<Release>>,
}

impl<T: FnMut(Told) + Send> Run<T> {
    fn state(&self) -> &Rollout {
        self.state.as_ref().expect("it is there but while it is told of an event")
    }

    fn is_paused(&self) -> bool {
        matches!(self.state().status(), Status::Paused { .. })
    }

    async fn run(mut self) -> Result<Ended, EngineError> {
        let mut news: Vec<What> = Vec::new();
        // Whoever spoke before it was run is heard before anything is done.
        while let Ok(command) = self.commands.try_recv() {
            self.take(Input::Commanded(command), &mut news);
        }
        loop {
            self.record(std::mem::take(&mut news)).await?;
            self.obey().await?;
            if self.state().status().is_end() {
                return self.end().await;
            }
            let next = self.state().next();
            self.begin(&next);
            // Who has just spoken is heard before it is left.
            if let Some(questions) = self.is_stuck(&next).filter(|_| self.commands.is_empty()) {
                self.hang_up();
                return Ok(self.ended(questions));
            }
            let input = self.wait(&next).await;
            self.take(input, &mut news);
            while news.len() + self.waiting.len() < BATCH {
                let Some(input) = self.more() else { break };
                self.take(input, &mut news);
            }
        }
    }

    async fn wait(&mut self, next: &Next) -> Input {
        let until = self.wakes_at(next);
        tokio::select! {
            biased;
            Some(command) = self.commands.recv() => Input::Commanded(command),
            Some(done) = self.work.join_next_with_id() => Input::Done(done),
            Some(what) = self.events.recv() => Input::Heard(what),
            Some(trouble) = self.troubles.recv() => Input::Trouble(trouble),
            () = sleep_until(until) => Input::Woke,
        }
    }

    /// What is there already, so that it is recorded together.
    fn more(&mut self) -> Option<Input> {
        if let Ok(command) = self.commands.try_recv() {
            return Some(Input::Commanded(command));
        }
        if let Some(done) = self.work.try_join_next_with_id() {
            return Some(Input::Done(done));
        }
        if let Ok(what) = self.events.try_recv() {
            return Some(Input::Heard(what));
        }
        self.troubles.try_recv().ok().map(Input::Trouble)
    }

    fn wakes_at(&self, next: &Next) -> Instant {
        let now = Instant::now();
        // A clock that was set back since the last event is taken to have stood still.
        let clock = self.executor.clock.now().max(self.state().clock());
        let after = |wake: Time| now + Duration::from_millis(wake.millis_since(clock));
        let waits = self.asked.values().filter_map(|asked| match asked.at {
            // One whose time had come, and was not begun, waits for something else.
            Turn::Waits(until) if until > self.looked => Some(until),
            _ => None,
        });
        let observe = (!self.observing).then_some(self.observe_at);
        let wakes = waits.chain(observe).chain(next.wake.map(after));
        wakes.min().unwrap_or(now + LONGEST_SLEEP).min(now + LONGEST_SLEEP)
    }

    fn take(&mut self, input: Input, news: &mut Vec<What>) {
        match input {
            Input::Heard(what) => news.extend(self.heard.hear(what)),
            Input::Commanded(Said::Event(what)) => {
                if matches!(what, What::Continue { .. }) {
                    self.try_again();
                }
                news.push(what);
            }
            Input::Commanded(Said::Command(waiting)) => self.waiting.push_back(waiting),
            Input::Commanded(Said::Leave) => self.executor.options.stay = false,
            Input::Trouble(message) => {
                (self.tell)(Told::Trouble { message });
                // What was not heard can be seen.
                self.observe_at = Instant::now();
            }
            Input::Done(Ok((id, Done::Action(action, result)))) => {
                self.jobs.remove(&id);
                self.answered(&action, result, news);
            }
            Input::Done(Ok((id, Done::Observed(fleets)))) => {
                self.jobs.remove(&id);
                self.observed(fleets, news);
            }
            Input::Done(Err(error)) => {
                let failed = DriverError::temporary(format!("its driver has a fault: {error}"));
                match self.jobs.remove(&error.id()).flatten() {
                    Some(action) => self.answered(&action, Err(failed), news),
                    None => self.observed(vec![("".into(), Err(failed))], news),
                }
            }
            Input::Woke => {}
        }
    }

    /// What failed is tried again, at once.
    fn try_again(&mut self) {
        self.asked.retain(|_, asked| matches!(asked.at, Turn::UnderWay));
    }

    /// Records what was commanded, each alone, since whether it makes sense depends on all before it; and says what came of it.
    async fn obey(&mut self) -> Result<(), EngineError> {
        while let Some(Waiting { command, by, answer }) = self.waiting.pop_front() {
            let now = self.executor.clock.now().max(self.state().clock());
            let event = match command::event(&command, &by, self.state(), now) {
                Ok(event) => event,
                Err(reason) => {
                    // Who does not wait any more has no use for it.
                    let _ = answer.send(Err(reason));
                    continue;
                }
            };
            if command == Command::Continue {
                self.try_again();
            }
            if let Some(recorded) = self.commit(vec![event], now).await? {
                tracing::info!(?command, %by, entry = recorded.entry, "told");
                let _ = answer.send(Ok(recorded));
            }
        }
        Ok(())
    }

    /// Hears nobody any more. Who was not heard is told so.
    fn hang_up(&mut self) {
        self.commands.close();
        while let Ok(said) = self.commands.try_recv() {
            if let Said::Command(waiting) = said {
                let _ = waiting.answer.send(Err(TOO_LATE.into()));
            }
        }
    }

    /// An action was done, or not.
    fn answered(&mut self, action: &Action, result: Result<Vec<What>, DriverError>, news: &mut Vec<What>) {
        let attempts = self.asked.get(&action.key).map_or(1, |asked| asked.attempts);
        let wait = self.executor.options.backoff_after(attempts);
        let mut at = Turn::Waits(Instant::now() + wait);
        match result {
            // Where this does not answer it, it is asked for again after a while.
            Ok(events) => news.extend(events.into_iter().flat_map(|what| self.heard.hear(what))),
            Err(error) if error.is_temporary() => (self.tell)(Told::Again {
                key: action.key.clone(),
                service: Arc::clone(&action.service),
                reason: error.to_string(),
                after_millis: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            }),
            Err(error) => {
                let (key, reason) = (action.key.clone(), error.to_string());
                match &action.what {
                    Do::Launch { .. } => news.push(What::LaunchFailed { key, reason }),
                    Do::Analyse { .. } => news.push(What::NotPassed { key, reason }),
                    what => {
                        at = Turn::GivenUp;
                        news.push(What::Pause {
                            by: "castline".to_owned(),
                            reason: format!("castline cannot {}: {reason}", verb(what)),
                        });
                        let service = Arc::clone(&action.service);
                        (self.tell)(Told::GivenUp { key, service, reason });
                    }
                }
            }
        }
        self.asked.insert(action.key.clone(), Asked { attempts, at });
    }

    fn observed(&mut self, fleets: Vec<(Arc<str>, Result<Fleet, DriverError>)>, news: &mut Vec<What>) {
        self.observing = false;
        self.observe_at = Instant::now() + self.executor.options.observe_every;
        for (service, fleet) in fleets {
            match fleet {
                // Looked at once what came before it is recorded.
                Ok(fleet) => {
                    news.extend(self.heard.overtaken(&fleet));
                    news.push(What::Observed { fleet });
                }
                Err(error) => {
                    let message =
                        format!("what runs of {service} cannot be seen: {error}; it is tried again");
                    (self.tell)(Told::Trouble { message });
                }
            }
        }
    }

    /// Records what happened, all of it at once, and lets the rollout know.
    async fn record(&mut self, news: Vec<What>) -> Result<(), EngineError> {
        let now = self.executor.clock.now().max(self.state().clock());
        let mut news: VecDeque<What> = news.into();
        if self.state().next().wake.is_some_and(|wake| wake <= now) && news.is_empty() {
            news.push_back(What::Tick);
        }
        while !news.is_empty() {
            let mut batch = Vec::new();
            // What an observation says is compared with what is known, which all before it has to be part of.
            while let Some(what) = news.pop_front() {
                let what = match what {
                    What::Observed { .. } if !batch.is_empty() => {
                        news.push_front(what);
                        break;
                    }
                    What::Observed { fleet } => self.heard.news(self.state(), &fleet, now),
                    what => Some(what),
                };
                if let Some(what) = what {
                    let is_observation = matches!(what, What::Observed { .. });
                    if is_observation {
                        let _ = self.heard.hear(what.clone());
                    }
                    batch.push(Event { at: now, what });
                    if is_observation {
                        break;
                    }
                }
            }
            self.commit(batch, now).await?;
        }
        Ok(())
    }

    /// Records events, lets the rollout know, and says where the last of them stands.
    async fn commit(&mut self, events: Vec<Event>, now: Time) -> Result<Option<Recorded>, EngineError> {
        if events.is_empty() {
            return Ok(None);
        }
        let record =
            |event: &Event| Record::Event { rollout: self.rollout.clone(), event: event.clone().into() };
        let records: Vec<Record> = events.iter().map(record).collect();
        let ledger = self.executor.record_at(now, &self.actor, records).await?;
        let recorded = ledger.last().zip(ledger.head());
        let recorded = recorded.map(|(last, digest)| Recorded::new(last.sequence, digest.clone()));
        let (before, status) = (self.state().progress(), self.state().status().clone());
        for event in events {
            let state = self.state.take().expect("it is there but while it is told of an event");
            self.state = Some(state.on(&event));
            match event.what {
                What::Tick => {}
                What::Observed { fleet } => (self.tell)(Told::Observed {
                    service: Arc::clone(fleet.service()),
                    instances: fleet.instances().len() as u64,
                }),
                _ => (self.tell)(Told::Happened { event }),
            }
        }
        let (progress, now) = (self.state().progress(), self.state().status().clone());
        if progress != before || now != status {
            tracing::info!(
                waiting = progress.waiting,
                active = progress.active,
                done = progress.done,
                failed = progress.failed,
                status = ?now,
                "progress"
            );
            (self.tell)(Told::At { progress, status: now });
        }
        self.record_pause().await?;
        Ok(recorded)
    }

    /// That it waits for somebody is recorded once, for whoever reads the ledger.
    async fn record_pause(&mut self) -> Result<(), EngineError> {
        let paused = self.is_paused();
        if paused && !self.paused {
            let records = replay::outcome(&self.rollout, self.state(), &self.executor.store.ledger());
            self.executor.record(&self.actor, records).await?;
        }
        self.paused = paused;
        Ok(())
    }

    /// Begins what is to be done, nobody is at, and there is room for.
    fn begin(&mut self, next: &Next) {
        let now = Instant::now();
        self.looked = now;
        let keys: std::collections::HashSet<&Key> = next.actions.iter().map(|action| &action.key).collect();
        self.asked.retain(|key, asked| matches!(asked.at, Turn::UnderWay) || keys.contains(key));
        let is_work = |action: &Action| !matches!(action.what, Do::Ask { .. });
        let mut busy = self.jobs.values().flatten().filter(|action| is_work(action)).count();
        let paused = self.is_paused();
        for action in &next.actions {
            // What a gate was refused is asked again once somebody says `Continue`, and not before.
            if paused && is_gate(action) {
                continue;
            }
            let attempts = match self.asked.get(&action.key) {
                None => 0,
                Some(Asked { attempts, at: Turn::Waits(until) }) if *until <= now => *attempts,
                Some(_) => continue,
            };
            if is_work(action) {
                if busy >= self.executor.options.concurrency.max(1) {
                    continue;
                }
                busy += 1;
            } else if self.executor.approver.is_none() {
                self.ask_outside(action);
                continue;
            }
            self.asked.insert(
                action.key.clone(),
                Asked { attempts: attempts.saturating_add(1), at: Turn::UnderWay },
            );
            (self.tell)(Told::Asking { action: action.clone(), attempt: attempts });
            let job = self.job(action);
            let done = action.clone();
            let span = tracing::Span::current();
            let task = self.work.spawn(async move { Done::Action(done, job.run().await) }.instrument(span));
            self.jobs.insert(task.id(), Some(action.clone()));
        }
        if !self.observing && self.observe_at <= now {
            self.observe();
        }
    }

    fn ask_outside(&mut self, action: &Action) {
        let Do::Ask { approval } = &action.what else { return };
        self.asked.insert(action.key.clone(), Asked { attempts: 1, at: Turn::GivenUp });
        (self.tell)(Told::Question {
            key: action.key.clone(),
            service: Arc::clone(&action.service),
            approval: approval.clone(),
        });
    }

    fn job(&mut self, action: &Action) -> Job {
        let Executor { options, drivers, analyst, approver, .. } = &self.executor;
        let (limit, answerer) = match action.what {
            // People take as long as they take.
            Do::Ask { .. } => (None, approver.clone()),
            Do::Analyse { .. } => (Some(options.timeout_of(&action.what)), analyst.clone()),
            _ => (Some(options.timeout_of(&action.what)), None),
        };
        let driver = Arc::clone(drivers.of(&action.service));
        let release = match action.what {
            Do::Launch { .. } | Do::Shift { .. } => self.release(&action.service),
            _ => None,
        };
        Job { action: action.clone(), release, driver, answerer, limit }
    }

    /// The release of a service that is rolled out now.
    fn release(&mut self, service: &Arc<str>) -> Option<Arc<Release>> {
        let generation = self.state().generation();
        let known = (Arc::clone(service), generation);
        if let Some(release) = self.releases.get(&known) {
            return Some(Arc::clone(release));
        }
        let target = self.state().targets().iter().find(|target| target.release.service() == service)?;
        let release = Arc::new(target.release.clone());
        self.releases.insert(known, Arc::clone(&release));
        Some(release)
    }

    fn observe(&mut self) {
        self.observing = true;
        self.heard.observing();
        let limit = self.executor.options.timeout;
        let of = |service: &Arc<str>| (Arc::clone(service), Arc::clone(self.executor.drivers.of(service)));
        let services: Vec<_> = self.services.iter().map(of).collect();
        let task = self.work.spawn(async move {
            let mut fleets = Vec::with_capacity(services.len());
            for (service, driver) in services {
                let fleet = work::observe(&driver, &service, limit).await;
                fleets.push((service, fleet));
            }
            Done::Observed(fleets)
        });
        self.jobs.insert(task.id(), None);
    }

    /// What it asks, where nothing is under way and nobody here can do anything about it.
    fn is_stuck(&self, next: &Next) -> Option<Vec<Action>> {
        let paused = self.is_paused();
        let given_up = |action: &Action| {
            self.asked.get(&action.key).is_some_and(|asked| matches!(asked.at, Turn::GivenUp))
        };
        let working = self.jobs.values().any(Option::is_some);
        // Where it is paused, what has failed for now is left to whoever goes on.
        if self.executor.options.stay || working || !(paused || next.actions.iter().all(given_up)) {
            return None;
        }
        let asks = |action: &&Action| matches!(action.what, Do::Ask { .. });
        let questions: Vec<Action> = next.actions.iter().filter(asks).cloned().collect();
        let waits = !questions.is_empty() && self.state().progress().active == 0;
        (paused || waits).then_some(questions)
    }

    /// It is over: what is under way is waited for, and what became of it is recorded.
    async fn end(mut self) -> Result<Ended, EngineError> {
        self.hang_up();
        // Each has its own limit; but people, who take as long as they take, are not waited for.
        let counts = |action: &Action| !matches!(action.what, Do::Ask { .. });
        while self.jobs.values().flatten().any(counts) {
            let Some(done) = self.work.join_next_with_id().await else { break };
            let id = done.map_or_else(|error| error.id(), |(id, _)| id);
            self.jobs.remove(&id);
        }
        let records = replay::outcome(&self.rollout, self.state(), &self.executor.store.ledger());
        let last = records.last().cloned();
        self.executor.record(&self.actor, records).await?;
        if let Some(Record::Outcome { outcome, reason, .. }) = last {
            tracing::info!(?outcome, %reason, "ended");
            (self.tell)(Told::Ended { rollout: self.rollout.clone(), outcome, reason });
        }
        Ok(self.ended(Vec::new()))
    }

    fn ended(&self, questions: Vec<Action>) -> Ended {
        let state = self.state();
        Ended {
            rollout: self.rollout.clone(),
            status: state.status().clone(),
            progress: state.progress(),
            questions,
            can_go_back: state.can_go_back(),
        }
    }
}

/// Whether it is of a gate, rather than of an instance.
const fn is_gate(action: &Action) -> bool {
    matches!(action.what, Do::Shift { .. } | Do::Analyse { .. } | Do::Ask { .. })
}

/// What could not be done, for messages.
fn verb(what: &Do) -> String {
    match what {
        Do::Retire { instance, .. } => format!("retire `{instance}`"),
        Do::Shift { weight, .. } => format!("shift {weight} % of the traffic"),
        Do::Ask { approval } => format!("ask for `{approval}`"),
        _ => "do what is asked for".to_owned(),
    }
}
