//! Blobs that are read while they come, so that they are verified by the time they are there.

use std::{
    collections::HashMap,
    io::{self, Read},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cap_std::fs::{File, FileExt as _};
use castline_core::{Blob, BlobName, BlobSource, Cancel, Digest, Format, OpenFault, Stored};
use tokio::sync::Notify;

use super::{PulledImage, documents::Link, fetch::Fetched, manifest::Manifest};
use crate::{BlobWriter, Layout, Reference, Result};

/// How often whoever waits for bytes looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// One blob, from when it is asked for until it is in the layout.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    state: Mutex<State>,
    changed: Condvar,
    /// Whoever fetches it waits for what its readers say.
    read: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The file that it is written to.
    file: Option<Arc<File>>,
    /// Bytes that are in it.
    written: u64,
    end: Option<End>,
    /// Whether what was in the file has been read by somebody, and turned out to be something else.
    begun_anew: bool,
    /// What the whole file hashes to, as it was read.
    digest: Option<Digest>,
    /// Whether nobody will read it any more.
    unread: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is in the layout, under its name.
    Stored,
    /// The registry does not have it.
    Missing,
    /// It did not come; why is known to whoever fetched it.
    Failed,
}

impl Arrival {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is written by this writer from now on.
    pub(super) fn begin(&self, writer: &BlobWriter) -> Result<()> {
        let file = Arc::new(writer.reader()?);
        let mut state = self.lock();
        state.begun_anew |= state.file.replace(file).is_some();
        state.written = writer.written();
        self.changed.notify_all();
        Ok(())
    }

    /// So many bytes are in the file.
    pub(super) fn written(&self, bytes: u64) {
        self.lock().written = bytes;
        self.changed.notify_all();
    }

    /// It is in the layout, or will not be there.
    pub(super) fn end(&self, fetched: &Result<Fetched>) {
        let end = match fetched {
            Ok(Fetched::There | Fetched::From(_)) => End::Stored,
            Ok(Fetched::Elsewhere) => End::Missing,
            Err(_) => End::Failed,
        };
        let mut state = self.lock();
        state.file = None;
        state.end = Some(end);
        self.changed.notify_all();
    }

    /// All of it was read, `size` bytes.
    fn hashed(&self, size: u64, digest: &Digest) {
        let mut state = self.lock();
        // What was read before it was begun anew is another file.
        if !state.begun_anew && size == state.written {
            state.digest = Some(digest.clone());
        }
        drop(state);
        self.read.notify_one();
    }

    /// Nobody reads it any more.
    fn leave(&self) {
        self.lock().unread = true;
        self.read.notify_one();
    }

    /// Waits until all of the file was read; what it hashes to, if anybody has read it.
    pub(super) async fn digest(&self) -> Option<Digest> {
        loop {
            {
                let state = self.lock();
                if state.digest.is_some() || state.unread || state.begun_anew {
                    return state.digest.clone();
                }
            }
            self.read.notified().await;
        }
    }

    /// Waits until `there` gives something, or the work is to stop.
    fn wait<T>(&self, cancel: &Cancel, there: impl Fn(&State) -> Option<T>) -> io::Result<T> {
        let mut state = self.lock();
        loop {
            if let Some(value) = there(&state) {
                return Ok(value);
            }
            if cancel.is_cancelled() {
                return Err(io::Error::other("the pull was given up"));
            }
            let woken = self.changed.wait_timeout(state, LOOK);
            state = woken.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}

/// An image that is being pulled, to be verified meanwhile: what has come of a blob is read as soon as it is on its way to the disk.
pub(super) struct Arriving {
    /// The image as it will be in the layout.
    image: PulledImage,
    /// Manifests and indexes, which came first.
    documents: HashMap<Digest, Box<[u8]>>,
    /// What is fetched, and how much each is.
    blobs: HashMap<Digest, (Arc<Arrival>, u64)>,
    /// Stops whoever waits.
    pub(super) cancel: Cancel,
}

impl Arriving {
    /// `documents` begin with the one that was asked for.
    pub(super) fn new(
        documents: &[Manifest],
        links: &[Link],
        layout: Layout,
        reference: &Reference,
        cancel: Cancel,
    ) -> Option<Self> {
        let image = PulledImage::new(layout, &documents.first()?.descriptor, reference);
        let bytes = |one: &Manifest| (one.descriptor.digest.clone(), one.bytes.clone().into_boxed_slice());
        let blob = |link: &Link| (link.digest.clone(), (Arc::default(), link.size));
        let (documents, blobs) = (documents.iter().map(bytes).collect(), links.iter().map(blob).collect());
        Some(Self { image, documents, blobs, cancel })
    }

    /// Who is to be told what has come of a blob.
    pub(super) fn arrival(&self, digest: &Digest) -> Option<Arc<Arrival>> {
        self.blobs.get(digest).map(|(arrival, _)| Arc::clone(arrival))
    }

    /// Says that nobody reads any more, once it is dropped.
    pub(super) fn reading(&self) -> impl Drop + use<'_> {
        Reading(self)
    }

    /// Whether what was read of a blob may have been something else than what came in the end.
    pub(super) fn is_misread(&self) -> bool {
        self.blobs.values().any(|(arrival, _)| arrival.lock().begun_anew)
    }
}

struct Reading<'a>(&'a Arriving);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.blobs.values().for_each(|(arrival, _)| arrival.leave());
    }
}

