//! One blob, out of a registry onto the disk: hashed as it comes, by its writer or by who reads it meanwhile; gone on with when the
//! connection was cut.

use std::sync::Arc;

use castline_core::Watch;
use reqwest::{
    Method, Response, StatusCode, Url,
    header::{CONTENT_RANGE, HeaderValue, RANGE},
};
use tokio::sync::mpsc;

use super::{
    arrival::Arrival,
    auth::{Access, Scope},
    body,
    client::{Ask, Client, Failed, refused},
    documents::Link,
    repository::Repository,
    transfer::{Meter, Turns, blocking},
};
use crate::{BlobWriter, Error, LayoutWriter, Result, StoredBlob};

/// Chunks between the network and the disk. They are of the size that came, 64 KiB or so at most.
const AHEAD: usize = 32;
/// Bytes that count as having got further: less, time and again, is no progress.
const FURTHER: u64 = 64 << 10;

/// From so many bytes on, who reads a blob while it comes hashes it for us, too; what is smaller is hashed sooner than asked for.
const LARGE: u64 = 256 << 10;

/// Where a blob came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// It was there, and intact.
    There,
    /// It came, in so many bytes.
    From(u64),
    /// The registry does not have it, and need not.
    Elsewhere,
}

/// A blob that is brought into a layout.
pub(super) struct Fetch {
    pub(super) client: Arc<Client>,
    pub(super) repository: Arc<Repository>,
    pub(super) link: Link,
    pub(super) layout: LayoutWriter,
    pub(super) meter: Arc<Meter>,
    pub(super) turns: Turns,
    /// Who is told what has come of it, where it is read meanwhile, and how many blobs may wait for their readers.
    pub(super) arrival: Option<(Arc<Arrival>, Turns)>,
}

impl Fetch {
    pub(super) async fn run(self) -> Result<Fetched> {
        let fetched = self.bring().await;
        if let Some((arrival, _)) = &self.arrival {
            arrival.end(&fetched);
        }
        fetched
    }

    async fn bring(&self) -> Result<Fetched> {
        let turn = self.turns.one().await;
        let writer = {
            let (layout, link, cancel) =
                (self.layout.clone(), self.link.clone(), self.meter.cancel().clone());
            let is_read = self.arrival.is_some() && link.size >= LARGE;
            let begun = blocking(move || {
                let there = layout.has(&link.digest, link.size, &Watch::none().with_cancel(&cancel))?;
                match (there, is_read) {
                    (true, _) => Ok(None),
                    (false, true) => layout.resume_to_be_read(&link.digest).map(Some),
                    (false, false) => layout.resume(&link.digest).map(Some),
                }
            });
            match begun.await? {
                Some(writer) => writer,
                None => {
                    self.meter.add(self.link.size);
                    self.meter.finish();
                    return Ok(Fetched::There);
                }
            }
        };
        self.meter.add(writer.written());
        let had = writer.written();
        let Some((writer, came)) = self.fill(writer).await? else { return Ok(Fetched::Elsewhere) };
        drop(turn);
        let came = match self.commit(writer).await {
            Ok(_) => came,
            // What an earlier pull had left may be what is wrong.
            Err(Error::ContentMismatch { .. }) if had > 0 => {
                let _turn = self.turns.one().await;
                let (layout, digest) = (self.layout.clone(), self.link.digest.clone());
                let writer = blocking(move || layout.resume(&digest)).await?;
                let Some((writer, again)) = self.fill(writer).await? else { return Ok(Fetched::Elsewhere) };
                self.commit(writer).await.map_err(|error| self.placed(error))?;
                came + again
            }
            Err(error) => return Err(self.placed(error)),
        };
        self.meter.finish();
        Ok(Fetched::From(came))
    }

    fn url(&self) -> Url {
        self.repository.url(&format!("blobs/{}", self.link.digest))
    }

    /// Says where a blob came from that is another.
    fn placed(&self, error: Error) -> Error {
        match error {
            Error::ContentMismatch { expected, actual, .. } => {
                Error::ContentMismatch { what: body::place(&self.url()), expected, actual }
            }
            error => error,
        }
    }

    /// Writes what is missing, and how many bytes that were; none where the registry does not have it and need not.
    async fn fill(&self, mut writer: BlobWriter) -> Result<Option<(BlobWriter, u64)>> {
        if let Some((arrival, _)) = &self.arrival {
            arrival.begin(&writer)?;
        }
        let (url, client) = (self.url(), &self.client);
        let (mut failures, mut came) = (0, 0);
        loop {
            let before = writer.written();
            if before >= self.link.size {
                return Ok(Some((writer, came)));
            }
            let (back, outcome) = self.attempt(&url, writer).await;
            writer = back?;
            came += writer.written() - before;
            let Err(Failed { error, retry_after }) = outcome else { return Ok(Some((writer, came))) };
            if self.link.foreign && matches!(error, Error::RegistryNotFound { .. }) {
                return Ok(None);
            }
            failures = if writer.written() - before >= FURTHER { 1 } else { failures + 1 };
            if !error.is_temporary() || failures >= client.options.retries.attempts {
                return Err(error);
            }
            client.pause(failures, retry_after, &error).await;
        }
    }

