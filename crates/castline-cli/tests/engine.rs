//! The commands that act, on a platform that is a folder (`examples/driver.py`) and on this machine.
#![cfg(target_os = "linux")]

#[path = "engine/approval.rs"]
mod approval;
#[path = "engine/control.rs"]
mod control;
#[cfg(feature = "docker")]
#[path = "../../castline-engine/tests/support/engines.rs"]
#[allow(dead_code, reason = "what the tests of drivers need of it")]
mod engines;
mod support;

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
    assert!(status == 2 && errors.contains("does not ask for `stop` now"), "{errors}");
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
fn what_was_tampered_with_is_found_and_replaced_and_what_is_not_needed_removed() {
    let site = Site::local();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    assert!(site.ok("remediate --yes").contains("none was changed"));
    let status = site.status();
    let victim = status["services"][0]["instances"][0]["id"].as_str().expect("an id").to_owned();
    site.write(&format!("state/instances/{victim}/tree/bin/backdoor"), "#!/bin/sh\n");
    let (status, text, errors) = site.run("remediate --dry-run");
    assert_eq!(status, 1, "{text}{errors}");
    assert!(text.contains("NOT WHAT WAS SHIPPED") && text.contains("/bin/backdoor"), "{text}");
    let text = site.ok("remediate --yes");
    assert!(text.contains("in quarantine") && text.contains("succeeded"), "{text}");
    let status = site.status();
    let instances = status["services"][0]["instances"].as_array().expect("instances");
    let kept = instances.iter().find(|one| one["phase"] == "quarantined").expect("one in quarantine");
    assert_eq!((instances.len(), &kept["id"]), (3, &Value::from(victim)));
    // Without a layer of their own over the image, nothing can be said in this mode: never that all is well.
    let (status, text, _) = site.run("remediate --fast --yes");
    assert!(status == 1 && text.contains("NOT VERIFIED"), "{text}");

    site.ok(&format!("apply --release v2.json {APPLY}"));
    assert!(site.ok("prune --keep 1").contains("0 images would be removed"), "the first can be gone back to");
    let text = site.ok("prune --quarantined --delete");
    assert!(text.contains("in quarantine: removed"), "{text}");
    assert_eq!(site.status()["services"][0]["instances"].as_array().map(Vec::len), Some(2));

    site.ok(&format!("apply --release v3.json {APPLY}"));
    let unpacked = || fs::read_dir(site.path("state/store")).expect("a folder").count();
    let before = unpacked();
    assert!(site.ok("prune --keep 1").contains("1 image would be removed"));
    assert_eq!(unpacked(), before, "nothing is removed unless it is asked for");
    let text = site.ok("prune --keep 1 --delete");
    assert!(text.contains("1 image removed") && text.contains("2 kept"), "{text}");
    assert_eq!(unpacked(), before - 1);
    assert!(site.ok("history").contains("images removed"));
}

