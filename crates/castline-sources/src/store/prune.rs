//! What a layout has that nothing needs, and its removal.
//!
//! Kept is whatever `index.json` lists, whatever the caller needs, and all that these lead to. To lead somewhere is taken
//! widely: a blob that is a JSON object keeps every blob that stands as a `digest` anywhere in it, whatever its media type says.
//! Where it cannot be told what a kept blob leads to, nothing is removed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::Path,
    sync::Arc,
};

use castline_core::{Digest, Hasher, Limits, Watch};
use serde_json::Value;

use super::{
    INDEX, MARKER, StoredBlob, blob_path,
    files::{Lock, Real},
    index::IndexFile,
    place::Place,
};
use crate::{Error, Result};

/// A layout that was looked through for what nothing needs. While this is there, nobody else writes to the layout; programs
/// that take no lock, as most others do not, are not held off.
///
/// ```
/// use castline_core::{Digest, Watch};
/// use castline_sources::{LayoutPruner, LayoutWriter};
///
/// let folder = tempfile::tempdir()?;
/// let layout = LayoutWriter::create_or_open(folder.path().join("images"))?;
/// let (one, _) = (layout.write(b"one")?, layout.write(b"two")?);
/// let path = layout.path().to_owned();
/// drop(layout); // who writes to a layout is not to have it pruned
///
/// let pruner = LayoutPruner::open(path, |digest| *digest == one.digest, &Watch::none())?;
/// assert_eq!(pruner.blobs().iter().map(|blob| &blob.digest).collect::<Vec<_>>(), [&Digest::of(b"two")]);
/// pruner.remove()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LayoutPruner {
    place: Arc<Place>,
    _alone: Lock,
    blobs: Vec<StoredBlob>,
    unfinished: Vec<Unfinished>,
    kept: u64,
}

/// A file that somebody had begun to write, and did not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unfinished {
    path: String,
    bytes: u64,
}

impl LayoutPruner {
    /// Looks through the layout in the folder `path`. `needed` says which blobs are needed, besides those that `index.json`
    /// leads to: the digests of manifests, indexes or configurations. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] while somebody writes to the layout; [`Error::InvalidFile`] where there is no layout, where its index
    /// cannot be read, or where a blob that is needed is not what its name says, so that nobody knows what it leads to;
    /// [`Error::Io`]; [`Error::Cancelled`].
    pub fn open(path: impl AsRef<Path>, needed: impl Fn(&Digest) -> bool, watch: &Watch<'_>) -> Result<Self> {
        let real = Real::open(path.as_ref()).map_err(Error::io(path.as_ref()))?;
        let place = Place::new(Box::new(real), path.as_ref());
        let busy = || Error::Unsupported {
            what: format!("{} is being written to, or pruned", path.as_ref().display()).into(),
            advice: "prune it when that is done",
        };
        // It is not waited for: the same folder may have been named twice.
        let alone = place.try_lock()?.ok_or_else(busy)?;
        if place.read(MARKER, 4096)?.is_none() {
            return Err(
                place.invalid(MARKER, "it is not there: this is no image layout, and nothing is removed")
            );
        }
        place.check_version(MARKER)?;
        if !place.is_alone(MARKER)? {
            return Err(busy());
        }
        let survey = Survey { place: &place, stored: stored(&place)?, watch };
        let reached = survey.reach(&needed)?;
        let (kept, unneeded): (Vec<_>, Vec<_>) =
            survey.stored.into_iter().partition(|(digest, _)| reached.contains(digest));
        let blobs = unneeded.into_iter().map(|(digest, size)| StoredBlob { digest, size }).collect();
        let unfinished = place.unfinished()?.into_iter().map(|(path, bytes)| Unfinished { path, bytes });
        Ok(Self {
            unfinished: unfinished.collect(),
            kept: kept.len() as u64,
            blobs,
            _alone: alone,
            place: Arc::new(place),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// The blobs that nothing needs, sorted by their digests.
    pub fn blobs(&self) -> &[StoredBlob] {
        &self.blobs
    }

    /// How many blobs are needed.
    pub const fn kept(&self) -> u64 {
        self.kept
    }

    /// How many downloads and other files were begun and not finished. One that a pull would go on with is among them.
    pub const fn unfinished(&self) -> u64 {
        self.unfinished.len() as u64
    }

    /// How many bytes these have.
    pub fn unfinished_bytes(&self) -> u64 {
        self.unfinished.iter().map(|file| file.bytes).sum()
    }

    /// Removes what nothing needs. A crash on the way leaves some of it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn remove(self) -> Result<()> {
        let blobs: Vec<String> = self.blobs.iter().map(|blob| blob_path(&blob.digest)).collect();
        let files = self.unfinished.iter().map(|file| &file.path);
        self.place.remove(blobs.iter().chain(files))
    }
}

/// The blobs that are there, and their sizes. Files with other names are nobody's business here.
fn stored(place: &Place) -> Result<BTreeMap<Digest, u64>> {
    let mut stored = BTreeMap::new();
    for (algorithm, _) in place.entries("blobs")?.into_iter().filter(|(_, stat)| stat.is_folder) {
        let path = format!("blobs/{algorithm}");
        for (encoded, stat) in place.entries(&path)?.into_iter().filter(|(_, stat)| stat.is_file) {
            let Ok(digest) = format!("{algorithm}:{encoded}").parse::<Digest>() else { continue };
            // What the name of a file can be read as, and is not written as.
            if blob_path(&digest) == format!("{path}/{encoded}") {
                stored.insert(digest, stat.len);
            }
        }
    }
    Ok(stored)
}

struct Survey<'s> {
    place: &'s Place,
    stored: BTreeMap<Digest, u64>,
    watch: &'s Watch<'s>,
}

impl Survey<'_> {
    /// All that is kept, and is there or not.
    fn reach(&self, needed: &dyn Fn(&Digest) -> bool) -> Result<BTreeSet<Digest>> {
        let index = self.place.read(INDEX, Limits::default().document_bytes)?;
        let index = index.ok_or_else(|| self.place.invalid(INDEX, "it is not there: nothing is removed"))?;
        // As strict as writers are: what readers may read in two ways leads to nobody knows what.
        IndexFile::parse(&index).map_err(|reason| self.place.invalid(INDEX, reason))?;
        let index: Value =
            serde_json::from_slice(&index).map_err(|error| self.place.invalid(INDEX, error.to_string()))?;
        let mut queue = Vec::new();
        digests(&index, &mut queue);
        for digest in self.stored.keys() {
            // An image may be known by its configuration only.
            if needed(digest) || self.document(digest, false)?.is_some_and(|it| has_config(&it, needed)) {
                queue.push(digest.clone());
            }
        }
        let mut reached = BTreeSet::new();
        while let Some(digest) = queue.pop() {
            if reached.contains(&digest) {
                continue;
            }
            if let Some(document) = self.document(&digest, true)? {
                digests(&document, &mut queue);
            }
            reached.insert(digest);
        }
        Ok(reached)
    }

