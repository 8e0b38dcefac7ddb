//! Which images are unpacked here, what else is beside them, and its removal.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::Arc,
};

use castline_core::{Algorithm, Digest};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{
    super::{blocking, failed},
    Inner, Isolation, LocalDriver,
    store::{CHANGED, GONE, NEW, remove},
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

/// What is beside the images that are unpacked, and of no use to anybody who launches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftover {
    /// What it is called in the folder `store` of the state.
    pub name: String,
    /// What it is.
    pub kind: LeftoverKind,
    /// How many bytes of disk it takes.
    pub bytes: u64,
    /// Whether an instance may run on it, those in quarantine among them.
    pub in_use: bool,
}

/// What is left of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LeftoverKind {
    /// A tree that somebody had changed: it was set aside when the image was unpacked anew.
    Changed,
    /// What was being unpacked or removed when that was cut off.
    Unfinished,
}

impl LocalDriver {
    /// What is beside the unpacked images: trees that were set aside since somebody had changed them, and what was unpacked or
    /// removed in part. Sorted by their names. Waits for who unpacks an image.
    ///
    /// # Errors
    ///
    /// Where the state folder cannot be read.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, DriverError> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let _lock = inner.lock_store()?;
            inner.leftovers()
        })
        .await
    }

    /// Removes what [`Self::leftovers`] named. Removing it again is fine.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] where an instance may run on it by now.
    pub async fn remove_leftover(&self, name: &str) -> Result<(), DriverError> {
        let (inner, name) = (Arc::clone(&self.0), name.to_owned());
        blocking(move || {
            let _lock = inner.lock_store()?;
            // Only what is one, whatever the name is.
            let Some(found) = inner.leftovers()?.into_iter().find(|one| one.name == name) else {
                return Ok(());
            };
            if found.in_use {
                return Err(DriverError::permanent(format!(
                    "there are instances of the image that {name} is of"
                )));
            }
            let (store, path) = (inner.state.join("store"), inner.state.join("store").join(&name));
            let gone = store.join(GONE);
            if path != gone {
                // Half of it is nothing that one could take for whole.
                remove(&gone)?;
                fs::rename(&path, &gone).map_err(failed(path.display()))?;
            }
            remove(&gone)
        })
        .await
    }

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
            let _lock = inner.lock_store()?;
            let store = inner.state.join("store");
            let gone = store.join(GONE);
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
    /// Holds everybody off who unpacks images or removes them.
    fn lock_store(&self) -> Result<File, DriverError> {
        let store = self.state.join("store");
        let lock = File::create(store.join(".lock")).map_err(failed(store.display()))?;
        flock(&lock, FlockOperation::LockExclusive)
            .map_err(|error| failed("the store's lock")(error.into()))?;
        Ok(lock)
    }

    /// To be called under the lock: else what is being unpacked is among it.
    fn leftovers(&self) -> Result<Vec<Leftover>, DriverError> {
        let mut used: Vec<Arc<str>> = Vec::new();
        for folder in self.folders()? {
            // A copy of a tree does not need it any more. What an overlay is mounted over has no name that would say which of
            // several trees of an image it is, so that all of them count.
            let record = folder.record()?.filter(|record| record.isolation != Isolation::Process);
            used.extend(record.map(|record| record.image));
        }
        let store = self.state.join("store");
        let mut leftovers = Vec::new();
        for entry in fs::read_dir(&store).map_err(failed(store.display()))? {
            let entry = entry.map_err(failed(store.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let image = changed_image(&name);
            let kind = match &image {
                Some(_) => LeftoverKind::Changed,
                None if [NEW, GONE].contains(&&*name) => LeftoverKind::Unfinished,
                None => continue,
            };
            let in_use = image.is_some_and(|image| used.iter().any(|used| **used == *image.to_string()));
            leftovers.push(Leftover { name, kind, bytes: bytes(&entry.path())?, in_use });
        }
        leftovers.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(leftovers)
    }

    fn unpacked(&self) -> Result<Vec<Unpacked>, DriverError> {
        let mut used: Vec<Arc<str>> = Vec::new();
        for folder in self.folders()? {
            used.extend(folder.record()?.map(|record| record.image));
        }
        let store = self.state.join("store");
        let mut unpacked = Vec::new();
        for entry in fs::read_dir(&store).map_err(failed(store.display()))? {
            let entry = entry.map_err(failed(store.display()))?;
            let Some(image) = image_of(&entry.file_name().to_string_lossy()) else { continue };
            let in_use = used.iter().any(|used| **used == *image.to_string());
            unpacked.push(Unpacked { image, bytes: bytes(&entry.path())?, in_use });
        }
        unpacked.sort_by(|one, other| one.image.cmp(&other.image));
        Ok(unpacked)
    }
}

/// The digest of the image that a tree is of which was set aside.
fn changed_image(name: &str) -> Option<Digest> {
    let (number, image) = name.strip_prefix(CHANGED)?.split_once('-')?;
    number.parse::<u32>().ok()?;
    image_of(image)
}

/// The digest of the image whose tree is called so. Much else has the form of a digest, of an algorithm that nobody knows.
fn image_of(name: &str) -> Option<Digest> {
    let image: Digest = name.replacen('-', ":", 1).parse().ok()?;
    (!matches!(image.algorithm(), Algorithm::Other(_))).then_some(image)
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