#[test]
fn what_a_verification_found_is_told_at_once_recorded_and_said_by_status() {
    let site = Site::local();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    let status = site.status();
    let instances = status["services"][0]["instances"].as_array().expect("instances");
    assert!(instances.iter().all(|one| one.get("verified").is_none() && one["integrity"] == "unknown"));
    assert!(site.ok("status").contains("not checked"));

    let entries = |site: &Site| site.json("history.json", "history")["entries"].as_u64().expect("a number");
    let before = entries(&site);
    let lines = site.ok("remediate --yes --json");
    let told: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let kinds: Vec<&str> = told.iter().map(|one| one["told"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["verifying", "checked", "checked"]);
    for one in &told {
        support::assert_is_as_the_schema_says("told.json", one);
    }
    assert_eq!((&told[0]["instances"], &told[1]["integrity"]), (&2.into(), &"intact".into()));
    assert_eq!(entries(&site), before + 1, "one entry for all of them");
    let status = site.status();
    let service = &status["services"][0];
    for one in service["instances"].as_array().expect("instances") {
        assert_eq!((&one["integrity"], &one["verified"]["integrity"]), (&"intact".into(), &"intact".into()));
        assert_eq!(
            (&one["verified"]["release"], &one["verified"]["fast"]),
            (&service["current"], &false.into())
        );
    }
    let (code, text, _) = site.run("status");
    assert!(code == 0 && text.contains("intact 20") && !text.contains("not checked"), "{text}");

    // Only looked at: nothing is recorded. Then it is, though nobody approves of what to do.
    let victim = service["instances"][0]["id"].as_str().expect("an id").to_owned();
    site.write(&format!("state/instances/{victim}/tree/bin/backdoor"), "#!/bin/sh\n");
    assert_eq!(site.run("remediate --dry-run").0, 1);
    assert_eq!((site.run("status").0, entries(&site)), (0, before + 1));
    assert_eq!(site.run("remediate").0, 2);
    assert_eq!(entries(&site), before + 2);
    let (code, text, _) = site.run("status");
    assert!(code == 1 && text.contains("CHANGED 20") && text.contains("/bin/backdoor was added"), "{text}");
    let history = site.ok("history");
    assert!(history.contains("2 instances of web looked into: all intact"), "{history}");
    assert!(history.contains(&format!("{victim} CHANGED: /bin/backdoor was added")), "{history}");
}

#[test]
fn trees_that_were_set_aside_and_what_was_cut_off_are_pruned() {
    let site = Site::local();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    let store = site.path("state/store");
    let image = fs::read_dir(&store).expect("a folder").flatten().map(|entry| entry.file_name());
    let image = image.map(|name| name.into_string().expect("UTF-8")).find(|name| name.starts_with("sha256-"));
    let image = image.expect("an unpacked image");
    site.write(&format!("state/store/{image}/root/bin/backdoor"), "x");
    let mut more: Value =
        serde_json::from_slice(&fs::read(site.path("v1.json")).expect("a file")).expect("JSON");
    more["replicas"] = 3.into();
    site.write("more.json", &more.to_string());
    site.ok(&format!("apply --release more.json {APPLY}"));
    let changed = format!("changed-1-{image}");
    assert!(store.join(&changed).exists());
    for name in [".new", ".gone"] {
        fs::create_dir_all(store.join(name).join("root/bin")).expect("folders");
    }
    site.write("state/store/changed-2-of-nobody", "left alone");

    let report = site.json("prune.json", "prune");
    let names: Vec<_> =
        report["leftovers"].as_array().expect("leftovers").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, [".gone", ".new", &*changed]);
    assert!(report["leftovers"][2]["bytes"].as_u64().expect("a number") > 0, "{report}");
    assert!(store.join(&changed).exists(), "nothing is removed unless it is asked for");
    let text = site.ok("prune --delete");
    assert!(text.contains("a tree that somebody had changed: removed"), "{text}");
    assert!(!store.join(&changed).exists() && !store.join(".new").exists() && !store.join(".gone").exists());
    assert!(store.join("changed-2-of-nobody").exists() && store.join(&image).exists());
    assert_eq!(site.json("prune.json", "prune")["leftovers"], json!([]));
    // The instances are what they were.
    assert!(site.ok("remediate --yes").contains("3 instances looked into: none was changed"));
}

#[test]
fn a_layout_is_pruned_of_what_neither_its_names_nor_the_ledger_need() {
    let site = Site::local();
    for version in ["v1", "v2", "v3"] {
        site.ok(&format!("apply --release {version}.json {APPLY}"));
    }
    // None of them has a name any more: what keeps them is the ledger, or nothing.
    let named = fs::read_to_string(site.path("images/index.json")).expect("an index");
    site.write("images/index.json", &json!({"schemaVersion": 2, "manifests": []}).to_string());
    let blobs = || fs::read_dir(site.path("images/blobs/sha256")).expect("a folder").count();
    let all = blobs();
    let dry = "prune --keep 1 --layout oci:images";
    let report = site.json("prune.json", dry);
    let layout = &report["layouts"][0];
    // The manifest, the configuration and the layer of the first.
    assert_eq!((layout["blobs"].as_array().map(Vec::len), blobs()), (Some(3), all), "{report}");
    assert!(layout["bytes"].as_u64().expect("a number") > 0);
    assert!(site.ok(dry).contains("nothing was done; --delete does it"));
    assert_eq!(
        site.json("prune.json", "prune --layout oci:images")["layouts"][0]["blobs"],
        json!([]),
        "three are kept"
    );

    let text = site.ok(&format!("{dry} --delete"));
    assert!(text.contains("3 blobs removed"), "{text}");
    assert_eq!(blobs(), all - 3);
    assert!(site.ok("history").contains("images removed"));
    // Both that are left are whole, and what runs is what was shipped.
    site.write("images/index.json", &named);
    site.ok("rollback --yes");
    assert!(site.ok("remediate --yes").contains("2 instances looked into: none was changed"));
    let v1 = site.json("history.json", "history web")["rollouts"][0]["release"]
        .as_str()
        .expect("a digest")
        .to_owned();
    let (status, text, errors) = site.run(&format!("rollback --to {v1} --yes"));
    assert_ne!(status, 0, "its image is gone: {text}{errors}");
    site.ok("resume --abort");

    for (layout, said) in [
        ("images", "not an image reference"),
        ("oci:images:v1", "the whole layout"),
        ("oci:nowhere", "nowhere"),
    ] {
        let (status, _, errors) = site.run(&format!("prune --layout {layout}"));
        assert!(status == 2 && errors.contains(said), "{layout}: {errors}");
    }
}

