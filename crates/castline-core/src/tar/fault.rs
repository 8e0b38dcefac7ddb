/// What is wrong with a tar. Each fault has the offset of the header that it concerns, in bytes from the tar's start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TarFault {
    /// The first block is not a header.
    #[error("it does not start with a tar header")]
    NotATar {
        /// Always 0.
        offset: u64,
    },
    /// A header breaks the format.
    #[error("the tar header at {offset} is malformed: {reason}")]
    BadHeader {
        /// Where the header is.
        offset: u64,
        /// Which rule it broke.
        reason: &'static str,
    },
    /// A number is none, is negative, or is too large.
    #[error("the tar header at {offset} has a bad {field}")]
    BadNumber {
        /// Where the header is.
        offset: u64,
        /// Which number.
        field: &'static str,
    },
    /// An extended header breaks the format.
    #[error("the PAX records for the tar header at {offset} are malformed: {reason}")]
    BadPax {
        /// Where the extended header is, or the entry to which its records apply.
        offset: u64,
        /// Which rule it broke.
        reason: &'static str,
    },
    /// The bytes end within an entry, or between an extended header and its entry.
    #[error("it ends within the entry of the tar header at {offset}")]
    Truncated {
        /// Where the header is, or its first bytes.
        offset: u64,
    },
    /// A limit was passed.
    #[error("the tar header at {offset} exceeds the limit {what} of {limit}")]
    LimitExceeded {
        /// Where the header is.
        offset: u64,
        /// The limit's name: `entries`, `pathBytes`, `extendedBytes`, `sparseSegments`.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
}

/// A fault whose place is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    Header(&'static str),
    Number(&'static str),
    Pax(&'static str),
    Limit(&'static str, u64),
}

impl Defect {
    pub(super) fn at(self, offset: u64) -> TarFault {
        match self {
            Self::Header(reason) => TarFault::BadHeader { offset, reason },
            Self::Number(field) => TarFault::BadNumber { offset, field },
            Self::Pax(reason) => TarFault::BadPax { offset, reason },
            Self::Limit(what, limit) => TarFault::LimitExceeded { offset, what, limit },
        }
    }
}

/// `LimitExceeded` when `count` is more than `limit`.
pub(super) fn within(count: usize, limit: u64, what: &'static str) -> Result<(), Defect> {
    if count as u64 > limit { Err(Defect::Limit(what, limit)) } else { Ok(()) }
}
