//! From what was read to findings and a report.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Finding, FindingCode, ImageKind, ImageSummary, Level, Report, Verification,
    bounded::Bounded,
    faults::{altered, limit_finding, unopened, wrong_size},
    pipeline::{Outcome, Task},
    pump::{LayerFault, LayerOutcome, ReadFault},
    source::{BlobName, Format, OpenFault},
    survey::{BlobUse, Draft, Slot, Survey},
    tar_check::Tree,
};
use crate::{
    Algorithm, Compression, Digest, Rootfs, Verified,
    decode::DecodeFault,
    error::{shown, shown_whole},
    tar::TarFault,
};

impl BlobUse {
    /// What the pipeline is to compute.
    pub(super) fn task(&self, tree: Tree) -> Task {
        let stored = self.expected.iter().map(Digest::algorithm).collect();
        let mut content: Vec<Algorithm> = Vec::new();
        for layer in &self.layers {
            let algorithm = layer.diff_id.as_ref().map(Digest::algorithm).filter(Algorithm::is_supported);
            // A layer without a diffID is decompressed all the same: its stream may be broken.
            let algorithm = algorithm.unwrap_or(Algorithm::Sha256);
            if !content.contains(&algorithm) {
                content.push(algorithm);
            }
        }
        let size = self.declared.iter().map(|(size, _)| *size).max().unwrap_or_default();
        let tree = if content.is_empty() { Tree::None } else { tree };
        Task { name: self.name.clone(), size, stored, content, tree, inline: self.inline.clone() }
    }

