use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    thread,
};

use castline::{
    Digest, Progress, Rootfs, Watch,
    drift::{Comparison, Counts, DriftFinding, DriftReport, IgnoredReason, Scan, Severity, compare},
    sources::{Cache, Overlay, OverlayXattrs, ScanOptions, scan, scan_upper, scan_with_cache},
};

use crate::{
    Failure, Verdict,
    arguments::{Drift, Expected},
    output::{self, counted},
    progress::Bar,
    size, tree,
};

/// Findings that the text names one by one; of more there is a summary.
const NAMED: usize = 40;

/// `castline drift`.
pub(crate) fn run(arguments: &Drift) -> Result<Verdict, Failure> {
    let (expected, scan) = match &arguments.image {
        // Neither waits for the other.
        Expected::Tree(file) if !arguments.fast && !arguments.verity => thread::scope(|scope| {
            let tree = scope.spawn(|| saved(file));
            let scan = scanned(arguments, &BTreeMap::default());
            let tree = tree.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok::<_, Failure>((tree?, scan?))
        })?,
        given => {
            let tree = match given {
                Expected::Tree(file) => saved(file)?,
                Expected::Image(image) => {
                    match tree::verified(
                        &arguments.of_images.common(image),
                        arguments.verity,
                        arguments.jobs,
                    )? {
                        Some(tree) => tree,
                        None => return Ok(Verdict::Findings),
                    }
                }
            };
            let known = if arguments.verity { tree.by_verity() } else { BTreeMap::default() };
            let scan = if arguments.fast { written(arguments, &tree) } else { scanned(arguments, &known) };
            (tree, scan?)
        }
    };
    let mut options =
        Comparison::default().with_profile(arguments.profile.clone()).with_mtime(arguments.mtime);
    options = arguments.ignore.iter().cloned().fold(options, Comparison::with_ignored);
    options = arguments.mount.iter().fold(options, |options, path| options.with_mount(path.as_bytes()));
    let report = compare(&expected, &scan, &options);
    if arguments.of_images.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report, &arguments.rootfs, arguments.fast))?;
    }
    Ok(if report.is_clean() { Verdict::Clean } else { Verdict::Findings })
}

/// A tree that was saved as JSON lines.
fn saved(file: &Path) -> Result<Rootfs, String> {
    let mut input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).map_err(|error| at(file, &error))?))
    };
    let tree = Rootfs::read_json_lines(&mut *input).map_err(|error| at(file, &error))?;
    if tree.is_empty() {
        return Err(format!("{}: there is no entry in it", file.display()));
    }
    Ok(tree)
}

fn at(file: &Path, error: &io::Error) -> String {
    let hint = if error.kind() == io::ErrorKind::InvalidData {
        "; make it with `castline tree IMAGE --json`"
    } else {
        ""
    };
    format!("{}: {error}{hint}", file.display())
}

/// The root filesystem as it is; files that fs-verity guards under one of the digests are not read.
fn scanned(arguments: &Drift, known: &BTreeMap<Digest, Digest>) -> Result<Scan, Failure> {
    let bar = Bar::new("scanning");
    let show = |progress: Progress| bar.show(progress);
    let watch = Watch::none().with_progress(&show);
    let mut options = ScanOptions::default().with_verity(known);
    options.jobs = arguments.jobs;
    let rootfs = &arguments.rootfs;
    let Some(file) = &arguments.cache else { return Ok(scan(rootfs, &options, &watch)?) };
    let mut cache = Cache::load(file);
    if let Some(fault) = cache.fault() {
        output::note(&format!("{}: {fault}; everything is read", file.display()))?;
    }
    let scan = scan_with_cache(rootfs, &options, &mut cache, &watch)?;
    if cache.is_changed() || cache.fault().is_some() || !file.exists() {
        cache.save(file)?;
    }
    Ok(scan)
}

