use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result, error::shown};

/// What an image runs on: operating system, architecture and, where there are several, its variant.
///
/// Names are Go's `GOOS` and `GOARCH`, as the OCI image index asks; common others (`x86_64`, `aarch64`, `armhf` …)
/// are folded into them, and a variant that is the default of its architecture is left out: `arm64/v8` is
/// `arm64`, `amd64/v1` is `amd64`, while `arm` is `arm/v7` (the rules of containerd's `platforms` package). So
/// two platforms are equal exactly when an image for the one is an image for the other.
///
/// ```
/// use castline_core::Platform;
///
/// let asked: Platform = "linux/aarch64".parse()?;
/// assert_eq!(asked, Platform::new("linux", "arm64", Some("v8"))?);
/// assert_ne!(asked, "linux/arm/v7".parse()?);
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: Box<str>,
    architecture: Box<str>,
    variant: Option<Box<str>>,
}

impl Platform {
    /// Makes a platform of its parts, normalised.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPlatform`] when a part is empty or has a character outside `[A-Za-z0-9_.-]`.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Result<Self> {
        let variant = variant.filter(|variant| !variant.is_empty());
        let parts = [Some(os), Some(architecture), variant];
        let reject = |reason| {
            let text = parts.iter().flatten().copied().collect::<Vec<_>>().join("/");
            Error::InvalidPlatform { input: shown(&text), reason }
        };
        for part in parts.into_iter().flatten() {
            if part.is_empty() {
                return Err(reject("an empty part"));
            }
            if !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
                return Err(reject("a character outside `[A-Za-z0-9_.-]`"));
            }
        }
        let os = match os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".into(),
            other => other.into(),
        };
        let (architecture, variant) = normalised(architecture, variant);
        Ok(Self { os, architecture, variant })
    }

    /// The operating system, e.g. `linux`.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The architecture, e.g. `arm64`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The variant where it is not the architecture's default, e.g. `v7`.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// Whether it is `unknown/unknown`, which marks an attestation in an index (BuildKit).
    pub fn is_unknown(&self) -> bool {
        &*self.os == "unknown" && &*self.architecture == "unknown"
    }
}

fn normalised(architecture: &str, variant: Option<&str>) -> (Box<str>, Option<Box<str>>) {
    let architecture = architecture.to_ascii_lowercase();
    let variant = variant.map(str::to_ascii_lowercase);
    let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
        ("i386", _) => ("386", None),
        ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64", None),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", None | Some("8" | "v8" | "v8.0")) => ("arm64", None),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) | ("arm", None | Some("7")) => ("arm", Some("v7")),
        ("armel", _) | ("arm", Some("6")) => ("arm", Some("v6")),
        ("arm", Some("5")) => ("arm", Some("v5")),
        ("arm", Some("8")) => ("arm", Some("v8")),
        other => other,
    };
    (architecture.into(), variant.map(Into::into))
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(input: &str) -> Result<Self> {
        let reject = |reason| Error::InvalidPlatform { input: shown(input), reason };
        match *input.split('/').collect::<Vec<_>>() {
            [os, architecture] => Self::new(os, architecture, None),
            [_, _, ""] => Err(reject("an empty part")),
            [os, architecture, variant] => Self::new(os, architecture, Some(variant)),
            [_] => Err(reject("no `/`")),
            _ => Err(reject("more than three parts")),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}/{}", self.os, self.architecture);
        if let Some(variant) = &self.variant {
            text.push('/');
            text.push_str(variant);
        }
        f.pad(&text)
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Platform {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Platform".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`os/architecture[/variant]`, normalised, e.g. `linux/arm/v7`.",
            "pattern": "^[a-z0-9_.-]+/[a-z0-9_.-]+(/[a-z0-9_.-]+)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm_v7_is_not_arm64_v8() {
        let parse = |text: &str| text.parse::<Platform>().expect("valid");
        assert_ne!(parse("linux/arm/v7"), parse("linux/arm64/v8"));
        assert_ne!(parse("linux/arm/v7"), parse("linux/arm/v6"));
        assert_eq!(parse("linux/arm"), parse("linux/arm/v7"));
        assert_eq!(parse("linux/arm64"), parse("linux/arm64/v8"));
        assert_ne!(parse("linux/arm64/v9"), parse("linux/arm64"));
        assert_ne!(parse("linux/amd64/v3"), parse("linux/amd64"));
    }
}
