//! The house rules that no compiler checks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Which crates of this workspace a crate may use (ARCHITECTURE.md, *Arrows*). A crate that is not here fails.
const ARROWS: &[(&str, &[&str])] = &[
    ("castline-sha256", &[]),
    ("castline-inflate", &[]),
    ("castline-core", &["castline-sha256", "castline-inflate"]),
    ("castline-sources", &["castline-core", "castline-sha256"]),
    ("castline-engine", &["castline-core", "castline-sources"]),
    ("castline", &["castline-core", "castline-engine", "castline-sources"]),
    ("castline-c", &["castline"]),
    ("castline-node", &["castline"]),
    ("castline-python", &["castline"]),
    ("castline-cli", &["castline"]),
    ("xtask", &[]),
];

/// What the core may use: nothing in it opens a file or a socket, or runs tasks.
const CORE_USES: &[&str] = &[
    "base64",
    "blake3",
    "castline-inflate",
    "castline-sha256",
    "crc32fast",
    "jiff",
    "oci-spec",
    "rayon",
    "ruzstd",
    "schemars",
    "serde",
    "serde_json",
    "serde_json_canonicalizer",
    "sha2",
    "thiserror",
    "zstd-safe",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder`, as paths from the root.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let entry = entry.expect("an entry");
            let kind = entry.file_type().expect("a type");
            let name = entry.file_name();
            if kind.is_dir() && !["target", ".git", "corpus", "artifacts"].contains(&&*name.to_string_lossy())
            {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path().strip_prefix(root()).expect("below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let rust = files(folder).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.map(|path| (path.clone(), read(path))).collect()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata");
    metadata["packages"].as_array().expect("packages").clone()
}

/// What a package uses, outside its tests.
fn uses(package: &Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
    let used = dependencies.filter(|dependency| dependency["kind"] != "dev");
    used.map(|dependency| dependency["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn arrows_point_one_way() {
    let packages = packages();
    assert_eq!(packages.len(), ARROWS.len(), "a crate was added or removed: say here what it may use");
    for package in &packages {
        let name = package["name"].as_str().expect("a name");
        let (_, allowed) = ARROWS.iter().find(|(known, _)| *known == name).expect(name);
        let ours = uses(package).into_iter().filter(|used| ARROWS.iter().any(|(known, _)| known == used));
        for used in ours {
            assert!(allowed.contains(&&*used), "{name} must not use {used}");
        }
        if name == "castline-core" {
            let foreign: Vec<_> =
                uses(package).into_iter().filter(|used| !CORE_USES.contains(&&**used)).collect();
            assert!(foreign.is_empty(), "the core uses {foreign:?}");
        }
    }
}

#[test]
fn the_core_is_pure() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "Instant",
        "SystemTime",
        "async fn",
        "unsafe {",
        "println!",
        "eprintln!",
        "env!(",
    ];
    for (path, text) in sources("crates/castline-core/src") {
        for word in forbidden {
            assert!(!text.contains(word), "{} has `{word}`", path.display());
        }
    }
    assert!(read("crates/castline-core/src/lib.rs").contains("#![forbid(unsafe_code)]"));
    assert!(read("crates/castline-core/clippy.toml").contains("std::time::SystemTime"));
}

#[test]
fn unsafe_code_stands_in_one_file_and_in_the_binding_of_c_with_its_reasons() {
    let home = Path::new("crates/castline-sha256/src/sha_ni.rs");
    for (path, text) in sources("crates") {
        let blocks = text.matches("unsafe {").count() + text.matches("unsafe fn").count();
        if path == home {
            assert_eq!((blocks, text.matches("// SAFETY: ").count()), (1, 1));
        } else {
            assert_eq!(blocks, 0, "{} has unsafe code", path.display());
        }
    }
    for (path, text) in sources("bindings") {
        let (blocks, reasons) = (text.matches("unsafe {").count(), text.matches("// SAFETY: ").count());
        if path.starts_with("bindings/c/src") {
            assert_eq!(blocks, reasons, "{} has unsafe code without a reason", path.display());
        } else {
            assert_eq!(blocks, 0, "{} has unsafe code", path.display());
        }
    }
    for package in ["core", "engine", "inflate", "sources"] {
        assert!(
            read(format!("crates/castline-{package}/src/lib.rs")).contains("#![forbid(unsafe_code)]"),
            "{package}"
        );
    }
    for path in ["crates/castline/lib.rs", "bindings/python/src/lib.rs"] {
        assert!(read(path).contains("#![forbid(unsafe_code)]"), "{path}");
    }
}

#[test]
fn only_the_binaries_print() {
    for (path, text) in sources("crates") {
        let binary = path.starts_with("crates/castline-cli") || path.starts_with("crates/xtask");
        let prints = ["println!", "print!(", "stdout()", "stderr()"].iter().any(|word| text.contains(word));
        let example = path.components().any(|part| part.as_os_str() == "examples");
        assert!(binary || example || !prints, "{} prints", path.display());
    }
}

#[test]
fn every_package_can_be_published() {
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        for key in ["description", "license", "repository", "rust_version"] {
            assert!(package[key].is_string(), "{name} has no {key}");
        }
        let folder =
            Path::new(package["manifest_path"].as_str().expect("a path")).parent().expect("a folder");
        if name != "xtask" {
            assert!(folder.join("README.md").is_file(), "{name} has no README.md");
            assert!(folder.join("LICENSE").exists(), "{name} has no LICENSE");
        }
    }
}

#[test]
fn the_committed_vectors_are_those_that_xtask_writes() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    xtask::vectors::write_committed(folder.path()).expect("the vectors are written");
    let tree = |folder: &Path| -> BTreeMap<PathBuf, String> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(inner) = folders.pop() {
            for entry in fs::read_dir(&inner).expect("a folder").map(|entry| entry.expect("an entry")) {
                let kind = entry.file_type().expect("a type");
                let path = entry.path();
                let what = if kind.is_dir() {
                    folders.push(path.clone());
                    continue;
                } else if kind.is_symlink() {
                    format!("-> {}", fs::read_link(&path).expect("a link").display())
                } else {
                    castline::Digest::of(&fs::read(&path).expect("a file")).to_string()
                };
                tree.insert(path.strip_prefix(folder).expect("below it").to_owned(), what);
            }
        }
        tree
    };
    let (written, committed) = (tree(folder.path()), tree(&root().join("tests/vectors")));
    let differ: Vec<_> = written
        .iter()
        .filter(|(path, what)| committed.get(*path) != Some(what))
        .chain(committed.iter().filter(|(path, _)| !written.contains_key(*path)))
        .map(|(path, _)| path)
        .collect();
    assert!(written.len() > 1000 && differ.is_empty(), "run `cargo xtask vectors`: {differ:?}");
}

/// What `cargo xtask mutants` puts faults into is where its table says.
#[test]
fn every_mutant_fits_the_code() {
    let wrong: Vec<String> = xtask::mutants::all()
        .filter_map(|mutant| match mutant.of(root()) {
            Ok(text) if text != read(mutant.file) => None,
            Ok(_) => Some(format!("{}: {} changes nothing", mutant.file, mutant.fault)),
            Err(error) => Some(error.to_string()),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The code map is true: what it names is there, and what is there is named.
#[test]
fn the_architecture_is_up_to_date() {
    let text = read("ARCHITECTURE.md");
    let quoted: BTreeSet<&str> = text.split('`').skip(1).step_by(2).collect();
    for path in quoted.iter().filter(|path| path.contains('/') && !path.contains([' ', ':', '…', '*'])) {
        let inside = ["", "crates/castline-core/src", "crates/castline-sources/src", "benches", "tests"]
            .iter()
            .any(|folder| root().join(folder).join(path).exists());
        assert!(inside, "ARCHITECTURE.md names {path}, which is not there");
    }
    let modules = |folder: &str| {
        let entries =
            fs::read_dir(root().join(folder)).expect("a folder").map(|entry| entry.expect("an entry"));
        entries
            .map(|entry| entry.path().file_stem().expect("a name").to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    for folder in ["crates", "crates/castline-core/src", "crates/castline-sources/src", "tests", "benches"] {
        for module in modules(folder).iter().filter(|module| !["lib", "README"].contains(&&***module)) {
            assert!(text.contains(module.as_str()), "ARCHITECTURE.md does not name {module} of {folder}");
        }
    }
}

/// Nothing speaks of the machine that it was written on.
#[test]
fn no_file_names_a_place_of_one_machine() {
    // Put together here, so that this file does not name them itself.
    let places: Vec<String> =
        ["work", "home", "root", "Users"].iter().map(|name| format!("/{name}/")).collect();
    for path in files(".") {
        // In a worktree, `.git` is a file that says where the repository is.
        if ["tests/vectors", "target", ".git"].iter().any(|place| path.starts_with(place)) {
            continue;
        }
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for place in &places {
            let found = text.match_indices(place.as_str()).any(|(at, _)| {
                let before = text[..at].chars().next_back().unwrap_or(' ');
                !before.is_alphanumeric() && !"/.-_)}*".contains(before)
            });
            assert!(!found, "{} names {place}", path.display());
        }
    }
}
