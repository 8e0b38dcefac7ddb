use std::{
    env,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use castline::{
    Compression, Progress, Time, Watch,
    sources::{BuildFile, Built, Transport, archive_to},
};

use crate::{
    Failure, Verdict,
    arguments::{Build, Form},
    output::{self, counted},
    progress::Bar,
    secrets, size,
};

/// What builds that are to be reproduced are given as the time (<https://reproducible-builds.org/specs/source-date-epoch/>).
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// `castline build`.
pub(crate) fn run(arguments: &Build) -> Result<Verdict, Failure> {
    let mut file = BuildFile::read(&arguments.file)?;
    secrets::warn_of_built(&file)?;
    if let Some(epoch) = env::var_os(EPOCH) {
        let seconds =
            epoch.to_str().and_then(|text| text.parse::<i64>().ok()).filter(|seconds| *seconds >= 0);
        let time = seconds.and_then(|seconds| Time::try_from_millis(seconds.checked_mul(1000)?).ok());
        let time = time.ok_or_else(|| format!("{EPOCH} is no number of seconds since 1970"))?;
        file = file.with_created(time);
    }
    if let Some(form) = arguments.compression {
        file = file.with_compression(match form {
            Form::Gzip => Compression::Gzip,
            Form::Zstd => Compression::Zstd,
            Form::None => Compression::None,
        });
    }
    if let Some(jobs) = arguments.jobs {
        file = file.with_jobs(jobs);
    }
    let to = &arguments.output;
    let bar = Bar::new("building");
    let show = |progress: Progress| bar.show(progress);
    let watch = Watch::none().with_progress(&show);
    let to_stdout = to.transport() == Transport::OciArchive && to.path() == Path::new("-");
    let built = if to_stdout {
        if io::stdout().is_terminal() {
            return Err(
                "an archive is nothing for a terminal; send standard output to a file or program".into()
            );
        }
        let mut stdout = io::stdout().lock();
        let built = archive_to(&mut stdout, &watch, |layout| {
            let built = file.build(layout, &watch)?;
            layout.name(to.tag(), built.descriptor())?;
            Ok(built)
        })?;
        stdout.flush()?;
        built
    } else {
        file.build_to(to, &watch)?
    };
    drop(bar);
    if to_stdout {
        output::note(&format!("built {}", built.descriptor().digest))?;
    } else if arguments.json {
        output::print_json(&built)?;
    } else {
        output::print(&text(&arguments.output.to_string(), &built))?;
    }
    Ok(Verdict::Clean)
}

fn text(reference: &str, built: &Built) -> String {
    let mut text = format!("{}\n", castline::shown_whole(reference));
    for image in built.images() {
        let platform = image.descriptor.platform.as_ref().map_or(String::new(), ToString::to_string);
        let _ = writeln!(text, "  image {} {platform}, config {}", image.descriptor.digest, image.config);
        for layer in &image.layers {
            let entries =
                if layer.entries == 1 { "1 entry".into() } else { format!("{} entries", layer.entries) };
            let (stored, bytes) = (size::shown(layer.size), size::shown(layer.bytes));
            let _ = writeln!(text, "    layer {} {stored} ({entries}, {bytes} of tar)", layer.digest);
        }
    }
    let images = counted(built.images().len() as u64, "image");
    let _ = writeln!(text, "\nbuilt {} ({images})", built.descriptor().digest);
    text
}
