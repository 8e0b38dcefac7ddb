//! What differs between two nodes, as compact text.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};

use super::Comparison;
use crate::{
    Digest,
    rootfs::{Node, NodeKind},
};

/// Bytes of an extended attribute that are shown; of a longer one, the digest.
const MAX_SHOWN: usize = 96;

/// Names of one file that are shown.
const MAX_NAMES: usize = 8;

/// One attribute, and its two values; `None` where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) attribute: String,
    pub(super) expected: Option<String>,
    pub(super) actual: Option<String>,
}

impl Difference {
    fn new(attribute: impl Into<String>, expected: Option<String>, actual: Option<String>) -> Self {
        Self { attribute: attribute.into(), expected, actual }
    }
}

/// In a stable order, what differs. A folder that no layer has is only asked for its type: engines make it as they like.
pub(super) fn differences(expected: &Node, actual: &Node, options: &Comparison) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut of = |attribute: &str, differs: bool, text: fn(&Node) -> Option<String>| {
        if differs {
            found.push(Difference::new(attribute, text(expected), text(actual)));
        }
    };
    let other_type = expected.kind.name() != actual.kind.name();
    of("type", other_type, |node| Some(node.kind.name().to_owned()));
    if expected.implicit {
        // No engine makes a folder that everyone may write to.
        of("mode", !other_type && actual.is_open(), mode);
        // What takes the folder's place is shown as a whole.
        if other_type {
            found.extend(
                whole(actual, options)
                    .into_iter()
                    .skip(1)
                    .map(|(attribute, value)| Difference::new(attribute, None, Some(value))),
            );
        }
        return found;
    }
    of("mode", expected.mode != actual.mode, mode);
    of("uid", expected.uid != actual.uid, |node| Some(node.uid.to_string()));
    of("gid", expected.gid != actual.gid, |node| Some(node.gid.to_string()));
    of("size", size(expected) != size(actual), size);
    of("content", digest(expected) != digest(actual), |node| digest(node).map(Digest::to_string));
    of("target", goal(expected) != goal(actual), target);
    of("device", device(expected) != device(actual), device);
    if options.mtime && expected.mtime != actual.mtime {
        of("mtime", true, mtime);
    }
    if expected.xattrs != actual.xattrs {
        let names: BTreeSet<_> = expected.xattrs.keys().chain(actual.xattrs.keys()).collect();
        for name in names.into_iter().filter(|name| options.profile.compares(name)) {
            let (left, right) = (expected.xattrs.get(name), actual.xattrs.get(name));
            if left != right {
                let shown = |value: Option<&Vec<u8>>| value.map(|value| encoded(value));
                found.push(Difference::new(xattr_name(name), shown(left), shown(right)));
            }
        }
    }
    found
}

/// Everything that a node is, by attribute; `type` first.
pub(super) fn whole(node: &Node, options: &Comparison) -> Vec<(String, String)> {
    let mut all = vec![("type".to_owned(), node.kind.name().to_owned())];
    if node.implicit {
        return all;
    }
    let mut push = |attribute: &str, value: Option<String>| {
        all.extend(value.map(|value| (attribute.to_owned(), value)));
    };
    push("mode", mode(node));
    push("uid", Some(node.uid.to_string()));
    push("gid", Some(node.gid.to_string()));
    push("size", size(node));
    push("content", digest(node).map(Digest::to_string));
    push("target", target(node));
    push("device", device(node));
    if options.mtime {
        push("mtime", mtime(node));
    }
    let compared = node.xattrs.iter().filter(|(name, _)| options.profile.compares(name));
    all.extend(compared.map(|(name, value)| (xattr_name(name), encoded(value))));
    all
}

/// The difference in which names share a file.
pub(super) fn links(path: &[u8], expected: &[&[u8]], actual: &[&[u8]]) -> Option<Difference> {
    let text = |names: &[&[u8]]| {
        let others = names.iter().filter(|name| **name != path);
        let shown: Vec<_> =
            others.clone().take(MAX_NAMES).map(|name| String::from_utf8_lossy(name)).collect();
        let more = others.count() - shown.len();
        (!shown.is_empty())
            .then(|| shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() })
    };
    (expected != actual).then(|| Difference::new("links", text(expected), text(actual)))
}

/// The values on one side, by attribute.
pub(super) fn side<'d>(
    differences: &'d [Difference],
    value: impl Fn(&'d Difference) -> Option<&'d String>,
) -> BTreeMap<String, String> {
    differences.iter().filter_map(|d| Some((d.attribute.clone(), value(d)?.clone()))).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in a table with those that may have none")]
fn mode(node: &Node) -> Option<String> {
    Some(format!("{:04o}", node.mode))
}

fn size(node: &Node) -> Option<String> {
    match &node.kind {
        NodeKind::File { size, .. } => Some(size.to_string()),
        _ => None,
    }
}

fn digest(node: &Node) -> Option<&Digest> {
    match &node.kind {
        NodeKind::File { digest, .. } => Some(digest),
        _ => None,
    }
}

fn goal(node: &Node) -> Option<&[u8]> {
    match &node.kind {
        NodeKind::Symlink { target } => Some(target),
        _ => None,
    }
}

fn target(node: &Node) -> Option<String> {
    goal(node).map(|target| match str::from_utf8(target) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("base64:{}", BASE64.encode(target)),
    })
}

fn device(node: &Node) -> Option<String> {
    match &node.kind {
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            Some(format!("{major}:{minor}"))
        }
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in a table with those that may have none")]
fn mtime(node: &Node) -> Option<String> {
    Some(format!("{}.{:09}", node.mtime.secs, node.mtime.nanos))
}

fn xattr_name(name: &[u8]) -> String {
    format!("xattr:{}", String::from_utf8_lossy(name))
}

fn encoded(value: &[u8]) -> String {
    if value.len() > MAX_SHOWN {
        return format!("{} ({} bytes)", Digest::of(value), value.len());
    }
    format!("base64:{}", BASE64.encode(value))
}
