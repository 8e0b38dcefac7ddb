mod chains;
mod images;
mod nonsense;
mod rollbacks;
mod stories;
mod verified;

use std::collections::BTreeMap;

use super::{Change, InstanceVerdict, Ledger, Outcome, Record};
use crate::{
    Digest, Document as _, Integrity, Release, Time,
    rollout::{Event, What},
};

/// The digest that stands for a word.
fn digest(word: &str) -> Digest {
    Digest::of(word.as_bytes())
}

/// A release of the image and so many copies: `b*20`, or `b`, which is one of 10.
fn release(service: &str, text: &str) -> Release {
    let (image, replicas) = text.split_once('*').unwrap_or((text, "10"));
    let json = format!(
        r#"{{"service":"{service}","replicas":{replicas},"image":{{"verified":{{"identities":{{"manifest":"{}","indexes":["{}"]}}}}}}}}"#,
        digest(image),
        digest(&format!("index of {image}"))
    );
    Release::from_json(json.as_bytes()).expect("a release")
}

fn change(service: &str, text: &str) -> Change {
    let release = release(service, text);
    Change {
        service: service.into(),
        fleet: digest("fleet"),
        release: release.digest(),
        revision: release.revision(),
    }
}

/// A ledger told in words, one entry each:
///
/// - `record b`, `approve b`: the release of the image `b`; `b*20` is the same with 20 copies;
/// - `start 2 b`: begins the rollout that is called `2` here; `start 3 a of 2` is a rollback of it;
/// - `ok 2`, `failed 2`, `paused 2`, `aborted 2`, `back 2 a`: what became of it;
/// - `event 2`, `test b passed`, `prune b`, `note`;
/// - `intact i-1 i-2`, `compromised i-1`, `unknown i-1`: what was found in instances; `fast intact i-1`.
fn told(lines: &[&str]) -> Ledger {
    let (mut ledger, mut rollouts) = (Ledger::default(), BTreeMap::<String, Digest>::new());
    for (number, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let rollout = |name: &str| rollouts.get(name).cloned().unwrap_or_else(|| digest(name));
        let outcome = |outcome| Record::outcome(rollout(words[1]), outcome, words[0]);
        let record = match words[..] {
            ["record", text] => Record::Release { release: release("web", text).into() },
            ["approve", text] => Record::Approval { plan: digest(text), changes: vec![change("web", text)] },
            ["start", _, text, ref of @ ..] => Record::Start {
                plan: digest(text),
                changes: vec![change("web", text)],
                rollback_of: of.get(1).map(|name| rollout(name)),
            },
            ["ok", _] => outcome(Outcome::Succeeded),
            ["failed", _] => outcome(Outcome::Failed),
            ["paused", _] => outcome(Outcome::Paused),
            ["aborted", _] => outcome(Outcome::Aborted),
            ["back", _, to] => {
                let to = BTreeMap::from([("web".to_owned(), release("web", to).digest())]);
                outcome(Outcome::RolledBack { to })
            }
            ["event", name] => Record::Event {
                rollout: rollout(name),
                event: Event { at: Time::default(), what: What::Ready { instance: "i-1".into() } }.into(),
            },
            ["test", image, verdict] => Record::Test {
                image: digest(image),
                command: vec!["check".into()],
                passed: verdict == "passed",
                reason: String::new(),
            },
            ["prune", image] => Record::Pruning { images: vec![digest(image)] },
            ["fast", verdict, ref instances @ ..] => verification(true, verdict, instances),
            [verdict @ ("intact" | "compromised" | "unknown"), ref instances @ ..] => {
                verification(false, verdict, instances)
            }
            ["note"] => Record::Note { about: None, text: "a word".into() },
            _ => panic!("what does `{line}` mean?"),
        };
        let at = Time::default().after_seconds(number as u64);
        ledger = ledger.append(at, "ann", record).expect("it can be read again");
        if words[0] == "start" {
            rollouts.insert(words[1].to_owned(), ledger.head().expect("an entry").clone());
        }
    }
    ledger
}

fn verification(fast: bool, verdict: &str, instances: &[&str]) -> Record {
    let integrity = match verdict {
        "intact" => Integrity::Intact,
        "compromised" => Integrity::Compromised,
        _ => Integrity::Unknown,
    };
    let verdict = InstanceVerdict {
        integrity,
        release: Some(release("web", "a").digest()),
        reason: if verdict == "intact" { String::new() } else { verdict.into() },
        instances: instances.iter().map(|id| (*id).into()).collect(),
    };
    Record::Verification { service: "web".into(), fast, verdicts: vec![verdict] }
}

/// What a release is called in these tests.
fn named(found: Option<&Digest>) -> String {
    let Some(found) = found else { return "none".into() };
    let names = ["a", "b", "c", "d", "a*20", "b*20", "b*1"];
    let name = names.iter().find(|name| release("web", name).digest() == *found);
    name.map_or_else(|| found.to_string(), ToString::to_string)
}

fn named_release(found: Option<&Release>) -> String {
    named(found.map(Release::digest).as_ref())
}
