use std::time::Duration;

use castline::{Release, drift::HealthCheck, engine::ImageTest, shown_whole};
use serde::Serialize;

use super::{block_on, site::Site, status::image};
use crate::{Failure, Verdict, arguments::Test, documents, output, progress::Spinner};

/// What `castline test --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Test"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The digest of the image.
    image: String,
    /// What was run in an instance of it.
    command: Vec<String>,
    /// Whether it ended with 0.
    passed: bool,
    /// What was seen, where it did not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
}

/// `castline test`.
pub(crate) fn run(arguments: &Test) -> Result<Verdict, Failure> {
    let release: Release = documents::read(&arguments.release)?;
    let site = Site::open(&arguments.place.site)?;
    let check = match (&*arguments.command, &site.test) {
        ([], Some(test)) => test.clone(),
        ([], None) => {
            return Err("what is to be run? Name a command after `--`, or a [test] in the site".into());
        }
        (command, _) => HealthCheck::new(command.iter().cloned()),
    };
    block_on(async {
        let executor = site.executor(false)?;
        let spinner = Spinner::new(format!("testing the image of {}", release.service()));
        let test = ImageTest::new(check.clone()).with_timeout(Duration::from_secs(arguments.timeout.get()));
        let tested = executor.test(&release, &test, &site.actor).await?;
        drop(spinner);
        let report = Report {
            image: image(&release),
            command: check.command,
            passed: tested.passed,
            reason: tested.reason,
        };
        if arguments.json {
            output::print_json(&report)?;
        } else {
            let verdict = if report.passed {
                "passed".to_owned()
            } else {
                format!("FAILED: {}", shown_whole(&report.reason))
            };
            output::print(&format!("{}: {verdict}\n", report.image))?;
        }
        Ok(if tested.passed { Verdict::Clean } else { Verdict::Findings })
    })
}
