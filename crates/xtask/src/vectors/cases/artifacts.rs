//! What is stored as a manifest and is no image.

use serde_json::json;

use crate::vectors::{
    bytes::{base64, digest, gzip, tar::Tar},
    case::{Case, Section},
    layout::{
        EMPTY, IN_TOTO, Layer, MANIFEST, TAG, TAR, descriptor, greeting, layout, manifest_of, tagged, with,
    },
};

pub(super) fn sections() -> Vec<Section> {
    vec![Section { title: "Artifacts: what is stored as a manifest and is no image", cases: artifacts() }]
}

fn artifacts() -> Vec<Case> {
    vec![
        layout("artifact", |l| {
            let config = l.blob(EMPTY, b"{}");
            let file = l.blob("text/plain", b"any bytes\n");
            let manifest = manifest_of(&with(&config, "data", base64::encode(b"{}")), &[file]);
            l.plain_manifest(&with(&manifest, "artifactType", "application/vnd.example.note"));
        })
        .verify("intact"),
        layout("artifact-without-a-file", |l| {
            let config = l.blob(EMPTY, b"{}");
            let manifest = manifest_of(&config, std::slice::from_ref(&config));
            l.plain_manifest(&with(&manifest, "artifactType", "application/vnd.example.marker"));
        })
        .verify("intact")
        .because("the empty descriptor stands for the configuration and for the one layer (manifest.md)"),
        layout("artifact-whose-subject-is-absent", |l| {
            let config = l.blob(EMPTY, b"{}");
            let file = l.blob("application/vnd.example.sbom+json", b"{\"packages\":[]}");
            let manifest = with(
                &manifest_of(&config, &[file]),
                "subject",
                descriptor(MANIFEST, &digest::of(b"an image elsewhere"), 500),
            );
            l.plain_manifest(&with(&manifest, "artifactType", "application/vnd.example.sbom"));
        })
        .verify("intact")
        .because("a subject may be absent (manifest.md, subject)"),
        layout("artifact-with-its-subject", |l| {
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let config = l.blob(EMPTY, b"{}");
            let file = l.blob("application/vnd.example.signature", b"signed\n");
            let manifest = with(&manifest_of(&config, &[file]), "subject", parts.manifest.clone());
            let manifest =
                l.document(MANIFEST, &with(&manifest, "artifactType", "application/vnd.example.signature"));
            l.index(&[tagged(&parts.manifest, TAG), manifest]);
        })
        .verify("intact"),
        layout("artifact-chart", |l| {
            let chart = Tar::new().file("app/Chart.yaml", b"name: app\n").end();
            let config = l.blob("application/vnd.cncf.helm.config.v1+json", b"{\"name\":\"app\"}");
            let file = l.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &gzip::fixed(&chart));
            l.plain_manifest(&manifest_of(&config, &[file]));
        })
        .verify("intact"),
        layout("artifact-whose-configuration-is-not-json", |l| {
            let config = l.blob("application/vnd.example.binary", b"\xff\xfe\x00\x01");
            let file = l.blob("application/wasm", b"\0asm\x01\0\0\0");
            l.plain_manifest(&manifest_of(&config, &[file]));
        })
        .verify("intact"),
        layout("artifact-file-under-a-tar-type", |l| {
            let config = l.blob("application/vnd.unknown.config.v1+json", b"{}");
            let file = l.blob(TAR, b"a text file, no tar\n");
            l.plain_manifest(&manifest_of(&config, &[file]));
        })
        .verify("intact")
        .because(
            "ORAS gives plain files the type of a tar; without an image's configuration nobody unpacks them",
        ),
        layout("signature-under-an-image-configuration", |l| {
            let payload = b"{\"critical\":{}}";
            let layer =
                Layer::new("application/vnd.dev.cosign.simplesigning.v1+json", payload.to_vec(), payload);
            let parts = l.image_for("/", std::slice::from_ref(&layer));
            l.index(&[parts.manifest]);
        })
        .verify("intact")
        .because("cosign: an image's configuration without a platform over a layer that is no tar"),
        layout("statement-under-an-image-configuration", |l| {
            let statement = Layer::new(IN_TOTO, b"{\"_type\":\"x\"}".to_vec(), b"other bytes");
            l.plain_of(&[statement]);
        })
        .verify("intact")
        .because("a diffID says nothing about a layer that is no tar"),
        layout("artifact-manifest-of-a-withdrawn-type", |l| {
            let body = json!({"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "blobs": []});
            let manifest = l.document("application/vnd.oci.artifact.manifest.v1+json", &body);
            let parts = l.image(&[Layer::gzip(&greeting())]);
            l.index(&[parts.manifest, manifest]);
        })
        .verify("warning:mediatype-unknown incomplete"),
    ]
}
