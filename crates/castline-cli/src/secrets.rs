//! Secrets by reference, as they are given on the command line, and what looks like one in plain text.

use std::collections::BTreeMap;

use castline::{
    Release,
    drift::{InstanceSpec, SecretSource, names_a_secret},
    sources::BuildFile,
};

use crate::{Failure, output};

/// Adds what `--secret` names to how a release is run.
pub(crate) fn added(mut spec: InstanceSpec, arguments: &[String]) -> Result<InstanceSpec, Failure> {
    for argument in arguments {
        let (name, source) = parsed(argument)?;
        if spec.secrets.get_or_insert_with(BTreeMap::new).insert(name.clone(), source).is_some() {
            return Err(format!("the secret `{name}` is named twice").into());
        }
    }
    Ok(spec)
}

/// `NAME=env:VARIABLE` or `NAME=file:PATH`. What is neither may be a secret itself, and is not shown.
fn parsed(argument: &str) -> Result<(String, SecretSource), Failure> {
    let (name, source) = argument.split_once('=').unwrap_or_default();
    let source = match source.split_once(':') {
        Some(("env", variable)) => SecretSource::Env(variable.to_owned()),
        Some(("file", path)) => SecretSource::File(path.to_owned()),
        _ if name.is_empty() => {
            return Err("--secret: write NAME=env:VARIABLE or NAME=file:/PATH, never the value".into());
        }
        _ => {
            return Err(format!(
                "--secret {name}: write {name}=env:VARIABLE or {name}=file:/PATH, never the value"
            )
            .into());
        }
    };
    Ok((name.to_owned(), source))
}

/// Warns of variables whose names are those of secrets: they stand in documents as they are.
pub(crate) fn warn(release: &Release) -> Result<(), Failure> {
    for name in release.spec().plain_secrets() {
        output::note(&format!(
            "warning: the variable {name} of {} will stand in the ledger in plain text, for all who can read it: if it is a \
             secret, refer to it by `secrets` instead of `env`, or by --secret {name}=env:VARIABLE or {name}=file:/PATH",
            release.service()
        ))?;
    }
    Ok(())
}

/// Warns of the same in a description of images: whoever can pull one can read it.
pub(crate) fn warn_of_built(file: &BuildFile) -> Result<(), Failure> {
    for name in file.variables().into_iter().filter(|name| names_a_secret(name)) {
        output::note(&format!(
            "warning: the variable {name} will stand in the image in plain text, for all who can read it: if it is a secret, leave it \
             out, and give it to what is launched by `castline release --secret {name}=env:VARIABLE`"
        ))?;
    }
    Ok(())
}
