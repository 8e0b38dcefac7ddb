//! Docker archives, as `docker save` and others write them.

use serde_json::{Value, json};

use super::archives::{archive, members};
use crate::vectors::{
    bytes::{
        digest::{self, encoded},
        gzip, json as text,
        tar::Tar,
        xz,
    },
    case::{Case, Section},
    layout::{
        Layer, Layout, config_for, config_of, digest_of, files, flip_in_greeting, greeting, index_of,
        path_of, with,
    },
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Docker archives, in the forms that tools write", cases: forms() },
        Section { title: "Docker archives that are broken", cases: broken() },
    ]
}

/// The members of a docker archive, put together step by step.
#[derive(Clone, Default)]
struct Docker {
    tar: Tar,
    images: Vec<Value>,
}

impl Docker {
    fn new() -> Self {
        Self::default()
    }

    /// Adds a configuration under the name of its digest.
    fn config(self, config: &Value) -> (Self, String) {
        let bytes = text::text(config);
        let name = format!("{}.json", encoded(&digest::of(&bytes)));
        (self.member(&name, &bytes), name)
    }

    fn member(self, name: &str, bytes: &[u8]) -> Self {
        Self { tar: self.tar.file(name, bytes), ..self }
    }

    /// Adds a layer in a folder of its own, as Docker did up to version 24.
    fn layer(self, id: &str, bytes: &[u8]) -> (Self, String) {
        let name = format!("{id}/layer.tar");
        (Self { tar: self.tar.dir(&format!("{id}/")).file(&name, bytes), ..self }, name)
    }

    fn image(mut self, config: &str, tags: &Value, layers: &[&str]) -> Self {
        self.images.push(json!({"Config": config, "RepoTags": tags, "Layers": layers}));
        self
    }

    /// The archive with its `manifest.json`.
    fn end(self) -> Vec<u8> {
        let manifest = text::text(&Value::Array(self.images.clone()));
        self.member("manifest.json", &manifest).tar.end()
    }
}

/// Parts of the one image that most of these archives hold.
struct Parts {
    docker: Docker,
    config: String,
    layer: String,
}

/// Configuration and layer, not yet named by a `manifest.json`.
fn parts() -> Parts {
    parts_of(&greeting(), &greeting())
}

/// The same for a layer as stored and what it should be.
fn parts_of(stored: &[u8], tar: &[u8]) -> Parts {
    let (docker, config) = Docker::new().config(&config_of(&[Layer::tar(tar)]));
    let (docker, layer) = docker.layer("layer-1", stored);
    Parts { docker, config, layer }
}

fn tags(names: &[&str]) -> Value {
    json!(names)
}

fn image(Parts { docker, config, layer }: Parts) -> Vec<u8> {
    docker.image(&config, &tags(&["example/app:1.0"]), &[&layer]).end()
}

/// A whole archive whose `manifest.json` is given, once with the parts' names.
fn manifest(name: &str, make: impl FnOnce(&str, &str) -> Vec<u8>) -> Case {
    let Parts { docker, config, layer } = parts();
    let manifest = make(&config, &layer);
    archive(name, docker.member("manifest.json", &manifest).tar.end())
}

trait DockerArchive {
    fn read(self, expected: &str) -> Self;
}

impl DockerArchive for Case {
    fn read(self, expected: &str) -> Self {
        self.read_as("docker-archive", "", expected)
    }
}

