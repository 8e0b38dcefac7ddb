use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

use crate::{Error, Result, error::shown};

/// The longest digest text that is read: beyond any registered algorithm, far below what could hurt.
const MAX_TEXT: usize = 512;

/// A content digest: algorithm and bytes. The only identity that counts.
///
/// The grammar is that of the OCI image specification (`descriptor.md`, *Digests*):
/// `algorithm ":" encoded`, lower case hexadecimal of the exact length for `sha256`, `sha384`, `sha512` and
/// `blake3`. A digest of any other algorithm parses when it fits the grammar, so that it can be named in a
/// report; it cannot be computed ([`Algorithm::is_supported`]). The text is safe as a part of a path: it holds
/// no separator and never a `.` alone.
///
/// ```
/// use castline_core::Digest;
///
/// let digest = Digest::of(b"hello");
/// assert_eq!(digest.to_string(), "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
/// assert_eq!(digest.to_string().parse::<Digest>()?, digest);
/// assert!("sha256:../../etc/passwd".parse::<Digest>().is_err());
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Repr);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Sha256([u8; 32]),
    // Rare, so they do not make every digest of a large tree larger.
    Sha384(Box<[u8; 48]>),
    Sha512(Box<[u8; 64]>),
    Blake3([u8; 32]),
    Other(Arc<str>),
}

/// A digest algorithm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256, the one that every implementation has.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE3 with 256 bits of output.
    Blake3,
    /// One that castline can name but not compute.
    Other(Box<str>),
}

impl Algorithm {
    /// The registered name, e.g. `sha256`.
    pub fn name(&self) -> &str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
            Self::Other(name) => name,
        }
    }

    /// Whether castline computes it.
    pub const fn is_supported(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Repr::Sha256(castline_sha256::Sha256::digest(bytes)))
    }

    /// The SHA-256 digest of these 32 bytes, which was computed elsewhere.
    pub const fn from_sha256(bytes: [u8; 32]) -> Self {
        Self(Repr::Sha256(bytes))
    }

    /// The digest of `bytes` by `algorithm`; `None` when castline does not compute that one.
    pub fn of_with(algorithm: &Algorithm, bytes: &[u8]) -> Option<Self> {
        let mut hasher = Hasher::new(algorithm)?;
        hasher.update(bytes);
        Some(hasher.finish())
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Repr::Sha256(_) => Algorithm::Sha256,
            Repr::Sha384(_) => Algorithm::Sha384,
            Repr::Sha512(_) => Algorithm::Sha512,
            Repr::Blake3(_) => Algorithm::Blake3,
            Repr::Other(text) => Algorithm::Other(text.split(':').next().unwrap_or_default().into()),
        }
    }

    /// What follows the colon: hexadecimal for the supported algorithms.
    pub fn encoded(&self) -> String {
        let text = self.to_string();
        text.split_once(':').map_or(String::new(), |(_, encoded)| encoded.into())
    }

    /// The first 12 characters of what follows the colon, as people shorten digests. Not an identity.
    pub fn short(&self) -> String {
        self.encoded().chars().take(12).collect()
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(input: &str) -> Result<Self> {
        let reject = |reason| Error::InvalidDigest { input: shown(input), reason };
        if input.len() > MAX_TEXT {
            return Err(reject("longer than 512 characters"));
        }
        let (algorithm, encoded) =
            input.split_once(':').ok_or_else(|| reject("no `:` after the algorithm"))?;
        let component = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !algorithm.split(['+', '.', '_', '-']).all(component) {
            return Err(reject("the algorithm is not of the form `[a-z0-9]+([+._-][a-z0-9]+)*`"));
        }
        Ok(Self(match algorithm {
            "sha256" => Repr::Sha256(hex(encoded).map_err(reject)?),
            "sha384" => Repr::Sha384(Box::new(hex(encoded).map_err(reject)?)),
            "sha512" => Repr::Sha512(Box::new(hex(encoded).map_err(reject)?)),
            "blake3" => Repr::Blake3(hex(encoded).map_err(reject)?),
            _ if encoded.is_empty() => return Err(reject("nothing after the `:`")),
            _ if encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte)) => {
                Repr::Other(input.into())
            }
            _ => return Err(reject("a character outside `[a-zA-Z0-9=_-]` after the `:`")),
        }))
    }
}

