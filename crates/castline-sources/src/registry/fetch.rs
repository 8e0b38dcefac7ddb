//! One blob, out of a registry onto the disk: hashed as it comes, gone on with when the connection was cut.

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
    transfer::{Meter, blocking},
};
use crate::{BlobWriter, Error, LayoutWriter, Result};

/// Chunks between the network and the disk. They are of the size that came, 64 KiB or so at most.
const AHEAD: usize = 32;
/// Bytes that count as having got further: less, time and again, is no progress.
const FURTHER: u64 = 64 << 10;

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

/// Brings a blob into the layout; what has come of it is told to `arrival`.
pub(super) async fn blob(
    client: Arc<Client>,
    repository: Arc<Repository>,
    link: Link,
    layout: LayoutWriter,
    meter: Arc<Meter>,
    arrival: Arc<Arrival>,
) -> Result<Fetched> {
    let fetched = bring(&client, &repository, &link, &layout, &meter, &arrival).await;
    arrival.end(&fetched);
    fetched
}

async fn bring(
    client: &Client,
    repository: &Repository,
    link: &Link,
    layout: &LayoutWriter,
    meter: &Arc<Meter>,
    arrival: &Arc<Arrival>,
) -> Result<Fetched> {
    let mut writer = {
        let (layout, link, cancel) = (layout.clone(), link.clone(), meter.cancel().clone());
        let begun = blocking(move || {
            let there = layout.has(&link.digest, link.size, &Watch::none().with_cancel(&cancel))?;
            if there { Ok(None) } else { layout.resume(&link.digest).map(Some) }
        });
        match begun.await? {
            Some(writer) => writer,
            None => {
                meter.add(link.size);
                meter.finish();
                return Ok(Fetched::There);
            }
        }
    };
    arrival.begin(&writer)?;
    let url = repository.url(&format!("blobs/{}", link.digest));
    meter.add(writer.written());
    let (mut failures, mut came, mut again) = (0, 0, writer.written() > 0);
    loop {
        let before = writer.written();
        let failed = if before >= link.size {
            None
        } else {
            let (back, outcome) = attempt(client, repository, &url, link, writer, meter, arrival).await;
            writer = back?;
            came += writer.written() - before;
            outcome.err()
        };
        match failed {
            Some(Failed { error: Error::RegistryNotFound { .. }, .. }) if link.foreign => {
                return Ok(Fetched::Elsewhere);
            }
            Some(Failed { error, retry_after }) => {
                failures = if writer.written() - before >= FURTHER { 1 } else { failures + 1 };
                if !error.is_temporary() || failures >= client.options.retries.attempts {
                    return Err(error);
                }
                client.pause(failures, retry_after, &error).await;
                continue;
            }
            None => {}
        }
        let committed = {
            let link = link.clone();
            blocking(move || writer.commit_as(&link.digest, link.size)).await
        };
        match committed {
            Ok(_) => {
                meter.finish();
                return Ok(Fetched::From(came));
            }
            // What an earlier pull had left may be what is wrong.
            Err(Error::ContentMismatch { .. }) if again => {
                again = false;
                let (layout, digest) = (layout.clone(), link.digest.clone());
                writer = blocking(move || layout.resume(&digest)).await?;
                arrival.begin(&writer)?;
            }
            Err(Error::ContentMismatch { expected, actual, .. }) => {
                return Err(Error::ContentMismatch { what: body::place(&url), expected, actual });
            }
            Err(error) => return Err(error),
        }
    }
}

/// Asks for what is missing, and writes it. The writer comes back with what came, whatever happened, unless the disk failed.
async fn attempt(
    client: &Client,
    repository: &Repository,
    url: &Url,
    link: &Link,
    mut writer: BlobWriter,
    meter: &Arc<Meter>,
    arrival: &Arc<Arrival>,
) -> (Result<BlobWriter>, Result<(), Failed>) {
    let offset = writer.written();
    let mut ask = Ask::new(Method::GET, url.clone(), Scope::of(&repository.name, Access::Pull));
    if offset > 0 {
        let range = HeaderValue::from_str(&format!("bytes={offset}-"));
        ask.headers.extend(range.ok().map(|range| (RANGE, range)));
    }
    let mut response = match client.attempt(repository, &ask, &[200, 206, 416]).await {
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
    let arrival = Arc::clone(arrival);
    let disk = tokio::task::spawn_blocking(move || {
        while let Some(chunk) = receiver.blocking_recv() {
            writer.append(&chunk)?;
            arrival.written(writer.written());
        }
        Ok(writer)
    });
    let outcome = receive(client, url, link.size - offset, skip, &mut response, &sender, meter).await;
    drop(sender);
    let writer = match disk.await {
        Ok(writer) => writer,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    };
    (writer, outcome.map_err(Failed::from))
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
