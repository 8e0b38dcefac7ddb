//! The commands that act, on a platform that is a folder (`examples/driver.py`) and on this machine.
#![cfg(target_os = "linux")]

#[path = "engine/approval.rs"]
mod approval;
#[path = "engine/beginning.rs"]
mod beginning;
#[path = "engine/control.rs"]
mod control;
#[cfg(feature = "docker")]
#[path = "../../castline-engine/tests/support/engines.rs"]
#[allow(dead_code, reason = "what the tests of drivers need of it")]
mod engines;
#[path = "engine/pruning.rs"]
mod pruning;
#[path = "engine/secrets.rs"]
mod secrets;
mod support;
#[path = "engine/tampering.rs"]
mod tampering;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use castline::{Digest, Document as _, Release, engine::Told};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A site in a folder of its own, where the binary runs.
struct Site(TempDir);

/// What a command came to: exit status, standard output, standard error.
type Outcome = (i32, String, String);

impl Site {
    /// One whose platform is a folder.
    fn new() -> Self {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/driver.py");
        let site = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"));
        let driver = driver.canonicalize().expect("the driver");
        let site_file = format!(
            "ledger = \"ledger\"\nactor = \"ann\"\n[command]\ncommand = [\"python3\", \"{}\", \"fleet\"]\n",
            driver.display()
        );
        site.write("castline-site.toml", &site_file);
        for version in ["v1", "v2", "v3"] {
            let digest = Digest::of(version.as_bytes()).to_string();
            let image = json!({"verified": {"identities": {"manifest": digest, "indexes": []}}});
            site.write(
                &format!("{version}.json"),
                &json!({"service": "web", "image": image, "replicas": 4}).to_string(),
            );
        }
        let policy = json!({"budgets": [{"maxUnavailable": 0, "maxSurge": 1}], "zones": ["a", "b"],
            "onFailure": "rollback"});
        site.write("policy.json", &policy.to_string());
        site
    }

    /// One on this machine, whose image is a script.
    fn local() -> Self {
        let site = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"));
        site.write(
            "castline-site.toml",
            "ledger = \"ledger\"\nactor = \"ann\"\n[local]\nstate = \"state\"\nimages = [\"oci:images\"]\n\
             zones = [\"a\", \"b\"]\nisolation = \"process\"\n",
        );
        fs::create_dir_all(site.path("rootfs/bin")).expect("a folder");
        site.write("policy.json", &json!({"zones": ["a", "b"], "drainSeconds": 1}).to_string());
        site.write("castline.toml", "platforms = [\"linux/amd64\"]\n[[layers]]\ndirectory = \"rootfs\"\n[config]\nentrypoint = [\"/bin/run\"]\n");
        for version in ["v1", "v2", "v3"] {
            site.write("rootfs/version", version);
            for (name, script) in [("run", "exec sleep 600"), ("passes", "exit 0"), ("fails", "exit 1")] {
                let name = format!("rootfs/bin/{name}");
                site.write(&name, &format!("#!/bin/sh\n{script}\n"));
                fs::set_permissions(site.path(&name), fs::Permissions::from_mode(0o755)).expect("a mode");
            }
            site.ok(&format!("build -o oci:images:{version}"));
            let release = site.ok(&format!("release oci:images:{version} --service web --replicas 2"));
            site.write(&format!("{version}.json"), &release);
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("it is written");
    }

    fn wait_for_file(&self, name: &str) {
        while !self.path(name).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_castline"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .env_remove("CASTLINE_SITE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &str) -> Outcome {
        let output = self.command(arguments).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().expect("it exits"), text(output.stdout), text(output.stderr))
    }

    /// What is printed by a command that does what it should.
    fn ok(&self, arguments: &str) -> String {
        let (status, text, errors) = self.run(arguments);
        assert_eq!(status, 0, "{arguments}: {text}{errors}");
        text
    }

