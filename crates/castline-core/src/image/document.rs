use std::collections::BTreeMap;

use crate::{
    image::{Descriptor, read::Fields},
    json::{self, Json},
    media_type::{self, Role, role},
    verify::{Finding, FindingCode},
};

/// What the bytes of a manifest or an index say. Entries that could not be read are `None`, so that positions
/// keep their meaning.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(crate) enum Document {
    Manifest(Manifest),
    Index(Index),
}

#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) media_type: Option<String>,
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Option<Descriptor>,
    pub(crate) layers: Vec<Option<Descriptor>>,
    /// Whether `layers` is a list of objects, so that its length means something.
    pub(crate) countable: bool,
    pub(crate) subject: Option<Descriptor>,
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) manifests: Vec<Option<Descriptor>>,
}

const KEYS: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "artifactType",
];

impl Document {
    /// Reads the document at `place` (`index`, `index.manifests[0]` …). `declared` is the media type in the
    /// descriptor that led here; `None` for `index.json`, which must be an index.
    pub(crate) fn read(
        bytes: &[u8],
        place: &str,
        declared: Option<&str>,
        findings: &mut Vec<Finding>,
    ) -> Option<Self> {
        let json = match json::object(bytes) {
            Ok(json) => json,
            Err(fault) => {
                findings.push(fault.finding(place).with_reference(place));
                return None;
            }
        };
        let mut fields = Fields::new(&json, place, KEYS, findings)?;
        let written = fields.text("mediaType");
        if written.as_deref().is_some_and(|written| role(written) == Role::Schema1)
            || json.member("fsLayers").is_some()
            || (json.member("manifests").is_none() && fields.is_number("schemaVersion", 1))
        {
            let message = format!("{place} is a Docker schema 1 manifest, which has no sizes and no diffIDs");
            fields.report(Finding::error(FindingCode::Schema1Unsupported, message));
            return None;
        }
        check_version(&mut fields, place);
        let layered = json.member("layers").is_some() || json.member("config").is_some();
        if layered && json.member("manifests").is_some() {
            let message = format!(
                "{place} has both layers or a config and manifests: it is an image to one reader and an index to another"
            );
            fields.report(Finding::error(FindingCode::AmbiguousManifest, message));
            return None;
        }
        let is_index = check_type(&mut fields, place, declared, written.as_deref(), layered);
        Some(if is_index {
            let manifests = descriptors(&mut fields, place, "manifests");
            if manifests.as_ref().is_some_and(Vec::is_empty) {
                let message = format!("{place} names no manifest");
                fields.report(Finding::error(FindingCode::IndexNoManifests, message));
            }
            Self::Index(Index { manifests: manifests.unwrap_or_default() })
        } else {
            Self::Manifest(manifest(&mut fields, place, written))
        })
    }
}

fn check_version(fields: &mut Fields<'_, '_>, place: &str) {
    if !fields.is_number("schemaVersion", 2) {
        let actual = match fields.member("schemaVersion") {
            Some(Json::Number(number)) => number.to_string(),
            Some(other) => other.kind().to_owned(),
            None => "absent".to_owned(),
        };
        let message = format!("schemaVersion of {place} is {actual}, not 2");
        fields.report(Finding::error(FindingCode::SchemaVersion, message).with_values(2, actual));
    }
}

/// Compares what the descriptor, the document's own media type and its shape say. Whether it reads as an index.
fn check_type(
    fields: &mut Fields<'_, '_>,
    place: &str,
    declared: Option<&str>,
    written: Option<&str>,
    layered: bool,
) -> bool {
    let Some(declared) = declared else {
        if let Some(written) = written.filter(|written| role(written) != Role::Index) {
            let message = format!("{place} says that it is `{}`, not an index", crate::error::shown(written));
            let finding = Finding::error(FindingCode::IndexWrongType, message);
            fields.report(finding.with_values(media_type::OCI_INDEX, crate::error::shown(written)));
        } else if layered {
            let message = format!("{place} is a manifest, not an index");
            fields.report(Finding::error(FindingCode::IndexWrongType, message));
        }
        return !layered;
    };
    if let Some(written) = written.filter(|&written| written != declared) {
        let message = format!("{place} is declared as one media type and says that it is another");
        let finding = Finding::error(FindingCode::MediatypeMismatch, message);
        fields.report(finding.with_values(crate::error::shown(declared), crate::error::shown(written)));
    }
    let declared_index = role(declared) == Role::Index;
    let shaped_as_index = if layered { false } else { fields.has("manifests") || declared_index };
    if declared_index != shaped_as_index && written.is_none_or(|written| written == declared) {
        let shape = if shaped_as_index { "an index" } else { "a manifest" };
        let message = format!("{place} is declared as `{declared}` but has the form of {shape}");
        fields.report(Finding::error(FindingCode::MediatypeMismatch, message).with_values(declared, shape));
    }
    shaped_as_index
}

fn manifest(fields: &mut Fields<'_, '_>, place: &str, media_type: Option<String>) -> Manifest {
    let config = match fields.member("config") {
        Some(json) => Descriptor::read(json, &format!("{place}.config"), fields.findings),
        None => {
            let message = format!("{place} has no config");
            fields.report(Finding::error(FindingCode::ManifestNoConfig, message));
            None
        }
    };
    // BuildKit writes `"layers": null` for an image without any.
    if !fields.has("layers") && !fields.has_variant("layers") {
        let message = format!("{place} has no layers");
        fields.report(Finding::error(FindingCode::ManifestNoLayers, message));
    }
    let countable = match fields.member("layers") {
        Some(Json::Array(items)) => items.iter().all(|item| matches!(item, Json::Object(_))),
        Some(_) => false,
        None => fields.has("layers"),
    };
    let layers = descriptors(fields, place, "layers").unwrap_or_default();
    let countable = countable && !fields.is_hopeless();
    let subject = fields
        .member("subject")
        .and_then(|json| Descriptor::read(json, &format!("{place}.subject"), fields.findings));
    Manifest {
        media_type,
        artifact_type: fields.text("artifactType"),
        config,
        layers,
        countable,
        subject,
        annotations: fields.texts_by_key("annotations"),
    }
}

/// The list `key`; empty when it is absent, `None` when it is something else.
fn descriptors(fields: &mut Fields<'_, '_>, place: &str, key: &str) -> Option<Vec<Option<Descriptor>>> {
    let items = match fields.member(key) {
        None => &[],
        Some(_) => fields.list(key)?,
    };
    let mut read = Vec::new();
    for (position, json) in items.iter().enumerate() {
        if fields.is_hopeless() {
            break;
        }
        read.push(Descriptor::read(json, &format!("{place}.{key}[{position}]"), fields.findings));
    }
    Some(read)
}
