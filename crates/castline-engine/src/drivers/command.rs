//! Any program as a driver: it is spoken to in lines of JSON, so that it can be written in any language for any platform.
//!
//! # The protocol
//!
//! The program is started once and spoken to for as long as it runs. Each line on its standard input is a request, each on its
//! standard output an answer or an event; each is one JSON object in UTF-8, ended by a line feed. Standard error is
//! for people: its lines become traces. The end of standard input asks it to end.
//!
//! Requests have a number, by which they are answered, in any order:
//!
//! ```text
//! {"id": 1, "observe": {"service": "web"}}
//! {"id": 2, "watch": {"services": ["web"]}}
//! {"id": 3, "perform": {"action": {"key": "…", "service": "web", "type": "launch", …}, "release": {…}}}
//! {"id": 4, "check": {"instance": "i-1", "release": {…}, "mode": "full"}}
//! {"id": 5, "cancel": 2}
//! ```
//!
//! An action is as in `schemas/next.json`, a release as in `schemas/release.json`; it is `null` where an action needs none. `mode` is `full`
//! or `fast`. `cancel` says that nobody waits for that request any more, and is not answered. The answers:
//!
//! ```text
//! {"id": 1, "fleet": {"service": "web", "instances": […]}}                                   as in schemas/fleet.json
//! {"id": 2, "event": {"type": "ready", "instance": "i-1"}}                                   as in schemas/event.json, without `at`
//! {"id": 3, "events": [{"type": "launched", "key": "…", "instance": "i-1"}]}
//! {"id": 4, "report": {…}}                                                                   as in schemas/drift.json
//! {"id": 3, "error": {"message": "the host cannot be reached", "temporary": true}}
//! ```
//!
//! `event` comes any number of times; all others once, where `error` can stand for any. What [`Driver`] promises,
//! the program promises: an action is done once, however often it is asked for, also by a program that was started anew: instances carry the
//! key of the launch that made them as their label `castline.key`, and a launch whose key one has is answered with that one.
//!
//! The secrets of a release (`spec.secrets`) come as references, `{"env": …}` or `{"file": …}`: the program reads their values when it
//! launches an instance, on its machine, and neither tells nor logs them; where one is missing, the launch fails for good. A reference that
//! it cannot follow is no reason to launch without it.
//!
//! A program that ends, or writes what is no answer, is started anew, and what was asked of it is asked again. One that has
//! done so several times in a row is started once a minute at most.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex as StdMutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use castline_core::{
    Fleet, Release,
    drift::DriftReport,
    rollout::{Action, Do, What},
    shown,
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
        oneshot,
    },
    task::JoinSet,
    time::{Instant, timeout},
};

use super::release_of;
use crate::{CheckMode, Doing, Driver, DriverError};

/// The longest line that is read, in bytes: 256 MiB, which is a fleet of a million.
const LONGEST_LINE: u64 = 256 << 20;

/// The longest line of standard error that is kept, in bytes.
const LONGEST_WORD: u64 = 4096;

/// After how many ends in a row a program is only started once a minute, and that minute.
const PATIENCE: (u32, Duration) = (5, Duration::from_secs(60));

/// How long a program that has closed its output has to end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How many of the last lines on its standard error are in the message that it has ended.
const LAST_LINES: usize = 3;

/// A driver that is a program of its own.
///
/// ```
/// use castline_engine::{CommandDriver, Driver as _};
///
/// let driver = CommandDriver::new("python3", ["driver.py", "fleet"]).with_name("mine");
/// assert_eq!(driver.name(), "mine");
/// ```
#[derive(Debug)]
pub struct CommandDriver {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
    ids: AtomicU64,
    life: Mutex<Life>,
}

