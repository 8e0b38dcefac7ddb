//! Digests of images that are built, pinned: who changes one of these changes every image that anybody builds. The vectors
//! do not have them, since the bindings, which run those, build no images.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use castline_core::{Compression, Watch};
use castline_sources::{BuildFile, ImageBuilder, LayerSource, LayoutWriter, Modes, Owner, Reference, Times};

use crate::{built, jobs, platform, verified};

/// What is built of a folder that it may fill, and compressed in this way; the digest of the result.
type Case = fn(&Path, Compression) -> String;

/// Without compression, and with zstd.
const PINS: &[(&str, Case, [&str; 2])] = &[
    (
        "nothing",
        nothing,
        [
            "sha256:b9c6bda3359b0994193cb7bc8287d3c095ba6283a77183e0436a4ad7324e4637",
            "sha256:b9c6bda3359b0994193cb7bc8287d3c095ba6283a77183e0436a4ad7324e4637",
        ],
    ),
    (
        "one file",
        one_file,
        [
            "sha256:253948743e1eee406e520ad25a1c9b0d33469465a0bc6fc622638dbe7ed22454",
            "sha256:1e7f7ae8ee27506595300dac96f08e358894eff1db5f12b94f6241bccf63d70b",
        ],
    ),
    (
        "a tree",
        a_tree,
        [
            "sha256:03bd0d46891932c918a7d4d2982109eef982ccd326e094c6c329096c63dd01b8",
            "sha256:478001bd35a5d163237c8bc6ef70127e8d772a9643d323ea49933528a2d4b0b4",
        ],
    ),
    (
        "modes as they are",
        kept_modes,
        [
            "sha256:053f8158dbda7e4fc652cf775b6674c09ce7fce46d41f25531114130f776ce26",
            "sha256:e7f0ec0105013b89fec8b7fb5c21801a88dde8708d3cfd58a0fcca05d518a5c0",
        ],
    ),
    (
        "sizes around those of blocks",
        sizes,
        [
            "sha256:bd3bdce06d73daad9c30e7f957cda4eee6f623c79f765c35c4886690c184cc20",
            "sha256:956df9d0b1c89afcdd589b99a89518ee207443b50810d6bccb7053dceeeaac27",
        ],
    ),
    (
        "upon a base",
        upon_a_base,
        [
            "sha256:a277fb2c0ea9486bc8455dbf89229605e973f08aeb6c5ada727613f6d06fa53f",
            "sha256:db6dc96af41d9da5299487eebe8b7bd888f755f313eadee80b09f47b42effb17",
        ],
    ),
    (
        "for two platforms",
        two_platforms,
        [
            "sha256:238665751670fbe7ca94e42faec97c59d20137c3f4529e7903f2d627d5dfb508",
            "sha256:f50530f21577981726a4a37f3e94cd8727f7a9a085853c439d4fe877bb44f7f2",
        ],
    ),
];

fn digest_of(builder: ImageBuilder, compression: Compression) -> String {
    let (layout, image) = built(&builder.with_compression(compression).with_jobs(jobs(2)));
    verified(layout.path());
    image.descriptor.digest.to_string()
}

/// Bytes that compress, though not to nothing.
fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b"etaoin shrdlu\n\0"[(state >> 59) as usize % 15]
    };
    (0..length).map(next).collect()
}

fn nothing(_: &Path, compression: Compression) -> String {
    digest_of(ImageBuilder::new(platform()), compression)
}

fn one_file(folder: &Path, compression: Compression) -> String {
    fs::write(folder.join("motd"), "hello\n").expect("writes");
    let layer = LayerSource::file(folder.join("motd"))
        .at("/etc/motd")
        .with_modes(Modes::Fixed(0o640))
        .with_owner(Owner::Fixed { uid: 1000, gid: 3_000_000 });
    let builder = ImageBuilder::new("linux/arm/v7".parse().expect("a platform"))
        .with_layer(layer)
        .with_created("2026-11-23T22:50:00.125Z".parse().expect("a moment"))
        .with_entrypoint(["/bin/sh", "-c"])
        .with_cmd(["cat /etc/motd"])
        .with_env("LANG", "C.UTF-8")
        .with_user("1000:3000000")
        .with_working_dir("/etc")
        .with_label("b", "ü")
        .with_label("a", "\"\\")
        .with_exposed_port("53/udp")
        .with_volume("/var/lib")
        .with_stop_signal("SIGINT")
        .with_annotation("org.example.z", "1");
    digest_of(builder, compression)
}

