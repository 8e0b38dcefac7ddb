//! Every line of the tables under `tests/vectors`, through the Rust API.
//!
//! The cases that git cannot hold (fifos, devices, documents of 100 MiB, bombs) are written to `target/vectors`
//! first. Every row must have been run, or the test fails.

#[path = "conformance/replacements.rs"]
mod replacements;

use std::{fmt::Write as _, fs, io::Read as _, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use castline::{
    BlobName, BlobSource as _, Compression, Digest, Finding, FindingCode, Image, Level, Options, Platform,
    Platforms, Report, Rootfs, Verification, Watch,
    drift::{Comparison, DriftCode, DriftFinding, Profile, Scan, Severity, compare},
    plan::InfeasibleCode,
    sources::{BuildFile, Reference, Source},
};
use serde_json::Value;

fn unescaped(text: &str) -> String {
    let mut result = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        result.push(match escaped {
            None => character,
            Some('t') => '\t',
            Some('n') => '\n',
            Some('0') => '\0',
            Some('e') => '\u{1b}',
            Some(other) => other,
        });
    }
    result
}

fn code(finding: &Finding) -> String {
    match finding.level {
        Level::Error => finding.code.name().to_owned(),
        level => format!("{}:{}", level.name(), finding.code),
    }
}

fn verify(flags: &[&str], input: &str, base: &Path) -> String {
    let options = options(flags);
    let verification = verification(options, input, base);
    codes(&verification.report)
}

/// The tree of the one image that the input names.
fn tree(input: &str, base: &Path) -> String {
    let verification = verification(Options::default().with_rootfs(true), input, base);
    if !verification.report.intact {
        return codes(&verification.report);
    }
    let tree = verification.rootfs.into_values().next().expect("a tree");
    let mut lines = Vec::new();
    tree.write_json_lines(&mut lines).expect("memory");
    assert_eq!(Rootfs::read_json_lines(&mut &lines[..]).expect("reads"), tree, "{input}");
    let lines = String::from_utf8(lines).expect("JSON");
    let entries =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).map(|line| entry(&line));
    entries.filter(|entry| entry != "D:" && entry != "d:").collect::<Vec<_>>().join(" ")
}

/// The differences between the trees of the two files that the input names.
fn drift(flags: &[&str], input: &str, base: &Path) -> String {
    let mut options = Comparison::default();
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let mut value = || *flags.next().expect("a value");
        options = match *flag {
            "--profile" => options.with_profile(Profile::named(value()).expect("a profile")),
            "--ignore" => options.with_ignored(value().parse().expect("a glob")),
            "--mount" => options.with_mount(value().as_bytes()),
            "--mtime" => options.with_mtime(true),
            other => panic!("the table has an unknown flag {other}"),
        };
    }
    let (shipped, actual) = input.split_once(' ').expect("two trees");
    let [shipped, actual] = [shipped, actual].map(|path| {
        let text = fs::read(base.join(path)).expect(path);
        Rootfs::read_json_lines(&mut &text[..]).expect(path)
    });
    let report = compare(&shipped, &Scan::of(actual), &options);
    let drifted = report.findings.iter().any(|finding| finding.severity != Severity::Info);
    assert_eq!(report.drifted, drifted, "{input}");
    let one = |finding: &DriftFinding| {
        let path = match &finding.path_bytes {
            Some(encoded) => BASE64_STANDARD.decode(encoded).expect("base64"),
            None => finding.path.clone().into_bytes(),
        };
        let path = path.escape_ascii().to_string().replace(' ', "\\x20");
        let mut text = format!("{}:{}:{path}", finding.severity.name(), finding.code);
        if finding.code == DriftCode::Modified {
            text = format!("{text}:{}", finding.attributes.join(","));
        }
        text
    };
    let findings: Vec<String> = report.findings.iter().map(one).collect();
    if findings.is_empty() { "clean".to_owned() } else { findings.join(" ") }
}