    /// The blob as a JSON object, where it is there and is one. A blob that is kept must be what its name says.
    fn document(&self, digest: &Digest, kept: bool) -> Result<Option<Value>> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let path = blob_path(digest);
        let Some((mut file, size)) = self.place.open_file(&path)? else { return Ok(None) };
        let io = || Error::io(self.place.path().join(&path));
        let mut bytes = Vec::new();
        file.by_ref().take(1).read_to_end(&mut bytes).map_err(io())?;
        let most = Limits::default().document_bytes;
        if size > most {
            // Layers are as large; documents are not, and no layer begins so.
            return match bytes.first() {
                Some(b'{') if kept => Err(self.place.invalid(
                    &path,
                    format!("it is larger than {most} bytes, and may be a document: nothing is removed"),
                )),
                _ => Ok(None),
            };
        }
        file.take(most).read_to_end(&mut bytes).map_err(io())?;
        let actual = Hasher::new(&digest.algorithm()).map(|mut hasher| {
            hasher.update(&bytes);
            hasher.finish()
        });
        if actual.is_some_and(|actual| actual != *digest) {
            let reason = "it is not what its name says, so that nobody knows what it leads to: nothing is removed; bring it again, or take the image that needs it out of index.json";
            return if kept { Err(self.place.invalid(&path, reason)) } else { Ok(None) };
        }
        Ok(serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object))
    }
}

/// Every digest that stands under the key `digest`.
fn digests(value: &Value, found: &mut Vec<Digest>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| digests(value, found)),
        Value::Object(members) => {
            found.extend(members.get("digest").and_then(Value::as_str).and_then(|text| text.parse().ok()));
            members.values().for_each(|value| digests(value, found));
        }
        _ => {}
    }
}

fn has_config(document: &Value, needed: &dyn Fn(&Digest) -> bool) -> bool {
    let config = document["config"]["digest"].as_str().and_then(|text| text.parse().ok());
    config.is_some_and(|config| needed(&config))
}
