//! Unpacked images, by digest: complete or not there.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use castline_core::{
    Digest, Rootfs, Watch,
    drift::{Comparison, Profile, compare},
};
use castline_sources::{ScanOptions, scan};
use rustix::fs::{FlockOperation, flock, syncfs};

use super::{
    super::{failed, images::Known},
    tree::{self, Contents, as_made_by, open_folder},
};
use crate::DriverError;

/// What an image's tree is called while it is unpacked.
pub(super) const NEW: &str = ".new";
/// What it is called while it is removed.
pub(super) const GONE: &str = ".gone";
/// How the names of trees begin that somebody had changed.
pub(super) const CHANGED: &str = "changed-";

/// A folder of unpacked images. Instances share them, and none writes to them.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// Images whose trees this process has seen to be what they should.
    seen: Mutex<BTreeSet<Digest>>,
    /// Who makes the trees, where that is not root.
    user: Option<(u32, u32)>,
}

impl Store {
    pub(super) fn new(folder: PathBuf, user: Option<(u32, u32)>) -> Result<Self, DriverError> {
        private_folder(&folder)?;
        Ok(Self { folder, seen: Mutex::default(), user })
    }

    /// The tree that instances of the image are to have, as this user can make it.
    pub(super) fn expected(&self, known: &Known) -> Rootfs {
        as_made_by(self.user, &known.tree)
    }

    /// The folder that has an image's tree. It is unpacked where it is not there yet; one that is there is compared with the
    /// image when this process first asks for it, and unpacked anew where somebody has changed it. Blocks.
    pub(super) fn root(&self, known: &Known) -> Result<PathBuf, DriverError> {
        let digest = known.image.digest();
        let home = self.folder.join(format!("{}-{}", digest.algorithm().name(), digest.encoded()));
        let root = home.join("root");
        // One unpacks, in whichever process; others wait.
        let lock = fs::File::create(self.folder.join(".lock")).map_err(failed(self.folder.display()))?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(digest) && root.is_dir() {
            return Ok(root);
        }
        flock(&lock, FlockOperation::LockExclusive)
            .map_err(|error| failed("the store's lock")(error.into()))?;
        let expected = self.expected(known);
        if root.is_dir() {
            match differs(&root, &expected)? {
                None => {
                    seen.insert(digest.clone());
                    return Ok(root);
                }
                Some(finding) => self.set_aside(&home, &finding)?,
            }
        }
        self.unpack(known, &expected, &home)?;
        seen.insert(digest.clone());
        Ok(root)
    }

    fn unpack(&self, known: &Known, expected: &Rootfs, home: &Path) -> Result<(), DriverError> {
        if known.image.layers().is_empty() && known.tree.len() > 1 {
            return Err(DriverError::permanent(format!(
                "{} is a docker archive, which this driver does not unpack: `skopeo copy` it into an OCI layout",
                known.reference
            )));
        }
        let source = known.open()?;
        let new = self.folder.join(NEW);
        // Of one who did not get to the end.
        remove(&new)?;
        let root = new.join("root");
        private_folder(&root)?;
        tree::make(&root, expected, &Contents::Layers(&source, &known.image), &new)?;
        if let Some(finding) = differs(&root, expected)? {
            return Err(DriverError::permanent(format!(
                "the image {} cannot be unpacked in {}: {finding}",
                known.image.digest(),
                self.folder.display()
            )));
        }
        let _ = fs::remove_file(new.join("content"));
        let folder = open_folder(&self.folder)?;
        let readable = fs::File::open(&new).map_err(failed(new.display()))?;
        syncfs(&readable).map_err(|error| failed(self.folder.display())(error.into()))?;
        fs::rename(&new, home).map_err(failed(home.display()))?;
        drop(folder);
        fs::File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed(self.folder.display()))
    }

    /// Instances may still run on it, so that it is kept under another name.
    fn set_aside(&self, home: &Path, finding: &str) -> Result<(), DriverError> {
        tracing::warn!(folder = %home.display(), finding, "an unpacked image was changed, and is unpacked anew");
        let name = home.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let free = (1..1000)
            .map(|number| self.folder.join(format!("{CHANGED}{number}-{name}")))
            .find(|it| !it.exists());
        let aside = free.ok_or_else(|| {
            DriverError::permanent(format!("{} has too many trees that were changed", self.folder.display()))
        })?;
        fs::rename(home, &aside).map_err(failed(aside.display()))
    }
}

/// The first finding that tells the tree in `root` from the one that is expected. Everything counts.
fn differs(root: &Path, expected: &Rootfs) -> Result<Option<String>, DriverError> {
    let scan = scan(root, &ScanOptions::default(), &Watch::none()).map_err(DriverError::temporary)?;
    // What hosts label every file with does not.
    let mut labels_only = Profile::named("local").unwrap_or_default();
    labels_only.rules.clear();
    let report = compare(expected, &scan, &Comparison::default().with_profile(labels_only));
    Ok(report.findings.first().map(|finding| finding.message.clone()))
}

/// Makes a folder, and those that it is in, that only its owner can enter.
pub(super) fn private_folder(path: &Path) -> Result<(), DriverError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path.display()))
}

/// Removes a folder with all that is in it, if it is there. Folders that their owner may not write to are no hindrance.
pub(super) fn remove(path: &Path) -> Result<(), DriverError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path).map_err(failed(path.display()))
        }
        Err(error) => Err(failed(path.display())(error)),
    }
}

/// Lets their owner into all folders below `path`. Links are not followed.
fn open_up(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
}
