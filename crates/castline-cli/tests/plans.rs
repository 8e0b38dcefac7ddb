//! `plan`, `check`, `release` and `import` as people and scripts use them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Documents in a folder of their own, where the binary runs.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"));
        let instances: Vec<Value> =
            (0..4).map(|number| json!({"id": format!("i-{number}"), "image": "ami-1"})).collect();
        desk.write("fleet.json", &json!({"service": "web", "instances": instances}));
        let image =
            json!({"provider": {"provider": "aws", "id": "ami-2", "provenance": {"builder": "packer"}}});
        desk.write("release.json", &json!({"service": "web", "image": image, "replicas": 4}));
        desk.write("policy.json", &json!({"budgets": [{"maxUnavailable": 0, "maxSurge": 2}]}));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.path(name), value.to_string()).expect("it is written");
    }

    fn run(&self, arguments: &str) -> (i32, String, String) {
        self.run_with(arguments, "")
    }

    /// Runs it with this on standard input.
    fn run_with(&self, arguments: &str, input: &str) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_castline"))
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // Who does not read it has closed it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
    }
}

const WEB: &str = "--fleet fleet.json --release release.json --policy policy.json";

/// What somebody does to a document.
type Change = fn(&mut Value);

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect(text)
}

#[test]
fn a_plan_names_each_instance_and_why_and_draws_the_capacity() {
    let (status, text, errors) = Desk::new().run(&format!("plan {WEB}"));
    assert_eq!((status, &*errors), (0, ""), "{text}");
    for part in ["i-0", "i-3", "image", "2 waves (at least 2 under these limits)", "sha256:"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn a_plan_is_a_document_that_is_checked_with_what_it_was_made_of() {
    let desk = Desk::new();
    let (status, plan, _) = desk.run(&format!("plan {WEB} --json"));
    assert_eq!(status, 0);
    let (status, text, errors) = desk.run_with(&format!("check --plan - {WEB} --exhaustive"), &plan);
    assert_eq!((status, &*errors), (0, ""), "{text}");
    assert!(text.contains("safe: 4 replacements in 2 waves"), "{text}");
    assert!(text.contains("never fewer than 4 available, never more than 6 there"), "{text}");
    assert!(text.contains("none of them unsafe"), "{text}");
    let (_, text, _) = desk.run_with(&format!("check --plan - {WEB} --json"), &plan);
    assert_eq!(read(&text)["safe"], true, "{text}");
}

#[test]
fn a_plan_that_was_changed_is_not_safe_and_says_why() {
    let desk = Desk::new();
    let (_, text, _) = desk.run(&format!("plan {WEB} --json"));
    let plan = read(&text);
    let changed = |change: Change| {
        let mut plan = plan.clone();
        change(&mut plan);
        desk.run_with(&format!("check --plan - {WEB}"), &plan.to_string())
    };
    let unsafe_ones: [(&str, Change, &str); 4] = [
        (
            "it retires first",
            |plan| plan["stages"][0]["replacements"][0]["order"] = "retireFirst".into(),
            "i-0",
        ),
        (
            "it leaves one out",
            |plan| {
                plan["stages"][0]["replacements"].as_array_mut().expect("a list").pop();
            },
            "i-3",
        ),
        ("it allows itself more", |plan| plan["limits"][0]["ceiling"] = 9.into(), "fleet web"),
        (
            "it is of another fleet",
            |plan| plan["services"][0]["fleet"] = plan["services"][0]["release"].clone(),
            "fleet",
        ),
    ];
    for (name, change, part) in unsafe_ones {
        let (status, text, errors) = changed(change);
        assert_eq!((status, &*errors), (1, ""), "{name}: {text}");
        assert!(text.starts_with("NOT SAFE") && text.contains(part), "{name}: {text}");
    }
}

#[test]
fn a_plan_that_cannot_be_names_what_is_in_conflict() {
    let desk = Desk::new();
    desk.write("policy.json", &json!({"budgets": [{"name": "tight", "maxUnavailable": 0, "maxSurge": 0}]}));
    let (status, text, errors) = desk.run(&format!("plan {WEB}"));
    assert_eq!((status, &*errors), (1, ""), "{text}");
    assert!(text.starts_with("INFEASIBLE: ") && text.contains("tight"), "{text}");
    let (status, text, _) = desk.run(&format!("plan {WEB} --json"));
    assert_eq!((status, &read(&text)["conflict"][0]["name"]), (1, &json!("tight")), "{text}");
}

#[test]
fn a_fleet_that_is_as_it_should_be_needs_nothing() {
    let desk = Desk::new();
    let fleet = fs::read_to_string(desk.path("fleet.json")).expect("a fleet").replace("ami-1", "ami-2");
    let (status, text, _) = desk.run_with(&format!("plan {}", WEB.replace("fleet.json", "-")), &fleet);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("nothing to do"), "{text}");
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let desk = Desk::new();
    let (status, _, errors) = desk.run(&format!("plan {WEB} --html plan.html"));
    assert_eq!((status, &*errors), (0, ""));
    let page = fs::read_to_string(desk.path("plan.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("i-0"), "{page}");
    let links = page.replace("http://www.w3.org/2000/svg", "");
    for elsewhere in ["http:", "https:", "src=", "@import"] {
        assert!(!links.contains(elsewhere), "{elsewhere}");
    }
    assert_eq!(links.matches("url(").count(), links.matches("url(#").count(), "its own patterns only");
    let (status, _, errors) = desk.run(&format!("plan {WEB} --html no/where.html"));
    assert_eq!(status, 2);
    assert!(errors.contains("no/where.html"), "{errors}");
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    let desk = Desk::new();
    desk.write("odd.json", &json!({"service": "web", "instances": [{"id": "a"}, {"id": "a"}]}));
    desk.write("db.json", &json!({"service": "db", "instances": []}));
    desk.write("steps.json", &json!({"strategy": {"canary": {}}}));
    desk.write("list.json", &json!([]));
    fs::write(desk.path("cut.json"), "{\"service\": ").expect("it is written");
    for (arguments, part) in [
        ("plan --fleet none.json --release release.json", "none.json: No such file"),
        ("plan --fleet cut.json --release release.json", "cut.json: "),
        ("plan --fleet odd.json --release release.json", "odd.json: "),
        ("plan --fleet release.json --release release.json", "release.json: "),
        (
            "plan --fleet fleet.json --release release.json --policy steps.json",
            "steps.json: this is not a valid policy: strategy.canary: invalid type: map, expected a sequence",
        ),
        (
            "plan --fleet fleet.json --release release.json --world list.json",
            "list.json: invalid type: sequence",
        ),
        ("plan --fleet db.json --release release.json", "there is a release of web, and no fleet"),
        (
            "plan --fleet fleet.json --fleet db.json --release release.json",
            "there is a fleet of db, and no release",
        ),
        ("plan --fleet - --release -", "only one document"),
        ("plan --fleet fleet.json", "--release"),
        ("check --fleet fleet.json --release release.json", "--plan"),
        ("check --plan fleet.json --fleet fleet.json --release release.json", "fleet.json: "),
        ("import kubernetes none.json", "none.json: No such file"),
        ("import kubernetes fleet.json", "list of Kubernetes objects"),
        ("import nomad fleet.json", "nomad"),
        ("import packer cut.json fleet.json", "one manifest"),
    ] {
        let (status, text, errors) = desk.run(arguments);
        assert_eq!((status, &*text), (2, ""), "{arguments}: {errors}");
        assert!(errors.contains(part), "{arguments}: {errors}");
    }
}

#[test]
fn a_release_is_of_an_image_that_was_verified() {
    let desk = Desk::new();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/layouts").canonicalize();
    let vectors = vectors.expect("the vectors").display().to_string();
    let (status, text, errors) =
        desk.run(&format!("release oci:{vectors}/three-layers --service web --replicas 4"));
    assert_eq!((status, &*errors), (0, ""));
    let release = read(&text);
    assert!(release["image"]["verified"]["identities"]["manifest"].as_str().is_some(), "{text}");
    fs::write(desk.path("release.json"), &text).expect("it is written");
    let (status, text, _) = desk.run(&format!("plan {WEB}"));
    assert_eq!(status, 0, "{text}");

    let (status, text, errors) =
        desk.run(&format!("release oci:{vectors}/flipped-bit-in-a-tar-layer --service web --replicas 4"));
    assert_eq!((status, &*text), (1, ""));
    assert!(errors.contains("blob-digest-mismatch") && errors.contains("there is no release"), "{errors}");
}

#[test]
fn what_is_wrong_in_a_spec_is_named_with_its_file_and_place() {
    let desk = Desk::new();
    let layout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/layouts/three-layers");
    let make = format!("release oci:{} --service web --replicas 4", layout.display());
    for (spec, part) in [
        ("[]", "invalid type: sequence, expected an object at line 1"),
        (
            r#"{"health":[["/bin/check"],1000]}"#,
            "health: invalid type: sequence, expected an object at line 1",
        ),
        (r#"{"env":{"A":{}}}"#, "env.A: invalid type: map, expected a string at line 1 column 12"),
        (r#"{"env":{"A":"1"},"secret":{}}"#, "unknown field `secret`"),
        (r#"{"secrets":{"T":{"file":"x"}}}"#, "the secret `T` from `file:x`: "),
        (
            r#"{"secrets":{"T":"hunter2"}}"#,
            "secrets.T: invalid type: a text, expected where a secret comes from",
        ),
        (r#"{"health":{"command":[]}}"#, "`health.command` is empty"),
    ] {
        fs::write(desk.path("m.json"), spec).expect("it is written");
        let (status, text, errors) = desk.run(&format!("{make} --spec m.json"));
        assert_eq!((status, &*text), (2, ""), "{spec}: {errors}");
        assert!(errors.contains(&format!("m.json: this is not a valid spec: {part}")), "{errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    }
    fs::write(desk.path("m.json"), r#"{"health":{"command":["/bin/check"]}}"#).expect("it is written");
    assert_eq!(desk.run(&format!("{make} --spec m.json")).0, 0);
}

#[test]
fn what_kubectl_prints_becomes_a_plan() {
    let desk = Desk::new();
    let cluster =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../castline-core/src/import/testdata/kubernetes.json");
    let cluster = fs::read_to_string(cluster).expect("a cluster");
    let (status, text, notes) = desk.run_with("import kubernetes -", &cluster);
    assert_eq!(status, 0, "{notes}");
    assert!(
        text.contains("web: 4 instances, 2 ready, 4 wanted") && notes.contains("is left out"),
        "{text}{notes}"
    );
    for part in ["fleet", "policy"] {
        let (status, text, _) =
            desk.run_with(&format!("import kubectl - --service web --get {part}"), &cluster);
        assert_eq!(status, 0);
        fs::write(desk.path(&format!("{part}.json")), text).expect("it is written");
    }
    let policy = read(&fs::read_to_string(desk.path("policy.json")).expect("a policy"));
    assert_eq!(policy["budgets"][0]["maxSurge"], "25% up");
    let (status, text, _) = desk.run("plan --fleet fleet.json --release release.json");
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("web-7c9f8d9b5c-2bxkj"), "people know it by this name:\n{text}");
    let (status, text, _) = desk.run_with("import kubernetes - --json", &cluster);
    assert_eq!(status, 0);
    assert!(read(&text)["services"]["web"]["specs"].is_null(), "specs can be secret:\n{text}");
    let (status, _, errors) = desk.run_with("import kubernetes - --service nope", &cluster);
    assert_eq!(status, 2);
    assert!(errors.contains("it has `agent`, `db`, `web`"), "{errors}");
}

#[test]
fn what_packer_built_becomes_a_release() {
    let desk = Desk::new();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../castline-core/src/import/testdata/packer.json");
    let manifest = fs::read_to_string(manifest).expect("a manifest");
    let import = |more: &str| desk.run_with(&format!("import packer - {more}"), &manifest);
    let (status, text, _) = import("--service web --replicas 4 --region eu-west-1");
    assert_eq!((status, &read(&text)["image"]["provider"]["id"]), (0, &json!("ami-0abcdef1234567890")));
    fs::write(desk.path("release.json"), text).expect("it is written");
    assert_eq!(desk.run(&format!("plan {WEB}")).0, 0);
    let (status, _, errors) = import("--service web --replicas 4");
    assert_eq!(status, 2);
    assert!(errors.contains("it has 3") && errors.contains("--region"), "{errors}");
    assert_eq!(import("--service web").0, 2);
}
