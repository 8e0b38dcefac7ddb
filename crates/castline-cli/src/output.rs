//! Everything that is printed goes through here. A reader that closes the pipe ends the program quietly.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use castline::{Finding, Level};

/// How wide text may be: the terminal's width, or 100 where there is none.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(60, 160))
}

/// Prints text on standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    unless_closed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// What became of writing, which a closed pipe ends in silence.
pub(crate) fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints findings on standard error, where standard output is for something else.
pub(crate) fn explain(findings: &[Finding]) -> io::Result<()> {
    let text: Vec<String> = findings.iter().map(finding).collect();
    unless_closed(io::stderr().lock().write_all(text.join("\n").as_bytes()))
}

/// Tells something by the way, on standard error.
pub(crate) fn note(text: &str) -> io::Result<()> {
    unless_closed(writeln!(io::stderr().lock(), "castline: {}", castline::shown_whole(text)))
}

/// Prints a document as JSON on standard output.
pub(crate) fn print_json(document: &impl serde::Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    print(&text)
}

/// Prints on standard error why the work could not be done.
pub(crate) fn complain(failure: &dyn std::error::Error) {
    let mut text = format!("castline: {failure}");
    let mut source = failure.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    let _ = writeln!(io::stderr(), "{text}");
}

/// A finding as a person reads it: what, where, expected, actual, and what to do.
pub(crate) fn finding(finding: &Finding) -> String {
    let mut text =
        format!("{}: {} [{}]\n", finding.level.name(), castline::shown_whole(&finding.message), finding.code);
    let mut row = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<14}{}", castline::shown_whole(value));
    };
    if let Some(digest) = &finding.digest {
        row("blob", &digest.to_string());
    }
    if let Some(path) = &finding.path {
        row("path", path);
    }
    for (position, place) in finding.referenced_by.iter().enumerate() {
        row(if position == 0 { "referenced by" } else { "" }, place);
    }
    if let Some(expected) = &finding.expected {
        row("expected", expected);
    }
    if let Some(actual) = &finding.actual {
        row("actual", actual);
    }
    row("what to do", finding.code.advice());
    text
}

/// `2 errors, 1 warning`; empty when there is nothing.
pub(crate) fn counts(findings: &[Finding]) -> String {
    let mut parts = Vec::new();
    for (level, name) in [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Info, "remark")] {
        match findings.iter().filter(|finding| finding.level == level).count() {
            0 => {}
            count => parts.push(counted(count as u64, name)),
        }
    }
    parts.join(", ")
}

/// `1 layer`, `2 layers`.
pub(crate) fn counted(count: u64, name: &str) -> String {
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}
