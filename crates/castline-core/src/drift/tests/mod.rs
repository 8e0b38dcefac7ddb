mod laws;
mod mounts;
mod severities;
mod summaries;

use std::sync::Arc;

use super::*;
use crate::{
    Digest, Rootfs,
    rootfs::{Node, NodeKind},
};

/// A node from a short text: `f755:content`, `d755`, `l:target`, `c1:3`, `p644`, `s644`; `+cap` and `+acl` add attributes,
/// `@7` makes 7 its owner.
fn node(text: &str) -> Node {
    let (text, xattr) = text.split_once('+').map_or((text, None), |(text, name)| (text, Some(name)));
    let (text, owner) =
        text.split_once('@').map_or((text, 0), |(text, uid)| (text, uid.parse().expect("a uid")));
    let (head, rest) = text.split_once(':').unwrap_or((text, ""));
    let kind = match &head[..1] {
        "f" => NodeKind::File { size: rest.len() as u64, digest: Digest::of(rest.as_bytes()) },
        "d" => NodeKind::Directory,
        "l" => NodeKind::Symlink { target: rest.into() },
        "c" => NodeKind::CharDevice { major: 1, minor: rest.parse().expect("a minor") },
        "p" => NodeKind::Fifo,
        "s" => NodeKind::Socket,
        other => panic!("{other}"),
    };
    let mode = match kind {
        NodeKind::Symlink { .. } => 0o777,
        NodeKind::CharDevice { .. } => 0o600,
        _ => u32::from_str_radix(&head[1..], 8).expect("a mode"),
    };
    let name = xattr.map(|xattr| match xattr {
        "cap" => "security.capability",
        "acl" => "system.posix_acl_access",
        "selinux" => "security.selinux",
        other => other,
    });
    let xattrs = name.map(|name| (name.as_bytes().to_vec(), b"\x01value".to_vec())).into_iter().collect();
    Node {
        kind,
        mode,
        uid: owner,
        gid: 0,
        mtime: crate::tar::Mtime::default(),
        xattrs,
        implicit: false,
        verity: None,
    }
}

/// A tree of `path=node` words, and of the folders that they are in.
fn tree(words: &str) -> Rootfs {
    let mut nodes = std::collections::BTreeMap::from([(Vec::new(), Arc::new(node("d755")))]);
    for (path, text) in words.split_whitespace().map(|word| word.split_once('=').expect("path=node")) {
        for folder in places::ancestors(path.as_bytes()).skip(1) {
            nodes.entry(folder.to_vec()).or_insert_with(|| Arc::new(node("d755")));
        }
        // `a=b` with the name of another file makes `a` a further name of it.
        let linked = text.strip_prefix('&').map(|other| Arc::clone(&nodes[other.as_bytes()]));
        nodes.insert(path.into(), linked.unwrap_or_else(|| Arc::new(node(text))));
    }
    nodes.into_iter().collect()
}

/// The findings as `severity code path attributes`.
fn lines(report: &DriftReport) -> Vec<String> {
    let line = |finding: &DriftFinding| {
        let attributes = finding.attributes.join(",");
        let text = format!("{} {} {} {attributes}", finding.severity.name(), finding.code, finding.path);
        text.trim_end().to_owned()
    };
    report.findings.iter().map(line).collect()
}

fn drift(expected: &str, actual: &str, options: &Comparison) -> DriftReport {
    compare(&tree(expected), &Scan::of(tree(actual)), options)
}
