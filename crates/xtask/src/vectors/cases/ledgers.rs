//! Ledgers: chains that hold, chains that do not, and what they add up to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fleets::{at, release_of};
use crate::vectors::{
    bytes::{digest, jcs},
    case::{Case, Node, Row, Section, Tree},
    layout::with,
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Ledgers: chains that hold, and chains that do not", cases: chains() },
        Section { title: "Ledgers: what runs, and what to go back to", cases: stories() },
    ]
}

/// The release of 10 copies of this image, as it is written.
fn release(image: &str) -> Value {
    with(&release_of("web", image, 10), "spec", json!({}))
}

fn named(release: &Value) -> String {
    // What is empty is left out of a canonical form.
    let mut release = release.clone();
    release.as_object_mut().expect("an object").remove("spec");
    digest::of(jcs::canonical(&release).as_bytes())
}

fn revision(image: &str) -> String {
    let mut template = release(image);
    template.as_object_mut().expect("an object").remove("replicas");
    format!("1@{}", digest::of(jcs::canonical(&template).as_bytes()))
}

/// The lines of a ledger.
#[derive(Clone, Default)]
struct Chain {
    lines: Vec<String>,
    rollouts: BTreeMap<String, String>,
}

impl Chain {
    fn head(&self) -> Option<String> {
        self.lines.last().map(|line| digest::of(line.as_bytes()))
    }

    fn add(&mut self, record: &Value) {
        let number = u32::try_from(self.lines.len()).expect("a short ledger");
        let entry =
            json!({"version": 1, "sequence": number, "at": at(number), "actor": "ann", "record": record});
        let entry = self.head().map_or(entry.clone(), |head| with(&entry, "parent", head));
        self.lines.push(jcs::canonical(&entry));
    }

    /// A ledger told in words: `record b`; `approve b`; `start 2 b`, and `start 3 a of 2`, which takes it back; what became of
    /// it: `succeeded 2`, `failed 2`, `paused 2`, `aborted 2`, `back 2 a`; `ready 2`, an event; `test b`, the image's; `note`;
    /// `intact b`, what a verification of three instances found.
    fn told(words: &[&str]) -> Self {
        let mut chain = Self::default();
        for line in words {
            let words: Vec<&str> = line.split(' ').collect();
            let outcome = |outcome: Value| json!({"kind": "outcome", "rollout": chain.rollouts[words[1]], "outcome": outcome});
            let record = match words[..] {
                ["record", image] => {
                    let mut release = release(image);
                    release.as_object_mut().expect("an object").remove("spec");
                    json!({"kind": "release", "release": release})
                }
                ["approve", image] => {
                    json!({"kind": "approval", "plan": digest::of(image.as_bytes()), "changes": changes(image)})
                }
                ["start", _, image] => {
                    json!({"kind": "start", "plan": digest::of(image.as_bytes()), "changes": changes(image)})
                }
                ["start", _, image, "of", other] => {
                    json!({"kind": "start", "plan": digest::of(image.as_bytes()),
                    "changes": changes(image), "rollbackOf": chain.rollouts[other]})
                }
                ["back", _, image] => outcome(json!({"rolledBack": {"to": {"web": named(&release(image))}}})),
                ["ready", rollout] => json!({"kind": "event", "rollout": chain.rollouts[rollout],
                    "event": {"at": at(0), "type": "ready", "instance": "i-1"}}),
                ["test", image] => json!({"kind": "test", "image": digest::of(image.as_bytes()),
                    "command": ["/bin/true"], "passed": true}),
                ["intact", image] => json!({"kind": "verification", "service": "web", "verdicts": [
                    {"integrity": "intact", "release": named(&release(image)), "instances": ["i-1", "i-2"]},
                    {"integrity": "compromised", "reason": "/bin/sh was added", "instances": ["i-3"]}]}),
                ["note"] => json!({"kind": "note", "text": "a word\u{1f600}"}),
                [end, _] => outcome(end.into()),
                _ => panic!("what does `{line}` mean?"),
            };
            chain.add(&record);
            if words[0] == "start" {
                let head = chain.head().expect("an entry");
                chain.rollouts.insert(words[1].into(), head);
            }
        }
        chain
    }

    fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

fn changes(image: &str) -> Value {
    json!([{"service": "web", "fleet": digest::of(b"fleet"), "release": named(&release(image)),
        "revision": revision(image)}])
}

fn case(name: &str, text: String, operation: &str, expected: &str) -> Case {
    let place = format!("ledgers/{name}.jsonl");
    let tree = Tree::from([(place.clone(), Node::File(text.into_bytes()))]);
    Case { rows: vec![Row::new(operation, &place, expected)], place, tree, why: None }
}

/// Two releases that succeeded one after the other.
const A_THEN_B: [&str; 6] = ["record a", "start 1 a", "succeeded 1", "record b", "start 2 b", "succeeded 2"];

fn chains() -> Vec<Case> {
    let chain = Chain::told(&[&A_THEN_B[..], &["approve b", "note"]].concat());
    let whole = chain.text();
    let line = |number: usize| format!("{}\n", chain.lines[number]);
    let holds = |name, words: &[&str]| {
        let chain = Chain::told(words);
        let head = chain.head().unwrap_or_else(|| "none".into());
        case(name, chain.text(), "ledger", &format!("{} {head}", chain.lines.len()))
    };
    let broken = |name, text: String, expected| case(name, text, "ledger", expected);
    vec![
        holds("empty", &[]),
        holds("a-note", &["note"]),
        holds("two-rollouts", &A_THEN_B),
        holds("a-test-of-an-image", &["test a", "record a", "start 1 a"]),
        holds("a-verification", &["record a", "start 1 a", "succeeded 1", "intact a"]),
        holds("an-event-and-a-rollback", &["record a", "start 1 a", "ready 1", "back 1 a"]),
        broken("cut", whole[..whole.len() - 1].into(), "!torn 7")
            .because("an append that was cut off was never acknowledged"),
        broken("no-entry", format!("{}{{}}\n{}", line(0), line(1)), "!malformed 1"),
        broken("an-empty-line", format!("{}\n{}", line(0), line(1)), "!malformed 1"),
        broken(
            "of-a-later-version",
            whole.replacen(r#""version":1"#, r#""version":2"#, 1),
            "!unknown-version 0",
        ),
        broken("with-a-space", whole.replacen(r#","at":"#, r#", "at":"#, 1), "!not-canonical 0"),
        broken("another-actor", whole.replacen("ann", "bob", 1), "!wrong-parent 1")
            .because("a change is seen at the entry that names what was changed"),
        broken("without-the-first", whole[line(0).len()..].into(), "!wrong-sequence 0"),
        broken("without-one-between", whole.replacen(&line(2), "", 1), "!wrong-sequence 2"),
        broken("two-swapped", format!("{}{}{}", line(0), line(2), line(1)), "!wrong-sequence 1"),
        broken("one-twice", format!("{}{}{}", line(0), line(1), line(1)), "!wrong-sequence 2"),
        broken("nobody-did-it", whole.replacen(r#""actor":"ann""#, r#""actor":"""#, 1), "!malformed 0"),
    ]
}

fn stories() -> Vec<Case> {
    let a_then_b = |more: &[&'static str]| [&A_THEN_B[..], more].concat();
    let told = |name: &str, words: &[&str], history: &str, standing: [&str; 3]| {
        let [current, previous, target] = standing.map(|image| match image {
            "none" => "none".into(),
            image => named(&release(image)),
        });
        let expected = format!("history={history} current={current} previous={previous} target={target}");
        case(name, Chain::told(words).text(), "ledger --service web", &expected)
    };
    vec![
        told("nothing-yet", &["record a"], "", ["none", "none", "none"]),
        told("the-first", &["record a", "start 1 a"], "running", ["none", "none", "none"]),
        told("all-is-well", &a_then_b(&[]), "succeeded,succeeded", ["b", "a", "a"]),
        told(
            "half-way-to-a-broken-one",
            &a_then_b(&["record c", "start 3 c", "paused 3"]),
            "succeeded,succeeded,paused",
            ["b", "b", "b"],
        )
        .because("kubernetes#67250: the one that runs is what there is to go back to"),
        told(
            "it-went-back-by-itself",
            &a_then_b(&["record c", "start 3 c", "back 3 b"]),
            "succeeded,succeeded,rolledBack",
            ["b", "a", "b"],
        ),
        told(
            "a-rollback",
            &a_then_b(&["start 3 a of 2", "succeeded 3"]),
            "succeeded,succeeded,succeeded",
            ["a", "none", "none"],
        )
        .because("there is no going back from a rollback"),
        told(
            "it-failed-and-then-succeeded",
            &a_then_b(&["record c", "start 3 c", "failed 3", "start 4 c", "succeeded 4"]),
            "succeeded,succeeded,failed,succeeded",
            ["c", "b", "b"],
        ),
        told(
            "somebody-stopped-it",
            &a_then_b(&["record c", "start 3 c", "aborted 3"]),
            "succeeded,succeeded,aborted",
            ["b", "a", "b"],
        ),
        told(
            "never-recorded",
            &["start 1 a", "succeeded 1", "start 2 b"],
            "succeeded,running",
            ["a", "none", "none"],
        )
        .because("a release that is not in the ledger cannot be launched from it"),
    ]
}