/// The program as it runs, and how it did before.
#[derive(Debug, Default)]
struct Life {
    session: Option<Arc<Session>>,
    /// How often it has ended in a row without an answer.
    ended: u32,
    started: Option<Instant>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    id: u64,
    #[serde(flatten)]
    what: Asked<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Asked<'a> {
    Observe { service: &'a str },
    Watch { services: &'a [Arc<str>] },
    Perform { action: &'a Action, release: Option<&'a Release> },
    Check { instance: &'a str, release: &'a Release, mode: CheckMode },
    Cancel(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    id: u64,
    fleet: Option<Fleet>,
    event: Option<What>,
    events: Option<Vec<What>>,
    report: Option<Box<DriftReport>>,
    error: Option<Trouble>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Trouble {
    message: String,
    #[serde(default)]
    temporary: bool,
}

#[derive(Debug)]
enum Answer {
    Fleet(Fleet),
    Event(What),
    Events(Vec<What>),
    Report(Box<DriftReport>),
    Error(DriverError),
}

impl Line {
    fn answer(self) -> Result<(u64, Answer), &'static str> {
        let id = self.id;
        let answers = [
            self.fleet.map(Answer::Fleet),
            self.event.map(Answer::Event),
            self.events.map(Answer::Events),
            self.report.map(Answer::Report),
            self.error.map(|Trouble { message, temporary }| {
                let error = if temporary { DriverError::temporary } else { DriverError::permanent };
                Answer::Error(error(message))
            }),
        ];
        let mut answers = answers.into_iter().flatten();
        match (answers.next(), answers.next()) {
            (Some(answer), None) => Ok((id, answer)),
            (None, _) => Err("it has none of `fleet`, `event`, `events`, `report` and `error`"),
            _ => Err("it has more than one of `fleet`, `event`, `events`, `report` and `error`"),
        }
    }
}

impl CommandDriver {
    /// The program with these arguments. It is started when it is first needed, without a shell.
    pub fn new(program: impl AsRef<Path>, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name: program.as_ref().file_name().map_or("command".into(), |name| name.to_string_lossy().into()),
            program: program.as_ref().to_owned(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            timeout: Duration::from_secs(600),
            ids: AtomicU64::new(1),
            life: Mutex::default(),
        }
    }

    /// The same, called so in messages.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The same, where each answer may take so long: ten minutes, where nothing is stated.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    fn temporary(&self, what: impl fmt::Display) -> DriverError {
        DriverError::temporary(format!("the driver {}: {what}", self.name))
    }

    /// The program as it runs; started, where it does not.
    async fn session(&self) -> Result<Arc<Session>, DriverError> {
        let mut life = self.life.lock().await;
        if let Some(session) = &life.session {
            if session.shared().ended.is_none() {
                return Ok(Arc::clone(session));
            }
            life.ended = if session.shared().answered > 0 { 1 } else { life.ended + 1 };
            life.session = None;
        }
        if life.ended >= PATIENCE.0 && life.started.is_some_and(|started| started.elapsed() < PATIENCE.1) {
            return Err(self.temporary(format_args!(
                "it has ended {} times in a row; it is started again within a minute",
                life.ended
            )));
        }
        life.started = Some(Instant::now());
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // What a terminal sends to castline is not for it: what was begun is finished.
            .process_group(0)
            .spawn();
        // Then nothing was asked of it, and so nothing was done.
        let child = child.map_err(|error| {
            let program = self.program.display();
            DriverError::permanent(format!(
                "the driver {}: `{program}` cannot be started: {error}",
                self.name
            ))
        })?;
        tracing::info!(driver = %self.name, ended = life.ended, "started");
        let session = Arc::new(Session::new(child, &self.name)?);
        life.session = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Sends a request, and gives its number and where its answers come.
    async fn send(&self, what: Asked<'_>) -> Result<Waiting, DriverError> {
        let session = self.session().await?;
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let line = line_of(id, what)?;
        let (answers, come) = channel(ANSWERS);
        session.shared().waiting.insert(id, answers);
        let waiting = Waiting { id, answers: come, session };
        if waiting.session.lines.send(line).await.is_err() {
            return Err(self.temporary(waiting.session.why()));
        }
        Ok(waiting)
    }

    async fn ask(&self, what: Asked<'_>) -> Result<Answer, DriverError> {
        let work = async {
            let mut waiting = self.send(what).await?;
            match waiting.answers.recv().await {
                Some(Answer::Error(error)) => Err(error),
                Some(answer) => Ok(answer),
                None => Err(self.temporary(waiting.session.why())),
            }
        };
        let late = || self.temporary(format_args!("no answer within {} ms", self.timeout.as_millis()));
        timeout(self.timeout, work).await.unwrap_or_else(|_| Err(late()))
    }

    fn other_answer(&self, wanted: &str) -> DriverError {
        self.temporary(format_args!("it answers with something else than `{wanted}`"))
    }
}

fn line_of(id: u64, what: Asked<'_>) -> Result<Vec<u8>, DriverError> {
    let mut line = serde_json::to_vec(&Request { id, what }).map_err(DriverError::permanent)?;
    line.push(b'\n');
    Ok(line)
}

impl Driver for CommandDriver {
    fn name(&self) -> &str {
        &self.name
    }

    fn observe<'a>(&'a self, service: &'a str) -> Doing<'a, Fleet> {
        Box::pin(async move {
            match self.ask(Asked::Observe { service }).await? {
                Answer::Fleet(fleet) => Ok(fleet),
                _ => Err(self.other_answer("fleet")),
            }
        })
    }

    fn watch<'a>(&'a self, services: &'a [Arc<str>], events: Sender<What>) -> Doing<'a, ()> {
        Box::pin(async move {
            let mut waiting = self.send(Asked::Watch { services }).await?;
            loop {
                tokio::select! {
                    () = events.closed() => return Ok(()),
                    answer = waiting.answers.recv() => match answer {
                        // Nobody listens any more.
                        Some(Answer::Event(what)) => if events.send(what).await.is_err() {
                            return Ok(());
                        },
                        Some(Answer::Error(error)) => return Err(error),
                        Some(_) => return Err(self.other_answer("event")),
                        None => return Err(self.temporary(waiting.session.why())),
                    },
                }
            }
        })
    }

    fn perform<'a>(&'a self, action: &'a Action, release: Option<&'a Release>) -> Doing<'a, Vec<What>> {
        Box::pin(async move {
            if let Do::Launch { revision, .. } = &action.what {
                release_of(&action.key, revision, release)?;
            }
            match self.ask(Asked::Perform { action, release }).await? {
                Answer::Events(events) => Ok(events),
                _ => Err(self.other_answer("events")),
            }
        })
    }

    fn check<'a>(
        &'a self,
        instance: &'a str,
        release: &'a Release,
        mode: CheckMode,
    ) -> Doing<'a, DriftReport> {
        Box::pin(async move {
            match self.ask(Asked::Check { instance, release, mode }).await? {
                Answer::Report(report) => Ok(*report),
                _ => Err(self.other_answer("report")),
            }
        })
    }
}