fn hex<const N: usize>(text: &str) -> Result<[u8; N], &'static str> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Err("upper case; the specification asks for lower case hexadecimal"),
        _ => Err("a character that is not lower case hexadecimal"),
    };
    if text.len() != 2 * N {
        return Err(match N {
            32 => "expected 64 hexadecimal characters after the `:`",
            48 => "expected 96 hexadecimal characters after the `:`",
            _ => "expected 128 hexadecimal characters after the `:`",
        });
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Ok(bytes)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes): (_, &[u8]) = match &self.0 {
            Repr::Sha256(bytes) => ("sha256", bytes),
            Repr::Sha384(bytes) => ("sha384", &bytes[..]),
            Repr::Sha512(bytes) => ("sha512", &bytes[..]),
            Repr::Blake3(bytes) => ("blake3", bytes),
            Repr::Other(text) => return f.pad(text),
        };
        let mut text = String::with_capacity(name.len() + 1 + 2 * bytes.len());
        text.push_str(name);
        text.push(':');
        for byte in bytes {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A content digest, `algorithm:encoded` (OCI image specification, descriptor.md).",
            "pattern": "^[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$",
        })
    }
}

/// A digest being computed over a stream.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(castline_sha256::Sha256),
    Sha384(Box<sha2::Sha384>),
    Sha512(Box<sha2::Sha512>),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Starts a digest; `None` when castline does not compute `algorithm`.
    pub fn new(algorithm: &Algorithm) -> Option<Self> {
        Some(Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(castline_sha256::Sha256::new()),
            Algorithm::Sha384 => State::Sha384(Box::default()),
            Algorithm::Sha512 => State::Sha512(Box::default()),
            Algorithm::Blake3 => State::Blake3(Box::default()),
            Algorithm::Other(_) => return None,
        }))
    }

    /// Takes in the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        Digest(match self.0 {
            State::Sha256(state) => Repr::Sha256(state.finalize()),
            State::Sha384(state) => Repr::Sha384(Box::new(state.finalize().into())),
            State::Sha512(state) => Repr::Sha512(Box::new(state.finalize().into())),
            State::Blake3(state) => Repr::Blake3(state.finalize().into()),
        })
    }

    /// Takes in the next bytes of two independent streams: on processors with SHA extensions, two SHA-256
    /// streams together cost little more than one.
    pub fn update_pair(left: &mut Self, left_bytes: &[u8], right: &mut Self, right_bytes: &[u8]) {
        match (&mut left.0, &mut right.0) {
            (State::Sha256(left), State::Sha256(right)) => {
                castline_sha256::update_pair(left, left_bytes, right, right_bytes);
            }
            _ => {
                left.update(left_bytes);
                right.update(right_bytes);
            }
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Sha256(_) => "Hasher(sha256)",
            State::Sha384(_) => "Hasher(sha384)",
            State::Sha512(_) => "Hasher(sha512)",
            State::Blake3(_) => "Hasher(blake3)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_algorithm_computes_its_published_value_of_abc() {
        for (algorithm, expected) in [
            (Algorithm::Sha256, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Algorithm::Sha384,
                "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                Algorithm::Sha512,
                "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (Algorithm::Blake3, "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
        ] {
            let digest = Digest::of_with(&algorithm, b"abc").expect("supported");
            assert_eq!(digest.to_string(), expected);
            assert_eq!(digest.algorithm(), algorithm);
        }
        assert_eq!(Digest::of_with(&Algorithm::Other("md5".into()), b"abc"), None);
    }

    #[test]
    fn unknown_algorithms_are_named_and_not_supported() {
        let digest: Digest =
            "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8".parse().expect("ok");
        assert_eq!(digest.algorithm(), Algorithm::Other("multihash+base58".into()));
        assert!(!digest.algorithm().is_supported());
        assert_eq!(digest.short(), "QmRZxt2b1FVZ");
    }

    proptest! {
        #[test]
        fn text_round_trips(bytes in any::<Vec<u8>>(), pick in 0..4usize) {
            let algorithm = [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512, Algorithm::Blake3][pick].clone();
            let digest = Digest::of_with(&algorithm, &bytes).expect("supported");
            prop_assert_eq!(digest.to_string().parse::<Digest>().expect("own text"), digest);
        }

        #[test]
        fn parsing_never_panics_and_keeps_what_it_accepts(text in "[a-z0-9+._:=A-Z/-]{0,80}|.*") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
