//! Does what runs differ from what was shipped?

mod scan;

pub use scan::{Scan, Unread};
