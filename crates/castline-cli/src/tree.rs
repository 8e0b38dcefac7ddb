use std::{
    io::{self, BufWriter, Write as _},
    num::NonZeroUsize,
};

use castline::{ImageKind, InspectedImage, Rootfs, Watch};

use crate::{
    Failure, Verdict,
    arguments::{Common, Tree},
    output,
    progress::Bar,
};

/// `castline tree`: the files of one image, verified on the way.
pub(crate) fn run(arguments: &Tree) -> Result<Verdict, Failure> {
    let common = &arguments.common;
    let Some(tree) = verified(common, arguments.verity, None)? else { return Ok(Verdict::Findings) };
    let mut stdout = BufWriter::new(io::stdout().lock());
    let written =
        if common.json { tree.write_json_lines(&mut stdout) } else { tree.write_mtree(&mut stdout) };
    output::unless_closed(written.and_then(|()| stdout.flush()))?;
    Ok(Verdict::Clean)
}

/// The tree of the one image that is asked for; `None`, with the findings on standard error, when it is not intact.
pub(crate) fn verified(
    common: &Common,
    verity: bool,
    jobs: Option<NonZeroUsize>,
) -> Result<Option<Rootfs>, Failure> {
    let mut options = common.options().with_rootfs(true).with_verity(verity);
    options.jobs = jobs;
    let source = common.open(&options)?;
    let inspection = castline::inspect(&source, &options, &Watch::none())?;
    let images: Vec<&InspectedImage> =
        inspection.images.iter().filter(|image| image.kind == ImageKind::Image).collect();
    if images.len() > 1 {
        return Err(ambiguous(&images).into());
    }
    let bar = Bar::new("verifying");
    let show = |progress| bar.show(progress);
    let verification = castline::verify(&source, &options, &Watch::none().with_progress(&show))?;
    drop(bar);
    let report = &verification.report;
    let tree = verification.rootfs.into_values().next().filter(|_| report.is_intact());
    let Some(tree) = tree else {
        output::explain(&report.findings)?;
        if report.is_intact() && report.images.iter().all(|image| image.kind != ImageKind::Image) {
            return Err("there is no image with files here".into());
        }
        return Ok(None);
    };
    Ok(Some(tree))
}

fn ambiguous(images: &[&InspectedImage]) -> String {
    let mut text = String::from("there are several images; take one by its digest or with --platform:");
    for image in images {
        let platform = image.platform.as_ref().map_or(String::new(), ToString::to_string);
        let names = castline::shown_whole(&image.references.join(", "));
        text += "\n  @";
        text += format!("{} {platform} {names}", image.digest).trim_end();
    }
    text
}
