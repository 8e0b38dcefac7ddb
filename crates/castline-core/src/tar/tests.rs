//! The rules of the format as tables, and what holds for any bytes as laws.

mod build;
mod dialects;
mod ends;
mod faults;
mod laws;
mod sparse;
