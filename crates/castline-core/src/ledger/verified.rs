//! When the files of instances were compared with those of their images last, and what was found.

use std::collections::BTreeMap;

use super::{Ledger, Record};
use crate::{Digest, Integrity, Time};

/// What a ledger says of the last time that an instance was looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastVerification<'a> {
    /// When that was recorded.
    pub at: Time,
    /// Whether only what was written since it was launched was read.
    pub fast: bool,
    /// What its files were; unknown where it could not be looked into, or not all of it.
    pub integrity: Integrity,
    /// The release with whose image it was compared.
    pub release: Option<&'a Digest>,
    /// What was not as it was shipped, or why nobody knows.
    pub reason: &'a str,
}

impl Ledger {
    /// What was found of each instance of a service when it was looked into last, by its id. Platforms that give ids anew may
    /// have given one to another instance since: it was not looked into if it was launched later.
    pub fn verified(&self, service: &str) -> BTreeMap<&str, LastVerification<'_>> {
        let mut verified = BTreeMap::new();
        for link in self.newest_first() {
            let Record::Verification { service: of, fast, verdicts } = &link.entry.record else { continue };
            if **of != *service {
                continue;
            }
            for verdict in verdicts {
                let found = LastVerification {
                    at: link.entry.at,
                    fast: *fast,
                    integrity: verdict.integrity,
                    release: verdict.release.as_ref(),
                    reason: &verdict.reason,
                };
                for instance in &verdict.instances {
                    verified.entry(&**instance).or_insert(found);
                }
            }
        }
        verified
    }
}
