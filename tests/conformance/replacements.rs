//! The operations on fleets, releases, policies, plans and rollouts.

use std::{fs, path::Path};

use castline::{
    Document, Error, Fleet, Release, Revision, Time,
    ledger::{Ledger, Outcome},
    plan::{self, Disposal, Infeasible, Limit, Order, Plan, Replacement, Stage, Target},
    policy::{Amount, Policy, Window},
    rollout::{Action, Do, Event, Next, Rollout, Status},
};
use serde_json::Value;

fn coded(result: Result<String, Error>) -> String {
    result.unwrap_or_else(|error| format!("!{}", error.code().name()))
}

/// An operation on the text that the table has.
pub(crate) fn of_text(operation: &str, input: &str) -> String {
    coded(match operation {
        "amount.parse" => input.parse::<Amount>().map(|amount| amount.to_string()),
        "amount.of" => {
            let (amount, total) = input.rsplit_once(" of ").expect("an amount of a number");
            let total = total.parse().expect("a number");
            amount.parse::<Amount>().map(|amount| amount.of(total).to_string())
        }
        "time.parse" => input.parse::<Time>().map(|time| time.to_string()),
        "revision.parse" => input.parse::<Revision>().map(|revision| revision.to_string()),
        "window.open" => window(input),
        other => panic!("the table has an unknown operation {other}"),
    })
}

fn window(input: &str) -> Result<String, Error> {
    let [schedule, duration, zone, now] = input.split('|').collect::<Vec<_>>()[..] else {
        panic!("malformed window: {input}");
    };
    let window = Window::new(schedule, duration.parse().expect("seconds"), zone)?;
    let now: Time = now.parse()?;
    let state = if window.is_open(now) { "open" } else { "closed" };
    Ok(format!("{state} {}", window.next_open(now).expect("it opens again")))
}

/// An operation on the document in the file that the table names.
pub(crate) fn of_file(words: &[&str], file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let json = || serde_json::from_slice::<Value>(&bytes).expect("JSON");
    match words {
        ["fleet.digest"] => coded(digest::<Fleet>(&bytes)),
        ["release.digest"] => coded(digest::<Release>(&bytes)),
        ["policy.digest"] => coded(digest::<Policy>(&bytes)),
        ["release.revision"] => {
            coded(Release::from_json(&bytes).map(|release| release.revision().to_string()))
        }
        ["plan"] => planned(&json(), |plan| {
            let stages: Vec<String> = plan.stages.iter().map(stage).collect();
            if plan.is_empty() { "empty".to_owned() } else { stages.join(" ") }
        }),
        ["plan.limits"] => {
            planned(&json(), |plan| plan.limits.iter().map(limit).collect::<Vec<_>>().join("; "))
        }
        ["ledger"] => match Ledger::from_lines(&bytes) {
            Ok(ledger) => {
                format!("{} {}", ledger.len(), ledger.head().map_or("none".into(), ToString::to_string))
            }
            Err(broken) => format!("!{} {}", broken.fault.code(), broken.position),
        },
        ["ledger", "--service", service] => story(&Ledger::from_lines(&bytes).expect("a chain"), service),
        ["rollout"] => rollout(&json(), usize::MAX),
        ["rollout", "--events", count] => rollout(&json(), count.parse().expect("a number")),
        other => panic!("the table has an unknown operation {other:?}"),
    }
}

/// What a ledger says of a service.
fn story(ledger: &Ledger, service: &str) -> String {
    let text = |outcome: Option<&Outcome>| match outcome {
        None => "running",
        Some(Outcome::Succeeded) => "succeeded",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Paused) => "paused",
        Some(Outcome::Aborted) => "aborted",
        Some(Outcome::RolledBack { .. }) => "rolledBack",
        Some(other) => panic!("an unknown outcome {other:?}"),
    };
    let history = ledger.history(service);
    let outcomes: Vec<&str> = history.iter().map(|one| text(one.outcome.as_ref())).collect();
    let digest =
        |release: Option<&Release>| release.map_or("none".into(), |release| release.digest().to_string());
    let last = history.last().and_then(|one| ledger.release(&one.release));
    format!(
        "history={} current={} previous={} target={}",
        outcomes.join(","),
        ledger.current(service).map_or("none".into(), ToString::to_string),
        digest(ledger.previous_good(service)),
        digest(last.and_then(|failed| ledger.rollback_target(failed)))
    )
}

/// The digest of a document, which its canonical form gives again.
fn digest<D: Document>(bytes: &[u8]) -> Result<String, Error> {
    let digest = D::from_json(bytes)?.digest();
    let again = D::from_json(&D::from_json(bytes)?.to_canonical())?.digest();
    assert_eq!(digest, again, "the canonical form is another document");
    Ok(digest.to_string())
}

fn read<D: Document>(value: &Value) -> D {
    D::from_json(value.to_string().as_bytes()).expect("a valid document")
}

fn targets(document: &Value) -> Vec<Target> {
    let targets = document["targets"].as_array().expect("targets").iter();
    let target = |target: &Value| Target {
        fleet: read(&target["fleet"]),
        release: read(&target["release"]),
        policy: read(&target["policy"]),
    };
    targets.map(target).collect()
}

