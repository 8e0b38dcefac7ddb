use std::fs;

use castline::{Document as _, Release, drift::InstanceSpec};

use crate::{Failure, Verdict, arguments, output, secrets, verify::verified};

/// `castline release`: an image that was verified, as what should run.
pub(crate) fn run(arguments: &arguments::Release) -> Result<Verdict, Failure> {
    let options = arguments.common.options();
    let verification = verified(&arguments.common, &options)?;
    let image = match verification.images.as_slice() {
        [image] if verification.report.is_complete() => image,
        [] | [_] => {
            output::explain(&verification.report.findings)?;
            output::note("there is no release of what is not intact, or could not be checked as a whole")?;
            return Ok(Verdict::Findings);
        }
        several => {
            let choices: Vec<String> = several
                .iter()
                .map(|image| {
                    let platform = image.platform().map(ToString::to_string).unwrap_or_default();
                    format!("\n  @{} {platform}", image.digest()).trim_end().to_owned()
                })
                .collect();
            let what = "a release is of one image; take it by its digest or with --platform:";
            return Err(format!("{what}{}", choices.concat()).into());
        }
    };
    let release = Release::new(arguments.service.as_str(), image, arguments.replicas);
    let mut spec = InstanceSpec::default();
    if let Some(path) = &arguments.spec {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        spec = InstanceSpec::from_json(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let release = release.with_spec(secrets::added(spec, &arguments.secret)?);
    let release = Release::from_json(&release.to_canonical())?;
    secrets::warn(&release)?;
    if arguments.common.json {
        output::print(&(String::from_utf8(release.to_canonical())? + "\n"))?;
    } else {
        output::print(&(release.to_json() + "\n"))?;
    }
    Ok(Verdict::Clean)
}
