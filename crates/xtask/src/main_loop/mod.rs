//! `cargo xtask loop`: what castline is for, from the first image to the last rollback, on this machine and nothing else.
//!
//! A tiny service (`examples/loop/app.rs`) is built, released, tampered with, replaced and taken back, while a client asks it
//! through a proxy without a break. Every command is printed as it would be typed; what it must come to is checked.

mod desk;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};

use self::desk::{Desk, failed};
use crate::{checks::execute, say, target};

/// How many instances there are to be.
const INSTANCES: usize = 6;

/// Runs the whole loop in `target/loop`. Without a binary, castline is built first.
///
/// # Errors
///
/// When something does not come to what it must.
pub fn run(root: &Path, binary: Option<&Path>) -> io::Result<()> {
    let binary = match binary {
        Some(binary) => std::path::absolute(binary)?,
        None => {
            say("building castline");
            execute(root, &["cargo", "build", "--quiet", "-p", "castline-cli"], &[])?;
            self::binary(root)
        }
    };
    let folder = target(root).join("loop");
    fs::create_dir_all(&folder)?;
    let app = folder.join("app");
    compile(root, &app)?;
    let began = Instant::now();
    let mut desk = Desk::new(&folder.join("desk"), &binary, &app)?;
    let done = rounds(&mut desk);
    let tidied = desk.tidy();
    done?;
    tidied?;
    say(&format!("\nThe whole loop took {:.1} s.", began.elapsed().as_secs_f64()));
    Ok(())
}

/// Where cargo builds castline.
pub fn binary(root: &Path) -> PathBuf {
    target(root).join("debug/castline")
}

/// The service: one static program.
fn compile(root: &Path, app: &Path) -> io::Result<()> {
    say("compiling the service (examples/loop/app.rs)");
    let app = app.to_str().ok_or_else(|| failed("the folder's name is no text"))?;
    let options = ["-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols"];
    let mut command = vec!["rustc", "--edition", "2024"];
    command.extend(options);
    command.extend(["-o", app, "examples/loop/app.rs"]);
    execute(root, &command, &[])
}

fn rounds(desk: &mut Desk) -> io::Result<()> {
    first(desk)?;
    tampered(desk)?;
    second(desk)?;
    broken(desk)?;
    desk.heading("What was done, when, by whom, and what became of it: a chain of hashes");
    let history = desk.castline("history")?.expect(0)?;
    let all = ["ROLLED BACK", "succeeded"].iter().all(|word| history.contains(word));
    ensure(all, "the history has what succeeded and what was rolled back")?;
    desk.castline("status")?.expect(0)?;
    desk.heading("What the client saw, who asked without a break all the while");
    let tally = desk.tally()?;
    ensure(tally.contains("\n0 requests dropped"), "no request was dropped")?;
    let answered = ["v1", "v2"].iter().all(|version| tally.contains(&format!("answered by {version}")));
    ensure(answered && !tally.contains("broken"), "v1 and v2 answered, and v3 never did")
}

/// v1, from nothing.
fn first(desk: &mut Desk) -> io::Result<()> {
    desk.heading("A description of an image, and a site: which driver, and where the ledger is");
    desk.write("castline.toml", &description())?;
    desk.write("castline-site.toml", &desk.site())?;
    desk.write("policy.json", &pretty(&policy()))?;
    desk.write("spec.json", &pretty(&spec()))?;

    desk.heading("Build v1: the same inputs give the same bytes");
    desk.version("v1")?;
    let built = desk.castline("build -o oci:images:v1")?.expect(0)?;
    let again = desk.castline("build -o oci:again:v1")?.expect(0)?;
    ensure(digest(&built).is_some() && digest(&built) == digest(&again), "both builds have the same digest")?;

    desk.heading("Verify it: every byte against its digest");
    let verified = desk.castline("verify oci:images:v1")?.expect(0)?;
    ensure(verified.contains("intact"), "the image is intact")?;

    desk.heading("Release it: 6 instances in 3 zones, behind a proxy that is told who gets traffic");
    desk.release("v1", INSTANCES)?;
    desk.proxy()?;
    desk.castline("apply --release v1.json --policy policy.json --yes")?.expect(0)?;
    runs(desk, "v1", 0)?;
    desk.ask()
}

