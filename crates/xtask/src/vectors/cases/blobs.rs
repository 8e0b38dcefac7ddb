//! Blobs that are altered, cut, missing, or no files; and what no image refers to.

use serde_json::json;

use crate::vectors::{
    bytes::gzip,
    case::{Case, Section},
    layout::{
        CONFIG, INDEX, Layer, MANIFEST, TAG, TAR_GZIP, config_of, digest_of, files, flip_in_greeting,
        greeting, index_of, layout, manifest_of, path_of, with,
    },
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Altered blobs", cases: altered() },
        Section { title: "Missing blobs, and what is no file", cases: missing() },
        Section { title: "What no image refers to", cases: unreferenced() },
    ]
}

fn altered() -> Vec<Case> {
    vec![
        layout("configuration-that-two-images-share-altered", |l| {
            let layer = Layer::gzip(&greeting());
            let parts = l.image(&[layer]);
            let other = with(&manifest_of(&parts.config, &parts.layers), "annotations", json!({"a": "b"}));
            let other = l.document(MANIFEST, &other);
            l.edit(&parts.config, |bytes| replace(bytes, "/bin/sh", "/bin/zh"));
            l.index(&[parts.manifest, other]);
        })
        .verify("blob-digest-mismatch")
        .because("it is found once, and neither image is verified"),
        layout("manifest-of-two-paths-altered", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let inner = l.document(INDEX, &index_of(std::slice::from_ref(&parts.manifest)));
            l.edit(&parts.manifest, |bytes| bytes.push(b'\n'));
            l.index(&[inner, parts.manifest]);
        })
        .verify("blob-size-mismatch blob-digest-mismatch blob-size-mismatch"),
        layout("manifest-declared-as-an-index-altered", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.edit(&parts.manifest, |bytes| bytes.push(b'\n'));
            l.index(&[with(&parts.manifest, "mediaType", INDEX), parts.manifest]);
        })
        .verify("blob-size-mismatch blob-digest-mismatch mediatype-mismatch blob-size-mismatch"),
        layout("flipped-bit-in-a-gzip-layer", |l| {
            let parts = l.plain_of(&[Layer::gzip_stored(&greeting())]);
            l.edit(&parts.layers[0], |bytes| flip_in_greeting(bytes));
        })
        .verify("blob-digest-mismatch layer-gzip-corrupt"),
        layout("flipped-bit-in-a-zstd-layer", |l| {
            let parts = l.plain_of(&[Layer::zstd(&greeting())]);
            l.edit(&parts.layers[0], |bytes| flip_in_greeting(bytes));
        })
        .verify("blob-digest-mismatch layer-zstd-corrupt"),
        layout("flipped-bit-in-a-tar-layer", |l| {
            let parts = l.plain_of(&[Layer::tar(&greeting())]);
            l.edit(&parts.layers[0], |bytes| flip_in_greeting(bytes));
        })
        .verify("blob-digest-mismatch diffid-mismatch"),
        layout("flipped-bit-in-a-tar-header", |l| {
            let parts = l.plain_of(&[Layer::tar(&greeting())]);
            l.edit(&parts.layers[0], |bytes| bytes[512] ^= 1);
        })
        .verify("blob-digest-mismatch diffid-mismatch layer-tar-malformed"),
        layout("flipped-bit-after-the-end-of-the-tar", |l| {
            let padded = [greeting(), vec![0; 512]].concat();
            let parts = l.plain_of(&[Layer::tar(&padded)]);
            l.edit(&parts.layers[0], |bytes| *bytes.last_mut().expect("not empty") ^= 0x80);
        })
        .verify("blob-digest-mismatch diffid-mismatch")
        .because("a reader that stops at the end of the tar never sees it"),
        layout("flipped-bit-in-a-checked-gzip-header", |l| {
            let stored = gzip::with_every_header_field(&greeting());
            let parts = l.plain_of(&[Layer::new(TAR_GZIP, stored, &greeting())]);
            l.edit(&parts.layers[0], |bytes| bytes[4] ^= 1);
        })
        .verify("blob-digest-mismatch layer-gzip-corrupt")
        .because("the time in the header is covered by the header's own checksum (FHCRC) only"),
        layout("flipped-bit-in-the-gzip-time", |l| {
            let parts = l.plain();
            l.edit(&parts.layers[0], |bytes| bytes[4] ^= 1);
        })
        .verify("blob-digest-mismatch")
        .because("the layer is the same when uncompressed; its blob is not"),
        layout("flipped-bit-in-the-configuration", |l| {
            let parts = l.plain();
            l.edit(&parts.config, |bytes| replace(bytes, "/bin/sh", "/bin/si"));
        })
        .verify("blob-digest-mismatch"),
        layout("flipped-bit-in-the-manifest", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.remove_blob(&parts.manifest);
            let manifest = with(&manifest_of(&parts.config, &parts.layers), "annotations", json!({"key": "value"}));
            let manifest = l.plain_manifest(&manifest);
            l.edit(&manifest, |bytes| replace(bytes, "value", "valud"));
        })
        .verify("blob-digest-mismatch"),
        layout("flipped-bit-in-a-nested-index", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let inner = l.document(INDEX, &with(&index_of(&[parts.manifest]), "annotations", json!({"key": "value"})));
            l.index(std::slice::from_ref(&inner));
            l.edit(&inner, |bytes| replace(bytes, "value", "valud"));
        })
        .verify("blob-digest-mismatch"),
        layout("manifest-replaced-by-a-sound-one", |l| {
            let parts = l.plain_of(&[Layer::gzip(&files("one\n"))]);
            let other = l.image(&[Layer::gzip(&files("two\n"))]);
            let node = l.remove_blob(&other.manifest);
            l.tree.insert(path_of(&parts.manifest), node);
        })
        .verify("blob-digest-mismatch")
        .because("skopeo copies such a layout without a word"),
        layout("flipped-bit-in-every-blob", |l| {
            let parts = l.plain_of(&[Layer::tar(&greeting())]);
            l.edit(&parts.manifest, |bytes| bytes.push(b'\n'));
            l.edit(&parts.config, |bytes| bytes.push(b'\n'));
            l.edit(&parts.layers[0], |bytes| flip_in_greeting(bytes));
        })
        .verify(
            "blob-size-mismatch blob-digest-mismatch blob-size-mismatch blob-digest-mismatch blob-digest-mismatch \
             diffid-mismatch",
        )
        .because("the order is that of the documents: manifest, configuration, layers"),
        layout("truncated-gzip-layer", |l| {
            let parts = l.plain();
            l.edit(&parts.layers[0], |bytes| bytes.truncate(bytes.len() / 2));
        })
        .verify("blob-size-mismatch blob-digest-mismatch layer-gzip-truncated"),
        layout("truncated-zstd-layer", |l| {
            let parts = l.plain_of(&[Layer::zstd(&greeting())]);
            l.edit(&parts.layers[0], |bytes| bytes.truncate(bytes.len() / 2));
        })
        .verify("blob-size-mismatch blob-digest-mismatch layer-zstd-truncated"),
        layout("truncated-tar-layer", |l| {
            let parts = l.plain_of(&[Layer::tar(&greeting())]);
            l.edit(&parts.layers[0], |bytes| bytes.truncate(1024 + 3));
        })
        .verify("blob-size-mismatch blob-digest-mismatch diffid-mismatch layer-tar-malformed"),
        layout("truncated-manifest", |l| {
            let parts = l.plain();
            l.edit(&parts.manifest, |bytes| bytes.truncate(bytes.len() - 1));
        })
        .verify("blob-size-mismatch blob-digest-mismatch json-invalid"),
        layout("truncated-configuration", |l| {
            let parts = l.plain();
            l.edit(&parts.config, |bytes| bytes.truncate(10));
        })
        .verify("blob-size-mismatch blob-digest-mismatch json-invalid"),
        layout("emptied-manifest", |l| {
            let parts = l.plain();
            l.edit(&parts.manifest, Vec::clear);
        })
        .verify("blob-size-mismatch blob-digest-mismatch json-invalid"),
        layout("emptied-layer", |l| {
            let parts = l.plain();
            l.edit(&parts.layers[0], Vec::clear);
        })
        .verify("blob-size-mismatch blob-digest-mismatch layer-gzip-truncated"),
        layout("extended-gzip-layer", |l| {
            let parts = l.plain();
            l.edit(&parts.layers[0], |bytes| bytes.extend(b"appended"));
        })
        .verify("blob-size-mismatch blob-digest-mismatch layer-gzip-trailing-garbage"),
        layout("extended-gzip-layer-by-a-member", |l| {
            let parts = l.plain();
            l.edit(&parts.layers[0], |bytes| bytes.extend(gzip::fixed(&greeting())));
        })
        .verify("blob-size-mismatch blob-digest-mismatch diffid-mismatch"),
        layout("extended-zstd-layer", |l| {
            let parts = l.plain_of(&[Layer::zstd(&greeting())]);
            l.edit(&parts.layers[0], |bytes| bytes.extend(b"appended"));
        })
        .verify("blob-size-mismatch blob-digest-mismatch layer-zstd-trailing-garbage"),
        layout("extended-tar-layer", |l| {
            let parts = l.plain_of(&[Layer::tar(&greeting())]);
            l.edit(&parts.layers[0], |bytes| bytes.extend([0; 512]));
        })
        .verify("blob-size-mismatch blob-digest-mismatch diffid-mismatch"),
        layout("extended-manifest", |l| {
            let parts = l.plain();
            l.edit(&parts.manifest, |bytes| bytes.push(b'\n'));
        })
        .verify("blob-size-mismatch blob-digest-mismatch"),
        layout("extended-configuration", |l| {
            let parts = l.plain();
            l.edit(&parts.config, |bytes| bytes.extend(b"{}"));
        })
        .verify("blob-size-mismatch blob-digest-mismatch json-invalid"),
        layout("swapped-layers", |l| {
            let parts = l.plain_of(&[Layer::gzip(&files("one\n")), Layer::gzip(&files("two\n"))]);
            let (one, two) = (path_of(&parts.layers[0]), path_of(&parts.layers[1]));
            let (first, second) = (l.remove(&one), l.remove(&two));
            l.tree.extend([(one, second), (two, first)]);
        })
        .verify("blob-digest-mismatch diffid-mismatch blob-digest-mismatch diffid-mismatch"),
    ]
}

