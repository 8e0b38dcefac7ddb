use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;

use super::{helper, secret::Secret};
use crate::{Error, Result};

/// Who we are to which registry: what `~/.docker/config.json` and containers-auth.json(5) say, as a value. Reading the
/// file is up to the caller.
///
/// The entry with the longest match counts: `HOST/NAMESPACE/NAME`, `HOST/NAMESPACE`, `HOST`; then a credential helper of
/// the host (`credHelpers`), then that of all hosts (`credsStore`), which are run when a registry asks who we are, and
/// not before.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// By host or by `HOST/NAMESPACE…`.
    logins: BTreeMap<String, Login>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
    /// Where these say nothing.
    otherwise: Option<Box<Credentials>>,
}

/// What to say to a registry that asks who we are.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Login {
    /// A name and a password.
    Password {
        /// Who.
        user: String,
        /// The password.
        password: Secret,
    },
    /// What a token server gives tokens for (Docker's `identitytoken`).
    Refresh(Secret),
    /// What is sent as it is (Docker's `registrytoken`).
    Bearer(Secret),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, password } => {
                f.debug_struct("Password").field("user", user).field("password", password).finish()
            }
            Self::Refresh(token) => f.debug_tuple("Refresh").field(token).finish(),
            Self::Bearer(token) => f.debug_tuple("Bearer").field(token).finish(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct File {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl Credentials {
    /// None: every registry is asked as nobody.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads what Docker and containers-auth.json(5) keep.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCredentials`] when it is not such a document. The message quotes nothing of it.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        // The words of a parser quote what they stumble over, which may be a password.
        let file: File = serde_json::from_slice(bytes).map_err(|error| Error::InvalidCredentials {
            reason: format!("not the JSON of a Docker configuration, at line {}", error.line()).into(),
        })?;
        let mut credentials =
            Self { store: file.creds_store.filter(|name| !name.is_empty()), ..Self::default() };
        for (place, entry) in file.auths {
            if let Some(login) = entry.login(&place)? {
                credentials.logins.insert(place_of(&place), login);
            }
        }
        let helpers = file.cred_helpers.into_iter().filter(|(_, name)| !name.is_empty());
        credentials.helpers = helpers.map(|(place, name)| (place_of(&place), name)).collect();
        Ok(credentials)
    }

    /// The same with a login for a host, or for a `HOST/NAMESPACE`.
    #[must_use]
    pub fn with_login(mut self, place: &str, login: Login) -> Self {
        self.logins.insert(place_of(place), login);
        self
    }

    /// The same, and where these have nothing, `others`.
    #[must_use]
    pub fn or(mut self, others: Self) -> Self {
        self.otherwise = Some(Box::new(match self.otherwise.take() {
            Some(own) => own.or(others),
            None => others,
        }));
        self
    }

    /// What to say to `host`, of the repository `name` in it. Runs a credential helper where one is named.
    pub(super) async fn login(&self, host: &str, name: &str) -> Result<Option<Login>> {
        let host = place_of(host);
        let mut these = Some(self);
        while let Some(credentials) = these {
            if let Some(login) = credentials.entry(&host, name) {
                return Ok(Some(login.clone()));
            }
            let helpers = [credentials.helpers.get(&host), credentials.store.as_ref()];
            for helper in helpers.into_iter().flatten() {
                if let Some(login) = helper::ask(helper, asked_as(&host)).await? {
                    return Ok(Some(login));
                }
            }
            these = credentials.otherwise.as_deref();
        }
        Ok(None)
    }

    fn entry(&self, host: &str, name: &str) -> Option<&Login> {
        let mut place = format!("{host}/{name}");
        loop {
            if let Some(login) = self.logins.get(&place) {
                return Some(login);
            }
            place.truncate(place.rfind('/')?);
        }
    }
}

impl Entry {
    fn login(self, place: &str) -> Result<Option<Login>> {
        let token = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Secret::new);
        if let Some(token) = token(self.registrytoken) {
            return Ok(Some(Login::Bearer(token)));
        }
        if let Some(token) = token(self.identitytoken) {
            return Ok(Some(Login::Refresh(token)));
        }
        if let Some(auth) = self.auth.filter(|auth| !auth.is_empty()) {
            let broken = || Error::InvalidCredentials {
                reason: format!(
                    "the `auth` of `{}` is not `user:password` in base64",
                    castline_core::shown(place)
                )
                .into(),
            };
            let text = BASE64.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or_else(broken)?;
            let (user, password) = text.split_once(':').ok_or_else(broken)?;
            // Docker pads what it keeps.
            let password = Secret::new(password.trim_end_matches('\0'));
            return Ok(Some(Login::Password { user: user.to_owned(), password }));
        }
        Ok(match (self.username, self.password) {
            (Some(user), Some(password)) if !user.is_empty() => {
                Some(Login::Password { user, password: Secret::new(password) })
            }
            // `"HOST": {}` marks a host whose credentials a helper has.
            _ => None,
        })
    }
}

