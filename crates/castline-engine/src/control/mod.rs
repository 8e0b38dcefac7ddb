//! How others speak to a rollout that a process executes: by a socket beside its ledger.
//!
//! Whoever executes a rollout listens at `control`, a Unix domain socket in the folder of the store, for as long as it does. A
//! client sends one line of JSON, and gets one back:
//!
//! ```text
//! > {"tell":{"rollout":"sha256:4f2c…","by":"ann","command":{"approve":{"of":{"approval":"canary looks good"}}}}}
//! < {"recorded":{"entry":17,"digest":"sha256:91ab…"}}
//!
//! > {"tell":{"rollout":"sha256:4f2c…","by":"ann","command":"continue"}}
//! < {"refused":{"reason":"it is not paused"}}
//!
//! > "list"
//! < {"rollouts":["sha256:4f2c…"]}
//! ```
//!
//! [`Command`] has the commands. [`Remote`] is the client, and [`Handle::tell`](crate::Handle::tell) says the same within the process.
//!
//! # What holds
//!
//! - **What is recorded is on the disk**: it is said only then. A connection that ends without an answer leaves it open, and the
//!   ledger knows.
//! - **The socket's permissions are the authority.** Its mode is 0600: the user who executes the rollout may speak, and root. `by` is
//!   what the caller says, as the actor of an entry is.
//! - **Nobody holds the rollout up.** A line has at most 64 KiB and five seconds to come, so many clients are heard at once, and the
//!   others wait at the socket. What is not understood to the last member is refused.
//! - **One listens**: who holds the store's lock. What a process has left that was killed is taken away by the next one.

mod board;
mod remote;
mod socket;

use std::sync::Arc;

use castline_core::{Digest, rollout::Key};
use serde::{Deserialize, Serialize};

pub(crate) use self::board::Board;
pub use self::remote::Remote;

/// The most bytes that a line has, its end aside.
const LONGEST: usize = 64 << 10;

/// What a rollout can be told while it is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Command {
    /// Somebody approves of what it asks.
    Approve {
        /// Of which question.
        of: Asked,
    },
    /// Somebody refuses it.
    Refuse {
        /// Which question.
        of: Asked,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Begin nothing more, and finish what was begun.
    Pause,
    /// Go on after a pause. What failed is tried again.
    Continue,
    /// Stop for good, and leave things as they are.
    Abort,
    /// Go back to the release that succeeded before.
    RollBack,
    /// Another number of instances.
    Resize {
        /// The service.
        service: Arc<str>,
        /// How many there are to be.
        replicas: u64,
    },
}

/// A question of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Asked {
    /// The one that the action of this key asks.
    Key(Key),
    /// The first that asks for this approval.
    Approval(String),
}

/// Where what was told stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Recorded {
    /// The entry's number, its `sequence`; the first is 0.
    pub entry: u64,
    /// The digest of the entry.
    pub digest: Digest,
}

impl Recorded {
    pub(crate) const fn new(entry: u64, digest: Digest) -> Self {
        Self { entry, digest }
    }
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Request {
    /// Which rollouts are executed here?
    List,
    Tell {
        rollout: Digest,
        by: String,
        command: Command,
    },
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Reply {
    Recorded(Recorded),
    Refused { reason: Box<str> },
    Rollouts(Vec<Digest>),
}

impl Reply {
    fn refused(reason: impl std::fmt::Display) -> Self {
        Self::Refused { reason: reason.to_string().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_as_the_documentation_has_them_and_unknown_members_are_refused() {
        let rollout = Digest::of(b"rollout");
        let tell =
            |command: &str| format!(r#"{{"tell":{{"rollout":"{rollout}","by":"ann","command":{command}}}}}"#);
        let question = || Asked::Approval("go".into());
        for (text, command) in [
            (r#""pause""#, Command::Pause),
            (r#""rollBack""#, Command::RollBack),
            (r#"{"approve":{"of":{"approval":"go"}}}"#, Command::Approve { of: question() }),
            (r#"{"approve":{"of":{"key":"k"}}}"#, Command::Approve { of: Asked::Key(Key("k".into())) }),
            (
                r#"{"refuse":{"of":{"approval":"go"},"reason":"slow"}}"#,
                Command::Refuse { of: question(), reason: "slow".into() },
            ),
            (
                r#"{"resize":{"service":"web","replicas":7}}"#,
                Command::Resize { service: "web".into(), replicas: 7 },
            ),
        ] {
            let request = Request::Tell { rollout: rollout.clone(), by: "ann".into(), command };
            assert_eq!(serde_json::to_string(&request).expect("JSON"), tell(text));
            assert_eq!(serde_json::from_str::<Request>(&tell(text)).expect(text), request);
        }
        for text in [
            r#"{"resize":{"service":"web","replicas":7,"soon":true}}"#,
            r#"{"approve":{"of":{"approval":"go","key":"k"}}}"#,
            r#"{"pause":{"for":"a while"}}"#,
            r#"{"approve":{"of":{"approval":"go"}},"pause":null}"#,
            r#""stop""#,
            r#""pause","force":true"#,
        ] {
            assert!(serde_json::from_str::<Request>(&tell(text)).is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&Request::List).expect("JSON"), r#""list""#);
        let recorded = Reply::Recorded(Recorded::new(17, rollout.clone()));
        let text = format!(r#"{{"recorded":{{"entry":17,"digest":"{rollout}"}}}}"#);
        assert_eq!(serde_json::to_string(&recorded).expect("JSON"), text);
    }
}
