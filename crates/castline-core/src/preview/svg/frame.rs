//! Where things stand. All lengths are tenths of a pixel, as whole numbers.

use std::fmt;

use crate::preview::{course::Course, put, scale::ticks};

/// The width of a drawing.
pub(super) const WIDTH: u32 = 9000;
/// Where the axis of time begins.
pub(super) const LEFT: u32 = 1900;
/// What is left free to its right.
pub(super) const RIGHT: u32 = 300;
/// What is left free around all.
pub(super) const MARGIN: u32 = 160;
/// How long the axis of time is.
pub(super) const SPAN: u32 = WIDTH - LEFT - RIGHT;

/// A drawing from top to bottom.
pub(super) struct Frame {
    /// What is behind all else.
    back: String,
    out: String,
    /// Stages and gates, as bands from where to where.
    bands: Vec<Band>,
    /// Where what comes next begins.
    pub(super) y: u32,
}

/// A part of the time, behind all that is drawn.
pub(super) struct Band {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) class: &'static str,
    /// What it is, escaped.
    pub(super) title: String,
}

/// A length in pixels.
#[derive(Clone, Copy)]
pub(super) struct Px(pub(super) u32);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenth => write!(f, "{}.{tenth}", self.0 / 10),
        }
    }
}

impl Frame {
    pub(super) fn new(bands: Vec<Band>) -> Self {
        Self { back: String::new(), out: String::new(), bands, y: 0 }
    }

    /// All that was drawn, from the back to the front.
    pub(super) fn drawn(&self) -> String {
        format!("{}{}", self.back, self.out)
    }

    /// A path, with what is said of it where a pointer rests, escaped before.
    pub(super) fn path(&mut self, path: &str, class: &str, title: Option<&str>) {
        put!(&mut self.out, "<path d=\"{path}\" class=\"{class}\"");
        end(&mut self.out, "path", title);
    }

    /// Begins what belongs together, with what is said of it where a pointer rests, escaped before.
    pub(super) fn begin(&mut self, title: &str) {
        put!(&mut self.out, "<g><title>{title}</title>\n");
    }

    /// Ends what belongs together.
    pub(super) fn end(&mut self) {
        self.out.push_str("</g>\n");
    }

    /// A line of text, escaped before.
    pub(super) fn text(&mut self, x: u32, y: u32, class: &str, text: &str) {
        put!(&mut self.out, "<text x=\"{}\" y=\"{}\" class=\"{class}\">{text}</text>\n", Px(x), Px(y));
    }

    /// A rectangle, with what is said of it where a pointer rests, escaped before.
    pub(super) fn rect(&mut self, at: (u32, u32), size: (u32, u32), class: &str, title: Option<&str>) {
        rect(&mut self.out, at, size, class, title);
    }

    /// A line.
    pub(super) fn line(&mut self, from: (u32, u32), to: (u32, u32), class: &str) {
        let (x1, y1, x2, y2) = (Px(from.0), Px(from.1), Px(to.0), Px(to.1));
        put!(&mut self.out, "<path d=\"M{x1} {y1}L{x2} {y2}\" class=\"{class}\"/>\n");
    }

    /// The axis of time here; up to `top`, faint lines and the bands.
    pub(super) fn axis(&mut self, course: &Course<'_>, top: u32) {
        let y = self.y;
        let height = y.saturating_sub(top);
        for band in &mut self.bands {
            let size = (band.to - band.from, height);
            // It is said once: a drawing of many charts would be large.
            let title = std::mem::take(&mut band.title);
            let title = (!title.is_empty()).then_some(&*title);
            rect(&mut self.back, (band.from, top), size, band.class, title);
        }
        self.line((LEFT, y), (LEFT + SPAN, y), "axis");
        for (at, label) in ticks(course.by, course.span, 7) {
            let x = LEFT + course.place(at, SPAN);
            put!(&mut self.back, "<path d=\"M{} {}V{}\" class=\"tick\"/>\n", Px(x), Px(top), Px(y + 40));
            let class = if x + 300 > LEFT + SPAN { "small soft end" } else { "small soft mid" };
            let x = if x + 300 > LEFT + SPAN { x + 150 } else { x };
            self.text(x, y + 170, class, &label);
        }
        self.y = y + 260;
    }
}

pub(super) fn rect(out: &mut String, at: (u32, u32), size: (u32, u32), class: &str, title: Option<&str>) {
    let (x, y, width, height) = (Px(at.0), Px(at.1), Px(size.0), Px(size.1));
    put!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"{class}\"");
    end(out, "rect", title);
}

fn end(out: &mut String, element: &str, title: Option<&str>) {
    match title {
        Some(title) => put!(out, "><title>{title}</title></{element}>\n"),
        None => put!(out, "/>\n"),
    }
}

/// A path that goes sideways, then up or down, through these points; from left to right.
pub(super) fn steps(points: impl IntoIterator<Item = (u32, u32)>, end: u32) -> String {
    let mut path = String::new();
    let mut last: Option<u32> = None;
    for (x, y) in points {
        match last {
            None => put!(&mut path, "M{} {}", Px(x), Px(y)),
            Some(same) if same == y => {}
            Some(_) => put!(&mut path, "H{}V{}", Px(x), Px(y)),
        }
        last = Some(y);
    }
    if last.is_some() {
        put!(&mut path, "H{}", Px(end));
    }
    path
}
