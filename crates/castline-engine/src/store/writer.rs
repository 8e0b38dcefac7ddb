//! The one who writes.

use std::path::Path;

use castline_core::{
    Digest, Document, Time,
    ledger::{Anchor, Ledger, Record},
};

use super::{
    HEAD, LEDGER, LOCK, Repair, StoreError, TORN,
    contents::{Found, Sound, expect},
    documents,
    files::{File, Files, Lock},
    head::Head,
};

#[derive(Debug)]
pub(super) struct Writer {
    ledger: Ledger,
    head: Head,
    lines: Box<dyn File>,
    slots: Box<dyn File>,
    /// What failed, once something has: then nobody knows what is on the disk.
    poison: Option<Box<str>>,
    _lock: Lock,
}

impl Writer {
    pub(super) fn open(
        files: &dyn Files,
        folder: &Path,
        anchor: Option<&Anchor>,
    ) -> Result<(Self, Vec<Repair>), StoreError> {
        for path in [folder, &folder.join(documents::FOLDER), &folder.join(TORN)] {
            files.make_folder(path).map_err(StoreError::io("made", path))?;
        }
        let lock_path = folder.join(LOCK);
        let lock = files.lock(&lock_path).map_err(StoreError::io("locked", &lock_path))?;
        let lock = lock
            .ok_or_else(|| StoreError::Held { path: folder.to_owned(), holder: files.holder(&lock_path) })?;

        let found = Found::read(files, folder, anchor)?;
        let Sound(ledger, length) = found.sound()?;
        let lines = found.lines.as_deref().unwrap_or_default();
        let (whole, torn) = lines.split_at(usize::try_from(length).unwrap_or(usize::MAX).min(lines.len()));
        expect(&found.ledger_path, whole, anchor)?;
        // From here on the files are changed.
        let head_path = folder.join(HEAD);
        let open = |path: &Path| files.open(path, false).map_err(StoreError::io("opened", path));
        let (slots, file) = (open(&head_path)?, open(&found.ledger_path)?);
        let mut writer = Self { ledger, head: Head::EMPTY, lines: file, slots, poison: None, _lock: lock };
        let mut repairs = Vec::new();
        writer.head = found.head.unwrap_or(Head::EMPTY);
        // Again, where it is: what an fsync has once failed for may look as if it were there, and the other slot, which is
        // overwritten next, may be the only one on the disk.
        writer.advance(writer.head.clone(), &head_path)?;
        if writer.head.entries == 0 {
            writer.make_names_last(files, folder)?;
        }
        if !torn.is_empty() {
            let kept = set_aside(files, folder, length, torn)?;
            writer.lines.set_len(length).map_err(StoreError::io("cut", &found.ledger_path))?;
            repairs.push(Repair::Dropped { offset: length, bytes: torn.len() as u64, kept });
        }
        if lines.len() as u64 > writer.head.bytes {
            writer.complete(whole, &found.ledger_path, &head_path, &mut repairs)?;
        }
        Ok((writer, repairs))
    }

    /// Nothing is acknowledged before the names of a new store's files are on the disk.
    fn make_names_last(&self, files: &dyn Files, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(LEDGER);
        self.lines.sync().map_err(StoreError::io("brought to the disk", &path))?;
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        for path in [folder, above.unwrap_or(Path::new("."))] {
            files.sync_folder(path).map_err(StoreError::io("brought to the disk", path))?;
        }
        Ok(())
    }

    /// Makes whole entries count that were never acknowledged. They are written again: what an fsync has once failed for
    /// may look as if it were there.
    fn complete(
        &mut self,
        whole: &[u8],
        ledger_path: &Path,
        head_path: &Path,
        repairs: &mut Vec<Repair>,
    ) -> Result<(), StoreError> {
        let from = self.head.bytes;
        let rest = whole.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
        self.lines.write_all_at(rest, from).map_err(StoreError::io("written", ledger_path))?;
        self.lines.sync().map_err(StoreError::io("brought to the disk", ledger_path))?;
        let entries = self.ledger.len() - self.head.entries;
        if entries > 0 {
            let head = self.head_after(&self.ledger, rest.len());
            self.advance(head, head_path)?;
            repairs.push(Repair::Completed { entries });
        }
        Ok(())
    }

    fn head_after(&self, ledger: &Ledger, bytes: usize) -> Head {
        Head {
            counter: self.head.counter + 1,
            entries: ledger.len(),
            bytes: self.head.bytes + bytes as u64,
            digest: ledger.head().cloned(),
        }
    }

    fn advance(&mut self, head: Head, path: &Path) -> Result<(), StoreError> {
        self.slots.write_all_at(&head.to_slot(), head.offset()).map_err(StoreError::io("written", path))?;
        self.slots.sync().map_err(StoreError::io("brought to the disk", path))?;
        self.head = head;
        Ok(())
    }

    pub(super) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn append(
        &mut self,
        at: Time,
        actor: &str,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Ledger, StoreError> {
        let (mut ledger, mut bytes) = (self.ledger.clone(), Vec::new());
        for record in records {
            ledger = ledger.append(at, actor, record)?;
            bytes.extend(ledger.last().map(Document::to_canonical).unwrap_or_default());
            bytes.push(b'\n');
        }
        let head = self.head_after(&ledger, bytes.len());
        self.refuse_if_poisoned()?;
        if bytes.is_empty() {
            return Ok(ledger);
        }
        let written = self.write(&bytes, head);
        self.note(&written);
        written?;
        self.ledger = ledger.clone();
        Ok(ledger)
    }

    fn write(&mut self, bytes: &[u8], head: Head) -> Result<(), StoreError> {
        let path = Path::new(LEDGER);
        self.lines.write_all_at(bytes, self.head.bytes).map_err(StoreError::io("written", path))?;
        self.lines.sync().map_err(StoreError::io("brought to the disk", path))?;
        self.advance(head, Path::new(HEAD))
    }

    /// Does something else that writes, under the same rule.
    pub(super) fn guarded<T>(
        &mut self,
        write: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.refuse_if_poisoned()?;
        let written = write();
        self.note(&written);
        written
    }

    fn refuse_if_poisoned(&self) -> Result<(), StoreError> {
        match &self.poison {
            Some(reason) => Err(StoreError::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    fn note<T>(&mut self, written: &Result<T, StoreError>) {
        if let Err(error) = written {
            tracing::error!(%error, "the ledger is not written to any more");
            self.poison = Some(error.to_string().into());
        }
    }
}

/// Keeps what was cut off, under a name that its place and contents make.
fn set_aside(
    files: &dyn Files,
    folder: &Path,
    offset: u64,
    torn: &[u8],
) -> Result<std::path::PathBuf, StoreError> {
    let name: String = Digest::of(torn).encoded().chars().take(16).collect();
    let folder = folder.join(TORN);
    let path = folder.join(format!("{offset}-{name}.torn"));
    let file = files.open(&path, true).map_err(StoreError::io("made", &path))?;
    file.write_all_at(torn, 0).map_err(StoreError::io("written", &path))?;
    file.sync().map_err(StoreError::io("brought to the disk", &path))?;
    files.sync_folder(&folder).map_err(StoreError::io("brought to the disk", &folder))?;
    Ok(path)
}
