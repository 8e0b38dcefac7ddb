//! Where a service is taken back to.

use castline_core::{
    Release,
    ledger::{Ledger, Outcome},
};

/// The release that a service goes back to where nobody names one: what it ran before the last rollout where that was stopped, or
/// failed, half way; else the one that succeeded last before what it runs ([`Ledger::previous_good`]).
pub fn way_back<'l>(ledger: &'l Ledger, service: &str) -> Option<&'l Release> {
    let last = ledger.history(service).pop()?;
    let is_half_way = matches!(last.outcome, Some(Outcome::Aborted | Outcome::Failed));
    match ledger.current(service) {
        Some(current) if is_half_way && *current != last.release => ledger.release(current),
        _ => ledger.previous_good(service),
    }
}