    /// What a command prints as JSON, which must be as its schema says.
    fn json(&self, schema: &str, arguments: &str) -> Value {
        let (_, text, errors) = self.run(&format!("{arguments} --json"));
        let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}"));
        support::assert_is_as_the_schema_says(schema, &document);
        document
    }

    fn status(&self) -> Value {
        self.json("status.json", "status")
    }

    /// The digests of the images that instances run, each once.
    fn images(&self) -> Vec<String> {
        let status = self.status();
        let instances = status["services"][0]["instances"].as_array().expect("instances").clone();
        let mut images: Vec<String> =
            instances.iter().map(|one| one["image"].as_str().expect("an image").to_owned()).collect();
        images.sort();
        images.dedup();
        images
    }

    /// How often each launch was done.
    fn launches(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("fleet/launched")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Site {
    /// Ends what runs on this machine.
    fn drop(&mut self) {
        let Ok(text) = fs::read(self.path("v1.json")) else { return };
        if !self.path("state").exists() || !self.path("ledger").exists() {
            return;
        }
        let mut release: Value = serde_json::from_slice(&text).expect("a release");
        release["replicas"] = 0.into();
        self.write("none.json", &release.to_string());
        let _ = self.run("apply --release none.json --yes");
        let _ = self.run("prune --quarantined --delete");
    }
}

fn image(version: &str) -> String {
    Digest::of(version.as_bytes()).to_string()
}

/// A command that runs, whose lines are read as they come.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    seen: String,
}

impl Running {
    fn new(mut command: Command) -> Self {
        let mut child = command.process_group(0).spawn().expect("it runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines, seen: String::new() }
    }

    /// Waits for a line that has this in it.
    fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = self.lines.read_line(&mut line).expect("a line");
            self.seen.push_str(&line);
            assert!(read > 0, "`{text}` never comes: {}", self.seen);
        }
    }

    /// As a terminal does it: for all of its process group.
    fn interrupt(&self) {
        let group = format!("-{}", self.child.id());
        let status = Command::new("kill").args(["-INT", "--", &group]).status().expect("kill runs");
        assert!(status.success());
    }

    fn end(mut self) -> (i32, String) {
        self.lines.read_to_string(&mut self.seen).expect("text");
        let status = self.child.wait().expect("it ends");
        (status.code().expect("it exits"), self.seen)
    }
}

const APPLY: &str = "--policy policy.json --yes";

#[test]
fn a_release_is_applied_replaced_and_gone_back_from() {
    let site = Site::new();
    let text = site.ok(&format!("apply --release v1.json {APPLY}"));
    for part in ["proved safe: 4 replacements", "plan sha256:", "launched in zone a", "succeeded"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(site.images(), [image("v1")]);
    let (status, text, _) = site.run("status");
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("4 instances") && text.contains("nothing is under way"), "{text}");

    assert!(site.ok(&format!("apply --release v1.json {APPLY}")).contains("nothing to do"));
    site.ok(&format!("apply --release v2.json {APPLY}"));
    assert_eq!(site.images(), [image("v2")]);
    site.ok("rollback --yes");
    assert_eq!(site.images(), [image("v1")]);

    let history = site.ok("history");
    assert_eq!(history.matches("succeeded").count(), 3, "{history}");
    assert!(history.contains("to take back"), "{history}");
    let told = site.json("history.json", "history web");
    assert_eq!(told["rollouts"].as_array().map(Vec::len), Some(3));
    let v2 = told["rollouts"][1]["release"].as_str().expect("a digest").to_owned();
    site.ok(&format!("rollback web --to {} --yes", &v2[..20]));
    assert_eq!(site.images(), [image("v2")]);
    let (status, _, errors) = site.run("rollback --to 0123 --yes");
    assert!(status == 2 && errors.contains("there is no release that was rolled out `0123`"), "{errors}");
}

#[test]
fn nothing_is_done_unless_somebody_approves_of_this_very_plan() {
    let site = Site::new();
    let (status, text, errors) = site.run("apply --release v1.json --policy policy.json");
    assert_eq!(status, 2, "{text}");
    let plan = text.lines().find_map(|line| line.strip_prefix("plan ")).expect("a digest");
    assert!(errors.contains(&format!("--approve {plan}")), "{errors}");
    let other = image("another plan");
    let (status, _, errors) =
        site.run(&format!("apply --release v1.json --policy policy.json --approve {other}"));
    assert!(status == 2 && errors.contains("another one than was approved of"), "{errors}");
    assert_eq!(site.launches(), [""; 0]);

    site.ok(&format!("apply --release v1.json --policy policy.json --approve {plan}"));
    let told: Value = serde_json::from_str(&site.ok("history --json")).expect("a document");
    assert_eq!(told["rollouts"][0]["approvedBy"], json!(["ann"]));
}

