//! Walking a docker archive: `manifest.json`, and the configurations and layers that it names.

use super::{
    Finding, FindingCode, Platforms,
    faults::FileFault,
    oci::not_found,
    source::{BlobName, OpenFault},
    survey::{Draft, LayerUse, Survey},
};
use crate::{
    Digest, Result,
    error::shown,
    image::{ConfigDocument, Image},
    json::{self, Json, folded},
};

const MANIFEST: &str = "manifest.json";

/// One image of `manifest.json`.
#[derive(Default)]
struct Entry {
    config: Option<String>,
    tags: Vec<String>,
    layers: Vec<String>,
    /// Whether `layers` is a list of strings, so that its length means something.
    countable: bool,
    /// An error was found in it.
    faulty: bool,
}

impl Survey<'_> {
    /// Walks the archive.
    pub(super) fn walk_docker_archive(&mut self) -> Result<()> {
        let bytes = match self.file(MANIFEST) {
            Ok(bytes) => bytes,
            Err(fault) => {
                let general = fault.finding(&BlobName::File(MANIFEST.into()));
                self.find(match fault {
                    FileFault::Open(OpenFault::Missing) => {
                        Finding { code: FindingCode::DockerManifestJsonMissing, ..general }
                    }
                    _ => general,
                });
                return Ok(());
            }
        };
        let Some(entries) = self.entries(&bytes) else { return Ok(()) };
        if entries.is_empty() {
            let finding = Finding::error(FindingCode::IndexNoManifests, "manifest.json names no image");
            self.find(finding.with_path(MANIFEST));
            return Ok(());
        }
        let options = self.options;
        let selection = &options.selection;
        let mut found = false;
        for (position, entry) in entries.iter().enumerate() {
            let named = |tag: &String| entry.tags.iter().any(|other| normalised(other) == normalised(tag));
            if selection.position.is_some_and(|wanted| wanted != position)
                || selection.tag.as_ref().is_some_and(|tag| !named(tag))
            {
                continue;
            }
            if !self.visit(&format!("{MANIFEST}[{position}]"))? {
                break;
            }
            found |= self.walk_entry(position, entry);
        }
        if !found && (selection.tag.is_some() || selection.digest.is_some() || selection.position.is_some()) {
            let choices: Vec<String> = entries.iter().enumerate().map(choice).collect();
            let finding = not_found(&selection.shown(), &choices);
            self.find(finding.with_path(MANIFEST));
        } else if let Platforms::One(platform) = &options.platforms
            && self.drafts.is_empty()
            && !self.has_errors()
        {
            let message = format!("no image for {platform} is here");
            self.find(Finding::error(FindingCode::PlatformAbsent, message).with_values(platform, "absent"));
        }
        Ok(())
    }

    fn entries(&mut self, bytes: &[u8]) -> Option<Vec<Entry>> {
        let json = match json::value(bytes) {
            Ok(json) => json,
            Err(fault) => {
                self.find(fault.finding(MANIFEST).with_path(MANIFEST));
                return None;
            }
        };
        let Json::Array(items) = json else {
            let message = format!("manifest.json is {}, not a list of images", json.kind());
            self.find(Finding::error(FindingCode::DockerManifestNotList, message).with_path(MANIFEST));
            return None;
        };
        let mut entries = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let place = format!("{MANIFEST}[{position}]");
            let Json::Object(members) = item else {
                let message = format!("{place} is {}, not an object", item.kind());
                self.find(Finding::error(FindingCode::ManifestMalformed, message).with_reference(place));
                return None;
            };
            let mark = self.mark();
            let mut entry = self.entry(members, &place);
            entry.faulty = self.error_since(mark);
            entries.push(entry);
        }
        Some(entries)
    }

    /// Reads one image. Docker and skopeo match keys without regard to case, so other spellings are read, too,
    /// unless two spellings of one key compete.
    fn entry(&mut self, members: &[(String, Json)], place: &str) -> Entry {
        let mut entry = Entry::default();
        let mut other_case = false;
        let member = |survey: &mut Self, key: &str, other_case: &mut bool| -> Option<Json> {
            let spelt: Vec<_> =
                members.iter().filter(|(name, _)| folded(name) == key.to_ascii_lowercase()).collect();
            if spelt.len() > 1 {
                let message = format!("{place} spells the key `{key}` in two ways");
                survey.find(Finding::error(FindingCode::JsonCaseVariantKey, message).with_reference(place));
            }
            let (name, value) = spelt.first()?;
            *other_case |= name != key;
            Some((*value).clone()).filter(|value| *value != Json::Null)
        };
        let spelt = members.iter().any(|(name, _)| folded(name) == "layers");
        if !spelt {
            let message = format!("{place} has no Layers");
            self.find(Finding::error(FindingCode::ManifestNoLayers, message).with_reference(place));
        }
        let config = member(self, "Config", &mut other_case);
        let tags = member(self, "RepoTags", &mut other_case);
        let layers = member(self, "Layers", &mut other_case);
        entry.config = config.as_ref().and_then(Json::text).map(str::to_owned);
        if let (Some(other), None) = (&config, &entry.config) {
            self.malformed(place, "Config", "a string", other);
        }
        entry.tags = self.strings(tags.as_ref(), place, "RepoTags");
        entry.layers = self.strings(layers.as_ref(), place, "Layers");
        entry.countable = match &layers {
            Some(Json::Array(items)) => items.len() == entry.layers.len(),
            Some(_) => false,
            None => spelt,
        };
        if other_case {
            let message = format!("{place} does not spell its keys as `Config`, `RepoTags` and `Layers`");
            self.find(Finding::info(FindingCode::DockerManifestLowercaseKeys, message).with_reference(place));
        }
        entry
    }

    fn strings(&mut self, json: Option<&Json>, place: &str, key: &str) -> Vec<String> {
        match json {
            None => Vec::new(),
            Some(Json::Array(items)) => {
                let mut strings = Vec::new();
                for item in items {
                    match item.text() {
                        Some(text) => strings.push(text.to_owned()),
                        None => self.malformed(place, key, "a list of strings", item),
                    }
                }
                strings
            }
            Some(other) => {
                self.malformed(place, key, "a list of strings", other);
                Vec::new()
            }
        }
    }

    fn malformed(&mut self, place: &str, key: &str, expected: &str, actual: &Json) {
        let message = format!("{place}.{key} is {}, not {expected}", actual.kind());
        let finding = Finding::error(FindingCode::ManifestMalformed, message);
        self.find(finding.with_values(expected, actual.kind()).with_reference(place));
    }

    /// Notes an image and what it refers to. Whether it is one that was asked for.
    fn walk_entry(&mut self, position: usize, entry: &Entry) -> bool {
        let mark = self.mark();
        let options = self.options;
        let place = format!("{MANIFEST}[{position}]");
        let Some(path) = &entry.config else {
            let message = format!("{place} names no configuration");
            self.find(Finding::error(FindingCode::ManifestNoConfig, message).with_reference(place));
            return true;
        };
        let bytes = match self.file(path) {
            Ok(bytes) => bytes,
            Err(fault) => {
                let general = fault.finding(&BlobName::File(path.as_str().into()));
                self.find(
                    match fault {
                        FileFault::Open(OpenFault::Missing) => {
                            let message = format!("the configuration {} is not there", shown(path));
                            Finding { code: FindingCode::ConfigMissing, message, ..general }
                        }
                        _ => general,
                    }
                    .with_reference(format!("{place}.Config")),
                );
                return true;
            }
        };
        let digest = match named_digest(path, &[".json", ""]) {
            Some(expected) => {
                let actual =
                    Digest::of_with(&expected.algorithm(), &bytes).unwrap_or_else(|| Digest::of(&bytes));
                if actual != expected {
                    let message =
                        format!("the configuration {} is not the one that its name says", shown(path));
                    let finding =
                        Finding::error(FindingCode::ConfigDigestMismatch, message).with_path(path.as_str());
                    self.find(
                        finding
                            .with_digest(expected.clone())
                            .with_values(&expected, &actual)
                            .with_reference(format!("{place}.Config")),
                    );
                }
                actual
            }
            None => {
                let message = format!("the configuration {} is not named by its digest", shown(path));
                let finding =
                    Finding::info(FindingCode::ConfigNameNotADigest, message).with_path(path.as_str());
                self.find(finding.with_reference(format!("{place}.Config")));
                Digest::of(&bytes)
            }
        };
        if options.selection.digest.as_ref().is_some_and(|wanted| *wanted != digest) {
            self.rewind(mark);
            return false;
        }
        let mut findings = Vec::new();
        let config = ConfigDocument::read(&bytes, &format!("{place}.Config"), &mut findings);
        for finding in findings {
            self.find(finding.with_digest(digest.clone()).with_path(path.as_str()));
        }
        // What an altered configuration says of its platform leaves nothing out.
        if let (Platforms::One(wanted), Some(config)) = (&options.platforms, &config)
            && config.platform.as_ref() != Some(wanted)
            && !self.error_since(mark)
        {
            self.rewind(mark);
            return true;
        }
        let diff_ids = config.as_ref().and_then(|config| config.diff_ids.clone());
        let blobs = self.walk_archive_layers(entry, diff_ids.as_deref(), &digest, &place);
        let Some(config) = config else { return true };
        let image = Image::of_config(bytes, config.into_config(digest));
        let faulty = entry.faulty || self.error_since(mark);
        self.drafts.push(Draft {
            image,
            references: entry.tags.clone(),
            layers: entry.layers.len() as u64,
            layer_blobs: blobs.iter().copied().map(Some).collect(),
            blobs,
            unpackable: true,
            faulty,
            documents: Vec::new(),
            skipped: false,
        });
        true
    }

    fn walk_archive_layers(
        &mut self,
        entry: &Entry,
        diff_ids: Option<&[Option<Digest>]>,
        digest: &Digest,
        place: &str,
    ) -> Vec<usize> {
        let ids = diff_ids.filter(|_| entry.countable).map(<[_]>::len);
        let limit = self.check_layer_count(entry.layers.len(), ids, digest, place);
        let layers = entry.layers.iter().take(limit).enumerate();
        let uses: Vec<usize> = layers
            .map(|(position, path)| {
                let place = format!("{place}.Layers[{position}]");
                let diff_id = diff_ids.and_then(|diff_ids| diff_ids.get(position).cloned().flatten());
                let layer = LayerUse { compression: None, diff_id, place: place.clone() };
                let expected = path.starts_with("blobs/").then(|| named_digest(path, &[""])).flatten();
                self.named_blob(BlobName::File(path.as_str().into()), expected, None, &place, Some(layer))
            })
            .collect();
        uses
    }
}

