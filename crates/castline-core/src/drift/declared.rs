//! What the types cannot say of a spec that is declared: what no platform could do as it stands there.

use std::collections::BTreeMap;

use super::{HealthCheck, InstanceSpec, secret};
use crate::error::shown;

/// What is wrong with a variable's name that is none.
pub(super) const NO_NAME: &str = "a variable's name is not empty, and has neither `=` nor NUL in it";

pub(super) fn check(spec: &InstanceSpec) -> Result<(), String> {
    spec.env.as_ref().map_or(Ok(()), variables)?;
    spec.secrets.as_ref().map_or(Ok(()), |secrets| secret::check(secrets, spec.env.as_ref()))?;
    spec.health.as_ref().and_then(fault).map_or(Ok(()), |fault| Err(format!("`health.{fault}")))
}

/// Whether a variable can have this name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// The values are not shown: they may be secrets.
fn variables(env: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in env {
        let named = shown(name);
        if !is_name(name) {
            return Err(format!("the variable `{named}` in `env`: {NO_NAME}"));
        }
        if value.contains('\0') {
            return Err(format!(
                "the variable `{named}` in `env`: its value has a NUL in it, which no variable can have"
            ));
        }
    }
    Ok(())
}

fn fault(health: &HealthCheck) -> Option<&'static str> {
    match health.command.first() {
        None => {
            return Some(
                "command` is empty: nothing would be run; leave `health` out where nothing is to be checked",
            );
        }
        Some(program) if program.is_empty() => {
            return Some("command` begins with an empty text, which names no program");
        }
        Some(_) => {}
    }
    if health.command.iter().any(|word| word.contains('\0')) {
        return Some("command` has a NUL in it, which no argument can have");
    }
    if health.interval_millis == 0 {
        return Some("intervalMillis` is 0: checks would follow one another without a pause");
    }
    if health.timeout_millis == 0 {
        return Some("timeoutMillis` is 0: no check could end in time");
    }
    (health.retries == 0).then_some("retries` is 0: an instance would have failed before it was checked")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<InstanceSpec, String> {
        InstanceSpec::from_json(json.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_no_platform_could_do_is_refused_by_its_member() {
        for (json, expected) in [
            (r#"{"health":{"command":[]}}"#, "`health.command` is empty"),
            (r#"{"health":{"command":["","a"]}}"#, "`health.command` begins with an empty text"),
            (r#"{"health":{"command":["a","b\u0000"]}}"#, "`health.command` has a NUL"),
            (r#"{"health":{"command":["a"],"intervalMillis":0}}"#, "`health.intervalMillis` is 0"),
            (r#"{"health":{"command":["a"],"timeoutMillis":0}}"#, "`health.timeoutMillis` is 0"),
            (r#"{"health":{"command":["a"],"retries":0}}"#, "`health.retries` is 0"),
            (r#"{"env":{"":"hunter2"}}"#, "the variable `` in `env`: a variable's name is not empty"),
            (r#"{"env":{"A=B":"hunter2"}}"#, "the variable `A=B` in `env`: a variable's name"),
            (r#"{"env":{"A\u0000":"hunter2"}}"#, "the variable `A\\u{0}` in `env`: a variable's name"),
            (r#"{"env":{"A":"hunter2\u0000"}}"#, "the variable `A` in `env`: its value has a NUL"),
            (r#"{"secrets":{"A=B":{"env":"C"}}}"#, "the secret `A=B`: a variable's name"),
            (
                r#"{"env":{"A":"hunter2"},"secrets":{"A":{"env":"C"}}}"#,
                "the variable `A` is in `env` and in `secrets`",
            ),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.starts_with(&format!("this is not a valid spec: {expected}")), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_a_platform_can_do_is_not() {
        for json in [
            "{}",
            r#"{"env":{"A":"","a b":"=","ä":"x"}}"#,
            r#"{"health":{"command":["a",""],"intervalMillis":1,"timeoutMillis":1,"retries":1,"startPeriodMillis":0}}"#,
            r#"{"entrypoint":[],"args":[""],"user":"","workingDir":""}"#,
        ] {
            assert!(read(json).is_ok(), "{json}");
        }
    }
}