/// Docker writes hosts in several forms: `https://index.docker.io/v1/`, `HOST`, `http://HOST/`. One form of each.
fn place_of(place: &str) -> String {
    let place = place.strip_prefix("https://").or_else(|| place.strip_prefix("http://")).unwrap_or(place);
    let place = place.trim_end_matches('/');
    let place = place.strip_suffix("/v1").or_else(|| place.strip_suffix("/v2")).unwrap_or(place);
    let (host, rest) = place.split_once('/').map_or((place, None), |(host, rest)| (host, Some(rest)));
    let host = match host.to_ascii_lowercase() {
        host if is_docker_hub(&host) => "docker.io".to_owned(),
        host => host,
    };
    match rest {
        Some(rest) => format!("{host}/{rest}"),
        None => host,
    }
}

/// Whether it is one of the names of Docker Hub.
pub(super) fn is_docker_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

/// What helpers know a host as.
fn asked_as(host: &str) -> &str {
    if host == "docker.io" { "https://index.docker.io/v1/" } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(login: Option<Login>) -> Option<String> {
        match login {
            Some(Login::Password { user, .. }) => Some(user),
            _ => None,
        }
    }

    #[tokio::test]
    async fn the_longest_match_counts() {
        let credentials = Credentials::from_json(
            br#"{"auths": {
                "https://index.docker.io/v1/": {"auth": "aHViOng="},
                "registry.example:5000": {"auth": "aG9zdDp4"},
                "registry.example:5000/team": {"username": "team", "password": "x"},
                "empty.example": {}
            }}"#,
        )
        .expect("credentials");
        for (host, name, expected) in [
            ("docker.io", "library/alpine", Some("hub")),
            ("registry-1.docker.io", "library/alpine", Some("hub")),
            ("registry.example:5000", "app", Some("host")),
            ("registry.example:5000", "team/app", Some("team")),
            ("registry.example:5000", "teams/app", Some("host")),
            ("registry.example", "app", None),
            ("empty.example", "app", None),
        ] {
            let login = credentials.login(host, name).await.expect("no helper");
            assert_eq!(user(login).as_deref(), expected, "{host}/{name}");
        }
    }

    #[tokio::test]
    async fn others_are_asked_where_the_first_have_nothing() {
        let login = |user: &str| Login::Password { user: user.into(), password: Secret::new("x") };
        let first = Credentials::none().with_login("a.example", login("first"));
        let second =
            Credentials::none().with_login("a.example", login("no")).with_login("b.example", login("second"));
        let both = first.or(second);
        assert_eq!(user(both.login("a.example", "app").await.expect("ok")).as_deref(), Some("first"));
        assert_eq!(user(both.login("b.example", "app").await.expect("ok")).as_deref(), Some("second"));
    }

    #[test]
    fn a_broken_file_is_refused_without_being_quoted() {
        for bytes in
            [&br#"{"auths": {"h": {"auth": "hunter2!"}}}"#[..], br#"{"auths": "hunter2"}"#, b"hunter2"]
        {
            let error = Credentials::from_json(bytes).expect_err("refused");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn printing_them_shows_no_password() {
        let credentials = Credentials::from_json(
            br#"{"auths": {"h": {"auth": "dXNlcjpodW50ZXIy"}, "i": {"identitytoken": "hunter2"}, "j": {"registrytoken": "hunter2"}}}"#,
        )
        .expect("credentials");
        let shown = format!("{credentials:?}");
        assert!(shown.contains("user") && !shown.contains("hunter2"), "{shown}");
    }
}
