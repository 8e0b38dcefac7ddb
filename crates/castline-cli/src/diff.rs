use std::{collections::BTreeMap, fmt::Write as _};

use castline::{
    Watch,
    diff::{FieldDifference, ImageDiff, LayerDifference, LayerVerdict, diff},
    drift::{DriftCode, DriftFinding},
    shown_whole,
};

use crate::{
    Failure, Verdict,
    arguments::Diff,
    output::{self, counted},
    progress::Bar,
};

/// Files that the text names one by one.
const NAMED: usize = 40;

/// `castline diff`.
pub(crate) fn run(arguments: &Diff) -> Result<Verdict, Failure> {
    let (first, second) =
        (arguments.of_images.common(&arguments.first), arguments.of_images.common(&arguments.second));
    let (of_first, of_second) = (first.options(), second.options());
    let (one, other) = (first.open(&of_first)?, second.open(&of_second)?);
    let bar = Bar::new("comparing");
    let show = |progress| bar.show(progress);
    let watch = Watch::none().with_progress(&show);
    let difference = diff((&one, &of_first), (&other, &of_second), &watch)?;
    drop(bar);
    let difference = match difference {
        Ok(difference) => difference,
        Err(report) => {
            output::explain(&report.findings)?;
            return Ok(Verdict::Findings);
        }
    };
    if arguments.of_images.json {
        output::print_json(&difference)?;
    } else {
        output::print(&text(&difference))?;
    }
    Ok(if difference.same { Verdict::Clean } else { Verdict::Findings })
}

fn text(difference: &ImageDiff) -> String {
    if difference.same {
        return format!("the same: {}\n", difference.first);
    }
    let mut text = String::new();
    for cause in &difference.causes {
        let _ = writeln!(text, "cause: {} [{}]", shown_whole(&cause.message), cause.code);
    }
    for field in &difference.fields {
        text.push_str(&of_field(field));
    }
    for layer in difference.layers.iter().filter(|layer| layer.verdict != LayerVerdict::Same) {
        text.push_str(&of_layer(layer));
    }
    for finding in difference.files.findings.iter().take(NAMED) {
        text.push_str(&of_file(finding));
    }
    let files = difference.files.counts.total();
    if files > NAMED as u64 {
        let _ = writeln!(text, "… and {} more (--json names each)", files - NAMED as u64);
    }
    let differing =
        difference.layers.iter().filter(|layer| layer.verdict != LayerVerdict::Same).count() as u64;
    let fields = counted(difference.fields.len() as u64, "field");
    let layers = counted(differing, "layer");
    let files = counted(files, "file");
    let _ = writeln!(
        text,
        "\nDIFFERENT ({fields}, {layers}, {files}): {} {}",
        difference.first, difference.second
    );
    text
}

fn of_field(field: &FieldDifference) -> String {
    let value = |value: &Option<String>| value.as_deref().map_or("absent".into(), shown_whole);
    let path = if field.path.is_empty() { "(its bytes)".into() } else { shown_whole(&field.path) };
    format!("{} {path}\n  {} -> {}\n", field.document, value(&field.first), value(&field.second))
}

fn of_layer(layer: &LayerDifference) -> String {
    let verdict = match layer.verdict {
        LayerVerdict::Compression => "the same tar, compressed otherwise",
        LayerVerdict::Encoding => "the same entries, written otherwise",
        LayerVerdict::Order => "the same entries in another order",
        LayerVerdict::Metadata => "the same contents, other metadata",
        LayerVerdict::Content => "other contents",
        LayerVerdict::OnlyFirst => "only in the first",
        LayerVerdict::OnlySecond => "only in the second",
        _ => "different",
    };
    let mut text = format!("layer {}: {verdict}\n", layer.position);
    for digest in [&layer.first, &layer.second].into_iter().flatten() {
        let _ = writeln!(text, "  {digest}");
    }
    if layer.entries > 0 {
        let attributes: Vec<&str> = layer.attributes.iter().copied().collect();
        let entries =
            if layer.entries == 1 { "1 entry".into() } else { format!("{} entries", layer.entries) };
        let differ =
            if attributes.is_empty() { String::new() } else { format!(" in {}", attributes.join(", ")) };
        let _ = writeln!(text, "  {entries}{differ}, e.g. {}", shown_whole(&layer.examples.join(", ")));
    }
    if layer.reordered {
        text.push_str("  in another order\n");
    }
    text
}

fn of_file(finding: &DriftFinding) -> String {
    let path = shown_whole(&finding.path);
    let what = match finding.code {
        DriftCode::Added => "only in the second",
        DriftCode::Removed => "only in the first",
        _ => "differs",
    };
    let mut text = format!("/{path}: {what}\n");
    for attribute in &finding.attributes {
        let value = |of: &BTreeMap<String, String>| {
            of.get(attribute).map_or("absent".into(), |value| shown_whole(value))
        };
        let (first, second) = (value(&finding.expected), value(&finding.actual));
        let _ = writeln!(text, "  {attribute:<13} {first} -> {second}");
    }
    text
}
