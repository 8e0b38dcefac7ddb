//! Blobs and other files of a layout that are symbolic links.

use crate::vectors::{
    bytes::digest,
    case::{Case, Node, Section},
    layout::{Layer, digest_of, files, layout, path_of},
};

pub(super) fn sections() -> Vec<Section> {
    vec![Section { title: "Links", cases: links() }]
}

fn links() -> Vec<Case> {
    vec![
        layout("blob-is-a-link-inside", |l| {
            let parts = l.plain();
            let Node::File(bytes) = l.remove_blob(&parts.layers[0]) else {
                unreachable!("a layer is a file")
            };
            l.put("rootfs.tar.gz", &bytes);
            l.link(&path_of(&parts.layers[0]), "../../rootfs.tar.gz");
        })
        .verify("intact")
        .because("Docker's official images are published so"),
        layout("blob-is-a-link-to-a-link", |l| {
            let parts = l.plain();
            let Node::File(bytes) = l.remove_blob(&parts.config) else {
                unreachable!("a configuration is a file")
            };
            l.put("store/real", &bytes);
            l.link("store/first", "./real");
            l.link(&path_of(&parts.config), "../../store/../store/first");
        })
        .verify("intact"),
        layout("blob-folder-is-a-link-inside", |l| {
            l.plain();
            let blobs: Vec<_> = l.tree.keys().filter(|path| path.starts_with("blobs/")).cloned().collect();
            for path in blobs {
                let node = l.remove(&path);
                l.tree.insert(path.replacen("blobs/sha256", "store", 1), node);
            }
            l.link("blobs/sha256", "../store");
        })
        .verify("intact"),
        layout("index-is-a-link-inside", |l| {
            l.plain();
            let node = l.remove("index.json");
            l.tree.insert("index.1.json".into(), node);
            l.link("index.json", "index.1.json");
        })
        .verify("intact"),
        layout("blob-is-a-link-outside", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.link(&path_of(&parts.layers[0]), &format!("../../../plain/{}", path_of(&parts.layers[0])));
        })
        .verify("blob-outside-layout")
        .because("the bytes there are right, and still not this layout's"),
        layout("blob-is-an-absolute-link", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.config);
            l.link(&path_of(&parts.config), "/etc/hostname");
        })
        .verify("blob-outside-layout"),
        layout("blob-is-a-link-out-and-in-again", |l| {
            let parts = l.plain();
            let node = l.remove_blob(&parts.config);
            l.tree.insert("config".into(), node);
            l.link(&path_of(&parts.config), "../../../blob-is-a-link-out-and-in-again/config");
        })
        .verify("blob-outside-layout"),
        layout("blob-folder-is-a-link-outside", |l| {
            l.plain();
            l.tree.retain(|path, _| !path.starts_with("blobs/"));
            l.link("blobs", "../plain/blobs");
        })
        .verify("blob-outside-layout"),
        layout("blob-is-a-dangling-link", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.link(&path_of(&parts.layers[0]), "nowhere");
        })
        .verify("blob-missing"),
        layout("blob-is-a-link-to-itself", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.link(&path_of(&parts.layers[0]), digest::encoded(digest_of(&parts.layers[0])));
        })
        .verify("blob-unreadable"),
        layout("blob-is-a-link-to-a-folder", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.put("folder/file", b"");
            l.link(&path_of(&parts.layers[0]), "../../folder");
        })
        .verify("blob-not-a-file"),
        layout("blob-is-a-link-to-another-blob", |l| {
            let parts = l.plain_of(&[Layer::gzip(&files("one\n")), Layer::gzip(&files("two\n"))]);
            l.remove_blob(&parts.layers[1]);
            l.link(&path_of(&parts.layers[1]), digest::encoded(digest_of(&parts.layers[0])));
        })
        .verify("blob-digest-mismatch diffid-mismatch"),
        layout("index-is-a-link-outside", |l| {
            l.plain();
            l.remove("index.json");
            l.link("index.json", "../plain/index.json");
        })
        .verify("index-not-a-file"),
        layout("oci-layout-is-a-link-outside", |l| {
            l.plain();
            l.remove("oci-layout");
            l.link("oci-layout", "../plain/oci-layout");
        })
        .verify("oci-layout-unreadable"),
    ]
}
