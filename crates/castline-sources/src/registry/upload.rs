//! One blob, out of a source into a registry (OCI distribution-spec, *Pushing blobs*): one PATCH with all of it, and a PUT
//! that names it, as Docker does and so every registry takes it. When it is cut, the registry is asked how far it came.

use std::{
    io::{self, Read as _},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use castline_core::{BlobName, BlobSource, Hasher};
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE},
};
use tokio::sync::{mpsc, watch};

use super::{
    auth::{Access, Scope},
    body,
    client::{Ask, Client, Failed, next_place},
    documents::Link,
    repository::Repository,
    transfer::Meter,
};
use crate::{Error, Result};

const CHUNK: usize = 256 << 10;
/// Chunks between the source and the network.
const AHEAD: usize = 4;

/// How a blob came to be in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uploaded {
    /// It was there.
    There,
    /// The registry took it from another repository.
    Mounted,
    /// It was sent.
    Sent,
}

pub(super) async fn blob<S: BlobSource + Send + Sync + 'static>(
    client: Arc<Client>,
    repository: Arc<Repository>,
    link: Link,
    source: Arc<S>,
    others: Vec<String>,
    meter: Arc<Meter>,
) -> Result<Uploaded> {
    let place = repository.url(&format!("blobs/{}", link.digest));
    let scope = Scope::of(&repository.name, Access::Push);
    let head = Ask::new(Method::HEAD, place.clone(), scope.clone());
    let done = |how| {
        meter.add(link.size);
        meter.finish();
        Ok(how)
    };
    if client.ask(&repository, &head, &[200, 404]).await?.status() == 200 {
        return done(Uploaded::There);
    }
    let mut begun = None;
    for other in &others {
        match mount(&client, &repository, &link, other).await? {
            Begun::Mounted => return done(Uploaded::Mounted),
            // It has begun an upload instead: that is used, or the next repository is tried.
            Begun::At(url) => begun = Some(url),
        }
    }
    let mut url = match begun {
        Some(url) => url,
        None => begin(&client, &repository, &scope).await?,
    };
    let (mut offset, mut failures) = (0, 0);
    loop {
        let (sent, outcome) = send(&client, &repository, &scope, &url, &link, &source, offset, &meter).await;
        let failed = match outcome {
            Ok(next) => {
                finish(&client, &repository, &scope, next, &link, &head).await?;
                meter.finish();
                return Ok(Uploaded::Sent);
            }
            Err(failed) => failed,
        };
        if let Error::ContentMismatch { .. } = failed.error {
            // What was sent is of no use. If it cannot be taken back, the registry will do so in time.
            let _ = client.attempt(&repository, &Ask::new(Method::DELETE, url, scope), &[204]).await;
            return Err(failed.error);
        }
        failures = if sent > CHUNK as u64 { 1 } else { failures + 1 };
        if !failed.error.is_temporary() || failures >= client.options.retries.attempts {
            return Err(failed.error);
        }
        client.pause(failures, failed.retry_after, &failed.error).await;
        (url, offset) = match resume(&client, &repository, &scope, &url, link.size).await? {
            Some(place) => place,
            None => (begin(&client, &repository, &scope).await?, 0),
        };
    }
}

enum Begun {
    Mounted,
    At(Url),
}

async fn mount(client: &Client, repository: &Repository, link: &Link, other: &str) -> Result<Begun> {
    let mut url = repository.url("blobs/uploads/");
    url.query_pairs_mut().append_pair("mount", &link.digest.to_string()).append_pair("from", other);
    let scope = Scope::of(&repository.name, Access::Push).and(other, Access::Pull);
    let response = client.ask(repository, &Ask::new(Method::POST, url.clone(), scope), &[201, 202]).await?;
    match response.status().as_u16() {
        201 => Ok(Begun::Mounted),
        _ => next_place(repository, &url, response.headers()).map(Begun::At),
    }
}