#[test]
fn a_release_that_fails_is_taken_back_by_itself() {
    let site = Site::new();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    let release = Release::from_json(&fs::read(site.path("v3.json")).expect("a release")).expect("a release");
    site.write("fleet/broken", &release.revision().to_string());
    let (status, text, _) = site.run(&format!("apply --release v3.json {APPLY}"));
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("FAILED: it is broken") && text.contains("ROLLED BACK"), "{text}");
    assert_eq!(site.images(), [image("v1")]);
    assert_eq!(site.run("status").0, 0);
    let (status, _, errors) = site.run("rollback --yes");
    assert!(status == 2 && errors.contains("nothing that web can go back to"), "{errors}");
}

#[test]
fn going_back_is_to_what_was_good_and_past_no_gate() {
    let site = Site::new();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    let canary = json!({"strategy": {"canary": [{"amount": 1, "gate": {"approval": "go"}}, {"amount": 4}]},
        "zones": ["a", "b"], "onFailure": "rollback"});
    site.write("policy.json", &canary.to_string());
    assert_eq!(site.run(&format!("apply --release v2.json {APPLY}")).0, 1);
    site.ok("answer go");
    site.ok("resume");
    assert_eq!(site.run(&format!("apply --release v3.json {APPLY}")).0, 1);
    site.ok("resume --abort");
    assert_eq!(site.images().len(), 2);
    // What the aborted rollout was to replace is what was good.
    assert!(site.ok("rollback --yes").contains("succeeded"));
    assert_eq!(site.images(), [image("v2")]);
    assert!(site.ok("rollback --yes").contains("succeeded"));
    assert_eq!(site.images(), [image("v1")]);
}

#[test]
fn what_was_put_right_can_be_gone_back_from_as_a_whole() {
    let site = Site::local();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    site.ok(&format!("apply --release v2.json {APPLY}"));
    let victim = site.status()["services"][0]["instances"][0]["id"].as_str().expect("an id").to_owned();
    site.write(&format!("state/instances/{victim}/tree/bin/backdoor"), "#!/bin/sh\n");
    assert!(site.ok("remediate --yes").contains("succeeded"));
    assert!(site.ok("rollback --yes").contains("succeeded"));
    let status = site.status();
    let instances = status["services"][0]["instances"].as_array().expect("instances");
    let running: Vec<&Value> = instances.iter().filter(|one| one["phase"] == "running").collect();
    assert_eq!(running.len(), 2);
    for one in running {
        let id = one["id"].as_str().expect("an id");
        let version = fs::read_to_string(site.path(&format!("state/instances/{id}/tree/version")));
        assert_eq!((version.expect("a version").as_str(), &one["current"]), ("v1", &true.into()));
    }
}

#[test]
fn analyses_are_answered_by_the_sites_programs_or_refused_before_anything_is_done() {
    let site = Site::new();
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    site.write(
        "castline-site.toml",
        &format!("{file}[analyses]\nerrors = [\"sh\", \"-c\", \"test -e fine || {{ echo too many >&2; exit 1; }}\"]\n"),
    );
    let gated = |name: &str| json!({"before": {"analysis": name}, "zones": ["a", "b"]}).to_string();
    site.write("policy.json", &gated("latency"));
    let (status, _, errors) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 2 && errors.contains("the analysis `latency`"), "{errors}");
    site.write("policy.json", &gated("errors"));
    let (status, text, _) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 1 && text.contains("too many"), "{text}");
    assert_eq!(site.launches(), [""; 0]);
    site.write("fine", "");
    site.ok("resume");
    assert_eq!(site.images(), [image("v1")]);
}

#[test]
fn a_ledger_that_was_set_back_is_found_by_who_has_kept_its_last_entry() {
    let site = Site::new();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    let copied = Command::new("cp").args(["-a", "ledger", "earlier"]).current_dir(site.0.path()).status();
    assert!(copied.expect("cp runs").success());
    site.ok(&format!("apply --release v2.json {APPLY}"));
    let last = site.json("history.json", "history")["head"].as_str().expect("a digest").to_owned();
    site.ok(&format!("history --expect {last}"));
    site.ok(&format!("apply --release v1.json {APPLY}"));
    site.ok(&format!("history --expect {last}"));
    fs::remove_dir_all(site.path("ledger")).expect("removed");
    fs::rename(site.path("earlier"), site.path("ledger")).expect("set back");
    site.ok("history");
    let (status, _, errors) = site.run(&format!("history --expect {last}"));
    assert!(status == 2 && errors.contains(&last), "{errors}");
}