/// One entry as the table has it, from its JSON line.
fn entry(line: &Value) -> String {
    let name = |key: &str| -> String {
        let bytes = match (line[key].as_str(), line[format!("{key}Bytes")].as_str()) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(encoded)) => BASE64_STANDARD.decode(encoded).expect("base64"),
            _ => panic!("{line} has no {key}"),
        };
        bytes.escape_ascii().to_string().replace(' ', "\\x20")
    };
    let path = name("path");
    if line["sameAs"].is_string() || line["sameAsBytes"].is_string() {
        return format!("h:{path}={}", name("sameAs"));
    }
    let device = || format!("{},{}", line["device"][0], line["device"][1]);
    let (mut text, usual) = match line["type"].as_str().expect("a type") {
        "directory" if line["implicit"] == true => (format!("D:{path}"), "0755"),
        "directory" => (format!("d:{path}"), "0755"),
        "file" => (format!("f:{path}:{}", line["size"]), "0644"),
        "symlink" => (format!("l:{path}->{}", name("target")), "0777"),
        "charDevice" => (format!("c:{path}:{}", device()), "0644"),
        "blockDevice" => (format!("b:{path}:{}", device()), "0644"),
        "fifo" => (format!("p:{path}"), "0644"),
        other => panic!("an unknown type {other}"),
    };
    if line["mode"] != usual {
        write!(text, ":{}", line["mode"].as_str().expect("a mode")).expect("a string");
    }
    for (name, value) in line["xattrs"].as_object().into_iter().flatten() {
        write!(text, ":{name}={}", value.as_str().expect("base64")).expect("a string");
    }
    text
}

fn options(flags: &[&str]) -> Options {
    let mut options = Options::default();
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        options = match *flag {
            "--unreferenced" => options.with_unreferenced(true),
            "--platform" => options.with_platforms(match *flags.next().expect("a platform") {
                "all" => Platforms::All,
                one => Platforms::One(one.parse().expect("a platform")),
            }),
            other => panic!("the table has an unknown flag {other}"),
        };
    }
    options
}

fn verification(options: Options, input: &str, base: &Path) -> Verification {
    let reference: Reference = input.parse().expect("a reference");
    let options = options.with_selection(reference.selection());
    let source = Source::open(&reference.relative_to(base)).expect("opens");
    let verification = castline::verify(&source, &options, &Watch::none()).expect("verifies");
    for image in &verification.images {
        assert_sound(image, &source, input);
    }
    verification
}

/// Reads every blob of a verified image again, and compares it with its digest.
fn assert_sound(image: &Image, source: &Source, input: &str) {
    let manifest = image.identities().manifest;
    let config = image.config_descriptor().map(|config| &config.digest);
    let layers = image.layers().iter().map(|layer| &layer.digest);
    for digest in manifest.iter().chain(config).chain(layers) {
        // What a descriptor carries inline need not be there.
        let Ok(mut blob) = source.open(&BlobName::Digest(digest.clone())) else { continue };
        let mut bytes = Vec::new();
        blob.reader.read_to_end(&mut bytes).expect("reads");
        let actual = Digest::of_with(&digest.algorithm(), &bytes);
        assert_eq!(actual.as_ref(), Some(digest), "{input} gives a verified image");
    }
}

fn codes(report: &Report) -> String {
    let codes: Vec<String> = report.findings.iter().map(code).collect();
    assert_eq!(report.intact, codes.iter().all(|code| code.contains(':')), "{codes:?}");
    let mut text = if codes.is_empty() { "intact".to_owned() } else { codes.join(" ") };
    if report.intact && !report.complete {
        text += " incomplete";
    }
    text
}

fn reference(input: &str) -> Result<String, castline::sources::Error> {
    let reference: Reference = input.parse()?;
    let mut text = format!("{} path={}", reference.transport().name(), reference.path().display());
    if let Some(tag) = reference.tag() {
        write!(text, " tag={tag}").expect("a string");
    }
    if let Some(digest) = reference.digest() {
        write!(text, " digest={digest}").expect("a string");
    }
    if let Some(position) = reference.position() {
        write!(text, " index={position}").expect("a string");
    }
    Ok(text)
}

