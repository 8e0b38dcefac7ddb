//! Walking an OCI image layout: `oci-layout`, `index.json`, and what they lead to.

use std::collections::BTreeSet;

use super::{
    Finding, FindingCode, Level, Platforms,
    faults::FileFault,
    source::{BlobName, OpenFault},
    survey::Survey,
};
use crate::{
    Digest, Platform, Result,
    error::shown,
    image::{Descriptor, Document, Index},
    json::{self, Json},
    media_type::{Role, role},
};

const LAYOUT: &str = "oci-layout";
const INDEX: &str = "index.json";
/// The place of `index.json` in findings.
const ROOT: &str = "index";

/// How the walk came to an index or manifest.
#[derive(Clone, Default)]
pub(super) struct Path {
    /// What the outermost descriptor calls it.
    pub(super) names: Vec<String>,
    /// The indexes on the way, outermost first.
    pub(super) indexes: Vec<Digest>,
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

    pub(super) fn is_absent(&self, descriptor: &Descriptor) -> bool {
        let name = BlobName::Digest(descriptor.digest.clone());
        matches!(self.source.open(&name), Err(OpenFault::Missing))
    }

    pub(super) fn walk_child(&mut self, child: &Descriptor, place: &str, path: &Path) -> Result<()> {
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

    pub(super) fn parse(&mut self, bytes: &[u8], descriptor: &Descriptor, place: &str) -> Option<Document> {
        let mut findings = Vec::new();
        let document = Document::read(bytes, place, Some(&descriptor.media_type), &mut findings);
        self.find_in(&descriptor.digest, findings);
        document
    }

    /// Walks an index, once from each depth: the images below are known when another path leads there.
    pub(super) fn walk_index(&mut self, descriptor: &Descriptor, place: &str, path: &Path) -> Result<()> {
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
    pub(super) fn reached_again(&mut self, draft: usize, path: &Path, indexes: &[Digest]) {
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
