//! `castline build` and `castline diff`, as scripts use them.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn castline(folder: &Path, arguments: &[&str]) -> Output {
    castline_at(folder, arguments, "1800000000")
}

fn castline_at(folder: &Path, arguments: &[&str], epoch: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_castline"));
    command.args(arguments).current_dir(folder).env("SOURCE_DATE_EPOCH", epoch);
    command.output().expect("it runs")
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = castline(folder, arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("it exits"), text(&output.stdout), text(&output.stderr))
}

fn json(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let (status, text, errors) = run(folder, arguments);
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}")))
}

const DESCRIPTION: &str =
    "platforms = [\"linux/amd64\"]\n[[layers]]\ndirectory = \"files\"\n[config]\nentrypoint = [\"/app\"]\n";

fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("files")).expect("a folder");
    fs::write(folder.path().join("files/app"), "app").expect("writes");
    fs::write(folder.path().join("files/conf"), "a=1\n").expect("writes");
    fs::write(folder.path().join("castline.toml"), DESCRIPTION).expect("writes");
    folder
}

#[test]
fn what_is_built_is_intact_and_the_same_each_time() {
    let prepared = prepared();
    let folder = prepared.path();
    let (status, built) = json(folder, &["build", "-o", "oci:images:v1", "--json"]);
    assert_eq!(status, 0);
    support::assert_is_as_the_schema_says("build.json", &built);
    let (status, text, errors) = run(folder, &["build", "-o", "oci-archive:image.tar:v1", "--jobs", "1"]);
    assert_eq!((status, &*errors), (0, ""));
    let digest = built["digest"].as_str().expect("a digest");
    assert!(text.ends_with(&format!("\nbuilt {digest} (1 image)\n")), "{text}");
    for reference in ["oci:images:v1", "oci-archive:image.tar:v1"] {
        let (status, report) = json(folder, &["verify", reference, "--unreferenced", "--json"]);
        assert_eq!((status, &report["images"][0]["digest"]), (0, &built["digest"]), "{report}");
        assert_eq!(report["findings"], serde_json::json!([]));
    }
    let archive = castline(folder, &["build", "-o", "oci-archive:-:v1"]).stdout;
    assert!(archive == fs::read(folder.join("image.tar")).expect("reads"));
    let (_, inspection) = json(folder, &["inspect", "oci:images:v1", "--json"]);
    assert_eq!(inspection["images"][0]["created"], "2027-01-15T08:00:00Z");
    assert_eq!(run(folder, &["diff", "oci:images:v1", "oci-archive:image.tar:v1"]).0, 0);
}

#[test]
fn a_time_that_no_image_can_say_is_refused() {
    let prepared = prepared();
    for epoch in ["253402300800", "9223372036854775807", "-1", "now"] {
        let output = castline_at(prepared.path(), &["build", "-o", "oci:images:v1"], epoch);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), errors.contains("SOURCE_DATE_EPOCH")), (Some(2), true), "{errors}");
    }
    let last = castline_at(prepared.path(), &["build", "-o", "oci:images:v1"], "253402300799");
    assert_eq!(last.status.code(), Some(0), "{}", String::from_utf8_lossy(&last.stderr));
}

#[test]
fn why_two_images_differ_is_said_in_words() {
    let prepared = prepared();
    let folder = prepared.path();
    let build = |tag: &str, options: &[&str]| {
        let output = format!("oci:images:{tag}");
        let (status, _, errors) = run(folder, &[&["build", "-o", &output], options].concat());
        assert_eq!(status, 0, "{errors}");
    };
    let description = |change: &str, by: &str| {
        fs::write(folder.join("castline.toml"), DESCRIPTION.replace(change, by)).expect("writes");
    };
    build("v1", &[]);
    build("plain", &["--compression", "none"]);
    description("[config]", "owner = \"7:8\"\n[config]");
    build("owners", &[]);
    description("[config]", "times = \"keep\"\n[config]");
    build("times", &[]);
    description("[\"/app\"]", "[\"/app\", \"-v\"]");
    build("config", &[]);
    description("", "");
    fs::write(folder.join("files/conf"), "a=2\n").expect("writes");
    build("content", &[]);
    for (tag, code, layer, part) in [
        ("plain", "compression", "compression", "the same tar, compressed otherwise"),
        ("owners", "owners", "metadata", "in gid, uid"),
        ("times", "times", "metadata", "in mtime"),
        ("config", "config", "same", "config config.Entrypoint[1]\n  absent -> \"-v\""),
        ("content", "content", "content", "/conf: differs\n  content "),
    ] {
        let other = format!("oci:images:{tag}");
        let (status, diff) = json(folder, &["diff", "oci:images:v1", &other, "--json"]);
        assert_eq!(status, 1);
        assert_eq!(
            (&diff["causes"][0]["code"], &diff["layers"][0]["verdict"]),
            (&code.into(), &layer.into()),
            "{diff}"
        );
        assert_eq!(diff["causes"].as_array().map(Vec::len), Some(1), "{diff}");
        let (status, text, _) = run(folder, &["diff", "oci:images:v1", &other]);
        assert_eq!(status, 1);
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
        assert!(text.contains("\nDIFFERENT ("), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_description_is_said_with_its_line() {
    let prepared = prepared();
    let folder = prepared.path();
    fs::write(folder.join("castline.toml"), "platforms = [\"linux/amd64\"]\nlayer = []\n").expect("writes");
    let (status, _, errors) = run(folder, &["build", "-o", "oci:images:v1"]);
    assert_eq!(status, 2);
    assert!(errors.contains("castline.toml: line 2, column 1: unknown field `layer`"), "{errors}");
    assert_eq!(run(folder, &["build", "-o", "docker://host/name"]).0, 2);
    assert_eq!(run(folder, &["build", "-f", "missing.toml", "-o", "oci:images"]).0, 2);
    assert!(!folder.join("images").exists());
}

#[test]
fn what_looks_like_a_secret_in_an_image_is_warned_of() {
    let prepared = prepared();
    let folder = prepared.path();
    let text = format!("{DESCRIPTION}env = {{ LANG = \"C\", API_KEY = \"hunter2\" }}\n");
    fs::write(folder.join("castline.toml"), text).expect("writes");
    let (status, _, errors) = run(folder, &["build", "-o", "oci:images:v1"]);
    assert!(status == 0 && errors.contains("the variable API_KEY will stand in the image"), "{errors}");
    assert!(errors.contains("--secret API_KEY=env:VARIABLE") && !errors.contains("hunter2"), "{errors}");
    assert_eq!(errors.matches("warning").count(), 1, "{errors}");
}
