//! Fleets, policies and images out of what others print.

use castline::import;
use napi_derive::napi;
use serde::Deserialize;

use crate::{
    document::{Text, raw},
    error::{OrThrow as _, Result, of_code},
    work::{json, value},
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Choice {
    namespace: Option<String>,
    container: Option<String>,
    zone: Option<String>,
    region: Option<String>,
    build: Option<String>,
}

/// What is in documents of a tool, `kubernetes`, `docker`, `aws` or `packer`, as JSON.
#[napi(catch_unwind)]
pub fn import_from(tool: String, documents: Vec<Text>, choice: String) -> Result<String> {
    let choice: Choice = value("options", &choice)?;
    let documents: Vec<&[u8]> = documents.iter().map(raw).collect();
    match &*tool {
        "kubernetes" => {
            let mut options = import::KubernetesOptions::default();
            if let Some(namespace) = choice.namespace {
                options = options.with_namespace(namespace);
            }
            if let Some(container) = choice.container {
                options = options.with_container(container);
            }
            json(&import::kubernetes(&documents, &options).or_throw()?)
        }
        "docker" => {
            let mut options = import::DockerOptions::default();
            if let Some(zone) = choice.zone {
                options = options.with_zone(zone);
            }
            json(&import::docker(&documents, &options).or_throw()?)
        }
        "aws" => json(&import::aws(&documents, &import::Services::default()).or_throw()?),
        "packer" => {
            let mut options = import::PackerOptions::default();
            if let Some(region) = choice.region {
                options = options.with_region(region);
            }
            if let Some(build) = choice.build {
                options = options.with_build(build);
            }
            let manifest = documents.first().copied().unwrap_or_default();
            json(&import::packer(manifest, &options).or_throw()?.only().or_throw()?)
        }
        other => Err(of_code("INTERNAL", format!("nothing is known of {other}"))),
    }
}
