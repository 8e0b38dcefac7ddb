//! Secrets by reference: their values are nowhere but in the instances.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{APPLY, Site};

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
    assert!(status == 2, "without its value: {text}{errors}");
    let missing = "the secret DB_PASSWORD from `env:PASSWORD_OF_WEB`";
    assert!(errors.contains(missing) && errors.contains("nothing was done"), "{errors}");
    assert!(!site.path("ledger").exists(), "nothing was recorded");
    let shown = site.run("apply --release v1.json --policy policy.json --dry-run");
    assert!(
        shown.0 == 1 && shown.2.contains("could not be begun now") && shown.2.contains(missing),
        "{shown:?}"
    );

    let with_value = |arguments: &str| {
        let output = site.command(arguments).env("PASSWORD_OF_WEB", value).output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("UTF-8"))
    };
    let (status, mut said) = with_value(&format!("apply --release v1.json {APPLY} --json --html plan.html"));
    assert_eq!(status, Some(0), "{said}");

    // Who goes on from another terminal has to have it, too; who stops need not.
    site.write("gated.json", &json!({"before": {"approval": "go"}}).to_string());
    let more =
        release.replace(r#""replicas":2"#, r#""replicas":4"#).replace(r#""replicas": 2"#, r#""replicas": 4"#);
    site.write("more.json", &more);
    said += &with_value("apply --release more.json --policy gated.json --yes").1;
    let (status, text, errors) = site.run("resume");
    assert!(status == 2 && errors.contains(missing), "{status}: {text}{errors}");
    assert_eq!(site.run("resume --abort").0, 0);

    // Nor does one go back without it, where something has to be launched for that.
    let canary = json!({"onFailure": "rollback", "drainSeconds": 1,
        "strategy": {"canary": [{"amount": 1, "gate": {"approval": "go"}}, {"amount": 2}]}});
    site.write("canary.json", &canary.to_string());
    assert_eq!(site.run("apply --release v2.json --policy canary.json --yes").0, 1);
    let before = site.json("history.json", "history")["entries"].clone();
    let (status, text, errors) = site.run("rollback");
    assert!(status == 2 && errors.contains(missing), "{status}: {text}{errors}");
    let (status, text, errors) = site.run("rollback --dry-run");
    assert!(status == 1 && text.contains("would go back") && errors.contains(missing), "{text}{errors}");
    assert_eq!(site.json("history.json", "history")["entries"], before);
    let (status, text) = with_value("rollback");
    assert!(status == Some(0) && text.contains("ROLLED BACK"), "{text}");
    said += &text;
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
