//! What `castline import` takes.

use std::path::PathBuf;

use castline::import::Services;
use clap::{Args, ValueEnum};

/// Whose documents are imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Origin {
    /// `kubectl get … -o json`.
    #[value(alias = "kubectl")]
    Kubernetes,
    /// `docker inspect`, `podman inspect`.
    #[value(alias = "podman")]
    Docker,
    /// `aws ec2 describe-instances`, `aws autoscaling describe-auto-scaling-groups`.
    Aws,
    /// The manifest that Packer writes of what it built.
    Packer,
}

/// What is printed of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// What runs.
    Fleet,
    /// How the platform would replace it.
    Policy,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Whose documents these are.
    #[arg(value_name = "FROM")]
    pub(crate) origin: Origin,
    /// The documents; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Only this service; of Packer, the one that the release is of.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Print this document of the service, for `castline plan`.
    #[arg(long, value_name = "WHAT", requires = "service")]
    pub(crate) get: Option<Part>,
    /// What a service is: `workload`, `qualified` (with its namespace or project), `label=KEY`, or `one=NAME` for all.
    #[arg(long, value_name = "HOW", default_value = "workload", value_parser = services)]
    pub(crate) services: Services,
    /// Of Kubernetes, only this namespace.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Of Packer, only this region.
    #[arg(long, value_name = "NAME")]
    pub(crate) region: Option<String>,
    /// Of Packer, only the build of this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) build: Option<String>,
    /// Of Packer, how many instances should run.
    #[arg(long, value_name = "N", requires = "service")]
    pub(crate) replicas: Option<u64>,
    /// Also how instances are run, which can hold secrets.
    #[arg(long)]
    pub(crate) specs: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

fn services(text: &str) -> Result<Services, String> {
    match text.split_once('=') {
        None if text == "workload" => Ok(Services::Workload),
        None if text == "qualified" => Ok(Services::Qualified),
        Some(("label", key)) if !key.is_empty() => Ok(Services::Label(key.into())),
        Some(("one", name)) if !name.is_empty() => Ok(Services::One(name.into())),
        _ => Err("write `workload`, `qualified`, `label=KEY` or `one=NAME`".into()),
    }
}
