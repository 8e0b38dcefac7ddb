use serde::Serialize;
use serde_json::Value;

use crate::shown;

/// A field that two documents fill differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FieldDifference {
    /// `manifest` or `config`.
    pub document: &'static str,
    /// Where, e.g. `config.Env[0]`; empty where what the documents say is the same and only their bytes differ.
    pub path: String,
    /// What the first says, as JSON; cut where it is long, absent where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// What the second says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
}

/// What follows from the layers, which are compared by themselves.
const FOLLOWS: &[&str] = &["manifest.layers", "manifest.config", "config.rootfs"];

pub(super) fn differences(document: &'static str, first: &[u8], second: &[u8]) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    let parse = |bytes| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let (one, other) = (parse(first), parse(second));
    if one != other {
        walk(document, "", Some(&one), Some(&other), &mut found);
    } else if first != second {
        // White space, or the order of keys.
        let bytes = |bytes: &[u8]| Some(format!("{} bytes", bytes.len()));
        let (first, second) = (bytes(first), bytes(second));
        found.push(FieldDifference { document, path: String::new(), first, second });
    }
    found
}

fn walk(
    document: &'static str,
    path: &str,
    first: Option<&Value>,
    second: Option<&Value>,
    found: &mut Vec<FieldDifference>,
) {
    if first == second || FOLLOWS.contains(&format!("{document}.{path}").as_str()) {
        return;
    }
    match (first, second) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(document, &below, one.get(key), other.get(key), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for at in 0..one.len().max(other.len()) {
                walk(document, &format!("{path}[{at}]"), one.get(at), other.get(at), found);
            }
        }
        _ => {
            let text = |value: Option<&Value>| value.map(|value| shown(&value.to_string()).into_string());
            let (first, second) = (text(first), text(second));
            found.push(FieldDifference { document, path: path.to_owned(), first, second });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_by_their_place() {
        let one = br#"{"created":"a","config":{"Env":["A=1","B=2"]},"rootfs":{"diff_ids":["x"]}}"#;
        let other = br#"{"created":"b","config":{"Env":["A=1"],"User":"7"},"rootfs":{"diff_ids":["y"]}}"#;
        let found = differences("config", one, other);
        let paths: Vec<_> = found.iter().map(|field| &*field.path).collect();
        assert_eq!(paths, ["config.Env[1]", "config.User", "created"]);
        assert_eq!((found[0].first.as_deref(), found[0].second.as_deref()), (Some("\"B=2\""), None));
        let found = differences("config", b"{\"a\":1}", b"{ \"a\":1}");
        assert_eq!((found.len(), &*found[0].path), (1, ""));
        assert_eq!(differences("config", one, one), []);
    }
}
