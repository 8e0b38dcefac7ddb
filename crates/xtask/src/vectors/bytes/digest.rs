//! Digest texts, by crates that castline's own hashing does not go through.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The algorithms that are registered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
    Blake3,
}

/// `algorithm:hex` of `bytes`.
pub(crate) fn by(algorithm: Algorithm, bytes: &[u8]) -> String {
    match algorithm {
        Algorithm::Sha256 => text("sha256", &Sha256::digest(bytes)),
        Algorithm::Sha384 => text("sha384", &Sha384::digest(bytes)),
        Algorithm::Sha512 => text("sha512", &Sha512::digest(bytes)),
        Algorithm::Blake3 => text("blake3", blake3::hash(bytes).as_bytes()),
    }
}

/// `sha256:hex` of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> String {
    by(Algorithm::Sha256, bytes)
}

/// What follows the colon.
pub(crate) fn encoded(digest: &str) -> &str {
    digest.split_once(':').map_or(digest, |(_, encoded)| encoded)
}

/// `algorithm:` and the bytes in hexadecimal.
pub(crate) fn text(algorithm: &str, bytes: &[u8]) -> String {
    let mut text = format!("{algorithm}:");
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_digests_of_abc_come_out() {
        for (algorithm, start) in [
            (Algorithm::Sha256, "sha256:ba7816bf8f01cfea414140de5dae2223"),
            (Algorithm::Sha384, "sha384:cb00753f45a35e8bb5a03d699ac65007"),
            (Algorithm::Sha512, "sha512:ddaf35a193617abacc417349ae204131"),
            (Algorithm::Blake3, "blake3:6437b3ac38465133ffb63b75273a8db5"),
        ] {
            assert!(by(algorithm, b"abc").starts_with(start), "{algorithm:?}");
        }
    }
}
