//! The Docker Engine API as far as the driver needs it, over one connection for each request.
//!
//! hyper speaks HTTP; no client library is used on top of it, since a dozen requests are all that there is, and none of them speaks
//! Podman's own API, which health checks need.

use std::{
    error::Error,
    fs, io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::{BodyExt as _, Either, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes, Frame, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::{OnceCell, mpsc},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, Error as TlsError, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use super::{super::failed, DockerHost, DockerTls};
use crate::DriverError;

/// What an engine may say in a document, in bytes. One instance takes some ten thousand.
const LONGEST: usize = 64 << 20;
/// What is read of an answer that is an error, in bytes.
const LONGEST_ERROR: usize = 64 << 10;
/// How much of that is told.
const SAID: usize = 2000;
/// For how long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);
/// For how long one that is not used any more may take to say why.
const ENDING: Duration = Duration::from_secs(1);

/// One engine.
pub(super) struct Api {
    /// As it is configured, for messages.
    url: String,
    place: Place,
    patience: Duration,
    engine: OnceCell<Engine>,
}

enum Place {
    Socket(PathBuf),
    Tcp { authority: String, tls: Option<Tls> },
}

/// How it is known to be the one.
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    /// Whether castline has no certificate to show.
    anonymous: bool,
}

/// What answers.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    /// The version of the API that is spoken, as it stands in paths: `/v1.41`.
    prefix: String,
    /// Whether it is Podman, which has an API of its own besides.
    pub(super) podman: bool,
}

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    message: String,
}

impl Refusal {
    /// Whether it is refused since a container is not there. Podman says so with a status of its own where one is removed just then.
    pub(super) fn is_absence(&self) -> bool {
        self.status == StatusCode::NOT_FOUND || self.message.contains("no such container")
    }
}

impl From<Refusal> for DriverError {
    fn from(Refusal { status, message }: Refusal) -> Self {
        let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
        if status.is_client_error() && !passes { Self::permanent(message) } else { Self::temporary(message) }
    }
}

/// What is sent.
type Sent = Either<Full<Bytes>, Pieces>;

