use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SecretSource, declared};
use crate::{Result, Runtime, canonical::invalid, strict};

/// How an instance is run: what a release declares, or what a platform reports. What is `None` is not stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct InstanceSpec {
    /// Variables by name. A name is not empty, and has no `=` in it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::unique::option")]
    pub env: Option<BTreeMap<String, String>>,
    /// Variables that are secrets, by name, and where their values come from. None of them is in `env` as well.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::unique::option")]
    pub secrets: Option<BTreeMap<String, SecretSource>>,
    /// What is run: Docker's entrypoint, Kubernetes' `command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Its arguments: Docker's command, Kubernetes' `args`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// `user[:group]`; empty and `0` are root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where it is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Mounts by the path that they are mounted at.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::unique::option")]
    pub mounts: Option<BTreeMap<String, Mount>>,
    /// Free text by key.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::unique::option")]
    pub labels: Option<BTreeMap<String, String>>,
    /// How to see whether it does its work. Without one, an instance that runs is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
}

/// A command that says whether an instance does its work, as Docker's `HEALTHCHECK` does. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// What is run inside the instance, a program and its arguments; it does its work where this ends with 0. Not empty.
    pub command: Vec<String>,
    /// How long after one check the next one begins. Not 0.
    #[serde(default = "HealthCheck::default_interval")]
    pub interval_millis: u64,
    /// How long one may take. Not 0.
    #[serde(default = "HealthCheck::default_timeout")]
    pub timeout_millis: u64,
    /// How many in a row must fail until the instance has failed for good. Not 0.
    #[serde(default = "HealthCheck::default_retries")]
    pub retries: u32,
    /// For how long after its start no failure counts.
    #[serde(default)]
    pub start_period_millis: u64,
}

impl HealthCheck {
    /// A check by this command: each second, for up to five seconds, three times.
    pub fn new(command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            command: command.into_iter().map(Into::into).collect(),
            interval_millis: Self::default_interval(),
            timeout_millis: Self::default_timeout(),
            retries: Self::default_retries(),
            start_period_millis: 0,
        }
    }

    const fn default_interval() -> u64 {
        1000
    }

    const fn default_timeout() -> u64 {
        5000
    }

    const fn default_retries() -> u32 {
        3
    }
}

/// What is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Mount {
    /// The host's path, or the name of a volume.
    pub source: String,
    /// Whether nothing can be written through it.
    pub read_only: bool,
}

impl InstanceSpec {
    /// The same with what the image says where nothing is stated. Variables and labels are stated one by one; an
    /// entrypoint of its own does away with the image's arguments, as in Docker and Kubernetes. A secret takes the place of the
    /// image's variable of its name.
    #[must_use]
    pub fn over(&self, image: &Runtime) -> Self {
        let of_image = image.env.iter().filter_map(|pair| pair.split_once('='));
        let mut env: BTreeMap<_, _> =
            of_image.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        env.extend(self.env.clone().unwrap_or_default());
        env.retain(|name, _| self.secrets.as_ref().is_none_or(|secrets| !secrets.contains_key(name)));
        let mut labels = image.labels.clone();
        labels.extend(self.labels.clone().unwrap_or_default());
        let args = match (&self.args, &self.entrypoint) {
            (Some(args), _) => args.clone(),
            (None, Some(_)) => Vec::new(),
            (None, None) => image.cmd.clone(),
        };
        Self {
            env: Some(env),
            secrets: self.secrets.clone(),
            entrypoint: Some(self.entrypoint.clone().unwrap_or_else(|| image.entrypoint.clone())),
            args: Some(args),
            user: Some(self.user.clone().or_else(|| image.user.clone()).unwrap_or_default()),
            working_dir: Some(
                self.working_dir.clone().or_else(|| image.working_dir.clone()).unwrap_or_default(),
            ),
            mounts: Some(self.mounts.clone().unwrap_or_default()),
            labels: Some(labels),
            health: self.health.clone(),
        }
    }

    /// Reads one that is to be declared, as in a file of its own.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument), as where a release is read that has it.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let invalid = |reason| invalid("spec", reason);
        let spec: Self = strict::from_json(json).map_err(invalid)?;
        spec.validate().map_err(invalid)?;
        Ok(spec)
    }

    /// What the types cannot say of it where it is declared.
    pub(crate) fn validate(&self) -> Result<(), String> {
        declared::check(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entrypoint_of_its_own_does_away_with_the_arguments_of_the_image() {
        let image =
            Runtime { entrypoint: vec!["/app".into()], cmd: vec!["serve".into()], ..Runtime::default() };
        let own = InstanceSpec { entrypoint: Some(vec!["/other".into()]), ..InstanceSpec::default() };
        assert_eq!(own.over(&image).args, Some(vec![]));
        let args = InstanceSpec { args: Some(vec!["test".into()]), ..InstanceSpec::default() };
        assert_eq!(args.over(&image).entrypoint, Some(vec!["/app".into()]));
    }

    #[test]
    fn a_secret_takes_the_place_of_a_variable_of_the_image() {
        let image = Runtime { env: vec!["TOKEN=none".into(), "LANG=C".into()], ..Runtime::default() };
        let secrets = BTreeMap::from([("TOKEN".to_owned(), SecretSource::Env("HERE".into()))]);
        let over = InstanceSpec { secrets: Some(secrets.clone()), ..InstanceSpec::default() }.over(&image);
        assert_eq!(over.env, Some([("LANG".to_owned(), "C".to_owned())].into()));
        assert_eq!((over.validate(), over.secrets), (Ok(()), Some(secrets)));
    }
}
