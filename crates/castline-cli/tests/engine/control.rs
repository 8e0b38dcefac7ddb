//! A second terminal speaks to the rollout that a first one executes: two processes.

use std::{fs, os::unix::net::UnixListener, process::Command};

use serde_json::json;

use super::{APPLY, Running, Site, image};

/// A release that waits for `go` before anything is done, in a terminal that stays; the first is rolled out before where asked for.
fn waiting(site: &Site, after_first: bool) -> Running {
    if after_first {
        site.ok(&format!("apply --release v1.json {APPLY}"));
    }
    let gate = json!({"approval": "go"});
    site.write("policy.json", &json!({"before": gate, "zones": ["a", "b"]}).to_string());
    let mut running = Running::new(site.command(&format!("apply --release v2.json {APPLY} --stay")));
    running.wait_for("waits for somebody: castline answer 'go'");
    running
}

fn entries(site: &Site) -> u64 {
    site.json("history.json", "history")["entries"].as_u64().expect("a number")
}

fn signal(child: u32, name: &str) {
    let status = Command::new("kill").args([name, &child.to_string()]).status().expect("kill runs");
    assert!(status.success());
}

#[test]
fn a_gate_is_answered_from_a_second_terminal() {
    let site = Site::new();
    let running = waiting(&site, false);
    let (status, _, errors) = site.run("answer stop");
    assert!(status == 1 && errors.contains("does not ask for `stop` now: it asks for `go`"), "{errors}");
    let refused = site.json("told.json", "answer stop");
    assert_eq!(refused["told"], "refused");
    let before = entries(&site);
    let text = site.ok("answer go");
    assert!(text.contains(&format!("`go` is approved of, by ann; recorded as entry {before}")), "{text}");
    let (status, text) = running.end();
    assert!(status == 0 && text.contains("ann approves") && text.contains("succeeded"), "{text}");
    assert_eq!(site.images(), [image("v2")]);
    assert!(!site.path("ledger/control").exists());
}

#[test]
fn a_rollout_is_paused_and_goes_on_from_a_second_terminal() {
    let site = Site::new();
    for command in [
        "pause",
        "resume",
        "resume --abort",
        "answer go",
        "rollback",
        "prune",
        "status",
        "history",
        "remediate",
    ] {
        let (status, _, errors) = site.run(command);
        assert!(status == 2 && errors.contains("there is no ledger yet"), "{command}: {errors}");
        assert!(!site.path("ledger").exists(), "{command}");
    }
    let mut running = waiting(&site, false);
    let (status, _, errors) = site.run("resume");
    assert!(status == 1 && errors.contains("it is not paused"), "{errors}");
    let status = site.status();
    assert_eq!(status["holder"]["pid"], running.child.id());
    assert!(site.run("status").1.contains(&format!("executed by process {}, since 20", running.child.id())));
    let told = site.json("told.json", "pause");
    assert_eq!(told["told"], "recorded");
    running.wait_for("paused: ann asked for it");
    let refused = site.json("told.json", "pause");
    assert_eq!(refused["told"], "refused");
    assert!(refused["reason"].as_str().expect("text").contains("it is paused already"), "{refused}");
    let rollout = told["rollout"].as_str().expect("a digest").to_owned();
    assert!(site.ok(&format!("resume {}", &rollout[..20])).contains("it goes on, by ann; recorded as entry"));
    running.wait_for("ann lets it go on");
    assert!(site.ok("pause").contains("go on:    castline resume"));
    running.wait_for("paused: ann asked for it; another terminal goes on by `castline resume`");
    let text = site.run("status").1;
    assert!(text.contains("go on:    castline resume") && !text.contains("castline rollback"), "{text}");
    assert!(text.contains("--abort"), "{text}");
    let text = site.ok("answer go");
    assert!(text.contains("; it is paused: go on with: castline resume"), "{text}");
    assert!(site.ok("resume").contains("it goes on"));
    assert_eq!(running.end().0, 0);
    let (status, _, errors) = site.run("pause");
    assert!(status == 1 && errors.contains("no rollout is executed here now"), "{errors}");
    for command in
        ["pause", "resume", "resume --abort", "answer go", "apply --release v2.json --policy policy.json"]
    {
        assert_eq!(site.json("told.json", command)["told"], "nothing", "{command}");
    }
    // What it had to wait for is told when it is over, too.
    let history = site.ok("history");
    assert_eq!(history.matches("    paused: ann asked for it\n").count(), 1, "{history}");
    let told = site.json("history.json", "history web");
    assert_eq!(told["rollouts"][0]["paused"], json!(["ann asked for it"]));
}

