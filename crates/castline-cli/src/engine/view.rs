//! What is seen of a rollout while it is executed: lines, with what is under way below them on a terminal; or JSON.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{self, IsTerminal as _},
    sync::Arc,
    time::{Duration, Instant},
};

use castline::{
    engine::Told,
    ledger::Outcome,
    plan::Disposal,
    rollout::{Action, Do, Event, Key, Progress, Status, What},
    shown_whole,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{quoted, short};
use crate::output::{self, counted};

/// How many instances are named below the lines, at most.
const NAMED: usize = 12;

/// What an instance does that was launched and is not ready yet.
const STARTS: &str = "starts";

/// How often what is under way is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// What is seen of a rollout.
pub(super) struct View {
    began: Instant,
    out: Out,
    progress: Progress,
    status: Status,
    /// What is asked for and not answered yet.
    asked: HashMap<Key, Action>,
    /// What changes now, by instance.
    moving: BTreeMap<Arc<str>, Moving>,
    /// The zone of each instance that was launched.
    zones: HashMap<Arc<str>, Arc<str>>,
    /// Whether it waits where somebody has to decide.
    stays: bool,
}

enum Out {
    Json,
    Lines,
    Live(ProgressBar),
}

struct Moving {
    what: &'static str,
    since: Instant,
}

impl View {
    /// Lines of JSON on standard output; else on a terminal what is under way, too.
    pub(super) fn new(json: bool) -> Self {
        let out = if json {
            Out::Json
        } else if io::stderr().is_terminal() {
            let bar = ProgressBar::no_length();
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            bar.set_style(
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(TICK);
            Out::Live(bar)
        } else {
            Out::Lines
        };
        Self {
            began: Instant::now(),
            out,
            progress: Progress::default(),
            status: Status::Running,
            asked: HashMap::new(),
            moving: BTreeMap::new(),
            zones: HashMap::new(),
            stays: false,
        }
    }

    /// The same of one that waits where somebody has to decide: it says by what.
    pub(super) fn staying(mut self, stays: bool) -> Self {
        self.stays = stays;
        self
    }

    /// Shows what is told of the rollout. Who reads it may have gone: that is no reason to stop.
    pub(super) fn show(&mut self, told: &Told) {
        if matches!(self.out, Out::Json) {
            if let Ok(mut line) = serde_json::to_string(told) {
                line.push('\n');
                let _ = output::print(&line);
            }
            return;
        }
        let line = self.line(told);
        self.remember(told);
        if let Some(line) = line {
            self.say(&line);
        }
        self.draw();
    }

    /// It comes back now where somebody has to decide.
    pub(super) fn leaves(&mut self) {
        self.stays = false;
    }

    /// Says something by the way.
    pub(super) fn say(&self, text: &str) {
        let line = format!("{:>6.1} s  {}", self.began.elapsed().as_secs_f64(), shown_whole(text));
        match &self.out {
            // Standard output is for the lines that programs read.
            Out::Json => {
                let _ = output::note(text);
            }
            Out::Lines => {
                let _ = output::print(&(line + "\n"));
            }
            Out::Live(bar) => bar.println(line),
        }
    }

    fn remember(&mut self, told: &Told) {
        match told {
            Told::Asking { action, .. } => {
                if let Do::Retire { instance, disposal, .. } = &action.what {
                    let what = if *disposal == Disposal::End { "ends" } else { "goes into quarantine" };
                    self.moves(instance, what);
                }
                self.asked.insert(action.key.clone(), action.clone());
            }
            Told::Happened { event } => self.happened(&event.what),
            Told::At { progress, status } => {
                self.progress = *progress;
                self.status = status.clone();
            }
            _ => {}
        }
    }

    fn happened(&mut self, what: &What) {
        match what {
            What::Launched { key, instance } => {
                if let Some(Do::Launch { zone, .. }) = self.asked.remove(key).map(|action| action.what) {
                    self.zones.insert(Arc::clone(instance), zone);
                }
                self.moves(instance, STARTS);
            }
            What::LaunchFailed { key, .. } => {
                self.asked.remove(key);
            }
            What::Ready { instance }
            | What::Failed { instance, .. }
            | What::Gone { instance }
            | What::Quarantined { instance } => {
                self.moving.remove(instance);
            }
            What::NotReady { instance } => self.moves(instance, "is not ready"),
            _ => {}
        }
    }

    fn moves(&mut self, instance: &Arc<str>, what: &'static str) {
        let since = Instant::now();
        self.moving.insert(Arc::clone(instance), Moving { what, since });
    }

    fn draw(&self) {
        let Out::Live(bar) = &self.out else { return };
        let mut lines = vec![match &self.status {
            Status::RollingBack { .. } => format!("going back: {}", numbers(&self.progress)),
            _ if self.progress == Progress::default() => "the platform is asked".into(),
            _ => numbers(&self.progress),
        }];
        for (instance, moving) in self.moving.iter().take(NAMED) {
            let zone = self.zones.get(instance).filter(|zone| !zone.is_empty());
            let zone = zone.map_or(String::new(), |zone| format!(" (zone {zone})"));
            let seconds = moving.since.elapsed().as_secs();
            lines.push(format!("  {instance}{zone} {}, {seconds} s", moving.what));
        }
        if self.moving.len() > NAMED {
            lines.push(format!("  and {} more", self.moving.len() - NAMED));
        }
        let width = output::width().saturating_sub(1);
        let fits = |line: &String| shown_whole(line).chars().take(width).collect::<String>();
        bar.set_message(lines.iter().map(fits).collect::<Vec<_>>().join("\n"));
    }

    /// What people read of it, if anything.
    fn line(&self, told: &Told) -> Option<String> {
        Some(match told {
            Told::Rollout { rollout, services, events, .. } => {
                let services = services.join(", ");
                match events {
                    0 => format!("rollout {} of {services} begins", short(rollout)),
                    events => format!(
                        "rollout {} of {services} goes on after {}",
                        short(rollout),
                        counted(*events, "event")
                    ),
                }
            }
            Told::Asking { action, attempt: 0 } => asks(action)?,
            Told::Again { service, reason, after_millis, .. } => {
                format!("{service}: {reason}; tried again in {}", seconds(*after_millis))
            }
            Told::GivenUp { service, reason, .. } => format!("{service}: {reason}; not tried again"),
            Told::Happened { event } => self.happening(event)?,
            Told::At { progress, status } => {
                let same = (progress.done, progress.failed) == (self.progress.done, self.progress.failed);
                match status {
                    Status::Paused { reason } if *status != self.status && self.stays => format!(
                        "paused: {reason}; another terminal goes on by `castline resume`, or stops it by `castline resume --abort`"
                    ),
                    Status::Paused { reason } if *status != self.status => format!("paused: {reason}"),
                    Status::RollingBack { reason } if *status != self.status => {
                        format!("GOES BACK: {reason}")
                    }
                    _ if same || status.is_end() => return None,
                    _ => numbers(progress),
                }
            }
            Told::Question { approval, service, .. } => {
                format!("{service} waits for somebody: castline answer {}", quoted(approval))
            }
            Told::Trouble { message } => format!("trouble: {message}"),
            _ => return None,
        })
    }

    fn happening(&self, event: &Event) -> Option<String> {
        Some(match &event.what {
            What::Launched { key, instance } => match self.asked.get(key).map(|action| &action.what) {
                Some(Do::Launch { zone, .. }) if !zone.is_empty() => {
                    format!("{instance} launched in zone {zone}")
                }
                _ => format!("{instance} launched"),
            },
            What::LaunchFailed { reason, .. } => format!("a launch failed: {reason}"),
            // Who was ready before is said to be so when one begins to listen.
            What::Ready { instance } => {
                let since = self.moving.get(instance).filter(|moving| moving.what == STARTS)?.since;
                let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                format!("{instance} ready after {}", seconds(millis))
            }
            What::NotReady { instance } if self.moving.contains_key(instance) => return None,
            What::NotReady { instance } => format!("{instance} is not ready any more"),
            What::Failed { instance, reason } => format!("{instance} FAILED: {reason}"),
            What::Gone { instance } => format!("{instance} gone"),
            What::Quarantined { instance } => format!("{instance} in quarantine"),
            What::Compromised { instance } => format!("{instance} is not what was shipped"),
            What::Shifted { .. } => "traffic was shifted".into(),
            What::Passed { .. } => "the analysis passed".into(),
            What::NotPassed { reason, .. } => format!("the analysis did not pass: {reason}"),
            What::Approved { by, .. } => format!("{by} approves"),
            What::Refused { by, reason, .. } => format!("{by} refuses: {reason}"),
            What::Continue { by } => format!("{by} lets it go on"),
            What::Abort { by } => format!("{by} stops it for good"),
            What::RollBack { by } => format!("{by} takes it back"),
            What::Resize { service, replicas, by } => {
                format!("{by} wants {} of {service}", counted(*replicas, "instance"))
            }
            _ => return None,
        })
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Out::Live(bar) = &self.out {
            bar.finish_and_clear();
        }
    }
}

fn asks(action: &Action) -> Option<String> {
    Some(match &action.what {
        Do::Retire { instance, disposal: Disposal::End, .. } => {
            format!("{instance} is taken out of traffic, and ends")
        }
        Do::Retire { instance, disposal: Disposal::Quarantine, drain_seconds: drain @ 1.. } => {
            format!(
                "{instance} is taken out of traffic; in quarantine after {drain} s (its policy's drainSeconds)"
            )
        }
        Do::Retire { instance, .. } => format!("{instance} is taken out of traffic, into quarantine"),
        Do::Shift { weight, .. } => format!("{weight} % of the traffic goes to the new release"),
        Do::Analyse { name } => format!("the analysis `{name}` begins"),
        _ => return None,
    })
}

/// What became of a rollout.
pub(super) fn ended(outcome: &Outcome, reason: &str) -> String {
    let what = match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "FAILED",
        Outcome::Paused => "paused",
        Outcome::Aborted => "aborted",
        Outcome::RolledBack { .. } => "ROLLED BACK",
        _ => "ended",
    };
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}

/// How far it is.
pub(super) fn numbers(progress: &Progress) -> String {
    let Progress { waiting, active, done, failed, stages_done, stages, .. } = *progress;
    let all = waiting + active + done + failed;
    let mut text = format!("{done} of {} done", counted(all, "replacement"));
    for (count, what) in [(active, "under way"), (failed, "failed")] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    if stages > 1 {
        let _ = write!(text, "; {stages_done} of {stages} stages");
    }
    text
}

/// Milliseconds as people read them.
pub(super) fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}
