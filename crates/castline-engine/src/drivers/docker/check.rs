//! Comparing the files of a container with those of its image.

use std::{path::PathBuf, sync::Arc};

use castline_core::{
    Release, Watch,
    drift::{Comparison, DriftReport, Profile, Scan, compare},
};
use castline_sources::{OverlayXattrs, ScanOptions, scan, scan_upper};
use rustix::process::geteuid;

use super::{super::blocking, Inner, Placed, archive};
use crate::{CheckMode, DriverError};

impl Inner {
    pub(super) async fn compare(
        self: &Arc<Self>,
        id: &str,
        release: &Release,
        mode: CheckMode,
    ) -> Result<DriftReport, DriverError> {
        let one = self.by_id(id).await?;
        let one = one.ok_or_else(|| DriverError::permanent(format!("there is no instance `{id}`")))?;
        let api = &self.hosts[one.host].api;
        let profile = if api.engine().await?.podman { "podman" } else { "docker" };
        let options = Comparison::default().with_profile(Profile::named(profile).unwrap_or_default());
        let options =
            one.container.mounts().fold(options, |options, target| options.with_mount(target.as_bytes()));
        let known = {
            let (images, release) = (Arc::clone(&self.images), release.clone());
            blocking(move || images.of(&release)).await?
        };
        let readable = api.is_here() && geteuid().is_root();
        let upper =
            one.container.graph_driver.as_ref().and_then(|driver| driver.data.as_ref()?.get("UpperDir"));
        let unread = |error: castline_sources::Error| DriverError::temporary(error);
        let scanned = match (mode, upper.map(PathBuf::from)) {
            (CheckMode::Fast, Some(upper)) if readable => {
                let known = Arc::clone(&known);
                blocking(move || {
                    let options = ScanOptions::default();
                    let upper = scan_upper(&upper, OverlayXattrs::Trusted, &options, &Watch::none());
                    upper.map_err(unread)?.over(&known.tree).map_err(DriverError::permanent)
                })
                .await?
            }
            (CheckMode::Fast, _) => {
                return Err(DriverError::permanent(format!(
                    "`{id}`: its layer can only be read by root, on the engine's machine, and where it is an overlay: ask for the mode full"
                )));
            }
            _ if readable && one.container.state.pid > 0 => {
                let root = PathBuf::from(format!("/proc/{}/root", one.container.state.pid));
                blocking(move || scan(&root, &ScanOptions::default(), &Watch::none()).map_err(unread)).await?
            }
            _ => self.packed(&one).await?,
        };
        blocking(move || Ok(compare(&known.tree, &scanned, &options))).await
    }

    /// What the engine packs of a container's files.
    async fn packed(&self, one: &Placed) -> Result<Scan, DriverError> {
        let api = &self.hosts[one.host].api;
        let mut body = api.stream_of(&format!("/containers/{}/archive?path=%2F", one.container.id)).await??;
        let mut tree = archive::Tree::new();
        while let Some(piece) = api.piece(&mut body, api.patience()).await? {
            tree.feed(&piece)?;
        }
        let (tree, bytes) = tree.finish()?;
        let mut scan = Scan::of(tree);
        scan.bytes = bytes;
        // Podman leaves out what it mounts over when the container runs. The profile excuses a mount there, and the report says so.
        for folder in [&b"dev"[..], b"proc", b"sys"] {
            if scan.rootfs.get(folder).is_none() && api.engine().await?.podman {
                scan.mounts.insert(folder.to_vec());
            }
        }
        Ok(scan)
    }
}
