use super::{BlobSource, ImageKind, InspectedImage, Options, Report, Watch, inspect, verify};
use crate::{Error, Result, Rootfs, shown_whole};

/// The files of the one image that `options` select, verified on the way; or what is wrong with it.
///
/// # Errors
///
/// [`Error::SeveralImages`] before any layer is read; [`Error::NoImage`] where all that is selected has no files, such as an
/// artifact; else as [`verify`].
pub fn tree(
    source: &dyn BlobSource,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Result<Rootfs, Box<Report>>> {
    only_image(source, options, watch)?;
    let verification = verify(source, &options.clone().with_rootfs(true), watch)?;
    let report = verification.report;
    if !report.is_intact() {
        return Ok(Err(Box::new(report)));
    }
    match verification.rootfs.into_values().next() {
        Some(tree) => Ok(Ok(tree)),
        None if report.images.iter().any(|image| image.kind == ImageKind::Image) => Ok(Err(Box::new(report))),
        None => Err(Error::NoImage { reasons: reasons(&report).into() }),
    }
}

/// Refuses a selection of several images, before any layer is read.
pub(crate) fn only_image(source: &dyn BlobSource, options: &Options, watch: &Watch<'_>) -> Result<()> {
    let mut inspection = inspect(source, options, watch)?;
    inspection.images.retain(|image| image.kind == ImageKind::Image);
    if inspection.images.len() > 1 {
        return Err(Error::SeveralImages { choices: choices(&inspection.images).into() });
    }
    Ok(())
}

/// How many images or findings a message lists.
const LISTED: usize = 20;

/// A line for each image: what names it, where it runs, what it is called.
fn choices(images: &[InspectedImage]) -> String {
    let mut text = String::new();
    for image in images.iter().take(LISTED) {
        let platform = image.platform.as_ref().map_or(String::new(), ToString::to_string);
        let names = shown_whole(&image.references.join(", "));
        text += "\n  @";
        text += format!("{} {platform} {names}", image.digest).trim_end();
    }
    text + &more(images.len())
}

/// A line for each finding.
fn reasons(report: &Report) -> String {
    let mut text = String::new();
    for found in report.findings.iter().take(LISTED) {
        text += "\n  ";
        text += &found.message;
        text += " [";
        text += found.code.name();
        text += "]";
    }
    text + &more(report.findings.len())
}

/// How many are left out of so many.
fn more(all: usize) -> String {
    all.checked_sub(LISTED)
        .filter(|&left| left > 0)
        .map_or(String::new(), |left| format!("\n  and {left} more"))
}
