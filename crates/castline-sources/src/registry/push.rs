//! Out of a source, into a registry.

use std::sync::Arc;

use castline_core::{BlobSource, Descriptor, Watch};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderValue},
};

use super::{
    Registry, Shipment,
    auth::{Access, Scope},
    body,
    client::{Ask, refused},
    manifest::{Manifest, Name},
    referrers::Referral,
    repository::{self, Repository},
    transfer::{self, Meter, Turns},
    upload::{self, Uploaded},
};
use crate::{Error, Reference, Result};

/// By this a registry says that it lists what it was given among what refers to its subject (OCI distribution-spec, *Pushing
/// Manifests with Subject*).
const OCI_SUBJECT: &str = "oci-subject";

/// What a push has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// The manifest or index that was pushed.
    pub descriptor: Descriptor,
    /// Blobs of it, documents not included.
    pub blobs: u64,
    /// Blobs that were sent; the others were there, or were mounted.
    pub sent_blobs: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Blobs that the registry took from another of its repositories.
    pub mounted_blobs: u64,
}

impl Registry {
    /// Pushes `shipment`, whose blobs are read from `source`, to where `to` says: under its tag or, without one, by digest
    /// alone. Blobs that the registry has are not sent; those that are in one of `mount_from`, which are other repositories of the
    /// same registry, are taken over there. Each blob is hashed as it is sent, and given up if it is not what it was when it was verified.
    /// Documents come last, the outermost at the very end. One that refers to another manifest (`subject`) is found by
    /// [`Self::referrers`], whether the registry has an API for that or not.
    ///
    /// # Errors
    ///
    /// As [`Self::pull`]; [`Error::ContentMismatch`] where the source has changed, or `to` has another digest.
    pub async fn push<S: BlobSource + Send + Sync + 'static>(
        &self,
        shipment: &Shipment,
        source: &Arc<S>,
        to: &Reference,
        mount_from: &[Reference],
        watch: &Watch<'_>,
    ) -> Result<Pushed> {
        let root = shipment.descriptor();
        if let Some(digest) = to.digest().filter(|&digest| *digest != root.digest) {
            return Err(Error::ContentMismatch {
                what: "the image".into(),
                expected: digest.to_string().into(),
                actual: root.digest.to_string().into(),
            });
        }
        let repository = Arc::new(self.client.repository(to).await?);
        let mut others = Vec::new();
        for reference in mount_from {
            let (host, name) = repository::place(reference)?;
            if host == repository.host && name != repository.name {
                others.push(name);
            }
        }
        let total = shipment.blobs.iter().map(|link| link.size).fold(0, u64::saturating_add);
        let meter = Arc::new(Meter::default());
        let turns = Turns::new(self.client.options.connections.get());
        let works = shipment
            .blobs
            .iter()
            .map(|link| {
                let turns = turns.clone();
                let sending = upload::blob(
                    Arc::clone(&self.client),
                    Arc::clone(&repository),
                    link.clone(),
                    Arc::clone(source),
                    others.clone(),
                    Arc::clone(&meter),
                );
                async move {
                    let _turn = turns.one().await;
                    sending.await
                }
            })
            .collect();
        let outcomes: Vec<Uploaded> = transfer::all(works, &meter, total, watch).await?;
        let mut pushed =
            Pushed { descriptor: root.clone(), blobs: 0, sent_blobs: 0, sent_bytes: 0, mounted_blobs: 0 };
        for (link, outcome) in shipment.blobs.iter().zip(outcomes) {
            pushed.blobs += 1;
            match outcome {
                Uploaded::There => {}
                Uploaded::Mounted => pushed.mounted_blobs += 1,
                Uploaded::Sent => {
                    pushed.sent_blobs += 1;
                    pushed.sent_bytes += link.size;
                }
            }
        }
        for document in shipment.documents.iter().skip(1).rev() {
            self.document(&repository, document, Name::Digest(&document.descriptor.digest)).await?;
        }
        let name = to.tag().map_or(Name::Digest(&root.digest), Name::Tag);
        self.document(&repository, &shipment.documents[0], name).await?;
        Ok(pushed)
    }

    /// Puts a document, and lists it among those that refer to its subject where the registry does not.
    async fn document(&self, repository: &Repository, document: &Manifest, name: Name<'_>) -> Result<()> {
        let lists = self.put(repository, document, name).await?;
        match Referral::of(document) {
            Some(referral) if !lists => self.list_referrer(repository, &referral).await,
            _ => Ok(()),
        }
    }

    /// Puts a document; whether the registry says that it knows what that refers to.
    pub(super) async fn put(
        &self,
        repository: &Repository,
        document: &Manifest,
        name: Name<'_>,
    ) -> Result<bool> {
        let url = repository.url(&format!("manifests/{}", name.text()));
        let mut ask = Ask::new(Method::PUT, url.clone(), Scope::of(&repository.name, Access::Push));
        let media_type = HeaderValue::from_str(&document.descriptor.media_type)
            .map_err(|_| refused(&url, "its media type is none that can be sent".into()))?;
        ask.headers.insert(CONTENT_TYPE, media_type);
        ask.body = document.bytes.clone().into();
        let response = self.client.ask(repository, &ask, &[201]).await?;
        let stored = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        let expected = document.descriptor.digest.to_string();
        // A registry may name it by another algorithm.
        match stored {
            Some(stored)
                if stored.starts_with(document.descriptor.digest.algorithm().name())
                    && stored != expected =>
            {
                Err(Error::ContentMismatch {
                    what: body::place(&url),
                    expected: expected.into(),
                    actual: castline_core::shown(stored),
                })
            }
            _ => Ok(response.headers().contains_key(OCI_SUBJECT)),
        }
    }
}
