//! A layout in memory, and what holds for every verification.

use std::{collections::BTreeMap, io, num::NonZeroUsize};

use castline::{
    Blob, BlobName, BlobSource, Digest, Format, Level, Limits, OpenFault, Options, Report, Rootfs, Stored,
    Watch,
};

/// Bytes by path.
#[derive(Default)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Memory {
    /// Keeps a blob; its digest and size as members of a descriptor.
    pub fn blob(&mut self, bytes: &[u8]) -> String {
        let digest = Digest::of(bytes);
        self.0.insert(BlobName::Digest(digest.clone()).path(), bytes.to_vec());
        format!(r#""digest":"{digest}","size":{}"#, bytes.len())
    }

    /// Keeps a file.
    pub fn file(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), text.into());
    }

    /// A layout whose one image has `layer`, that stands for `content`, under a media type with this ending; the members
    /// of the manifest's descriptor.
    pub fn image(layer: &[u8], content: &[u8], suffix: &str) -> (Self, String) {
        let mut layout = Self::default();
        let config = format!(
            r#"{{"os":"linux","architecture":"amd64","rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
            Digest::of(content)
        );
        let (config, layer) = (layout.blob(config.as_bytes()), layout.blob(layer));
        let manifest = layout.blob(
            format!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.oci.image.config.v1+json",{config}}},
                "layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar{suffix}",{layer}}}]}}"#
            )
            .as_bytes(),
        );
        let manifest = format!(r#""mediaType":"application/vnd.oci.image.manifest.v1+json",{manifest}"#);
        layout.file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
        layout.file("index.json", format!(r#"{{"schemaVersion":2,"manifests":[{{{manifest}}}]}}"#));
        (layout, manifest)
    }
}

impl BlobSource for Memory {
    fn format(&self) -> Format {
        Format::OciLayout
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        let bytes = self.0.get(&name.path()).ok_or(OpenFault::Missing)?;
        Ok(Blob { size: Some(bytes.len() as u64), reader: Box::new(&bytes[..]) })
    }

    fn stored(&self) -> io::Result<Vec<Stored>> {
        Ok(self
            .0
            .iter()
            .map(|(path, bytes)| Stored { path: path.clone(), size: bytes.len() as u64 })
            .collect())
    }
}

/// Verifies with one job and with two: the reports are equal, and say what they must.
pub fn verify(source: &dyn BlobSource) -> Report {
    let limits =
        Limits { layer_bytes: 64 << 20, expansion_grace: 1 << 20, zstd_window: 8 << 20, ..Limits::default() };
    let verify = |jobs| {
        let options =
            Options::default().with_unreferenced(true).with_rootfs(true).with_limits(limits.clone());
        let options = options.with_jobs(NonZeroUsize::new(jobs).expect("not 0"));
        let verification = castline::verify(source, &options, &Watch::none()).expect("a report");
        let report = verification.report;
        assert_eq!(report.is_intact(), report.findings.iter().all(|finding| finding.level != Level::Error));
        assert!(report.is_intact() || !report.is_complete());
        assert!(!report.is_complete() || verification.images.len() == report.images.len());
        (report, verification.rootfs.values().map(lines).collect::<Vec<_>>())
    };
    let ((one, trees), (two, other_trees)) = (verify(1), verify(2));
    let text = |report| serde_json::to_string(report).expect("JSON");
    assert_eq!(text(&one), text(&two));
    assert_eq!(trees, other_trees);
    one
}

/// A tree as JSON lines, which must read as that tree again.
fn lines(tree: &Rootfs) -> Vec<u8> {
    let write = |tree: &Rootfs| {
        let mut lines = Vec::new();
        tree.write_json_lines(&mut lines).expect("memory");
        lines
    };
    let lines = write(tree);
    let read = Rootfs::read_json_lines(&mut &lines[..]).expect("what was written");
    assert_eq!(write(&read), lines);
    tree.write_mtree(&mut io::sink()).expect("a sink");
    lines
}
