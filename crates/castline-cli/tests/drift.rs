//! `castline drift` as people and scripts use it.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use xtask::engines;

const IMAGE: &str = "oci:layouts/tree-of-one-layer";

fn castline(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_castline"));
    command.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors"));
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = castline(arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("it exits"), text(&output.stdout), text(&output.stderr))
}

/// A folder with what the image stands for. Its owner is root, so only root can make it.
fn unpacked() -> Option<tempfile::TempDir> {
    if !engines::available(&[], true) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("a/b")).expect("a folder");
    for (name, content) in [("a/one", "1"), ("a/two", "22"), ("a/b/three", "333")] {
        fs::write(folder.path().join(name), content).expect("writes");
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o644)).expect("a mode");
    }
    for name in ["a", "a/b"] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    Some(folder)
}

#[test]
fn what_was_shipped_shows_no_drift() {
    let Some(folder) = unpacked() else { return };
    let rootfs = folder.path().to_str().expect("UTF-8");
    let (status, text, errors) = run(&["drift", IMAGE, rootfs]);
    assert_eq!((status, &*errors), (0, ""), "{text}");
    assert!(text.starts_with("no drift: 6 entries of /") && text.ends_with("6 B read\n"), "{text}");
    assert_eq!(run(&["drift", IMAGE, rootfs, "--jobs", "1"]).0, 0);
}

#[test]
fn what_was_done_is_told_worst_first() {
    let Some(folder) = unpacked() else { return };
    let rootfs = folder.path().to_str().expect("UTF-8");
    fs::write(folder.path().join("a/one"), "X").expect("writes");
    fs::write(folder.path().join("a/tool"), "#!/bin/sh").expect("writes");
    fs::set_permissions(folder.path().join("a/tool"), fs::Permissions::from_mode(0o4755)).expect("a mode");
    symlink("one", folder.path().join("a/link")).expect("a link");
    fs::remove_file(folder.path().join("a/b/three")).expect("removes");
    let (status, text, _) = run(&["drift", IMAGE, rootfs]);
    assert_eq!(status, 1, "{text}");
    let heads: Vec<&str> =
        text.lines().filter(|line| !line.starts_with(' ') && line.contains(": /a")).collect();
    let starts = [
        "critical: /a/tool was added; ",
        "warning: /a/b/three was removed [",
        "warning: /a/link was added [",
        "warning: /a/one differs in content [",
    ];
    assert_eq!(heads.len(), starts.len(), "{text}");
    for (head, start) in heads.iter().zip(starts) {
        assert!(head.starts_with(start), "{text}");
    }
    assert!(
        text.contains("\n  content       sha256:6b86b27")
            && text.contains("DRIFTED (1 critical, 3 warning): "),
        "{text}"
    );

    let (status, text, _) = run(&["drift", IMAGE, rootfs, "--json"]);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &report["drifted"], &report["complete"]), (1, &true.into(), &true.into()));
    assert_eq!(report["findings"][3]["path"], "a/tool");
    assert_eq!(report["findings"][3]["severity"], "critical");

    let (status, text, _) = run(&["drift", IMAGE, rootfs, "--ignore", "a/**"]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("4 differences left out:\n       4  --ignore a/**\n"), "{text}");
}

#[test]
fn many_findings_are_told_by_folder() {
    let Some(folder) = unpacked() else { return };
    fs::create_dir(folder.path().join("new")).expect("a folder");
    for number in 0..100 {
        fs::write(folder.path().join(format!("new/{number}")), "x").expect("writes");
    }
    let (status, text, _) = run(&["drift", IMAGE, folder.path().to_str().expect("UTF-8")]);
    assert_eq!(status, 1);
    assert!(text.contains("The worst 40 of 101 are above"), "{text}");
    assert!(text.contains("  /new: 101 added, e.g. new"), "{text}");
    assert!(text.lines().count() < 60, "{text}");
}

