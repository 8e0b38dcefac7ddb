use std::{borrow::Cow, io::IsTerminal as _, time::Duration};

use castline::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar on standard error, where that is a terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// One for work that is called `doing`.
    pub(crate) fn new(doing: &'static str) -> Self {
        Self(line(doing, "{msg} {bytes}, {bytes_per_sec}", Duration::from_millis(250)))
    }

    /// Shows how far the work is; of a stream, whose length nobody knows, how much was read.
    pub(crate) fn show(&self, progress: Progress) {
        if progress.total_bytes > 0 {
            if self.0.length().is_none() {
                self.0.set_style(style(
                    "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
                ));
            }
            self.0.set_length(progress.total_bytes.max(progress.bytes));
        }
        self.0.set_position(progress.bytes);
    }
}

/// A line about what is done, on standard error, where that is a terminal; drawn anew each `period`.
fn line(doing: impl Into<Cow<'static, str>>, template: &str, period: Duration) -> ProgressBar {
    let line = ProgressBar::no_length().with_message(doing);
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    line.set_draw_target(target);
    line.set_style(style(template));
    line.enable_steady_tick(period);
    line
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar that counts things, on standard error, where that is a terminal.
pub(crate) struct Counter(ProgressBar);

impl Counter {
    /// One for so many things, which work that is called `doing` is about.
    pub(crate) fn new(doing: String, total: u64) -> Self {
        let counter =
            line(doing, "{spinner} {msg} {wide_bar} {pos} of {len}, {elapsed}", Duration::from_millis(100));
        counter.set_length(total);
        Self(counter)
    }

    /// Counts one, after what is to be said of it was printed above the bar.
    pub(crate) fn count<T>(&self, print: impl FnOnce() -> T) -> T {
        let printed = self.0.suspend(print);
        self.0.inc(1);
        printed
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Says on standard error, where that is a terminal, what is waited for that nobody knows the length of.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// One for work that is called `doing`.
    pub(crate) fn new(doing: String) -> Self {
        Self(line(doing, "{spinner} {msg}, {elapsed}", Duration::from_millis(100)))
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
