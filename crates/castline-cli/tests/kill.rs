//! `castline build` that is killed (`SIGKILL`) at any moment, and several of them into one layout at once.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use castline::{Digest, Options, Watch, sources::Layout, verify};

/// How long processes are killed, at most.
const TIME: Duration = Duration::from_secs(8);

const NAMES: [&str; 3] = ["v1", "v2", "v3"];

/// Three descriptions, whose images have some layers in common.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut state = 1_u64;
    for name in ["base", "v1", "v2", "v3"] {
        let files = folder.path().join(name);
        fs::create_dir(&files).expect("a folder");
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40).to_le_bytes()
        };
        let content: Vec<u8> = (0..100_000).flat_map(|_| next()).collect();
        fs::write(files.join("file"), content).expect("writes");
    }
    for name in NAMES {
        let text = format!(
            "platforms = [\"linux/amd64\"]\n[[layers]]\ndirectory = \"base\"\n[[layers]]\ndirectory = \"{name}\"\nto = \"/{name}\"\n"
        );
        fs::write(folder.path().join(format!("{name}.toml")), text).expect("writes");
    }
    folder
}

fn build(folder: &Path, name: &str, layout: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_castline"))
        .args(["build", "-f", &format!("{name}.toml"), "-o", &format!("oci:{layout}:{name}")])
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

fn finish(child: Child) {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The images of a layout by name, each with all that it has; nothing else may be wrong with it.
fn named(layout: &Path) -> BTreeMap<String, Digest> {
    let Ok(index) = fs::read(layout.join("index.json")) else { return BTreeMap::new() };
    let index: serde_json::Value = serde_json::from_slice(&index).expect("a whole index");
    let entries = index["manifests"].as_array().expect("a list");
    if !entries.is_empty() {
        let source = Layout::open(layout).expect("opens");
        let report = verify(&source, &Options::default(), &Watch::none()).expect("verifies").report;
        assert!(report.is_complete(), "{:?}", report.findings);
        assert_eq!(report.images.len(), entries.len());
    }
    // What nothing names is what its name says as well.
    for entry in fs::read_dir(layout.join("blobs/sha256")).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let digest = Digest::of(&fs::read(&path).expect("reads"));
        assert_eq!(path.file_name().expect("a name").to_str(), Some(&*digest.encoded()));
    }
    let name = |entry: &serde_json::Value| {
        entry["annotations"]["org.opencontainers.image.ref.name"].as_str().expect("a name").to_owned()
    };
    let digest =
        |entry: &serde_json::Value| entry["digest"].as_str().expect("text").parse().expect("a digest");
    entries.iter().map(|entry| (name(entry), digest(entry))).collect()
}

/// Nothing is there but a layout.
fn assert_tidy(layout: &Path) {
    let mut names: Vec<_> = fs::read_dir(layout)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "oci-layout"]);
}

/// What each name stands for, and how long it takes to build.
fn expected(folder: &Path) -> (BTreeMap<String, Digest>, Duration) {
    let begun = Instant::now();
    for name in NAMES {
        finish(build(folder, name, "expected"));
    }
    let each = begun.elapsed() / u32::try_from(NAMES.len()).expect("small");
    let images = named(&folder.join("expected"));
    assert_eq!(images.len(), NAMES.len());
    (images, each)
}

/// A moment within `most`; another one each time.
fn moment(number: u32, most: Duration) -> Duration {
    // Multiples of the golden ratio: wherever they are cut off, they are spread evenly.
    most.mul_f64((f64::from(number) * 0.618_033_988_749_895).fract())
}

#[test]
fn a_build_that_is_killed_leaves_a_layout_that_verifies_and_the_next_one_finishes_it() {
    let prepared = prepared();
    let folder = prepared.path();
    let (expected, each) = expected(folder);
    let begun = Instant::now();
    let (mut killed, mut rounds) = (0_u32, 0_u32);
    while begun.elapsed() < TIME || killed == 0 {
        let name = format!("round-{rounds}");
        let layout = folder.join(&name);
        for number in 0..8 {
            let tag = NAMES[number % NAMES.len()];
            let mut child = build(folder, tag, &name);
            thread::sleep(moment(rounds * 8 + u32::try_from(number).expect("small"), each.mul_f64(1.1)));
            child.kill().expect("it is killed, or was done");
            killed += u32::from(!child.wait().expect("it ends").success());
            for (tag, digest) in named(&layout) {
                assert_eq!(Some(&digest), expected.get(&tag));
            }
        }
        for tag in NAMES {
            finish(build(folder, tag, &name));
        }
        assert_eq!(named(&layout), expected);
        assert_tidy(&layout);
        rounds += 1;
    }
    assert!(killed > 0, "{rounds} rounds");
}

#[test]
fn builds_into_one_layout_at_once_do_not_disturb_each_other_and_neither_does_one_that_is_killed() {
    let prepared = prepared();
    let folder = prepared.path();
    let (expected, each) = expected(folder);
    for round in 0..6 {
        let name = format!("round-{round}");
        let layout = folder.join(&name);
        let mut victim = build(folder, "v3", &name);
        // The same image twice, and another.
        let others = ["v1", "v1", "v2"].map(|tag| build(folder, tag, &name));
        thread::sleep(moment(round, each));
        victim.kill().expect("it is killed, or was done");
        victim.wait().expect("it ends");
        others.into_iter().for_each(finish);
        let found = named(&layout);
        for tag in ["v1", "v2"] {
            assert_eq!(found.get(tag), expected.get(tag));
        }
        assert!(found.get("v3").is_none_or(|digest| Some(digest) == expected.get("v3")));
        // What the victim left goes with the next one.
        finish(build(folder, "v3", &name));
        assert_eq!(named(&layout), expected);
        assert_tidy(&layout);
    }
}
