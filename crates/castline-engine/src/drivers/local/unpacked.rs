//! Which images are unpacked here, and their removal.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::Arc,
};

use castline_core::Digest;
use rustix::fs::{FlockOperation, flock};

use super::{
    super::{blocking, failed},
    Inner, LocalDriver,
    store::remove,
};
use crate::DriverError;

/// An image that is unpacked here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unpacked {
    /// The digest of its manifest.
    pub image: Digest,
    /// How many bytes of disk its tree takes.
    pub bytes: u64,
    /// Whether there are instances of it, those in quarantine among them.
    pub in_use: bool,
}

impl LocalDriver {
    /// The images that are unpacked here, sorted by their digests.
    ///
    /// # Errors
    ///
    /// Where the state folder cannot be read.
    pub async fn unpacked(&self) -> Result<Vec<Unpacked>, DriverError> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.unpacked()).await
    }

    /// Removes an image's tree. It is unpacked again when an instance of it is launched. Nothing may be launched meanwhile.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] where there are instances of it.
    pub async fn remove_unpacked(&self, image: &Digest) -> Result<(), DriverError> {
        let (inner, image) = (Arc::clone(&self.0), image.clone());
        blocking(move || {
            if inner.unpacked()?.iter().any(|one| one.image == image && one.in_use) {
                return Err(DriverError::permanent(format!("there are instances of the image {image}")));
            }
            let store = inner.state.join("store");
            let lock = File::create(store.join(".lock")).map_err(failed(store.display()))?;
            flock(&lock, FlockOperation::LockExclusive)
                .map_err(|error| failed("the store's lock")(error.into()))?;
            let gone = store.join(".gone");
            // Of one who did not get to the end.
            remove(&gone)?;
            let home = store.join(format!("{}-{}", image.algorithm().name(), image.encoded()));
            match fs::rename(&home, &gone) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(failed(home.display())(error)),
                Ok(()) => remove(&gone),
            }
        })
        .await
    }
}

impl Inner {
    fn unpacked(&self) -> Result<Vec<Unpacked>, DriverError> {
        let mut used: Vec<Arc<str>> = Vec::new();
        for folder in self.folders()? {
            used.extend(folder.record()?.map(|record| record.image));
        }
        let store = self.state.join("store");
        let mut unpacked = Vec::new();
        for entry in fs::read_dir(&store).map_err(failed(store.display()))? {
            let entry = entry.map_err(failed(store.display()))?;
            let name = entry.file_name().to_string_lossy().replacen('-', ":", 1);
            let Ok(image) = name.parse::<Digest>() else { continue };
            let in_use = used.iter().any(|used| **used == *name);
            unpacked.push(Unpacked { image, bytes: bytes(&entry.path())?, in_use });
        }
        unpacked.sort_by(|one, other| one.image.cmp(&other.image));
        Ok(unpacked)
    }
}

/// How much of the disk a folder takes. Links are not followed.
fn bytes(folder: &Path) -> Result<u64, DriverError> {
    let (mut sum, mut folders) = (0_u64, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(failed(folder.display()))? {
            let entry = entry.map_err(failed(folder.display()))?;
            let metadata = entry.metadata().map_err(failed(entry.path().display()))?;
            // What has several names is there once.
            sum = sum.saturating_add(metadata.blocks().saturating_mul(512) / metadata.nlink().max(1));
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(sum)
}