fn missing() -> Vec<Case> {
    vec![
        layout("missing-manifest", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.manifest);
        })
        .verify("blob-missing"),
        layout("missing-configuration", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.config);
        })
        .verify("blob-missing"),
        layout("missing-layer", |l| {
            let parts = l.plain_of(&[Layer::gzip(&files("one\n")), Layer::gzip(&files("two\n"))]);
            l.remove_blob(&parts.layers[0]);
        })
        .verify("blob-missing"),
        layout("missing-nested-index", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let inner = l.document(INDEX, &index_of(&[parts.manifest]));
            l.index(std::slice::from_ref(&inner));
            l.remove_blob(&inner);
        })
        .verify("blob-missing"),
        layout("missing-configuration-and-layers", |l| {
            let parts = l.plain_of(&[Layer::gzip(&files("one\n")), Layer::gzip(&files("two\n"))]);
            l.remove_blob(&parts.config);
            l.remove_blob(&parts.layers[0]);
            l.remove_blob(&parts.layers[1]);
        })
        .verify("blob-missing blob-missing blob-missing"),
        layout("missing-blob-folder", |l| {
            l.plain();
            l.tree.retain(|path, _| !path.starts_with("blobs/"));
        })
        .verify("blob-missing"),
        layout("missing-artifact-file", |l| {
            let config = l.blob("application/vnd.example.config", b"{}");
            let file = l.blob("text/plain", b"any bytes\n");
            l.plain_manifest(&manifest_of(&config, std::slice::from_ref(&file)));
            l.remove_blob(&file);
        })
        .verify("blob-missing"),
        layout("blob-is-a-folder", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.put(
                &format!("{}/file", path_of(&parts.layers[0])),
                b"a folder needs a file to be kept by git\n",
            );
        })
        .verify("blob-not-a-file"),
        layout("manifest-is-a-folder", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.manifest);
            l.put(
                &format!("{}/file", path_of(&parts.manifest)),
                b"a folder needs a file to be kept by git\n",
            );
        })
        .verify("blob-not-a-file"),
        layout("blob-folder-is-a-file", |l| {
            l.plain();
            l.tree.retain(|path, _| !path.starts_with("blobs/"));
            l.put("blobs", b"a file\n");
        })
        .verify("blob-missing"),
    ]
}

