//! Walking an OCI image layout: `oci-layout`, `index.json`, and what they lead to.

use std::collections::BTreeSet;

use super::{
    Finding, FindingCode, Level, Platforms,
    source::{BlobName, OpenFault},
    survey::{Draft, FileFault, LayerUse, Survey},
};
use crate::{
    Digest, Platform, Result,
    error::shown,
    image::{ConfigDocument, Descriptor, Document, Image, Index, Manifest},
    json::{self, Json},
    media_type::{Role, is_statement, role},
};

const LAYOUT: &str = "oci-layout";
const INDEX: &str = "index.json";
/// The place of `index.json` in findings.
const ROOT: &str = "index";

/// How the walk came to an index or manifest.
#[derive(Clone, Default)]
struct Path {
    /// What the outermost descriptor calls it.
    names: Vec<String>,
    /// The indexes on the way, outermost first.
    indexes: Vec<Digest>,
}

impl Survey<'_> {
    /// Walks the layout.
    pub(super) fn walk_layout(&mut self) -> Result<()> {
        self.check_layout_file();
        let bytes = match self.file(INDEX) {
            Ok(bytes) => bytes,
            Err(fault) => {
                self.find(index_fault(&fault));
                return Ok(());
            }
        };
        let mut findings = Vec::new();
        let document = Document::read(&bytes, ROOT, None, &mut findings);
        let findings = findings.into_iter().map(|finding| finding.with_path(INDEX)).collect();
        match document {
            Some(Document::Index(index)) => self.select(&index, findings),
            _ => {
                self.find_all(findings);
                Ok(())
            }
        }
    }

    fn check_layout_file(&mut self) {
        let finding = match self.file(LAYOUT) {
            Err(FileFault::Open(OpenFault::Missing)) => Finding::error(
                FindingCode::OciLayoutMissing,
                "the file oci-layout, which marks an OCI image layout, is not there",
            ),
            Err(fault) => {
                let fault = fault.finding(&BlobName::File(LAYOUT.into()));
                Finding::error(FindingCode::OciLayoutUnreadable, fault.message)
            }
            Ok(bytes) => match json::object(&bytes) {
                Err(fault) => {
                    Finding::error(FindingCode::OciLayoutUnreadable, format!("{LAYOUT}: {}", fault.message))
                }
                Ok(json) => match json.member("imageLayoutVersion") {
                    Some(Json::String(version)) if version == "1.0.0" => return,
                    Some(Json::String(version)) => {
                        let message = format!("the layout's version is `{}`", shown(version));
                        Finding::error(FindingCode::LayoutVersionUnsupported, message)
                            .with_values("1.0.0", shown(version))
                    }
                    _ => Finding::error(
                        FindingCode::LayoutVersionMissing,
                        "the file oci-layout does not say which imageLayoutVersion it is",
                    ),
                },
            },
        };
        self.find(finding.with_path(LAYOUT));
    }

    /// Walks what the selection names in `index.json`, in which `findings` were found.
    fn select(&mut self, index: &Index, mut findings: Vec<Finding>) -> Result<()> {
        let selection = &self.options.selection;
        let place = |position| format!("{ROOT}.manifests[{position}]");
        let wanted: Vec<(String, &Descriptor)> = index
            .manifests
            .iter()
            .enumerate()
            .filter(|(position, _)| selection.position.is_none_or(|wanted| wanted == *position))
            .filter_map(|(position, descriptor)| Some((place(position), descriptor.as_ref()?)))
            .filter(|(_, descriptor)| {
                selection.tag.as_deref().is_none_or(|tag| descriptor.names().any(|name| name == tag))
            })
            .collect();
        if !wanted.is_empty() {
            // What is wrong with an entry beside those asked for does not concern them.
            let within = |finding: &Finding, place: &str| {
                let inside = |rest: &str| rest.is_empty() || rest.starts_with('.');
                finding.referenced_by.iter().any(|other| other.strip_prefix(place).is_some_and(inside))
            };
            let all = format!("{ROOT}.manifests[");
            findings.retain(|finding| {
                !finding.referenced_by.iter().any(|other| other.starts_with(&all))
                    || !selection.narrows()
                    || wanted.iter().any(|(place, _)| within(finding, place))
            });
        }
        self.find_all(findings);
        let found = match &selection.digest {
            None => {
                self.walk_children(&wanted, None, &Path::default())?;
                !wanted.is_empty()
            }
            Some(digest) => {
                let direct: Vec<_> =
                    wanted.iter().filter(|(_, descriptor)| descriptor.digest == *digest).cloned().collect();
                if direct.is_empty() {
                    self.walk_towards(digest, &wanted, &Path::default())?
                } else {
                    self.walk_children(&direct, None, &Path::default())?;
                    true
                }
            }
        };
        if !found && selection.narrows() {
            let choices: Vec<String> = index.manifests.iter().flatten().map(choice).collect();
            let finding = not_found(&selection.shown(), &choices);
            self.find(finding.with_reference(ROOT));
        } else if let Platforms::One(platform) = &self.options.platforms {
            self.check_platform_found(platform, &wanted);
        }
        Ok(())
    }

    /// With a platform asked for, no image for it is an error.
    fn check_platform_found(&mut self, platform: &Platform, wanted: &[(String, &Descriptor)]) {
        if !self.drafts.is_empty() || self.has_errors() {
            return;
        }
        let others: Vec<String> = wanted
            .iter()
            .filter_map(|(_, descriptor)| Some(descriptor.platform.as_ref()?.to_string()))
            .collect();
        let others =
            if others.is_empty() { String::new() } else { format!("; there are: {}", others.join(", ")) };
        let message = format!("no image for {platform} is here{others}");
        self.find(Finding::error(FindingCode::PlatformAbsent, message).with_values(platform, "absent"));
    }

    /// Walks the manifests of an index, `nested` being its place when it is not `index.json`.
    fn walk_children(
        &mut self,
        children: &[(String, &Descriptor)],
        nested: Option<&str>,
        path: &Path,
    ) -> Result<()> {
        let absent: Vec<bool> = children
            .iter()
            .map(|(_, child)| nested.is_some() && child.platform.is_some() && self.is_absent(child))
            .collect();
        // With no sibling here, the index promises an image and there is none: that is not a matter of platforms.
        let some_present = children.iter().zip(&absent).any(|((_, child), absent)| {
            !absent && child.platform.as_ref().is_some_and(|platform| !platform.is_unknown())
        });
        for ((place, child), absent) in children.iter().zip(absent) {
            let asked = match (&self.options.platforms, &child.platform) {
                (Platforms::One(platform), Some(other)) if platform != other => continue,
                (Platforms::Present, _) => false,
                (Platforms::All | Platforms::One(_), _) => true,
            };
            if absent && some_present {
                self.find(platform_absent(child, place, asked));
                continue;
            }
            let mut inner = path.clone();
            if nested.is_none() {
                inner.names = child.names().map(str::to_owned).collect();
                inner.names.dedup();
            }
            self.walk_child(child, place, &inner)?;
        }
        Ok(())
    }

    fn is_absent(&self, descriptor: &Descriptor) -> bool {
        let name = BlobName::Digest(descriptor.digest.clone());
        matches!(self.source.open(&name), Err(OpenFault::Missing))
    }

    fn walk_child(&mut self, child: &Descriptor, place: &str, path: &Path) -> Result<()> {
        if !self.visit(place)? {
            return Ok(());
        }
        match role(&child.media_type) {
            Role::Index => self.walk_index(child, place, path),
            Role::Manifest => self.walk_manifest(child, place, path),
            Role::Schema1 => {
                let message =
                    format!("{place} is a Docker schema 1 manifest, which has no sizes and no diffIDs");
                let finding = Finding::error(FindingCode::Schema1Unsupported, message);
                self.find(finding.with_digest(child.digest.clone()).with_reference(place));
                self.blob(child, place, None);
                Ok(())
            }
            _ => {
                let media_type = shown(&child.media_type);
                let message = format!(
                    "{place} has the media type `{media_type}`, which is neither an image's nor an index's"
                );
                // That it has none is an error already.
                if !media_type.is_empty() {
                    let finding = Finding::warning(FindingCode::MediatypeUnknown, message)
                        .with_digest(child.digest.clone());
                    self.find(finding.with_reference(place));
                }
                self.unknown = true;
                self.blob(child, place, None);
                Ok(())
            }
        }
    }

    /// Goes one index deeper: its document, the path through it, and its children with their places. `None`,
    /// with findings, when there is no way.
    fn enter(&mut self, descriptor: &Descriptor, place: &str, path: &Path) -> Option<(Index, Path)> {
        if path.indexes.contains(&descriptor.digest) {
            let message = format!("{place} leads back to an index that contains it");
            let finding = Finding::error(FindingCode::IndexCycle, message);
            self.find(finding.with_digest(descriptor.digest.clone()).with_reference(place));
            return None;
        }
        let limit = self.options.limits.index_depth;
        if path.indexes.len() as u64 >= u64::from(limit) {
            let message = format!("{place} is more than {limit} indexes deep; it was not followed");
            let finding =
                Finding::error(FindingCode::IndexTooDeep, message).with_digest(descriptor.digest.clone());
            self.find(finding.with_values(format!("indexDepth <= {limit}"), "more").with_reference(place));
            return None;
        }
        let mark = self.mark();
        let bytes = self.document(descriptor, place)?;
        match self.parse(&bytes, descriptor, place)? {
            Document::Index(index) => {
                let mut path = path.clone();
                path.indexes.push(descriptor.digest.clone());
                Some((index, path))
            }
            // Declared as an index, but a manifest: that was found already; its blobs are checked all the same.
            Document::Manifest(manifest) => {
                if let Some(draft) = self.draft(descriptor, &bytes, &manifest, place, path) {
                    self.reached.push(draft);
                    self.drafts[draft].faulty |= self.error_since(mark);
                }
                None
            }
        }
    }

    fn parse(&mut self, bytes: &[u8], descriptor: &Descriptor, place: &str) -> Option<Document> {
        let mut findings = Vec::new();
        let document = Document::read(bytes, place, Some(&descriptor.media_type), &mut findings);
        self.find_in(&descriptor.digest, findings);
        document
    }

    /// Walks an index, once from each depth: the images below are known when another path leads there.
    fn walk_index(&mut self, descriptor: &Descriptor, place: &str, path: &Path) -> Result<()> {
        let key = (descriptor.digest.clone(), path.indexes.len());
        if let Some(drafts) = self.walked.get(&key).cloned() {
            self.document(descriptor, place);
            let mut indexes = path.indexes.clone();
            indexes.push(descriptor.digest.clone());
            for &draft in &drafts {
                self.reached_again(draft, path, &indexes);
            }
            self.reached.extend(drafts);
            return Ok(());
        }
        let mark = self.reached.len();
        if let Some((index, path)) = self.enter(descriptor, place, path) {
            self.walk_children(&children(&index, place), Some(place), &path)?;
            let below: BTreeSet<usize> = self.reached.drain(mark..).collect();
            self.reached.extend(&below);
            self.walked.insert(key, below.into_iter().collect());
        }
        Ok(())
    }

    /// Notes that a further path leads to an image.
    fn reached_again(&mut self, draft: usize, path: &Path, indexes: &[Digest]) {
        let indexes: Vec<Digest> = indexes.iter().filter(|digest| self.is_intact(digest)).cloned().collect();
        let draft = &mut self.drafts[draft];
        if indexes.iter().any(|digest| !draft.image.identities().indexes.contains(digest)) {
            draft.image = draft.image.with_indexes(&indexes, None);
        }
        for name in &path.names {
            if !draft.references.contains(name) {
                draft.references.push(name.clone());
            }
        }
    }

    /// Looks for the manifest or index `digest` below `candidates`, and walks it. What was found in indexes that
    /// do not lead there does not count.
    fn walk_towards(
        &mut self,
        digest: &Digest,
        candidates: &[(String, &Descriptor)],
        path: &Path,
    ) -> Result<bool> {
        for (place, candidate) in candidates {
            if role(&candidate.media_type) != Role::Index || !self.visit(place)? {
                continue;
            }
            let mark = self.mark();
            let mut inner = path.clone();
            if path.indexes.is_empty() {
                inner.names = candidate.names().map(str::to_owned).collect();
                inner.names.dedup();
            }
            let Some((index, inner)) = self.enter(candidate, place, &inner) else {
                self.rewind(mark);
                continue;
            };
            let children = children(&index, place);
            if let Some((place, child)) = children.iter().find(|(_, child)| child.digest == *digest) {
                self.walk_child(child, place, &inner)?;
                return Ok(true);
            }
            if self.walk_towards(digest, &children, &inner)? {
                return Ok(true);
            }
            self.rewind(mark);
        }
        Ok(false)
    }

    fn walk_manifest(&mut self, descriptor: &Descriptor, place: &str, path: &Path) -> Result<()> {
        let mark = self.mark();
        let Some(bytes) = self.document(descriptor, place) else { return Ok(()) };
        let key = (descriptor.digest.clone(), descriptor.media_type.clone(), descriptor.platform.clone());
        if let Some(&draft) = self.manifests.get(&key) {
            if let Some(draft) = draft {
                self.reached_again(draft, path, &path.indexes);
                self.reached.push(draft);
                self.drafts[draft].faulty |= self.error_since(mark);
            }
            return Ok(());
        }
        match self.parse(&bytes, descriptor, place) {
            None => drop(self.manifests.insert(key, None)),
            Some(Document::Manifest(manifest)) => {
                let draft = self.draft(descriptor, &bytes, &manifest, place, path);
                if let Some(draft) = draft {
                    self.reached.push(draft);
                    self.drafts[draft].faulty |= self.error_since(mark);
                }
                self.manifests.insert(key, draft);
            }
            // Declared as a manifest, but an index: that was found already; what it leads to is checked all the same.
            Some(Document::Index(_)) => self.walk_index(descriptor, place, path)?,
        }
        Ok(())
    }

    /// Notes an image and what it refers to. Its index; `None` when it is for another platform than asked.
    fn draft(
        &mut self,
        descriptor: &Descriptor,
        bytes: &std::sync::Arc<[u8]>,
        manifest: &Manifest,
        place: &str,
        path: &Path,
    ) -> Option<usize> {
        if let Some(&index) = self.by_digest.get(&descriptor.digest) {
            self.reached_again(index, path, &path.indexes);
            return Some(index);
        }
        let mark = self.mark();
        let config = self.read_config(manifest, place);
        let mut documents = vec![descriptor.digest.clone()];
        documents.extend(image_config(manifest).map(|config| config.digest.clone()));
        let platform = descriptor
            .platform
            .clone()
            .or_else(|| config.as_ref().and_then(|config| config.platform.clone()));
        // What an altered document says of its platform leaves nothing out.
        if let Platforms::One(wanted) = &self.options.platforms
            && platform.as_ref() != Some(wanted)
            && documents.iter().all(|digest| self.is_sound(digest))
        {
            self.rewind(mark);
            return None;
        }
        let config_blob = self.config_blob(manifest, place);
        let intact_indexes: Vec<Digest> =
            path.indexes.iter().filter(|digest| self.is_intact(digest)).cloned().collect();
        let image =
            Image::of_manifest(descriptor.digest.clone(), std::sync::Arc::clone(bytes), manifest.clone())
                .with_indexes(&intact_indexes, platform);
        let mut draft = Draft {
            image,
            references: path.names.clone(),
            layers: manifest.layers.len() as u64,
            blobs: config_blob.into_iter().collect(),
            layer_blobs: Vec::new(),
            unpackable: true,
            faulty: false,
            documents,
            skipped: false,
        };
        let diff_ids = config.as_ref().and_then(|config| config.diff_ids.clone());
        self.walk_layers(manifest, diff_ids.as_deref(), place, &mut draft);
        if let (Some(config), Some(descriptor)) = (config, &manifest.config) {
            draft.image = draft.image.with_config(config.into_config(descriptor.digest.clone()));
        }
        draft.faulty = self.error_since(mark);
        self.by_digest.insert(descriptor.digest.clone(), self.drafts.len());
        self.drafts.push(draft);
        self.subjects.extend(manifest.subject.clone().map(|subject| (subject, format!("{place}.subject"))));
        Some(self.drafts.len() - 1)
    }

    /// Walks the manifests that those walked so far are attached to, as far as they are here.
    pub(super) fn walk_subjects(&mut self) -> Result<()> {
        while let Some((subject, place)) = self.subjects.pop() {
            if !self.is_absent(&subject) {
                self.walk_child(&subject, &place, &Path::default())?;
            }
        }
        Ok(())
    }

    /// What an artifact has in the place of an image's configuration.
    fn config_blob(&mut self, manifest: &Manifest, place: &str) -> Option<usize> {
        let descriptor =
            manifest.config.as_ref().filter(|config| role(&config.media_type) != Role::Config)?;
        self.blob(descriptor, &format!("{place}.config"), None)
    }

    /// The image configuration, when the manifest has one.
    fn read_config(&mut self, manifest: &Manifest, place: &str) -> Option<ConfigDocument> {
        let descriptor = image_config(manifest)?;
        let place = format!("{place}.config");
        let bytes = self.document(descriptor, &place)?;
        let mut findings = Vec::new();
        let mut config = ConfigDocument::read(&bytes, &place, &mut findings);
        // An image configuration over layers that are no tars (cosign, in-toto) has nothing to list.
        let layered = manifest.layers.iter().flatten().any(Descriptor::is_layer);
        if !layered && !manifest.layers.is_empty() {
            findings.retain(|finding| finding.code != FindingCode::ConfigNoRootfs);
            if let Some(config) = &mut config {
                config.diff_ids = config.diff_ids.take().filter(|ids| ids.len() == manifest.layers.len());
            }
        }
        self.find_in(&descriptor.digest, findings);
        config
    }

    fn walk_layers(
        &mut self,
        manifest: &Manifest,
        diff_ids: Option<&[Option<Digest>]>,
        place: &str,
        draft: &mut Draft,
    ) {
        let ids = diff_ids.filter(|_| manifest.countable).map(<[_]>::len);
        let digest = draft.image.digest().clone();
        let limit = self.check_layer_count(manifest.layers.len(), ids, &digest, place);
        // Without an image's configuration nobody unpacks a layer, whatever its type: ORAS gives plain files that of a tar.
        let opaque = manifest.config.as_ref().is_some_and(|config| role(&config.media_type) != Role::Config);
        let layered = manifest.layers.iter().flatten().any(Descriptor::is_layer);
        for (position, layer) in manifest.layers.iter().take(limit).enumerate() {
            let Some(layer) = layer else { continue };
            let place = format!("{place}.layers[{position}]");
            let diff_id = diff_ids.and_then(|diff_ids| diff_ids.get(position).cloned().flatten());
            let (blob, skipped) = match role(&layer.media_type) {
                Role::Layer { foreign: true, .. } if self.is_absent(layer) => {
                    let why = "is a foreign layer whose blob is not here";
                    self.find(skipped(layer, &place, why));
                    (None, true)
                }
                Role::Layer { encrypted: true, .. } => {
                    let blob = self.blob(layer, &place, None);
                    if !self.is_absent(layer) {
                        self.find(skipped(
                            layer,
                            &place,
                            "is encrypted; its blob was checked, its content was not",
                        ));
                    }
                    (blob, true)
                }
                _ if opaque => (self.blob(layer, &place, None), false),
                Role::Layer { compression, .. } => {
                    let used = LayerUse { compression: Some(compression), diff_id, place: place.clone() };
                    (self.blob(layer, &place, Some(used)), false)
                }
                // Beside tars, or in place of one, it is something that engines would have to make sense of. Of a
                // blob that is its own content all was checked.
                _ if layered || is_sealed(layer, diff_id.as_ref()) => {
                    let blob = self.blob(layer, &place, None);
                    self.find(unknown_layer(layer, &place));
                    (blob, true)
                }
                _ => (self.blob(layer, &place, None), false),
            };
            draft.unpackable &= layer.is_layer() && !opaque;
            draft.blobs.extend(blob);
            draft.layer_blobs.push(blob);
            draft.skipped |= skipped;
        }
    }
}

