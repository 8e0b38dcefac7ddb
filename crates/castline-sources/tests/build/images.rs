use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use castline_core::{Compression, Watch, rootfs::NodeKind};
use castline_sources::{
    Archive, BuildFile, Built, ImageBuilder, LayerSource, LayoutWriter, Modes, Owner, Reference, Times,
    write_archive,
};
use serde_json::json;

use crate::{built, jobs, json, paths, platform, tree, verified};

/// A small tree with what trees have.
fn fill(folder: &Path) {
    for name in ["bin", "etc", "srv/www"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    fs::write(folder.join("bin/app"), "#!/bin/sh\n").expect("writes");
    fs::write(folder.join("etc/app.conf"), "listen 80\n").expect("writes");
    fs::write(folder.join(format!("srv/www/{}", "long".repeat(50))), "x".repeat(300_000)).expect("writes");
    fs::hard_link(folder.join("bin/app"), folder.join("bin/same")).expect("a link");
    symlink("app", folder.join("bin/link")).expect("a link");
    for (name, mode) in [
        ("bin", 0o755),
        ("etc", 0o750),
        ("srv", 0o755),
        ("srv/www", 0o1777),
        ("bin/app", 0o4755),
        ("etc/app.conf", 0o640),
    ] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let long = folder.join(format!("srv/www/{}", "long".repeat(50)));
    fs::set_permissions(long, fs::Permissions::from_mode(0o644)).expect("a mode");
}

fn builder(folder: &Path) -> ImageBuilder {
    ImageBuilder::new(platform())
        .with_layer(LayerSource::directory(folder))
        .with_created("2026-11-23T22:50:00Z".parse().expect("a moment"))
        .with_entrypoint(["/bin/app"])
        .with_env("LANG", "C.UTF-8")
        .with_label("team", "web")
        .with_exposed_port("8080")
        .with_annotation("org.opencontainers.image.revision", "4f2c")
}

/// Pinned: who changes one of these changes every image that anybody builds.
#[test]
fn the_bytes_are_the_same_on_every_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    for (compression, expected) in [
        (Compression::None, "sha256:9f73352763b26ddcb8b29e1d5513d3dcc8bc1edfde466299e8253a6e5ed9b7d5"),
        (Compression::Gzip, "sha256:d036f0e79fdd439c3b6cc0c841516f9d4a0560a716ce9ddedbbc710417e10e44"),
        (Compression::Zstd, "sha256:793327a31d94ff3695e3b7d1bd7d48c2b9cb22aaebebbd1990dab4f29e793086"),
    ] {
        if compression == Compression::Zstd && !cfg!(feature = "native") {
            continue;
        }
        let (layout, image) = built(&builder(folder.path()).with_compression(compression));
        verified(layout.path());
        assert_eq!(image.descriptor.digest.to_string(), expected, "{compression:?}");
    }
}

#[test]
fn the_configuration_says_what_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    let (layout, image) = built(&builder(folder.path()));
    let config = json(layout.path(), &image.config);
    assert_eq!(
        config["config"],
        json!({"Entrypoint": ["/bin/app"], "Env": ["LANG=C.UTF-8"], "ExposedPorts": {"8080/tcp": {}}, "Labels": {"team": "web"}})
    );
    assert_eq!((&config["os"], &config["architecture"]), (&json!("linux"), &json!("amd64")));
    assert_eq!(config["created"], "2026-11-23T22:50:00Z");
    assert_eq!(config["history"][0]["created_by"], "castline build: folder to /");
    let manifest = json(layout.path(), &image.descriptor.digest);
    assert_eq!(
        manifest["annotations"],
        json!({"org.opencontainers.image.created": "2026-11-23T22:50:00Z", "org.opencontainers.image.revision": "4f2c"})
    );
    assert_eq!(image.layers[0].entries, 10);
}

#[test]
fn a_layer_goes_where_it_is_told_with_the_owners_and_modes_that_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    let layer = LayerSource::directory(folder.path())
        .at("/opt/app/")
        .with_owner(Owner::Fixed { uid: 7, gid: 8 })
        .with_modes(Modes::Normal)
        .with_times(Times::Created)
        .with_excluded("srv".parse().expect("a pattern"))
        .with_excluded("**/*.conf".parse().expect("a pattern"));
    let file =
        LayerSource::file(folder.path().join("etc/app.conf")).at("etc/").with_modes(Modes::Fixed(0o600));
    let (layout, _) = built(&ImageBuilder::new(platform()).with_layer(layer).with_layer(file));
    let tree = tree(layout.path());
    assert_eq!(
        paths(&tree),
        [
            "",
            "etc",
            "etc/app.conf",
            "opt",
            "opt/app",
            "opt/app/bin",
            "opt/app/bin/app",
            "opt/app/bin/link",
            "opt/app/bin/same",
            "opt/app/etc"
        ]
    );
    let app = tree.get(b"opt/app/bin/app").expect("is there");
    assert_eq!((app.mode, app.uid, app.gid, app.mtime.secs), (0o755, 7, 8, 0));
    let conf = tree.get(b"etc/app.conf").expect("is there");
    assert_eq!((conf.mode, conf.uid), (0o600, 0));
    assert_eq!(tree.get(b"opt/app/etc").expect("is there").mode, 0o755);
}