/// Somebody writes into an instance.
fn tampered(desk: &mut Desk) -> io::Result<()> {
    desk.heading("Tamper with one: somebody leaves a program in it");
    let status = desk.status()?;
    let victim = text(&status["services"][0]["instances"][2]["id"]);
    desk.tamper(&victim)?;

    desk.heading("Find it and replace it: it goes into quarantine, to be looked at");
    let found = desk.castline("remediate --yes")?.expect(0)?;
    ensure(found.matches("NOT WHAT WAS SHIPPED").count() == 1, "one instance is found")?;
    ensure(found.contains("usr/bin/backdoor"), "the program is found")?;
    let status = runs(desk, "v1", 1)?;
    let quarantined = instances(&status).find(|one| one["phase"] == "quarantined");
    ensure(quarantined.is_some_and(|one| one["id"] == *victim), "it is the one that was tampered with")
}

/// v2, by a plan that is looked at first.
fn second(desk: &mut Desk) -> io::Result<()> {
    desk.heading("v2: build it, and look at the plan before anything is done");
    desk.version("v2")?;
    desk.castline("build -o oci:images:v2")?.expect(0)?;
    desk.release("v2", INSTANCES)?;
    let plan = desk.castline("apply --release v2.json --policy policy.json --dry-run")?.expect(0)?;
    ensure(plan.contains("proved safe"), "the plan is proved to be safe")?;
    let approved = plan.lines().find_map(|line| line.strip_prefix("plan sha256:"));
    let approved = approved.ok_or_else(|| failed("the plan's digest is shown"))?;

    desk.heading("Approve of that plan and of no other: one as a canary, then the others");
    desk.castline(&format!("apply --release v2.json --policy policy.json --approve sha256:{approved}"))?
        .expect(0)?;
    runs(desk, "v2", 1).map(drop)
}

/// v3, which does not work once it runs.
fn broken(desk: &mut Desk) -> io::Result<()> {
    desk.heading("v3 has a fault that shows only once it runs: the canary fails, and what ran comes back");
    desk.version("v3-broken")?;
    desk.castline("build -o oci:images:v3")?.expect(0)?;
    desk.release("v3", INSTANCES)?;
    let text = desk.castline("apply --release v3.json --policy policy.json --yes")?.expect(1)?;
    ensure(text.contains("ROLLED BACK"), "it was rolled back")?;
    runs(desk, "v2", 1).map(drop)
}

/// All instances run this release and are ready, two in each zone; so many are in quarantine.
fn runs(desk: &mut Desk, version: &str, quarantined: usize) -> io::Result<Value> {
    let status = desk.status()?;
    let current = &status["services"][0]["current"];
    let released: Value = serde_json::from_slice(&fs::read(desk.path(&format!("{version}.json")))?)?;
    let image = text(&released["image"]["verified"]["identities"]["manifest"]);
    let ready: Vec<&Value> = instances(&status)
        .filter(|one| {
            one["phase"] == "running"
                && one["health"] == "ready"
                && one["release"] == *current
                && text(&one["image"]).contains(&image)
        })
        .collect();
    for zone in ["a", "b", "c"] {
        let there = ready.iter().filter(|one| one["zone"] == zone).count();
        ensure(there == INSTANCES / 3, &format!("{version} runs twice in zone {zone}"))?;
    }
    let others = instances(&status).count() - ready.len();
    ensure(others == quarantined, &format!("{quarantined} others are there"))?;
    Ok(status)
}

fn instances(status: &Value) -> impl Iterator<Item = &Value> {
    status["services"][0]["instances"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The digest that was printed.
fn digest(text: &str) -> Option<&str> {
    let start = text.find("sha256:")?;
    text.get(start..start + "sha256:".len() + 64)
}

fn ensure(holds: bool, what: &str) -> io::Result<()> {
    if holds { Ok(()) } else { Err(failed(&format!("this does not hold: {what}"))) }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn description() -> String {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    format!(
        r#"platforms = ["linux/{architecture}"]

[[layers]]
directory = "rootfs"

[config]
entrypoint = ["/usr/bin/app", "serve"]
# It has nothing to finish: traffic is taken from it before.
stop-signal = "SIGKILL"
"#
    )
}

/// One first, then the others, two at once; never fewer than 6. What fails is taken back.
fn policy() -> Value {
    json!({
        "strategy": {"canary": [{"amount": 1}]},
        "budgets": [{"maxUnavailable": 0, "maxSurge": 2}],
        "zones": ["a", "b", "c"],
        "spread": "even",
        "drainSeconds": 5,
        "progressDeadlineSeconds": 30,
        "onFailure": "rollback",
    })
}

fn spec() -> Value {
    let health = json!({
        "command": ["/usr/bin/app", "check"],
        "intervalMillis": 200,
        "timeoutMillis": 2000,
        "retries": 5,
        "startPeriodMillis": 1000,
    });
    json!({"health": health})
}
