//! Secrets by reference: what documents say of a value that they must not hold.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    InstanceSpec,
    declared::{NO_NAME, is_name},
};
use crate::error::shown;

/// Where the value of a variable comes from that is a secret, on the machine of the driver, when an instance is launched.
/// Documents, digests, plans, ledgers and labels have this reference only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SecretSource {
    /// A variable of the process that runs castline.
    Env(String),
    /// What is in a file, by its whole path; a line feed at its end is cut off.
    File(String),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

/// By hand, since the errors of what is derived show the text that stands where a reference should: somebody's secret.
impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = SecretSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"where a secret comes from: `{"env": NAME}` or `{"file": PATH}`"#)
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
                Err(de::Error::invalid_type(de::Unexpected::Other("a text"), &self))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let source = match access.next_key::<String>()?.as_deref() {
                    Some("env") => SecretSource::Env(access.next_value()?),
                    Some("file") => SecretSource::File(access.next_value()?),
                    _ => return Err(de::Error::invalid_type(de::Unexpected::Other("something else"), &self)),
                };
                match access.next_key::<de::IgnoredAny>()? {
                    None => Ok(source),
                    Some(_) => Err(de::Error::invalid_type(de::Unexpected::Other("more than that"), &self)),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl SecretSource {
    fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Env(name) if !is_name(name) => Some(NO_NAME),
            Self::File(path) if !path.starts_with('/') || path.contains('\0') => {
                Some("a file is named by its whole path, which begins with `/`, and has no NUL in it")
            }
            _ => None,
        }
    }
}

/// Checks names and references of secrets, and that none has a value in plain text beside it.
pub(super) fn check(
    secrets: &BTreeMap<String, SecretSource>,
    env: Option<&BTreeMap<String, String>>,
) -> Result<(), String> {
    for (name, source) in secrets {
        let named = shown(name);
        if !is_name(name) {
            return Err(format!("the secret `{named}`: {NO_NAME}"));
        }
        if env.is_some_and(|env| env.contains_key(name)) {
            return Err(format!("the variable `{named}` is in `env` and in `secrets`: take it out of one"));
        }
        if let Some(fault) = source.fault() {
            return Err(format!("the secret `{named}` from `{}`: {fault}", shown(&source.to_string())));
        }
    }
    Ok(())
}

impl InstanceSpec {
    /// The variables with a value in plain text that are called like secrets ([`names_a_secret`]).
    pub fn plain_secrets(&self) -> impl Iterator<Item = &str> {
        self.env.iter().flatten().map(|(name, _)| name.as_str()).filter(|name| names_a_secret(name))
    }
}

/// Whether a variable is called like a secret, such as `DB_PASSWORD` or `API_KEY`. One that ends in `_FILE` says where a secret is, and is
/// none.
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let one = |word: &&str| {
        let word = word.strip_suffix('S').unwrap_or(word);
        matches!(word, "PASSWORD" | "SECRET" | "TOKEN" | "CREDENTIAL" | "APIKEY")
    };
    let two = |pair: &[&str]| matches!(pair, ["API" | "PRIVATE", "KEY" | "KEYS"]);
    words.last() != Some(&"FILE") && (words.iter().any(one) || words.windows(2).any(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_reference_is_refused_and_not_shown() {
        let read = |json: &str| serde_json::from_str::<SecretSource>(json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"env":"HERE"}"#), Ok(SecretSource::Env("HERE".into())));
        assert_eq!(read(r#"{"file":"/run/x"}"#), Ok(SecretSource::File("/run/x".into())));
        for json in [r#""hunter2""#, r#"{"value":"hunter2"}"#, r#"{"env":"A","file":"hunter2"}"#, "{}", "7"] {
            let error = read(json).expect_err(json);
            assert!(error.contains("where a secret comes from") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn names_of_secrets_are_known_by_their_words() {
        let names = [
            ("DB_PASSWORD", true),
            ("db-password", true),
            ("TOKEN", true),
            ("GITHUB_TOKENS", true),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("STRIPE_API_KEY", true),
            ("TLS_PRIVATE_KEY", true),
            ("GOOGLE_CREDENTIALS", true),
            ("KEY", false),
            ("PUBLIC_KEY", false),
            ("SECRETARY", false),
            ("TOKENIZER", false),
            ("DB_PASSWORD_FILE", false),
            ("PORT", false),
        ];
        let env = names.map(|(name, _)| (name.to_owned(), "x".to_owned())).into();
        let spec = InstanceSpec { env: Some(env), ..InstanceSpec::default() };
        let found: Vec<&str> = spec.plain_secrets().collect();
        let mut expected: Vec<&str> = names.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
