//! Walking an image's manifest: its configuration and its layers, which are left to the pipeline.

use super::{
    Finding, FindingCode, Platforms,
    oci::Path,
    survey::{Draft, LayerUse, Survey},
};
use crate::{
    Digest, Result,
    error::shown,
    image::{ConfigDocument, Descriptor, Document, Image, Manifest},
    media_type::{Role, is_statement, role},
};

impl Survey<'_> {
    pub(super) fn walk_manifest(&mut self, descriptor: &Descriptor, place: &str, path: &Path) -> Result<()> {
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
    pub(super) fn draft(
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
