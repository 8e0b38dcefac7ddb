//! Comparing the files of an instance with those of its image.

use castline_core::{
    Release, Watch,
    drift::{Comparison, DriftReport, Profile, compare},
};
use castline_sources::{OverlayXattrs, ScanOptions, scan, scan_upper};

use super::{Inner, Isolation, record::Folder};
use crate::{CheckMode, DriverError};

impl Inner {
    pub(super) fn compare(
        &self,
        folder: &Folder,
        release: &Release,
        mode: CheckMode,
    ) -> Result<DriftReport, DriverError> {
        let id = folder.id();
        let record =
            folder.record()?.ok_or_else(|| DriverError::permanent(format!("there is no instance `{id}`")))?;
        let known = self.images.of(release)?;
        let expected = self.store.expected(&known);
        let profile = Profile::named("local").unwrap_or_default();
        let targets = record.run.mounts.keys();
        let options = targets.fold(Comparison::default().with_profile(profile), |options, target| {
            options.with_mount(target.as_bytes())
        });
        let unread = |error: castline_sources::Error| DriverError::temporary(format!("`{id}`: {error}"));
        let scanned = match (mode, record.isolation) {
            (CheckMode::Fast, Isolation::Process) => {
                return Err(DriverError::permanent(format!(
                    "`{id}` has a copy of its image's files and no layer of its own over them: ask for the mode full"
                )));
            }
            (CheckMode::Fast, _) => {
                let upper = folder.join("upper");
                let upper =
                    scan_upper(&upper, OverlayXattrs::Trusted, &ScanOptions::default(), &Watch::none());
                upper.map_err(unread)?.over(&expected).map_err(DriverError::permanent)?
            }
            (CheckMode::Full, _) => {
                let root = self.root(folder, &record, &known, None)?;
                scan(&root, &ScanOptions::default(), &Watch::none()).map_err(unread)?
            }
        };
        Ok(compare(&expected, &scanned, &options))
    }
}
