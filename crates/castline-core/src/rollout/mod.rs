//! A plan being executed: a pure state machine, fed with what happens and asked what to do.

mod action;
mod event;
mod status;

pub use action::{Action, Do, Next};
pub use event::{Event, Key, What};
pub use status::Status;
