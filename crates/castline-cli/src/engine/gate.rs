//! The site's test of images: what has not passed it is neither applied nor pushed.

#[cfg(feature = "registry")]
use std::path::Path;

#[cfg(feature = "registry")]
use castline::engine::{Contents, StoreError};
use castline::{Identities, drift::HealthCheck, ledger::Ledger};

#[cfg(feature = "registry")]
use super::site::SiteFile;
#[cfg(feature = "registry")]
use crate::Failure;

/// A site's test, and which images have passed it.
pub(crate) struct Gate {
    test: HealthCheck,
    ledger: Ledger,
}

impl Gate {
    /// That of a site, whose ledger is at hand.
    pub(super) const fn new(test: HealthCheck, ledger: Ledger) -> Self {
        Self { test, ledger }
    }

    /// That of the site whose file this is; none where it asks for no test. The site's driver is left alone, and its ledger
    /// only read: where there is none yet, nothing was tested.
    #[cfg(feature = "registry")]
    pub(crate) fn of_site(path: &Path) -> Result<Option<Self>, Failure> {
        let site = SiteFile::read(path)?;
        let Some(test) = site.test else { return Ok(None) };
        let folder = path.parent().unwrap_or(Path::new(""));
        let ledger = match Contents::read(folder.join(site.ledger), None) {
            Ok(contents) => contents.ledger().clone(),
            Err(StoreError::NotThere { .. }) => Ledger::default(),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Self { test, ledger }))
    }

    /// Why the image of these identities may not go on; none where it may. It is looked up by the digest by which tests are
    /// recorded: its manifest's, or where it has no manifest its configuration's.
    pub(crate) fn refusal(&self, identities: &Identities) -> Option<String> {
        let image = identities.manifest.as_ref().or(identities.config.as_ref());
        let how = match image.and_then(|image| self.ledger.tested(image, &self.test.command)) {
            Some(true) => return None,
            Some(false) => "did not pass",
            None => "was not tested by",
        };
        Some(format!("{how} the site's test `{}`", self.test.command.join(" ")))
    }
}
