use std::{borrow::Cow, fmt};

use castline_core::{Descriptor, shown};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An `index.json` whose parts that are not touched stay as they were written, in the order in which they were.
pub(crate) struct IndexFile {
    members: Members,
    manifests: Vec<Box<RawValue>>,
}

/// The members of an object, in order, each name once.
struct Members(Vec<(String, Box<RawValue>)>);

/// What tells an entry from others.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(default)]
    annotations: Option<serde_json::Map<String, serde_json::Value>>,
}

impl IndexFile {
    /// One without manifests.
    pub(crate) fn empty() -> String {
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#.into()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let members: Members = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut manifests = Vec::new();
        for (name, value) in &members.0 {
            if name == "manifests" {
                let read: Option<Vec<Box<RawValue>>> = serde_json::from_str(value.get())
                    .map_err(|error| format!("`manifests` is not a list: {error}"))?;
                manifests = read.unwrap_or_default();
            } else if name.eq_ignore_ascii_case("manifests") {
                // Other readers take it for the list.
                return Err(format!("`{}` is written for `manifests`", shown(name)));
            }
        }
        Ok(Self { members, manifests })
    }

    /// Puts an entry where the one stood that it replaces, else at the end.
    pub(super) fn put(&mut self, name: Option<&str>, descriptor: &Descriptor) -> Result<(), String> {
        let mut descriptor = descriptor.clone();
        if let Some(name) = name {
            descriptor.annotations.insert(REF_NAME.into(), name.into());
        }
        let name = descriptor.annotations.get(REF_NAME).map(String::as_str);
        let digest = descriptor.digest.to_string();
        let entry = serde_json::value::to_raw_value(&descriptor).map_err(|error| error.to_string())?;
        let mut kept = Vec::with_capacity(self.manifests.len() + 1);
        let mut place = None;
        for (position, manifest) in self.manifests.iter().enumerate() {
            let read = entry_at(position, manifest)?;
            let theirs =
                read.annotations.as_ref().and_then(|annotations| annotations.get(REF_NAME)?.as_str());
            let replaced = match name {
                Some(_) => theirs == name,
                None => theirs.is_none() && read.digest == digest,
            };
            if replaced {
                place.get_or_insert(kept.len());
            } else {
                kept.push(manifest.clone());
            }
        }
        kept.insert(place.unwrap_or(kept.len()), entry);
        self.manifests = kept;
        Ok(())
    }

    /// Puts an entry at the end; false where there is one of its digest.
    #[cfg(feature = "registry")]
    pub(crate) fn add(&mut self, descriptor: &Descriptor) -> Result<bool, String> {
        let digest = descriptor.digest.to_string();
        for (position, manifest) in self.manifests.iter().enumerate() {
            if entry_at(position, manifest)?.digest == digest {
                return Ok(false);
            }
        }
        let entry = serde_json::value::to_raw_value(descriptor).map_err(|error| error.to_string())?;
        self.manifests.push(entry);
        Ok(true)
    }

    pub(crate) fn to_text(&self) -> String {
        let entries: Vec<&str> = self.manifests.iter().map(|manifest| manifest.get()).collect();
        let manifests = format!("[{}]", entries.join(","));
        let mut members: Vec<String> = Vec::new();
        let mut listed = false;
        for (name, value) in &self.members.0 {
            let is_list = name == "manifests";
            listed |= is_list;
            let value = if is_list { &manifests } else { value.get() };
            members.push(format!("{}:{value}", serde_json::Value::from(name.as_str())));
        }
        if !listed {
            members.push(format!(r#""manifests":{manifests}"#));
        }
        format!("{{{}}}", members.join(","))
    }
}

fn entry_at(position: usize, manifest: &RawValue) -> Result<Entry<'_>, String> {
    serde_json::from_str(manifest.get())
        .map_err(|error| format!("manifests[{position}] is no descriptor: {error}"))
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members: Vec<(String, Box<RawValue>)> = Vec::new();
                while let Some((name, value)) = access.next_entry::<String, Box<RawValue>>()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom(format!("the key `{}` stands twice", shown(&name))));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use castline_core::Digest;

    use super::*;

    fn descriptor(content: &str) -> Descriptor {
        Descriptor::new("application/vnd.oci.image.manifest.v1+json", Digest::of(content.as_bytes()), 3)
    }

    #[test]
    fn what_is_not_touched_stays_as_it_was_written() {
        let text = r#"{ "x-b" : [1.0, {"b":1,"a":2}], "manifests":[ {"digest":"sha256:00", "size":1e0, "z":null} ],"x-a":"é"}"#;
        let mut index = IndexFile::parse(text.as_bytes()).expect("reads");
        index.put(Some("v1"), &descriptor("one")).expect("puts");
        index.put(Some("v2"), &descriptor("one")).expect("puts");
        index.put(Some("v1"), &descriptor("two")).expect("puts");
        let written = index.to_text();
        let entry = |name: &str, content: &str| {
            let digest = Digest::of(content.as_bytes());
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":3,"annotations":{{"{REF_NAME}":"{name}"}}}}"#
            )
        };
        let expected = format!(
            r#"{{"x-b":[1.0, {{"b":1,"a":2}}],"manifests":[{{"digest":"sha256:00", "size":1e0, "z":null}},{},{}],"x-a":"é"}}"#,
            entry("v1", "two"),
            entry("v2", "one")
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn an_entry_without_a_name_stands_once() {
        let mut index = IndexFile::parse(IndexFile::empty().as_bytes()).expect("reads");
        for _ in 0..2 {
            index.put(None, &descriptor("one")).expect("puts");
            index.put(Some("v1"), &descriptor("one")).expect("puts");
        }
        assert_eq!(index.manifests.len(), 2);
    }

    #[test]
    fn what_readers_may_read_in_two_ways_is_not_written_to() {
        for text in ["", "[]", r#"{"a":1,"a":2}"#, r#"{"Manifests":[]}"#, r#"{"manifests":{}}"#, "\u{feff}{}"]
        {
            assert!(IndexFile::parse(text.as_bytes()).is_err(), "{text}");
        }
        let mut index = IndexFile::parse(br#"{"manifests":[7]}"#).expect("reads");
        assert!(index.put(None, &descriptor("one")).is_err());
    }
}