#[test]
fn a_rollout_is_taken_back_or_stopped_from_a_second_terminal() {
    let site = Site::new();
    let running = waiting(&site, true);
    let rollouts = site.json("history.json", "history web")["rollouts"].clone();
    let [v1, v2] = [0, 1].map(|n| rollouts[n]["release"].as_str().expect("a digest").to_owned());
    let (status, _, errors) = site.run(&format!("rollback --to {v2}"));
    assert!(status == 2 && errors.contains("would go back to another release"), "{errors}");
    let text = site.ok(&format!("rollback web --to {v1}"));
    assert!(text.contains("it goes back, by ann; recorded as entry"), "{text}");
    let (status, text) = running.end();
    assert!(status == 1 && text.contains("ann takes it back") && text.contains("ROLLED BACK"), "{text}");
    assert_eq!(site.images(), [image("v1")]);

    let running = waiting(&site, false);
    assert!(site.ok("resume --abort").contains("stopped for good, by ann"));
    let (status, text) = running.end();
    assert!(
        status == 1 && text.contains("ann stops it for good") && text.contains("aborted by ann"),
        "{text}"
    );
}

#[test]
fn what_has_nothing_to_go_back_to_is_not_taken_back_and_says_what_else_can_be_done() {
    let site = Site::new();
    let running = waiting(&site, false);
    let reason = "no other release has succeeded that it could go back to";
    let before = entries(&site);
    let (status, text, errors) = site.run("rollback");
    assert!(status == 1 && errors.contains(reason), "{text}{errors}");
    running.interrupt();
    let (status, text) = running.end();
    assert_eq!(status, 1, "who interrupts it does not want to wait: {text}");
    assert!(text.contains("--abort") && !text.contains("castline rollback"), "{text}");
    let left = entries(&site);
    let (status, _, errors) = site.run("rollback");
    assert!(status == 1 && errors.contains(reason) && errors.contains("--abort"), "{errors}");
    assert!(before < left && entries(&site) == left, "nothing was recorded");
    let (status, text, errors) = site.run("rollback --dry-run");
    assert!(status == 1 && text.is_empty() && errors.contains(reason), "{text}{errors}");
    assert_eq!(site.json("told.json", "rollback --dry-run")["reason"], reason);
    assert_eq!(site.json("told.json", "rollback")["told"], "refused");
    site.ok("resume --abort");
}

#[test]
fn a_way_back_is_shown_before_it_is_taken() {
    let site = Site::new();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    site.ok(&format!("apply --release v3.json {APPLY}"));
    let before = entries(&site);
    assert!(site.ok("rollback --dry-run").contains("plan sha256:"));
    let running = waiting(&site, false);
    let (_, text, errors) = site.run("apply --release v1.json --dry-run");
    assert!(text.contains("plan sha256:"), "{text}");
    assert!(errors.contains("it could not be begun now: the rollout "), "{errors}");
    running.interrupt();
    running.end();
    let text = site.ok("rollback --dry-run");
    assert!(text.contains(&format!("would go back: web to 4 instances of {}", image("v3"))), "{text}");
    let told = site.json("told.json", "rollback --dry-run");
    let v3 = site.json("history.json", "history web")["rollouts"][1]["release"].clone();
    assert_eq!((&told["told"], &told["releases"]), (&"wouldGoBack".into(), &json!([v3])));
    assert_eq!(site.images(), [image("v3")]);
    assert!(before < entries(&site));
    site.ok("rollback");
    let (status, _, errors) = site.run("apply --release v1.json --policy policy.json --approve sha256:4f2c");
    assert!(
        status == 2 && errors.contains("--approve: a plan is approved of by its whole digest"),
        "{errors}"
    );
}

#[test]
fn what_is_asked_may_have_any_name_and_who_does_it_none() {
    let site = Site::new();
    let name = "it's $good";
    site.write("policy.json", &json!({"before": {"approval": name}}).to_string());
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    site.write("castline-site.toml", &file.replace("actor = \"ann\"\n", ""));
    let run = |arguments: &[&str]| {
        let mut command = site.command("");
        let output =
            command.args(arguments).env_remove("USER").env_remove("LOGNAME").output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    let (status, text) = run(&["apply", "--release", "v1.json", "--policy", "policy.json", "--yes"]);
    assert!(status == Some(1), "{text}");
    let command = text.lines().find_map(|line| line.trim().strip_prefix("castline ")).expect("a command");
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("castline() {{ {} \"$@\"; }}; castline {command}", env!("CARGO_BIN_EXE_castline")),
        ])
        .current_dir(site.path(""))
        .env_remove("USER")
        .env_remove("LOGNAME")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("succeeded"), "{text}{:?}", output.stderr);
    assert!(text.contains("is approved of, by uid "), "{text}");
}