async fn begin(client: &Client, repository: &Repository, scope: &Scope) -> Result<Url> {
    let url = repository.url("blobs/uploads/");
    let response =
        client.ask(repository, &Ask::new(Method::POST, url.clone(), scope.clone()), &[202]).await?;
    next_place(repository, &url, response.headers())
}

/// Where the upload goes on, and from which byte; `None` when the registry has forgotten it.
async fn resume(
    client: &Client,
    repository: &Repository,
    scope: &Scope,
    url: &Url,
    size: u64,
) -> Result<Option<(Url, u64)>> {
    let asked = client.ask(repository, &Ask::new(Method::GET, url.clone(), scope.clone()), &[204]).await;
    let response = match asked {
        Ok(response) => response,
        Err(error) if error.is_temporary() => return Err(error),
        // Docker's registry 2.8 gives up an upload that was cut within a request, with 416.
        Err(_) => return Ok(None),
    };
    let range = response.headers().get(RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let last: Option<u64> =
        range.strip_prefix("bytes=").unwrap_or(range).split_once('-').and_then(|(_, last)| last.parse().ok());
    // `0-0` is what registries say of nothing, too: one byte is no progress to keep.
    let Some(offset) = last.filter(|&last| last > 0).map(|last| last + 1).filter(|&offset| offset <= size)
    else {
        return Ok(None);
    };
    Ok(Some((next_place(repository, url, response.headers()).unwrap_or_else(|_| url.clone()), offset)))
}

/// Names what was sent.
async fn finish(
    client: &Client,
    repository: &Repository,
    scope: &Scope,
    mut url: Url,
    link: &Link,
    head: &Ask,
) -> Result<()> {
    url.query_pairs_mut().append_pair("digest", &link.digest.to_string());
    let ask = Ask::new(Method::PUT, url, scope.clone());
    match client.ask(repository, &ask, &[201, 204]).await {
        Ok(_) => Ok(()),
        // The answer to an earlier attempt may have been lost: then it is there.
        Err(error) => match client.ask(repository, head, &[200]).await {
            Ok(_) => Ok(()),
            Err(_) => Err(error),
        },
    }
}

/// Sends the blob from `offset` on: how many bytes went, and where to name it.
#[expect(clippy::too_many_arguments, reason = "it is the inside of one loop")]
async fn send<S: BlobSource + Send + Sync + 'static>(
    client: &Client,
    repository: &Repository,
    scope: &Scope,
    url: &Url,
    link: &Link,
    source: &Arc<S>,
    offset: u64,
    meter: &Arc<Meter>,
) -> (u64, Result<Url, Failed>) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    // Dropped once there is an answer: whoever still reads for the request is to stop.
    let (going, mut ended) = watch::channel(());
    let sent = Arc::new(AtomicU64::new(0));
    let length = link.size - offset;
    let stream = Stream { receiver, left: length, sent: Arc::clone(&sent), meter: Arc::clone(meter) };
    let reader = {
        let (source, link, meter) = (Arc::clone(source), link.clone(), Arc::clone(meter));
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let pass = |bytes| {
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        _ = ended.changed() => false,
                        passed = sender.send(bytes) => passed.is_ok(),
                    }
                })
            };
            read(&*source, &link, offset, &meter, pass)
        })
    };
    let mut request = client
        .request(Method::PATCH, url.clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
        .header(CONTENT_LENGTH, length);
    if offset > 0 {
        request = request.header(CONTENT_RANGE, format!("{offset}-{}", link.size - 1));
    }
    if let Some(value) = client.grants.known(repository, scope).filter(|_| repository.is_home(url)) {
        request = request.header(AUTHORIZATION, value);
    }
    let answer = moving(client, url, request.body(reqwest::Body::wrap(stream)), &sent).await;
    drop(going);
    let read = match reader.await {
        Ok(read) => read,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    };
    let outcome = match (read, answer) {
        // What the source has wrong is why the connection was given up.
        (Err(error), _) | (Ok(()), Err(error)) => Err(error.into()),
        (Ok(()), Ok(response)) => match response.status().as_u16() {
            201 | 202 | 204 => {
                Ok(next_place(repository, url, response.headers()).unwrap_or_else(|_| url.clone()))
            }
            // The token has ended meanwhile; asking how far it came gets another.
            401 => Err(Error::RegistryUnreachable {
                place: body::place(url),
                reason: "what allowed the upload has ended".into(),
            }
            .into()),
            _ => Err(client.refusal(response, url).await),
        },
    };
    (sent.load(Ordering::Relaxed), outcome)
}

