use serde::Serialize;

use crate::{Algorithm, Digest, Error, Identities};

/// Whether the image that a platform reports is the one that was shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "verdict", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Identification {
    /// It is.
    #[non_exhaustive]
    Same {
        /// Which of its identities was reported.
        by: IdentityKind,
        /// The reported digest.
        digest: Digest,
    },
    /// It is another one.
    #[non_exhaustive]
    Other {
        /// The reported digest, which is none of the image's.
        digest: Digest,
    },
    /// It may be: the report has no digest in it, and a tag, a shortened ID or a digest that castline does not compute
    /// proves nothing.
    #[non_exhaustive]
    Unproven {
        /// Why.
        reason: String,
    },
}

/// Which digest of an image it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum IdentityKind {
    /// The manifest's: one platform's image.
    Manifest,
    /// That of the outermost index which contains it: all platforms.
    Index,
    /// That of an index inside of another.
    InnerIndex,
    /// The configuration's: Docker's image ID.
    Config,
}

impl Identification {
    /// Whether it is the image that was shipped, proved by a digest.
    pub const fn is_same(&self) -> bool {
        matches!(self, Self::Same { .. })
    }
}

/// Looks for the digest in what a platform reports, and whether it is one of the image's `identities`.
///
/// Docker reports image IDs (`sha256:…`), Kubernetes what the runtime says: `docker-pullable://REPO@sha256:…`,
/// `docker://sha256:…`, `REPO@sha256:…`, `REPO:TAG@sha256:…`, or, of CRI-O and podman, 64 digits alone.
pub fn identify(reported: &str, identities: &Identities) -> Identification {
    let digest = match reported_digest(reported) {
        Ok(digest) => digest,
        Err(reason) => return Identification::Unproven { reason },
    };
    let by = if identities.manifest.as_ref() == Some(&digest) {
        IdentityKind::Manifest
    } else if identities.config.as_ref() == Some(&digest) {
        IdentityKind::Config
    } else {
        match identities.indexes.iter().position(|index| *index == digest) {
            Some(0) => IdentityKind::Index,
            Some(_) => IdentityKind::InnerIndex,
            None => return Identification::Other { digest },
        }
    };
    Identification::Same { by, digest }
}

/// The digest in what a platform reports, as [`identify`] takes it.
///
/// # Errors
///
/// Why there is none, in words: what it reports is a tag, a shortened ID, or a digest that castline does not compute.
pub fn reported_digest(reported: &str) -> Result<Digest, String> {
    let text = reported.trim();
    // `docker://`, `docker-pullable://`, `containerd://`, `cri-o://` …
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    if text.is_empty() {
        return Err("the platform reports no image".into());
    }
    if let Some((_, digest)) = text.rsplit_once('@') {
        return parse(digest);
    }
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return parse(&format!("sha256:{text}"));
    }
    // `name:tag` has the form of a digest as well, of an algorithm that nobody knows.
    match text.split_once(':') {
        Some(("sha256" | "sha384" | "sha512" | "blake3", _)) => parse(text),
        _ => Err("there is no digest in it: a tag or a shortened ID proves nothing".into()),
    }
}

fn parse(text: &str) -> Result<Digest, String> {
    match text.parse::<Digest>() {
        Ok(digest) => match digest.algorithm() {
            Algorithm::Other(name) => {
                Err(format!("`{}` is an algorithm that is not known", crate::shown(&name)))
            }
            _ => Ok(digest),
        },
        Err(Error::InvalidDigest { reason, .. }) => Err(format!("its digest is malformed: {reason}")),
        Err(other) => Err(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const I: &str = "2222222222222222222222222222222222222222222222222222222222222222";
    const J: &str = "3333333333333333333333333333333333333333333333333333333333333333";
    const C: &str = "4444444444444444444444444444444444444444444444444444444444444444";
    const X: &str = "5555555555555555555555555555555555555555555555555555555555555555";

    #[test]
    fn what_platforms_report_is_matched_by_its_digest() {
        let digest = |hex: &str| format!("sha256:{hex}").parse::<Digest>().expect("a digest");
        let identities = Identities {
            manifest: Some(digest(M)),
            indexes: vec![digest(I), digest(J)],
            config: Some(digest(C)),
        };
        for (reported, verdict) in [
            (format!("docker://sha256:{C}"), "config"),
            (format!("sha256:{C}"), "config"),
            (C.to_owned(), "config"),
            (format!("docker-pullable://nginx@sha256:{I}"), "index"),
            (format!("docker-pullable://registry.example:5000/team/app@sha256:{M}"), "manifest"),
            (format!("docker.io/library/nginx@sha256:{I}"), "index"),
            (format!("docker.io/library/nginx:1.27@sha256:{J}"), "innerIndex"),
            (format!("containerd://sha256:{M}"), "manifest"),
            (format!("cri-o://{C}"), "config"),
            (format!(" registry.example/app@sha256:{M}\n"), "manifest"),
            (format!("app@sha256:{X}"), "other"),
            (X.to_owned(), "other"),
            ("docker.io/library/nginx:1.27".into(), "no digest"),
            ("nginx".into(), "no digest"),
            ("nginx:latest".into(), "no digest"),
            ("localhost:5000/app:v1".into(), "no digest"),
            ("9c7a54a9a43c".into(), "no digest"),
            (String::new(), "no image"),
            ("docker://".into(), "no image"),
            ("app@sha256:1234".into(), "malformed"),
            ("sha256:9c7a54a9a43c".into(), "malformed"),
            (format!("app@sha256:{}", M.replace('1', "A")), "malformed"),
            (M.replace('1', "A"), "malformed"),
            ("app@".into(), "malformed"),
            ("app@md5:d41d8cd98f00b204e9800998ecf8427e".into(), "not known"),
        ] {
            let found = match identify(&reported, &identities) {
                Identification::Same { by, .. } => {
                    serde_json::to_value(by).expect("JSON").as_str().expect("text").to_owned()
                }
                Identification::Other { .. } => "other".into(),
                Identification::Unproven { reason } => reason,
            };
            assert!(found.contains(verdict), "{reported}: {found}");
        }
    }

    #[test]
    fn a_verdict_has_one_form_in_json() {
        let identities = Identities { manifest: None, indexes: vec![], config: None };
        let text = serde_json::to_string(&identify(X, &identities)).expect("JSON");
        assert_eq!(text, format!(r#"{{"verdict":"other","digest":"sha256:{X}"}}"#));
    }
}
