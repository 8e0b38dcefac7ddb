use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    Digest, Platform,
    error::shown,
    image::read::Fields,
    json,
    verify::{Finding, FindingCode},
};

/// An image's configuration: what it runs on, what it runs, and the diffIDs of its layers (OCI image-spec
/// `config.md`). The values are as read; nothing is filled in.
#[derive(Clone, Debug)]
pub struct Config {
    digest: Digest,
    platform: Option<Platform>,
    created: Option<String>,
    diff_ids: Vec<Digest>,
    runtime: Runtime,
}

/// What the image asks of a runtime: the `config` member of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Runtime {
    /// `user[:group]`, by name or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `NAME=value`, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// What is run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Its default arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// Where it is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// `port/protocol`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exposed_ports: Vec<String>,
    /// Paths that hold data of the instance's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// Free text by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The signal that asks it to stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
}

/// A configuration as far as it could be read: a diffID that is no digest is `None`, `diff_ids` is `None` when
/// there is no usable `rootfs`.
#[derive(Clone, Debug)]
pub(crate) struct ConfigDocument {
    pub(crate) platform: Option<Platform>,
    pub(crate) created: Option<String>,
    pub(crate) diff_ids: Option<Vec<Option<Digest>>>,
    runtime: Runtime,
}

const KEYS: &[&str] = &["rootfs", "os", "architecture", "variant", "created"];
const ROOTFS_KEYS: &[&str] = &["diff_ids", "type"];

impl ConfigDocument {
    pub(crate) fn read(bytes: &[u8], place: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        let json = match json::object(bytes) {
            Ok(json) => json,
            Err(fault) => {
                findings.push(fault.finding(place).with_reference(place));
                return None;
            }
        };
        let mut fields = Fields::new(&json, place, KEYS, findings)?;
        let os = fields.text("os").unwrap_or_default();
        let architecture = fields.text("architecture").unwrap_or_default();
        let variant = fields.text("variant");
        let platform = Platform::new(&os, &architecture, variant.as_deref()).ok();
        let created = fields.text("created");
        let diff_ids = if let Some(rootfs) = fields.member("rootfs") {
            diff_ids(rootfs, &format!("{place}.rootfs"), fields.findings)
        } else {
            let message = format!("{place} has no rootfs, so its layers have no diffIDs");
            fields.report(Finding::error(FindingCode::ConfigNoRootfs, message));
            None
        };
        Some(Self { platform, created, diff_ids, runtime: Runtime::of(bytes) })
    }

    /// The value, when every diffID is one.
    pub(crate) fn into_config(self, digest: Digest) -> Config {
        Config {
            digest,
            platform: self.platform,
            created: self.created,
            diff_ids: self.diff_ids.unwrap_or_default().into_iter().flatten().collect(),
            runtime: self.runtime,
        }
    }
}

fn diff_ids(rootfs: &json::Json, place: &str, findings: &mut Vec<Finding>) -> Option<Vec<Option<Digest>>> {
    let mut fields = Fields::new(rootfs, place, ROOTFS_KEYS, findings)?;
    // BuildKit writes `"diff_ids": null` for an image without layers; others leave it out.
    let items = match fields.member("diff_ids") {
        None if fields.has_variant("diff_ids") => return None,
        None => &[],
        Some(_) => fields.list("diff_ids")?,
    };
    let mut diff_ids = Vec::new();
    for (position, item) in items.iter().enumerate() {
        if fields.is_hopeless() {
            return None;
        }
        let text = item.text().unwrap_or_default();
        let digest = text.parse::<Digest>();
        if let Err(error) = &digest {
            let message = format!("{place}.diff_ids[{position}]: {error}");
            let finding = Finding::error(FindingCode::DiffidMalformed, message);
            fields.report(finding.with_values("algorithm:encoded", shown(text)));
        }
        diff_ids.push(digest.ok());
    }
    Some(diff_ids)
}

impl Runtime {
    /// Read through oci-spec; a `config` member that it does not take reads as empty, since nothing in it bears
    /// on whether the image is intact.
    fn of(bytes: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Outer {
            config: Option<oci_spec::image::Config>,
        }
        let Some(config) = serde_json::from_slice::<Outer>(bytes).ok().and_then(|outer| outer.config) else {
            return Self::default();
        };
        let sorted = |list: &Option<Vec<String>>| {
            let mut list = list.clone().unwrap_or_default();
            list.sort();
            list
        };
        Self {
            user: config.user().clone().filter(|user| !user.is_empty()),
            env: config.env().clone().unwrap_or_default(),
            entrypoint: config.entrypoint().clone().unwrap_or_default(),
            cmd: config.cmd().clone().unwrap_or_default(),
            working_dir: config.working_dir().clone().filter(|dir| !dir.is_empty()),
            exposed_ports: sorted(config.exposed_ports()),
            volumes: sorted(config.volumes()),
            labels: config.labels().clone().unwrap_or_default().into_iter().collect(),
            stop_signal: config.stop_signal().clone(),
        }
    }
}

impl Config {
    /// Reads a configuration from its bytes.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidManifest`](crate::Error::InvalidManifest) when `raw` is not an image configuration.
    pub fn from_bytes(raw: &[u8]) -> crate::Result<Self> {
        let mut findings = Vec::new();
        let document = ConfigDocument::read(raw, "config", &mut findings);
        super::first_error(raw, &findings)?;
        let digest = Digest::of(raw);
        match document {
            Some(document) => Ok(document.into_config(digest)),
            None => Err(crate::Error::InvalidManifest { digest, reason: "not a configuration".into() }),
        }
    }

    /// Its digest: Docker's image ID.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What the image runs on, where the configuration says so.
    pub const fn platform(&self) -> Option<&Platform> {
        self.platform.as_ref()
    }

    /// When the image was made, as written (RFC 3339).
    pub fn created(&self) -> Option<&str> {
        self.created.as_deref()
    }

    /// The digests of the uncompressed layers, lowest first.
    pub fn diff_ids(&self) -> &[Digest] {
        &self.diff_ids
    }

    /// What the image asks of a runtime.
    pub const fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}
