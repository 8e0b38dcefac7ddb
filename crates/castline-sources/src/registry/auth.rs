//! Who we are, said to whom.
//!
//! - Nobody is told anything before it asks.
//! - Only a 401 of the registry's own scheme, host and port is answered; one that a redirect led to is not.
//! - A password goes to the registry, or to the token server that it names (`realm`), if that is asked by HTTPS; by plain HTTP only
//!   where it is the registry's own host, and that is spoken to by plain HTTP. A registry that names a token server elsewhere
//!   over HTTPS is believed: that is how Docker Hub and most others work, and it could ask for the password itself.
//! - A token goes to the registry only, and is kept for the repositories and actions that it was asked for.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use reqwest::{Method, StatusCode, Url, header::HeaderValue};
use serde::Deserialize;

use super::{
    body,
    challenge::{self, Challenge},
    client::Client,
    credentials::Login,
    repository::Repository,
    secret::Secret,
};
use crate::{Error, Result};

/// What is wanted of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// What a request needs a permission for. One token can be for several repositories: that is how blobs are mounted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope(BTreeSet<(String, Access)>);

impl Scope {
    pub(super) fn of(name: &str, access: Access) -> Self {
        Self([(name.to_owned(), access)].into())
    }

    pub(super) fn and(mut self, name: &str, access: Access) -> Self {
        self.0.insert((name.to_owned(), access));
        self
    }

    /// As token servers know it (distribution, *Token Scope*).
    fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, access)| {
            let actions = if *access == Access::Push { "pull,push" } else { "pull" };
            format!("repository:{name}:{actions}")
        })
    }
}

/// What was granted, by registry and scope.
#[derive(Debug, Default)]
pub(super) struct Grants {
    known: Mutex<HashMap<(String, Scope), Grant>>,
    /// One asks, the others wait for what it gets.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Grant {
    value: HeaderValue,
    until: Option<Instant>,
}

#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// What a token is good for that does not say (distribution, *Token Authentication*).
const SHORTEST: u64 = 60;
/// So long before its end a token is not used any more.
const MARGIN: u64 = 5;

impl Grants {
    /// What to send, if anything was granted that still holds.
    pub(super) fn known(&self, repository: &Repository, scope: &Scope) -> Option<HeaderValue> {
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let grant = known.get(&(repository.host.clone(), scope.clone()))?;
        grant.until.is_none_or(|until| Instant::now() < until).then(|| grant.value.clone())
    }

    fn keep(&self, repository: &Repository, scope: &Scope, grant: &Grant) {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert((repository.host.clone(), scope.clone()), grant.clone());
    }
}

impl Client {
    /// Answers the challenges of a 401, where there is an answer: what to send instead of `sent`.
    pub(super) async fn answer(
        &self,
        repository: &Repository,
        scope: &Scope,
        headers: &[String],
        sent: Option<&HeaderValue>,
    ) -> Result<HeaderValue> {
        let _turn = self.grants.asking.lock().await;
        // Somebody else may have got one while we waited.
        if let Some(value) = self.grants.known(repository, scope).filter(|value| Some(value) != sent) {
            return Ok(value);
        }
        let challenges: Vec<Challenge> = headers.iter().flat_map(|header| challenge::parse(header)).collect();
        let by = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        let login = self.options.credentials.login(&repository.host, &repository.name).await?;
        let grant = match (by("bearer"), by("basic"), login) {
            (Some(_), _, Some(Login::Bearer(token))) => {
                Grant { value: header(&token, "Bearer")?, until: None }
            }
            (Some(bearer), _, login) => self.token(repository, scope, bearer, login).await?,
            (None, Some(_), Some(Login::Password { user, password })) => {
                Grant { value: basic(&user, &password)?, until: None }
            }
            (None, Some(_), _) => {
                let reason =
                    "it asks for a name and a password, and there are none for it; `docker login` keeps them";
                return Err(unauthorized(repository, reason));
            }
            (None, None, _) => {
                let schemes: Vec<&str> = challenges.iter().map(|challenge| &*challenge.scheme).collect();
                let reason = format!(
                    "it asks for no authorization that is known here, but for: {}",
                    schemes.join(", ")
                );
                return Err(unauthorized(repository, &reason));
            }
        };
        if Some(&grant.value) == sent {
            return Err(unauthorized(repository, "it does not accept the credentials that there are for it"));
        }
        self.grants.keep(repository, scope, &grant);
        Ok(grant.value)
    }

