//! Lines into ledgers and back, and the first place where a chain is broken.

use serde::Deserialize;

use super::{Entry, Ledger, entry::Link};
use crate::{Digest, Document, canonical::reason_of};

/// What is known of a ledger from elsewhere. Without it nobody can see that the last entries are missing, that all of it was
/// set back to an earlier state, or that the last entry is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The last entry has this digest.
    Head(Digest),
    /// An entry has this digest. There may be others after it, as where the digest was written down before the latest.
    Within(Digest),
}

/// The first entry of a ledger that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {position} of the ledger, at byte {offset}: {fault} [{}]", .fault.code())]
#[non_exhaustive]
pub struct BrokenChain {
    /// How many entries are before it.
    pub position: u64,
    /// How many bytes are before it.
    pub offset: usize,
    /// What is wrong.
    pub fault: Fault,
    /// The entries before it, which are in order.
    pub intact: Ledger,
}

/// What is wrong with an entry of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The last line has no end. An append that was cut off leaves it so: it was never acknowledged.
    #[error("the line has no end")]
    Torn,
    /// It is no entry.
    #[error("it is no entry: {reason}")]
    #[non_exhaustive]
    Malformed {
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// It is of a version that this castline does not read.
    #[error("it is of version {version}; this castline reads {}", Entry::VERSION)]
    #[non_exhaustive]
    UnknownVersion {
        /// The version.
        version: u64,
    },
    /// Its bytes are not its canonical form.
    #[error("it is not in its canonical form")]
    NotCanonical,
    /// It has another place in the chain than it says.
    #[error("it says that it is number {found}")]
    #[non_exhaustive]
    WrongSequence {
        /// What it says.
        found: u64,
    },
    /// The entry before it is another one than it says.
    #[error("it says that {} is before it, where {} is", named(.found.as_ref()), named(.expected.as_ref()))]
    #[non_exhaustive]
    WrongParent {
        /// The digest of the entry before it.
        expected: Option<Digest>,
        /// What it says.
        found: Option<Digest>,
    },
    /// The entry that must be there is not: entries are missing, or the last one was changed.
    #[error("{anchor} must stand before the end, and does not: entries are missing or were changed")]
    #[non_exhaustive]
    AnchorMissing {
        /// The digest of that entry.
        anchor: Digest,
    },
    /// It comes after the one that must be the last.
    #[error("it comes after {anchor}, which must be the last one")]
    #[non_exhaustive]
    AfterHead {
        /// The digest of the last entry.
        anchor: Digest,
    },
}

impl Fault {
    /// The codes of all faults. None is ever reused.
    pub const CODES: [&str; 8] = [
        "torn",
        "malformed",
        "unknown-version",
        "not-canonical",
        "wrong-sequence",
        "wrong-parent",
        "anchor-missing",
        "after-head",
    ];

    /// Its stable code.
    pub const fn code(&self) -> &'static str {
        Self::CODES[match self {
            Self::Torn => 0,
            Self::Malformed { .. } => 1,
            Self::UnknownVersion { .. } => 2,
            Self::NotCanonical => 3,
            Self::WrongSequence { .. } => 4,
            Self::WrongParent { .. } => 5,
            Self::AnchorMissing { .. } => 6,
            Self::AfterHead { .. } => 7,
        }]
    }
}

fn named(digest: Option<&Digest>) -> String {
    digest.map_or("nothing".into(), ToString::to_string)
}

impl Ledger {
    /// Reads a ledger from JSON Lines and checks every link. The same as [`Self::verify`] without an anchor.
    ///
    /// # Errors
    ///
    /// [`BrokenChain`], which names the first entry that is wrong.
    pub fn from_lines(lines: &[u8]) -> Result<Self, BrokenChain> {
        Self::verify(lines, None)
    }

    /// Reads a ledger from JSON Lines and checks every link, and that it holds what is known of it from elsewhere.
    ///
    /// Any byte that was changed, and any line that was dropped, swapped or put in, is found: at the line itself, or at the
    /// one after it. What there is only an anchor for is the end: a last line that was changed into another valid entry,
    /// dropped, or added.
    ///
    /// # Errors
    ///
    /// [`BrokenChain`], which names the first entry that is wrong.
    pub fn verify(lines: &[u8], anchor: Option<&Anchor>) -> Result<Self, BrokenChain> {
        let (Some(Anchor::Head(wanted) | Anchor::Within(wanted)), last) =
            (anchor, matches!(anchor, Some(Anchor::Head(_))))
        else {
            return Self::read(lines, None, false);
        };
        Self::read(lines, Some(wanted), last)
    }

    fn read(lines: &[u8], anchor: Option<&Digest>, last: bool) -> Result<Self, BrokenChain> {
        let (mut ledger, mut offset, mut anchored) = (Self::default(), 0, false);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let link = match (link(line, &ledger), anchor) {
                (Ok(_), Some(anchor)) if anchored && last => Err(Fault::AfterHead { anchor: anchor.clone() }),
                (link, _) => link,
            };
            match link {
                Ok(link) => {
                    anchored |= anchor == Some(&link.digest);
                    ledger = ledger.with(link);
                }
                Err(fault) => {
                    return Err(BrokenChain { position: ledger.len(), offset, fault, intact: ledger });
                }
            }
            offset += line.len();
        }
        match anchor {
            Some(anchor) if !anchored => {
                let fault = Fault::AnchorMissing { anchor: anchor.clone() };
                Err(BrokenChain { position: ledger.len(), offset, fault, intact: ledger })
            }
            _ => Ok(ledger),
        }
    }

    /// The ledger as JSON Lines: one entry a line, each in its canonical form.
    pub fn to_lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (_, entry) in self.entries() {
            lines.extend(entry.to_canonical());
            lines.push(b'\n');
        }
        lines
    }
}

/// The entry of a line that comes after `before`.
fn link(line: &[u8], before: &Ledger) -> Result<Link, Fault> {
    let Some((b'\n', bytes)) = line.split_last() else { return Err(Fault::Torn) };
    let entry = Entry::from_json(bytes).map_err(|error| match version(bytes) {
        Some(version) if version != u64::from(Entry::VERSION) => Fault::UnknownVersion { version },
        _ => Fault::Malformed { reason: reason_of(&error) },
    })?;
    if entry.to_canonical() != bytes {
        return Err(Fault::NotCanonical);
    }
    if entry.sequence != before.len() {
        return Err(Fault::WrongSequence { found: entry.sequence });
    }
    if entry.parent.as_ref() != before.head() {
        return Err(Fault::WrongParent { expected: before.head().cloned(), found: entry.parent });
    }
    Ok(Link::of_canonical(entry, bytes))
}

/// The version that a line states, where it states one.
fn version(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    serde_json::from_slice::<Versioned>(bytes).ok().map(|stated| stated.version)
}
