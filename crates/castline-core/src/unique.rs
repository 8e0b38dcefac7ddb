//! Maps out of JSON whose keys stand once. Of two values under one key, one reader takes the first and another the last.

use std::{collections::BTreeMap, fmt, marker::PhantomData, sync::Arc};

use serde::{Deserialize, Deserializer, de};

struct Unique<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> de::Visitor<'de> for Visitor<V> {
            type Value = BTreeMap<String, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map whose keys stand once")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = access.next_entry::<String, V>()? {
                    if map.contains_key(&key) {
                        let key = crate::error::shown(&key);
                        return Err(de::Error::custom(format!("the key `{key}` stands twice")));
                    }
                    map.insert(key, value);
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(Visitor(PhantomData)).map(Self)
    }
}

pub(crate) fn map<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
    Unique::deserialize(deserializer).map(|unique| unique.0)
}

pub(crate) fn shared<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<Arc<BTreeMap<String, V>>, D::Error> {
    map(deserializer).map(Arc::new)
}

pub(crate) fn option<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, V>>, D::Error> {
    Option::<Unique<V>>::deserialize(deserializer).map(|unique| unique.map(|unique| unique.0))
}

#[cfg(test)]
mod tests {
    use crate::{Document as _, Fleet, Release, plan::Plan};

    #[test]
    fn a_key_that_stands_twice_is_refused_wherever_a_document_has_a_map() {
        let image = r#"{"provider":{"provider":"aws","id":"ami-1","provenance":{"a":"b"}}}"#;
        let release = |spec: &str| {
            let text = format!(r#"{{"service":"web","replicas":1,"image":{image},"spec":{spec}}}"#);
            Release::from_json(text.as_bytes())
        };
        assert!(release(r#"{"env":{"A":"1","B":"1"},"mounts":{"/data":{"source":"data"}}}"#).is_ok());
        for spec in [
            r#"{"env":{"A":"1","A":"2"}}"#,
            r#"{"labels":{"A":"1","A":"2"}}"#,
            r#"{"mounts":{"/a":{},"/a":{}}}"#,
            r#"{"environment":{}}"#,
            r#"{"mounts":{"/a":{"readonly":true}}}"#,
        ] {
            assert!(release(spec).is_err(), "{spec}");
        }
        let fleet = r#"{"service":"web","instances":[{"id":"a","labels":{"x":"1","x":"2"}}]}"#;
        assert!(
            Fleet::from_json(fleet.as_bytes()).expect_err("refused").to_string().contains("`x` stands twice")
        );
        let plan = r#"{"version":1,"services":[],"services":[],"limits":[],"stages":[]}"#;
        assert!(Plan::from_json(plan.as_bytes()).is_err());
    }
}
