//! One form for each value, and the digest of that form.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Digest, Error, Result, error::shown_whole, strict};

/// A value with one form in bytes, the same in every language and on every run.
///
/// The form is the JSON Canonicalization Scheme (RFC 8785): no white space, keys sorted by their UTF-16 code
/// units, one way to write each string and number. The value's digest is the SHA-256 of that form, so whoever
/// has the document can compute it with any JCS library.
pub trait Document: Serialize + DeserializeOwned {
    /// What it is called in messages, e.g. `policy`.
    const KIND: &'static str;

    /// What the types cannot say, checked after reading.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    fn validate(&self) -> std::result::Result<(), String> {
        Ok(())
    }

    /// Its canonical form.
    ///
    /// # Panics
    ///
    /// Never for the documents of castline: they have no key that is no string and no number that is not finite.
    fn to_canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("castline's documents can be written as JSON")
    }

    /// The digest of its canonical form: its identity.
    fn digest(&self) -> Digest {
        Digest::of(&self.to_canonical())
    }

    /// Its form for people: indented JSON.
    ///
    /// # Panics
    ///
    /// As [`Self::to_canonical`].
    fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("castline's documents can be written as JSON")
    }

    /// Reads it from JSON in any form.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`] with the place of what is wrong, and the line and column where it is none of its meaning: as
    /// [`from_json`](crate::from_json).
    fn from_json(bytes: &[u8]) -> Result<Self> {
        let invalid = |reason| invalid(Self::KIND, reason);
        let value: Self = strict::from_json(bytes).map_err(invalid)?;
        value.validate().map_err(invalid)?;
        Ok(value)
    }
}

/// Why a document is not what it should be, without the words around it.
pub(crate) fn reason_of(error: &Error) -> Box<str> {
    match error {
        Error::InvalidDocument { reason, .. } => reason.clone(),
        other => other.to_string().into(),
    }
}

/// A document that is not what it should be; the reason is cut where it quotes too much.
pub(crate) fn invalid(what: &'static str, reason: impl AsRef<str>) -> Error {
    let reason: String = reason.as_ref().chars().take(400).collect();
    Error::InvalidDocument { what, reason: shown_whole(&reason).into() }
}
