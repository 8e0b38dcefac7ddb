use std::{
    io::{self, BufWriter, Write as _},
    num::NonZeroUsize,
};

use castline::{Rootfs, Watch};

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
    let mut options = common.options().with_verity(verity);
    options.jobs = jobs;
    let source = common.open(&options)?;
    let bar = Bar::new("verifying");
    let show = |progress| bar.show(progress);
    let tree = castline::tree(&source, &options, &Watch::none().with_progress(&show))?;
    drop(bar);
    match tree {
        Ok(tree) => Ok(Some(tree)),
        Err(report) => {
            output::explain(&report.findings)?;
            Ok(None)
        }
    }
}
