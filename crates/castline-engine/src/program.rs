//! Programs of a site's own that are run to their end: hooks and gates.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

/// How much of the end of what one says is kept, in bytes.
const SAID: usize = 4096;

/// For how long its last words are waited for, once it has ended: a process that it has left behind may hold its standard error open.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The end of what it wrote to standard error.
    pub(crate) said: String,
}

/// Runs a program that reads `input`. It is killed where nobody waits for it any more, and not by what a terminal sends to castline.
pub(crate) async fn run(mut command: Command, input: &[u8]) -> io::Result<Ended> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).process_group(0).spawn()?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let mut said = Vec::new();
    let status = {
        let listening = async {
            let Some(mut stderr) = stderr else { return };
            let mut buffer = [0; SAID];
            while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
                said.extend_from_slice(&buffer[..length]);
                said.drain(..said.len().saturating_sub(SAID));
            }
        };
        let working = async {
            if let Some(mut stdin) = stdin {
                // One that ends without reading all is judged by how it ends.
                let _ = stdin.write_all(input).await;
            }
            child.wait().await
        };
        tokio::pin!(listening, working);
        let status = tokio::select! {
            status = &mut working => {
                let _ = timeout(LAST_WORDS, &mut listening).await;
                status
            }
            () = &mut listening => working.await,
        };
        status?
    };
    Ok(Ended { status, said: String::from_utf8_lossy(&said).trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, input: &[u8]) -> Ended {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        run(command, input).await.expect("it runs")
    }

    #[tokio::test]
    async fn what_one_leaves_behind_is_not_waited_for_and_its_last_words_are_kept() {
        let ended = sh("cat >/dev/null; sleep 600 & echo $! >&2; echo no >&2; exit 3", b"document").await;
        assert_eq!(ended.status.code(), Some(3));
        let (left, no) = ended.said.split_once('\n').expect("two lines");
        assert_eq!(no, "no");
        // Started by this test, and ended by it.
        assert!(sh(&format!("kill {left}"), b"").await.status.success());
        let ended = sh("i=0; while [ $i -lt 3000 ]; do echo word$i >&2; i=$((i + 1)); done", b"").await;
        assert!(ended.said.ends_with("word2999") && ended.said.len() <= SAID, "{}", ended.said.len());
    }
}