/// The same of a Docker Engine: what is there before, and what a stranger uses, stays.
#[cfg(feature = "docker")]
#[test]
fn images_that_an_engine_does_not_need_any_more_are_pruned() {
    use engines::Engine;

    if !xtask::engines::available(&["busybox", "dockerd", "runc"], true) {
        return;
    }
    let (engine, site) = (Engine::docker(), Site::new());
    let url = engine.url();
    site.write(
        "castline-site.toml",
        &format!(
            "ledger = \"ledger\"\nactor = \"ann\"\n[docker]\nimages = [\"oci:images\"]\nnetwork = \"host\"\n\
             hosts = [{{ url = \"{url}\", zones = [\"a\", \"b\"] }}]\n"
        ),
    );
    site.write("policy.json", &json!({"zones": ["a", "b"], "drainSeconds": 0}).to_string());
    fs::create_dir_all(site.path("rootfs/bin")).expect("a folder");
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).is_file());
    fs::copy(busybox.expect("busybox"), site.path("rootfs/bin/sleep")).expect("copies");
    site.write(
        "castline.toml",
        "platforms = [\"linux/amd64\"]\n[[layers]]\ndirectory = \"rootfs\"\n[config]\nentrypoint = [\"/bin/sleep\", \"600\"]\n",
    );
    let mut ids = Vec::new();
    for version in ["v1", "v2", "v3", "v4"] {
        site.write("rootfs/version", version);
        site.ok(&format!("build -o oci:images:{version}"));
        let release = site.ok(&format!("release oci:images:{version} --service web --replicas 1"));
        site.write(&format!("{version}.json"), &release);
        let release: Value = serde_json::from_str(&release).expect("a release");
        let id = release["image"]["verified"]["identities"]["config"].as_str();
        ids.push(id.expect("a digest").to_owned());
        site.ok(&format!("apply --release {version}.json {APPLY}"));
    }
    let stranger = format!(r#"{{"Image": "{}", "HostConfig": {{"NetworkMode": "none"}}}}"#, ids[0]);
    engine.ask("POST", "/containers/create?name=stranger", &stranger);
    let there = || {
        let all = engine.ask("GET", "/images/json?all=1", "");
        ids.iter().map(|id| all.contains(id.as_str())).collect::<Vec<_>>()
    };

    assert_eq!(site.json("prune.json", "prune")["images"], json!([]), "all can be gone back to");
    let report = site.json("prune.json", "prune --keep 1");
    let one = &report["images"][0];
    assert_eq!((report["images"].as_array().map(Vec::len), &report["kept"]), (Some(1), &json!(3)));
    assert!(
        one["place"].as_str().expect("a place").contains(&url) && one["bytes"].as_u64() > Some(0),
        "{one}"
    );
    assert_eq!(there(), [true; 4], "nothing is removed unless it is asked for");
    let text = site.ok("prune --keep 1 --delete");
    assert!(text.contains("1 image removed") && text.contains("(a, b): removed"), "{text}");
    assert_eq!(there(), [true, false, true, true], "the first is used by somebody else");
    assert!(site.ok("history").contains("images removed"));

    engine.ask("DELETE", "/containers/stranger", "");
    let text = site.ok("prune --keep 1 --delete");
    assert!(text.contains("1 image removed"), "{text}");
    assert_eq!(there(), [false, false, true, true]);
    site.ok("rollback --yes");
    let none = fs::read_to_string(site.path("v3.json"))
        .expect("a release")
        .replace("\"replicas\": 1", "\"replicas\": 0");
    site.write("none.json", &none);
    site.ok(&format!("apply --release none.json {APPLY}"));
}