/// The digest that a file is named by: `blobs/sha256/HEX`, `sha256:HEX`, or `HEX` of SHA-256, before one of the
/// endings.
fn named_digest(path: &str, endings: &[&str]) -> Option<Digest> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    if let Some(algorithm) = folder.strip_prefix("blobs/") {
        return format!("{algorithm}:{name}").parse().ok();
    }
    name.parse().or_else(|_| format!("sha256:{name}").parse()).ok()
}

/// A name as Docker completes it: `nginx` is `docker.io/library/nginx:latest`.
fn normalised(name: &str) -> String {
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (name, "latest"),
    };
    let path = path.strip_prefix("docker.io/").unwrap_or(path);
    let path = path.strip_prefix("library/").unwrap_or(path);
    format!("{path}:{tag}")
}

/// How a person can name an entry of `manifest.json`.
fn choice((position, entry): (usize, &Entry)) -> String {
    match entry.tags.first() {
        Some(tag) => format!("`{}`", shown(tag)),
        None => format!("@{position}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_does() {
        for (name, expected) in [
            ("nginx", "nginx:latest"),
            ("docker.io/library/nginx:1", "nginx:1"),
            ("host:5000/a/b", "host:5000/a/b:latest"),
            ("host:5000/a/b:c", "host:5000/a/b:c"),
        ] {
            assert_eq!(normalised(name), expected);
        }
    }

    #[test]
    fn digests_are_told_from_names() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for path in
            [format!("{hex}.json"), format!("blobs/sha256/{hex}"), format!("sha256:{hex}"), hex.to_owned()]
        {
            let digest = named_digest(&path, &[".json", ""]).expect(&path);
            assert_eq!(digest.to_string(), format!("sha256:{hex}"));
        }
        for path in ["config.json", "a/b", "blobs/../x", "blobs/sha256/../../etc/passwd"] {
            assert_eq!(named_digest(path, &[".json", ""]), None, "{path}");
        }
    }
}
