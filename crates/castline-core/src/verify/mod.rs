//! Is this image what it says it is?
//!
//! [`verify`] walks the documents (which are small) on the calling thread, then checks every blob that they
//! name, once, in parallel. What is wrong with the image is a [`Finding`] in the [`Report`]; an
//! [`Error`] means that the work itself could not be done.

mod assemble;
mod bounded;
mod buffer;
mod docker;
mod faults;
mod finding;
mod inspect;
mod manifest;
mod oci;
mod options;
mod pipeline;
mod pump;
mod report;
mod source;
mod survey;
mod tar_check;
mod tree;
mod watch;

use std::{collections::BTreeMap, num::NonZeroUsize};

pub use finding::{Finding, FindingCode, Level};
pub use inspect::{InspectedImage, InspectedLayer, Inspection, inspect};
pub use options::{Options, Platforms, Selection};
pub use report::{ImageKind, ImageSummary, Report};
pub use source::{Blob, BlobName, BlobSource, Format, OpenFault, Stored};
pub(crate) use tree::only_image;
pub use tree::tree;
pub use watch::{Cancel, Progress, Watch};

use crate::{Digest, Error, Image, Result, Rootfs, Verified};
use survey::Survey;
use tar_check::Tree;

/// What a verification yields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// What was found.
    pub report: Report,
    /// The images of which every byte was checked and found right: the only ones that may run.
    pub images: Vec<Verified<Image>>,
    /// The trees of files that the images stand for, by the digest of the image; empty unless
    /// [`Options::rootfs`] asks for them. Only verified images have one.
    pub rootfs: BTreeMap<Digest, Rootfs>,
}

/// Verifies what `options` select of the images in `source`.
///
/// Each blob is read once, whatever is computed of it: its digest and size, its decompression, the digest of its
/// content, the structure of its tar. The report is the same for any number of jobs.
///
/// # Errors
///
/// [`Error::Cancelled`] when `watch` was cancelled, [`Error::NoWorkers`] when no thread can be started. Whatever
/// is wrong with the image is a finding.
pub fn verify(source: &dyn BlobSource, options: &Options, watch: &Watch<'_>) -> Result<Verification> {
    let survey = survey(source, options, watch)?;
    let tasks: Vec<_> = survey.blobs.iter().map(|blob| blob.task(Tree::of(options))).collect();
    let jobs =
        options.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let before = Progress {
        bytes: survey.bytes,
        total_bytes: survey
            .bytes
            .saturating_add(tasks.iter().map(|task| task.size).fold(0, u64::saturating_add)),
        blobs: survey.read,
        total_blobs: survey.read + tasks.len() as u64,
    };
    watch.report(before);
    let outcomes = pipeline::run(source, &tasks, &options.limits, jobs, before, watch)?;
    let verification = survey.into_verification(&outcomes);
    // What nothing refers to may be large, too.
    if watch.is_cancelled() { Err(Error::Cancelled) } else { Ok(verification) }
}

/// Reads the documents: what there is to check, and what is wrong already.
fn survey<'a>(source: &'a dyn BlobSource, options: &'a Options, watch: &'a Watch<'a>) -> Result<Survey<'a>> {
    let mut survey = Survey::new(source, options, watch);
    // A container that cannot be read, or is something else, has no documents to complain about.
    let hopeless =
        [FindingCode::ArchiveUnreadable, FindingCode::ArchiveIsNotAnImage, FindingCode::LimitExceeded];
    if source.findings().iter().any(|finding| hopeless.contains(&finding.code)) {
        return Ok(survey);
    }
    survey.walk()?;
    if options.unreferenced {
        // Whatever is selected, what the rest of the index leads to is referred to, and so are subjects.
        let everything = Options::default().with_limits(options.limits.clone());
        let mut whole = Survey::new(source, &everything, watch);
        whole.walk()?;
        // Since version 25 `docker save` writes a layout beside its manifest.json.
        if source.format() == Format::DockerArchive
            && source.open(&BlobName::File("index.json".into())).is_ok()
        {
            whole.walk_layout()?;
        }
        whole.walk_subjects()?;
        survey.referenced.append(&mut whole.referenced);
    }
    if watch.is_cancelled() { Err(Error::Cancelled) } else { Ok(survey) }
}

impl Survey<'_> {
    fn walk(&mut self) -> Result<()> {
        match self.source.format() {
            Format::OciLayout => self.walk_layout(),
            Format::DockerArchive => self.walk_docker_archive(),
        }
    }
}
