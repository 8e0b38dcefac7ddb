use std::cmp::Ordering;

use super::{
    Comparison, DriftCode, DriftFinding, DriftReport, Ignored, IgnoredReason, Scan, Severity, Unread,
    attributes::{self, Difference},
    keep::Kept,
    places,
    report::{Counts, path_shown, path_text},
    severity::{Case, judge},
    shared::Shared,
    summary::Tally,
};
use crate::{Rootfs, error::shown_whole, rootfs::Node};

/// Says how what was scanned differs from what was expected.
///
/// Both trees are walked once, side by side; memory is taken for what differs only, and bounded by
/// [`Comparison::max_findings`]. What the image has below a mount or an unreadable folder is hidden, not removed. Of a
/// folder that no layer has, only the type is compared, and whether everyone may write there.
///
/// ```
/// use castline_core::{Rootfs, drift::{Comparison, Profile, Scan, compare}};
///
/// let shipped = Rootfs::default();
/// let podman = Comparison::default().with_profile(Profile::named("podman").expect("a profile"));
/// assert!(compare(&shipped, &Scan::of(shipped.clone()), &podman).is_clean());
/// ```
pub fn compare(expected: &Rootfs, scan: &Scan, options: &Comparison) -> DriftReport {
    let mut judge = Judge {
        scan,
        options,
        counts: Counts::default(),
        complete: true,
        drifted: false,
        findings: Kept::new(options.max_findings),
        ignored: Vec::new(),
        tally: Tally::default(),
    };
    judge.walk(expected);
    judge.mounts(expected);
    judge.unread(expected);
    judge.report()
}

struct Judge<'t> {
    scan: &'t Scan,
    options: &'t Comparison,
    counts: Counts,
    complete: bool,
    drifted: bool,
    findings: Kept<'t>,
    ignored: Vec<(&'t [u8], DriftCode, IgnoredReason, &'t str)>,
    tally: Tally<'t>,
}

/// A reason, and the rule that gives it.
type Excuse<'t> = Option<(IgnoredReason, &'t str)>;

