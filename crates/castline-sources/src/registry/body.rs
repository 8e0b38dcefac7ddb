//! Answers: read as far as they may go, and what they say went wrong.

use std::time::Duration;

use castline_core::shown;
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;

use crate::{Error, Result};

/// Bytes of an answer that says what went wrong. More are not read.
pub(super) const MOST_OF_AN_ERROR: u64 = 64 << 10;

/// Where something is, fit for messages: no query, which holds signatures, and no user.
pub(super) fn place(url: &Url) -> Box<str> {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    castline_core::shown_whole(url.as_str()).into()
}

/// The next bytes of an answer; `None` at its end.
pub(super) async fn next(
    response: &mut Response,
    patience: Duration,
    place: &str,
) -> Result<Option<bytes::Bytes>> {
    match tokio::time::timeout(patience, response.chunk()).await {
        Ok(chunk) => chunk.map_err(|error| unreachable(place, &error)),
        Err(_) => Err(silent(place, patience)),
    }
}

/// The whole of an answer of at most `most` bytes.
pub(super) async fn read(
    mut response: Response,
    most: u64,
    patience: Duration,
    place: &str,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = next(&mut response, patience, place).await? {
        if (bytes.len() + chunk.len()) as u64 > most {
            return Err(Error::RegistryRefused {
                place: place.into(),
                reason: format!("the answer is longer than {most} bytes").into(),
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The beginning of an answer that says what went wrong.
pub(super) async fn read_error(mut response: Response, patience: Duration, place: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = next(&mut response, patience, place).await {
        let room = usize::try_from(MOST_OF_AN_ERROR).unwrap_or(usize::MAX) - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    bytes
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Fault>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Fault {
    code: String,
    message: String,
}

/// What a registry says of its refusal (OCI distribution-spec, *Error Codes*), to be put behind a sentence.
pub(super) fn said(bytes: &[u8]) -> String {
    match serde_json::from_slice::<Errors>(bytes) {
        Ok(errors) => errors
            .errors
            .first()
            .map_or(String::new(), |fault| format!(": {} ({})", shown(&fault.message), shown(&fault.code))),
        Err(_) => String::new(),
    }
}

/// The error that a status stands for.
pub(super) fn failure(status: StatusCode, place: &str, bytes: &[u8]) -> Error {
    let place = place.into();
    let reason = |what: &str| format!("{what}{}", said(bytes)).into();
    match status.as_u16() {
        401 | 403 => Error::RegistryUnauthorized { place, reason: reason("it is not allowed") },
        407 => Error::RegistryUnauthorized {
            place,
            reason:
                "the proxy on the way does not let us through; put the name and the password for it into its \
                     address: `http://NAME:PASSWORD@HOST:PORT`"
                    .into(),
        },
        404 => Error::RegistryNotFound { place, reason: reason("it is not there") },
        429 | 500..=599 => Error::RegistryUnreachable {
            place,
            reason: reason(&format!(
                "the registry cannot answer for the moment, with status {}",
                status.as_u16()
            )),
        },
        code => Error::RegistryRefused {
            place,
            reason: reason(&format!("the registry answers with status {code}")),
        },
    }
}

/// What a connection that fails is called. The words of the libraries, without the address that they add, which can hold a
/// signature.
pub(super) fn unreachable(place: &str, error: &reqwest::Error) -> Error {
    let mut reason = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !reason.contains(&text) {
            reason = if reason.is_empty() { text } else { format!("{reason}: {text}") };
        }
        cause = inner.source();
    }
    if reason.is_empty() {
        "the connection failed".clone_into(&mut reason);
    }
    Error::RegistryUnreachable { place: place.into(), reason: castline_core::shown_whole(&reason).into() }
}

pub(super) fn silent(place: &str, patience: Duration) -> Error {
    Error::RegistryUnreachable {
        place: place.into(),
        reason: format!("nothing came for {} seconds", patience.as_secs_f32()).into(),
    }
}
