//! Who listens: one socket for all rollouts that a process executes on a store.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use castline_core::Digest;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc::{Receiver, Sender, channel},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{LONGEST, Reply, Request, socket::Place};
use crate::{EngineError, Handle, Store};

/// How many clients are heard at once.
const AT_ONCE: usize = 32;

/// How long a client may take to say something, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it is waited where the system takes no more clients.
const PAUSE: Duration = Duration::from_millis(100);

/// The rollouts that can be spoken to.
#[derive(Debug)]
pub(crate) struct Board {
    /// None where there are no sockets.
    folder: Option<PathBuf>,
    listed: Shared,
    listener: Mutex<Option<Listener>>,
}

type Shared = Arc<Mutex<Vec<Line>>>;

/// A rollout that can be spoken to.
#[derive(Debug)]
struct Line {
    rollout: Digest,
    handle: Handle,
    /// Held by each client that waits for its answer. Nothing is ever sent.
    busy: Sender<()>,
}

/// Stops, and takes its socket away, when it is let go.
#[derive(Debug)]
struct Listener {
    place: Place,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
        if let Err(error) = self.place.remove() {
            tracing::warn!(%error, "the socket is left where it is");
        }
    }
}

/// That a rollout can be spoken to, for as long as this is there.
#[derive(Debug)]
pub(crate) struct Listed {
    store: Arc<Store>,
    busy: Sender<()>,
    idle: Option<Receiver<()>>,
}

impl Board {
    pub(crate) fn of(folder: Option<&Path>) -> Self {
        let folder = folder.map(Path::to_owned);
        Self { folder, listed: Shared::default(), listener: Mutex::default() }
    }

    /// Lets others speak to a rollout by this handle. It is executed all the same where they cannot: then it is said why.
    pub(crate) fn list(store: &Arc<Store>, rollout: &Digest, handle: Handle) -> (Listed, io::Result<()>) {
        let board = store.board();
        let mut listener = locked(&board.listener);
        let (busy, idle) = channel(1);
        locked(&board.listed).push(Line { rollout: rollout.clone(), handle, busy: busy.clone() });
        let listens = match &board.folder {
            Some(folder) if listener.is_none() => Listener::begin(folder, &board.listed),
            _ => Ok(None),
        };
        let listens = listens.map(|begun| {
            if begun.is_some() {
                *listener = begun;
            }
        });
        (Listed { store: Arc::clone(store), busy, idle: Some(idle) }, listens)
    }

    fn remove(&self, busy: &Sender<()>) {
        locked(&self.listed).retain(|line| !line.busy.same_channel(busy));
    }
}

impl Listener {
    fn begin(folder: &Path, listed: &Shared) -> io::Result<Option<Self>> {
        let place = Place::of(folder)?;
        let task = tokio::spawn(serve(place.listen()?, Arc::clone(listed)));
        Ok(Some(Self { place, task }))
    }
}

impl Listed {
    /// Takes nothing more, and waits until those who were heard have their answers.
    pub(crate) async fn close(mut self) {
        self.store.board().remove(&self.busy);
        let Some(mut idle) = self.idle.take() else { return };
        // One's own is the last.
        self.busy = channel(1).0;
        let _ = timeout(PATIENCE, idle.recv()).await;
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let board = self.store.board();
        board.remove(&self.busy);
        let mut listener = locked(&board.listener);
        if locked(&board.listed).is_empty() {
            *listener = None;
        }
    }
}

async fn serve(listener: UnixListener, listed: Shared) {
    let mut clients = JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        if clients.len() >= AT_ONCE {
            // The others wait at the socket.
            clients.join_next().await;
            continue;
        }
        match listener.accept().await {
            Ok((client, _)) => {
                clients.spawn(hear(client, Arc::clone(&listed)));
            }
            Err(error) => {
                tracing::warn!(%error, "a client is not heard");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn hear(mut client: UnixStream, listed: Shared) {
    // Held until the answer is written.
    let mut busy = None;
    let reply = match timeout(PATIENCE, line(&mut client)).await {
        Err(_) => Some(Reply::refused(format_args!("nothing was said within {} s", PATIENCE.as_secs()))),
        Ok(Err(_)) => None,
        Ok(Ok(line)) if line.is_empty() => None,
        Ok(Ok(line)) if line.len() > LONGEST => {
            Some(Reply::refused(format_args!("a line has at most {LONGEST} bytes")))
        }
        Ok(Ok(line)) => match serde_json::from_slice(&line) {
            Ok(request) => answer(request, &listed, &mut busy).await,
            Err(error) => Some(Reply::refused(format_args!("it is not understood: {error}"))),
        },
    };
    let Some(mut line) = reply.and_then(|reply| serde_json::to_vec(&reply).ok()) else { return };
    line.push(b'\n');
    let _ = timeout(PATIENCE, client.write_all(&line)).await;
    drop(busy);
}

/// The first line without its end, or what there is of one: no more than shows that it is too long.
async fn line(client: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(client.take(LONGEST as u64 + 1)).read_until(b'\n', &mut line).await?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(line)
}

/// What a client is answered; nothing where nobody knows whether it was recorded.
async fn answer(request: Request, listed: &Shared, busy: &mut Option<Sender<()>>) -> Option<Reply> {
    let (rollout, by, command) = match request {
        Request::List => {
            return Some(Reply::Rollouts(locked(listed).iter().map(|line| line.rollout.clone()).collect()));
        }
        Request::Tell { rollout, by, command } => (rollout, by, command),
    };
    if by.trim().is_empty() {
        return Some(Reply::refused("`by` is empty: say who wants it"));
    }
    let handle = locked(listed).iter().find(|line| line.rollout == rollout).map(|line| {
        *busy = Some(line.busy.clone());
        line.handle.clone()
    });
    let Some(handle) = handle else {
        return Some(Reply::refused(format_args!("the rollout {rollout} is not executed here")));
    };
    match handle.tell(command, by).await {
        Ok(recorded) => Some(Reply::Recorded(recorded)),
        Err(EngineError::Unanswered { .. }) => None,
        Err(error) => Some(Reply::refused(error)),
    }
}

/// Nobody panics while they have it; and if they did, what it says would hold.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
