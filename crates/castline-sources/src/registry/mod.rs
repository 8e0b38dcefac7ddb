//! Images in registries: pulled into layouts, pushed out of any source, pinned, listed.
//!
//! ```no_run
//! use castline_core::{Options, Watch};
//! use castline_sources::{LayoutWriter, Reference, registry::{Registry, RegistryOptions}};
//!
//! # async fn pull() -> Result<(), castline_sources::Error> {
//! let reference: Reference = "docker://registry.example/app:v1".parse()?;
//! let registry = Registry::new(RegistryOptions::default())?;
//! let layout = LayoutWriter::create_or_open("images")?;
//! let (pulled, verification) = registry.pull_verified(&reference, &Options::default(), &layout, &Watch::none()).await?;
//! if verification.report.is_complete() {
//!     layout.name(Some("v1"), &pulled.descriptor)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! This is a client of the OCI distribution-spec of our own, thin, over `reqwest` (HTTP/1.1, rustls with ring). `oci-client` 0.18 was
//! looked at, and is not it: it reads manifests, tokens and errors as long as they come; it sends credentials to whatever token
//! server a challenge names; it neither tries again nor goes on with an upload; and it brings 50 crates more,
//! among them aws-lc, which wants `cmake` where it has no bindings made beforehand. None of `reqwest`'s types is in the public
//! API.
//!
//! What registries say is not trusted: what is read is bounded (documents by [`Limits`](castline_core::Limits), error messages by
//! 64 KiB, redirects, pages and attempts by number), every byte is checked against a digest, and what they may learn of us is a rule
//! of `auth.rs`.

mod arrival;
mod auth;
mod body;
mod challenge;
mod client;
mod credentials;
mod documents;
mod fetch;
mod helper;
mod image;
mod list;
mod manifest;
mod options;
mod pull;
mod push;
mod referrers;
mod repository;
mod secret;
mod shipment;
mod tls;
mod transfer;
mod upload;

use std::sync::Arc;

use castline_core::Descriptor;

use self::client::Client;
pub use self::{
    credentials::{Credentials, Login},
    image::PulledImage,
    options::{Proxies, RegistryOptions, Retries},
    pull::{Extent, Pulled},
    push::Pushed,
    secret::Secret,
    shipment::Shipment,
};
use crate::{Reference, Result};

/// Registries, spoken to in one way. A clone shares connections and what was granted. Its futures need a tokio runtime with I/O and time.
#[derive(Clone, Debug)]
pub struct Registry {
    client: Arc<Client>,
}

impl Registry {
    /// Speaks to no registry yet.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCredentials`](crate::Error::InvalidCredentials) for an authority that is no certificate, or a proxy that is
    /// no address.
    pub fn new(options: RegistryOptions) -> Result<Self> {
        Ok(Self { client: Arc::new(Client::new(options)?) })
    }

    /// What `reference` names now: its digest, size and media type. The manifest is read to compute the digest; what the registry
    /// says of it is not enough.
    ///
    /// # Errors
    ///
    /// As [`Self::pull`].
    pub async fn resolve(&self, reference: &Reference) -> Result<Descriptor> {
        let repository = self.client.repository(reference).await?;
        Ok(self.client.manifest(&repository, pull::name_of(reference)).await?.descriptor)
    }
}
