use std::fmt;

/// Which rule of RFC 1951 a stream breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Corrupt {
    /// Block type 3 (section 3.2.3).
    ReservedBlockType,
    /// A stored block's length and its complement do not match (section 3.2.4).
    StoredLength,
    /// A dynamic block announces more than 286 literal and length codes, or more than 30 distance codes.
    TooManyCodes,
    /// The code for the code lengths is over-subscribed or incomplete.
    CodeLengthCode,
    /// The first code length repeats the one before it.
    RepeatOfNothing,
    /// A repeated code length runs past the last code.
    RepeatTooLong,
    /// The block's code has no end of block.
    NoEndOfBlock,
    /// The code for literals and lengths is over-subscribed or incomplete.
    LiteralCode,
    /// The code for distances is over-subscribed or incomplete.
    DistanceCode,
    /// Bits that stand for no literal or length.
    InvalidLength,
    /// Bits that stand for no distance.
    InvalidDistance,
    /// A match begins before the first byte of the output.
    DistanceTooFar,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBlockType => "a block has the reserved type",
            Self::StoredLength => "a stored block's length does not match its complement",
            Self::TooManyCodes => "a block has too many literal, length or distance codes",
            Self::CodeLengthCode => "a block's code for code lengths is not a prefix code",
            Self::RepeatOfNothing => "a block's first code length is a repetition",
            Self::RepeatTooLong => "a block's repeated code length runs past its last code",
            Self::NoEndOfBlock => "a block's code has no end of block",
            Self::LiteralCode => "a block's code for literals and lengths is not a prefix code",
            Self::DistanceCode => "a block's code for distances is not a prefix code",
            Self::InvalidLength => "a code stands for no literal or length",
            Self::InvalidDistance => "a code stands for no distance",
            Self::DistanceTooFar => "a match begins before the start of the output",
        })
    }
}

impl std::error::Error for Corrupt {}