fn planned(document: &Value, text: impl Fn(&Plan) -> String) -> String {
    match plan::plan(&targets(document)) {
        Ok(plan) => {
            assert_eq!(read::<Plan>(&serde_json::to_value(&plan).expect("JSON")), plan);
            text(&plan)
        }
        Err(Infeasible { code, conflict, .. }) => {
            let names: Vec<&str> = conflict.iter().map(|constraint| &*constraint.name).collect();
            format!("!{} {}", code.name(), names.join("|"))
        }
    }
}

fn stage(stage: &Stage) -> String {
    let mut words = vec![format!("[{}]", stage.name)];
    if !stage.after.is_empty() {
        let after: Vec<String> = stage.after.iter().map(ToString::to_string).collect();
        words.push(format!("after={}", after.join(",")));
    }
    words.extend(stage.replacements.iter().map(replacement));
    words.extend(stage.weight.map(|weight| format!("weight={weight}")));
    let gate = &stage.gate;
    words.extend((gate.bake_seconds > 0).then(|| format!("bake={}", gate.bake_seconds)));
    words.extend(gate.analysis.as_ref().map(|name| format!("analysis={name}")));
    words.extend(gate.approval.as_ref().map(|_| "approval".to_owned()));
    words.join(" ")
}

/// The text of a value that is one in JSON.
fn name(value: serde_json::Result<Value>) -> String {
    value.expect("JSON").as_str().expect("a text").to_owned()
}

fn slotted(slot: Option<&str>) -> String {
    slot.map_or_else(String::new, |slot| format!("#{slot}"))
}

fn disposed(disposal: Disposal) -> String {
    if disposal == Disposal::End {
        String::new()
    } else {
        format!("({})", name(serde_json::to_value(disposal)))
    }
}

fn replacement(one: &Replacement) -> String {
    let launch = one.launch.as_ref().map(|launch| {
        let labels: Vec<String> = launch.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        format!("+{}{}{labels}", launch.zone, slotted(launch.slot.as_deref()))
    });
    let retire = one.retire.as_ref().map(|retire| format!("-{}{}", retire.id, disposed(retire.disposal)));
    let halves = if one.order == Order::LaunchFirst { [launch, retire] } else { [retire, launch] };
    format!(
        "{}:{}:{}",
        one.wave,
        halves.into_iter().flatten().collect::<String>(),
        name(serde_json::to_value(one.reason))
    )
}

fn limit(limit: &Limit) -> String {
    let mut words = vec![limit.name.clone(), format!("of={}", limit.desired)];
    for (name, number) in [("floor", limit.floor), ("ceiling", limit.ceiling), ("inFlight", limit.in_flight)]
    {
        words.extend(number.map(|number| format!("{name}={number}")));
    }
    words.join(" ")
}

fn rollout(document: &Value, count: usize) -> String {
    let targets = targets(document);
    let fallback: Vec<Release> =
        document["fallback"].as_array().expect("releases").iter().map(read).collect();
    let plan = plan::plan(&targets).expect("a plan");
    let start: Time = document["start"].as_str().expect("a time").parse().expect("a time");
    let mut rollout = Rollout::start(&plan, &targets, &fallback, start).expect("a rollout");
    let mut replaced: Vec<String> = Vec::new();
    for event in document["events"].as_array().expect("events").iter().take(count) {
        let (text, key) = with_key(&event.to_string(), &rollout.next(), &replaced);
        replaced.push(key);
        let event: Event = serde_json::from_str(&text).expect("an event");
        rollout = rollout.on(&event);
    }
    let status = match rollout.status() {
        Status::Running => "running",
        Status::Paused { .. } => "paused",
        Status::RollingBack { .. } => "rollingBack",
        Status::Succeeded => "succeeded",
        Status::RolledBack { .. } => "rolledBack",
        Status::Aborted { .. } => "aborted",
        other => panic!("an unknown status {other:?}"),
    };
    let actions = rollout.next().actions;
    let words: Vec<String> =
        [status.to_owned()].into_iter().chain(actions.iter().map(|one| action(&one.what))).collect();
    words.join(" ")
}

/// An event's text with the key that its `$TYPE:N` stands for, and that key.
fn with_key(event: &str, next: &Next, replaced: &[String]) -> (String, String) {
    let Some(start) = event.find("\"$") else { return (event.to_owned(), String::new()) };
    let symbol = event[start + 2..].split('"').next().expect("a text");
    let (kind, number) = symbol.split_once(':').expect("a type and a position");
    let number: usize = number.parse().expect("a position");
    let is_kind = |action: &&Action| {
        let word = action_type(&action.what);
        word == kind
    };
    let key = match kind {
        "same" => replaced[number].clone(),
        _ => {
            let action = next.actions.iter().filter(is_kind).nth(number);
            action.unwrap_or_else(|| panic!("there is no action ${symbol} for {event}")).key.to_string()
        }
    };
    (event.replace(&format!("\"${symbol}\""), &format!("\"{key}\"")), key)
}

fn action_type(what: &Do) -> String {
    let value = serde_json::to_value(what).expect("JSON");
    value["type"].as_str().expect("a type").to_owned()
}

fn action(what: &Do) -> String {
    match what {
        Do::Launch { zone, slot, .. } => format!("launch:{zone}{}", slotted(slot.as_deref())),
        Do::Retire { instance, disposal, .. } => format!("retire:{instance}{}", disposed(*disposal)),
        Do::Shift { weight, .. } => format!("shift:{weight}"),
        Do::Analyse { name } => format!("analyse:{name}"),
        Do::Ask { .. } => "ask".to_owned(),
        other => panic!("an unknown action {other:?}"),
    }
}