/// What Docker since version 25 writes: a layout, and a `manifest.json` that names its blobs.
fn version_25(name: &str, edit: impl FnOnce(&mut Layout)) -> Case {
    let mut l = Layout::new();
    let parts = l.plain_of(&[Layer::tar(&greeting())]);
    let manifest = json!([{
        "Config": path_of(&parts.config), "RepoTags": ["example/app:1.0"], "Layers": [path_of(&parts.layers[0])],
        "LayerSources": {digest_of(&parts.layers[0]): parts.layers[0]},
    }]);
    l.put("manifest.json", &text::text(&manifest));
    l.put("repositories", br#"{"example/app":{"1.0":"x"}}"#);
    edit(&mut l);
    archive(name, members(&l).end())
}

fn forms() -> Vec<Case> {
    vec![
        archive("docker.tar", {
            let Parts { docker, config, layer } = parts();
            // What Docker 1.10 to 24 adds for older ones, and nobody needs.
            let docker = docker
                .member("layer-1/VERSION", b"1.0")
                .member("layer-1/json", b"{\"id\":\"layer-1\"}")
                .member("repositories", b"{\"example/app\":{\"1.0\":\"layer-1\"}}");
            image(Parts { docker, config, layer })
        })
            .read("intact")
            .read_as("docker-archive", ":example/app:1.0", "intact")
            .read_as("docker-archive", ":@0", "intact")
            .read_as("docker-archive", ":example/app:2.0", "reference-not-found")
            .read_as("docker-archive", ":@1", "reference-not-found")
            .read_as("oci-archive", "", "oci-layout-missing index-missing"),
        archive("docker-two-images.tar", {
            let Parts { docker, config, layer } = parts();
            let docker = docker.image(&config, &tags(&["example/one:1", "example/one:latest"]), &[&layer]);
            let (docker, other) = docker.config(&config_of(&[Layer::tar(&greeting()), Layer::tar(&files("two\n"))]));
            let (docker, second) = docker.layer("layer-2", &files("two\n"));
            docker.image(&other, &tags(&["example/two:1"]), &[&layer, &second]).end()
        })
        .read("intact")
        .read_as("docker-archive", ":example/one:latest", "intact")
        .read_as("docker-archive", ":example/two:1", "intact")
        .read_as("docker-archive", ":@1", "intact"),
        archive("docker-one-of-two-is-broken.tar", {
            let Parts { docker, config, layer } = parts();
            let docker = docker.image(&config, &tags(&["example/good:1"]), &[&layer]);
            docker.image(&config, &tags(&["example/bad:1"]), &["layer-2/layer.tar"]).end()
        })
        .read("layer-missing")
        .read_as("docker-archive", ":example/good:1", "intact")
        .read_as("docker-archive", ":example/bad:1", "layer-missing"),
        archive("docker-without-tags.tar", {
            let Parts { docker, config, layer } = parts();
            docker.image(&config, &Value::Null, &[&layer]).end()
        })
        .read("intact"),
        archive("docker-without-layers.tar", {
            let (docker, config) = Docker::new().config(&config_of(&[]));
            docker.image(&config, &tags(&["example/scratch:1"]), &[]).end()
        })
        .read("intact"),
        archive("docker-layers-null.tar", {
            let (docker, config) = Docker::new().config(&config_of(&[]));
            let manifest = json!([{"Config": config, "RepoTags": ["example/scratch:1"], "Layers": null}]);
            docker.member("manifest.json", &text::text(&manifest)).tar.end()
        })
        .read("intact"),
        archive("docker-linked-layer.tar", {
            let layer = Layer::tar(&greeting());
            let (docker, config) = Docker::new().config(&config_of(&[layer.clone(), layer]));
            let (docker, first) = docker.layer("layer-1", &greeting());
            let tar = docker.tar.dir("layer-2/").symlink("layer-2/layer.tar", "../layer-1/layer.tar");
            let docker = Docker { tar, ..docker };
            docker.image(&config, &tags(&["example/app:1.0"]), &[&first, "layer-2/layer.tar"]).end()
        })
        .read("intact"),
        archive("docker-hard-linked-layer.tar", {
            let layer = Layer::tar(&greeting());
            let (docker, config) = Docker::new().config(&config_of(&[layer.clone(), layer]));
            let (docker, first) = docker.layer("layer-1", &greeting());
            let tar = docker.tar.dir("layer-2/").hard_link("layer-2/layer.tar", "layer-1/layer.tar");
            let docker = Docker { tar, ..docker };
            docker.image(&config, &tags(&["example/app:1.0"]), &[&first, "layer-2/layer.tar"]).end()
        })
        .read("intact"),
        archive("docker-one-layer-twice.tar", {
            let layer = Layer::tar(&greeting());
            let (docker, config) = Docker::new().config(&config_of(&[layer.clone(), layer]));
            let (docker, first) = docker.layer("layer-1", &greeting());
            docker.image(&config, &tags(&["example/app:1.0"]), &[&first, &first]).end()
        })
        .read("intact"),
        archive("docker-gzip-layer.tar", image(parts_of(&gzip::fixed(&greeting()), &greeting())))
            .read("intact")
            .because("Jib, Bazel and Kaniko store layers compressed; there is no media type to contradict"),
        archive("docker.tar.gz", gzip::fixed(&image(parts()))).read("intact"),
        archive("docker.tar.xz", xz::stream(&image(parts()))).read("intact"),
        archive("docker-lower-case-keys.tar", {
            let (docker, _) = parts_named("config.json");
            let manifest = json!([{"config": "config.json", "repoTags": ["example/app:1.0"], "layers": ["layer-1/layer.tar"]}]);
            docker.member("manifest.json", &text::text(&manifest)).tar.end()
        })
        .read("info:docker-manifest-lowercase-keys info:config-name-not-a-digest")
        .because("Jib writes it so, and Docker's reader takes it"),
        archive("docker-config-name-is-no-digest.tar", {
            let (docker, layer) = parts_named("config.json");
            docker.image("config.json", &tags(&["example/app:1.0"]), &[&layer]).end()
        })
        .read("info:config-name-not-a-digest"),
        archive("docker-config-name-with-an-algorithm.tar", {
            let config = text::text(&config_of(&[Layer::tar(&greeting())]));
            let name = digest::of(&config);
            let (docker, layer) = parts_named(&name);
            docker.image(&name, &tags(&["example/app:1.0"]), &[&layer]).end()
        })
        .read("intact")
        .because("Bazel's rules name it `sha256:<hex>`"),
        archive("docker-dot-names.tar", {
            let config = text::text(&config_of(&[Layer::tar(&greeting())]));
            let name = format!("{}.json", encoded(&digest::of(&config)));
            let manifest = text::text(&json!([{"Config": name, "RepoTags": [], "Layers": ["a/layer.tar"]}]));
            Tar::new()
                .dir("./")
                .file(&format!("./{name}"), &config)
                .dir("./a/")
                .file("./a/layer.tar", &greeting())
                .file("./manifest.json", &manifest)
                .end()
        })
        .read("intact"),
        version_25("docker-25.tar", |_| {})
            .read("intact")
            .read_as("docker-archive", ":example/app:1.0", "intact")
            .read_as("oci-archive", "", "intact")
            .read_as("oci-archive", ":v1", "intact"),
        version_25("docker-25-manifests-null.tar", |l| {
            let index = with(&index_of(&[]), "manifests", Value::Null);
            l.index_text(&text::text(&index));
        })
        .read("intact")
        .read_as("oci-archive", "", "index-no-manifests")
        .because("docker save by image ID leaves the layout's index empty"),
    ]
}

/// A configuration under a name of one's own, and the layer.
fn parts_named(config: &str) -> (Docker, String) {
    let docker = Docker::new().member(config, &text::text(&config_of(&[Layer::tar(&greeting())])));
    docker.layer("layer-1", &greeting())
}

fn broken() -> Vec<Case> {
    let altered = || {
        let mut tar = greeting();
        flip_in_greeting(&mut tar);
        tar
    };
    vec![
        archive("docker-without-manifest-json.tar", parts().docker.tar.end())
            .read("docker-manifest-json-missing"),
        manifest("docker-manifest-json-is-an-object.tar", |config, layer| {
            text::text(&json!({"Config": config, "RepoTags": [], "Layers": [layer]}))
        })
        .read("docker-manifest-not-list"),
        manifest("docker-manifest-json-holds-a-string.tar", |config, _| text::text(&json!([config])))
            .read("manifest-malformed"),
        manifest("docker-manifest-json-is-an-empty-list.tar", |_, _| b"[]".to_vec())
            .read("index-no-manifests")
            .because("nothing was checked, so it is not valid"),
        manifest("docker-manifest-json-is-not-json.tar", |_, _| b"[".to_vec()).read("json-invalid"),
        manifest("docker-manifest-json-invalid-utf8.tar", |_, _| b"[\"\xff\"]".to_vec())
            .read("json-invalid-utf8"),
        manifest("docker-manifest-json-with-a-byte-order-mark.tar", |config, layer| {
            let list = json!([{"Config": config, "RepoTags": [], "Layers": [layer]}]);
            [b"\xef\xbb\xbf".to_vec(), text::text(&list)].concat()
        })
        .read("json-bom"),
        manifest("docker-manifest-json-duplicate-key.tar", |config, layer| {
            format!(r#"[{{"Config":"{config}","Layers":["{layer}"],"Layers":[]}}]"#).into_bytes()
        })
        .read("json-duplicate-key"),
        archive("docker-configuration-for-another-platform-is-altered.tar", {
            let config = config_for("linux/arm64", &[Layer::tar(&greeting())]);
            let name = format!("{}.json", encoded(&digest::of(&text::text(&config))));
            let altered = config_for("linux/amd64", &[Layer::tar(&greeting())]);
            let (docker, layer) =
                Docker::new().member(&name, &text::text(&altered)).layer("layer-1", &greeting());
            docker.image(&name, &tags(&["example/app:1.0"]), &[&layer]).end()
        })
        .through("docker-archive", "verify --platform linux/arm64", "", "config-digest-mismatch"),
        manifest("docker-manifest-json-two-cases-of-a-key.tar", |config, layer| {
            format!(r#"[{{"Config":"{config}","Layers":["{layer}"],"layers":[]}}]"#).into_bytes()
        })
        .read("json-case-variant-key"),
        manifest("docker-manifest-json-without-a-config.tar", |_, layer| {
            text::text(&json!([{"Layers": [layer]}]))
        })
        .read("manifest-no-config"),
        manifest("docker-manifest-json-without-layers.tar", |config, _| {
            text::text(&json!([{"Config": config}]))
        })
        .read("manifest-no-layers"),
        manifest("docker-missing-config.tar", |_, layer| {
            let name = format!("{}.json", encoded(&digest::of(b"another configuration")));
            text::text(&json!([{"Config": name, "RepoTags": [], "Layers": [layer]}]))
        })
        .read("config-missing"),
        manifest("docker-missing-layer.tar", |config, _| {
            text::text(&json!([{"Config": config, "RepoTags": [], "Layers": ["layer-2/layer.tar"]}]))
        })
        .read("layer-missing"),
        manifest("docker-layer-is-a-path-outside.tar", |config, _| {
            text::text(&json!([{"Config": config, "RepoTags": [], "Layers": ["../../../../etc/passwd"]}]))
        })
        .read("layer-missing")
        .because("a name is looked up among the members and nowhere else"),
        manifest("docker-layer-is-a-folder.tar", |config, _| {
            text::text(&json!([{"Config": config, "RepoTags": [], "Layers": ["layer-1"]}]))
        })
        .read("blob-not-a-file"),
        archive("docker-layer-is-a-link-outside.tar", {
            let (docker, config) = Docker::new().config(&config_of(&[Layer::tar(&greeting())]));
            let docker = Docker { tar: docker.tar.symlink("layer.tar", "/etc/passwd"), ..docker };
            docker.image(&config, &tags(&[]), &["layer.tar"]).end()
        })
        .read("blob-outside-layout"),
        archive("docker-config-digest-mismatch.tar", {
            let name = format!("{}.json", encoded(&digest::of(b"another configuration")));
            let (docker, layer) = parts_named(&name);
            docker.image(&name, &tags(&["example/app:1.0"]), &[&layer]).end()
        })
        .read("config-digest-mismatch"),
        archive("docker-config-is-not-json.tar", {
            let name = format!("{}.json", encoded(&digest::of(b"no JSON\n")));
            let (docker, layer) = Docker::new().member(&name, b"no JSON\n").layer("layer-1", &greeting());
            docker.image(&name, &tags(&[]), &[&layer]).end()
        })
        .read("json-invalid"),
        archive("docker-diffid-mismatch.tar", image(parts_of(&altered(), &greeting())))
            .read("diffid-mismatch"),
        archive("docker-gzip-layer-corrupt.tar", {
            let mut stored = gzip::stored(&greeting());
            flip_in_greeting(&mut stored);
            image(parts_of(&stored, &greeting()))
        })
        .read("layer-gzip-corrupt"),
        archive("docker-gzip-layer-truncated.tar", {
            let stored = gzip::fixed(&greeting());
            image(parts_of(&stored[..stored.len() - 4], &greeting()))
        })
        .read("layer-gzip-truncated"),
        archive("docker-layer-is-not-a-tar.tar", image(parts_of(b"no tar\n", b"no tar\n")))
            .read("layer-not-a-tar"),
        archive("docker-diffids-too-many.tar", {
            let layer = Layer::tar(&greeting());
            let (docker, config) = Docker::new().config(&config_of(&[layer.clone(), layer]));
            let (docker, layer) = docker.layer("layer-1", &greeting());
            docker.image(&config, &tags(&[]), &[&layer]).end()
        })
        .read("diffid-count-mismatch"),
        archive("docker-config-without-rootfs.tar", {
            let (docker, config) = Docker::new().config(&json!({"os": "linux", "architecture": "amd64"}));
            let (docker, layer) = docker.layer("layer-1", &greeting());
            docker.image(&config, &tags(&[]), &[&layer]).end()
        })
        .read("config-no-rootfs"),
        version_25("docker-25-altered-layer.tar", |l| {
            let path = path_of(&json!({"digest": digest::of(&greeting())}));
            l.put(&path, &altered());
        })
        .read("blob-digest-mismatch diffid-mismatch")
        .read_as("oci-archive", "", "blob-digest-mismatch diffid-mismatch"),
        version_25("docker-25-altered-config.tar", |l| {
            let path =
                path_of(&json!({"digest": digest::of(&text::text(&config_of(&[Layer::tar(&greeting())])))}));
            l.put(
                &path,
                &text::text(&with(&config_of(&[Layer::tar(&greeting())]), "author", "someone else")),
            );
        })
        .read("config-digest-mismatch")
        .read_as("oci-archive", "", "blob-size-mismatch blob-digest-mismatch"),
        version_25("docker-25-missing-layer.tar", |l| {
            let path = path_of(&json!({"digest": digest::of(&greeting())}));
            l.remove(&path);
        })
        .read("layer-missing")
        .read_as("oci-archive", "", "blob-missing"),
        archive("docker-truncated.tar", {
            let bytes = image(parts());
            bytes[..bytes.len() / 2].to_vec()
        })
        .read("archive-unreadable"),
        archive("docker-truncated.tar.gz", {
            let bytes = gzip::fixed(&image(parts()));
            bytes[..bytes.len() - 4].to_vec()
        })
        .read("archive-unreadable"),
        archive("docker-two-manifest-jsons.tar", {
            let Parts { docker, config, layer } = parts();
            let docker = docker.member("manifest.json", b"[]");
            docker.image(&config, &tags(&["example/app:1.0"]), &[&layer]).end()
        })
        .read("archive-duplicate-entry"),
    ]
}
