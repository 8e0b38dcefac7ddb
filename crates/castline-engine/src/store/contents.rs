//! What a store holds, as anybody can read it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use castline_core::{
    Digest, Document,
    ledger::{Anchor, Fault, Ledger},
};

use super::{
    Holder, LOCK, MOST, StoreError, documents,
    files::{Files, Real},
    head::Head,
};

/// A store as it was when it was read. Reading takes no lock and changes nothing, and goes on while another process writes.
#[derive(Clone, Debug)]
pub struct Contents {
    files: Arc<dyn Files>,
    folder: PathBuf,
    ledger: Ledger,
    unacknowledged: u64,
    held: bool,
    holder: Option<Holder>,
}

impl Contents {
    /// Reads the store in this folder, and checks all of it that was acknowledged: every link of the ledger. With an anchor,
    /// also that the ledger is the one that is known from elsewhere; nothing else shows that a whole store was set back.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotThere`], [`StoreError::Damaged`], [`StoreError::OtherHead`], [`StoreError::Io`].
    pub fn read(folder: impl AsRef<Path>, anchor: Option<&Anchor>) -> Result<Self, StoreError> {
        Self::read_from(Arc::new(Real), folder.as_ref(), anchor)
    }

    pub(crate) fn read_from(
        files: Arc<dyn Files>,
        folder: &Path,
        anchor: Option<&Anchor>,
    ) -> Result<Self, StoreError> {
        let lock = folder.join(LOCK);
        let held = files.is_locked(&lock).map_err(StoreError::io("looked at", &lock))?;
        let found = Found::read(&*files, folder, anchor)?;
        if found.is_nothing() && !held {
            return Err(StoreError::NotThere { path: folder.to_owned() });
        }
        let (acknowledged, rest) = found.acknowledged()?;
        let lines = found.lines.as_deref().unwrap_or_default();
        let lines = lines.get(..usize::try_from(acknowledged.1).unwrap_or(usize::MAX)).unwrap_or_default();
        expect(&found.ledger_path, lines, anchor)?;
        let holder = held.then(|| files.holder(&lock)).flatten();
        let (ledger, folder) = (acknowledged.0, folder.to_owned());
        Ok(Self { files, folder, ledger, unacknowledged: rest, held, holder })
    }

    /// The same, and where there is no store yet, one without entries: to plan the first rollout. Makes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn read_or_empty(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        match Self::read(folder, None) {
            Err(StoreError::NotThere { .. }) => Ok(Self {
                files: Arc::new(Real),
                folder: folder.to_owned(),
                ledger: Ledger::default(),
                unacknowledged: 0,
                held: false,
                holder: None,
            }),
            read => read,
        }
    }

    /// What whoever writes to a store knows of it.
    pub(super) fn of_writer(files: &Arc<dyn Files>, folder: &Path, ledger: Ledger) -> Self {
        let holder = files.holder(&folder.join(LOCK));
        let files = Arc::clone(files);
        Self { files, folder: folder.to_owned(), ledger, unacknowledged: 0, held: true, holder }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ledger, up to the last entry that was acknowledged.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many bytes come after that: an append that is under way, or one that was cut off.
    pub const fn unacknowledged(&self) -> u64 {
        self.unacknowledged
    }

    /// Whether a process writes to it, such as one that executes a rollout.
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// Which process that is, where it is known.
    pub const fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// The document of this digest.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoDocument`]; [`StoreError::Damaged`] where it is not the one of this digest.
    pub fn document<D: Document>(&self, digest: &Digest) -> Result<D, StoreError> {
        documents::read(&*self.files, &self.folder, digest)
    }
}

/// What the files of a store have in them.
pub(super) struct Found {
    pub(super) ledger_path: PathBuf,
    head_path: PathBuf,
    /// None where there is no whole one.
    pub(super) head: Option<Head>,
    /// None where there is no such file.
    head_bytes: Option<Vec<u8>>,
    pub(super) lines: Option<Vec<u8>>,
    /// Whether somebody knows which entry is the last one: then the head is not needed to know what must be there.
    known_whole: bool,
}

/// A ledger, and how many bytes its lines have.
pub(super) struct Sound(pub(super) Ledger, pub(super) u64);

