/// How much an image may ask for. Past a limit there is a `limit-exceeded` finding (or a more exact one), never a
/// crash and never an unbounded allocation.
///
/// The defaults are far above what real images need and low enough for a build server.
///
/// ```
/// use castline_core::Limits;
///
/// let strict = Limits { layer_bytes: 1 << 30, ..Limits::default() };
/// assert!(strict.layer_bytes < Limits::default().layer_bytes);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one document: index, manifest, configuration. 4 MiB, the least that registries must accept
    /// (OCI distribution-spec, *Pushing manifests*).
    pub document_bytes: u64,
    /// Bytes of all documents together: 128 MiB.
    pub total_document_bytes: u64,
    /// Documents in one image or index tree: 10,000.
    pub documents: u64,
    /// Levels of indexes below `index.json`: 8.
    pub index_depth: u32,
    /// Layers in one manifest: 4,096. (Docker stops at 127.)
    pub layers: u64,
    /// Bytes of one blob as stored: 64 GiB.
    pub blob_bytes: u64,
    /// Bytes of one layer after decompression: 256 GiB.
    pub layer_bytes: u64,
    /// How many times its compressed size a layer, or an archive as a whole, may grow, once past
    /// [`Self::expansion_grace`]: 512.
    pub expansion: u64,
    /// Bytes of a layer or archive that are free of the expansion limit: 1 GiB.
    pub expansion_grace: u64,
    /// Memory that one zstd frame may ask for as its window: 128 MiB, as the `zstd` tool.
    pub zstd_window: u64,
    /// Entries of one layer's tar, or of an archive: 10,000,000.
    pub entries: u64,
    /// Bytes of one path in a tar: 16 KiB.
    pub path_bytes: u64,
    /// Findings of one report: 10,000. Those past it are counted into the verdict and not listed.
    pub findings: u64,
    /// Bytes of an archive after decompression, when the archive as a whole is compressed: 64 GiB.
    pub archive_bytes: u64,
    /// Bytes of the names in an archive's table of contents, its members' and those that links among them name:
    /// 64 MiB. The table is kept in memory.
    pub archive_name_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 4 << 20,
            total_document_bytes: 128 << 20,
            documents: 10_000,
            index_depth: 8,
            layers: 4_096,
            blob_bytes: 64 << 30,
            layer_bytes: 256 << 30,
            expansion: 512,
            expansion_grace: 1 << 30,
            zstd_window: 128 << 20,
            entries: 10_000_000,
            path_bytes: 16 << 10,
            findings: 10_000,
            archive_bytes: 64 << 30,
            archive_name_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// The names by which findings and command lines call the limits.
    pub const NAMES: &'static [&'static str] = &[
        "documentBytes",
        "totalDocumentBytes",
        "documents",
        "indexDepth",
        "layers",
        "blobBytes",
        "layerBytes",
        "expansion",
        "expansionGrace",
        "zstdWindow",
        "entries",
        "pathBytes",
        "findings",
        "archiveBytes",
        "archiveNameBytes",
    ];

    /// The same with the limit `name` (one of [`Self::NAMES`]) set to `value`; `None` for another name.
    #[must_use]
    pub fn with(mut self, name: &str, value: u64) -> Option<Self> {
        match name {
            "documentBytes" => self.document_bytes = value,
            "totalDocumentBytes" => self.total_document_bytes = value,
            "documents" => self.documents = value,
            "indexDepth" => self.index_depth = u32::try_from(value).unwrap_or(u32::MAX),
            "layers" => self.layers = value,
            "blobBytes" => self.blob_bytes = value,
            "layerBytes" => self.layer_bytes = value,
            "expansion" => self.expansion = value,
            "expansionGrace" => self.expansion_grace = value,
            "zstdWindow" => self.zstd_window = value,
            "entries" => self.entries = value,
            "pathBytes" => self.path_bytes = value,
            "findings" => self.findings = value,
            "archiveBytes" => self.archive_bytes = value,
            "archiveNameBytes" => self.archive_name_bytes = value,
            _ => return None,
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_sets_a_limit_of_its_own() {
        let mut seen = Vec::new();
        for name in Limits::NAMES {
            let changed = Limits::default().with(name, 7).expect("a known name");
            assert_ne!(changed, Limits::default(), "{name}");
            assert!(!seen.contains(&changed), "{name}");
            seen.push(changed);
        }
        assert_eq!(Limits::default().with("LayerBytes", 7), None);
    }
}