#[test]
fn an_image_that_has_not_passed_the_sites_test_is_not_applied() {
    let site = Site::local();
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    site.write("castline-site.toml", &format!("{file}[test]\ncommand = [\"/bin/passes\"]\n"));
    let (status, _, errors) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 1 && errors.contains("was not tested by"), "{errors}");
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

/// Panics where a file below, or what was said, has the value in it.
fn is_nowhere(value: &str, below: &Path, said: &str) {
    assert!(!said.contains(value), "{said}");
    for entry in fs::read_dir(below).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            is_nowhere(value, &entry.path(), "");
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).expect("reads");
            let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!found, "{} has it", entry.path().display());
        }
    }
}

#[test]
fn the_value_of_a_secret_is_in_no_document_ledger_or_message() {
    let site = Site::local();
    let value = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("a number");
    let value = value.trim();
    let make = "release oci:images:v1 --service web --replicas 2 --secret DB_PASSWORD=env:PASSWORD_OF_WEB";
    let (status, release, errors) = site.run(make);
    assert!(status == 0 && errors.is_empty(), "{errors}");
    let spec = json!({"secrets": {"DB_PASSWORD": {"env": "PASSWORD_OF_WEB"}}});
    assert_eq!(serde_json::from_str::<Value>(&release).expect("a release")["spec"], spec);
    site.write("v1.json", &release);

    let (status, text, errors) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 1, "without its value: {text}{errors}");
    assert!(text.contains("the secret DB_PASSWORD from `env:PASSWORD_OF_WEB`"), "{text}");
    site.run("resume --abort");

    let with_value = |arguments: &str| {
        let output = site.command(arguments).env("PASSWORD_OF_WEB", value).output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("UTF-8"))
    };
    let (status, mut said) = with_value(&format!("apply --release v1.json {APPLY} --json --html plan.html"));
    assert_eq!(status, Some(0), "{said}");
    for arguments in ["status --json", "status", "history --json", "remediate --yes"] {
        said += &with_value(arguments).1;
    }
    assert!(said.contains("succeeded"), "{said}");
    is_nowhere(value, site.0.path(), &said);
}

#[test]
fn what_looks_like_a_secret_in_plain_text_is_warned_of() {
    let site = Site::local();
    let make = "release oci:images:v1 --service web --replicas 1";
    site.write("spec.json", r#"{"env": {"API_KEY": "hunter2", "PORT": "80"}}"#);
    let (status, release, errors) = site.run(&format!("{make} --spec spec.json"));
    assert!(status == 0 && errors.contains("--secret API_KEY=env:VARIABLE"), "{errors}");
    assert!(!errors.contains("PORT") && !errors.contains("hunter2"), "{errors}");
    assert_eq!(errors.matches("warning").count(), 1, "{errors}");
    site.write("plain.json", &release);
    let (_, _, errors) = site.run("apply --release plain.json --policy policy.json --dry-run");
    assert!(errors.contains("the variable API_KEY of web will stand in the ledger"), "{errors}");

    for (arguments, said) in [
        ("--secret API_KEY=hunter2", "write API_KEY=env:VARIABLE"),
        ("--secret hunter2", "write NAME=env:VARIABLE"),
        ("--secret A=env:B --secret A=env:C", "named twice"),
        ("--secret A=file:half/a/path", "whole path"),
        ("--secret API_KEY=env:B --spec spec.json", "in `env` and in `secrets`"),
    ] {
        let (status, text, errors) = site.run(&format!("{make} {arguments}"));
        assert!(status == 2 && text.is_empty() && errors.contains(said), "{arguments}: {errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    }
    site.write("spec.json", r#"{"secrets": {"API_KEY": "hunter2"}}"#);
    let (status, _, errors) = site.run(&format!("{make} --spec spec.json"));
    assert!(status == 2 && errors.contains("where a secret comes from"), "{errors}");
    assert!(!errors.contains("hunter2"), "{errors}");
}

#[test]
fn what_is_wrong_with_a_site_is_said_with_its_place() {
    let site = Site::new();
    for (text, said) in [
        ("ledger = \"l\"\nactor = \"ann\"\n", "no driver is named"),
        ("ledger = \"l\"\nactor = \"a\"\n[command]\ncommand = []\n", "[command]: there is no command"),
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
