//! JSON into values, more strictly than what serde derives: an object is an object, and what is wrong has a place.
//!
//! What is derived takes an array for an object, its elements for the members in the order in which somebody wrote them down in
//! Rust; and it says the line and column of a wrong value, which in a document of one line is no help. [`Strict`] stands
//! between serde's code and the reader of JSON: it asks for a map where serde asks for a struct, and notes on the way out of
//! an error by which members and elements it came ([`place::Place`]). Nothing is written down while all goes well.

mod access;
mod deserializer;
mod place;

use serde::{Deserialize, Deserializer, de};

use self::{
    deserializer::{Object, Strict},
    place::Place,
};

/// Reads a value from JSON as documents are read: only an object stands for an object. For what is no
/// [`Document`](crate::Document) of its own, such as an event.
///
/// # Errors
///
/// What is wrong, after its place: `strategy.canary: invalid type: map, expected a sequence at line 1 column 22`. An
/// element has its position in brackets, `budgets[0].maxSurge`. In what tells its variants apart by one of its members, such
/// as an event, the place is that of the whole.
pub fn from_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, String> {
    let place = Place::default();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(Strict::new(&mut reader, &place));
    value
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| place.take().map_or_else(|| error.to_string(), |place| format!("{place}: {error}")))
}

/// Reads a value as strictly from a reader that says itself where something is wrong, such as that of TOML.
///
/// # Errors
///
/// The reader's.
pub fn strictly<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<T, D::Error> {
    T::deserialize(Strict::new(reader, &Place::default()))
}

/// Reads a member of what serde buffers (enums that have a tag, what is flattened): its buffer is no reader of ours any more.
pub(crate) fn again<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    let place = Place::default();
    T::deserialize(Strict::new(deserializer, &place)).map_err(|error| match place.take() {
        // The buffer has no lines; the reader adds that of the whole.
        Some(place) => de::Error::custom(format!("{place}: {error}")),
        None => error,
    })
}

/// Reads an enum that has a tag, for which serde would take an array, too: the tag first, then the members.
pub(crate) fn tagged<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(Object(deserializer))
}

#[cfg(test)]
mod tests;
