//! Images to be moved.

use std::{path::PathBuf, sync::Arc};

use castline_core::{BlobSource, Descriptor, Digest, Image, Options, Verified, Watch, verify};
use castline_sources::{Layout, LayoutWriter, Reference, registry::Shipment};

/// A layout of the vectors.
pub(crate) fn vector(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/layouts").join(name)
}

pub(crate) fn verified(source: &dyn BlobSource) -> Vec<Verified<Image>> {
    let verification = verify(source, &Options::default(), &Watch::none()).expect("verified");
    assert!(verification.report.is_complete(), "{:?}", verification.report.findings);
    verification.images
}

/// What is in a layout, ready to be pushed.
pub(crate) fn shipment(path: impl AsRef<std::path::Path>) -> (Shipment, Arc<Layout>) {
    let layout = Layout::open(path).expect("a layout");
    let shipment = Shipment::of_images(&verified(&layout), &layout).expect("a shipment");
    (shipment, Arc::new(layout))
}

/// Bytes that do not compress, the same for the same seed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A tar with one file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[108..116].copy_from_slice(b"0000000\0");
    header[116..124].copy_from_slice(b"0000000\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut tar = header.to_vec();
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    tar
}

/// An image with a layer for each size, of so many bytes and a little more.
pub(crate) fn image(layout: &LayoutWriter, tag: &str, sizes: &[usize]) -> Descriptor {
    let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
    for (position, &size) in sizes.iter().enumerate() {
        let tar = tar(&format!("file-{position}"), &noise(size, position as u64 + 1));
        let stored = layout.write(&tar).expect("a layer");
        diff_ids.push(Digest::of(&tar));
        layers.push(Descriptor::new("application/vnd.oci.image.layer.v1.tar", stored.digest, stored.size));
    }
    let config = serde_json::json!({
        "os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = layout.write(config.to_string().as_bytes()).expect("a configuration");
    let config = Descriptor::new("application/vnd.oci.image.config.v1+json", config.digest, config.size);
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        serde_json::json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers});
    let manifest = layout.write(manifest.to_string().as_bytes()).expect("a manifest");
    let descriptor = Descriptor::new(media_type, manifest.digest, manifest.size);
    layout.name(Some(tag), &descriptor).expect("a name");
    descriptor
}

pub(crate) fn layout_of(path: &std::path::Path) -> LayoutWriter {
    LayoutWriter::create_or_open(path).expect("a layout")
}

pub(crate) fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}
