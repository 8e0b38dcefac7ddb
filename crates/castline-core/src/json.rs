//! Reading JSON strictly: one document must have one reading.
//!
//! Two parsers that disagree about a duplicate key, a case variant or a byte-order mark can be shown two images
//! under one digest (CVE-2021-41190 is of that class), so each of these is refused, with its position.

use std::{cell::Cell, collections::HashSet, fmt};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::verify::{Finding, FindingCode};

/// How deep arrays and objects may nest. Image documents use six levels; the limit keeps the stack bounded.
const MAX_DEPTH: u32 = 64;

/// A JSON value as it was written: key order and number form kept, keys unique.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The JSON name of its type, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The member `key`; a `null` counts as absent, as in Go's and most readers.
    pub(crate) fn member(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value)
                .filter(|value| **value != Self::Null),
            _ => None,
        }
    }

    /// Keys that Go's case-insensitive reader would take for one of `known`, though they are written otherwise.
    pub(crate) fn case_variants<'a>(&'a self, known: &[&'static str]) -> Vec<(&'a str, &'static str)> {
        let Self::Object(members) = self else { return Vec::new() };
        let mut variants = Vec::new();
        for (name, _) in members {
            if known.contains(&name.as_str()) {
                continue;
            }
            let folded = folded(name);
            if let Some(meant) = known.iter().find(|key| key.to_ascii_lowercase() == folded) {
                variants.push((name.as_str(), *meant));
            }
        }
        variants
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Folds case the way Go's `encoding/json` does: ASCII, and the two letters beyond it that fold into ASCII.
pub(crate) fn folded(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// Why bytes are not one JSON document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonFault {
    pub(crate) code: FindingCode,
    pub(crate) message: String,
}

impl JsonFault {
    /// The finding about the document at `place`.
    pub(crate) fn finding(self, place: &str) -> Finding {
        Finding::error(self.code, format!("{place}: {}", self.message))
    }
}

/// Reads one document that must be an object.
pub(crate) fn object(bytes: &[u8]) -> Result<Json, JsonFault> {
    let json = value(bytes)?;
    match json {
        Json::Object(_) => Ok(json),
        other => Err(JsonFault {
            code: FindingCode::JsonNotObject,
            message: format!("the document is {}, not an object", other.kind()),
        }),
    }
}

/// Reads one document of any type.
pub(crate) fn value(bytes: &[u8]) -> Result<Json, JsonFault> {
    let fault = |code, message: String| JsonFault { code, message };
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(fault(FindingCode::JsonBom, "the document starts with a byte-order mark".into()));
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        let message = format!("the document is not UTF-8 at byte {}", error.valid_up_to());
        return Err(fault(FindingCode::JsonInvalidUtf8, message));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(fault(FindingCode::JsonInvalid, "the document is empty".into()));
    }
    let refused = Cell::new(FindingCode::JsonInvalid);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Strict { depth: 0, refused: &refused }
        .deserialize(&mut deserializer)
        .and_then(|json| deserializer.end().map(|()| json))
        .map_err(|error| fault(refused.get(), error.to_string()))
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: u32,
    refused: &'a Cell<FindingCode>,
}

impl Strict<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            self.refused.set(FindingCode::JsonTooDeep);
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        serde_json::Number::from_f64(value)
            .map(Json::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let deeper = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(deeper)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let deeper = self.deeper()?;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = access.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                self.refused.set(FindingCode::JsonDuplicateKey);
                return Err(de::Error::custom(format!(
                    "the key `{}` stands twice",
                    crate::error::shown(&key)
                )));
            }
            let value = access.next_value_seed(deeper)?;
            members.push((key, value));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_refusal_has_its_code() {
        let deep = "[".repeat(70) + &"]".repeat(70);
        let very_deep = "{\"a\":".repeat(100_000);
        for (text, code) in [
            (&b""[..], FindingCode::JsonInvalid),
            (b" \n", FindingCode::JsonInvalid),
            (b"{} {}", FindingCode::JsonInvalid),
            (b"{\"a\":1,}", FindingCode::JsonInvalid),
            (b"{\"a\":01}", FindingCode::JsonInvalid),
            (b"{\"a\":NaN}", FindingCode::JsonInvalid),
            (b"{\"a\":\"\\ud800\"}", FindingCode::JsonInvalid),
            (b"\xef\xbb\xbf{}", FindingCode::JsonBom),
            (b"{\"a\":\"\xff\"}", FindingCode::JsonInvalidUtf8),
            (b"[]", FindingCode::JsonNotObject),
            (b"\"{}\"", FindingCode::JsonNotObject),
            (b"{\"a\":1,\"b\":{\"c\":1,\"\\u0063\":2}}", FindingCode::JsonDuplicateKey),
            (deep.as_bytes(), FindingCode::JsonTooDeep),
            (very_deep.as_bytes(), FindingCode::JsonTooDeep),
        ] {
            assert_eq!(object(text).expect_err("refused").code, code, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn faults_say_where() {
        let fault = object(b"{\n \"a\": 1,\n \"a\": 2}").expect_err("refused");
        assert!(fault.message.contains("line 3"), "{}", fault.message);
    }

    #[test]
    fn case_variants_fold_as_go_does() {
        let json = object("{\"Layers\":1,\"layerſ\":2,\"layers\":3,\"other\":4}".as_bytes()).expect("valid");
        assert_eq!(json.case_variants(&["layers"]), [("Layers", "layers"), ("layerſ", "layers")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_a_fault(bytes in any::<Vec<u8>>()) {
            let _ = value(&bytes);
        }
    }
}
