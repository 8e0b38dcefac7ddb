//! Documents by their digests: plans, fleets, releases and policies.

use std::path::{Path, PathBuf};

use castline_core::{Digest, Document};

use super::{MOST, StoreError, files::Files};

/// The folder of a store that has them, each in its canonical form and named by its digest.
pub(super) const FOLDER: &str = "documents";

fn place(store: &Path, digest: &Digest) -> PathBuf {
    store.join(FOLDER).join(format!("{}.json", digest.to_string().replace(':', "-")))
}

/// Writes a document, so that it is there whole or not at all, and is on the disk when this comes back.
pub(super) fn keep<D: Document>(files: &dyn Files, store: &Path, document: &D) -> Result<Digest, StoreError> {
    let bytes = document.to_canonical();
    let digest = Digest::of(&bytes);
    let path = place(store, &digest);
    let there = files.read(&path, MOST).map_err(StoreError::io("read", &path))?;
    if there.as_deref() != Some(&*bytes) {
        // One writer, and one document at a time: what has this name was left behind by a crash.
        let draft = path.with_extension("draft");
        let file = files.open(&draft, true).map_err(StoreError::io("made", &draft))?;
        file.write_all_at(&bytes, 0).map_err(StoreError::io("written", &draft))?;
        file.sync().map_err(StoreError::io("brought to the disk", &draft))?;
        files.rename(&draft, &path).map_err(StoreError::io("renamed", &draft))?;
    }
    // Also where it was there: who wrote it may not have come so far.
    let folder = store.join(FOLDER);
    files.sync_folder(&folder).map_err(StoreError::io("brought to the disk", &folder))?;
    Ok(digest)
}

/// Reads a document, and sees that it is the one of this digest.
pub(super) fn read<D: Document>(files: &dyn Files, store: &Path, digest: &Digest) -> Result<D, StoreError> {
    let path = place(store, digest);
    let bytes = files.read(&path, MOST).map_err(StoreError::io("read", &path))?;
    let bytes = bytes.ok_or_else(|| StoreError::NoDocument { kind: D::KIND, digest: digest.clone() })?;
    let found = Digest::of(&bytes);
    if found != *digest {
        return Err(StoreError::damaged(&path, 0, format_args!("its digest is {found}")));
    }
    Ok(D::from_json(&bytes)?)
}