/// What becomes of the description that the input names.
fn build(flags: &[&str], input: &str, base: &Path) -> String {
    let path = base.join(input);
    let read = match path.extension() {
        Some(form) if form == "json" => {
            let json = fs::read(&path).expect("a description");
            BuildFile::from_json(&json, path.parent().expect("a folder"))
        }
        _ => BuildFile::read(&path),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let to = format!("oci:{}:built", folder.path().join("layout").display());
    let built = read.and_then(|file| {
        let file = match flags {
            ["--compression", "gzip"] => file.with_compression(Compression::Gzip),
            ["--compression", "zstd"] => file.with_compression(Compression::Zstd),
            _ => file,
        };
        file.build_to(&to.parse()?, &Watch::none())
    });
    match built {
        Ok(built) => {
            let verified = verification(Options::default(), &to, Path::new(""));
            assert!(verified.report.is_complete(), "{input}");
            built.descriptor().digest.to_string()
        }
        Err(error) => format!("!{}", error.code().name()),
    }
}

fn run(operation: &str, input: &str, base: &Path) -> String {
    let words: Vec<&str> = operation.split(' ').collect();
    let parsed = unescaped(input);
    let core = |result: Result<String, castline::Error>| {
        result.unwrap_or_else(|error| format!("!{}", error.code().name()))
    };
    match words[0] {
        "tree" => tree(input, base),
        "drift" => drift(&words[1..], input, base),
        "verify" => verify(&words[1..], input, base),
        "build" => build(&words[1..], input, base),
        "digest.parse" => core(parsed.parse::<Digest>().map(|digest| digest.to_string())),
        "platform.parse" => core(parsed.parse::<Platform>().map(|platform| platform.to_string())),
        "reference.parse" => reference(&parsed).unwrap_or_else(|error| format!("!{}", error.code().name())),
        "amount.parse" | "amount.of" | "time.parse" | "revision.parse" | "window.open" => {
            replacements::of_text(words[0], &parsed)
        }
        _ => replacements::of_file(&words, &base.join(input)),
    }
}

fn check(table: &Path, base: &Path, least: usize) {
    let text = fs::read_to_string(table).expect("the table");
    let mut failures = Vec::new();
    let mut rows = 0;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [operation, input, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("malformed row: {line}");
        };
        rows += 1;
        let actual = run(operation, input, base);
        // What has no C library writes no zstd, and says so.
        let expected = match operation {
            "build --compression zstd" if cfg!(not(feature = "native")) => "!UNSUPPORTED",
            _ => expected,
        };
        if actual != expected {
            failures.push(format!("{operation} {input}\n    expected {expected}\n    actual   {actual}"));
        }
    }
    assert!(rows >= least, "only {rows} rows in {}", table.display());
    assert!(failures.is_empty(), "{} of {rows} rows differ:\n{}", failures.len(), failures.join("\n"));
}

/// Every finding has a vector that gives it: a new code needs one.
#[test]
fn every_code_has_a_vector() {
    let tables = ["index.tsv", "transient.tsv"]
        .map(|table| fs::read_to_string(vectors().join(table)).expect("a table"));
    for code in FindingCode::ALL {
        let given = tables.iter().flat_map(|table| table.lines()).filter_map(|line| line.split('\t').nth(2));
        let named = |codes: &str| codes.split(' ').any(|given| given.rsplit(':').next() == Some(code.name()));
        assert!(given.clone().any(named), "no vector gives {code}");
    }
}

/// So has every kind of conflict.
#[test]
fn every_code_of_a_plan_that_cannot_be_has_a_vector() {
    let table = fs::read_to_string(vectors().join("index.tsv")).expect("a table");
    for code in InfeasibleCode::ALL {
        let start = format!("!{} ", code.name());
        let given = table.lines().filter_map(|line| line.split('\t').nth(2));
        assert!(given.into_iter().any(|expected| expected.starts_with(&start)), "no vector gives {start}");
    }
}

fn vectors() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

#[test]
fn every_committed_vector_holds() {
    check(&vectors().join("index.tsv"), vectors(), 1300);
}

#[test]
fn every_transient_vector_holds() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    xtask::vectors::write_transient(folder.path()).expect("the vectors are written");
    check(&vectors().join("transient.tsv"), folder.path(), 15);
}