impl BlobSource for Arriving {
    fn format(&self) -> Format {
        self.image.format()
    }

    fn open(&self, name: &BlobName) -> std::result::Result<Blob<'_>, OpenFault> {
        let BlobName::Digest(digest) = name else { return self.image.open(name) };
        if let Some(document) = self.documents.get(digest) {
            return Ok(Blob { size: Some(document.len() as u64), reader: Box::new(&document[..]) });
        }
        let Some((arrival, size)) = self.blobs.get(digest) else { return self.image.open(name) };
        let begun = |state: &State| match (state.end, &state.file) {
            (Some(end), _) => Some(Err(end)),
            (None, Some(file)) => Some(Ok(Arc::clone(file))),
            (None, None) => None,
        };
        match arrival.wait(&self.cancel, begun).map_err(OpenFault::from)? {
            Ok(file) => {
                let reader = Following { arrival, file, size: *size, position: 0, cancel: &self.cancel };
                Ok(Blob { size: Some(*size), reader: Box::new(reader) })
            }
            Err(End::Stored) => self.image.open(name),
            Err(End::Missing) => Err(OpenFault::Missing),
            Err(End::Failed) => Err(OpenFault::Unreadable { reason: "it did not come".into() }),
        }
    }

    fn hashed(&self, name: &BlobName, size: u64, digests: &[Digest]) {
        let BlobName::Digest(wanted) = name else { return };
        let digest = digests.iter().find(|digest| digest.algorithm() == wanted.algorithm());
        if let (Some((arrival, _)), Some(digest)) = (self.blobs.get(wanted), digest) {
            arrival.hashed(size, digest);
        }
    }

    /// Nothing: what else is in the layout has nothing to do with this image.
    fn stored(&self) -> io::Result<Vec<Stored>> {
        Ok(Vec::new())
    }
}

/// Reads a file that grows.
struct Following<'a> {
    arrival: &'a Arrival,
    file: Arc<File>,
    /// How much there will be: a blob of another size is no blob that is stored.
    size: u64,
    position: u64,
    cancel: &'a Cancel,
}

impl Read for Following<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let position = self.position;
        let more = |state: &State| match state.end {
            None if state.begun_anew => Some(None),
            None => (state.written > position).then_some(Some(state.written - position)),
            // All of it is in the file.
            Some(End::Stored) => Some(Some(u64::MAX)),
            Some(_) => Some(None),
        };
        let Some(more) = self.arrival.wait(self.cancel, more)? else {
            return Err(io::Error::other("it did not come as a whole"));
        };
        let room = usize::try_from(more).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(&mut buffer[..room], position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, LayoutWriter};

    /// Reads a blob of 7 bytes, of which 4 are there; `then` happens meanwhile.
    fn read(cancel: &Cancel, then: impl FnOnce(&Arrival, BlobWriter)) -> io::Result<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a folder");
        let layout = LayoutWriter::create_or_open(folder.path()).expect("a layout");
        let mut writer = layout.blob().expect("a blob");
        writer.append(b"one ").expect("written");
        let arrival = Arrival::default();
        arrival.begin(&writer).expect("begun");
        let file = Arc::new(writer.reader().expect("a reader"));
        std::thread::scope(|scope| {
            let mut reader = Following { arrival: &arrival, file, size: 7, position: 0, cancel };
            let reading = scope.spawn(move || {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).map(|_| bytes)
            });
            then(&arrival, writer);
            reading.join().expect("no panic")
        })
    }

    #[test]
    fn what_comes_is_read_while_it_comes_and_to_its_end() {
        let bytes = read(&Cancel::default(), |arrival, mut writer| {
            writer.append(b"two").expect("written");
            arrival.written(writer.written());
        });
        assert_eq!(bytes.expect("read"), b"one two");
        let bytes = read(&Cancel::default(), |arrival, mut writer| {
            writer.append(b"two").expect("written");
            writer.commit().expect("committed");
            arrival.end(&Ok(Fetched::From(7)));
        });
        assert_eq!(bytes.expect("read"), b"one two");
    }

    #[test]
    fn what_does_not_come_is_an_error_and_nobody_waits_for_it() {
        let error = read(&Cancel::default(), |arrival, _| arrival.end(&Err(Error::Cancelled)));
        assert_eq!(error.expect_err("it failed").to_string(), "it did not come as a whole");
        let anew = read(&Cancel::default(), |arrival, writer| arrival.begin(&writer).expect("begun"));
        assert!(anew.is_err(), "what was read may be wrong");
        let cancel = Cancel::default();
        let error = read(&cancel, |_, _| cancel.cancel());
        assert_eq!(error.expect_err("it is stopped").to_string(), "the pull was given up");
    }
}