#[test]
fn a_tree_that_was_saved_is_as_good_as_the_image() {
    let Some(folder) = unpacked() else { return };
    let rootfs = folder.path().to_str().expect("UTF-8");
    let (status, tree, _) = run(&["tree", IMAGE, "--json"]);
    assert_eq!(status, 0);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("tree.jsonl");
    fs::write(&file, &tree).expect("writes");
    let saved = format!("tree:{}", file.display());
    assert_eq!(run(&["drift", &saved, rootfs]).0, 0);

    // Nothing here is guarded, so everything is read all the same.
    let (status, guarded, _) = run(&["tree", IMAGE, "--json", "--verity"]);
    assert!(status == 0 && guarded.contains("\"verity\":\"sha256:"), "{guarded}");
    fs::write(&file, &guarded).expect("writes");
    let (status, text, _) = run(&["drift", &saved, rootfs, "--verity"]);
    assert!(status == 0 && text.ends_with("6 B read\n"), "{text}");
    assert_eq!(run(&["drift", IMAGE, rootfs, "--verity"]).0, 0);

    let mut command = castline(&["drift", "tree:-", rootfs]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(tree.as_bytes()).expect("writes");
    assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(0));

    fs::write(&file, "no tree\n").expect("writes");
    let (status, _, errors) = run(&["drift", &saved, rootfs]);
    assert_eq!(status, 2);
    assert!(errors.contains("line 1") && errors.contains("castline tree IMAGE --json"), "{errors}");
    fs::write(&file, "").expect("writes");
    assert_eq!(run(&["drift", &saved, rootfs]).0, 2);
}

#[test]
fn a_cache_is_made_kept_to_its_owner_and_not_believed_when_damaged() {
    let Some(folder) = unpacked() else { return };
    let rootfs = folder.path().to_str().expect("UTF-8");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("cache");
    let drift = || run(&["drift", IMAGE, rootfs, "--cache", file.to_str().expect("UTF-8")]);
    assert_eq!((drift().0, drift().0), (0, 0));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    fs::write(&file, "damaged").expect("writes");
    let (status, _, errors) = drift();
    assert!(status == 0 && errors.contains("everything is read"), "{errors}");
    assert_eq!(drift().2, "");
}

#[test]
fn what_cannot_be_done_exits_with_2() {
    for (arguments, part) in [
        (&["drift", IMAGE, "nowhere"][..], "nowhere"),
        (&["drift", IMAGE, "layouts", "--ignore", "a["], "a["),
        (&["drift", IMAGE, "layouts", "--profile", "Docker"], "docker, podman, kubernetes, local, none"),
        (&["drift", "tree:nowhere", "layouts"], "nowhere"),
        (&["drift", "oci:layouts/platforms", "layouts"], "several images"),
        (&["drift", IMAGE, "/proc/4294967295/root", "--fast"], "mountinfo"),
        (&["profile", "Docker"], "docker, podman, kubernetes, local, none"),
    ] {
        let (status, text, errors) = run(arguments);
        assert_eq!((status, &*text), (2, ""), "{arguments:?}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    let (status, _, errors) = run(&["drift", "oci:layouts/flipped-bit-in-a-tar-layer", "layouts"]);
    assert!(status == 1 && errors.contains("[blob-digest-mismatch]"), "{errors}");
}

#[test]
fn profiles_are_printed_with_their_sources() {
    let (status, text, _) = run(&["profile", "podman"]);
    assert_eq!(status, 0);
    assert!(
        text.starts_with("podman: ") && text.contains("/run/.containerenv: ") && text.contains(".go, "),
        "{text}"
    );
    let (_, all, _) = run(&["profile"]);
    assert!(all.contains("\ndocker: ") || all.starts_with("docker: "), "{all}");
    let (_, text, _) = run(&["profile", "--json"]);
    let profiles: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(profiles.as_array().expect("a list").len(), castline::drift::Profile::NAMES.len());
}
