use std::collections::BTreeMap;

use castline_core::{
    Finding, FindingCode, Limits, OpenFault, Progress, Stored, Watch,
    tar::{self, Parser, TarFault, normalize},
};

use super::{
    backing::{Backing, Unreadable, exceeded},
    collector::Collector,
};

/// The table of contents of an archive.
#[derive(Debug, Default)]
pub(super) struct Members(BTreeMap<String, Member>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// A link to another member; `None` when it leaves the archive.
    Link {
        target: Option<String>,
    },
    /// Something that has no bytes, e.g. `a folder`.
    Other {
        kind: &'static str,
    },
}

impl Member {
    pub(super) const FOLDER: Self = Self::Other { kind: "a folder" };
}

/// Links are followed this many times, as Linux does.
const MAX_LINKS: usize = 40;
/// Bytes read at a time while indexing: a few headers.
const STRIDE: usize = 4 << 10;
/// Bytes of the archive between two reports of progress.
const REPORTED: u64 = 1 << 20;

impl Members {
    /// Reads the headers, jumping over the contents.
    pub(super) fn index(
        backing: &Backing,
        limits: &Limits,
        watch: &Watch<'_>,
    ) -> Result<(Self, Vec<Finding>), Unreadable> {
        let tar_limits =
            tar::Limits { entries: limits.entries, path_bytes: limits.path_bytes, ..tar::Limits::default() };
        let mut parser = Parser::new(tar_limits);
        let mut collector = Collector::new(limits);
        let mut buffer = [0; STRIDE];
        let mut reported = 0;
        loop {
            if watch.is_cancelled() {
                return Err(Unreadable::Cancelled);
            }
            let skippable = parser.skippable();
            let offset = parser.offset();
            // What was spooled was reported when it was read.
            if backing.is_in_place() && offset - reported >= REPORTED {
                reported = offset;
                watch.report(Progress::of_bytes(offset, backing.length()));
            }
            if skippable > 0 {
                if skippable > backing.length().saturating_sub(offset) {
                    return Err(Unreadable::from(unreadable("it ends within a member")));
                }
                parser.skip(skippable);
                continue;
            }
            let count = match backing.read_at(&mut buffer, offset) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Unreadable::Io(error)),
            };
            let fed = parser.feed(&buffer[..count], &mut collector);
            collector.take_fault()?;
            fed.map_err(refused)?;
        }
        parser.finish().map_err(refused)?;
        let (members, findings) = collector.into_members(backing, watch)?;
        Ok((Self(members), findings))
    }

    /// The member `path`, links followed.
    pub(super) fn find(&self, path: &str) -> Result<&Member, OpenFault> {
        let mut path = cleaned(path.as_bytes()).ok_or(OpenFault::Missing)?;
        for _ in 0..MAX_LINKS {
            match self.0.get(&path) {
                None => return Err(OpenFault::Missing),
                Some(Member::Link { target: Some(target) }) => path.clone_from(target),
                Some(Member::Link { target: None }) => return Err(OpenFault::Outside),
                Some(member) => return Ok(member),
            }
        }
        Err(OpenFault::Unreadable { reason: "its links go in a circle".into() })
    }

    /// Whether it has nothing of an image in it.
    pub(super) fn is_foreign(&self) -> bool {
        ["index.json", "oci-layout", "manifest.json"].iter().all(|name| !self.0.contains_key(*name))
    }

    pub(super) fn stored(&self) -> Vec<Stored> {
        let file = |(path, member): (&String, &Member)| match member {
            Member::File { size, .. } => Some(Stored { path: path.clone(), size: *size }),
            _ => None,
        };
        self.0.iter().filter_map(file).collect()
    }
}

/// A path as a key; `None` when it is absolute or leaves the archive.
pub(super) fn cleaned(path: &[u8]) -> Option<String> {
    let normalized = normalize(path);
    (!normalized.escapes).then(|| String::from_utf8_lossy(&normalized.path).into_owned())
}

pub(super) fn unreadable(why: &str) -> Finding {
    Finding::error(FindingCode::ArchiveUnreadable, format!("the archive cannot be read: {why}"))
}

fn refused(fault: TarFault) -> Unreadable {
    match fault {
        TarFault::LimitExceeded { what, limit, .. } => {
            exceeded(what, limit, &format!("cannot be read: {fault}"))
        }
        other => Unreadable::from(unreadable(&other.to_string())),
    }
}
