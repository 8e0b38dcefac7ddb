//! A stream of bytes becomes a blob: cut into blocks, compressed on several threads, put together in order, hashed before
//! and after.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use castline_core::{Algorithm, Digest, Hasher};

use super::encode::{Block, Encoded, Encoding};
use crate::{BlobWriter, Error, Result, StoredBlob};

/// What became of a stream.
pub(super) struct Packed {
    pub(super) blob: StoredBlob,
    pub(super) diff_id: Digest,
    /// Bytes before compression.
    pub(super) bytes: u64,
}

/// Takes the bytes of a stream, in pieces of any length.
pub(super) struct Sink<'s> {
    encoding: Encoding,
    /// What the encoder looks back at, then the block that is being filled.
    bytes: Vec<u8>,
    start: usize,
    hasher: Hasher,
    length: u64,
    send: &'s mut dyn FnMut(Block) -> io::Result<()>,
}

impl<'s> Sink<'s> {
    fn new(encoding: Encoding, send: &'s mut dyn FnMut(Block) -> io::Result<()>) -> Self {
        let hasher = Hasher::new(&Algorithm::Sha256).expect("SHA-256 is computed");
        let bytes = Vec::with_capacity(encoding.window() + encoding.block());
        Self { encoding, bytes, start: 0, hasher, length: 0, send }
    }

    /// Takes all of `bytes`.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let (now, rest) = bytes.split_at(bytes.len().min(room));
            self.bytes.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    /// Takes what `read` puts into the buffer that it is given, at most `limit` bytes; how many there were.
    pub(super) fn fill(
        &mut self,
        limit: u64,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let room = usize::try_from(limit).unwrap_or(usize::MAX).min(self.room()?);
        let filled = self.bytes.len();
        self.bytes.resize(filled + room, 0);
        let outcome = read(&mut self.bytes[filled..]);
        self.bytes.truncate(filled + outcome.as_ref().map_or(0, |&length| length));
        outcome
    }

    /// How much the block still takes; never 0.
    fn room(&mut self) -> io::Result<usize> {
        let full = self.start + self.encoding.block();
        if self.bytes.len() == full {
            self.ship(false)?;
        }
        Ok(self.start + self.encoding.block() - self.bytes.len())
    }

    fn ship(&mut self, last: bool) -> io::Result<()> {
        let block = &self.bytes[self.start..];
        self.hasher.update(block);
        self.length += block.len() as u64;
        let window = self.bytes.len().min(self.encoding.window());
        let mut next = Vec::with_capacity(self.encoding.window() + self.encoding.block());
        next.extend_from_slice(&self.bytes[self.bytes.len() - window..]);
        let start = std::mem::replace(&mut self.start, window);
        let bytes = std::mem::replace(&mut self.bytes, next);
        (self.send)(Block { bytes, start, last })
    }

    fn finish(mut self) -> io::Result<(Digest, u64)> {
        self.ship(true)?;
        Ok((self.hasher.finish(), self.length))
    }
}

/// Writes what `produce` puts into its sink as a blob.
pub(super) fn pack(
    encoding: Encoding,
    jobs: NonZeroUsize,
    mut blob: BlobWriter,
    produce: impl FnOnce(&mut Sink<'_>) -> Result<()>,
) -> Result<Packed> {
    let mut frame = encoding.frame();
    blob.append(frame.head())?;
    let (diff_id, bytes) = if jobs.get() == 1 || !encoding.compresses() {
        let mut failure = None;
        let mut send = |block| {
            let encoded = encoding.encode(block)?;
            frame.add(&encoded);
            blob.append(&encoded.bytes).map_err(|error| stop(&mut failure, error))
        };
        let mut sink = Sink::new(encoding, &mut send);
        let produced = produce(&mut sink).and_then(|()| sink.finish().map_err(lost));
        if let Some(failure) = failure {
            return Err(failure);
        }
        produced?
    } else {
        // A core for each: more threads than these only wait.
        let workers = jobs.get().min(256);
        let (tasks, queue) = sync_channel::<Task>(workers);
        let (order, ordered) = sync_channel::<Receiver<io::Result<Encoded>>>(2 * workers);
        let queue = Mutex::new(queue);
        let (produced, written) = thread::scope(|scope| {
            let mut started = 0;
            for _ in 0..workers {
                let work = || work(encoding, &queue);
                started += usize::from(thread::Builder::new().spawn_scoped(scope, work).is_ok());
            }
            let writer = {
                let (frame, blob) = (&mut frame, &mut blob);
                move || -> Result<()> {
                    for encoded in ordered {
                        let encoded = encoded
                            .recv()
                            .map_err(io::Error::other)
                            .and_then(|encoded| encoded)
                            .map_err(lost)?;
                        frame.add(&encoded);
                        blob.append(&encoded.bytes)?;
                    }
                    Ok(())
                }
            };
            let writer = thread::Builder::new().spawn_scoped(scope, writer);
            let Some(writer) = writer.ok().filter(|_| started > 0) else {
                drop((tasks, order));
                return (Err(no_threads()), Ok(()));
            };
            let mut send = |block| {
                let (reply, encoded) = sync_channel(1);
                // Where nobody listens any more, the writer says why.
                order.send(encoded).map_err(|_| io::ErrorKind::BrokenPipe)?;
                tasks.send(Task { block, reply }).map_err(|_| io::ErrorKind::BrokenPipe.into())
            };
            let mut sink = Sink::new(encoding, &mut send);
            let produced = produce(&mut sink).and_then(|()| sink.finish().map_err(lost));
            drop((tasks, order));
            (produced, writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        // If writing failed, that is why nothing more could be sent.
        written?;
        produced?
    };
    blob.append(&frame.tail())?;
    Ok(Packed { blob: blob.commit()?, diff_id, bytes })
}

struct Task {
    block: Block,
    reply: SyncSender<io::Result<Encoded>>,
}

fn work(encoding: Encoding, queue: &Mutex<Receiver<Task>>) {
    loop {
        // The lock is held while waiting, by one worker; the others wait for it instead.
        let task = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        let Ok(Task { block, reply }) = task else { return };
        // Nobody listens any more where writing failed.
        let _ = reply.send(encoding.encode(block));
    }
}

fn stop(failure: &mut Option<Error>, error: Error) -> io::Error {
    *failure = Some(error);
    io::Error::other("the blob cannot be written")
}

fn lost(error: io::Error) -> Error {
    Error::io("the layer")(error)
}

fn no_threads() -> Error {
    Error::io("the layer")(io::Error::other("no thread can be started"))
}
