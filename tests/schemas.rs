//! The JSON Schemas of what `--json` prints are those in `schemas/`. `cargo xtask schema` writes them.

use std::{env, fs, path::Path};

use castline::{
    Fleet, Inspection, Release, Report,
    diff::ImageDiff,
    drift::DriftReport,
    ledger::Entry,
    plan::{
        Infeasible, Plan,
        check::{Proof, Violation},
        simulate::{Timeline, World},
    },
    policy::Policy,
    rollout::{Event, Next},
};
use schemars::Schema;

fn check(name: &str, schema: &Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    let mut text = serde_json::to_string_pretty(schema).expect("JSON");
    text.push('\n');
    if env::var_os("CASTLINE_WRITE_SCHEMAS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(&path, &text).expect("the schema is written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "schemas/{name} is not current: run `cargo xtask schema`");
}

#[test]
fn the_schema_of_a_report_is_current() {
    check("report.json", &schemars::schema_for!(Report));
}

#[test]
fn the_schema_of_an_inspection_is_current() {
    check("inspection.json", &schemars::schema_for!(Inspection));
}

#[test]
fn the_schema_of_a_drift_report_is_current() {
    check("drift.json", &schemars::schema_for!(DriftReport));
}

#[test]
fn the_schema_of_a_diff_is_current() {
    check("diff.json", &schemars::schema_for!(ImageDiff));
}

#[test]
fn the_schemas_of_plans_and_rollouts_are_current() {
    check("fleet.json", &schemars::schema_for!(Fleet));
    check("release.json", &schemars::schema_for!(Release));
    check("policy.json", &schemars::schema_for!(Policy));
    check("plan.json", &schemars::schema_for!(Plan));
    check("infeasible.json", &schemars::schema_for!(Infeasible));
    check("proof.json", &schemars::schema_for!(Proof));
    check("violation.json", &schemars::schema_for!(Violation));
    check("world.json", &schemars::schema_for!(World));
    check("timeline.json", &schemars::schema_for!(Timeline));
    check("event.json", &schemars::schema_for!(Event));
    check("next.json", &schemars::schema_for!(Next));
    check("ledger-entry.json", &schemars::schema_for!(Entry));
}

#[cfg(feature = "engine")]
#[test]
fn the_schema_of_what_is_told_of_a_rollout_is_current() {
    check("told.json", &schemars::schema_for!(castline::engine::Told));
}
