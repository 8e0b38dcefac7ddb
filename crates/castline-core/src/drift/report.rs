use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use super::{DirectorySummary, Severity};
use crate::error::shown_whole;

/// One table feeds the enum, its names, its advice and `ALL`: they cannot drift apart.
macro_rules! drift_codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $advice:literal;)*) => {
        /// What a [`DriftFinding`] is: stable text, the same in every language. Never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum DriftCode { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl DriftCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's text, e.g. `modified`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a person can do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

drift_codes! {
    /// It is there, the image does not have it.
    Added => "added", "find out who wrote it; replace the instance";
    /// The image has it, it is gone.
    Removed => "removed", "find out who removed it; replace the instance";
    /// It is there, but not as the image has it.
    Modified => "modified", "find out who changed it; replace the instance";
    /// Another filesystem is mounted over it, so what the image has there is hidden.
    Mounted => "mounted", "declare the mount if it is meant to be there";
    /// It was gone when it was to be read.
    Vanished => "vanished", "scan again";
    /// It changed while it was read, every time.
    Changing => "changing", "scan again, or while the instance is paused";
    /// It could not be read.
    Unreadable => "unreadable", "scan with the rights to read it";
}

impl DriftCode {
    /// Whether it says that something could not be read, rather than that it differs.
    pub const fn is_unread(self) -> bool {
        matches!(self, Self::Vanished | Self::Changing | Self::Unreadable)
    }
}

impl fmt::Display for DriftCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How what runs differs from what was shipped. The same trees and options give the same report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DriftReport {
    /// Whether something was added, removed, modified or mounted over, with severity critical or warning.
    pub drifted: bool,
    /// Whether everything was read, but for what was left out on request and what programs leave behind as they run. Not
    /// `drifted` without `complete` is not a clean verdict.
    pub complete: bool,
    /// The name of the profile that was applied.
    pub profile: String,
    /// How many findings there are of each kind, those that were not kept included.
    pub counts: Counts,
    /// What was found, in the order of the paths. Of more than the limit, the worst are kept.
    pub findings: Vec<DriftFinding>,
    /// How many findings were not kept.
    pub more: u64,
    /// All findings by folder, condensed.
    pub summary: Vec<DirectorySummary>,
    /// What differs and is no finding, since a profile, a pattern or a declared mount says so; in the order of the paths.
    pub ignored: Vec<Ignored>,
    /// How many of these were not kept.
    pub more_ignored: u64,
    /// Entries of the scanned tree, the root included.
    pub entries: u64,
    /// Bytes of files that the scan read.
    pub bytes: u64,
}

impl DriftReport {
    /// Whether nothing drifted, and everything was read.
    pub const fn is_clean(&self) -> bool {
        !self.drifted && self.complete
    }
}

/// How many findings there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Counts {
    /// `added`
    pub added: u64,
    /// `removed`
    pub removed: u64,
    /// `modified`
    pub modified: u64,
    /// `mounted`
    pub mounted: u64,
    /// `vanished`, `changing` and `unreadable`
    pub unread: u64,
    /// Of all those, with severity critical.
    pub critical: u64,
    /// With severity warning.
    pub warning: u64,
    /// With severity info.
    pub info: u64,
}

impl Counts {
    pub(super) fn add(&mut self, code: DriftCode, severity: Severity) {
        *match code {
            DriftCode::Added => &mut self.added,
            DriftCode::Removed => &mut self.removed,
            DriftCode::Modified => &mut self.modified,
            DriftCode::Mounted => &mut self.mounted,
            DriftCode::Vanished | DriftCode::Changing | DriftCode::Unreadable => &mut self.unread,
        } += 1;
        *match severity {
            Severity::Critical => &mut self.critical,
            Severity::Warning => &mut self.warning,
            Severity::Info => &mut self.info,
        } += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.added, other.added),
            (&mut self.removed, other.removed),
            (&mut self.modified, other.modified),
            (&mut self.mounted, other.mounted),
            (&mut self.unread, other.unread),
            (&mut self.critical, other.critical),
            (&mut self.warning, other.warning),
            (&mut self.info, other.info),
        ] {
            *own += others;
        }
    }

    /// Of every kind together.
    pub const fn total(&self) -> u64 {
        self.critical + self.warning + self.info
    }

    /// The worst severity that there is.
    pub const fn worst(&self) -> Option<Severity> {
        match self {
            Self { critical: 1.., .. } => Some(Severity::Critical),
            Self { warning: 1.., .. } => Some(Severity::Warning),
            Self { info: 1.., .. } => Some(Severity::Info),
            _ => None,
        }
    }
}

/// One fact of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DriftFinding {
    /// What it is.
    pub code: DriftCode,
    /// How bad it is.
    pub severity: Severity,
    /// Where: names joined by `/`, the root being the empty path. What is not UTF-8 is replaced.
    pub path: String,
    /// The path's bytes as base64, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Of a modified entry, what differs: `type`, `mode`, `uid`, `gid`, `size`, `content`, `target`, `device`,
    /// `xattr:NAME`, `links` (which names share the file), `mtime`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// What the image has, by attribute: of a modified entry, those that differ.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected: BTreeMap<String, String>,
    /// What is there, by attribute.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub actual: BTreeMap<String, String>,
    /// The fact in a sentence, for people, with the reason of the severity.
    pub message: String,
}

/// Something that differs and is no finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Ignored {
    /// Where; as in a [`DriftFinding`].
    pub path: String,
    /// The path's bytes as base64, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// What the finding would have been.
    pub code: DriftCode,
    /// Why it is none.
    pub reason: IgnoredReason,
    /// The pattern, the path of the profile's rule, or the declared mount.
    pub rule: String,
}

/// Why something that differs is no finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum IgnoredReason {
    /// The caller's pattern.
    Glob,
    /// A rule of the profile.
    Profile,
    /// A mount that the caller declared.
    Mount,
}

/// A path as text, and its bytes where that is not all of it.
pub(super) fn path_text(path: &[u8]) -> (String, Option<String>) {
    match str::from_utf8(path) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(path).into_owned(), Some(BASE64.encode(path))),
    }
}

/// A path for a message.
pub(super) fn path_shown(path: &[u8]) -> String {
    format!("/{}", shown_whole(&String::from_utf8_lossy(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_kebab_case_and_serialise_as_their_names() {
        let mut names = std::collections::BTreeSet::new();
        for code in DriftCode::ALL {
            assert!(names.insert(code.name()), "{code} stands twice");
            assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert_eq!(serde_json::to_value(code).expect("serialises"), code.name());
            assert!(!code.advice().is_empty());
        }
    }
}
