//! What was tampered with is found, told of, and replaced.

use std::fs;

use serde_json::Value;

use super::{APPLY, Running, Site, support};

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
    assert_eq!(kinds, ["verifying", "checked", "checked", "nothing"]);
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
fn what_only_mends_is_not_taken_back() {
    let site = Site::local();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    site.ok(&format!("apply --release v2.json {APPLY}"));
    let victim = site.status()["services"][0]["instances"][0]["id"].as_str().expect("an id").to_owned();
    site.write(&format!("state/instances/{victim}/tree/bin/backdoor"), "#!/bin/sh\n");
    let policy = r#"{"zones": ["a", "b"], "drainSeconds": 3600}"#;
    site.write("policy.json", policy);
    let mut running = Running::new(site.command("remediate --policy policy.json --yes"));
    running.wait_for("in quarantine after 3600 s (its policy's drainSeconds)");
    let (status, text, errors) = site.run("rollback");
    assert!(status == 1 && errors.contains("it only replaces what is broken"), "{text}{errors}");
    running.interrupt();
    running.wait_for("pausing");
    running.interrupt();
    running.end();
    let (status, text, errors) = site.run("rollback");
    assert!(status == 1 && errors.contains("it only replaces what is broken"), "{text}{errors}");
    for command in ["apply --release v1.json --yes", "remediate --yes"] {
        let (status, text, errors) = site.run(command);
        assert!(
            status == 2 && text.is_empty() && errors.contains("or stop it by `castline resume --abort`"),
            "{errors}"
        );
        assert!(!errors.contains("castline rollback"), "{errors}");
    }
    site.ok("resume --abort");
    let status = site.status();
    let versions = status["services"][0]["instances"].as_array().expect("instances").iter().map(|one| {
        let id = one["id"].as_str().expect("an id");
        fs::read_to_string(site.path(&format!("state/instances/{id}/tree/version"))).expect("a version")
    });
    assert!(versions.eq(["v2", "v2", "v2"]), "{status}");
    site.write("policy.json", r#"{"zones": ["a", "b"], "drainSeconds": 1}"#);
    site.ok("remediate --policy policy.json --yes");
}
