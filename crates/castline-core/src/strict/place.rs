use std::{cell::RefCell, fmt};

use crate::error::shown;

/// Where an error came from, filled from the inside to the outside while it is handed up.
#[derive(Debug, Default)]
pub(super) struct Place(RefCell<Vec<Step>>);

#[derive(Debug)]
enum Step {
    Member(Box<str>),
    Element(usize),
}

impl Place {
    pub(super) fn member(&self, name: &str) {
        self.0.borrow_mut().push(Step::Member(shown(name)));
    }

    pub(super) fn element(&self, position: usize) {
        self.0.borrow_mut().push(Step::Element(position));
    }

    /// The place as text; none of the document as a whole.
    pub(super) fn take(&self) -> Option<String> {
        let steps = self.0.take();
        let mut text = String::new();
        for step in steps.iter().rev() {
            step.write(&mut text).ok()?;
        }
        (!text.is_empty()).then_some(text)
    }
}

impl Step {
    fn write(&self, text: &mut String) -> fmt::Result {
        use fmt::Write as _;
        match self {
            Self::Element(position) => write!(text, "[{position}]"),
            Self::Member(name) if !is_plain(name) => write!(text, "[\"{name}\"]"),
            Self::Member(name) if text.is_empty() => text.write_str(name),
            Self::Member(name) => write!(text, ".{name}"),
        }
    }
}

/// Whether a name can stand between dots: a path or a domain in a label cannot.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}
