//! Images in memory, for the tests that make their own.
#![allow(dead_code, reason = "each test uses what it needs of it")]

pub(crate) mod fleets;
pub(crate) mod podman;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::Path,
};

use castline::{Blob, BlobName, BlobSource, Digest, Format, OpenFault, Options, Report, Stored, Watch};
use serde_json::{Value, json};

/// An image layout in memory: bytes by path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// At most so many bytes come out of one read; 0 for as many as there is room for.
    pub(crate) stride: usize,
}

impl BlobSource for Memory {
    fn format(&self) -> Format {
        Format::OciLayout
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        let bytes = self.files.get(&name.path()).ok_or(OpenFault::Missing)?;
        let reader = Strides { bytes, stride: self.stride };
        Ok(Blob { size: Some(bytes.len() as u64), reader: Box::new(reader) })
    }

    fn stored(&self) -> io::Result<Vec<Stored>> {
        let file =
            |(path, bytes): (&String, &Vec<u8>)| Stored { path: path.clone(), size: bytes.len() as u64 };
        Ok(self.files.iter().map(file).collect())
    }
}

struct Strides<'a> {
    bytes: &'a [u8],
    stride: usize,
}

impl Read for Strides<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = if self.stride == 0 { buffer.len() } else { buffer.len().min(self.stride) };
        self.bytes.read(&mut buffer[..most])
    }
}

/// How a layer is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Tar,
    Gzip,
    Zstd,
}

/// A tar of one file.
pub(crate) fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = content.len().next_multiple_of(512) - content.len();
    [&header[..], content, &vec![0; padding + 1024]].concat()
}

impl Memory {
    pub(crate) fn put(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.files.insert(BlobName::Digest(digest.clone()).path(), bytes);
        digest
    }

    fn descriptor(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let size = bytes.len();
        json!({"mediaType": media_type, "size": size, "digest": self.put(bytes).to_string()})
    }

    /// A layout with one image, of these tars.
    pub(crate) fn image(layers: &[(Form, Vec<u8>)]) -> Self {
        let mut layout = Self::default();
        let diff_ids: Vec<String> = layers.iter().map(|(_, tar)| Digest::of(tar).to_string()).collect();
        let config = json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let config = layout.descriptor("application/vnd.oci.image.config.v1+json", config.to_string().into());
        let layers: Vec<Value> = layers
            .iter()
            .map(|(stored, tar)| {
                let (suffix, bytes) = match stored {
                    Form::Tar => ("", tar.clone()),
                    Form::Gzip => ("+gzip", gzip(tar)),
                    Form::Zstd => ("+zstd", zstd(tar)),
                };
                layout.descriptor(&format!("application/vnd.oci.image.layer.v1.tar{suffix}"), bytes)
            })
            .collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        let manifest = layout.descriptor(MANIFEST, manifest.to_string().into());
        let index = json!({"schemaVersion": 2, "manifests": [manifest]}).to_string();
        layout.files.insert("index.json".into(), index.into());
        layout.files.insert("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        layout
    }

    /// The same image, and a second one that shares its configuration and layers; several paths lead to them.
    #[must_use]
    pub(crate) fn with_more_paths(mut self) -> Self {
        let index: Value = serde_json::from_slice(&self.files["index.json"]).expect("JSON");
        let first = &index["manifests"][0];
        let digest: Digest = first["digest"].as_str().and_then(|text| text.parse().ok()).expect("a digest");
        let raw = &self.files[&BlobName::Digest(digest).path()];
        let mut manifest: Value = serde_json::from_slice(raw).expect("JSON");
        manifest["annotations"] = json!({"a": "b"});
        let second = self.descriptor(MANIFEST, manifest.to_string().into());
        let mut on = second.clone();
        on["platform"] = json!({"os": "linux", "architecture": "amd64"});
        let inner = json!({"schemaVersion": 2, "manifests": [first, on]}).to_string();
        let inner = self.descriptor(INDEX, inner.into());
        let mut twisted = first.clone();
        twisted["mediaType"] = INDEX.into();
        let index = json!({"schemaVersion": 2, "manifests": [twisted, inner, second, first]}).to_string();
        self.files.insert("index.json".into(), index.into());
        self
    }

    /// Writes it as a layout in `folder`.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, bytes)?;
        }
        Ok(())
    }

    pub(crate) fn verify(&self, options: &Options) -> Report {
        castline::verify(self, options, &Watch::none()).expect("verifies").report
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    io::Write::write_all(&mut encoder, bytes).expect("memory");
    encoder.finish().expect("memory")
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = vec![0; zstd_safe::compress_bound(bytes.len())];
    let mut context = zstd_safe::CCtx::create();
    context.set_parameter(zstd_safe::CParameter::ChecksumFlag(true)).expect("a parameter");
    let length = context.compress2(&mut compressed[..], bytes).expect("room");
    compressed.truncate(length);
    compressed
}