    /// What is wrong with the blob.
    fn findings(&self, outcome: &Outcome, format: Format) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(fault) = &outcome.fault {
            findings.push(self.about(self.read_fault(fault, format)));
            return findings;
        }
        for (declared, place) in self.declared.iter().filter(|(declared, _)| *declared != outcome.size) {
            let mut finding = wrong_size(&self.name, *declared, outcome.size).with_reference(place);
            finding.digest.clone_from(&self.expected);
            findings.push(finding);
        }
        if let Some(expected) = &self.expected
            && let Some(actual) = outcome.stored.iter().find(|actual| *actual != expected)
        {
            findings.push(self.about(altered(expected, actual, &self.name)));
        }
        if let Some(layer) = &outcome.layer {
            self.layer_findings(layer, outcome, &mut findings);
        }
        findings
    }

    fn read_fault(&self, fault: &ReadFault, format: Format) -> Finding {
        match fault {
            ReadFault::Failed(OpenFault::Missing) if format == Format::DockerArchive => {
                let path = self.name.path();
                let message = format!("the layer {} is not there", shown(&path));
                Finding::error(FindingCode::LayerMissing, message).with_path(path)
            }
            ReadFault::Failed(fault) => unopened(fault, &self.name),
            ReadFault::TooLarge(limit) => {
                let path = self.name.path();
                let message =
                    format!("{} is larger than {limit} bytes; it was not read further", shown(&path));
                limit_finding("blobBytes", *limit, message).with_path(path)
            }
        }
    }

    /// The finding with the blob's digest and everything that refers to it.
    fn about(&self, mut finding: Finding) -> Finding {
        finding.digest = finding.digest.or_else(|| self.expected.clone());
        finding.referenced_by.clone_from(&self.references);
        finding
    }

    /// The declared compression of a blob that is neither compressed nor the tar that it would be otherwise.
    fn missing_compression(&self, layer: &LayerOutcome, size: u64) -> Option<Compression> {
        let no_tar = size == 0 || matches!(layer.tar.fault, Some(TarFault::NotATar { .. }));
        let declared = self.layers.iter().find_map(|used| used.compression);
        declared.filter(|declared| {
            *declared != Compression::None && layer.compression == Compression::None && no_tar
        })
    }

    fn layer_findings(&self, layer: &LayerOutcome, outcome: &Outcome, findings: &mut Vec<Finding>) {
        let path = self.name.path();
        let text = shown(&path);
        if let Some(compression) = self.missing_compression(layer, outcome.size) {
            let fault = match outcome.size {
                0 => DecodeFault::Truncated,
                _ => DecodeFault::Corrupt("it does not begin as such a stream, nor as a tar".into()),
            };
            let finding = layer_fault(&LayerFault::Decode(fault), compression, &text);
            findings.push(self.about(finding.with_path(path)));
            return;
        }
        let declared =
            self.layers.iter().find_map(|used| used.compression.filter(|said| *said != layer.compression));
        if let Some(declared) = declared {
            let (declared, actual) = (declared.name(), layer.compression.name());
            let message = format!("the layer {text} is declared as compression {declared} and is {actual}");
            let finding =
                Finding::error(FindingCode::LayerCompressionMismatch, message).with_path(path.as_str());
            findings.push(self.about(finding.with_values(declared, actual)));
        }
        if let Some(fault) = &layer.fault {
            findings.push(self.about(layer_fault(fault, layer.compression, &text).with_path(path)));
            return;
        }
        if layer.trailing_zeros > 0 {
            let message =
                format!("{} zero bytes follow the last gzip member of {text}", layer.trailing_zeros);
            let finding = Finding::warning(FindingCode::LayerGzipTrailingZeros, message);
            findings.push(self.about(finding.with_path(path.as_str())));
        }
        for used in &self.layers {
            let Some(expected) = &used.diff_id else { continue };
            let Some(actual) = outcome.content_digest(layer.compression, &expected.algorithm()) else {
                let message =
                    format!("the diffID of {} is of an algorithm that castline does not compute", used.place);
                let finding = Finding::error(FindingCode::DigestAlgorithmUnsupported, message);
                findings.push(self.about(finding.with_values("sha256, sha384, sha512 or blake3", expected)));
                continue;
            };
            if actual != expected {
                let message = format!("the content of the layer {text} is not what the configuration says");
                let finding = Finding::error(FindingCode::DiffidMismatch, message).with_path(path.as_str());
                let mut finding = self.about(finding.with_values(expected, actual));
                if self.layers.len() > 1 {
                    finding.referenced_by = vec![used.place.clone()];
                }
                findings.push(finding);
            }
        }
        if let Some(fault) = &layer.tar.fault {
            findings.push(self.about(tar_fault(fault, &text).with_path(path)));
        }
        for escape in &layer.tar.escapes {
            let entry = shown(&String::from_utf8_lossy(escape)).to_string();
            let message =
                format!("the layer {text} has the entry `{entry}`, which is absolute or leaves the root");
            let finding = Finding::warning(FindingCode::LayerPathEscape, message).with_path(entry);
            findings.push(self.about(finding));
        }
        if layer.tar.more_escapes > 0 {
            let message = format!(
                "the layer {text} has {} more entries that are absolute or leave the root",
                layer.tar.more_escapes
            );
            findings.push(self.about(Finding::warning(FindingCode::LayerPathEscape, message)));
        }
    }
}

fn layer_fault(fault: &LayerFault, compression: Compression, text: &str) -> Finding {
    let by = |gzip, zstd| if compression == Compression::Zstd { zstd } else { gzip };
    match fault {
        LayerFault::Decode(fault) => {
            let code = match fault {
                DecodeFault::Corrupt(_) => by(FindingCode::LayerGzipCorrupt, FindingCode::LayerZstdCorrupt),
                DecodeFault::Truncated => {
                    by(FindingCode::LayerGzipTruncated, FindingCode::LayerZstdTruncated)
                }
                DecodeFault::TrailingGarbage => {
                    by(FindingCode::LayerGzipTrailingGarbage, FindingCode::LayerZstdTrailingGarbage)
                }
                DecodeFault::Window { limit, .. } => {
                    return limit_finding("zstdWindow", *limit, format!("the layer {text}: {fault}"));
                }
            };
            Finding::error(code, format!("the layer {text}: {fault}"))
        }
        LayerFault::TooLarge(limit) => {
            let message = format!("the layer {text} is larger than {limit} bytes when decompressed");
            limit_finding("layerBytes", *limit, message)
        }
        LayerFault::Expands(limit) => {
            let message =
                format!("the layer {text} expands to more than {limit} times its size: it may be a bomb");
            limit_finding("expansion", *limit, message)
        }
    }
}

