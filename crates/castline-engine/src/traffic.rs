//! Who gets traffic, told to whatever sends it.

use std::{env, io::ErrorKind, path::PathBuf, sync::Arc, time::Duration};

use rustix::fs::{Access, access};
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

    /// Whether its program can be started: found where it says, or in `PATH`, and executable.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`].
    pub fn is_there(&self) -> Result<(), DriverError> {
        let program = self.program()?;
        let candidates: Vec<PathBuf> = if program.contains('/') {
            vec![program.into()]
        } else {
            // As exec does where there is none.
            let path = env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
            env::split_paths(&path).map(|folder| folder.join(program)).collect()
        };
        let can_run = |path: &PathBuf| path.is_file() && access(path, Access::EXEC_OK).is_ok();
        if candidates.iter().any(can_run) {
            return Ok(());
        }
        Err(DriverError::permanent(format!(
            "the traffic hook `{program}` cannot be started: there is no such program, or it is not executable"
        )))
    }

    fn program(&self) -> Result<&String, DriverError> {
        self.command.first().ok_or_else(|| DriverError::permanent("the traffic hook has no command"))
    }

    /// Tells the load balancer, and waits until it has done so.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] where there is no such program, else [`DriverError::Temporary`].
    pub async fn tell(&self, membership: &Membership) -> Result<(), DriverError> {
        let program = self.program()?;
        let document = serde_json::to_vec(membership).map_err(DriverError::permanent)?;
        let mut command = Command::new(program);
        command.args(&self.command[1..]);
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
