//! What was rolled out, by whom, and how it ended.

use castline::{
    Digest,
    ledger::{self as core, Anchor, Record},
};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::{
    document::{Document, Text, Value, raw},
    error::{OrThrow as _, Result},
    work::{bytes, json, value},
};

/// A chain of entries, each of which names the one before it by its digest.
#[napi]
#[derive(Clone, Debug, Default)]
pub struct Ledger(core::Ledger);

fn release(release: Option<&castline::Release>) -> Option<Document> {
    release.cloned().map(|release| Document(Value::Release(release)))
}

#[napi]
impl Ledger {
    /// The empty one.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads it from lines, and verifies each link.
    #[napi(factory, catch_unwind)]
    pub fn from_lines(lines: Text, head: Option<String>, within: Option<String>) -> Result<Self> {
        let digest = |text: Option<String>| text.map(|text| text.parse::<Digest>()).transpose().or_throw();
        let (head, within) = (digest(head)?, digest(within)?);
        let anchor = head.map(Anchor::Head).or_else(|| within.map(Anchor::Within));
        core::Ledger::verify(raw(&lines), anchor.as_ref()).map(Self).or_throw()
    }

    /// Its lines: the canonical form of each entry.
    #[napi(catch_unwind)]
    pub fn to_lines(&self) -> Uint8Array {
        bytes(self.0.to_lines())
    }

    /// This ledger and one entry more.
    #[napi(catch_unwind)]
    pub fn append(&self, at: String, actor: String, record: String) -> Result<Self> {
        let record: Record = value("record", &record)?;
        self.0.append(at.parse().or_throw()?, actor, record).map(Self).or_throw()
    }

    /// The digest of the last entry.
    #[napi(catch_unwind)]
    pub fn head(&self) -> Option<String> {
        self.0.head().map(ToString::to_string)
    }

    /// How many entries it has.
    #[napi(catch_unwind)]
    pub fn length(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The entries, the oldest first, as JSON.
    #[napi(catch_unwind)]
    pub fn entries(&self) -> Result<String> {
        json(&self.0.entries().map(|(_, entry)| entry).collect::<Vec<_>>())
    }

    /// The rollouts of a service, the oldest first, as JSON.
    #[napi(catch_unwind)]
    pub fn history(&self, service: String) -> Result<String> {
        json(&self.0.history(&service))
    }

    /// The digest of the release that runs.
    #[napi(catch_unwind)]
    pub fn current(&self, service: String) -> Option<String> {
        self.0.current(&service).map(ToString::to_string)
    }

    /// The release of this digest.
    #[napi(catch_unwind)]
    pub fn release(&self, digest: String) -> Result<Option<Document>> {
        Ok(release(self.0.release(&digest.parse().or_throw()?)))
    }

    /// The last release before the current one that has succeeded.
    #[napi(catch_unwind)]
    pub fn previous_good(&self, service: String) -> Option<Document> {
        release(self.0.previous_good(&service))
    }

    /// What to go back to from a release that has failed.
    #[napi(catch_unwind)]
    pub fn rollback_target(&self, failed: &Document) -> Result<Option<Document>> {
        Ok(release(self.0.rollback_target(failed.as_release()?)))
    }

    /// The images that must be kept to go back so many releases of each service, as JSON.
    #[napi(catch_unwind)]
    pub fn images_needed(&self, keep: u32) -> Result<String> {
        let needed = self.0.images_needed(keep as usize);
        let of_providers = needed.of_providers.iter();
        let of_providers: Vec<_> =
            of_providers.map(|(provider, id)| serde_json::json!({"provider": provider, "id": id})).collect();
        json(&serde_json::json!({
            "digests": needed.digests, "ofProviders": of_providers, "unknown": needed.unknown
        }))
    }
}
