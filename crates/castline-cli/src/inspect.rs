use std::fmt::Write as _;

use castline::{InspectedImage, Inspection, Watch};

use crate::{
    Failure, Verdict,
    arguments::Inspect,
    output::{self, counted},
    size,
};

/// `castline inspect`.
pub(crate) fn run(mut arguments: Inspect) -> Result<Verdict, Failure> {
    arguments.common.documents_only = true;
    let options = arguments.common.options();
    let source = arguments.common.open(&options)?;
    let inspection = castline::inspect(&source, &options, &Watch::none())?;
    if arguments.common.json {
        output::print_json(&inspection)?;
    } else {
        output::print(&text(&castline::shown_whole(&arguments.common.image.to_string()), &inspection))?;
    }
    Ok(if inspection.is_sound() { Verdict::Clean } else { Verdict::Findings })
}

fn text(reference: &str, inspection: &Inspection) -> String {
    let mut text = format!("{reference}: {}\n", counted(inspection.images.len() as u64, "image"));
    for image in &inspection.images {
        text.push('\n');
        describe(&mut text, image);
    }
    for finding in &inspection.findings {
        text.push('\n');
        text.push_str(&output::finding(finding));
    }
    text.push_str("\nLayers were not read; `castline verify` checks them.\n");
    text
}

fn describe(text: &mut String, image: &InspectedImage) {
    let _ = writeln!(text, "{} {}", image.kind.name(), image.digest);
    let mut row = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {label:<12}{}", castline::shown_whole(value));
        }
    };
    let list = |items: &[String]| items.join(" ");
    row("references", &image.references.join(", "));
    row("platform", &image.platform.as_ref().map_or(String::new(), ToString::to_string));
    row("created", image.created.as_deref().unwrap_or_default());
    row("media type", image.media_type.as_deref().unwrap_or_default());
    row("artifact", image.artifact_type.as_deref().unwrap_or_default());
    row("subject", &image.subject.as_ref().map_or(String::new(), ToString::to_string));
    for index in &image.identities.indexes {
        row("index", &index.to_string());
    }
    row("image ID", &image.identities.config.as_ref().map_or(String::new(), ToString::to_string));
    if let Some(config) = &image.config {
        row("user", config.user.as_deref().unwrap_or_default());
        row("entrypoint", &list(&config.entrypoint));
        row("cmd", &list(&config.cmd));
        row("working dir", config.working_dir.as_deref().unwrap_or_default());
        for variable in &config.env {
            row("env", variable);
        }
        row("ports", &list(&config.exposed_ports));
        row("volumes", &list(&config.volumes));
        for (key, value) in &config.labels {
            row("label", &format!("{key}={value}"));
        }
    }
    for (key, value) in &image.annotations {
        row("annotation", &format!("{key}={value}"));
    }
    row("layers", &format!("{}, {}", image.layers.len(), size::shown(image.size)));
    for layer in &image.layers {
        let digest = layer.digest.as_ref().map_or(String::new(), ToString::to_string);
        let size = layer.size.map_or(String::new(), |bytes| format!("  {}", size::shown(bytes)));
        row("", &format!("{digest}{size}"));
        if let Some(diff_id) = &layer.diff_id {
            row("", &format!("  diffID {diff_id}"));
        }
    }
}