#[test]
fn the_first_interrupt_pauses_and_resume_finishes() {
    let site = Site::new();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    site.write("fleet/slow", "");
    let mut running = Running::new(site.command(&format!("apply --release v2.json {APPLY}")));
    site.wait_for_file("fleet/waiting");
    running.interrupt();
    running.wait_for("pausing");
    let (status, text, _) = site.run("status");
    assert!(status == 1 && text.contains("under way") && !text.contains("nobody executes"), "{text}");
    let (status, _, errors) = site.run("prune");
    assert!(status == 2 && errors.contains("executes something here"), "{errors}");
    fs::remove_file(site.path("fleet/slow")).expect("removed");
    let (status, text) = running.end();
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("paused: ann asked for it") && text.contains("castline resume"), "{text}");
    assert_eq!(site.launches().len(), 4 + 1, "what was begun is finished, and nothing else");
    assert_eq!(site.images().len(), 2);

    let (status, text, _) = site.run("status");
    assert!(status == 1 && text.contains("nobody executes it now"), "{text}");
    let (status, _, errors) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 2 && errors.contains("is not over"), "{errors}");
    let text = site.ok("resume");
    assert!(text.contains("goes on after") && text.contains("succeeded"), "{text}");
    assert_eq!(site.images(), [image("v2")]);
    assert_eq!(site.launches().len(), 4 + 4);
    assert!(site.ok("resume").contains("every rollout is over"));
}

#[test]
fn the_second_interrupt_leaves_at_once_and_nothing_is_launched_twice() {
    let site = Site::new();
    fs::create_dir(site.path("fleet")).expect("a folder");
    site.write("fleet/slow", "");
    let mut running = Running::new(site.command(&format!("apply --release v1.json {APPLY}")));
    site.wait_for_file("fleet/waiting");
    running.interrupt();
    running.wait_for("pausing");
    running.interrupt();
    let (status, text) = running.end();
    assert!(status == 1 && text.contains("left as it is; go on with: castline resume"), "{text}");
    fs::remove_file(site.path("fleet/slow")).expect("removed");
    site.ok("resume");
    let mut launches = site.launches();
    launches.sort();
    launches.dedup();
    assert_eq!((launches.len(), site.launches().len()), (4, 4));
}

#[test]
fn a_rollout_can_be_stopped_for_good_and_left_as_it_is() {
    let site = Site::new();
    site.write("policy.json", &json!({"before": {"approval": "go"}}).to_string());
    assert_eq!(site.run(&format!("apply --release v1.json {APPLY}")).0, 1);
    let text = site.ok("resume --abort");
    assert!(text.contains("aborted by ann"), "{text}");
    assert_eq!(site.launches(), [""; 0]);
    assert!(site.ok("history").contains("aborted"));
}

#[test]
fn a_gate_waits_for_an_answer() {
    let site = Site::new();
    site.write("policy.json", &json!({"before": {"approval": "go"}}).to_string());
    let (status, text, _) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 1 && text.contains("castline answer 'go'"), "{text}");
    assert!(site.run("status").1.contains("castline answer 'go'"));
    let (status, _, errors) = site.run("answer stop");
    assert!(status == 1 && errors.contains("does not ask for `stop` now: it asks for `go`"), "{errors}");
    assert!(site.ok("answer go").contains("approved of, by ann"));
    site.ok("resume");
    assert_eq!(site.images(), [image("v1")]);
}