    /// Gives it its name, if it is what it should be.
    async fn commit(&self, mut writer: BlobWriter) -> Result<StoredBlob> {
        let mut read = None;
        // What is too short or too long nobody reads to its end.
        let is_read = !writer.is_hashed() && writer.written() == self.link.size;
        if let Some((arrival, waiting)) = self.arrival.as_ref().filter(|_| is_read)
            // Each that waits has its file open.
            && let Some(_turn) = waiting.try_one()
        {
            let settling = blocking(move || writer.settle());
            let (settled, digest) = tokio::join!(settling, arrival.digest());
            (writer, read) = (settled?, digest);
        }
        let link = self.link.clone();
        blocking(move || writer.commit_read_as(read, &link.digest, link.size)).await
    }

    /// Asks for what is missing, and writes it. The writer comes back with what came, whatever happened, unless the disk failed.
    async fn attempt(&self, url: &Url, mut writer: BlobWriter) -> (Result<BlobWriter>, Result<(), Failed>) {
        let offset = writer.written();
        let scope = Scope::of(&self.repository.name, Access::Pull);
        let mut ask = Ask::new(Method::GET, url.clone(), scope);
        if offset > 0 {
            let range = HeaderValue::from_str(&format!("bytes={offset}-"));
            ask.headers.extend(range.ok().map(|range| (RANGE, range)));
        }
        let mut response = match self.client.attempt(&self.repository, &ask, &[200, 206, 416]).await {
            Ok(response) => response,
            Err(failed) => return (Ok(writer), Err(failed)),
        };
        let skip = match begins_at(&response, offset) {
            Ok(begin) => offset - begin,
            // There is no more of it: what came is all, and will be found to be too little.
            Err(None) => return (Ok(writer), Ok(())),
            Err(Some(reason)) => return (Ok(writer), Err(refused(url, reason).into())),
        };
        let (sender, mut receiver) = mpsc::channel::<bytes::Bytes>(AHEAD);
        let arrival = self.arrival.as_ref().map(|(arrival, _)| Arc::clone(arrival));
        let disk = tokio::task::spawn_blocking(move || {
            while let Some(chunk) = receiver.blocking_recv() {
                writer.append(&chunk)?;
                if let Some(arrival) = &arrival {
                    arrival.written(writer.written());
                }
            }
            Ok(writer)
        });
        let left = self.link.size - offset;
        let outcome = receive(&self.client, url, left, skip, &mut response, &sender, &self.meter).await;
        drop(sender);
        let writer = match disk.await {
            Ok(writer) => writer,
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        };
        (writer, outcome.map_err(Failed::from))
    }
}

/// Where in the blob an answer begins, which is asked for from `offset` on; `Err(None)` when there is nothing from there.
fn begins_at(response: &Response, offset: u64) -> Result<u64, Option<String>> {
    match response.status() {
        // A registry that knows no ranges begins anew.
        StatusCode::OK => Ok(0),
        StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => Err(None),
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
            let begin = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
            if begin == Some(offset) {
                return Ok(offset);
            }
            let range = castline_core::shown(range.unwrap_or("nothing"));
            Err(Some(format!("it answers with `{range}` when asked for the bytes from {offset} on")))
        }
        status => Err(Some(format!("it answers with status {} when asked for a blob", status.as_u16()))),
    }
}

/// Passes on the bytes that come, but for the first `skip`; at most `left`.
async fn receive(
    client: &Client,
    url: &Url,
    mut left: u64,
    mut skip: u64,
    response: &mut Response,
    disk: &mpsc::Sender<bytes::Bytes>,
    meter: &Meter,
) -> Result<()> {
    let place = body::place(url);
    while let Some(mut chunk) = body::next(response, client.options.patience, &place).await? {
        let known = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
        skip -= known as u64;
        let new = chunk.split_off(known);
        if new.is_empty() {
            continue;
        }
        if new.len() as u64 > left {
            return Err(Error::ContentMismatch {
                what: place,
                expected: "no more bytes than its descriptor says".into(),
                actual: "more".into(),
            });
        }
        left -= new.len() as u64;
        meter.add(new.len() as u64);
        if meter.is_stopped() {
            return Err(Error::Cancelled);
        }
        // Nobody receives once the disk has failed: that is the error then.
        if disk.send(new).await.is_err() {
            return Ok(());
        }
    }
    if left > 0 {
        let reason = format!("the answer ended {left} bytes too early");
        return Err(Error::RegistryUnreachable { place, reason: reason.into() });
    }
    Ok(())
}
