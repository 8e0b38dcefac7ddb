use std::{io, path::PathBuf};

use castline_core::ErrorCode;

/// A specialised `Result`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a source cannot be opened, or an image not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not an image reference.
    #[error("`{input}` is not an image reference: {reason}")]
    #[non_exhaustive]
    InvalidReference {
        /// The rejected text, cut and with control characters escaped.
        input: Box<str>,
        /// Which rule it broke, and what to write instead.
        reason: Box<str>,
    },
    /// A file or folder cannot be opened or read.
    #[error("{}: {source}", path.display())]
    #[non_exhaustive]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The caller asked for the work to stop.
    #[error("cancelled")]
    Cancelled,
    /// The source is of a kind that is not read.
    #[error("{what}: {advice}")]
    #[non_exhaustive]
    Unsupported {
        /// What was asked for.
        what: Box<str>,
        /// What to do instead.
        advice: &'static str,
    },
    /// A file is not what it should be: an `index.json` to be added to, a description of an image to be built.
    #[error("{}: {reason}", path.display())]
    #[non_exhaustive]
    InvalidFile {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: Box<str>,
    },
    /// Bytes are not those that a digest and a size announced.
    #[error("{what} is not what was announced: expected {expected}, got {actual}")]
    #[non_exhaustive]
    ContentMismatch {
        /// What was read or written.
        what: Box<str>,
        /// The digest, and the size, that it should have.
        expected: Box<str>,
        /// Those that it has.
        actual: Box<str>,
    },
    /// A file changed while it was put into a layer.
    #[error("{} changed while it was read; build again when nobody writes to it", path.display())]
    #[non_exhaustive]
    SourceChanged {
        /// Which one.
        path: PathBuf,
    },
    /// An image that is to be built upon is not what it says it is, or could not be checked as a whole.
    #[error("{what} is not intact, so nothing is built upon it:{findings}")]
    #[non_exhaustive]
    NotIntact {
        /// Which image.
        what: Box<str>,
        /// A line for each of the first findings.
        findings: Box<str>,
    },
    /// The core could not do its part.
    #[error(transparent)]
    Core(#[from] castline_core::Error),
    /// A registry, or the way to it, cannot do it for the moment; it was tried several times.
    #[error("{place}: {reason}")]
    #[non_exhaustive]
    RegistryUnreachable {
        /// What was asked for.
        place: Box<str>,
        /// What happened.
        reason: Box<str>,
    },
    /// A registry wants to know who we are, or does not allow it.
    #[error("{place}: {reason}")]
    #[non_exhaustive]
    RegistryUnauthorized {
        /// What was asked for.
        place: Box<str>,
        /// What it says.
        reason: Box<str>,
    },
    /// A registry has no such thing.
    #[error("{place}: {reason}")]
    #[non_exhaustive]
    RegistryNotFound {
        /// What was asked for.
        place: Box<str>,
        /// What it says.
        reason: Box<str>,
    },
    /// A registry does not do what it was asked, or does not keep to the protocol.
    #[error("{place}: {reason}")]
    #[non_exhaustive]
    RegistryRefused {
        /// What was asked for.
        place: Box<str>,
        /// What it did.
        reason: Box<str>,
    },
    /// The credentials or certificates that were given cannot be used. Says nothing of what is secret in them.
    #[error("the credentials for registries cannot be used: {reason}")]
    #[non_exhaustive]
    InvalidCredentials {
        /// What is wrong.
        reason: Box<str>,
    },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// The stable code of this error, equal in every language.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidReference { .. } => ErrorCode::InvalidReference,
            Self::Io { .. } => ErrorCode::Io,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::Unsupported { .. } => ErrorCode::Unsupported,
            Self::InvalidFile { .. } => ErrorCode::InvalidDocument,
            Self::ContentMismatch { .. } => ErrorCode::ContentMismatch,
            Self::SourceChanged { .. } => ErrorCode::SourceChanged,
            Self::NotIntact { .. } => ErrorCode::NotIntact,
            Self::Core(error) => error.code(),
            Self::RegistryUnreachable { .. } => ErrorCode::RegistryUnreachable,
            Self::RegistryUnauthorized { .. } => ErrorCode::RegistryUnauthorized,
            Self::RegistryNotFound { .. } => ErrorCode::RegistryNotFound,
            Self::RegistryRefused { .. } => ErrorCode::RegistryRefused,
            Self::InvalidCredentials { .. } => ErrorCode::InvalidCredentials,
        }
    }

    /// Whether the same may succeed a little later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::RegistryUnreachable { .. })
    }
}
