use std::fmt;

use serde::Serialize;

use super::{Glob, builtin};
use crate::rootfs::{Node, NodeKind};

/// What a runtime itself writes into the root filesystem of an instance: a named list of narrow rules, each with the place
/// where the runtime does so.
///
/// A profile hides nothing: what it excuses is listed in [`DriftReport::ignored`](super::DriftReport::ignored). A rule
/// excuses only what the runtime would write: `/etc/hosts` that became an executable is a finding under every profile.
///
/// ```
/// use castline_core::drift::Profile;
///
/// let podman = Profile::named("podman").expect("a profile");
/// assert!(podman.rules.iter().any(|rule| rule.path.as_str() == "/run/.containerenv"));
/// assert!(podman.to_string().contains("makeBindMounts"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Profile {
    /// One of [`Profile::NAMES`].
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What is excused.
    pub rules: Vec<Rule>,
    /// Extended attributes that are not compared, since the host sets them on every file.
    pub xattrs: &'static [&'static str],
}

/// One thing that a runtime writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Rule {
    /// Where.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub path: Glob,
    /// What may stand there that the image does not have.
    pub allows: Allowance,
    /// Whether another filesystem may be mounted there.
    pub mount: bool,
    /// Who writes it, and why.
    pub writer: &'static str,
    /// Where that is said or done: a file and function of the writer's source, or its documentation.
    pub source: &'static str,
}

/// What a [`Rule`] excuses, besides a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Allowance {
    /// A folder that the image does not have, for something to be mounted on.
    Directory,
    /// An empty file, new or in place of what the image has.
    EmptyFile,
    /// A file with any content, new or in place of what the image has. It must be harmless: without setuid, setgid and
    /// capability, not writable by everyone, not executable unless it is empty.
    File,
    /// A symbolic link to just this, new or in place of what the image has.
    Link(&'static str),
    /// The folder that the image has, with this mode.
    Mode(u32),
}

impl Allowance {
    /// Whether `actual` may stand there instead of `expected`.
    fn covers(self, expected: Option<&Node>, actual: &Node) -> bool {
        let harmless = actual.mode & 0o6000 == 0 && !actual.xattrs.contains_key(&b"security.capability"[..]);
        match (self, &actual.kind) {
            (Self::Directory, NodeKind::Directory) => {
                expected.is_none() && harmless && (actual.mode & 0o002 == 0 || actual.mode & 0o1000 != 0)
            }
            (Self::EmptyFile, NodeKind::File { size: 0, .. }) => harmless && actual.mode & 0o002 == 0,
            (Self::File, NodeKind::File { size, .. }) => {
                harmless && actual.mode & 0o002 == 0 && (*size == 0 || actual.mode & 0o111 == 0)
            }
            (Self::Mode(mode), NodeKind::Directory) => {
                let same = |before: &Node| Node { mode, mtime: actual.mtime, ..before.clone() } == *actual;
                actual.mode == mode && expected.is_some_and(same)
            }
            (Self::Link(goal), NodeKind::Symlink { target }) => goal.as_bytes() == target,
            _ => false,
        }
    }
}

impl Profile {
    /// The profiles that there are.
    pub const NAMES: &'static [&'static str] = &["docker", "podman", "kubernetes", "local", "none"];

    /// The profile `name`, one of [`Self::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        builtin::PROFILES.iter().find(|profile| profile.name == name).map(|table| Self {
            name: table.name,
            about: table.about,
            rules: table.rules.iter().map(builtin::Row::rule).collect(),
            xattrs: table.xattrs,
        })
    }

    /// The profile that excuses nothing.
    pub fn none() -> Self {
        Self { name: "none", about: builtin::ABOUT_NONE, rules: Vec::new(), xattrs: &[] }
    }

    /// The rule by which `actual` may stand at `path`.
    pub(super) fn excuse(&self, path: &[u8], expected: Option<&Node>, actual: &Node) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.path.matches(path) && rule.allows.covers(expected, actual))
    }

    /// The rule by which something may be mounted at `path`.
    pub(super) fn mount(&self, path: &[u8]) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.mount && rule.path.matches(path))
    }

    /// What is known of `path` though it is not excused.
    pub(super) fn note(&self, path: &[u8]) -> Option<&'static str> {
        let of = builtin::PROFILES.iter().find(|table| table.name == self.name)?;
        of.notes.iter().find(|(noted, _)| noted.as_bytes() == path).map(|(_, note)| *note)
    }

    /// Whether the attribute is compared.
    pub(super) fn compares(&self, xattr: &[u8]) -> bool {
        !self.xattrs.iter().any(|name| name.as_bytes() == xattr)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.pad("folder"),
            Self::EmptyFile => f.pad("empty file"),
            Self::File => f.pad("file"),
            Self::Link(target) => f.pad(&format!("link to {target}")),
            Self::Mode(mode) => f.pad(&format!("its mode {mode:04o}")),
        }
    }
}

impl fmt::Display for Profile {
    /// As text for people: a line of the profile, then two lines for each rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.about)?;
        for rule in &self.rules {
            let mount = if rule.mount { ", or a mount" } else { "" };
            writeln!(f, "  {}: {}{mount}", rule.path, rule.allows)?;
            writeln!(f, "      {} ({})", rule.writer, rule.source)?;
        }
        for name in self.xattrs {
            writeln!(f, "  {name}: not compared, the host labels every file")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_profile_that_can_be_printed() {
        for name in Profile::NAMES {
            let profile = Profile::named(name).expect(name);
            assert_eq!(profile.name, *name);
            let text = profile.to_string();
            for rule in &profile.rules {
                assert!(
                    text.contains(rule.source) && !rule.writer.is_empty() && rule.source.len() > 10,
                    "{name}"
                );
                assert!(rule.path.as_str().starts_with('/'), "{name}: {}", rule.path);
            }
            serde_json::to_string(&profile).expect("JSON");
        }
        assert_eq!(Profile::named("none"), Some(Profile::none()));
        assert_eq!(Profile::named("Docker"), None);
    }
}
