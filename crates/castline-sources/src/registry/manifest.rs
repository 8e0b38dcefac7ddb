//! Manifests and indexes: small, read as a whole, their bytes kept as they were served.

use castline_core::{Descriptor, Digest, Hasher};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap},
};

use super::{
    auth::{Access, Scope},
    body,
    client::{Ask, Client, Failed, refused},
    documents::{self, Links},
    repository::Repository,
};
use crate::{Error, Result};

/// A manifest or an index as a registry served it, its digest having been computed from its bytes.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) descriptor: Descriptor,
    pub(super) bytes: Vec<u8>,
    pub(super) links: Links,
}

/// What to ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'a> {
    Tag(&'a str),
    Digest(&'a Digest),
}

impl Name<'_> {
    pub(super) fn text(self) -> String {
        match self {
            Self::Tag(tag) => tag.to_owned(),
            Self::Digest(digest) => digest.to_string(),
        }
    }
}

impl Manifest {
    /// Out of bytes whose digest was checked. `served` is what the registry calls them.
    pub(super) fn new(digest: Digest, bytes: Vec<u8>, served: Option<&str>) -> Result<Self, String> {
        let links = Links::of(&bytes)
            .ok_or("it is a Docker schema 1 manifest, which has no sizes and no digests of its own")?;
        // Some registries serve everything as JSON or as bytes.
        let served = served.map(|text| text.split(';').next().unwrap_or_default().trim());
        let served = served.filter(|text| text.contains("manifest") || text.contains("index"));
        let media_type = match (served, &links.media_type) {
            // Whoever believes the one reads another document than who believes the other (CVE-2021-41190).
            (Some(served), Some(own)) if served != own => {
                return Err(format!(
                    "it is served as `{}`, and says of itself that it is `{}`",
                    castline_core::shown(served),
                    castline_core::shown(own)
                ));
            }
            (Some(text), _) => text.to_owned(),
            (None, Some(own)) => own.clone(),
            (None, None) if links.is_index => documents::OCI_INDEX.to_owned(),
            (None, None) => documents::OCI_MANIFEST.to_owned(),
        };
        let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
        Ok(Self { descriptor, bytes, links })
    }
}

impl Client {
    /// Asks for a manifest. Its digest is the one that was asked for, and the one that the registry names, or this is an
    /// error.
    pub(super) async fn manifest(&self, repository: &Repository, name: Name<'_>) -> Result<Manifest> {
        let url = repository.url(&format!("manifests/{}", name.text()));
        let scope = Scope::of(&repository.name, Access::Pull);
        let ask = Ask::new(Method::GET, url.clone(), scope).accepting(documents::ACCEPTED);
        let mut failures = 0;
        let (headers, bytes) = loop {
            let Failed { error, retry_after } = match self.whole(repository, &ask).await {
                Ok(answer) => break answer,
                Err(failed) => failed,
            };
            failures += 1;
            if !error.is_temporary() || failures >= self.options.retries.attempts {
                return Err(error);
            }
            self.pause(failures, retry_after, &error).await;
        };
        let announced = headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
        let announced: Option<Digest> =
            announced.map(str::parse).transpose().map_err(|error: castline_core::Error| {
                refused(&url, format!("of its Docker-Content-Digest: {error}"))
            })?;
        let asked = match name {
            Name::Digest(digest) => Some(digest.clone()),
            Name::Tag(_) => None,
        };
        for expected in asked.iter().chain(&announced) {
            let Some(actual) = digest_as(expected, &bytes) else {
                let reason =
                    format!("`{}` is no algorithm whose digests can be checked", expected.algorithm().name());
                return Err(refused(&url, reason));
            };
            if actual != *expected {
                return Err(Error::ContentMismatch {
                    what: body::place(&url),
                    expected: expected.to_string().into(),
                    actual: actual.to_string().into(),
                });
            }
        }
        let digest = asked.or(announced).unwrap_or_else(|| Digest::of(&bytes));
        let served = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Manifest::new(digest, bytes, served).map_err(|reason| refused(&url, reason))
    }

    /// Asks once: an answer that is cut is asked for again as one that does not come.
    async fn whole(&self, repository: &Repository, ask: &Ask) -> Result<(HeaderMap, Vec<u8>), Failed> {
        let response = self.attempt(repository, ask, &[200]).await?;
        let headers = response.headers().clone();
        let place = body::place(&ask.url);
        let most = self.options.limits.document_bytes;
        Ok((headers, body::read(response, most, self.options.patience, &place).await?))
    }
}

/// The digest of `bytes` by the algorithm of `like`.
pub(super) fn digest_as(like: &Digest, bytes: &[u8]) -> Option<Digest> {
    let mut hasher = Hasher::new(&like.algorithm())?;
    hasher.update(bytes);
    Some(hasher.finish())
}
