//! What can be removed of the layouts that a site's images come from.

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf};

use castline::{
    Digest, ReleaseImage, Watch,
    drift::reported_digest,
    engine::Executor,
    ledger::{Ledger, Record},
    shown_whole,
    sources::LayoutPruner,
};
use serde::Serialize;

use super::services;
use crate::{Failure, arguments::Prune, output, size};

/// What is removed of a layout, or would be.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct Pruned {
    /// The folder.
    layout: PathBuf,
    /// The blobs to which nothing leads, sorted by their digests.
    blobs: Vec<Blob>,
    /// How many bytes these have.
    bytes: u64,
    /// How many downloads were begun and not finished.
    unfinished: u64,
    /// How many bytes these have.
    unfinished_bytes: u64,
    /// How many blobs are kept.
    kept: u64,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Blob {
    /// What names it.
    digest: Digest,
    /// Its length.
    bytes: u64,
}

/// Layouts that nobody else writes to meanwhile.
pub(super) struct Layouts(Vec<LayoutPruner>);

impl Layouts {
    /// Looks through the layouts that are named. Kept is what they name themselves, what the ledger needs, and what any instance
    /// runs.
    pub(super) async fn open(executor: &Executor, arguments: &Prune) -> Result<Self, Failure> {
        if arguments.layout.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let ledger = executor.store().ledger();
        let keep = usize::try_from(arguments.keep.get()).unwrap_or(usize::MAX);
        let (needed, run) = (ledger.images_needed(keep), run(executor, &ledger).await?);
        let is_needed = |digest: &Digest| needed.has(digest) || run.contains(digest);
        let mut layouts = Vec::with_capacity(arguments.layout.len());
        for path in arguments.layout.iter().collect::<BTreeSet<_>>() {
            layouts.push(LayoutPruner::open(path, is_needed, &Watch::none())?);
        }
        Ok(Self(layouts))
    }

    /// What is removed of each.
    pub(super) fn pruned(&self) -> Vec<Pruned> {
        self.0.iter().map(Pruned::of).collect()
    }

    /// The images of recorded releases that go: those cannot be gone back to any more.
    pub(super) fn images(&self, ledger: &Ledger) -> Vec<Digest> {
        let going: BTreeSet<&Digest> =
            self.0.iter().flat_map(LayoutPruner::blobs).map(|blob| &blob.digest).collect();
        let mut images = BTreeSet::new();
        for (_, entry) in ledger.entries() {
            let Record::Release { release } = &entry.record else { continue };
            let ReleaseImage::Verified { identities, .. } = release.image() else { continue };
            let names = identities.manifest.iter().chain(&identities.config);
            images.extend(names.filter(|name| going.contains(name)).cloned());
        }
        images.into_iter().collect()
    }

    /// Removes it.
    pub(super) fn remove(self) -> Result<(), Failure> {
        for layout in self.0 {
            layout.remove()?;
        }
        Ok(())
    }
}

/// The digests of all that instances run, those in quarantine among them.
async fn run(executor: &Executor, ledger: &Ledger) -> Result<BTreeSet<Digest>, Failure> {
    let mut run = BTreeSet::new();
    for service in services(ledger) {
        let fleet = executor.observe(&service).await?;
        let history = ledger.history(&service);
        for instance in fleet.instances() {
            let known = instance.revision.as_ref().and_then(|revision| {
                let mut releases = history.iter().filter_map(|one| ledger.release(&one.release));
                releases.find(|release| release.revision() == *revision)
            });
            match (known.map(castline::Release::image), reported_digest(&instance.image)) {
                (Some(ReleaseImage::Verified { identities, .. }), reported) => {
                    let names =
                        identities.manifest.iter().chain(&identities.indexes).chain(&identities.config);
                    run.extend(names.cloned().chain(reported.ok()));
                }
                // What only its provider has is in no layout.
                (Some(ReleaseImage::Provider(_)), _) => {}
                (_, Ok(digest)) => {
                    run.insert(digest);
                }
                (_, Err(reason)) => {
                    return Err(format!(
                        "nobody knows which image {} of {service} runs, `{}`: {reason}; no layout is pruned",
                        instance.id,
                        shown_whole(&instance.image)
                    )
                    .into());
                }
            }
        }
    }
    Ok(run)
}

impl Pruned {
    fn of(layout: &LayoutPruner) -> Self {
        let blob =
            |blob: &castline::sources::StoredBlob| Blob { digest: blob.digest.clone(), bytes: blob.size };
        let blobs: Vec<Blob> = layout.blobs().iter().map(blob).collect();
        Self {
            layout: layout.path().to_owned(),
            bytes: blobs.iter().map(|blob| blob.bytes).sum(),
            blobs,
            unfinished: layout.unfinished(),
            unfinished_bytes: layout.unfinished_bytes(),
            kept: layout.kept(),
        }
    }

    /// Whether there is anything to remove.
    pub(super) const fn is_something(&self) -> bool {
        self.unfinished > 0 || !self.blobs.is_empty()
    }

    /// The same for people.
    pub(super) fn text(&self, verb: &str) -> String {
        let layout = shown_whole(&self.layout.to_string_lossy());
        let mut text = String::new();
        for blob in &self.blobs {
            let _ = writeln!(text, "{}  {}: {verb}", blob.digest, size::shown(blob.bytes));
        }
        if self.unfinished > 0 {
            let files = output::counted(self.unfinished, "unfinished file");
            let _ = writeln!(text, "{files}, {}: {verb}", size::shown(self.unfinished_bytes));
        }
        let blobs = output::counted(self.blobs.len() as u64, "blob");
        let _ = writeln!(
            text,
            "{layout}: {blobs} {verb}, {} in all; {} kept",
            size::shown(self.bytes),
            self.kept
        );
        text
    }
}