fn tar_fault(fault: &TarFault, text: &str) -> Finding {
    let message = format!("the layer {text}: {fault}");
    match fault {
        TarFault::NotATar { .. } => Finding::error(FindingCode::LayerNotATar, message),
        TarFault::LimitExceeded { what, limit, .. } => limit_finding(what, *limit, message),
        _ => Finding::error(FindingCode::LayerTarMalformed, message),
    }
}

impl Outcome {
    /// The digest of the layer's content: of a layer that is not compressed, that of the bytes as stored.
    fn content_digest(&self, compression: Compression, algorithm: &Algorithm) -> Option<&Digest> {
        let of = |digests: &'_ [Digest]| digests.iter().position(|digest| digest.algorithm() == *algorithm);
        if compression == Compression::None
            && let Some(position) = of(&self.stored)
        {
            return self.stored.get(position);
        }
        of(&self.content).and_then(|position| self.content.get(position))
    }
}

impl Draft {
    /// The tree of files that its layers merge into, or why there is none.
    fn merged(&self, outcomes: &[Outcome]) -> Result<Rootfs, String> {
        let layer = |blob: &Option<usize>| outcomes.get((*blob)?)?.layer.as_ref()?.tar.layer.clone();
        let layers: Option<Vec<_>> = self.layer_blobs.iter().map(layer).collect();
        let layers = layers.ok_or("one is no tar, or has holes beyond the limit")?;
        Rootfs::merge(layers.iter().map(|layer| &**layer)).map_err(|fault| fault.to_string())
    }

    fn conflict(&self, why: &str) -> Finding {
        let digest = self.image.digest();
        let message = format!("the layers of {digest} do not merge: {}", shown_whole(why));
        Finding::error(FindingCode::RootfsConflict, message).with_digest(digest.clone())
    }
}

