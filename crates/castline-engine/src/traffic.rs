//! Who gets traffic, told to whatever sends it.

use std::{process::Stdio, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use crate::DriverError;

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

/// How much of what a failing hook says is kept, in bytes.
const SAID: usize = 4096;

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
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                DriverError::permanent(format!("the traffic hook `{program}` cannot be started: {error}"))
            })?;
        let input = child.stdin.take();
        let work = async {
            if let Some(mut input) = input {
                // One that ends without reading all is judged by how it ends.
                let _ = input.write_all(&document).await;
            }
            child.wait_with_output().await
        };
        let ended = timeout(Duration::from_millis(self.timeout_millis), work).await.map_err(|_| {
            DriverError::temporary(format!(
                "the traffic hook `{program}` ran for more than {} ms",
                self.timeout_millis
            ))
        })?;
        let output = ended
            .map_err(|error| DriverError::temporary(format!("the traffic hook `{program}`: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr[..output.stderr.len().min(SAID)]).trim().to_owned();
        Err(DriverError::temporary(format!(
            "the traffic hook `{program}` failed ({}): {said}",
            output.status
        )))
    }
}