/// How many answers to one request wait to be taken, at most.
const ANSWERS: usize = 64;

/// A request that is waited for. Whoever lets go of it says so to the program.
struct Waiting {
    id: u64,
    answers: Receiver<Answer>,
    session: Arc<Session>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let unanswered = self.session.shared().waiting.remove(&self.id).is_some();
        if unanswered && let Ok(line) = line_of(0, Asked::Cancel(self.id)) {
            // Where the program is behind by so much, it will find out by itself.
            let _ = self.session.lines.try_send(line);
        }
    }
}

/// One run of the program.
#[derive(Debug)]
struct Session {
    lines: Sender<Vec<u8>>,
    shared: Arc<StdMutex<Shared>>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: HashMap<u64, Sender<Answer>>,
    answered: u64,
    /// The last lines of its standard error.
    said: VecDeque<Box<str>>,
    /// Why it has ended.
    ended: Option<String>,
}

fn locked(shared: &StdMutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    fn new(mut child: Child, name: &str) -> Result<Self, DriverError> {
        let (Some(input), Some(output), Some(words)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(DriverError::permanent("the pipes to the program are not there"));
        };
        let (lines, requests) = channel(64);
        let shared = Arc::new(StdMutex::new(Shared::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(write(input, requests));
        let (speaks, silent) = oneshot::channel();
        tasks.spawn(listen(words, name.to_owned(), Arc::clone(&shared), speaks));
        tasks.spawn(read(child, output, Arc::clone(&shared), silent));
        Ok(Self { lines, shared, _tasks: tasks })
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        locked(&self.shared)
    }

    fn why(&self) -> String {
        self.shared().ended.clone().unwrap_or_else(|| "it does not read what it is asked".into())
    }
}

async fn write(mut input: ChildStdin, mut requests: Receiver<Vec<u8>>) {
    while let Some(line) = requests.recv().await {
        // One that does not read any more ends, and then its reader says why.
        if input.write_all(&line).await.is_err() || input.flush().await.is_err() {
            return;
        }
    }
}

/// A line, without its end; none at the end. A longer one than `most` is an error.
async fn line(reader: &mut (impl AsyncBufRead + Unpin), most: u64) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    let read = reader.take(most + 1).read_until(b'\n', &mut line).await;
    read.map_err(|error| error.to_string())?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() as u64 >= most => Err(format!("a line has more than {most} bytes")),
        Some(last) => {
            line.push(last);
            Err(format!("it ended within a line: `{}`", shown(&String::from_utf8_lossy(&line))))
        }
    }
}