/// Names in an order that only bytes have, long ones, links.
fn fill(folder: &Path) {
    for name in ["a", "a-b", "a.b", "B", "empty", "ü"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    for name in ["a/b", "a-b/c", "a.b/d", "B/e", "ü/ö", "file"] {
        fs::write(folder.join(name), name).expect("writes");
    }
    fs::write(folder.join("a").join("n".repeat(120)), "longer than a field").expect("writes");
    let deep = folder.join("p".repeat(140)).join("q".repeat(140));
    fs::create_dir_all(&deep).expect("a folder");
    fs::write(deep.join("deep"), "longer than a prefix").expect("writes");
    fs::hard_link(folder.join("file"), folder.join("a/same")).expect("a link");
    symlink("../file", folder.join("a/link")).expect("a link");
    symlink("t".repeat(150), folder.join("a/far")).expect("a link");
}

fn a_tree(folder: &Path, compression: Compression) -> String {
    fill(folder);
    let layer = LayerSource::directory(folder)
        .at("/srv/")
        .with_modes(Modes::Normal)
        .with_times(Times::Created)
        .with_excluded("**/*.b/d".parse().expect("a pattern"));
    let created = "2026-11-23T22:50:00Z".parse().expect("a moment");
    digest_of(ImageBuilder::new(platform()).with_layer(layer).with_created(created), compression)
}

fn kept_modes(folder: &Path, compression: Compression) -> String {
    for (name, mode) in [("app", 0o4755), ("conf", 0o600), ("tool", 0o2711)] {
        fs::write(folder.join(name), name).expect("writes");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    fs::create_dir(folder.join("tmp")).expect("a folder");
    fs::set_permissions(folder.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("a mode");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o750)).expect("a mode");
    digest_of(ImageBuilder::new(platform()).with_layer(LayerSource::directory(folder)), compression)
}

fn sizes(folder: &Path, compression: Compression) -> String {
    let mut builder = ImageBuilder::new(platform());
    for size in [0, 1, 511, 512, 513, 262_143, 262_144, 4_194_304, 4_194_305] {
        let path = folder.join(size.to_string());
        fs::write(&path, content(size)).expect("writes");
        let layer = LayerSource::file(&path).at(format!("/{size}")).with_modes(Modes::Normal);
        builder = builder.with_layer(layer);
    }
    let tree = LayerSource::directory(folder).at("/all").with_modes(Modes::Normal);
    digest_of(builder.with_layer(tree), compression)
}

fn upon_a_base(folder: &Path, compression: Compression) -> String {
    fill(folder);
    let tree = LayerSource::directory(folder).with_modes(Modes::Normal);
    let below = ImageBuilder::new(platform()).with_layer(tree).with_env("LANG", "C").with_cmd(["/a"]);
    let (base, _) = built(&below.with_compression(compression));
    let reference: Reference = format!("oci:{}:v1", base.path().display()).parse().expect("a reference");
    let layer = LayerSource::file(folder.join("file")).at("/a/new").with_modes(Modes::Normal);
    let above = ImageBuilder::new(platform()).with_base(reference).with_layer(layer).with_env("LANG", "de");
    digest_of(above.with_label("on", "top"), compression)
}

fn two_platforms(folder: &Path, compression: Compression) -> String {
    fill(&{
        let files = folder.join("files");
        fs::create_dir(&files).expect("a folder");
        files
    });
    let text = r#"
        platforms = ["linux/amd64", "linux/arm64/v8"]
        created = "2026-11-23T22:50:00Z"
        [[layers]]
        directory = "files/a"
        to = "/a"
        modes = "normal"
        [[layers]]
        file = "files/file"
        to = "/file"
        modes = "0755"
        platforms = ["linux/arm64/v8"]
        [config]
        entrypoint = ["/file"]
        [annotations]
        "org.opencontainers.image.revision" = "4f2c"
    "#;
    let file = BuildFile::parse(text, folder).expect("reads").with_compression(compression);
    let target = tempfile::tempdir().expect("a folder");
    let layout = LayoutWriter::create_or_open(target.path()).expect("opens");
    let built = file.build(&layout, &Watch::none()).expect("builds");
    layout.name(Some("v1"), built.descriptor()).expect("names");
    assert_eq!(verified(target.path()).images.len(), 2);
    built.descriptor().digest.to_string()
}

#[test]
fn what_is_built_has_the_digests_that_it_always_had() {
    let mut changed = Vec::new();
    for (name, case, digests) in PINS {
        for (compression, expected) in [Compression::None, Compression::Zstd].into_iter().zip(digests) {
            if compression == Compression::Zstd && !cfg!(feature = "native") {
                continue;
            }
            let folder = tempfile::tempdir().expect("a folder");
            let digest = case(folder.path(), compression);
            if digest != *expected {
                changed.push(format!("{name}, {compression:?}: {digest}"));
            }
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}