/// A body whose pieces come from elsewhere. An error in it breaks the connection off, so that half is never taken for whole.
pub(super) struct Pieces(pub(super) mpsc::Receiver<io::Result<Bytes>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Api {
    /// An engine, which is not asked yet.
    pub(super) fn new(host: &DockerHost, patience: Duration) -> Result<Self, DriverError> {
        let unclear = |why: &str| DriverError::permanent(format!("the url `{}`: {why}", host.url));
        let place = if let Some(path) = host.url.strip_prefix("unix://") {
            if !path.starts_with('/') {
                return Err(unclear("a socket's path is absolute: unix:///run/docker.sock"));
            }
            Place::Socket(path.into())
        } else if let Some(authority) = host.url.strip_prefix("tcp://") {
            let (name, port) = authority.rsplit_once(':').ok_or_else(|| unclear("it has no port"))?;
            if port.parse::<u16>().is_err() || name.is_empty() || authority.contains('/') {
                return Err(unclear("it is not tcp://HOST:PORT"));
            }
            let name = name.trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(name).map_err(|_| unclear("its host is no name"))?;
            let tls = host.tls.as_ref().map(|tls| {
                let anonymous = tls.certificate.is_none();
                connector(tls).map(|connector| Tls { connector, name, anonymous })
            });
            Place::Tcp { authority: authority.to_owned(), tls: tls.transpose()? }
        } else {
            return Err(unclear("it is neither unix:///PATH nor tcp://HOST:PORT"));
        };
        Ok(Self { url: host.url.clone(), place, patience, engine: OnceCell::new() })
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is on this machine, so that its files can be read.
    pub(super) const fn is_here(&self) -> bool {
        matches!(self.place, Place::Socket(_))
    }

    /// What answers: asked once.
    pub(super) async fn engine(&self) -> Result<&Engine, DriverError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Version {
            #[serde(rename = "ApiVersion")]
            newest: String,
            #[serde(default, rename = "MinAPIVersion")]
            oldest: String,
            #[serde(default)]
            components: Vec<Component>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Component {
            name: String,
        }
        self.engine
            .get_or_try_init(|| async {
                let version: Version =
                    self.read(self.raw(Method::GET, "/version", None, Some(self.patience)).await?).await??;
                let number = |text: &str| {
                    let (major, minor) = text.split_once('.')?;
                    Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
                };
                // What this driver was written for, where the engine still speaks it.
                let wanted = (1, 41);
                let newest = number(&version.newest).unwrap_or(wanted);
                let oldest = number(&version.oldest).unwrap_or(newest);
                let (major, minor) = wanted.min(newest).max(oldest.min(newest));
                let podman = version.components.iter().any(|component| component.name.starts_with("Podman"));
                tracing::debug!(url = %self.url, podman, api = %version.newest, "an engine answers");
                Ok(Engine { prefix: format!("/v{major}.{minor}"), podman })
            })
            .await
    }

    /// Asks, and reads what is answered as JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<Result<T, Refusal>, DriverError> {
        let answer = self.ask(method, path, body, self.patience).await?;
        self.read(answer).await
    }

    /// Asks Podman, in its own API.
    pub(super) async fn podman<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Result<T, Refusal>, DriverError> {
        let path = format!("/v4.0.0/libpod{path}");
        let answer = self.raw(Method::GET, &path, None, Some(self.patience)).await?;
        self.read(answer).await
    }

    /// Asks for something to be done, and reads no more than whether it was.
    pub(super) async fn done(
        &self,
        method: Method,
        path: &str,
        more: Duration,
    ) -> Result<Result<(), Refusal>, DriverError> {
        let answer = self.ask(method, path, None, self.patience.saturating_add(more)).await?;
        if answer.status().is_client_error() || answer.status().is_server_error() {
            return Ok(Err(self.refusal(answer).await));
        }
        Ok(Ok(()))
    }

    /// Sends what comes in pieces, and gives back the answer, to be read in pieces as well.
    pub(super) async fn send(
        &self,
        path: &str,
        pieces: Option<Pieces>,
    ) -> Result<Result<Incoming, Refusal>, DriverError> {
        let path = format!("{}{path}", self.engine().await?.prefix);
        let answer =
            self.raw(Method::POST, &path, Some(pieces.map_or_else(empty, Either::Right)), None).await?;
        self.stream(answer).await
    }

    /// Asks for what comes in pieces.
    pub(super) async fn stream_of(&self, path: &str) -> Result<Result<Incoming, Refusal>, DriverError> {
        let path = format!("{}{path}", self.engine().await?.prefix);
        let answer = self.raw(Method::GET, &path, None, None).await?;
        self.stream(answer).await
    }

    async fn stream(&self, answer: Response<Incoming>) -> Result<Result<Incoming, Refusal>, DriverError> {
        if answer.status().is_success() {
            Ok(Ok(answer.into_body()))
        } else {
            Ok(Err(self.refusal(answer).await))
        }
    }

    /// The next piece of an answer; nothing at its end.
    pub(super) async fn piece(
        &self,
        body: &mut Incoming,
        patience: Duration,
    ) -> Result<Option<Bytes>, DriverError> {
        loop {
            let frame = timeout(patience, body.frame()).await.map_err(|_| {
                DriverError::temporary(format!("{} has stopped in the middle of an answer", self.url))
            })?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.broken(&error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// How long an answer may take.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
        patience: Duration,
    ) -> Result<Response<Incoming>, DriverError> {
        let path = format!("{}{path}", self.engine().await?.prefix);
        let body = body.map(|body| Either::Left(Full::new(Bytes::from(body.to_string()))));
        self.raw(method, &path, body, Some(patience)).await
    }

    async fn raw(
        &self,
        method: Method,
        path: &str,
        body: Option<Sent>,
        patience: Option<Duration>,
    ) -> Result<Response<Incoming>, DriverError> {
        let host = match &self.place {
            Place::Socket(_) => "localhost",
            Place::Tcp { authority, .. } => authority,
        };
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, host);
        request = match &body {
            Some(Either::Left(_)) => request.header(header::CONTENT_TYPE, "application/json"),
            Some(Either::Right(_)) => request.header(header::CONTENT_TYPE, "application/x-tar"),
            None => request,
        };
        let request = request.body(body.unwrap_or_else(empty)).map_err(DriverError::permanent)?;
        let work = async {
            let stream = timeout(CONNECTING, self.connect())
                .await
                .map_err(|_| DriverError::temporary(format!("{} cannot be reached", self.url)))?
                .map_err(|error| self.lost("cannot be reached", &error))?;
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(&error))?;
            // It ends with the answer's last byte, or when the answer is let go of.
            let driven = tokio::spawn(connection);
            match sender.send_request(request).await {
                // The connection has ended before anything was sent: why, only it knows.
                Err(error) if error.is_canceled() => match timeout(ENDING, driven).await {
                    Ok(Ok(Err(cause))) => Err(self.broken(&cause)),
                    _ => Err(self.broken(&error)),
                },
                sent => sent.map_err(|error| self.broken(&error)),
            }
        };
        match patience {
            None => work.await,
            Some(patience) => timeout(patience, work)
                .await
                .map_err(|_| DriverError::temporary(format!("{} does not answer", self.url)))?,
        }
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match &self.place {
            Place::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Place::Tcp { authority, tls: None } => Ok(Box::new(TcpStream::connect(authority).await?)),
            Place::Tcp { authority, tls: Some(Tls { connector, name, .. }) } => {
                let stream = TcpStream::connect(authority).await?;
                Ok(Box::new(connector.connect(name.clone(), stream).await?))
            }
        }
    }

    async fn read<T: DeserializeOwned>(
        &self,
        answer: Response<Incoming>,
    ) -> Result<Result<T, Refusal>, DriverError> {
        if !answer.status().is_success() {
            return Ok(Err(self.refusal(answer).await));
        }
        let (bytes, whole) = self.whole(answer.into_body(), LONGEST).await?;
        if !whole {
            return Err(DriverError::permanent(format!(
                "{} has answered with more than {LONGEST} bytes",
                self.url
            )));
        }
        serde_json::from_slice(&bytes).map(Ok).map_err(|error| {
            // What stands there may be secret.
            let place = format!("line {} column {}", error.line(), error.column());
            DriverError::permanent(format!("{} has answered with what is not expected ({place})", self.url))
        })
    }

    /// At most so many bytes of an answer, and whether that is all.
    async fn whole(&self, mut body: Incoming, most: usize) -> Result<(Vec<u8>, bool), DriverError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece(&mut body, self.patience).await? {
            let room = most - bytes.len();
            bytes.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() > room {
                return Ok((bytes, false));
            }
        }
        Ok((bytes, true))
    }

    async fn refusal(&self, answer: Response<Incoming>) -> Refusal {
        #[derive(Deserialize)]
        struct Said {
            #[serde(default)]
            message: String,
            #[serde(default)]
            cause: String,
        }
        let status = answer.status();
        let bytes =
            self.whole(answer.into_body(), LONGEST_ERROR).await.map(|(bytes, _)| bytes).unwrap_or_default();
        let said = serde_json::from_slice::<Said>(&bytes).map(|said| match said {
            Said { message, cause } if message.is_empty() => cause,
            Said { message, .. } => message,
        });
        let said = said.unwrap_or_else(|_| String::from_utf8_lossy(&bytes).trim().to_owned());
        let said: String = said.chars().take(SAID).collect();
        Refusal { status, message: format!("{}: {said} ({status})", self.url) }
    }

    fn broken(&self, error: &hyper::Error) -> DriverError {
        self.lost("has let the connection break", error)
    }

    /// There is no connection, or none any more. That may pass, but for certificates: who is not believed will not be believed next time.
    fn lost(&self, how: &str, error: &(dyn Error + 'static)) -> DriverError {
        let url = &self.url;
        let why = causes(error);
        let anonymous = match &self.place {
            Place::Tcp { tls: Some(tls), .. } => tls.anonymous,
            _ => return DriverError::temporary(format!("{url} {how}: {why}")),
        };
        match refusal_of_tls(error) {
            Some(TlsError::InvalidCertificate(_)) => DriverError::permanent(format!(
                "{url}: its certificate is not believed: {why}; `tls.ca` is who has to vouch for it"
            )),
            // In TLS 1.3 an engine looks at the client's certificate when the client takes the connection to be made already.
            Some(TlsError::AlertReceived(_)) if anonymous => DriverError::permanent(format!(
                "{url}: it does not let castline in, which shows no certificate: {why}; give it `tls.certificate` and `tls.key`"
            )),
            Some(TlsError::AlertReceived(_)) => DriverError::permanent(format!(
                "{url}: it does not let castline in with the certificate that it shows, `tls.certificate`: {why}"
            )),
            _ => DriverError::temporary(format!("{url} {how}: {why}")),
        }
    }
}

/// What an error says, and what those say that it comes of, as far as it does not say so itself.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    said
}

