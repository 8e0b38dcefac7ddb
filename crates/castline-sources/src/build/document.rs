//! The documents of an image. They are written in canonical form (RFC 8785), so that what they say decides their digest,
//! and not how.

use std::{collections::BTreeMap, path::PathBuf};

use castline_core::{Descriptor, Platform};
use serde_json::{Map, Value, json};

use super::{BuiltLayer, ImageBuilder, Runtime, base::Base, encode::Encoding};
use crate::{Error, Result, StoredBlob};

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("it has no number but sizes, and no key but text")
}

/// OCI image-spec `config.md`.
pub(super) fn config(builder: &ImageBuilder, base: Option<&Base>, layers: &[BuiltLayer]) -> Result<Vec<u8>> {
    let mut config = match base.map(|base| &base.config) {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    // What a base says of the container that it came from is not so of this image.
    for stale in ["container", "container_config", "docker_version", "id", "parent", "throwaway"] {
        config.remove(stale);
    }
    let created = builder.created.to_string();
    config.insert("created".into(), created.clone().into());
    put_platform(&mut config, &builder.platform);
    let mut run = match config.remove("config") {
        Some(Value::Object(run)) => run,
        _ => Map::new(),
    };
    put_runtime(&mut run, &builder.runtime).map_err(|reason| Error::InvalidFile {
        path: PathBuf::from("the image's configuration"),
        reason: reason.into(),
    })?;
    config.insert("config".into(), run.into());
    let below = base.map(|base| base.diff_ids.clone()).unwrap_or_default();
    let diff_ids: Vec<_> = below.iter().chain(layers.iter().map(|layer| &layer.diff_id)).collect();
    config.insert("rootfs".into(), json!({"type": "layers", "diff_ids": diff_ids}));
    // A history that does not tell of each layer is worse than none.
    let history = match config.remove("history") {
        Some(Value::Array(history)) => history,
        _ => Vec::new(),
    };
    let told = history.iter().filter(|step| step["empty_layer"] != true).count();
    if told == below.len() {
        let steps =
            builder.layers.iter().map(|layer| json!({"created": created, "created_by": layer.shown()}));
        config.insert("history".into(), history.into_iter().chain(steps).collect());
    }
    Ok(canonical(&config.into()))
}

fn put_platform(config: &mut Map<String, Value>, platform: &Platform) {
    config.insert("os".into(), platform.os().into());
    config.insert("architecture".into(), platform.architecture().into());
    match platform.variant() {
        Some(variant) => config.insert("variant".into(), variant.into()),
        None => config.remove("variant"),
    };
}

fn put_runtime(run: &mut Map<String, Value>, runtime: &Runtime) -> Result<(), String> {
    if let Some(entrypoint) = &runtime.entrypoint {
        run.insert("Entrypoint".into(), entrypoint.clone().into());
        run.remove("Cmd");
    }
    if let Some(cmd) = &runtime.cmd {
        run.insert("Cmd".into(), cmd.clone().into());
    }
    let texts =
        [("User", &runtime.user), ("WorkingDir", &runtime.working_dir), ("StopSignal", &runtime.stop_signal)];
    for (key, text) in texts {
        if let Some(text) = text {
            run.insert(key.into(), text.as_str().into());
        }
    }
    if !runtime.env.is_empty() {
        let mut env: Vec<String> = match run.remove("Env") {
            Some(Value::Array(env)) => env.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        for (name, value) in &runtime.env {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(format!("`{}` is no name of a variable", castline_core::shown(name)));
            }
            let setting = format!("{name}={value}");
            let same = |known: &&mut String| known.split('=').next() == Some(name);
            match env.iter_mut().find(same) {
                Some(known) => *known = setting,
                None => env.push(setting),
            }
        }
        run.insert("Env".into(), env.into());
    }
    for port in &runtime.exposed_ports {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        if number.parse::<u16>().is_err() || !["tcp", "udp", "sctp"].contains(&protocol) {
            return Err(format!("`{}` is no port; write `8080` or `53/udp`", castline_core::shown(port)));
        }
    }
    let ports = runtime.exposed_ports.iter().map(|port| {
        let port = if port.contains('/') { port.clone() } else { format!("{port}/tcp") };
        (port, json!({}))
    });
    merge(run, "ExposedPorts", ports.collect());
    merge(run, "Volumes", runtime.volumes.iter().map(|path| (path.clone(), json!({}))).collect());
    merge(
        run,
        "Labels",
        runtime.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect(),
    );
    Ok(())
}

/// Adds to an object, where there is anything to be added.
fn merge(run: &mut Map<String, Value>, key: &str, added: Map<String, Value>) {
    if added.is_empty() {
        return;
    }
    let mut all = match run.remove(key) {
        Some(Value::Object(all)) => all,
        _ => Map::new(),
    };
    all.extend(added);
    run.insert(key.into(), all.into());
}

/// OCI image-spec `manifest.md`.
pub(super) fn manifest(
    builder: &ImageBuilder,
    base: Option<&Base>,
    layers: &[BuiltLayer],
    encoding: Encoding,
    config: &StoredBlob,
) -> Vec<u8> {
    let mut annotations = builder.annotations.clone();
    let mut add = |key: &str, value: String| {
        annotations.entry(format!("org.opencontainers.image.{key}")).or_insert(value);
    };
    add("created", builder.created.to_string());
    if let Some(base) = base {
        add("base.digest", base.digest.to_string());
        if !base.name.is_empty() {
            add("base.name", base.name.clone());
        }
    }
    let own =
        layers.iter().map(|layer| Descriptor::new(encoding.media_type(), layer.digest.clone(), layer.size));
    let layers: Vec<_> =
        base.map(|base| base.layers.clone()).unwrap_or_default().into_iter().chain(own).collect();
    canonical(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": Descriptor::new(CONFIG, config.digest.clone(), config.size),
        "layers": layers,
        "annotations": annotations,
    }))
}

/// OCI image-spec `image-index.md`.
pub(super) fn index(images: &[&Descriptor], annotations: &BTreeMap<String, String>) -> Vec<u8> {
    let mut index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
    if !annotations.is_empty() {
        index["annotations"] = json!(annotations);
    }
    canonical(&index)
}
