use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use castline_core::Digest;

use super::{Command, Recorded, Reply, Request, socket::Place};
use crate::EngineError;

/// How long an answer is waited for. Whoever executes a rollout answers once it is on the disk, or is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most bytes of an answer that are read.
const MOST: u64 = 1 << 20;

/// The rollouts of a store that another process executes, to be spoken to. All of it blocks.
///
/// ```no_run
/// # fn example(rollout: &castline_core::Digest) -> Result<(), castline_engine::EngineError> {
/// use castline_engine::{Command, Remote};
///
/// let recorded = Remote::of("castline.store").tell(rollout, "ann", Command::Pause)?;
/// assert_eq!(recorded.digest.algorithm(), castline_core::Algorithm::Sha256); // of the entry that has it
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Remote {
    store: PathBuf,
}

impl Remote {
    /// Those of the store in this folder.
    pub fn of(store: impl Into<PathBuf>) -> Self {
        Self { store: store.into() }
    }

    /// The folder of the store.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Which rollouts are executed, each by the digest of the entry that it began with.
    ///
    /// # Errors
    ///
    /// [`EngineError::NotReached`] where nobody executes any, [`EngineError::Unanswered`].
    pub fn rollouts(&self) -> Result<Vec<Digest>, EngineError> {
        match self.ask(&Request::List)? {
            Reply::Rollouts(rollouts) => Ok(rollouts),
            other => Err(self.senseless(&other)),
        }
    }

    /// Tells a rollout something, and comes back when that is in the ledger, on the disk. `by` says who wants it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`], and nothing was recorded; [`EngineError::NotReached`] where nobody executes a rollout, or the caller
    /// may not speak to them; [`EngineError::Unanswered`] where nobody knows whether it was recorded, but the ledger.
    pub fn tell(
        &self,
        rollout: &Digest,
        by: impl Into<String>,
        command: Command,
    ) -> Result<Recorded, EngineError> {
        match self.ask(&Request::Tell { rollout: rollout.clone(), by: by.into(), command })? {
            Reply::Recorded(recorded) => Ok(recorded),
            Reply::Refused { reason } => Err(EngineError::Refused { reason }),
            other @ Reply::Rollouts(_) => Err(self.senseless(&other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, EngineError> {
        let stream = Place::of(&self.store).and_then(|place| place.connect());
        let stream =
            stream.map_err(|source| EngineError::NotReached { store: self.store.clone(), source })?;
        let line = answer(stream, request).map_err(|error| self.unanswered(error))?;
        serde_json::from_slice(&line).map_err(|error| self.unanswered(error))
    }

    fn unanswered(&self, why: impl std::fmt::Display) -> EngineError {
        let store = self.store.display();
        EngineError::Unanswered { reason: format!("{store}: who executes the rollout: {why}").into() }
    }

    fn senseless(&self, reply: &Reply) -> EngineError {
        self.unanswered(format_args!("it has answered something else than was asked: {reply:?}"))
    }
}

fn answer(mut stream: UnixStream, request: &Request) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    // Who does not want to hear all of it says why.
    let written = stream.write_all(&line);
    let mut answer = Vec::new();
    BufReader::new(stream).take(MOST).read_until(b'\n', &mut answer).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => io::Error::new(
            io::ErrorKind::TimedOut,
            format!("nothing came back within {} s", PATIENCE.as_secs()),
        ),
        _ => error,
    })?;
    if answer.last() == Some(&b'\n') {
        return Ok(answer);
    }
    written?;
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended before it had answered"))
}