/// What TLS has against it, if it is that which an error comes of.
fn refusal_of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(cause) = next {
        // An error of the operating system is no source of what it carries: it says the same.
        let carried = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let found = carried.and_then(|carried| carried.downcast_ref::<TlsError>());
        if let Some(found) = found.or_else(|| cause.downcast_ref()) {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("url", &self.url).finish_non_exhaustive()
    }
}

fn empty() -> Sent {
    Either::Left(Full::default())
}

/// What stands in a query, with all but letters and digits escaped.
pub(super) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            escaped.push(byte.into());
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn connector(tls: &DockerTls) -> Result<TlsConnector, DriverError> {
    let unusable = |path: &std::path::Path, why: &dyn std::fmt::Display| {
        DriverError::permanent(format!("{}: {why}", path.display()))
    };
    let certificates = |path: &PathBuf| -> Result<Vec<CertificateDer<'static>>, DriverError> {
        let bytes = fs::read(path).map_err(failed(path.display()))?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let found = found.map_err(|error| unusable(path, &error))?;
        if found.is_empty() { Err(unusable(path, &"there is no certificate in it")) } else { Ok(found) }
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&tls.ca)? {
        roots.add(certificate).map_err(|error| unusable(&tls.ca, &error))?;
    }
    let builder =
        ClientConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(DriverError::permanent)?
            .with_root_certificates(roots);
    let config = match (&tls.certificate, &tls.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let bytes = fs::read(key).map_err(failed(key.display()))?;
            let secret = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| unusable(key, &error))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, secret)
                .map_err(|error| unusable(certificate, &error))?
        }
        _ => return Err(DriverError::permanent("tls: `certificate` and `key` go together")),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_sockets_and_ports() {
        let patience = Duration::from_secs(1);
        for url in [
            "unix:///run/docker.sock",
            "tcp://127.0.0.1:2376",
            "tcp://[::1]:2376",
            "tcp://docker.example:2376",
        ] {
            let host = DockerHost::new(url, ["a"]);
            assert_eq!(Api::new(&host, patience).expect(url).is_here(), url.starts_with("unix"));
        }
        for url in ["", "unix://run", "http://a:1", "tcp://a", "tcp://a:b", "tcp://:1", "tcp://a:1/b"] {
            let error = Api::new(&DockerHost::new(url, ["a"]), patience).expect_err(url);
            assert!(!error.is_temporary() && error.to_string().contains("the url"), "{error}");
        }
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(escaped(r#"{"label":["a=b c"]}"#), "%7B%22label%22%3A%5B%22a%3Db%20c%22%5D%7D");
    }
}
