//! A plan as people look at it before they approve of it: text for a terminal, a drawing, a page.
//!
//! Pure functions from values to text, so that a command line, a notebook and a web page show the same. What a simulation
//! says is drawn over time; without one, a plan's waves are. Names are untrusted: they are escaped wherever they stand.
//! A timeline that is not of the plan gives an odd picture, never a panic. The size of what comes out is bounded,
//! whatever the number of instances; the time is linear in it.

mod course;
mod html;
mod scale;
mod summary;
mod svg;
mod text;
mod words;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use html::html;
pub use svg::svg;
pub use text::text;

/// Writes formatted text to the end of a `String`.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {
        std::fmt::Write::write_fmt($out, format_args!($($format)*)).expect("a String takes any text")
    };
}
use put;
