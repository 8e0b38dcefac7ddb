use std::fmt;

/// Why a driver could not do what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// Asking again may help: the platform is busy, or cannot be reached.
    #[error("{message}")]
    #[non_exhaustive]
    Temporary {
        /// What failed, where, and what the platform said.
        message: Box<str>,
    },
    /// Asking again will not help: the platform refuses, or cannot do such a thing.
    #[error("{message}")]
    #[non_exhaustive]
    Permanent {
        /// What failed, where, and what the platform said.
        message: Box<str>,
    },
}

impl DriverError {
    /// What may pass by itself.
    pub fn temporary(message: impl fmt::Display) -> Self {
        Self::Temporary { message: message.to_string().into() }
    }

    /// What will not.
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self::Permanent { message: message.to_string().into() }
    }

    /// Whether asking again may help.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary { .. })
    }
}
