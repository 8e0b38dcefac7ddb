//! What a plan would do, with times and failures that are given: no clock, no chance that is not seeded.

mod timeline;

pub use timeline::{Interval, Life, Sample, Timeline};
