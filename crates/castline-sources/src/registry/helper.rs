//! Credential helpers: `docker-credential-NAME get`, the host on standard input, JSON on standard output
//! (docker/docker-credential-helpers, *Protocol*).

use std::{process::Stdio, time::Duration};

use castline_core::shown;
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};

use super::{credentials::Login, secret::Secret};
use crate::{Error, Result};

/// A helper that asks a person takes its time; one that hangs is not waited for without end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that a helper may say.
const MOST_SAID: u64 = 64 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks the helper `name` for `host`; `None` when it has nothing for it.
pub(super) async fn ask(name: &str, host: &str) -> Result<Option<Login>> {
    let failed = |reason: String| Error::InvalidCredentials {
        reason: format!("the credential helper `docker-credential-{}` {reason}", shown(name)).into(),
    };
    // It becomes the name of a program: nothing that is a path.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(failed("has a name that no helper has".into()));
    }
    match tokio::time::timeout(PATIENCE, run(name, host)).await {
        Err(_) => Err(failed(format!("gave no answer for {} seconds", PATIENCE.as_secs()))),
        Ok(Err(error)) => Err(failed(format!("cannot be run: {error}"))),
        Ok(Ok((true, said))) => match serde_json::from_slice::<Answer>(&said) {
            // What it said may be a secret: it is not quoted.
            Err(_) => Err(failed("gave an answer that is not the JSON of credentials".into())),
            Ok(answer) if answer.username == "<token>" => {
                Ok(Some(Login::Refresh(Secret::new(answer.secret))))
            }
            Ok(answer) if answer.username.is_empty() && answer.secret.is_empty() => Ok(None),
            Ok(answer) => {
                Ok(Some(Login::Password { user: answer.username, password: Secret::new(answer.secret) }))
            }
        },
        Ok(Ok((false, said))) => {
            let said = String::from_utf8_lossy(&said);
            if said.contains("credentials not found") {
                return Ok(None);
            }
            Err(failed(format!("failed: {}", shown(said.trim()))))
        }
    }
}

/// Whether it succeeded, and what it said.
async fn run(name: &str, host: &str) -> std::io::Result<(bool, Vec<u8>)> {
    let mut child = Command::new(format!("docker-credential-{name}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read what it is asked may have an answer all the same.
        let _ = stdin.write_all(format!("{host}\n").as_bytes()).await;
    }
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST_SAID).read_to_end(&mut said).await?;
    }
    Ok((child.wait().await?.success(), said))
}