/// The configuration, if it is an image's.
fn image_config(manifest: &Manifest) -> Option<&Descriptor> {
    manifest.config.as_ref().filter(|config| role(&config.media_type) == Role::Config)
}

/// Whether the configuration says that the blob has a content other than itself, which castline cannot see. Statements
/// (in-toto, cosign) come with diffIDs that stand for nothing.
fn is_sealed(layer: &Descriptor, diff_id: Option<&Digest>) -> bool {
    !is_statement(&layer.media_type) && diff_id.is_some_and(|diff_id| *diff_id != layer.digest)
}

fn children<'i>(index: &'i Index, place: &str) -> Vec<(String, &'i Descriptor)> {
    index
        .manifests
        .iter()
        .enumerate()
        .filter_map(|(position, child)| Some((format!("{place}.manifests[{position}]"), child.as_ref()?)))
        .collect()
}

fn index_fault(fault: &FileFault) -> Finding {
    let general = fault.finding(&BlobName::File(INDEX.into()));
    let code = match fault {
        FileFault::Open(OpenFault::Missing) => FindingCode::IndexMissing,
        FileFault::Open(OpenFault::NotAFile { .. } | OpenFault::Outside) => FindingCode::IndexNotAFile,
        _ => return general,
    };
    Finding { code, ..general }
}

