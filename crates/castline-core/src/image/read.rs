//! Reading the fields of a document's objects: lenient where the world varies, strict where it protects.

use std::collections::BTreeMap;

use crate::{
    error::shown,
    json::Json,
    verify::{Finding, FindingCode},
};

/// Findings of one document, which can be all commas.
const MAX_FINDINGS: usize = 1_000;

/// The members of one object, read with findings instead of failures.
pub(crate) struct Fields<'a, 'f> {
    json: &'a Json,
    place: &'a str,
    pub(crate) findings: &'f mut Vec<Finding>,
}

impl<'a, 'f> Fields<'a, 'f> {
    /// The object at `place`, whose known keys are `keys`; `None`, with a finding, when it is no object.
    pub(crate) fn new(
        json: &'a Json,
        place: &'a str,
        keys: &[&'static str],
        findings: &'f mut Vec<Finding>,
    ) -> Option<Self> {
        let mut fields = Self { json, place, findings };
        if !matches!(json, Json::Object(_)) {
            fields.wrong_type("", "an object", json);
            return None;
        }
        for (written, meant) in json.case_variants(keys) {
            let message =
                format!("{place} has the key `{}`, which some readers take for `{meant}`", shown(written));
            fields.report(
                Finding::error(FindingCode::JsonCaseVariantKey, message).with_values(meant, shown(written)),
            );
        }
        Some(fields)
    }

    /// Adds a finding that this object is responsible for. Past a thousand in one document, that is the last one.
    pub(crate) fn report(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding.with_reference(self.place));
        } else if self.findings.len() == MAX_FINDINGS {
            let message = format!("more than {MAX_FINDINGS} things are wrong with {}", self.place);
            let finding = Finding::error(FindingCode::LimitExceeded, message);
            self.findings.push(
                finding.with_values(format!("findings <= {MAX_FINDINGS}"), "more").with_reference(self.place),
            );
        }
    }

    /// Whether so much is wrong that reading on is of no use.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.findings.len() > MAX_FINDINGS
    }

    /// The member `key`, unless it is absent or null.
    pub(crate) fn member(&self, key: &str) -> Option<&'a Json> {
        self.json.member(key)
    }

    /// Whether the key is written at all, be it with a null.
    pub(crate) fn has(&self, key: &str) -> bool {
        matches!(self.json, Json::Object(members) if members.iter().any(|(name, _)| name == key))
    }

    /// Whether a key is written that some readers take for `key`.
    pub(crate) fn has_variant(&self, key: &'static str) -> bool {
        !self.json.case_variants(&[key]).is_empty()
    }

    /// Whether the member `key` is the number `value`.
    pub(crate) fn is_number(&self, key: &str, value: u64) -> bool {
        matches!(self.member(key), Some(Json::Number(number)) if number.as_u64() == Some(value))
    }

    /// A text; another type is a finding and reads as absent.
    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        match self.member(key)? {
            Json::String(text) => Some(text.clone()),
            other => {
                self.wrong_type(key, "a string", other);
                None
            }
        }
    }

    /// A list; another type is a finding and reads as absent.
    pub(crate) fn list(&mut self, key: &str) -> Option<&'a [Json]> {
        match self.member(key)? {
            Json::Array(items) => Some(items),
            other => {
                self.wrong_type(key, "an array", other);
                None
            }
        }
    }

    /// A list of texts; what is no text is a finding and left out.
    pub(crate) fn texts(&mut self, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(key).unwrap_or_default() {
            match item.text() {
                Some(text) => texts.push(text.to_owned()),
                None => self.wrong_type(key, "an array of strings", item),
            }
        }
        texts
    }

    /// Texts by key; what is no text is a finding and left out.
    pub(crate) fn texts_by_key(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        match self.member(key) {
            None => {}
            Some(Json::Object(members)) => {
                for (name, value) in members {
                    match value.text() {
                        Some(text) => {
                            texts.insert(name.clone(), text.to_owned());
                        }
                        None => self.wrong_type(key, "an object of strings", value),
                    }
                }
            }
            Some(other) => self.wrong_type(key, "an object", other),
        }
        texts
    }

    fn wrong_type(&mut self, key: &str, expected: &str, actual: &Json) {
        let dot = if key.is_empty() { "" } else { "." };
        let message = format!("{}{dot}{key} is {}, not {expected}", self.place, actual.kind());
        self.report(
            Finding::error(FindingCode::ManifestMalformed, message).with_values(expected, actual.kind()),
        );
    }
}
