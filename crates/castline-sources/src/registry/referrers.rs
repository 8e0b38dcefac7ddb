//! The list of what refers to a manifest, kept by those who push where a registry keeps none (OCI distribution-spec,
//! *Pushing Manifests with Subject*): an index under a tag that the manifest's digest makes.
//!
//! Nothing locks it. Who adds to it reads it again afterwards, and adds again where somebody else has written over it meanwhile.

use std::collections::BTreeMap;

use castline_core::{Descriptor, Digest};
use serde::Deserialize;

use super::{
    Registry,
    client::refused,
    documents::OCI_INDEX,
    manifest::{Manifest, Name},
    repository::Repository,
};
use crate::{Error, Result, store::IndexFile};

/// How often somebody else may write over it.
const MOST_ROUNDS: u32 = 5;

/// A manifest that refers to another one.
#[derive(Debug)]
pub(super) struct Referral {
    pub(super) subject: Digest,
    /// What it is listed as.
    pub(super) descriptor: Descriptor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    subject: Option<Subject>,
    artifact_type: Option<String>,
    config: Option<Config>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Subject {
    digest: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: Option<String>,
}

impl Referral {
    /// Of a manifest or an index; `None` where it refers to nothing.
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        let document: Document = serde_json::from_slice(&manifest.bytes).ok()?;
        let subject = document.subject?.digest;
        let given = document.artifact_type.filter(|text| !text.is_empty());
        let mut descriptor = manifest.descriptor.clone();
        descriptor.artifact_type = given.or_else(|| document.config?.media_type);
        descriptor.annotations = document.annotations.unwrap_or_default();
        Some(Self { subject, descriptor })
    }
}

impl Registry {
    /// Adds to the list of what refers to the subject, unless it is there.
    pub(super) async fn list_referrer(&self, repository: &Repository, referral: &Referral) -> Result<()> {
        let tag = stand_in(&referral.subject);
        let url = repository.url(&format!("manifests/{tag}"));
        // Of those who push by this client, one at a time.
        let _turn = self.client.listing.lock().await;
        for round in 0..=MOST_ROUNDS {
            let known = match self.client.manifest(repository, Name::Tag(&tag)).await {
                Ok(known) if known.links.is_index => known.bytes,
                Ok(_) => {
                    let reason = format!(
                        "the tag is that of the list of what refers to {}, and is of something else: \
                         remove it, and push again",
                        referral.subject
                    );
                    return Err(refused(&url, reason));
                }
                Err(Error::RegistryNotFound { .. }) => IndexFile::empty().into_bytes(),
                Err(error) => return Err(error),
            };
            let mut index = IndexFile::parse(&known).map_err(|reason| refused(&url, reason))?;
            if !index.add(&referral.descriptor).map_err(|reason| refused(&url, reason))? {
                return Ok(());
            }
            if round == MOST_ROUNDS {
                break;
            }
            if round > 0 {
                tokio::time::sleep(self.client.options.retries.pause(round, None)).await;
            }
            let list = list(&index, self.client.options.limits.document_bytes)
                .map_err(|reason| refused(&url, reason))?;
            self.put(repository, &list, Name::Tag(&tag)).await?;
        }
        let reason = format!(
            "others have written over the list of what refers to {} {MOST_ROUNDS} times: push again when they are done",
            referral.subject
        );
        Err(refused(&url, reason))
    }
}

fn list(index: &IndexFile, most: u64) -> Result<Manifest, String> {
    let bytes = index.to_text().into_bytes();
    if bytes.len() as u64 > most {
        return Err(format!("it would be larger than {most} bytes, which no client must read"));
    }
    Manifest::new(Digest::of(&bytes), bytes, Some(OCI_INDEX))
}

/// The tag under which the referrers of a manifest are kept where a registry has no API for them (OCI distribution-spec,
/// *Referrers Tag Schema*).
pub(super) fn stand_in(digest: &Digest) -> String {
    let text: String = format!("{}-{}", digest.algorithm().name().chars().take(32).collect::<String>(), {
        digest.encoded().chars().take(64).collect::<String>()
    });
    text.chars()
        .map(
            |character| {
                if character.is_ascii_alphanumeric() || "._-".contains(character) { character } else { '-' }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn referral(text: &str) -> Option<Referral> {
        let manifest = Manifest::new(Digest::of(text.as_bytes()), text.as_bytes().to_vec(), None);
        Referral::of(&manifest.expect("a manifest"))
    }

    #[test]
    fn it_is_listed_as_what_the_manifest_says_that_it_is() {
        let subject = Digest::of(b"subject");
        let of = |more: &str| {
            let text = format!(r#"{{"subject": {{"digest": "{subject}", "size": 7}}, {more}}}"#);
            let referral = referral(&text).expect("a referral");
            assert_eq!((&referral.subject, referral.descriptor.size), (&subject, text.len() as u64));
            referral.descriptor
        };
        let config = r#""config": {"mediaType": "application/vnd.example.config", "size": 2}"#;
        let listed = of(&format!(r#"{config}, "artifactType": "a/b", "annotations": {{"k": "v"}}"#));
        assert_eq!((listed.artifact_type.as_deref(), listed.annotations["k"].as_str()), (Some("a/b"), "v"));
        for none in [config.to_owned(), format!(r#"{config}, "artifactType": """#)] {
            assert_eq!(of(&none).artifact_type.as_deref(), Some("application/vnd.example.config"));
        }
        assert_eq!(of(r#""manifests": []"#).artifact_type, None);
        assert!(referral(r#"{"config": {}}"#).is_none());
    }

    #[test]
    fn the_tag_is_cut_and_cleaned_as_the_specification_says() {
        for (digest, tag) in [
            (Digest::of(b""), format!("sha256-{}", Digest::of(b"").encoded())),
            (format!("sha512:{}", "a".repeat(128)).parse().expect("a digest"), format!("sha512-{}", "a".repeat(64))),
            ("test+algorithm+using+algorithm+separators+and+lots+of+characters+to+excercise+overall+truncation:alsoSome=InTheEncodedSection"
                .parse()
                .expect("a digest"),
             "test-algorithm-using-algorithm-s-alsoSome-InTheEncodedSection".to_owned()),
        ] {
            assert_eq!(stand_in(&digest), tag);
        }
    }
}
