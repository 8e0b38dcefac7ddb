//! What castline builds is taken by skopeo, umoci and podman for what castline says it is.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use castline::{
    Compression, Options, Watch,
    drift::{Comparison, compare},
    sources::{ImageBuilder, LayerSource, LayoutWriter, ScanOptions, Times, Xattrs, archive_at, scan},
};
use support::podman::Podman;
use xtask::engines;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// busybox, accounts, a long name, a hard link, and a program with rights.
fn fill(folder: &Path) {
    for name in ["bin", "etc", "tmp", "usr/bin"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].iter().find(|path| Path::new(path).is_file());
    fs::copy(busybox.expect("busybox"), folder.join("bin/busybox")).expect("copies");
    symlink("busybox", folder.join("bin/sh")).expect("a link");
    fs::hard_link(folder.join("bin/busybox"), folder.join("bin/cat")).expect("a link");
    fs::write(folder.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n").expect("writes");
    fs::write(folder.join(format!("etc/{}", "long".repeat(40))), "long").expect("writes");
    fs::write(folder.join("usr/bin/ping"), "#!/bin/sh\n").expect("writes");
    fs::set_permissions(folder.join("usr/bin/ping"), fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::set_permissions(folder.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("a mode");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a mode");
    let setcap = if Path::new("/usr/sbin/setcap").is_file() { "/usr/sbin/setcap" } else { "setcap" };
    run(setcap, &["cap_net_raw+ep", &folder.join("usr/bin/ping").display().to_string()]);
}

#[test]
fn skopeo_umoci_and_podman_take_what_is_built() {
    if !engines::available(&["busybox", "podman", "runc", "setcap", "skopeo", "umoci"], true) {
        return;
    }
    let podman = Podman::new();
    let (files, layout) = (podman.path("files"), podman.path("layout"));
    fill(&files);
    let writer = LayoutWriter::create_or_open(&layout).expect("opens");
    let layer = LayerSource::directory(&files).with_xattrs(Xattrs::All).with_times(Times::Clamped);
    let builder = ImageBuilder::new("linux/amd64".parse().expect("a platform"))
        .with_layer(layer)
        .with_created("2026-11-23T22:50:00Z".parse().expect("a moment"))
        .with_env("GREETING", "hello")
        .with_entrypoint(["/bin/sh", "-c"])
        .with_cmd(["echo $GREETING; cat /etc/long*"]);
    for (tag, compression) in
        [("gzip", Compression::Gzip), ("zstd", Compression::Zstd), ("none", Compression::None)]
    {
        let image = builder.clone().with_compression(compression);
        let image = image.build(&writer, &Watch::none()).expect("builds");
        writer.name(Some(tag), &image.descriptor).expect("names");
        let reference = format!("oci:{}:{tag}", layout.display());
        let copy = podman.path(&format!("copy-{tag}"));
        run("skopeo", &["copy", "--insecure-policy", &reference, &format!("dir:{}", copy.display())]);
        let manifest = fs::read(copy.join("manifest.json")).expect("reads");
        assert_eq!(castline::Digest::of(&manifest), image.descriptor.digest);
    }

    let options = Options::default().with_rootfs(true);
    let source = writer.layout().expect("opens");
    let gzip = options.with_selection(castline::Selection::everything().with_tag("gzip"));
    let verification = castline::verify(&source, &gzip, &Watch::none()).expect("verifies");
    let tree = verification.rootfs.values().next().expect("a tree");
    let bundle = podman.path("bundle");
    let image = format!("{}:gzip", layout.display());
    run("umoci", &["unpack", "--image", &image, &bundle.display().to_string()]);
    let unpacked = scan(&bundle.join("rootfs"), &ScanOptions::default(), &Watch::none()).expect("scans");
    let report = compare(tree, &unpacked, &Comparison::default().with_mtime(true));
    // umoci gives the root its time before it puts files into it.
    let found: Vec<_> = report.findings.iter().filter(|finding| !finding.path.is_empty()).collect();
    assert!(found.is_empty(), "{found:?}");

    let policy = podman.path("policy.json").display().to_string();
    let name = podman.run(&["pull", "--quiet", "--signature-policy", &policy, "oci:layout:gzip"]);
    assert_eq!(podman.run(&["run", "--rm", &name]), "hello\nlong");

    let archive = podman.path("image.tar");
    archive_at(&archive, &Watch::none(), |layout| {
        let image = builder.build(layout, &Watch::none())?;
        layout.name(Some("v1"), &image.descriptor)
    })
    .expect("builds");
    let archive = format!("oci-archive:{}:v1", archive.display());
    assert!(run("skopeo", &["inspect", &archive]).contains("GREETING=hello"));
}