/// The root filesystem as it is, by what was written over the image's tree.
fn written(arguments: &Drift, image: &Rootfs) -> Result<Scan, Failure> {
    let bar = Bar::new("scanning");
    let show = |progress: Progress| bar.show(progress);
    let mut options = ScanOptions::default();
    options.jobs = arguments.jobs;
    let (folder, xattrs) = match Overlay::of_root(&arguments.rootfs)? {
        Some(overlay) => (overlay.upper, overlay.xattrs),
        None => (arguments.rootfs.clone(), OverlayXattrs::default()),
    };
    let upper = scan_upper(&folder, xattrs, &options, &Watch::none().with_progress(&show))?;
    upper.over(image).map_err(|fault| {
        format!("what {} has was written over another image than this: {fault}", folder.display()).into()
    })
}

fn text(report: &DriftReport, rootfs: &Path, fast: bool) -> String {
    let mut text = String::new();
    let severities = [Severity::Critical, Severity::Warning, Severity::Info];
    let worst_first = severities
        .iter()
        .flat_map(|severity| report.findings.iter().filter(move |finding| finding.severity == *severity));
    for finding in worst_first.take(NAMED) {
        text.push_str(&of(finding));
    }
    let total = report.counts.total();
    if total > NAMED as u64 {
        let _ = writeln!(
            text,
            "\nThe worst {NAMED} of {total} are above; all of them by folder (--json names each):"
        );
        for line in &report.summary {
            let folder = castline::shown_whole(&line.directory);
            let examples = castline::shown_whole(&line.examples.join(", "));
            let _ = writeln!(text, "  /{folder}: {}, e.g. {examples}", kinds(&line.counts));
        }
    }
    let mut reasons: Vec<(String, u64)> = Vec::new();
    for ignored in &report.ignored {
        let by = match ignored.reason {
            IgnoredReason::Glob => "--ignore",
            IgnoredReason::Mount => "--mount",
            _ => "the profile's",
        };
        let reason = format!("{by} {}", ignored.rule);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    if !reasons.is_empty() {
        let left_out = report.ignored.len() as u64 + report.more_ignored;
        let _ = writeln!(text, "\n{} left out:", counted(left_out, "difference"));
        for (reason, count) in reasons {
            let _ = writeln!(text, "  {count:>6}  {}", castline::shown_whole(&reason));
        }
    }
    let counts = &report.counts;
    let parts = some(&[(counts.critical, "critical"), (counts.warning, "warning"), (counts.info, "info")]);
    let verdict = match (report.drifted, report.complete) {
        (true, _) => "DRIFTED",
        (false, false) => "INCOMPLETE: no drift where it could be read, but not everything could",
        (false, true) => "no drift",
    };
    let found = if parts.is_empty() { String::new() } else { format!(" ({parts})") };
    let read = if fast { "read of what was written" } else { "read" };
    let entries = if report.entries == 1 { "1 entry".into() } else { format!("{} entries", report.entries) };
    let line = format!(
        "{verdict}{found}: {entries} of {} compared under the profile {}, {} {read}",
        rootfs.display(),
        report.profile,
        size::shown(report.bytes)
    );
    let gap = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{gap}{}", castline::shown_whole(&line));
    text
}

/// `2 added, 1 removed`.
fn kinds(counts: &Counts) -> String {
    let kinds = [
        (counts.added, "added"),
        (counts.removed, "removed"),
        (counts.modified, "modified"),
        (counts.mounted, "mounted over"),
        (counts.unread, "not read"),
    ];
    some(&kinds)
}

/// Those that there are.
fn some(counts: &[(u64, &str)]) -> String {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    some.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

/// A finding in a line, and what differs below it.
pub(crate) fn of(finding: &DriftFinding) -> String {
    let mut text = format!(
        "{}: {} [{}]\n",
        finding.severity.name(),
        castline::shown_whole(&finding.message),
        finding.code
    );
    for attribute in &finding.attributes {
        let value = |of: &BTreeMap<String, String>| {
            of.get(attribute).map_or("absent".into(), |value| castline::shown_whole(value))
        };
        let _ =
            writeln!(text, "  {attribute:<13} {} -> {}", value(&finding.expected), value(&finding.actual));
    }
    text
}
