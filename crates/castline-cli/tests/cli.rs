//! The binary as people and scripts use it.

use std::{
    fs::File,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn castline(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_castline"));
    command.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors"));
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    outcome(&castline(arguments).output().expect("it runs"))
}

fn outcome(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("it exits"), text(&output.stdout), text(&output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect(text)
}

#[test]
fn a_sound_image_exits_with_0_and_says_so() {
    let (status, text, errors) = run(&["verify", "oci:layouts/three-layers"]);
    assert_eq!((status, &*errors), (0, ""), "{text}");
    assert!(text.contains("linux/amd64, 3 layers, v1: intact"), "{text}");
    assert!(text.contains("\nintact: "), "{text}");
    assert_eq!(run(&["verify", "oci:layouts/three-layers", "--jobs", "1000000"]).0, 0);
}

#[test]
fn a_finding_exits_with_1_and_says_what_to_do() {
    let (status, text, errors) = run(&["verify", "oci:layouts/flipped-bit-in-a-tar-layer"]);
    assert_eq!((status, &*errors), (1, ""));
    for part in [
        "error: the bytes of blobs/sha256/",
        "[blob-digest-mismatch]",
        "  referenced by index.manifests[0].layers[0]\n",
        "  expected      sha256:",
        "  actual        sha256:",
        "  what to do    ",
        "\nNOT INTACT (2 errors): ",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn what_was_not_checked_is_not_clean() {
    let (status, text, _) = run(&["verify", "oci:layouts/encrypted-layer"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("\nINCOMPLETE: "), "{text}");
    let (status, text, _) = run(&["verify", "oci:layouts/index-manifests-empty"]);
    assert_eq!(status, 1, "{text}");
}

#[test]
fn what_cannot_be_done_exits_with_2() {
    for (arguments, part) in [
        (&["verify", "oci:nowhere"][..], "castline: nowhere: No such file or directory"),
        (
            &["verify", "oci-archive:layouts"],
            "castline: layouts: it is a folder; for a layout write `oci:DIR`",
        ),
        (&["verify", "docker://127.0.0.1:1/alpine"], "127.0.0.1:1"),
        (&["verify", "layouts/three-layers"], "layouts/three-layers"),
        (&["verify", "oci:layouts/three-layers", "--platform", "linux"], "linux"),
        (&["verify", "oci:layouts/three-layers", "--limit", "layers=x"], "`x` is no number"),
        (&["verify", "oci:layouts/three-layers", "--limit", "colour=1"], "there are: "),
        (&["verify", "oci:layouts/three-layers", "--jobs", "0"], "--jobs"),
        (&["verify"], "Usage: castline verify"),
        (&[], "Usage: castline"),
    ] {
        let (status, text, errors) = run(arguments);
        assert_eq!((status, &*text), (2, ""), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
}

#[test]
fn an_unknown_tag_lists_the_choices() {
    let (status, text, _) = run(&["verify", "oci:layouts/three-layers:v9"]);
    assert_eq!(status, 1);
    assert!(text.contains("`v9` is not here; there are: `v1`"), "{text}");
}

#[test]
fn json_is_one_document_of_the_same_verdict() {
    let (status, text, errors) = run(&["verify", "--json", "oci:layouts/three-layers"]);
    assert_eq!((status, &*errors), (0, ""));
    let report = json(&text);
    assert_eq!(report["intact"], true);
    assert_eq!(report["images"][0]["layers"], 3);
    assert_eq!(report["findings"], Value::Array(Vec::new()));
    let (status, text, errors) = run(&["verify", "--json", "oci:layouts/flipped-bit-in-a-tar-layer"]);
    assert_eq!((status, &*errors), (1, ""));
    let report = json(&text);
    assert_eq!(report["intact"], false);
    assert_eq!(report["findings"][0]["code"], "blob-digest-mismatch");
}

#[test]
fn inspect_shows_identities_without_reading_layers() {
    let (status, text, _) = run(&["inspect", "oci:layouts/flipped-bit-in-a-tar-layer"]);
    assert_eq!(status, 0);
    assert!(text.contains("  image ID    sha256:") && text.contains("diffID sha256:"), "{text}");
    let (status, text, _) = run(&["inspect", "--json", "oci:layouts/three-layers"]);
    assert_eq!(status, 0);
    assert_eq!(json(&text)["images"][0]["layers"].as_array().map(Vec::len), Some(3));
    assert_eq!(run(&["inspect", "oci:layouts/flipped-bit-in-the-manifest"]).0, 1);
}

#[test]
fn tree_prints_the_files_of_one_verified_image() {
    let (status, text, errors) = run(&["tree", "oci:layouts/tree-hard-link"]);
    assert_eq!((status, &*errors), (0, ""));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["#mtree", ". type=dir mode=0755 uid=0 gid=0"]);
    assert!(lines[2].starts_with("    a type=file mode=0644 uid=0 gid=0 size=1 sha256digest="), "{text}");
    let (status, text, _) = run(&["tree", "--json", "oci:layouts/tree-hard-link"]);
    assert_eq!(status, 0);
    assert_eq!(json(text.lines().last().expect("a line"))["sameAs"], "a");
    let (status, text, errors) = run(&["tree", "oci:layouts/tree-hard-link-to-nothing"]);
    assert_eq!((status, &*text), (1, ""));
    assert!(
        errors.contains("b is a hard link to a, which is no file") && errors.contains("[rootfs-conflict]"),
        "{errors}"
    );
    let (status, text, errors) = run(&["tree", "oci:layouts/platforms"]);
    assert_eq!((status, &*text), (2, ""));
    assert!(errors.contains("several images") && errors.contains(" linux/arm64"), "{errors}");
    assert_eq!(run(&["tree", "oci:layouts/platforms", "--platform", "linux/arm64"]).0, 0);
    let (status, _, errors) = run(&["tree", "oci:layouts/mediatype-unknown-alone"]);
    assert_eq!(status, 2);
    assert!(
        errors.contains("[mediatype-unknown]") && errors.contains("no image with files here"),
        "{errors}"
    );
}

/// Words with a space between, however the lines were cut.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn help_has_examples() {
    for command in ["verify", "inspect", "tree", "drift", "profile"] {
        let (status, text, _) = run(&[command, "--help"]);
        assert_eq!(status, 0);
        assert!(text.contains("Examples:\n  castline "), "{text}");
    }
    assert!(run(&["--version"]).1.starts_with("castline "));
}

#[test]
fn the_exit_status_is_told_in_the_same_words_everywhere() {
    let told = "Exit status: 0 all is well, warnings and remarks aside; 1 an error was found, or something could not be \
        checked; 2 the work could not be done.";
    for arguments in [&["--help"][..], &["verify", "--help"], &["inspect", "--help"], &["tree", "--help"]] {
        assert!(words(&run(arguments).1).contains(told), "{arguments:?}");
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for readme in [package.join("README.md"), package.join("../../README.md")] {
        let text = std::fs::read_to_string(&readme).expect("a README");
        assert!(words(&text).contains(told), "{}", readme.display());
    }
}

#[test]
fn warnings_alone_exit_with_0() {
    for (command, image) in [
        ("verify", "oci:layouts/tar-name-absolute"),
        ("verify", "oci:layouts/platforms-of-which-one-is-absent"),
        ("inspect", "oci:layouts/mediatype-unknown"),
        ("tree", "oci:layouts/tar-name-absolute"),
        ("tree", "oci:layouts/mediatype-unknown"),
    ] {
        let (status, text, errors) = run(&[command, image]);
        assert_eq!(status, 0, "{command} {image}: {text}{errors}");
    }
}

#[test]
fn an_archive_can_come_through_a_pipe() {
    for (reference, file) in [
        ("oci-archive:-", "oci.tar.gz"),
        ("docker-archive:-", "docker.tar"),
        ("docker-archive:/dev/stdin", "docker.tar.xz"),
    ] {
        let mut command = castline(&["verify", reference]);
        let folder = command.get_current_dir().expect("set").join("archives");
        let mut cat = Command::new("cat").arg(folder.join(file)).stdout(Stdio::piped()).spawn().expect("cat");
        let output = command.stdin(cat.stdout.take().expect("a pipe")).output().expect("it runs");
        cat.wait().expect("cat ends");
        let (status, text, errors) = outcome(&output);
        assert_eq!(status, 0, "{file}: {text}{errors}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
    let mut child = castline(&["verify", "oci:layouts/three-layers"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = castline(&["verify", "oci:layouts/three-layers"]).stdout(full).output().expect("it runs");
    assert_eq!(outcome(&output).0, 2);
}

#[test]
fn names_cannot_write_to_the_terminal() {
    for image in ["oci:layouts/three-layers:\u{1b}[31mred", "oci:\u{1b}]0;title\u{7}"] {
        let (_, text, errors) = run(&["verify", image]);
        assert!(!text.contains('\u{1b}') && !errors.contains('\u{1b}'), "{text}{errors}");
    }
}

/// 10 GiB of zeros in a layer of 10 MiB, under a limit of address space that its content would not fit in.
#[cfg(target_os = "linux")]
#[test]
fn a_bomb_is_refused_in_bounded_memory() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    xtask::vectors::write_transient(folder.path()).expect("the vectors are written");
    for name in ["gzip-bomb-of-10-gib", "zstd-bomb-of-2-gib"] {
        let image = folder.path().join("layouts").join(name);
        assert!(image.is_dir(), "{}", image.display());
        let output = Command::new("sh")
            .args([
                "-c",
                "ulimit -v 262144; exec \"$@\"",
                "sh",
                env!("CARGO_BIN_EXE_castline"),
                "verify",
                "--jobs",
                "2",
            ])
            .arg(format!("oci:{}", image.display()))
            .output()
            .expect("it runs");
        let (status, text, errors) = outcome(&output);
        assert_eq!(status, 1, "{errors}");
        assert!(text.contains("[limit-exceeded]"), "{text}");
    }
}

/// What the README shows is what is printed.
#[test]
fn the_readme_shows_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let mut shown = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("a block");
        let Some((arguments, expected)) = block
            .strip_prefix("$ cargo run --release -p castline-cli -- ")
            .and_then(|rest| rest.split_once('\n'))
        else {
            continue;
        };
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = castline(&arguments).current_dir(&root).output().expect("it runs");
        let (_, text, _) = outcome(&output);
        let (head, cut) = expected.split_once("…\n").map_or((expected, false), |(head, _)| (head, true));
        assert!(if cut { text.starts_with(head) } else { text == head }, "{arguments:?} prints:\n{text}");
        shown += 1;
    }
    assert_eq!(shown, 2);
}