#[test]
fn of_several_that_are_not_over_the_one_that_is_executed_is_meant() {
    let site = Site::new();
    let mut db: serde_json::Value =
        serde_json::from_slice(&fs::read(site.path("v1.json")).expect("a file")).expect("JSON");
    db["service"] = "db".into();
    site.write("db.json", &db.to_string());
    site.write("policy.json", &json!({"before": {"approval": "go"}}).to_string());
    assert_eq!(site.run(&format!("apply --release db.json {APPLY}")).0, 1);
    let mut running = waiting(&site, false);
    assert!(site.ok("pause").contains("pausing, by ann"));
    running.wait_for("paused: ann asked for it");
    let under_way = site.status()["underWay"].clone();
    let rollout = under_way[0]["rollout"].as_str().expect("a digest").to_owned();
    assert_eq!(under_way[0]["services"], json!(["db"]));
    let (status, _, errors) = site.run(&format!("answer go --rollout {rollout}"));
    assert!(status == 1 && errors.contains("is not executed here"), "{errors}");
    site.ok("resume --abort");
    running.end();
    assert!(site.ok("answer go").contains("go on with: castline resume"));
}

#[test]
fn what_cannot_be_told_says_who_holds_the_ledger() {
    let site = Site::new();
    let running = waiting(&site, true);
    for command in
        ["apply --release v1.json --yes", "remediate --yes", "prune", "test --release v1.json -- true"]
    {
        let (status, _, errors) = site.run(command);
        let pid = format!("another castline (process {}, since 20", running.child.id());
        assert!(status == 2 && errors.contains(&pid), "{command}: {errors}");
        assert!(errors.contains("the rollout ") && errors.contains(" of web"), "{command}: {errors}");
    }
    // To look is no reason to wait.
    let (status, text, errors) = site.run("apply --release v3.json --dry-run");
    assert!(status == 1 && text.contains("plan sha256:") && errors.contains("is not over"), "{text}{errors}");
    site.ok("resume --abort");
    running.end();
}

/// Waits until a process is connected to a socket: what it is connected to has no number here, but its state does.
fn wait_until_connected(pid: u32) {
    let is_connected = || {
        let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten()
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .collect();
        let all = fs::read_to_string("/proc/net/unix").expect("it is there");
        all.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(5) == Some(&"03")
                && words.get(6).is_some_and(|inode| sockets.iter().any(|socket| socket == inode))
        })
    };
    while !is_connected() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn who_waits_for_an_executor_that_is_killed_is_told_so_and_what_it_leaves_is_in_nobodys_way() {
    let site = Site::new();
    let mut running = waiting(&site, false);
    signal(running.child.id(), "-STOP");
    let client = site.command("answer go").spawn().expect("it runs");
    wait_until_connected(client.id());
    running.child.kill().expect("it is killed");
    running.child.wait().expect("it ends");
    let output = client.wait_with_output().expect("it ends");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("whether it was recorded is in the ledger") && errors.contains("castline status"),
        "{errors}"
    );

    // Its socket is there, and nobody at it.
    assert!(site.path("ledger/control").exists());
    assert!(site.ok("answer go").contains("go on with: castline resume"));
    site.ok("resume");
    assert_eq!(site.images(), [image("v2")]);
    drop(UnixListener::bind(site.path("ledger/control")).expect("a socket"));
    let (status, _, errors) = site.run("pause");
    assert!(status == 1 && errors.contains("no rollout is executed here now"), "{errors}");
}

#[test]
fn a_ledger_may_be_deeper_than_the_path_of_a_socket_is_long() {
    let site = Site::new();
    let deep = format!("{}/{}", "a".repeat(120), "b".repeat(120));
    fs::create_dir_all(site.path(&deep)).expect("folders");
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    let file = file.replace("ledger = \"ledger\"", &format!("ledger = \"{deep}/ledger\""));
    site.write("castline-site.toml", &file);
    let running = waiting(&site, false);
    site.ok("answer go");
    assert_eq!(running.end().0, 0);
}
