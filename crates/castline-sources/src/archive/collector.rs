use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
};

use castline_core::{
    Finding, FindingCode, Limits, Watch, shown,
    tar::{Entry, Kind, Visitor},
};

use super::{
    backing::{Backing, Section, Unreadable, exceeded},
    members::{Member, cleaned, unreadable},
};

/// Bytes compared at a time.
const COMPARED: usize = 256 << 10;
/// Duplicates that are named in findings; the rest is counted.
const NAMED: usize = 16;

/// Makes the table of contents, header by header.
#[derive(Default)]
pub(super) struct Collector {
    members: BTreeMap<String, Member>,
    /// Names that stand more than once, with an earlier member.
    repeated: Vec<(String, Member)>,
    /// Bytes of names that are kept, and how many may be.
    names: u64,
    most_names: u64,
    fault: Option<Unreadable>,
}

impl Visitor for Collector {
    fn entry(&mut self, entry: Entry) {
        if self.fault.is_none() {
            self.fault = self.add(&entry).err();
        }
    }
}

impl Collector {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { most_names: limits.archive_name_bytes, ..Self::default() }
    }

    /// What makes the members so far no table of contents.
    pub(super) fn take_fault(&mut self) -> Result<(), Unreadable> {
        self.fault.take().map_or(Ok(()), Err)
    }

    fn add(&mut self, entry: &Entry) -> Result<(), Unreadable> {
        let path = named(&entry.path).ok_or_else(|| {
            let name = shown(&String::from_utf8_lossy(&entry.path));
            Unreadable::from(unreadable(&format!("its member {name} leaves it")))
        })?;
        let member = match entry.kind {
            Kind::File if entry.stored == entry.size => {
                Member::File { offset: entry.offset, size: entry.size }
            }
            Kind::File => Member::Other { kind: "a sparse file" },
            Kind::HardLink => Member::Link { target: named(&entry.link) },
            Kind::Symlink => Member::Link { target: joined(&entry.path, &entry.link) },
            Kind::Directory => Member::FOLDER,
            Kind::Fifo => Member::Other { kind: "a fifo" },
            Kind::CharDevice | Kind::BlockDevice => Member::Other { kind: "a device" },
            Kind::Other(_) => Member::Other { kind: "a special file" },
        };
        let target = match &member {
            Member::Link { target: Some(target) } => target.len(),
            _ => 0,
        };
        self.names += (path.len() + target) as u64;
        if self.names > self.most_names {
            let limit = self.most_names;
            let what = format!("has members whose names take more than {limit} bytes together");
            return Err(exceeded("archiveNameBytes", limit, &what));
        }
        let folder = member == Member::FOLDER;
        if let Some(earlier) = self.members.insert(path.clone(), member)
            && !(folder && earlier == Member::FOLDER)
        {
            self.repeated.push((path, earlier));
        }
        Ok(())
    }

    /// The last member of a name counts, as for `tar`; other bytes under one name are an error, since readers
    /// that take the first see another image.
    pub(super) fn into_members(
        self,
        backing: &Backing,
        watch: &Watch<'_>,
    ) -> Result<(BTreeMap<String, Member>, Vec<Finding>), Unreadable> {
        let mut differing = BTreeSet::new();
        let mut findings = Vec::new();
        for (path, earlier) in &self.repeated {
            let same = match (earlier, self.members.get(path)) {
                _ if differing.contains(path) => true,
                (
                    Member::File { offset: one, size },
                    Some(Member::File { offset: other, size: other_size }),
                ) => size == other_size && same_bytes(backing, *one, *other, *size, watch)?,
                (one, Some(other)) => one == other,
                (_, None) => true,
            };
            if same {
                continue;
            }
            differing.insert(path);
            if findings.len() < NAMED {
                let message = format!("the archive has two members called {}, which differ", shown(path));
                let finding = Finding::error(FindingCode::ArchiveDuplicateEntry, message);
                findings.push(finding.with_path(path.as_str()));
            }
        }
        if let more @ 1.. = differing.len() - findings.len() {
            let message = format!("the archive has {more} more names with two members that differ");
            findings.push(Finding::error(FindingCode::ArchiveDuplicateEntry, message));
        }
        Ok((self.members, findings))
    }
}

/// The name of a member as a key, absolute or not: extractors put both at the same place. `None` when it leaves the
/// archive.
fn named(path: &[u8]) -> Option<String> {
    let start = path.iter().position(|&byte| byte != b'/').unwrap_or(path.len());
    cleaned(&path[start..])
}

/// Where a symbolic link leads: relative to its folder. `None` when it leaves the archive.
fn joined(path: &[u8], link: &[u8]) -> Option<String> {
    if link.starts_with(b"/") {
        return None;
    }
    let folder = path.iter().rposition(|&byte| byte == b'/').map_or(&b""[..], |end| &path[..end]);
    named(&[folder, b"/", link].concat())
}

fn same_bytes(
    backing: &Backing,
    one: u64,
    other: u64,
    size: u64,
    watch: &Watch<'_>,
) -> Result<bool, Unreadable> {
    let mut one = BufReader::with_capacity(COMPARED, Section::new(backing, one, size));
    let mut other = BufReader::with_capacity(COMPARED, Section::new(backing, other, size));
    loop {
        if watch.is_cancelled() {
            return Err(Unreadable::Cancelled);
        }
        let (Ok(left), Ok(right)) = (one.fill_buf(), other.fill_buf()) else { return Ok(false) };
        let count = left.len().min(right.len());
        if count == 0 || left[..count] != right[..count] {
            return Ok(left.is_empty() && right.is_empty());
        }
        one.consume(count);
        other.consume(count);
    }
}