impl Found {
    pub(super) fn read(
        files: &dyn Files,
        folder: &Path,
        anchor: Option<&Anchor>,
    ) -> Result<Self, StoreError> {
        let (head_path, ledger_path) = (folder.join(super::HEAD), folder.join(super::LEDGER));
        // In this order: the ledger only grows, up to what the head says.
        let head_bytes = files.read(&head_path, MOST).map_err(StoreError::io("read", &head_path))?;
        let lines = files.read(&ledger_path, MOST).map_err(StoreError::io("read", &ledger_path))?;
        let head = head_bytes.as_deref().and_then(Head::read);
        let known_whole = matches!(anchor, Some(Anchor::Head(_)));
        Ok(Self { ledger_path, head_path, head, head_bytes, lines, known_whole })
    }

    /// Whether there is no store yet, or one that a crash left before anything was acknowledged.
    pub(super) fn is_nothing(&self) -> bool {
        self.head.is_none() && self.lines.as_ref().is_none_or(Vec::is_empty)
    }

    /// The entries that were acknowledged, all of them checked, and how many bytes come after them.
    fn acknowledged(&self) -> Result<(Sound, u64), StoreError> {
        let whole = self.sound()?;
        let head = self.known()?;
        let ledger = match &head.digest {
            Some(digest) => whole.0.up_to(digest).unwrap_or_default(),
            None => Ledger::default(),
        };
        let rest = self.lines.as_ref().map_or(0, Vec::len) as u64 - head.bytes;
        Ok((Sound(ledger, head.bytes), rest))
    }

    fn known(&self) -> Result<Head, StoreError> {
        match &self.head {
            Some(head) => Ok(head.clone()),
            None if self.is_nothing() || self.known_whole => Ok(Head::EMPTY),
            None => {
                let reason = match &self.head_bytes {
                    Some(_) => "it says no more how much of the ledger was acknowledged",
                    None => "it is not there, and the ledger is",
                };
                Err(StoreError::damaged(&self.head_path, 0, reason))
            }
        }
    }

    /// All whole entries in order: those that were acknowledged, and those after them. Whatever is wrong with what was
    /// acknowledged is damage.
    pub(super) fn sound(&self) -> Result<Sound, StoreError> {
        let head = self.known()?;
        let lines = self.lines.as_deref().unwrap_or_default();
        let damaged = |offset: u64, reason: &dyn std::fmt::Display| {
            Err(StoreError::damaged(&self.ledger_path, offset, reason))
        };
        let length = lines.len() as u64;
        if length < head.bytes {
            let missing = head.bytes - length;
            return damaged(length, &format_args!("{missing} bytes that were acknowledged are missing"));
        }
        let sound = match Ledger::from_lines(lines) {
            Ok(ledger) => Sound(ledger, length),
            Err(broken) if (broken.offset as u64) < head.bytes => {
                return damaged(broken.offset as u64, &broken);
            }
            // Nobody cut that off: a later castline wrote it.
            Err(broken) if matches!(broken.fault, Fault::UnknownVersion { .. }) => {
                return damaged(broken.offset as u64, &broken);
            }
            Err(broken) => Sound(broken.intact, broken.offset as u64),
        };
        let acknowledged = lines.get(..usize::try_from(head.bytes).unwrap_or(usize::MAX));
        let acknowledged = acknowledged.unwrap_or_default();
        let ends = acknowledged.split(|byte| *byte == b'\n').count() as u64 - 1;
        let last = head.digest.as_ref().and_then(|digest| sound.0.up_to(digest));
        let fits = acknowledged.last().is_none_or(|byte| *byte == b'\n')
            && ends == head.entries
            && last.map_or(0, |ledger| ledger.len()) == head.entries;
        if !fits {
            let offset = acknowledged[..acknowledged.len().saturating_sub(1)]
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at as u64 + 1);
            return damaged(offset, &"the last entry that was acknowledged is another one");
        }
        Ok(sound)
    }
}

/// Sees that a ledger is the one that is known from elsewhere.
pub(super) fn expect(path: &Path, lines: &[u8], anchor: Option<&Anchor>) -> Result<(), StoreError> {
    let Some(anchor) = anchor else { return Ok(()) };
    match Ledger::verify(lines, Some(anchor)) {
        Ok(_) => Ok(()),
        Err(broken) => {
            Err(StoreError::OtherHead { path: path.to_owned(), reason: broken.to_string().into() })
        }
    }
}
