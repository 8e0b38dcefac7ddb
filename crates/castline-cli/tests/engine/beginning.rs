//! What a site has is what a first rollout takes, and what it lacks is said before anything is begun.

use std::{collections::BTreeSet, fs};

use serde_json::json;

use super::{APPLY, Site};

fn zones(site: &Site) -> BTreeSet<String> {
    let status = site.status();
    let instances = status["services"][0]["instances"].as_array().expect("instances").clone();
    let running = instances.iter().filter(|one| one["phase"] == "running");
    running.map(|one| one["zone"].as_str().expect("a zone").to_owned()).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn without_a_policy_all_zones_of_the_site_are_used() {
    let site = Site::local();
    site.ok("apply --release v1.json --yes");
    assert_eq!(zones(&site), names(["a", "b"]));

    site.write("there.json", r#"{"zones": ["b"], "drainSeconds": 1}"#);
    site.ok("apply --release v2.json --policy there.json --yes");
    assert_eq!(zones(&site), names(["b"]));
    let (status, _, errors) = {
        site.write("elsewhere.json", r#"{"zones": ["b", "x"]}"#);
        site.run("apply --release v3.json --policy elsewhere.json --yes")
    };
    assert!(
        status == 2 && errors.contains("the zone `x`") && errors.contains("only the zones a, b"),
        "{errors}"
    );
    assert!(
        site.json("history.json", "history web")["rollouts"].as_array().is_some_and(|all| all.len() == 2)
    );

    // A zone that was given up is not come back to.
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    site.write("castline-site.toml", &file.replace(r#"["a", "b"]"#, r#"["c", "d"]"#));
    site.ok("rollback --yes");
    assert_eq!(zones(&site), names(["c", "d"]));
}

#[test]
fn what_cannot_be_launched_is_not_begun() {
    let site = Site::local();
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    let refused = |site: &Site, said: &[&str]| {
        let (status, text, errors) = site.run(&format!("apply --release v1.json {APPLY}"));
        assert!(
            status == 2 && errors.contains("nothing was done, since web could not be launched"),
            "{text}{errors}"
        );
        assert!(said.iter().all(|part| errors.contains(part)), "{errors}");
        assert!(!errors.contains("\\n") && !site.path("ledger/ledger.jsonl").exists(), "{errors}");
        let (status, _, errors) = site.run("apply --release v1.json --dry-run");
        assert!(
            status == 1 && errors.contains("could not be begun now") && errors.contains(said[0]),
            "{errors}"
        );
    };
    site.write("castline-site.toml", &file.replace("oci:images", "oci:elsewhere"));
    refused(&site, &["in none of the places to look in", "oci:elsewhere"]);
    site.write("castline-site.toml", &format!("{file}traffic = {{ command = [\"./nosuch\"] }}\n"));
    refused(&site, &["the traffic hook `./nosuch` cannot be started"]);
}

#[test]
fn a_service_whose_traffic_cannot_be_moved_does_not_succeed() {
    let site = Site::local();
    let file = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    let hook = "portRange = { first = 21600, last = 21640 }\ntraffic = { command = [\"./route\"] }\n";
    site.write("castline-site.toml", &format!("{file}{hook}"));
    site.write("route", "#!/bin/sh\ncat >/dev/null\necho no route >&2\nexit 3\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(site.path("route"), mode).expect("a mode");
    let policy = json!({"drainSeconds": 1, "progressDeadlineSeconds": 12, "attempts": 1});
    site.write("policy.json", &policy.to_string());
    let (status, text, errors) = site.run(&format!("apply --release v1.json {APPLY}"));
    assert!(status == 1 && !text.contains("succeeded"), "{text}{errors}");
    assert!(text.contains("no route"), "{text}");

    site.write("route", "#!/bin/sh\ncat >/dev/null\n");
    site.ok("resume");
    assert_eq!(site.run("status").0, 0);
}

#[test]
fn a_driver_that_ends_has_its_last_words_heard() {
    let site = Site::new();
    site.write(
        "castline-site.toml",
        "ledger = \"ledger\"\n[command]\ncommand = [\"sh\", \"-c\", \"echo usage: driver FOLDER >&2; exit 2\"]\n",
    );
    let (status, _, errors) = site.run("apply --release v1.json --yes");
    assert!(status == 2 && errors.contains("exit status: 2"), "{errors}");
    assert!(errors.contains("said last: usage: driver FOLDER"), "{errors}");
}