#[test]
fn a_base_lends_its_layers_and_settings_and_keeps_its_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    let (base, below) = built(&builder(folder.path()).with_cmd(["--old"]));
    let reference: Reference = format!("oci:{}:v1", base.path().display()).parse().expect("a reference");
    fs::write(folder.path().join("new"), "new").expect("writes");
    let above = ImageBuilder::new(platform())
        .with_base(reference)
        .with_layer(LayerSource::file(folder.path().join("new")).at("/etc/new"))
        .with_env("LANG", "de")
        .with_env("TZ", "UTC")
        .with_user("7:8");
    let (layout, image) = built(&above);
    let tree = tree(layout.path());
    assert!(matches!(tree.get(b"etc/new").expect("is there").kind, NodeKind::File { size: 3, .. }));
    assert_eq!(tree.get(b"etc").expect("is there").mode, 0o750);
    assert_eq!(image.layers[0].entries, 1);
    let config = json(layout.path(), &image.config);
    assert_eq!(config["config"]["Env"], json!(["LANG=de", "TZ=UTC"]));
    assert_eq!((&config["config"]["User"], &config["config"]["Cmd"]), (&json!("7:8"), &json!(["--old"])));
    assert_eq!(config["history"].as_array().expect("a list").len(), 2);
    let manifest = json(layout.path(), &image.descriptor.digest);
    assert_eq!(
        manifest["annotations"]["org.opencontainers.image.base.digest"],
        below.descriptor.digest.to_string()
    );
    assert_eq!(manifest["layers"][0]["digest"], below.layers[0].digest.to_string());
    // A new entrypoint has other arguments.
    let (layout, image) = built(&above.with_entrypoint(["/bin/other"]));
    assert_eq!(json(layout.path(), &image.config)["config"]["Cmd"], json!(null));
}

#[test]
fn a_tar_is_taken_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    let (plain, image) = built(&builder(folder.path()).with_compression(Compression::None));
    let gzipped = built(&builder(folder.path()));
    for (layout, layer) in [(plain.path(), &image.layers[0]), (gzipped.0.path(), &gzipped.1.layers[0])] {
        let tar = layout.join("blobs/sha256").join(layer.digest.encoded());
        let (_, again) = built(&ImageBuilder::new(platform()).with_layer(LayerSource::tar(tar)));
        assert_eq!(again.layers[0].diff_id, image.layers[0].diff_id);
        assert_eq!(again.layers[0].entries, image.layers[0].entries);
    }
}

#[test]
fn a_description_makes_an_index_for_several_platforms_and_an_archive_is_the_same_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    fill(&folder.path().join("files"));
    let text = r#"
        platforms = ["linux/amd64", "linux/arm64"]
        created = "2026-11-23T22:50:00Z"
        [[layers]]
        directory = "files"
        exclude = ["bin"]
        [[layers]]
        file = "files/bin/app"
        to = "/bin/app"
        platforms = ["linux/arm64"]
        [config]
        entrypoint = ["/bin/app"]
        exposed-ports = ["8080", "53/udp"]
        stop-signal = "SIGINT"
        [annotations]
        "org.opencontainers.image.revision" = "4f2c"
    "#;
    let file = BuildFile::parse(text, folder.path()).expect("reads").with_jobs(jobs(2));
    let mut archives = Vec::new();
    for name in ["one", "two"] {
        let layout = LayoutWriter::create_or_open(folder.path().join(name)).expect("opens");
        let built = file.build(&layout, &Watch::none()).expect("builds");
        layout.name(Some("v1"), built.descriptor()).expect("names");
        let Built::Index(index) = &built else { panic!("{built:?}") };
        assert_eq!(index.images.len(), 2);
        assert_eq!(index.images[0].layers.len() + 1, index.images[1].layers.len());
        let verification = verified(layout.path());
        assert_eq!(verification.images.len(), 2);
        let mut archive = Vec::new();
        write_archive(&layout.layout().expect("opens"), &mut archive, &Watch::none()).expect("writes");
        archives.push(archive);
    }
    assert!(archives[0] == archives[1]);
    let file = folder.path().join("image.tar");
    fs::write(&file, &archives[0]).expect("writes");
    let archive = Archive::open(&file, castline_core::Format::OciLayout, &castline_core::Limits::default())
        .expect("opens");
    let report = castline_core::verify(&archive, &castline_core::Options::default(), &Watch::none())
        .expect("verifies")
        .report;
    assert!(report.is_complete() && report.images.len() == 2, "{:?}", report.findings);
}
