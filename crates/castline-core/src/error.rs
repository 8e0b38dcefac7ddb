use crate::Digest;

/// A specialised `Result`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the work itself could not be done.
///
/// What is wrong with an image is never an `Error`: it is a [`Finding`](crate::Finding) in a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a digest.
    #[error("`{input}` is not a digest: {reason}")]
    #[non_exhaustive]
    InvalidDigest {
        /// The rejected text, cut and with control characters escaped.
        input: Box<str>,
        /// Which rule it broke.
        reason: &'static str,
    },
    /// The text is not a platform.
    #[error("`{input}` is not a platform: {reason}; write `os/architecture[/variant]`, e.g. `linux/arm64`")]
    #[non_exhaustive]
    InvalidPlatform {
        /// The rejected text, cut and with control characters escaped.
        input: Box<str>,
        /// Which rule it broke.
        reason: &'static str,
    },
    /// The text is not a pattern for paths.
    #[error("`{input}` is not a pattern for paths: {reason}, at byte {position}")]
    #[non_exhaustive]
    InvalidGlob {
        /// The rejected text, cut and with control characters escaped.
        input: Box<str>,
        /// The byte at which it is wrong, from 0.
        position: usize,
        /// Which rule it broke.
        reason: &'static str,
    },
    /// The text is not a number of instances.
    #[error("`{input}` is not a number of instances: {reason}; write `3`, `25% up` or `25% down`")]
    #[non_exhaustive]
    InvalidAmount {
        /// The rejected text, cut and with control characters escaped.
        input: Box<str>,
        /// Which rule it broke.
        reason: &'static str,
    },
    /// The text, or number, is not a moment.
    #[error(
        "`{input}` is not a moment of the years 0 to 9999; RFC 3339 writes one as `2026-11-23T22:50:00Z`"
    )]
    #[non_exhaustive]
    InvalidTime {
        /// The rejected text, cut and with control characters escaped; or the number, and of what.
        input: Box<str>,
    },
    /// The text is not a schedule by which a window opens.
    #[error("`{input}` opens no window: {reason}")]
    #[non_exhaustive]
    InvalidWindow {
        /// The rejected schedule, cut and with control characters escaped.
        input: Box<str>,
        /// What is wrong with it, or with its duration or time zone.
        reason: Box<str>,
    },
    /// The document is not what it should be: a fleet, a release, a policy, a plan.
    #[error("this is not a valid {what}: {reason}")]
    #[non_exhaustive]
    InvalidDocument {
        /// What it should be.
        what: &'static str,
        /// What is wrong, and where.
        reason: Box<str>,
    },
    /// The plan was made for something else than what is there.
    #[error("this plan is not for what is there: {reason}; plan again")]
    #[non_exhaustive]
    StalePlan {
        /// What differs.
        reason: Box<str>,
    },
    /// The bytes are not an image manifest.
    #[error("the bytes of {digest} are not an image manifest: {reason}")]
    #[non_exhaustive]
    InvalidManifest {
        /// Digest of the rejected bytes.
        digest: Digest,
        /// What is wrong with them, and where.
        reason: Box<str>,
    },
    /// One image was asked for, and there are several.
    #[error("there are several images; take one by its digest or platform:{choices}")]
    #[non_exhaustive]
    SeveralImages {
        /// A line for each: its digest, platform and names.
        choices: Box<str>,
    },
    /// There is nothing that has files: no image, or artifacts only.
    #[error("there is no image with files here{reasons}")]
    #[non_exhaustive]
    NoImage {
        /// A line for each of the first findings, which say what is there instead; empty where there are none.
        reasons: Box<str>,
    },
    /// The caller asked for the work to stop.
    #[error("cancelled")]
    Cancelled,
    /// No worker thread could be started.
    #[error("no worker thread can be started: {reason}")]
    #[non_exhaustive]
    NoWorkers {
        /// What the operating system said.
        reason: Box<str>,
    },
}

impl Error {
    /// The stable code of this error, equal in every language.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidDigest { .. } => ErrorCode::InvalidDigest,
            Self::InvalidPlatform { .. } => ErrorCode::InvalidPlatform,
            Self::InvalidGlob { .. } => ErrorCode::InvalidGlob,
            Self::InvalidAmount { .. } => ErrorCode::InvalidAmount,
            Self::InvalidTime { .. } => ErrorCode::InvalidTime,
            Self::InvalidWindow { .. } => ErrorCode::InvalidWindow,
            Self::InvalidDocument { .. } => ErrorCode::InvalidDocument,
            Self::StalePlan { .. } => ErrorCode::StalePlan,
            Self::InvalidManifest { .. } => ErrorCode::InvalidManifest,
            Self::SeveralImages { .. } => ErrorCode::SeveralImages,
            Self::NoImage { .. } => ErrorCode::NoImage,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::NoWorkers { .. } => ErrorCode::NoWorkers,
        }
    }
}

