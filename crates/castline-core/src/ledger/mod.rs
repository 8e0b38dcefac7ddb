//! What was released, planned and done: a chain of records that nobody can change unseen, and what rollback reads.
//!
//! Each [`Entry`] names the digest of the one before it, so the last digest, the *head*, stands for all of them. As text, a
//! ledger is JSON Lines, one entry a line, each in its canonical form. Nothing here reads or writes files.

mod chain;
mod entry;
mod images;
mod query;
mod story;
mod summary;
#[cfg(test)]
mod tests;
mod verified;

use std::{fmt, sync::Arc};

pub use chain::{Anchor, BrokenChain, Fault};
pub use entry::{Change, Entry, InstanceVerdict, Outcome, Record};
pub use images::Needed;
pub use summary::RolloutSummary;
pub use verified::LastVerification;

use self::entry::Link;
use crate::{Digest, Result, Time};

/// The append-only, hash-chained record of releases, plans and outcomes. An immutable value: a clone is a count bump, and
/// a ledger with one more entry shares all others with the one that it was made from.
///
/// ```
/// use castline_core::{Digest, Time, ledger::{Anchor, Ledger, Record}};
///
/// let note = |text: &str| Record::Note { about: None, text: text.into() };
/// let ledger = Ledger::default().append(Time::from_millis(0), "ann", note("moved to the new cluster"))?;
/// let longer = ledger.append(Time::from_millis(9), "bob", note("and back"))?;
/// let lines = longer.to_lines();
///
/// assert_eq!(Ledger::verify(&lines, None)?, longer);
/// let head = longer.head().expect("it has entries");
/// assert!(Ledger::verify(&ledger.to_lines(), Some(&Anchor::Head(head.clone()))).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Ledger(Option<Arc<Node>>);

struct Node {
    link: Link,
    before: Ledger,
}

impl Ledger {
    /// This ledger and one entry more: what `actor` did, and when. Takes the same time however long the ledger is.
    ///
    /// A time before that of the last entry is taken as it is: clocks step back, and the order of entries is that of the
    /// chain. [`Self::steps_back`] finds them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for an actor without a name, and for a record that could not
    /// be read again, such as a release with too many replicas.
    pub fn append(&self, at: Time, actor: impl Into<String>, record: Record) -> Result<Self> {
        let entry = Entry {
            version: Entry::VERSION,
            parent: self.head().cloned(),
            sequence: self.len(),
            at,
            actor: actor.into(),
            record,
        };
        Ok(self.with(Link::of(entry)?))
    }

    fn with(&self, link: Link) -> Self {
        Self(Some(Arc::new(Node { link, before: self.clone() })))
    }

    /// The digest of the last entry, which stands for all of them. Kept elsewhere, it is the only thing by which the loss of
    /// the last entries can be seen.
    pub fn head(&self) -> Option<&Digest> {
        self.0.as_ref().map(|node| &node.link.digest)
    }

    /// The last entry.
    pub fn last(&self) -> Option<&Entry> {
        self.0.as_ref().map(|node| &node.link.entry)
    }

    /// How many entries there are.
    pub fn len(&self) -> u64 {
        self.last().map_or(0, |last| last.sequence + 1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The entries and their digests, the oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (&Digest, &Entry)> + ExactSizeIterator {
        self.links().into_iter().map(|link| (&link.digest, &link.entry))
    }

    fn links(&self) -> Vec<&Link> {
        let mut links: Vec<&Link> = self.newest_first().collect();
        links.reverse();
        links
    }

    fn back_to(&self, is_last: impl Fn(&Link) -> bool) -> Option<Self> {
        let mut ledger = self;
        while let Some(node) = &ledger.0 {
            if is_last(&node.link) {
                return Some(ledger.clone());
            }
            ledger = &node.before;
        }
        None
    }

    fn newest_first(&self) -> impl Iterator<Item = &Link> {
        let mut next = self.0.as_deref();
        std::iter::from_fn(move || {
            let node = next?;
            next = node.before.0.as_deref();
            Some(&node.link)
        })
    }

    /// The positions of the entries whose time is before that of the entry before them. A clock that was set gives such;
    /// they are worth a look and no fault.
    pub fn steps_back(&self) -> Vec<u64> {
        let links = self.links();
        let earlier = |pair: &&[&Link]| pair[1].entry.at < pair[0].entry.at;
        links.windows(2).filter(earlier).map(|pair| pair[1].entry.sequence).collect()
    }
}

/// A long chain is let go one by one: each letting go of the one before it would need a stack as long as the chain.
impl Drop for Ledger {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut node) = next.and_then(Arc::into_inner) {
            next = node.before.0.take();
        }
    }
}

impl PartialEq for Ledger {
    fn eq(&self, other: &Self) -> bool {
        self.head() == other.head()
    }
}

impl Eq for Ledger {}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("len", &self.len()).field("head", &self.head()).finish()
    }
}