    /// Asks the token server for a token.
    async fn token(
        &self,
        repository: &Repository,
        scope: &Scope,
        bearer: &Challenge,
        login: Option<Login>,
    ) -> Result<Grant> {
        let refused = |reason: String| Error::RegistryRefused {
            place: repository.host.clone().into(),
            reason: reason.into(),
        };
        let realm = bearer.parameter("realm").ok_or_else(|| refused("its challenge has no realm".into()))?;
        let realm = castline_core::shown(realm);
        let mut url = Url::parse(bearer.parameter("realm").unwrap_or_default())
            .map_err(|_| refused(format!("the realm `{realm}` of its challenge is no address")))?;
        let same_host = url.host() == repository.origin.host();
        let plainly = url.scheme() == "http" && repository.origin.scheme() == "http" && same_host;
        if url.scheme() != "https" && !plainly {
            return Err(refused(format!(
                "it sends us for a token to `{realm}`, which is not asked by HTTPS"
            )));
        }
        let service = bearer.parameter("service");
        let request = if let Some(Login::Refresh(refresh)) = &login {
            let mut form = url::form(&[("grant_type", "refresh_token"), ("client_id", "castline")]);
            form.extend([("refresh_token".to_owned(), refresh.expose().to_owned())]);
            form.extend(service.map(|service| ("service".to_owned(), service.to_owned())));
            form.push(("scope".to_owned(), scope.texts().collect::<Vec<_>>().join(" ")));
            self.request(Method::POST, url.clone())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(url::encoded(&form))
        } else {
            {
                let mut query = url.query_pairs_mut();
                if let Some(service) = service {
                    query.append_pair("service", service);
                }
                for text in scope.texts() {
                    query.append_pair("scope", &text);
                }
            }
            let request = self.request(Method::GET, url.clone());
            match &login {
                Some(Login::Password { user, password }) => {
                    request.header("authorization", basic(user, password)?)
                }
                _ => request,
            }
        };
        let response = self.patiently(&url, request).await?;
        let (status, address) = (response.status(), body::place(&url));
        let bytes = body::read(response, body::MOST_OF_AN_ERROR, self.options.patience, &address).await?;
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let who = if login.is_some() {
                    "the credentials that there are for it"
                } else {
                    "us without credentials"
                };
                let said = body::said(&bytes);
                return Err(unauthorized(
                    repository,
                    &format!("its token server {address} does not accept {who}{said}"),
                ));
            }
            status => return Err(body::failure(status, &address, &bytes)),
        }
        // The words of the parser could quote the token.
        let token: Granted = serde_json::from_slice(&bytes)
            .map_err(|_| refused(format!("what {address} answers is no token")))?;
        let text = token.token.filter(|token| !token.is_empty()).or(token.access_token);
        let text = text.ok_or_else(|| refused(format!("what {address} answers has no token in it")))?;
        let seconds = token.expires_in.unwrap_or(SHORTEST).clamp(SHORTEST, 86_400) - MARGIN;
        Ok(Grant {
            value: header(&Secret::new(text), "Bearer")?,
            until: Some(Instant::now() + Duration::from_secs(seconds)),
        })
    }
}

/// Forms, as the `url` crate writes them.
mod url {
    use reqwest::Url;

    pub(super) fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    pub(super) fn encoded(pairs: &[(String, String)]) -> String {
        let Ok(mut url) = Url::parse("http://form.invalid/") else { return String::new() };
        url.query_pairs_mut().extend_pairs(pairs);
        url.query().unwrap_or_default().to_owned()
    }
}

fn basic(user: &str, password: &Secret) -> Result<HeaderValue> {
    header(&Secret::new(BASE64.encode(format!("{user}:{}", password.expose()))), "Basic")
}

fn header(secret: &Secret, scheme: &str) -> Result<HeaderValue> {
    secret.header(scheme).ok_or_else(|| Error::InvalidCredentials {
        reason: "a token or a password holds what no header can".into(),
    })
}

fn unauthorized(repository: &Repository, reason: &str) -> Error {
    Error::RegistryUnauthorized {
        place: format!("{}/{}", repository.host, repository.name).into(),
        reason: reason.into(),
    }
}
