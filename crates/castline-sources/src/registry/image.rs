use std::io;

use castline_core::{Blob, BlobName, BlobSource, Descriptor, Format, OpenFault, Stored};

use crate::{Layout, Reference};

const MARKER: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// An image that was pulled, alone, whatever else the layout has that it was pulled into: a source with an `index.json` of its
/// own, which names this image by its tag.
#[derive(Debug)]
pub struct PulledImage {
    layout: Layout,
    index: String,
}

impl PulledImage {
    pub(super) fn new(layout: Layout, descriptor: &Descriptor, reference: &Reference) -> Self {
        let descriptor = match reference.tag() {
            Some(tag) => descriptor.clone().with_annotation("org.opencontainers.image.ref.name", tag),
            None => descriptor.clone(),
        };
        let index = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": super::documents::OCI_INDEX,
            "manifests": [descriptor],
        });
        Self { layout, index: index.to_string() }
    }
}

impl BlobSource for PulledImage {
    fn format(&self) -> Format {
        Format::OciLayout
    }

    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault> {
        let own = match name {
            BlobName::File(path) if &**path == "index.json" => self.index.as_bytes(),
            BlobName::File(path) if &**path == "oci-layout" => MARKER.as_bytes(),
            _ => return self.layout.open(name),
        };
        Ok(Blob { size: Some(own.len() as u64), reader: Box::new(own) })
    }

    /// Nothing: what else is in the layout has nothing to do with this image.
    fn stored(&self) -> io::Result<Vec<Stored>> {
        Ok(Vec::new())
    }
}