/// Text from outside, made fit to be shown in a message: cut at 96 characters, control characters escaped.
pub fn shown(text: &str) -> Box<str> {
    let mut shown = shown_whole(&text.chars().take(96).collect::<String>());
    if text.chars().nth(96).is_some() {
        shown.push('…');
    }
    shown.into()
}

/// Text from outside as a whole, with control characters escaped, so that it cannot steer a terminal.
pub fn shown_whole(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        if is_harmful(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        shown
    })
}

/// Control characters, and those that turn the direction of the text around them.
fn is_harmful(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One table feeds the enum, its numbers, its names and `ALL`: they cannot drift apart.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal => $name:literal,)*) => {
        /// Stable identity of an error, the same in every language; numbers and names are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $variant = $number,)* }

        impl ErrorCode {
            /// Every code, for bindings to prove that they map each one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's name, e.g. `INVALID_DIGEST`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

error_codes! {
    /// See [`Error::InvalidDigest`].
    InvalidDigest = 1 => "INVALID_DIGEST",
    /// See [`Error::InvalidManifest`].
    InvalidManifest = 2 => "INVALID_MANIFEST",
    /// See [`Error::Cancelled`].
    Cancelled = 3 => "CANCELLED",
    /// See [`Error::InvalidPlatform`].
    InvalidPlatform = 4 => "INVALID_PLATFORM",
    /// See [`Error::NoWorkers`].
    NoWorkers = 5 => "NO_WORKERS",
    /// The text is not an image reference (`castline_sources::Error::InvalidReference`).
    InvalidReference = 6 => "INVALID_REFERENCE",
    /// A file or folder could not be read (`castline_sources::Error::Io`).
    Io = 7 => "IO",
    /// The source is of a kind that this build or version does not read
    /// (`castline_sources::Error::Unsupported`).
    Unsupported = 8 => "UNSUPPORTED",
    /// See [`Error::InvalidGlob`].
    InvalidGlob = 9 => "INVALID_GLOB",
    /// See [`Error::InvalidAmount`].
    InvalidAmount = 10 => "INVALID_AMOUNT",
    /// See [`Error::InvalidTime`].
    InvalidTime = 11 => "INVALID_TIME",
    /// See [`Error::InvalidWindow`].
    InvalidWindow = 12 => "INVALID_WINDOW",
    /// See [`Error::InvalidDocument`].
    InvalidDocument = 13 => "INVALID_DOCUMENT",
    /// See [`Error::StalePlan`].
    StalePlan = 14 => "STALE_PLAN",
    /// See [`Error::SeveralImages`].
    SeveralImages = 15 => "SEVERAL_IMAGES",
    /// See [`Error::NoImage`].
    NoImage = 16 => "NO_IMAGE",
    /// Bytes are not those that a digest announced (`castline_sources::Error::ContentMismatch`).
    ContentMismatch = 17 => "CONTENT_MISMATCH",
    /// A file changed while it was put into an image (`castline_sources::Error::SourceChanged`).
    SourceChanged = 18 => "SOURCE_CHANGED",
    /// An image that is to be built upon is not intact (`castline_sources::Error::NotIntact`).
    NotIntact = 19 => "NOT_INTACT",
    /// A registry wants to know who we are, or does not allow it (`castline_sources::Error::RegistryUnauthorized`).
    RegistryUnauthorized = 30 => "REGISTRY_UNAUTHORIZED",
    /// A registry has no such image, tag or blob (`castline_sources::Error::RegistryNotFound`).
    RegistryNotFound = 31 => "REGISTRY_NOT_FOUND",
    /// A registry cannot be reached or cannot answer for the moment (`castline_sources::Error::RegistryUnreachable`).
    RegistryUnreachable = 32 => "REGISTRY_UNREACHABLE",
    /// A registry does not do what it was asked, or does not keep to the protocol
    /// (`castline_sources::Error::RegistryRefused`).
    RegistryRefused = 33 => "REGISTRY_REFUSED",
    /// The credentials or certificates that were given cannot be used (`castline_sources::Error::InvalidCredentials`).
    InvalidCredentials = 34 => "INVALID_CREDENTIALS",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_screaming() {
        let mut numbers: Vec<u32> = ErrorCode::ALL.iter().map(|&code| code as u32).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.name().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code:?}");
        }
    }

    #[test]
    fn shown_text_is_short_and_harmless() {
        assert_eq!(&*shown("a\x1b[31m\u{202e}b"), "a\\u{1b}[31m\\u{202e}b");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 97);
    }
}
