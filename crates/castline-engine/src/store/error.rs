use std::{
    io,
    path::{Path, PathBuf},
};

use castline_core::Digest;

use super::Holder;

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    #[error("{}: it cannot be {doing}: {source}", .path.display())]
    #[non_exhaustive]
    Io {
        /// What was to be done with it.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes to it.
    #[error(
        "{}: somebody else writes to it{}; wait until they are done, or read it",
        .path.display(),
        .holder.as_ref().map_or_else(String::new, |holder| format!(" ({holder})"))
    )]
    #[non_exhaustive]
    Held {
        /// The store's folder.
        path: PathBuf,
        /// Who it is, where that is known.
        holder: Option<Holder>,
    },
    /// There is no store.
    #[error("{}: there is no store", .path.display())]
    #[non_exhaustive]
    NotThere {
        /// The folder that was looked at.
        path: PathBuf,
    },
    /// What was acknowledged is not there any more, or was changed. Nothing was touched.
    #[error("{}: it is damaged at byte {offset}: {reason}; nothing was changed: restore it from a copy", .path.display())]
    #[non_exhaustive]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How many bytes of it are before the damage.
        offset: u64,
        /// What is wrong.
        reason: Box<str>,
    },
    /// The ledger is not the one that was expected: entries are missing, were changed, or were added.
    #[error("{}: {reason}", .path.display())]
    #[non_exhaustive]
    OtherHead {
        /// The ledger.
        path: PathBuf,
        /// What was expected, and what is there.
        reason: Box<str>,
    },
    /// An earlier write failed, so that nobody knows what is on the disk: nothing is written until the store is opened anew.
    #[error("nothing more is written: {reason}; open the store anew once that is put right")]
    #[non_exhaustive]
    Poisoned {
        /// What failed.
        reason: Box<str>,
    },
    /// A document that is needed is not there.
    #[error("the {kind} {digest} is not in the store")]
    #[non_exhaustive]
    NoDocument {
        /// What it is.
        kind: &'static str,
        /// Its digest.
        digest: Digest,
    },
    /// What was to be recorded, or was read, is not what it should be.
    #[error(transparent)]
    Invalid(#[from] castline_core::Error),
}

impl StoreError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, offset: u64, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), offset, reason: format!("{reason}").into() }
    }
}
