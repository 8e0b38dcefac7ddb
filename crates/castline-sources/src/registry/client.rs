use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
};

use super::{
    auth::{Grants, Scope},
    body,
    options::RegistryOptions,
    repository::{self, Repository, is_loopback},
    secret::Secret,
    tls,
};
use crate::{Error, Reference, Result};

/// How many redirects are followed.
const MOST_HOPS: usize = 5;

/// Requests with all that goes around them: authorization, redirects, retries, patience.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    pub(super) options: RegistryOptions,
    pub(super) grants: Grants,
    /// Held by who changes a list that registries do not keep themselves.
    pub(super) listing: tokio::sync::Mutex<()>,
    /// Where each host that was asked answers.
    origins: Mutex<HashMap<String, Url>>,
}

/// A request that can be sent again.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) scope: Scope,
    pub(super) headers: HeaderMap,
    pub(super) body: bytes::Bytes,
}

impl Ask {
    pub(super) fn new(method: Method, url: Url, scope: Scope) -> Self {
        Self { method, url, scope, headers: HeaderMap::new(), body: bytes::Bytes::new() }
    }

    pub(super) fn accepting(mut self, media_types: &'static str) -> Self {
        self.headers.insert(ACCEPT, HeaderValue::from_static(media_types));
        self
    }
}

