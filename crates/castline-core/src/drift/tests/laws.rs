use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

const PATHS: &[&str] = &[
    "bin",
    "bin/sh",
    "bin/su",
    "dev",
    "dev/null",
    "etc",
    "etc/hosts",
    "etc/hosts-old",
    "etc/passwd",
    "etc/mtab",
    "lib",
    "lib/libc.so.6",
    "proc",
    "run",
    "run/.containerenv",
    "run/secrets",
    "srv",
    "srv/a",
    "srv/a/b",
    "srv/a/c",
    "srv/a-b",
    "tmp",
    "tmp/x",
    "usr",
    "usr/bin",
    "usr/bin/x",
    "var",
    "var/log",
    "var/log/x",
];
const NODES: &[&str] = &[
    "d755",
    "d1777",
    "f644:a",
    "f644:b",
    "f644:",
    "f755:a",
    "f755:",
    "f4755:a",
    "f755:a+cap",
    "l:a",
    "l:/proc/mounts",
    "c:3",
    "p644",
    "f644:a@7",
    "d700@7+user.x",
];

/// A tree that a filesystem could hold: parents are folders. Some names share a file.
fn trees() -> impl Strategy<Value = Rootfs> {
    let entry = (select(PATHS), select(NODES), 0..6u8);
    vec(entry, 0..24).prop_map(|entries| {
        let mut nodes = std::collections::BTreeMap::from([(Vec::new(), Arc::new(node("d755")))]);
        let mut last: Option<Arc<Node>> = None;
        for (path, text, share) in entries {
            let path = path.as_bytes();
            let fits = places::ancestors(path)
                .skip(1)
                .all(|f| nodes.get(f).is_none_or(|n: &Arc<Node>| n.is_directory()));
            if !fits || nodes.contains_key(path) {
                continue;
            }
            for folder in places::ancestors(path).skip(1) {
                nodes.entry(folder.to_vec()).or_insert_with(|| Arc::new(node("d755")));
            }
            let own = last.clone().filter(|_| share == 0).unwrap_or_else(|| Arc::new(node(text)));
            if !own.is_directory() {
                last = Some(Arc::clone(&own));
            }
            nodes.insert(path.to_vec(), own);
        }
        nodes.into_iter().collect()
    })
}

type Nodes = Vec<(Vec<u8>, Arc<Node>)>;

/// The entries, with the same sharing.
fn entries(tree: &Rootfs) -> Nodes {
    let mut seen = std::collections::BTreeMap::new();
    let shared: std::collections::BTreeMap<_, _> =
        tree.shared().map(|(path, _, file)| (path, file)).collect();
    let mut own = |path: &[u8], node: &Node| match shared.get(path) {
        Some(file) => Arc::clone(seen.entry(*file).or_insert_with(|| Arc::new(node.clone()))),
        None => Arc::new(node.clone()),
    };
    tree.iter().map(|(path, node)| (path.to_vec(), own(path, node))).collect()
}

#[derive(Clone, Copy, Debug)]
enum Mutation {
    Mode,
    Uid,
    Gid,
    Content,
    Target,
    Device,
    Xattr,
    Type,
    Add,
    Remove,
    Rename,
}

const MUTATIONS: &[Mutation] = &[
    Mutation::Mode,
    Mutation::Uid,
    Mutation::Gid,
    Mutation::Content,
    Mutation::Target,
    Mutation::Device,
    Mutation::Xattr,
    Mutation::Type,
    Mutation::Add,
    Mutation::Remove,
    Mutation::Rename,
];

/// Does it to the entry at `at`, and says which findings that makes, as `code path first-attribute`; `None` where the entry
/// is not of a kind that it can be done to.
fn mutate(nodes: &mut Nodes, at: usize, mutation: Mutation) -> Option<Vec<String>> {
    let (path, node) = nodes[at].clone();
    let text = String::from_utf8_lossy(&path).into_owned();
    let below = |other: &[u8]| other != path && places::is_at_or_below(other, &path);
    let remove = |nodes: &mut Nodes, itself: bool| {
        let gone = |other: &[u8]| below(other) || itself && other == path;
        let lines: Vec<_> = nodes
            .iter()
            .filter(|(p, _)| gone(p))
            .map(|(p, _)| format!("removed {} ", String::from_utf8_lossy(p)))
            .collect();
        nodes.retain(|(p, _)| !gone(p));
        lines
    };
    let mut changed = Node::clone(&node);
    let attribute = match (mutation, &mut changed.kind) {
        (Mutation::Mode, NodeKind::Symlink { .. }) => return None,
        (Mutation::Mode, _) => {
            changed.mode ^= 0o020;
            "mode"
        }
        (Mutation::Uid, _) => {
            changed.uid += 1;
            "uid"
        }
        (Mutation::Gid, _) => {
            changed.gid += 1;
            "gid"
        }
        (Mutation::Content, NodeKind::File { digest, .. }) => {
            *digest = Digest::of(digest.to_string().as_bytes());
            "content"
        }
        (Mutation::Target, NodeKind::Symlink { target }) => {
            target.push(b'x');
            "target"
        }
        (Mutation::Device, NodeKind::CharDevice { minor, .. }) => {
            *minor += 1;
            "device"
        }
        (Mutation::Xattr, _) => {
            changed.xattrs.insert(b"user.y".to_vec(), vec![0xff]);
            "xattr:user.y"
        }
        (Mutation::Type, kind) if *kind != NodeKind::Fifo && !path.is_empty() => {
            *kind = NodeKind::Fifo;
            "type"
        }
        (Mutation::Add, NodeKind::Directory) => {
            let added = [&path[..], b"/"[..usize::from(!path.is_empty())].as_ref(), b"new"].concat();
            let line = format!("added {} ", String::from_utf8_lossy(&added));
            nodes.push((added, Arc::new(super::node("f644:new"))));
            return Some(vec![line]);
        }
        (Mutation::Remove, _) if !path.is_empty() => return Some(remove(nodes, true)),
        (Mutation::Rename, kind) if *kind != NodeKind::Directory => {
            let mut lines = remove(nodes, true);
            lines.push(format!("added {text}.new "));
            nodes.push(([&path[..], b".new"].concat(), node));
            return Some(lines);
        }
        _ => return None,
    };
    let mut lines = if matches!(mutation, Mutation::Type) { remove(nodes, false) } else { Vec::new() };
    // All names of the file have changed with it.
    let changed = Arc::new(changed);
    for (path, other) in nodes.iter_mut().filter(|(_, other)| Arc::ptr_eq(other, &node)) {
        *other = Arc::clone(&changed);
        lines.push(format!("modified {} {attribute}", String::from_utf8_lossy(path)));
    }
    Some(lines)
}