/// Sends, and waits for an answer as long as bytes go out, and then as long as that is worth it.
async fn moving(
    client: &Client,
    url: &Url,
    request: reqwest::RequestBuilder,
    sent: &AtomicU64,
) -> Result<reqwest::Response> {
    let patience = client.options.patience;
    let answer = request.send();
    tokio::pin!(answer);
    let mut before = 0;
    loop {
        match tokio::time::timeout(patience, &mut answer).await {
            Ok(response) => return response.map_err(|error| body::unreachable(&body::place(url), &error)),
            Err(_) if sent.load(Ordering::Relaxed) > before => before = sent.load(Ordering::Relaxed),
            Err(_) => return Err(body::silent(&body::place(url), patience)),
        }
    }
}

/// Reads the blob as a whole, hashes it, and passes on what comes from `offset` on. The last bytes are passed on only when all is as it
/// should be. `pass` says whether anybody wants more.
fn read(
    source: &dyn BlobSource,
    link: &Link,
    offset: u64,
    meter: &Meter,
    mut pass: impl FnMut(Bytes) -> bool,
) -> Result<()> {
    let Link { digest, size, .. } = link;
    let size = *size;
    let what = || format!("the blob {digest}").into_boxed_str();
    let mismatch = |actual: String| Error::ContentMismatch {
        what: what(),
        expected: format!("{digest}, {size} bytes").into(),
        actual: actual.into(),
    };
    let unreadable =
        |error: io::Error| Error::Io { path: BlobName::Digest(digest.clone()).path().into(), source: error };
    let mut blob = match source.open(&BlobName::Digest(digest.clone())) {
        Ok(blob) => blob.reader.take(size.saturating_add(1)),
        Err(fault) => return Err(mismatch(format!("nothing that can be read ({fault:?})"))),
    };
    let mut hasher = Hasher::new(&digest.algorithm())
        .ok_or_else(|| mismatch("an algorithm that is not computed".into()))?;
    let (mut read, mut held) = (0_u64, Bytes::new());
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        blob.by_ref().take(CHUNK as u64).read_to_end(&mut chunk).map_err(unreadable)?;
        if meter.is_stopped() {
            return Err(Error::Cancelled);
        }
        if chunk.is_empty() {
            break;
        }
        hasher.update(&chunk);
        let begin = read;
        read += chunk.len() as u64;
        if read > size {
            return Err(mismatch("more bytes".into()));
        }
        let known = usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX).min(chunk.len());
        let new = Bytes::from(chunk).split_off(known);
        if new.is_empty() {
            continue;
        }
        let ready = std::mem::replace(&mut held, new);
        // Nobody receives any more: the answer says why.
        if !ready.is_empty() && !pass(ready) {
            return Ok(());
        }
    }
    let actual = hasher.finish();
    if actual != *digest || read != size {
        return Err(mismatch(format!("{actual}, {read} bytes")));
    }
    if !held.is_empty() {
        pass(held);
    }
    Ok(())
}

/// The body of a request, of a length known beforehand.
struct Stream {
    receiver: mpsc::Receiver<Bytes>,
    left: u64,
    sent: Arc<AtomicU64>,
    meter: Arc<Meter>,
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<http_body::Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|next| match next {
            Some(bytes) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                self.meter.add(bytes.len() as u64);
                Some(Ok(http_body::Frame::data(bytes)))
            }
            // The reader gave up: so does the request, before the registry has all.
            None => Some(Err(io::Error::other("what was to be sent is not what it should be"))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.left)
    }
}
