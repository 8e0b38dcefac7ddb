//! Values that are a text.

use castline::{policy, sources::Reference};
use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;
use serde_json::json;

use crate::error::{OrThrow as _, Result, of_code};

/// The parts of a text of some kind, as JSON: `text` is the way castline writes it.
#[napi(catch_unwind)]
pub fn parse(kind: String, text: String) -> Result<String> {
    let parts = match &*kind {
        "Digest" => {
            let digest: castline::Digest = text.parse().or_throw()?;
            json!({
                "text": digest.to_string(), "algorithm": digest.algorithm().name(), "encoded": digest.encoded()
            })
        }
        "Platform" => json!({"text": text.parse::<castline::Platform>().or_throw()?.to_string()}),
        "Reference" => {
            let reference: Reference = text.parse().or_throw()?;
            json!({
                "text": reference.to_string(),
                "transport": reference.transport().name(),
                "path": reference.path(),
                "tag": reference.tag(),
                "digest": reference.digest().map(ToString::to_string),
                "position": reference.position(),
            })
        }
        "Time" => {
            let time: castline::Time = text.parse().or_throw()?;
            json!({"text": time.to_string(), "millis": time.as_millis()})
        }
        "Amount" => json!({"text": text.parse::<policy::Amount>().or_throw()?.to_string()}),
        "Revision" => json!({"text": text.parse::<castline::Revision>().or_throw()?.to_string()}),
        other => return Err(of_code("INTERNAL", format!("there are no texts of kind {other}"))),
    };
    Ok(parts.to_string())
}

/// The reference to all that is at a path, as text.
#[napi(catch_unwind)]
pub fn reference_at(path: String) -> Result<String> {
    Ok(Reference::at(path.as_ref()).or_throw()?.to_string())
}

/// The digest of some bytes, by SHA-256.
#[napi(catch_unwind)]
pub fn digest_of(bytes: Uint8Array) -> String {
    castline::Digest::of(&bytes).to_string()
}

/// The moment so many milliseconds after 1970-01-01T00:00:00Z.
#[napi(catch_unwind)]
pub fn time_from_millis(millis: i64) -> Result<String> {
    Ok(castline::Time::try_from_millis(millis).or_throw()?.to_string())
}

/// How many an amount is of `total`.
#[napi(catch_unwind)]
pub fn amount_of(amount: String, total: BigInt) -> Result<BigInt> {
    let (negative, total, whole) = total.get_u64();
    if negative || !whole {
        return Err(of_code("RANGE", "a number of instances is from 0 to 2^64 - 1"));
    }
    Ok(amount.parse::<policy::Amount>().or_throw()?.of(total).into())
}

/// A window: the way castline writes it, and, at a moment, whether it is open and when it opens next; as JSON.
#[napi(catch_unwind)]
pub fn window(schedule: String, seconds: BigInt, zone: String, now: Option<String>) -> Result<String> {
    let (negative, seconds, whole) = seconds.get_u64();
    if negative || !whole {
        return Err(of_code("RANGE", "a window's duration is from 0 to 2^64 - 1 seconds"));
    }
    let window = policy::Window::new(&schedule, seconds, &zone).or_throw()?;
    let mut parts = json!({
        "schedule": window.schedule(),
        "durationSeconds": window.duration_seconds(),
        "timeZone": window.time_zone(),
    });
    if let Some(now) = now {
        let now: castline::Time = now.parse().or_throw()?;
        parts["open"] = window.is_open(now).into();
        parts["nextOpen"] = window.next_open(now).map(|time| time.to_string()).into();
    }
    Ok(parts.to_string())
}
