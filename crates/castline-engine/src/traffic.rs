//! Who gets traffic, told to whatever sends it.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{process::Command, time::timeout};

use crate::{DriverError, program};

/// An instance that gets traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// Its id.
    pub instance: Arc<str>,
    /// `HOST:PORT`.
    pub address: String,
    /// Its zone; empty where there are none.
    #[serde(default)]
    pub zone: Arc<str>,
    /// The revision that it was launched from, as text.
    pub revision: String,
}

/// All that get traffic of a service, sorted by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Membership {
    /// The service.
    pub service: Arc<str>,
    /// Who gets traffic.
    pub endpoints: Vec<Endpoint>,
    /// What share of the traffic a revision gets, of a hundred, where a stage says so; all get the same where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<(String, u8)>,
}

/// A program that makes a load balancer send traffic to these instances and no others: it reads a [`Membership`] as one JSON
/// document on its standard input, and ends with 0 once that holds. An instance is added when it is ready, and taken out before it
/// is asked to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficHook {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// For how long it may run, in milliseconds.
    #[serde(default = "TrafficHook::default_timeout")]
    pub timeout_millis: u64,
}

impl TrafficHook {
    /// Ten seconds.
    const fn default_timeout() -> u64 {
        10_000
    }

    /// Tells the load balancer, and waits until it has done so.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] where there is no such program, else [`DriverError::Temporary`].
    pub async fn tell(&self, membership: &Membership) -> Result<(), DriverError> {
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| DriverError::permanent("the traffic hook has no command"))?;
        let document = serde_json::to_vec(membership).map_err(DriverError::permanent)?;
        let mut command = Command::new(program);
        command.args(arguments);
        let limit = Duration::from_millis(self.timeout_millis);
        let ended = timeout(limit, program::run(command, &document)).await.map_err(|_| {
            DriverError::temporary(format!(
                "the traffic hook `{program}` ran for more than {} ms",
                self.timeout_millis
            ))
        })?;
        let ended = ended.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                DriverError::permanent(format!("the traffic hook `{program}` cannot be started: {error}"))
            }
            _ => DriverError::temporary(format!("the traffic hook `{program}`: {error}")),
        })?;
        if ended.status.success() {
            return Ok(());
        }
        Err(DriverError::temporary(format!(
            "the traffic hook `{program}` failed ({}): {}",
            ended.status, ended.said
        )))
    }
}
