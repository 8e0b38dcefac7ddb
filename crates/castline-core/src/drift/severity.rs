use serde::{Deserialize, Serialize};

use super::{DriftCode, attributes::Difference, places};
use crate::rootfs::{Node, NodeKind};

/// How bad a finding is: what someone could gain by it. [`Severity::RULES`] has the whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Other code runs than was shipped, or somebody may do more than was meant.
    Critical,
    /// It is not what was shipped.
    Warning,
    /// What programs leave behind as they run: remarks, by which a tree does not count as drifted.
    Info,
}

impl Severity {
    /// `critical`, `warning` or `info`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// Which severity is given for what, in order: the first that fits counts. What none fits is a warning.
    pub const RULES: &'static [(Self, &'static str)] = &{
        let mut rules = [(Self::Warning, ""); TABLE.len()];
        let mut at = 0;
        while at < TABLE.len() {
            rules[at] = (TABLE[at].0, TABLE[at].1);
            at += 1;
        }
        rules
    };
}

/// What is judged.
pub(super) struct Case<'c> {
    pub(super) path: &'c [u8],
    pub(super) code: DriftCode,
    pub(super) expected: Option<&'c Node>,
    pub(super) actual: Option<&'c Node>,
    /// Of a modified node, what differs.
    pub(super) differences: &'c [Difference],
}

type Row = (Severity, &'static str, fn(&Case) -> bool);

const TABLE: &[Row] = &[
    (Severity::Info, "only its time differs", |case| case.is_only(&["mtime"])),
    (Severity::Info, "only the names that share the file differ, not what they say", |case| {
        case.is_only(&["links", "mtime"])
    }),
    (Severity::Critical, "it runs with the rights of its owner or group (setuid, setgid)", |case| {
        case.actual.is_some_and(is_setuid)
    }),
    (
        Severity::Critical,
        "it no longer runs with the rights of its owner or group (setuid, setgid)",
        |case| case.expected.is_some_and(is_setuid) && case.actual.is_some_and(is_file),
    ),
    (Severity::Critical, "its capability is not the one that it was shipped with", |case| {
        case.actual.is_some() && case.expected.and_then(capability) != case.actual.and_then(capability)
    }),
    (Severity::Critical, "it has a capability, and other content", |case| {
        case.actual.is_some_and(|node| capability(node).is_some()) && case.has_new_content()
    }),
    (Severity::Critical, "it gives access to a device", |case| {
        case.actual.is_some_and(is_device) && (case.differs("type") || case.differs("device"))
    }),
    (Severity::Critical, "it decides who may do what", |case| {
        case.is_change() && places::is_authority(case.path) && !case.is_plain_folder()
    }),
    (Severity::Critical, "it is executable", |case| {
        let (before, after) =
            (case.expected.is_some_and(is_executable), case.actual.is_some_and(is_executable));
        after && !before || (after || before && case.actual.is_some_and(is_file)) && case.has_new_content()
    }),
    (Severity::Critical, "it is a shared library, which programs load", |case| {
        places::is_library(case.path)
            && case.actual.is_some_and(|node| !node.is_directory())
            && case.has_new_content()
    }),
    (Severity::Critical, "it is a link that leads programs elsewhere", |case| {
        case.actual.is_some_and(is_link) && places::is_program_place(case.path) && case.has_new_content()
    }),
    (Severity::Critical, "others may now replace programs or what they load", |case| {
        let matters = places::is_program_folder(case.path)
            || places::is_library(case.path)
            || case.actual.is_some_and(is_executable);
        let gained = |is: fn(&Node) -> bool| case.actual.is_some_and(is) && !case.expected.is_some_and(is);
        let given = case.code == DriftCode::Modified && gained(|node| node.uid != 0);
        matters
            && (given
                || gained(Node::is_open)
                || gained(|node| node.xattrs.contains_key(&b"system.posix_acl_access"[..])))
    }),
    (Severity::Critical, "it hides programs, libraries or rules of access", |case| {
        case.code == DriftCode::Mounted
            && (case.expected.is_some_and(is_executable) || places::holds_programs(case.path))
    }),
    (Severity::Info, "it is what programs leave behind as they run", |case| {
        places::is_volatile(case.path)
            && match case.code {
                DriftCode::Added => case.actual.is_some_and(is_harmless),
                DriftCode::Removed => case.expected.is_some_and(is_harmless),
                DriftCode::Modified => {
                    case.is_only(&["content", "size", "links", "mtime", "target"])
                        && case.actual.is_some_and(is_harmless)
                }
                // A log that is written to all the time, a file that came and went.
                DriftCode::Vanished | DriftCode::Changing => case.expected.is_none(),
                DriftCode::Mounted | DriftCode::Unreadable => false,
            }
    }),
];

/// How bad it is, and why; without a reason where no rule fits.
pub(super) fn judge(case: &Case) -> (Severity, Option<&'static str>) {
    TABLE
        .iter()
        .find(|(_, _, fits)| fits(case))
        .map_or((Severity::Warning, None), |(severity, reason, _)| (*severity, Some(*reason)))
}

impl Case<'_> {
    fn differs(&self, attribute: &str) -> bool {
        self.code == DriftCode::Added || self.differences.iter().any(|d| d.attribute == attribute)
    }

    fn is_change(&self) -> bool {
        matches!(self.code, DriftCode::Added | DriftCode::Removed | DriftCode::Modified)
    }

    fn is_only(&self, attributes: &[&str]) -> bool {
        self.code == DriftCode::Modified
            && self.differences.iter().all(|difference| attributes.contains(&&*difference.attribute))
    }

    /// Whether it is new as a whole, or says something else.
    fn has_new_content(&self) -> bool {
        ["type", "content", "target"].iter().any(|attribute| self.differs(attribute))
            && self.code != DriftCode::Removed
    }

    /// A folder of rules is none itself, unless others may now write there.
    fn is_plain_folder(&self) -> bool {
        self.actual.or(self.expected).is_some_and(|node| node.is_directory() && !node.is_open())
    }
}

fn is_file(node: &Node) -> bool {
    matches!(node.kind, NodeKind::File { .. })
}

fn is_setuid(node: &Node) -> bool {
    is_file(node) && node.mode & 0o6000 != 0
}

fn is_link(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Symlink { .. })
}

fn is_device(node: &Node) -> bool {
    matches!(node.kind, NodeKind::CharDevice { .. } | NodeKind::BlockDevice { .. })
}

/// An empty file runs nothing; runtimes make such ones as mount points.
fn is_executable(node: &Node) -> bool {
    matches!(node.kind, NodeKind::File { size: 1.., .. }) && node.mode & 0o111 != 0
}

fn capability(node: &Node) -> Option<&Vec<u8>> {
    node.xattrs.get(&b"security.capability"[..])
}

fn is_harmless(node: &Node) -> bool {
    !is_executable(node) && !is_device(node)
}
