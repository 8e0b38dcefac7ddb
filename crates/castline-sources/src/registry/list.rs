//! Lists: tags of a repository, and what refers to a manifest.

use castline_core::{Descriptor, Digest};
use reqwest::{
    Method, Url,
    header::{HeaderMap, LINK},
};
use serde::Deserialize;

use super::{
    Registry,
    auth::{Access, Scope},
    body,
    client::{Ask, refused},
    documents::{OCI_INDEX, OCI_MANIFEST},
    manifest::Name,
    pull::name_of,
    referrers::stand_in,
    repository::Repository,
};
use crate::{Error, Reference, Result};

/// Pages of a list.
const MOST_PAGES: usize = 1_000;
/// Entries of a list.
const MOST_ENTRIES: usize = 1_000_000;

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Option<Vec<Referrer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Referrer {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    size: u64,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

impl Registry {
    /// The tags of the repository that `reference` is in, as the registry sorts them.
    ///
    /// # Errors
    ///
    /// As [`Self::pull`].
    pub async fn tags(&self, reference: &Reference) -> Result<Vec<String>> {
        let repository = self.client.repository(reference).await?;
        let mut url = repository.url("tags/list");
        url.set_query(Some("n=1000"));
        let mut tags = Vec::new();
        self.pages(&repository, url, "application/json", |bytes| {
            let page: Tags = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
            tags.extend(page.tags.unwrap_or_default());
            Ok(tags.len())
        })
        .await?;
        Ok(tags)
    }

    /// What refers to the manifest that `reference` names as its subject: signatures, bills of materials. By the registry's
    /// API, or by the tag that stands for it where there is none (OCI distribution-spec, *Listing Referrers*).
    ///
    /// # Errors
    ///
    /// As [`Self::pull`].
    pub async fn referrers(
        &self,
        reference: &Reference,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let repository = self.client.repository(reference).await?;
        let digest = match name_of(reference) {
            Name::Digest(digest) => digest.clone(),
            name @ Name::Tag(_) => self.client.manifest(&repository, name).await?.descriptor.digest,
        };
        let mut url = repository.url(&format!("referrers/{digest}"));
        if let Some(artifact_type) = artifact_type {
            url.query_pairs_mut().append_pair("artifactType", artifact_type);
        }
        let mut found = Vec::new();
        let listed = self
            .pages(&repository, url.clone(), OCI_INDEX, |bytes| {
                found.extend(referrers(bytes)?);
                Ok(found.len())
            })
            .await;
        match listed {
            Ok(()) => {}
            Err(Error::RegistryNotFound { .. }) => {
                let tag = stand_in(&digest);
                match self.client.manifest(&repository, Name::Tag(&tag)).await {
                    Ok(index) => found = referrers(&index.bytes).map_err(|reason| refused(&url, reason))?,
                    Err(Error::RegistryNotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
        // A registry need not know the filter.
        found.retain(|referrer| {
            artifact_type.is_none_or(|wanted| referrer.artifact_type.as_deref() == Some(wanted))
        });
        Ok(found)
    }

    /// Reads pages for as long as there is another. `read` says how many entries there are by now.
    async fn pages(
        &self,
        repository: &Repository,
        mut url: Url,
        accepted: &'static str,
        mut read: impl FnMut(&[u8]) -> Result<usize, String>,
    ) -> Result<()> {
        for _ in 0..MOST_PAGES {
            let scope = Scope::of(&repository.name, Access::Pull);
            let ask = Ask::new(Method::GET, url.clone(), scope).accepting(accepted);
            let response = self.client.ask(repository, &ask, &[200]).await?;
            let next = next_page(response.headers(), &url);
            let most = self.client.options.limits.document_bytes;
            let bytes = body::read(response, most, self.client.options.patience, &body::place(&url)).await?;
            let entries =
                read(&bytes).map_err(|reason| refused(&url, format!("its list is none: {reason}")))?;
            if entries > MOST_ENTRIES {
                return Err(refused(&url, format!("the list has more than {MOST_ENTRIES} entries")));
            }
            match next {
                None => return Ok(()),
                Some(next) if repository.is_home(&next) => url = next,
                Some(next) => {
                    return Err(refused(
                        &url,
                        format!("its list goes on elsewhere, at {}", body::place(&next)),
                    ));
                }
            }
        }
        Err(refused(&url, format!("the list has more than {MOST_PAGES} pages")))
    }
}

/// `Link: <…>; rel="next"` (RFC 8288).
fn next_page(headers: &HeaderMap, url: &Url) -> Option<Url> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let (target, parameters) = links.trim().strip_prefix('<')?.split_once('>')?;
    parameters.replace([' ', '"'], "").contains("rel=next").then(|| url.join(target).ok())?
}

fn referrers(bytes: &[u8]) -> Result<Vec<Descriptor>, String> {
    let index: Index = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let descriptor = |referrer: Referrer| {
        let media_type =
            if referrer.media_type.is_empty() { OCI_MANIFEST.to_owned() } else { referrer.media_type };
        let mut descriptor = Descriptor::new(media_type, referrer.digest, referrer.size);
        descriptor.artifact_type = referrer.artifact_type;
        descriptor.annotations = referrer.annotations.unwrap_or_default();
        descriptor
    };
    Ok(index.manifests.unwrap_or_default().into_iter().map(descriptor).collect())
}