impl Survey<'_> {
    /// The report, and the images whose every byte was checked.
    pub(super) fn into_verification(self, outcomes: &[Outcome]) -> Verification {
        let format = self.source.format();
        let limit = self.options.limits.findings;
        let is_error = |finding: &Finding| finding.level == Level::Error;
        let mut broken = Vec::new();
        let mut by_blob: Vec<Option<Bounded>> = Vec::new();
        let mut left = limit;
        for (blob, outcome) in self.blobs.iter().zip(outcomes) {
            let found = blob.findings(outcome, format);
            broken.push(found.iter().any(is_error));
            let mut kept = Bounded::new(left, None);
            left = left.saturating_sub(found.len() as u64);
            kept.extend(found);
            by_blob.push(Some(kept));
        }
        let read = outcomes.iter().filter(|outcome| outcome.fault.is_none()).count() as u64;
        let bytes = self.bytes + outcomes.iter().map(|outcome| outcome.size).sum::<u64>();
        let mut images = Vec::new();
        let mut verified = Vec::new();
        let mut rootfs = BTreeMap::new();
        let mut conflicts = Vec::new();
        for draft in &self.drafts {
            let intact = !draft.faulty
                && draft.documents.iter().all(|digest| self.is_sound(digest))
                && !draft.blobs.iter().any(|&blob| broken[blob]);
            images.push(ImageSummary {
                digest: draft.image.digest().clone(),
                kind: draft.image.kind(),
                platform: draft.image.platform().cloned(),
                config: draft.image.identities().config,
                layers: draft.layers,
                references: draft.references.clone(),
                intact,
            });
            if intact && !draft.skipped {
                verified.push(Verified::by_verification(draft.image.clone()));
                if self.options.rootfs && draft.unpackable && draft.image.kind() == ImageKind::Image {
                    match draft.merged(outcomes) {
                        Ok(tree) => drop(rootfs.insert(draft.image.digest().clone(), tree)),
                        Err(why) => conflicts.push(draft.conflict(&why)),
                    }
                }
            }
        }
        let skipped = self.unknown || self.drafts.iter().any(|draft| draft.skipped);
        let unreferenced =
            if self.options.unreferenced { self.unreferenced() } else { Unreferenced::new(limit) };
        let nothing = self.slots.is_empty() && images.is_empty() && self.blobs.is_empty();
        let mut findings = Bounded::new(limit, self.dropped);
        for slot in self.slots {
            match slot {
                Slot::Finding(finding) => findings.push(finding),
                Slot::Blob(blob) => {
                    if let Some(found) = by_blob[blob].take() {
                        findings.append(found);
                    }
                }
            }
        }
        findings.extend(conflicts);
        findings.append(unreferenced.findings);
        if nothing {
            findings.push(Finding::error(FindingCode::IndexNoManifests, "nothing was found to check"));
        }
        let findings = findings.finish();
        let intact = !findings.iter().any(is_error);
        Verification {
            report: Report {
                intact,
                complete: intact && !skipped,
                images,
                findings,
                bytes: bytes + unreferenced.bytes,
                blobs: self.read + read + unreferenced.blobs,
            },
            images: verified,
            rootfs,
        }
    }

    /// Files that nothing refers to; those that are blobs are checked against their names.
    fn unreferenced(&self) -> Unreferenced {
        let mut result = Unreferenced::new(self.options.limits.findings);
        let stored = match self.source.stored() {
            Ok(stored) => stored.into_iter().collect::<BTreeSet<_>>(),
            Err(error) => {
                let message = format!("the files cannot be listed: {error}");
                result.findings.push(Finding::error(FindingCode::BlobUnreadable, message));
                return result;
            }
        };
        let ancillary = |path: &str| {
            self.source.format() == Format::DockerArchive
                && (path == "repositories" || path.ends_with("/json") || path.ends_with("/VERSION"))
        };
        for file in stored {
            if self.referenced.contains(&file.path) || ancillary(&file.path) {
                continue;
            }
            let text = shown(&file.path).to_string();
            let digest = file.path.strip_prefix("blobs/").and_then(|name| {
                let (algorithm, encoded) = name.split_once('/')?;
                format!("{algorithm}:{encoded}").parse::<Digest>().ok()
            });
            let Some(digest) = digest else {
                let message = format!("{text} is no part of the format, and nothing refers to it");
                result.findings.push(Finding::info(FindingCode::StrayFile, message).with_path(text));
                continue;
            };
            let message = format!("nothing refers to {text} ({} bytes)", file.size);
            let finding = Finding::info(FindingCode::UnreferencedBlob, message).with_path(text);
            result.findings.push(finding.with_digest(digest.clone()));
            self.check_unreferenced(&digest, &file.path, &mut result);
        }
        result
    }

    fn check_unreferenced(&self, digest: &Digest, path: &str, result: &mut Unreferenced) {
        let name = BlobName::File(path.into());
        let Some(mut hasher) = crate::Hasher::new(&digest.algorithm()) else { return };
        let mut reader = match self.source.open(&name) {
            Ok(blob) => blob.reader,
            Err(fault) => return result.findings.push(unopened(&fault, &name).with_digest(digest.clone())),
        };
        let mut buffer = vec![0; 256 << 10];
        while !self.watch.is_cancelled() {
            match std::io::Read::read(&mut reader, &mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    result.bytes += count as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let fault = OpenFault::Unreadable { reason: error.to_string() };
                    return result.findings.push(unopened(&fault, &name).with_digest(digest.clone()));
                }
            }
        }
        result.blobs += 1;
        let actual = hasher.finish();
        if actual != *digest {
            result.findings.push(altered(digest, &actual, &name));
        }
    }
}

struct Unreferenced {
    findings: Bounded,
    bytes: u64,
    blobs: u64,
}

impl Unreferenced {
    fn new(limit: u64) -> Self {
        Self { findings: Bounded::new(limit, None), bytes: 0, blobs: 0 }
    }
}
