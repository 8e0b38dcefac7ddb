//! Where a ledger and the documents of its rollouts are kept: a folder.
//!
//! ```text
//! ledger       the entries, as JSON Lines: what every language of castline verifies, and what `tail -f` and `jq` read
//! head         how much of it was acknowledged: two slots, written in turn
//! documents/   plans, fleets, releases and policies in their canonical form, named by their digests
//! torn/        what was cut off when a write was, kept to be looked at
//! lock         held by the one who writes, and says who that is
//! control      where a rollout that is executed is spoken to (Remote)
//! ```
//!
//! # Why not a database
//!
//! `redb` and `SQLite` were considered. A ledger is a chain of hashes as text already, which four languages verify and which can be
//! read, copied and sent without any library; inside a database it would be a blob that only that database opens. What a
//! database would add is atomic pages, and nothing here needs more than an append and the atomic
//! writing of a whole file. What it would take away is that each system call of it can be made to fail, in every way, by the tests.
//!
//! # What holds
//!
//! - **What was acknowledged is there.** An append is acknowledged when the lines, and then the head that counts them, are on the
//!   disk. Entries that arrive together share these two waits.
//! - **What was cut off is told from damage**, and not by guessing: whatever the head counts was acknowledged, and if it
//!   is not there, or is another, that is damage, which is named with its place and never touched. What comes
//!   after was never acknowledged: whole entries are kept, the rest is moved to `torn/`.
//! - **A line needs no checksum of its own**: each entry has the digest of the one before it, and the head that of the last. The head
//!   has its own.
//! - **After an error nothing more is written.** A failed fsync leaves nobody knowing what is on the disk, and the next one may
//!   say that all is well; so the writer stops. Opening the store anew writes what was not acknowledged again before it counts.
//! - **One writes, many read**: by an advisory lock on a file, which ends with its process.
//!
//! What cannot be seen from inside is that the whole folder was set back to an earlier state. For that there is an [`Anchor`]: the
//! digest of the last entry, kept elsewhere.

mod contents;
mod documents;
mod error;
pub(crate) mod files;
mod head;
mod holder;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use castline_core::{
    Digest, Document, Time,
    ledger::{Anchor, Ledger, Record},
};

pub use contents::Contents;
pub use error::StoreError;
pub use holder::Holder;

use self::{
    files::{Files, Real},
    writer::Writer,
};
use crate::control::Board;

const LEDGER: &str = "ledger";
const HEAD: &str = "head";
const TORN: &str = "torn";
const LOCK: &str = "lock";

/// The most bytes that a ledger or a document may have: 2 GiB.
const MOST: u64 = 2 << 30;

/// A ledger and the documents of its rollouts in a folder, open to be written.
///
/// ```
/// use castline_core::{Time, ledger::Record};
/// use castline_engine::{Contents, Store};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path().join("store"))?;
/// let note = Record::Note { about: None, text: "moved to the new cluster".into() };
/// let ledger = store.append(Time::from_millis(0), "ann", [note])?;
///
/// // Others read it meanwhile, and nobody else writes.
/// let contents = Contents::read(folder.path().join("store"), None)?;
/// assert_eq!(*contents.ledger(), ledger);
/// assert!(contents.is_held());
/// assert!(Store::open(folder.path().join("store")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Store {
    files: Arc<dyn Files>,
    folder: PathBuf,
    repairs: Vec<Repair>,
    /// Before the writer, whose lock is let go last.
    board: Board,
    writer: Mutex<Writer>,
}

/// What was put right when a store was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// Entries that were written and not acknowledged are there whole: they count from now on.
    #[non_exhaustive]
    Completed {
        /// How many.
        entries: u64,
    },
    /// The end of an append that was cut off was taken away. It was never acknowledged.
    #[non_exhaustive]
    Dropped {
        /// How many bytes of the ledger are before it.
        offset: u64,
        /// How many bytes it has.
        bytes: u64,
        /// Where they are now.
        kept: PathBuf,
    },
}

impl Store {
    /// Opens the store in this folder to write to it, and makes one where there is none; the folder that it is in must be there. An
    /// append that was cut off is put right: [`Self::repairs`] says what was done.
    ///
    /// # Errors
    ///
    /// [`StoreError::Held`] where another process writes to it, [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_in(Arc::new(Real), folder.as_ref(), None)
    }

    /// The same, where the ledger is known from elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Self::open`]; [`StoreError::OtherHead`] where it is another one. Then nothing was changed.
    pub fn open_expecting(folder: impl AsRef<Path>, anchor: &Anchor) -> Result<Self, StoreError> {
        Self::open_in(Arc::new(Real), folder.as_ref(), Some(anchor))
    }

    pub(crate) fn open_in(
        files: Arc<dyn Files>,
        folder: &Path,
        anchor: Option<&Anchor>,
    ) -> Result<Self, StoreError> {
        let (writer, repairs) = Writer::open(&*files, folder, anchor)?;
        for repair in &repairs {
            tracing::warn!(store = %folder.display(), ?repair, "an append had been cut off");
        }
        let board = Board::of(files.has_sockets().then_some(folder));
        Ok(Self { files, folder: folder.to_owned(), repairs, board, writer: Mutex::new(writer) })
    }

    /// What was put right when it was opened.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ledger, up to the last entry that was acknowledged.
    pub fn ledger(&self) -> Ledger {
        self.writer().ledger().clone()
    }

    /// What it holds now, as [`Contents::read`] would read it.
    pub fn contents(&self) -> Contents {
        Contents::of_writer(&self.files, &self.folder, self.ledger())
    }

    /// Where rollouts that are executed are spoken to.
    pub(crate) const fn board(&self) -> &Board {
        &self.board
    }

    /// Appends an entry for each record, and comes back when they are on the disk. All of them together take two waits.
    /// Blocks: call it where that is fine.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a record that could not be read again; nothing was written. [`StoreError::Io`] where the
    /// file system refused: some of the entries may be there when the store is opened anew, and until then
    /// it is [`StoreError::Poisoned`].
    pub fn append(
        &self,
        at: Time,
        actor: &str,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Ledger, StoreError> {
        self.writer().append(at, actor, records)
    }

    /// The same, where the ledger as it is allows it: nobody else appends in between.
    pub(crate) fn append_if<E: From<StoreError>>(
        &self,
        at: Time,
        actor: &str,
        records: impl IntoIterator<Item = Record>,
        allows: impl FnOnce(&Ledger) -> Result<(), E>,
    ) -> Result<Ledger, E> {
        let mut writer = self.writer();
        allows(writer.ledger())?;
        Ok(writer.append(at, actor, records)?)
    }

    /// Keeps a document, and comes back when it is on the disk. Keeping it again is fine.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`], after which the store is [`StoreError::Poisoned`], too.
    pub fn keep<D: Document>(&self, document: &D) -> Result<Digest, StoreError> {
        self.writer().guarded(|| documents::keep(&*self.files, &self.folder, document))
    }

    /// The document of this digest.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoDocument`]; [`StoreError::Damaged`] where it is not the one of this digest.
    pub fn document<D: Document>(&self, digest: &Digest) -> Result<D, StoreError> {
        documents::read(&*self.files, &self.folder, digest)
    }

    /// A writer that panicked left the files as a crash would have: it says itself whether it can go on.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