fn unreferenced() -> Vec<Case> {
    let all = "verify --unreferenced";
    vec![
        layout("unreferenced-blob", |l| {
            l.plain();
            l.blob(TAR_GZIP, b"left over\n");
        })
        .verify("intact")
        .row(all, "", "info:unreferenced-blob"),
        layout("unreferenced-image", |l| {
            let parts = l.image(&[Layer::gzip(&files("old\n"))]);
            l.plain();
            l.expect(
                all,
                &format!(":{TAG}"),
                "info:unreferenced-blob info:unreferenced-blob info:unreferenced-blob",
            );
            l.expect("verify", &format!("@{}", digest_of(&parts.manifest)), "reference-not-found");
        })
        .row(all, "", "info:unreferenced-blob info:unreferenced-blob info:unreferenced-blob")
        .because("of a manifest that nothing refers to, its configuration and layers are unreferenced too"),
        layout("unreferenced-blob-of-a-broken-image", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.blob(TAR_GZIP, b"left over\n");
        })
        .row(all, "", "blob-missing info:unreferenced-blob"),
        layout("referenced-by-a-subject", |l| {
            let config = l.document(CONFIG, &config_of(&[]));
            let subject = with(&manifest_of(&config, &[]), "annotations", json!({"is": "the subject"}));
            let subject = l.document(MANIFEST, &subject);
            l.plain_manifest(&with(&manifest_of(&config, &[]), "subject", subject));
        })
        .verify("intact")
        .row(all, "", "intact")
        .because("a subject that is here is referred to; it is not part of the image"),
        layout("stray-files", |l| {
            l.plain();
            l.put("README", b"no part of the format\n");
            l.put("blobs/README", b"no part of the format\n");
            l.put("blobs/sha256/README", b"no blob\n");
            l.put(&format!("blobs/sha256/{}", "AB".repeat(32)), b"upper case: no digest\n");
        })
        .verify("intact")
        .row(all, "", "info:stray-file info:stray-file info:stray-file info:stray-file"),
        layout("unreferenced-blob-of-another-algorithm", |l| {
            l.plain();
            l.put("blobs/md5/b1946ac92492d2347c6235b4d2611184", b"hello\n");
        })
        .row(all, "", "info:unreferenced-blob"),
    ]
}

fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let altered = String::from_utf8_lossy(bytes).replace(from, to).into_bytes();
    assert_eq!(altered.len(), bytes.len());
    assert_ne!(altered, *bytes);
    *bytes = altered;
}
