//! OCI layouts: the sound parts that cases are put together from, and the edits that break them.

use serde_json::{Value, json};

use super::{
    bytes::{
        digest::{self, Algorithm},
        gzip, json as text,
        tar::Tar,
        zstd,
    },
    case::{Case, Node, Tree},
};

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub(super) const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(super) const TAR_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
pub(super) const IN_TOTO: &str = "application/vnd.in-toto+json";
/// The name that every plain layout gives its image.
pub(super) const TAG: &str = "v1";

/// A case that is a layout in a folder.
pub(super) fn layout(name: &str, build: impl FnOnce(&mut Layout)) -> Case {
    let mut layout = Layout::new();
    build(&mut layout);
    let place = format!("layouts/{name}");
    let tree = layout.tree.into_iter().map(|(path, node)| (format!("{place}/{path}"), node)).collect();
    let mut case = Case { place, tree, rows: Vec::new(), why: None };
    for (operation, suffix, expected) in layout.rows {
        case = case.row(&operation, &suffix, &expected);
    }
    case
}

/// A layout being made.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) tree: Tree,
    rows: Vec<(String, String, String)>,
}

/// The descriptors of one image.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) manifest: Value,
    pub(super) config: Value,
    pub(super) layers: Vec<Value>,
}

/// A layer as stored, and what it is uncompressed.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) media_type: &'static str,
    pub(super) stored: Vec<u8>,
    pub(super) diff_id: String,
}

impl Layer {
    pub(super) fn new(media_type: &'static str, stored: Vec<u8>, tar: &[u8]) -> Self {
        Self { media_type, stored, diff_id: digest::of(tar) }
    }

    pub(super) fn tar(tar: &[u8]) -> Self {
        Self::new(TAR, tar.to_vec(), tar)
    }

    pub(super) fn gzip(tar: &[u8]) -> Self {
        Self::new(TAR_GZIP, gzip::fixed(tar), tar)
    }

    /// gzip whose bytes are the tar's own, so that a byte of the tar can be found in it.
    pub(super) fn gzip_stored(tar: &[u8]) -> Self {
        Self::new(TAR_GZIP, gzip::stored(tar), tar)
    }

    pub(super) fn zstd(tar: &[u8]) -> Self {
        Self::new(TAR_ZSTD, zstd::frame(tar), tar)
    }

    pub(super) fn with_diff_id(self, diff_id: &str) -> Self {
        Self { diff_id: diff_id.into(), ..self }
    }
}

/// The content of a layer: a folder and a file that holds `text`.
pub(super) fn files(text: &str) -> Vec<u8> {
    Tar::new().dir("etc/").file("etc/greeting", text.as_bytes()).end()
}

/// The content that most layers have.
pub(super) fn greeting() -> Vec<u8> {
    files("hello\n")
}

/// Alters a letter of the greeting, wherever it stands as it is.
pub(super) fn flip_in_greeting(bytes: &mut [u8]) {
    let at = bytes.windows(5).position(|window| window == b"hello").expect("the greeting stands in it");
    bytes[at] ^= 1;
}

impl Layout {
    /// A layout without an index.
    pub(super) fn new() -> Self {
        let mut layout = Self { tree: Tree::new(), rows: Vec::new() };
        layout.put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        layout
    }

    /// One more row of the table, for rows that need a digest.
    pub(super) fn expect(&mut self, operation: &str, suffix: &str, expected: &str) {
        self.rows.push((operation.into(), suffix.into(), expected.into()));
    }

    pub(super) fn put(&mut self, path: &str, bytes: &[u8]) {
        self.tree.insert(path.into(), Node::File(bytes.into()));
    }

    pub(super) fn link(&mut self, path: &str, target: &str) {
        self.tree.insert(path.into(), Node::Link(target.into()));
    }

    pub(super) fn remove(&mut self, path: &str) -> Node {
        self.tree.remove(path).expect("a file of this layout")
    }