impl<'t> Judge<'t> {
    fn walk(&mut self, expected: &'t Rootfs) {
        let actual = &self.scan.rootfs;
        let names = (Shared::of(expected, actual), Shared::of(actual, expected));
        let (mut left, mut right) = (expected.iter().peekable(), actual.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((left, _)), Some((right, _))) => left.cmp(right),
            };
            let one = if order.is_le() { left.next() } else { None };
            let other = if order.is_ge() { right.next() } else { None };
            let Some(path) = one.or(other).map(|(path, _)| path) else { break };
            // Mounts and what was not read are told of by themselves.
            if self.is_hidden(path) && (one.is_none() || other.is_none() || self.is_mount(path)) {
                continue;
            }
            match (one.map(|(_, node)| node), other.map(|(_, node)| node)) {
                (Some(before), Some(after)) => {
                    let mut found = attributes::differences(before, after, self.options);
                    found.extend(attributes::links(path, names.0.names(path), names.1.names(path)));
                    if !found.is_empty() {
                        self.find(path, DriftCode::Modified, Some(before), Some(after), &found);
                    }
                }
                (Some(before), None) => self.find(path, DriftCode::Removed, Some(before), None, &[]),
                (None, Some(after)) => self.find(path, DriftCode::Added, None, Some(after), &[]),
                (None, None) => {}
            }
        }
    }

    fn is_mount(&self, path: &[u8]) -> bool {
        !path.is_empty() && self.scan.mounts.contains(path)
    }

    /// Whether it is, or stands below, a mount or what could not be read.
    fn is_hidden(&self, path: &[u8]) -> bool {
        let (mounts, unread) = (&self.scan.mounts, &self.scan.unread);
        (!mounts.is_empty() || !unread.is_empty())
            && places::ancestors(path).any(|folder| mounts.contains(folder) || unread.contains_key(folder))
    }

    fn mounts(&mut self, expected: &'t Rootfs) {
        for path in &self.scan.mounts {
            // The root is a mount of its own, and what is mounted inside of another mount is none of the image's.
            let inside = places::ancestors(path).skip(1).any(|folder| self.is_mount(folder));
            if !path.is_empty() && !inside {
                self.find(path, DriftCode::Mounted, expected.get(path), None, &[]);
            }
        }
    }

    fn unread(&mut self, expected: &'t Rootfs) {
        for (path, why) in &self.scan.unread {
            let code = match why {
                Unread::Vanished => DriftCode::Vanished,
                Unread::Changing => DriftCode::Changing,
                Unread::Refused(_) => DriftCode::Unreadable,
            };
            self.find(path, code, expected.get(path), None, &[]);
        }
    }

    /// Files a finding, or what is no finding since something excuses it.
    fn find(
        &mut self,
        path: &'t [u8],
        code: DriftCode,
        expected: Option<&'t Node>,
        actual: Option<&'t Node>,
        differences: &[Difference],
    ) {
        if let Some((reason, rule)) = self.excuse(path, code, expected, actual) {
            self.ignored.push((path, code, reason, rule));
            return;
        }
        let (severity, reason) = judge(&Case { path, code, expected, actual, differences });
        self.counts.add(code, severity);
        if code.is_unread() {
            // What programs leave behind as they run was no part of the image, and is no gap in what is known of it.
            self.complete &= severity == Severity::Info;
        } else {
            self.drifted |= severity != Severity::Info;
        }
        let whole = code != DriftCode::Modified && expected.or(actual).is_some_and(Node::is_directory);
        self.tally.add(path, code, severity, whole);
        if !self.findings.wants(severity) {
            return;
        }
        let all = |node: Option<&Node>| {
            node.map(|node| attributes::whole(node, self.options).into_iter().collect()).unwrap_or_default()
        };
        let (path_text, path_bytes) = path_text(path);
        let (before, after) = match code {
            DriftCode::Modified => (
                attributes::side(differences, |d| d.expected.as_ref()),
                attributes::side(differences, |d| d.actual.as_ref()),
            ),
            _ => (all(expected), all(actual)),
        };
        let finding = DriftFinding {
            code,
            severity,
            path: path_text,
            path_bytes,
            attributes: differences.iter().map(|difference| difference.attribute.clone()).collect(),
            expected: before,
            actual: after,
            message: self.message(path, code, differences, reason),
        };
        self.findings.keep(path, finding);
    }

    fn excuse(
        &self,
        path: &[u8],
        code: DriftCode,
        expected: Option<&Node>,
        actual: Option<&Node>,
    ) -> Excuse<'t> {
        if let Some(glob) = self.options.ignore.iter().find(|glob| glob.matches(path)) {
            return Some((IgnoredReason::Glob, glob.as_str()));
        }
        let profile = &self.options.profile;
        let of = |rule: &'t super::Rule| (IgnoredReason::Profile, rule.path.as_str());
        match code {
            DriftCode::Mounted => self
                .declared(|mount| places::is_at_or_below(path, mount))
                .or_else(|| profile.mount(path).map(of)),
            DriftCode::Added | DriftCode::Modified => {
                let actual = actual?;
                profile.excuse(path, expected, actual).map(of).or_else(|| {
                    // What runtimes make so that there is something to mount over.
                    let empty = matches!(actual.kind, crate::rootfs::NodeKind::File { size: 0, .. });
                    let made = expected.is_none() && actual.mode & 0o6002 == 0;
                    self.declared(|mount| {
                        made && (actual.is_directory() && places::is_at_or_below(mount, path)
                            || empty && mount == path)
                    })
                })
            }
            DriftCode::Removed | DriftCode::Vanished | DriftCode::Changing | DriftCode::Unreadable => None,
        }
    }

    /// The first declared mount that fits.
    fn declared(&self, fits: impl Fn(&[u8]) -> bool) -> Excuse<'t> {
        let mount = self.options.mounts.iter().find(|mount| !mount.is_empty() && fits(mount))?;
        Some((IgnoredReason::Mount, str::from_utf8(mount).unwrap_or("a declared mount")))
    }

    fn message(
        &self,
        path: &[u8],
        code: DriftCode,
        differences: &[Difference],
        reason: Option<&str>,
    ) -> String {
        let mut text = path_shown(path);
        match code {
            DriftCode::Added => text.push_str(" was added"),
            DriftCode::Removed => text.push_str(" was removed"),
            DriftCode::Modified => {
                let names: Vec<_> = differences.iter().map(|d| shown_whole(&d.attribute)).collect();
                text.push_str(if names.len() == 1 { " differs in " } else { " differs in its " });
                text.push_str(&names.join(", "));
            }
            DriftCode::Mounted => text.push_str(" has another filesystem mounted over it"),
            DriftCode::Vanished => text.push_str(" was gone when it was to be read"),
            DriftCode::Changing => text.push_str(" changed while it was read, every time"),
            DriftCode::Unreadable => {
                text.push_str(" could not be read");
                if let Some(Unread::Refused(why)) = self.scan.unread.get(path) {
                    text.push_str(": ");
                    text.push_str(&shown_whole(why));
                }
            }
        }
        for more in [reason, self.options.profile.note(path)].into_iter().flatten() {
            text.push_str("; ");
            text.push_str(more);
        }
        text
    }

    fn report(mut self) -> DriftReport {
        let (findings, more) = self.findings.finish();
        self.ignored.sort_by_key(|(path, code, ..)| (*path, *code));
        let ignored = |&(path, code, reason, rule): &(&[u8], DriftCode, IgnoredReason, &str)| {
            let (path, path_bytes) = path_text(path);
            Ignored { path, path_bytes, code, reason, rule: rule.to_owned() }
        };
        let kept: Vec<_> = self.ignored.iter().take(self.options.max_findings).map(ignored).collect();
        DriftReport {
            drifted: self.drifted,
            complete: self.complete,
            profile: self.options.profile.name.to_owned(),
            counts: self.counts,
            findings,
            more,
            summary: self.tally.condense(),
            more_ignored: (self.ignored.len() - kept.len()) as u64,
            ignored: kept,
            entries: self.scan.rootfs.len() as u64,
            bytes: self.scan.bytes,
        }
    }
}
