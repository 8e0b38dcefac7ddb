//! Images that are built: what they must be, put together by hand.

use serde_json::{Value, json};

use crate::vectors::{
    bytes::{
        digest, jcs,
        tar::{Header, Tar},
    },
    case::{Case, Node, Row, Section, Tree},
    layout::with,
};

const PAGE: &[u8] = b"<h1>cast in one piece</h1>\n";
const CREATED: &str = "2026-11-23T22:50:00Z";

pub(super) fn sections() -> Vec<Section> {
    vec![Section { title: "Builds: the same bytes in every language", cases: vec![site(), refused()] }]
}

/// A description in both its forms.
fn site() -> Case {
    let description = json!({
        "platforms": ["linux/amd64"],
        "created": CREATED,
        "compression": "none",
        "layers": [
            {"directory": "files", "to": "/srv", "modes": "normal", "exclude": ["**/*.tmp"]},
            {"file": "files/page.html", "to": "/index.html", "modes": "0400", "owner": "1000:1000"},
        ],
        "config": {
            "entrypoint": ["/bin/httpd"], "cmd": ["-p", "8080"], "env": {"LANG": "C.UTF-8"}, "user": "1000:1000",
            "working-dir": "/srv", "labels": {"team": "web"}, "exposed-ports": ["8080"], "stop-signal": "SIGTERM",
        },
        "annotations": {"org.opencontainers.image.revision": "4f2c"},
    });
    let toml = format!(
        r#"platforms = ["linux/amd64"]
created = "{CREATED}"
compression = "none"

[[layers]]
directory = "files"
to = "/srv"
modes = "normal"
exclude = ["**/*.tmp"]

[[layers]]
file = "files/page.html"
to = "/index.html"
modes = "0400"
owner = "1000:1000"

[config]
entrypoint = ["/bin/httpd"]
cmd = ["-p", "8080"]
env = {{ LANG = "C.UTF-8" }}
user = "1000:1000"
working-dir = "/srv"
labels = {{ team = "web" }}
exposed-ports = ["8080"]
stop-signal = "SIGTERM"

[annotations]
"org.opencontainers.image.revision" = "4f2c"
"#
    );
    let tree = Tree::from([
        ("builds/site/site.json".into(), Node::File(jcs::canonical(&description).into_bytes())),
        ("builds/site/site.toml".into(), Node::File(toml.into_bytes())),
        ("builds/site/files/page.html".into(), Node::File(PAGE.into())),
        ("builds/site/files/left-out.tmp".into(), Node::File(b"not in it\n".into())),
        ("builds/site/files/down/deep.txt".into(), Node::File(b"deep\n".into())),
    ]);
    let built = manifest();
    let rows = vec![
        Row::new("build", "builds/site/site.json", &built),
        Row::new("build", "builds/site/site.toml", &built),
        // A compressor's bytes are nobody's to compute but its own: these are what castline made of it first.
        Row::new("build --compression gzip", "builds/site/site.json", GZIP),
        Row::new("build --compression gzip", "builds/site/site.toml", GZIP),
        Row::new("build --compression zstd", "builds/site/site.json", ZSTD),
    ];
    Case { place: "builds/site".into(), tree, rows, why: None }
}

const GZIP: &str = "sha256:030935670f5f4c10078403c31a1fbcf4614fe741810f7b341f2e368d3811f44a";
const ZSTD: &str = "sha256:17b426494efa3137d2d5ae3a2f6c360890d2556cbdfcd29a026a9b1f7b01591b";

/// The digest of the manifest, layers being as they are.
fn manifest() -> String {
    let time = 1_795_474_200;
    let any = |path: &str, kind| Header::new(path, kind).device(0, 0).time(time);
    let folder = |path: &str| any(path, b'5').mode(0o755);
    let file = |path: &str, size| any(path, b'0').size(size);
    let first = Tar::new()
        .entry(&folder("./"), &[])
        .entry(&folder("srv/"), &[])
        .entry(&folder("srv/down/"), &[])
        .entry(&file("srv/down/deep.txt", 5), b"deep\n")
        .entry(&file("srv/page.html", PAGE.len()), PAGE)
        .end();
    let second = Tar::new().entry(&file("index.html", PAGE.len()).mode(0o400).owner(1000, 1000), PAGE).end();
    let layers = [first, second];
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest::of(layer)).collect();
    let steps = ["castline build: folder to /srv", "castline build: file to /index.html"];
    let config = jcs::canonical(&json!({
        "created": CREATED, "os": "linux", "architecture": "amd64",
        "config": {
            "Entrypoint": ["/bin/httpd"], "Cmd": ["-p", "8080"], "Env": ["LANG=C.UTF-8"], "User": "1000:1000",
            "WorkingDir": "/srv", "Labels": {"team": "web"}, "ExposedPorts": {"8080/tcp": {}}, "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": steps.map(|step| json!({"created": CREATED, "created_by": step})),
    }));
    let descriptor = |kind: &str, bytes: &[u8]| {
        let media_type = format!("application/vnd.oci.image.{kind}");
        json!({"mediaType": media_type, "digest": digest::of(bytes), "size": bytes.len()})
    };
    let layers: Vec<Value> = layers.iter().map(|layer| descriptor("layer.v1.tar", layer)).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config.as_bytes()),
        "layers": layers,
        "annotations": {"org.opencontainers.image.created": CREATED, "org.opencontainers.image.revision": "4f2c"},
    });
    digest::of(jcs::canonical(&manifest).as_bytes())
}

/// What is not known is refused, and so is what says nothing.
fn refused() -> Case {
    let description = json!({"platforms": ["linux/amd64"], "layers": []});
    let cases = [
        ("misspelt", with(&description, "platfroms", json!([]))),
        ("nowhere", with(&description, "platforms", json!([]))),
        ("twofold", with(&description, "layers", json!([{"directory": "a", "tar": "b"}]))),
    ];
    let mut case = Case { place: "builds/refused".into(), tree: Tree::new(), rows: Vec::new(), why: None };
    for (name, description) in cases {
        let path = format!("builds/refused/{name}.json");
        case.rows.push(Row::new("build", &path, "!INVALID_DOCUMENT"));
        case.tree.insert(path, Node::File(jcs::canonical(&description).into_bytes()));
    }
    case
}
