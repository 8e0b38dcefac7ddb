//! Who writes to a store, as the file that they hold says it.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    process,
};

use castline_core::Time;
use serde::{Deserialize, Serialize};

use crate::Clock;

/// The most bytes of a lock's file that are read.
const MOST: u64 = 4096;

/// The process that writes to a store, for messages: what holds is the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Holder {
    /// Its number, as it is called where it runs.
    pub pid: u32,
    /// Since when it does.
    pub since: Time,
}

impl Holder {
    /// Writes into the file of a lock that this process has it.
    pub(super) fn sign(mut file: &File) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Self { pid: process::id(), since: Clock::system().now() })?;
        line.push(b'\n');
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&line)
    }

    /// What the file of a lock says; none where it says nothing that is understood.
    pub(super) fn read(file: impl io::Read) -> Option<Self> {
        let mut line = Vec::new();
        file.take(MOST).read_to_end(&mut line).ok()?;
        serde_json::from_slice(&line).ok()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}, since {}", self.pid, self.since)
    }
}