    /// Stores a blob and describes it.
    pub(super) fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.blob_by(Algorithm::Sha256, media_type, bytes)
    }

    pub(super) fn blob_by(&mut self, algorithm: Algorithm, media_type: &str, bytes: &[u8]) -> Value {
        let described = descriptor(media_type, &digest::by(algorithm, bytes), bytes.len());
        self.put(&path_of(&described), bytes);
        described
    }

    /// Stores a JSON document as a blob and describes it.
    pub(super) fn document(&mut self, media_type: &str, value: &Value) -> Value {
        self.blob(media_type, &text::text(value))
    }

    pub(super) fn layer(&mut self, layer: &Layer) -> Value {
        self.blob(layer.media_type, &layer.stored)
    }

    /// A whole image of `linux/amd64`.
    pub(super) fn image(&mut self, layers: &[Layer]) -> Parts {
        self.image_for("linux/amd64", layers)
    }

    pub(super) fn image_for(&mut self, platform: &str, layers: &[Layer]) -> Parts {
        self.image_with(&config_for(platform, layers), layers)
    }

    /// A whole image whose configuration is given.
    pub(super) fn image_with(&mut self, config: &Value, layers: &[Layer]) -> Parts {
        let config = self.document(CONFIG, config);
        let layers: Vec<_> = layers.iter().map(|layer| self.layer(layer)).collect();
        self.image_of(config, layers)
    }

    /// A whole image of descriptors that are given.
    pub(super) fn image_of(&mut self, config: Value, layers: Vec<Value>) -> Parts {
        let manifest = self.document(MANIFEST, &manifest_of(&config, &layers));
        Parts { manifest, config, layers }
    }

    /// Writes `index.json`.
    pub(super) fn index(&mut self, manifests: &[Value]) {
        self.index_text(&text::text(&index_of(manifests)));
    }

    pub(super) fn index_text(&mut self, bytes: &[u8]) {
        self.put("index.json", bytes);
    }

    /// The layout of one image, tagged.
    pub(super) fn plain(&mut self) -> Parts {
        self.plain_of(&[Layer::gzip(&greeting())])
    }

    pub(super) fn plain_of(&mut self, layers: &[Layer]) -> Parts {
        let parts = self.image(layers);
        self.index(&[tagged(&parts.manifest, TAG)]);
        parts
    }

    /// The layout of one manifest document, tagged.
    pub(super) fn plain_manifest(&mut self, manifest: &Value) -> Value {
        let manifest = self.document(MANIFEST, manifest);
        self.index(&[tagged(&manifest, TAG)]);
        manifest
    }

    /// Alters the bytes that are stored for a blob, and not its name.
    pub(super) fn edit(&mut self, blob: &Value, edit: impl FnOnce(&mut Vec<u8>)) {
        match self.tree.get_mut(&path_of(blob)) {
            Some(Node::File(bytes)) => edit(bytes),
            _ => panic!("no such blob: {blob}"),
        }
    }

    pub(super) fn remove_blob(&mut self, blob: &Value) -> Node {
        self.remove(&path_of(blob))
    }
}

/// Where a descriptor's blob is stored.
pub(super) fn path_of(blob: &Value) -> String {
    format!("blobs/{}", digest_of(blob).replace(':', "/"))
}

pub(super) fn digest_of(blob: &Value) -> &str {
    blob["digest"].as_str().expect("a descriptor has a digest")
}

pub(super) fn size_of(blob: &Value) -> u64 {
    blob["size"].as_u64().expect("a descriptor has a size")
}

pub(super) fn descriptor(media_type: &str, digest: &str, size: usize) -> Value {
    json!({"mediaType": media_type, "digest": digest, "size": size})
}

/// The same object with one member set.
pub(super) fn with(object: &Value, key: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    object[key] = value.into();
    object
}

/// The same object without one member.
pub(super) fn without(object: &Value, key: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().expect("an object").remove(key);
    object
}

/// The same descriptor with a name for people.
pub(super) fn tagged(blob: &Value, tag: &str) -> Value {
    with(blob, "annotations", json!({"org.opencontainers.image.ref.name": tag}))
}

/// The same descriptor with a platform.
pub(super) fn on(blob: &Value, platform: &str) -> Value {
    with(blob, "platform", platform_of(platform))
}

fn platform_of(platform: &str) -> Value {
    let mut parts = platform.split('/');
    let mut part = || parts.next();
    let mut value = json!({"os": part(), "architecture": part()});
    if let Some(variant) = part() {
        value["variant"] = variant.into();
    }
    value
}

/// An image configuration.
pub(super) fn config_for(platform: &str, layers: &[Layer]) -> Value {
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    let mut config = platform_of(platform);
    config["config"] = json!({"Cmd": ["/bin/sh"]});
    config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
    config
}

pub(super) fn config_of(layers: &[Layer]) -> Value {
    config_for("linux/amd64", layers)
}

pub(super) fn manifest_of(config: &Value, layers: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
}

pub(super) fn index_of(manifests: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
}
