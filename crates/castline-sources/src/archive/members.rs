use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
};

use castline_core::{
    Finding, FindingCode, Limits, OpenFault, Stored, shown,
    tar::{self, Entry, Kind, Parser, TarFault, Visitor, normalize},
};

use super::backing::{Backing, Section, Unreadable};

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

/// Links are followed this many times, as Linux does.
const MAX_LINKS: usize = 40;
/// Bytes read at a time while indexing: a few headers.
const STRIDE: usize = 4 << 10;
/// Bytes compared at a time.
const COMPARED: usize = 256 << 10;

impl Members {
    /// Reads the headers, jumping over the contents.
    pub(super) fn index(backing: &Backing, limits: &Limits) -> Result<(Self, Vec<Finding>), Unreadable> {
        let tar_limits =
            tar::Limits { entries: limits.entries, path_bytes: limits.path_bytes, ..tar::Limits::default() };
        let mut parser = Parser::new(tar_limits);
        let mut collector = Collector::default();
        let mut buffer = [0; STRIDE];
        loop {
            let skippable = parser.skippable();
            let offset = parser.offset();
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
            parser.feed(&buffer[..count], &mut collector).map_err(refused)?;
        }
        parser.finish().map_err(refused)?;
        Ok(collector.into_members(backing))
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

/// A path as a key; `None` when it leaves the archive.
fn cleaned(path: &[u8]) -> Option<String> {
    let normalized = normalize(path);
    (!normalized.escapes).then(|| String::from_utf8_lossy(&normalized.path).into_owned())
}

fn unreadable(why: &str) -> Finding {
    Finding::error(FindingCode::ArchiveUnreadable, format!("the archive cannot be read: {why}"))
}

fn refused(fault: TarFault) -> Unreadable {
    Unreadable::from(match fault {
        TarFault::LimitExceeded { what, limit, .. } => {
            Finding::error(FindingCode::LimitExceeded, format!("the archive: {fault}"))
                .with_values(format!("{what} <= {limit}"), "more")
        }
        other => unreadable(&other.to_string()),
    })
}

#[derive(Default)]
struct Collector {
    members: BTreeMap<String, Member>,
    /// Names that stand more than once, with an earlier member.
    repeated: Vec<(String, Member)>,
}

impl Visitor for Collector {
    fn entry(&mut self, entry: Entry) {
        let Some(path) = cleaned(&entry.path) else { return };
        let member = match entry.kind {
            Kind::File if entry.stored == entry.size => {
                Member::File { offset: entry.offset, size: entry.size }
            }
            Kind::File => Member::Other { kind: "a sparse file" },
            Kind::HardLink => Member::Link { target: cleaned(&entry.link) },
            Kind::Symlink => Member::Link { target: joined(&entry.path, &entry.link) },
            Kind::Directory => Member::Other { kind: "a folder" },
            Kind::Fifo => Member::Other { kind: "a fifo" },
            Kind::CharDevice | Kind::BlockDevice => Member::Other { kind: "a device" },
            Kind::Other(_) => Member::Other { kind: "a special file" },
        };
        let folder = member == Member::Other { kind: "a folder" };
        if let Some(earlier) = self.members.insert(path.clone(), member)
            && !folder
        {
            self.repeated.push((path, earlier));
        }
    }
}

/// Where a symbolic link leads: relative to its folder. `None` when it leaves the archive.
fn joined(path: &[u8], link: &[u8]) -> Option<String> {
    if link.starts_with(b"/") {
        return None;
    }
    let folder = path.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |end| &path[..end]);
    cleaned(&[folder, b"/", link].concat()[usize::from(folder.is_empty())..])
}

impl Collector {
    /// The last member of a name counts, as for `tar`; other bytes under one name are an error, since readers
    /// that take the first see another image.
    fn into_members(self, backing: &Backing) -> (Members, Vec<Finding>) {
        let mut findings = Vec::new();
        for (path, earlier) in &self.repeated {
            let same = match (earlier, self.members.get(path)) {
                (
                    Member::File { offset: one, size },
                    Some(Member::File { offset: other, size: other_size }),
                ) => size == other_size && same_bytes(backing, *one, *other, *size),
                (one, Some(other)) => one == other,
                (_, None) => true,
            };
            if !same {
                let message = format!("the archive has two members called {}, which differ", shown(path));
                let finding = Finding::error(FindingCode::ArchiveDuplicateEntry, message);
                findings.push(finding.with_path(path.as_str()));
            }
        }
        (Members(self.members), findings)
    }
}

fn same_bytes(backing: &Backing, one: u64, other: u64, size: u64) -> bool {
    let mut one = BufReader::with_capacity(COMPARED, Section::new(backing, one, size));
    let mut other = BufReader::with_capacity(COMPARED, Section::new(backing, other, size));
    loop {
        let (Ok(left), Ok(right)) = (one.fill_buf(), other.fill_buf()) else { return false };
        let count = left.len().min(right.len());
        if count == 0 || left[..count] != right[..count] {
            return left.is_empty() && right.is_empty();
        }
        one.consume(count);
        other.consume(count);
    }
}