fn platform_absent(child: &Descriptor, place: &str, asked: bool) -> Finding {
    let platform = child.platform.as_ref().map_or(String::new(), ToString::to_string);
    let message = format!("the index lists {platform}, which is not here");
    let level = if asked { Level::Error } else { Level::Warning };
    let finding = Finding { level, ..Finding::warning(FindingCode::PlatformAbsent, message) };
    finding
        .with_digest(child.digest.clone())
        .with_path(BlobName::Digest(child.digest.clone()).path())
        .with_reference(place)
}

fn skipped(layer: &Descriptor, place: &str, why: &str) -> Finding {
    let message = format!("{place} {why}");
    Finding::warning(FindingCode::LayerSkipped, message)
        .with_digest(layer.digest.clone())
        .with_reference(place)
}

fn unknown_layer(layer: &Descriptor, place: &str) -> Finding {
    let media_type = shown(&layer.media_type);
    let message =
        format!("{place} has the media type `{media_type}`; its blob was checked, its content was not");
    Finding::warning(FindingCode::MediatypeUnknown, message)
        .with_digest(layer.digest.clone())
        .with_reference(place)
}

/// How a person can name an entry of `index.json`.
fn choice(descriptor: &Descriptor) -> String {
    let platform = descriptor.platform.as_ref().map_or(String::new(), |platform| format!(" ({platform})"));
    match descriptor.names().next() {
        Some(name) => format!("`{}`{platform}", shown(name)),
        None => format!("@{}{platform}", descriptor.digest),
    }
}

/// Nothing is called what was asked for; these are.
pub(super) fn not_found(asked: &str, choices: &[String]) -> Finding {
    const SHOWN: usize = 20;
    let listed = choices.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let message = match choices.len() {
        0 => format!("{asked} is not here, nor is any other image"),
        count if count > SHOWN => {
            format!("{asked} is not here; there are {listed} and {} more", count - SHOWN)
        }
        _ => format!("{asked} is not here; there are: {listed}"),
    };
    Finding::error(FindingCode::ReferenceNotFound, message)
}