impl Client {
    pub(super) fn new(options: RegistryOptions) -> Result<Self> {
        let unusable = |what: &str| Error::InvalidCredentials { reason: what.into() };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&options.authorities)?)
            .user_agent(concat!("castline/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.patience.min(Duration::from_secs(30)))
            .no_proxy();
        let except = format!("{},localhost,127.0.0.0/8,::1", options.proxies.except);
        for (of_https, address) in [(true, &options.proxies.https), (false, &options.proxies.http)] {
            if let Some(address) = address.as_ref().map(Secret::expose) {
                let proxy =
                    if of_https { reqwest::Proxy::https(address) } else { reqwest::Proxy::http(address) };
                let proxy = proxy.map_err(|_| unusable("the address of a proxy is none"))?;
                builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(&except)));
            }
        }
        let http = builder.build().map_err(|error| Error::RegistryUnreachable {
            place: "the HTTP client".into(),
            reason: error.without_url().to_string().into(),
        })?;
        Ok(Self {
            http,
            options,
            grants: Grants::default(),
            listing: tokio::sync::Mutex::default(),
            origins: Mutex::default(),
        })
    }

    /// The repository that `reference` names. The first time that a host on loopback is named, it is asked whether it speaks
    /// TLS.
    pub(super) async fn repository(&self, reference: &Reference) -> Result<Repository> {
        let (host, name) = repository::place(reference)?;
        let known = self.origins.lock().unwrap_or_else(PoisonError::into_inner).get(&host).cloned();
        let origin = match known {
            Some(origin) => origin,
            None => {
                let origin = self.origin(&host).await?;
                self.origins
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(host.clone(), origin.clone());
                origin
            }
        };
        Ok(Repository { host, name, origin })
    }

    async fn origin(&self, host: &str) -> Result<Url> {
        let at = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/")).map_err(|_| Error::RegistryRefused {
                place: castline_core::shown(host),
                reason: "this is no host".into(),
            })
        };
        let (tls, plain) = (at("https")?, at("http")?);
        if self.options.plain_http {
            return Ok(plain);
        }
        if !is_loopback(host) {
            return Ok(tls);
        }
        let ping = |origin: &Url| {
            let mut url = origin.clone();
            url.set_path("/v2/");
            async move { self.patiently(&url, self.request(Method::GET, url.clone())).await }
        };
        let Err(error) = ping(&tls).await else { return Ok(tls) };
        match ping(&plain).await {
            Ok(response) if matches!(response.status(), StatusCode::OK | StatusCode::UNAUTHORIZED) => {
                Ok(plain)
            }
            _ => Err(error),
        }
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        // Compressed answers would not be the bytes that a digest names.
        self.http.request(method, url).header(ACCEPT_ENCODING, "identity")
    }

    /// Sends once, and waits for the beginning of an answer as long as that is worth it.
    pub(super) async fn patiently(&self, url: &Url, request: RequestBuilder) -> Result<Response> {
        let patience = self.options.patience;
        match tokio::time::timeout(patience, request.send()).await {
            Ok(response) => response.map_err(|error| body::unreachable(&body::place(url), &error)),
            Err(_) => Err(body::silent(&body::place(url), patience)),
        }
    }

    /// Sends `ask`, answers what the registry asks in return, follows redirects, and tries again where that may help. The
    /// statuses in `expected` come back; others are errors.
    pub(super) async fn ask(&self, repository: &Repository, ask: &Ask, expected: &[u16]) -> Result<Response> {
        let mut failures = 0;
        loop {
            let (error, asked) = match self.attempt(repository, ask, expected).await {
                Ok(response) => return Ok(response),
                Err(Failed { error, retry_after }) => (error, retry_after),
            };
            failures += 1;
            if !error.is_temporary() || failures >= self.options.retries.attempts {
                return Err(error);
            }
            self.pause(failures, asked, &error).await;
        }
    }

    /// Waits before the next attempt.
    pub(super) async fn pause(&self, failures: u32, asked: Option<Duration>, error: &Error) {
        let pause = self.options.retries.pause(failures, asked);
        tracing::debug!(%error, failures, ?pause, "trying again");
        tokio::time::sleep(pause).await;
    }

    /// [`Self::ask`], once.
    pub(super) async fn attempt(
        &self,
        repository: &Repository,
        ask: &Ask,
        expected: &[u16],
    ) -> Result<Response, Failed> {
        let mut ask = ask.clone();
        for _ in 0..=MOST_HOPS {
            let response = self
                .authorized(repository, &ask.scope, &ask.url, || {
                    let request =
                        self.request(ask.method.clone(), ask.url.clone()).headers(ask.headers.clone());
                    if ask.body.is_empty() && !matches!(ask.method, Method::POST | Method::PUT) {
                        request
                    } else {
                        request.body(ask.body.clone())
                    }
                })
                .await?;
            let status = response.status().as_u16();
            if expected.contains(&status) {
                return Ok(response);
            }
            // Only reading is repeated elsewhere.
            let reading = matches!(ask.method, Method::GET | Method::HEAD);
            if !(reading && matches!(status, 301 | 302 | 303 | 307 | 308)) {
                return Err(self.refusal(response, &ask.url).await);
            }
            ask.url = next_place(repository, &ask.url, response.headers())?;
        }
        Err(refused(&ask.url, format!("it redirects more than {MOST_HOPS} times")).into())
    }

    /// Sends a request, with what the registry wants to know of us where it is the registry that is asked. `make` makes
    /// it, perhaps twice.
    async fn authorized(
        &self,
        repository: &Repository,
        scope: &Scope,
        url: &Url,
        make: impl Fn() -> RequestBuilder,
    ) -> Result<Response, Failed> {
        if !repository.is_home(url) {
            return Ok(self.patiently(url, make()).await?);
        }
        let mut known = self.grants.known(repository, scope);
        // Once for a token that has ended meanwhile, once for one that was just got.
        for attempt in 0.. {
            let request = match &known {
                Some(value) => make().header(AUTHORIZATION, value.clone()),
                None => make(),
            };
            let response = self.patiently(url, request).await?;
            if response.status() != StatusCode::UNAUTHORIZED || attempt == 2 {
                return Ok(response);
            }
            let challenges = challenges(response.headers());
            known = Some(self.answer(repository, scope, &challenges, known.as_ref()).await?);
        }
        unreachable!("the third answer is returned")
    }

    /// What a response of an unexpected status means.
    pub(super) async fn refusal(&self, response: Response, url: &Url) -> Failed {
        let (status, place) = (response.status(), body::place(url));
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let bytes = body::read_error(response, self.options.patience, &place).await;
        Failed { error: body::failure(status, &place, &bytes), retry_after }
    }
}

/// An error, and how long the registry asks to be left alone.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Error,
    pub(super) retry_after: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None }
    }
}

fn challenges(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values.filter_map(|value| Some(value.to_str().ok()?.to_owned())).collect()
}

/// Where `Location` leads from `url`. What is asked for by HTTPS is not asked for without.
pub(super) fn next_place(repository: &Repository, url: &Url, headers: &HeaderMap) -> Result<Url> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| refused(url, "it sends us on, and does not say where".into()))?;
    let next = url.join(location).map_err(|_| refused(url, "it sends us on to what is no address".into()))?;
    match next.scheme() {
        "https" => Ok(next),
        "http" if repository.origin.scheme() == "http" => Ok(next),
        _ => Err(refused(
            url,
            format!("it sends us on to {}, which is not asked by HTTPS", body::place(&next)),
        )),
    }
}

pub(super) fn refused(url: &Url, reason: String) -> Error {
    Error::RegistryRefused { place: body::place(url), reason: reason.into() }
}
