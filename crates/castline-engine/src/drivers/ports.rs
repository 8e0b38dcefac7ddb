use serde::{Deserialize, Serialize};

use crate::DriverError;

/// Ports, both ends among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl PortRange {
    /// Every port, in order.
    pub(super) fn ports(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }

    pub(super) fn check(self) -> Result<(), DriverError> {
        if self.first == 0 || self.first > self.last {
            return Err(DriverError::permanent(format!(
                "portRange: {} to {} are no ports: the first is at least 1, and at most the last",
                self.first, self.last
            )));
        }
        Ok(())
    }

    pub(super) fn exhausted(self) -> DriverError {
        DriverError::temporary(format!("no port from {} to {} is free", self.first, self.last))
    }
}

/// Whether nobody listens there now.
pub(super) fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
}