fn short(report: &DriftReport) -> Vec<String> {
    let first = |finding: &DriftFinding| finding.attributes.first().cloned().unwrap_or_default();
    let mut lines: Vec<_> =
        report.findings.iter().map(|f| format!("{} {} {}", f.code, f.path, first(f))).collect();
    lines.sort();
    lines
}

proptest! {
    #[test]
    fn a_tree_does_not_differ_from_itself(tree in trees()) {
        let report = compare(&tree, &Scan::of(entries(&tree).into_iter().collect()), &Comparison::default().with_mtime(true));
        prop_assert!(report.is_clean() && report.findings.is_empty() && report.ignored.is_empty(), "{:?}", lines(&report));
        prop_assert_eq!(report.entries, tree.len() as u64);
    }

    #[test]
    fn any_one_mutation_is_found_and_nothing_else(tree in trees(), at in any::<prop::sample::Index>(), mutation in select(MUTATIONS)) {
        let mut nodes = entries(&tree);
        let at = at.index(nodes.len());
        let Some(mut expected) = mutate(&mut nodes, at, mutation) else { return Ok(()) };
        expected.sort();
        let report = compare(&tree, &Scan::of(nodes.into_iter().collect()), &Comparison::default());
        prop_assert_eq!(short(&report), expected, "{:?}", mutation);
    }

    #[test]
    fn what_is_ignored_is_named_and_all_else_is_found(
        expected in trees(), actual in trees(), profile in select(Profile::NAMES), globs in vec(select(&["etc/*", "srv/**", "**/x"][..]), 0..2),
    ) {
        let scan = Scan::of(actual);
        let profile = Profile::named(profile).expect("a profile");
        let with = globs.iter().fold(Comparison::default().with_profile(profile.clone()), |options, glob| {
            options.with_ignored(glob.parse().expect("a pattern"))
        });
        let (all, some) = (compare(&expected, &scan, &Comparison::default()), compare(&expected, &scan, &with));
        let found = |report: &DriftReport| -> std::collections::BTreeSet<_> {
            report.findings.iter().map(|f| (f.path.clone(), f.code)).collect()
        };
        let ignored: std::collections::BTreeSet<_> = some.ignored.iter().map(|i| (i.path.clone(), i.code)).collect();
        prop_assert!(found(&some).is_disjoint(&ignored));
        prop_assert_eq!(&found(&some) | &ignored, found(&all));
        for ignored in &some.ignored {
            let rule: Glob = ignored.rule.parse().expect("a pattern");
            prop_assert!(rule.matches(ignored.path.as_bytes()), "{:?}", ignored);
        }
        for finding in &all.findings {
            let hidden = ignored.contains(&(finding.path.clone(), finding.code));
            let by_profile = hidden && !with.ignore.iter().any(|glob| glob.matches(finding.path.as_bytes()));
            let gained = finding.actual.get("mode").is_some_and(|mode| mode.starts_with('4'));
            prop_assert!(!(by_profile && gained), "a profile hides {:?}", finding);
        }
    }

    #[test]
    fn how_much_is_kept_changes_nothing_else(expected in trees(), actual in trees(), most in 0..12usize) {
        let scan = Scan::of(actual);
        let all = compare(&expected, &scan, &Comparison::default());
        let some = compare(&expected, &scan, &Comparison::default().with_max_findings(most));
        prop_assert_eq!(&all, &compare(&expected, &scan, &Comparison::default()));
        prop_assert_eq!(some.findings.len(), all.findings.len().min(most));
        prop_assert_eq!(some.more, (all.findings.len() - some.findings.len()) as u64);
        prop_assert_eq!((some.drifted, some.counts, &some.summary), (all.drifted, all.counts, &all.summary));
        prop_assert!(some.findings.iter().all(|finding| all.findings.contains(finding)));
        let worst = |report: &DriftReport, severity| report.findings.iter().filter(|f| f.severity <= severity).count();
        for severity in [Severity::Critical, Severity::Warning] {
            prop_assert_eq!(worst(&some, severity), worst(&all, severity).min(most));
        }
        prop_assert_eq!(all.drifted, all.counts.critical + all.counts.warning > 0);
        prop_assert_eq!(all.summary.iter().map(|line| line.counts.total()).sum::<u64>(), all.counts.total());
        prop_assert!(all.summary.len() <= 20);
    }
}