/// Reads answers until there are no more, and says to all who wait why.
async fn read(
    mut child: Child,
    output: ChildStdout,
    shared: Arc<StdMutex<Shared>>,
    silent: oneshot::Receiver<()>,
) {
    let mut reader = BufReader::new(output);
    let mut number = 0_u64;
    let why = loop {
        number += 1;
        let line = match line(&mut reader, LONGEST_LINE).await {
            Ok(Some(line)) => line,
            Ok(None) => {
                let status = timeout(LAST_WORDS, child.wait()).await;
                let Ok(Ok(status)) = status else { break "it has closed its output".to_owned() };
                // A process that it has left behind may hold its standard error open.
                let _ = timeout(LAST_WORDS, silent).await;
                let said: Vec<String> = locked(&shared).said.iter().map(ToString::to_string).collect();
                break match said.as_slice() {
                    [] => format!("it has ended ({status})"),
                    said => format!("it has ended ({status}), and said last: {}", said.join("; ")),
                };
            }
            Err(error) => break format!("line {number} of its output: {error}"),
        };
        let parsed = serde_json::from_slice::<Line>(&line).map_err(|error| error.to_string());
        match parsed.and_then(|line| line.answer().map_err(str::to_owned)) {
            Ok((id, answer)) => pass(&shared, id, answer).await,
            Err(error) => {
                let text = shown(&String::from_utf8_lossy(&line));
                break format!("line {number} of its output is no answer: {error}: `{text}`");
            }
        }
    };
    tracing::warn!(%why, "the program of a driver is not spoken to any more");
    let mut shared = locked(&shared);
    shared.ended = Some(why);
    shared.waiting.clear();
    // The program is killed as it is let go of here, whatever it did.
}

/// Gives an answer to whoever waits for it. One that nobody waits for is late, and nobody's.
async fn pass(shared: &StdMutex<Shared>, id: u64, answer: Answer) {
    let answers = {
        let mut shared = locked(shared);
        shared.answered += 1;
        if matches!(answer, Answer::Event(_)) {
            shared.waiting.get(&id).cloned()
        } else {
            shared.waiting.remove(&id)
        }
    };
    if let Some(answers) = answers {
        let _ = answers.send(answer).await;
    }
}

/// Passes on what it says on its standard error. The sender is let go of when it says nothing more.
async fn listen(
    words: ChildStderr,
    name: String,
    shared: Arc<StdMutex<Shared>>,
    _silent: oneshot::Sender<()>,
) {
    let mut reader = BufReader::new(words);
    while let Ok(Some(line)) = word(&mut reader).await {
        let said = shown(String::from_utf8_lossy(&line).trim_end());
        tracing::warn!(driver = %name, %said, "it says");
        if !said.trim().is_empty() {
            let last = &mut locked(&shared).said;
            last.push_back(said);
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
    }
}

/// A line of standard error, cut where it is too long.
async fn word(reader: &mut BufReader<impl AsyncRead + Unpin>) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.take(LONGEST_WORD).read_until(b'\n', &mut line).await?;
    Ok((!line.is_empty()).then_some(line))
}