#[test]
fn lines_of_json_are_as_the_schema_says() {
    let site = Site::new();
    let text = site.ok(&format!("apply --release v1.json {APPLY} --json"));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/told.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).expect("a schema")).expect("JSON");
    let variants = schema["oneOf"].as_array().expect("variants");
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).expect(line);
        let told: Told = serde_json::from_str(line).expect(line);
        assert_eq!(serde_json::to_value(&told).expect("JSON"), value, "nothing in it is unknown");
        let variant = variants.iter().find(|one| one["properties"]["told"]["const"] == value["told"]);
        let required = variant.expect(line)["required"].as_array().expect("what is required");
        let missing = required.iter().find(|name| value.get(name.as_str().expect("a name")).is_none());
        assert_eq!(missing, None, "{line}");
    }
    site.write("strict.json", &json!({"budgets": [{"maxUnavailable": 0, "maxSurge": 0}]}).to_string());
    let (status, line, _) = site.run("apply --release v2.json --policy strict.json --yes --json");
    assert_eq!(status, 1, "{line}");
    assert!(line.starts_with(r#"{"told":"infeasible""#) && line.lines().count() == 1, "{line}");
    for told in ["planned", "rollout", "asking", "happened", "at", "ended"] {
        assert!(text.contains(&format!(r#""told":"{told}""#)), "{told} is not in:\n{text}");
    }
}

#[test]
fn an_image_that_has_not_passed_the_sites_test_is_not_applied() {
    let site = Site::local();
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    site.write("castline-site.toml", &format!("{file}[test]\ncommand = [\"/bin/passes\"]\n"));
    let (status, _, errors) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 1 && errors.contains("was not tested by"), "{errors}");
    let mut none: Value =
        serde_json::from_slice(&fs::read(site.path("v1.json")).expect("a file")).expect("JSON");
    none["replicas"] = 0.into();
    site.write("none.json", &none.to_string());
    site.ok(&format!("apply --release none.json {APPLY}"));
    let (status, text, errors) = site.run("test --release v1.json -- /bin/fails");
    assert!(status == 1 && text.contains("FAILED"), "{text}{errors}");
    assert!(site.ok("test --release v1.json").contains("passed"));
    assert_eq!(site.json("test.json", "test --release v1.json")["passed"], true);
    site.ok(&format!("apply --release v1.json {APPLY}"));
    assert!(site.ok("history").contains("the test `/bin/passes`"));

    // What is called as tests call theirs is not theirs.
    let release = site.ok("release oci:images:v1 --service web.test --replicas 1");
    site.write("other.json", &release);
    site.ok(&format!("apply --release other.json {APPLY}"));
    let of_other = || site.json("status.json", "status web.test")["services"][0]["instances"].clone();
    let before = of_other();
    assert_eq!(before.as_array().map(Vec::len), Some(1));
    site.ok("test --release v1.json");
    assert_eq!(of_other(), before);
    let mut none: Value = serde_json::from_str(&release).expect("a release");
    none["replicas"] = 0.into();
    site.write("other.json", &none.to_string());
    site.ok(&format!("apply --release other.json {APPLY}"));
}

#[test]
fn what_is_wrong_with_a_site_is_said_with_its_place() {
    let site = Site::new();
    for (text, said) in [
        ("ledger = \"l\"\nactor = \"ann\"\n", "no driver is named"),
        ("ledger = \"l\"\nactor = \"a\"\n[command]\ncommand = []\n", "[command]: there is no command"),
        ("ledger = \"l\"\nlocal = []\n", "line 2, column 9"),
        (
            "ledger = \"l\"\n[local]\nstate = \"s\"\nimages = []\nportRange = [1, 2]\n",
            "invalid type: sequence, expected an object",
        ),
        ("ledger = \"l\"\nactor = \"a\"\ncolour = 1\n[command]\ncommand = [\"x\"]\n", "line 3"),
        (
            "ledger = \"l\"\nactor = \"a\"\n[local]\nstate = \"s\"\nimages = []\nport = 1\n",
            "unknown field `port`",
        ),
        (
            "ledger = \"l\"\nactor = \"a\"\n[local]\nstate = \"s\"\nimages = []\n[command]\ncommand = [\"x\"]\n",
            "several drivers are named",
        ),
    ] {
        site.write("castline-site.toml", text);
        let (status, _, errors) = site.run("status");
        assert_eq!(status, 2);
        assert!(
            errors.contains("castline-site.toml: ") && errors.contains(said),
            "{said} is not in: {errors}"
        );
    }
    let (status, _, errors) = site.run("status --site nowhere.toml");
    assert!(status == 2 && errors.contains("nowhere.toml: there is no such site"), "{errors}");
}
