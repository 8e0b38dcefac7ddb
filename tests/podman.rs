//! An instance that podman started: untouched it shows no drift, tampered with it shows what was done.

mod support;

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use castline::{
    Options, Rootfs, Watch,
    drift::{Comparison, DriftReport, Profile, Scan, compare},
    sources::{OverlayXattrs, ScanOptions, scan, scan_upper},
};
use support::{Form, Memory, podman::Podman};
use xtask::engines;

/// What goes into the image: busybox, accounts, a link, a setuid program and one with a capability.
fn fill(folder: &Path) {
    for name in ["bin", "dev", "etc", "proc", "sys", "tmp", "usr/bin", "usr/lib", "var/log"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].iter().find(|path| Path::new(path).is_file());
    fs::copy(busybox.expect("busybox"), folder.join("bin/busybox")).expect("copies");
    for name in ["sh", "sleep", "dd", "ln", "cp", "chmod", "rm"] {
        symlink("busybox", folder.join("bin").join(name)).expect("a link");
    }
    let write = |name: &str, content: &str, mode: u32| {
        let path = folder.join(name);
        fs::write(&path, content).expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    write("etc/passwd", "root:x:0:0:root:/:/bin/sh\n", 0o644);
    write("etc/group", "root:x:0:\n", 0o644);
    write("etc/app.conf", "listen 80\n", 0o644);
    write("usr/bin/tool", "#!/bin/sh\necho tool\n", 0o755);
    write("usr/bin/ping", "#!/bin/sh\necho ping\n", 0o755);
    write("usr/bin/su", "#!/bin/sh\necho su\n", 0o4755);
    fs::set_permissions(folder.join("tmp"), fs::Permissions::from_mode(0o1777)).expect("a mode");
    symlink("tool", folder.join("usr/bin/alias")).expect("a link");
    let setcap = if Path::new("/usr/sbin/setcap").is_file() { "/usr/sbin/setcap" } else { "setcap" };
    let set = Command::new(setcap).arg("cap_net_raw+ep").arg(folder.join("usr/bin/ping")).output();
    let set = set.expect("setcap starts");
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
}

fn packed(folder: &Path) -> Vec<u8> {
    let options =
        ["--numeric-owner", "--owner=0", "--group=0", "--format=pax", "--xattrs", "--xattrs-include=*"];
    let output = Command::new("tar").args(options).arg("-C").arg(folder).args(["-cf", "-", "."]).output();
    let output = output.expect("tar starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn tree(image: &Memory) -> Rootfs {
    let options = Options::default().with_rootfs(true);
    let verification = castline::verify(image, &options, &Watch::none()).expect("verifies");
    assert!(verification.report.is_complete(), "{:?}", verification.report.findings);
    verification.rootfs.into_values().next().expect("a tree")
}

fn report(shipped: &Rootfs, scan: &Scan) -> DriftReport {
    let profile = Profile::named("podman").expect("a profile");
    compare(shipped, scan, &Comparison::default().with_profile(profile))
}

fn shown(report: &DriftReport) -> Vec<String> {
    let findings = report.findings.iter();
    findings.map(|finding| format!("{} {} {}", finding.severity.name(), finding.code, finding.path)).collect()
}

#[test]
fn an_untouched_container_shows_no_drift_and_a_touched_one_what_was_done() {
    if !engines::available(&["busybox", "podman", "runc", "setcap"], true) {
        return;
    }
    let podman = Podman::new();
    let files = podman.path("files");
    fill(&files);
    let image = Memory::image(&[(Form::Gzip, packed(&files))]);
    let layout = podman.path("layout");
    image.write(&layout).expect("writes");
    let shipped = tree(&image);

    let policy = podman.path("policy.json");
    let name =
        podman.run(&["pull", "--quiet", "--signature-policy", &policy.display().to_string(), "oci:layout"]);
    let id = podman.run(&[
        "run",
        "--detach",
        &name,
        "/bin/sh",
        "-c",
        "while :; do echo alive > /tmp/alive; sleep 1; done",
    ]);
    let pid = podman.run(&["inspect", "--format", "{{.State.Pid}}", &id]);
    thread::sleep(Duration::from_secs(3));

    let root = PathBuf::from(format!("/proc/{pid}/root"));
    let whole = || scan(&root, &ScanOptions::default(), &Watch::none()).expect("scans");
    let untouched = report(&shipped, &whole());
    assert!(untouched.is_clean(), "{:?}", shown(&untouched));
    assert_eq!(shown(&untouched), ["info added tmp/alive"]);
    assert!(
        untouched.ignored.iter().any(|ignored| ignored.path == "run/.containerenv"),
        "{:?}",
        untouched.ignored
    );

    let upper = podman.run(&["inspect", "--format", "{{.GraphDriver.Data.UpperDir}}", &id]);
    let fast = || {
        let upper =
            scan_upper(Path::new(&upper), OverlayXattrs::Trusted, &ScanOptions::default(), &Watch::none());
        upper.expect("scans").over(&shipped).expect("fits")
    };
    let untouched = report(&shipped, &fast());
    assert!(untouched.is_clean(), "{:?}", shown(&untouched));

    let tamper = "cp /bin/busybox /usr/bin/backdoor; chmod 4755 /usr/bin/backdoor; \
        echo X | dd of=/usr/bin/tool bs=1 seek=15 count=1 conv=notrunc; \
        ln -sf backdoor /usr/bin/alias; \
        cp /usr/bin/ping /tmp/ping; rm /usr/bin/ping; cp /tmp/ping /usr/bin/ping; chmod 755 /usr/bin/ping; rm /tmp/ping; \
        rm /etc/app.conf; echo log > /var/log/log";
    podman.run(&["exec", &id, "/bin/sh", "-c", tamper]);
    let expected = [
        "warning removed etc/app.conf",
        "info added tmp/alive",
        "critical modified usr/bin/alias",
        "critical added usr/bin/backdoor",
        "critical modified usr/bin/ping",
        "critical modified usr/bin/tool",
        "info added var/log/log",
    ];
    for touched in [report(&shipped, &whole()), report(&shipped, &fast())] {
        assert!(touched.drifted && touched.complete, "{:?}", shown(&touched));
        assert_eq!(shown(&touched), expected);
    }
}
