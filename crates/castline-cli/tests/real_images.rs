//! Real images, made by others, get their verdict at the prompt, too. See `xtask::images`.

use std::process::Command;

use serde_json::Value;
use xtask::images;

#[test]
fn real_images_get_their_verdict() {
    let Some(images) = images::real() else { return };
    let scratch = tempfile::tempdir().expect("a folder");
    for image in images {
        let reference = image.reference(scratch.path()).expect("a reference");
        let output = Command::new(env!("CARGO_BIN_EXE_castline"))
            .args(["verify", "--json", &reference])
            .output()
            .expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let sound = image.errors.is_empty() || image.partial;
        assert_eq!(output.status.code(), Some(i32::from(!sound)), "{}: {report:#}", image.name);
        assert_eq!(report["intact"], sound, "{}", image.name);
        let findings = report["findings"].as_array().expect("a list").iter();
        let mut found: Vec<&str> = findings
            .filter(|finding| finding["level"] == "error")
            .filter_map(|finding| finding["code"].as_str())
            .collect();
        let mut wanted: Vec<&str> =
            image.errors.iter().map(|error| &*error.code).filter(|_| !sound).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{}", image.name);
    }
}
