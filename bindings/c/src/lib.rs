//! castline for C: converts, calls, converts back. What is decided, is decided in the core; `include/castline.h` is
//! made of this crate.
//!
//! Arguments come through [`input`], values go out through [`boundary`], which is also where panics end; what C holds
//! are handles ([`handle`]). All other modules are one room of the header each.

#![allow(
    unsafe_code,
    reason = "this is where pointers of C become values of Rust; each block says why it may"
)]
#![allow(
    non_camel_case_types,
    unreachable_pub,
    clippy::doc_markdown,
    clippy::missing_safety_doc,
    missing_debug_implementations,
    reason = "names and comments are C's; the header says once what all functions ask of their callers; nothing prints what is opaque"
)]

mod boundary;
mod build;
mod bytes;
mod document;
mod drift;
mod error;
mod fleet;
mod handle;
mod import;
mod input;
mod ledger;
mod plan;
mod preview;
mod release;
mod report;
mod rollout;
mod status;
mod texts;
mod verify;
mod version;
mod work;
