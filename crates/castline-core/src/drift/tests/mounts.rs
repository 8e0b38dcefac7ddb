use super::*;

fn scan(words: &str, mounts: &[&str]) -> Scan {
    let mounts = mounts.iter().map(|path| path.as_bytes().to_vec()).collect();
    Scan { mounts, ..Scan::of(tree(words)) }
}

fn profile(name: &str) -> Comparison {
    Comparison::default().with_profile(Profile::named(name).expect("a profile"))
}

/// What podman 4 with runc left in a container of its own accord, and where it mounts: as it was found.
const PODMAN: &str = "etc/hosts=f755: etc/hostname=f755: etc/mtab=l:/proc/mounts run/.containerenv=f755: \
    dev=d755 proc=d755 sys=d755 bin/sh=f755:x";
const PODMAN_MOUNTS: &[&str] = &[
    "proc",
    "dev",
    "sys",
    "dev/pts",
    "dev/mqueue",
    "etc/hosts",
    "dev/shm",
    "run/.containerenv",
    "etc/hostname",
];

#[test]
fn an_untouched_container_is_clean_under_the_profile_of_its_runtime() {
    let shipped = tree("bin/sh=f755:x");
    for mounts in [&[][..], PODMAN_MOUNTS] {
        let report = compare(&shipped, &scan(PODMAN, mounts), &profile("podman"));
        assert_eq!(lines(&report), Vec::<String>::new());
        assert!(report.is_clean() && report.profile == "podman" && report.ignored.len() >= 7);
        assert!(!compare(&shipped, &scan(PODMAN, mounts), &Comparison::default()).is_clean());
    }
    let docker = ".dockerenv=f755: etc/hosts=f755: etc/resolv.conf=f755: etc/hostname=f755: dev/console=f755: \
        etc/mtab=l:/proc/mounts dev/pts=d755 dev/shm=d755 proc=d755 sys=d755";
    let shipped = tree("etc/hosts=f644:own etc/resolv.conf=l:/run/x");
    assert_eq!(lines(&compare(&shipped, &scan(docker, &[]), &profile("docker"))), Vec::<String>::new());
    let pod =
        "etc/hosts=f644:pod dev/termination-log=f644: var/run/secrets/kubernetes.io/serviceaccount=d755";
    assert_eq!(
        lines(&compare(&tree("etc=d755"), &scan(pod, &[]), &profile("kubernetes"))),
        Vec::<String>::new()
    );
}

#[test]
fn a_rule_excuses_only_what_the_runtime_would_write() {
    for (actual, found) in [
        ("etc/hosts=f644:new", ""),
        ("etc/hosts=f755:new", "critical modified etc/hosts mode,size,content"),
        ("etc/hosts=f4644:a", "critical modified etc/hosts mode"),
        ("etc/hosts=f644:new+cap", "critical modified etc/hosts size,content,xattr:security.capability"),
        ("etc/hosts=f666:new", "warning modified etc/hosts mode,size,content"),
        ("etc/hosts=l:/etc/shadow", "warning modified etc/hosts type,mode,size,content,target"),
        ("etc/hosts=f644:a etc/mtab=l:/proc/mounts", ""),
        ("etc/hosts=f644:a etc/mtab=l:/tmp/x", "warning added etc/mtab"),
        ("etc/hosts=f644:a run=d755", ""),
        ("etc/hosts=f644:a run=d777", "warning added run"),
        ("etc/hosts=f644:a+selinux", ""),
        ("etc=d755", "warning removed etc/hosts"),
    ] {
        let report = compare(&tree("etc/hosts=f644:a"), &scan(actual, &[]), &profile("podman"));
        assert_eq!(lines(&report).join("; "), found, "{actual}");
    }
    let labelled = compare(&tree("a=f644:x"), &scan("a=f644:x+selinux", &[]), &Comparison::default());
    assert_eq!(lines(&labelled), ["warning modified a xattr:security.selinux"]);
}

#[test]
fn a_mount_hides_and_is_found_unless_it_is_declared() {
    let shipped = tree("usr/bin/x=f755:a usr/share/doc/y=f644:b data/z=f644:c etc/passwd=f644:d");
    let found = |mounts: &[&str], options: &Comparison| {
        // The scanner says nothing of what is below a mount, and the mount point is another folder.
        let all = [("usr/bin", "/x"), ("usr/share/doc", "/y"), ("data", "/z"), ("etc/passwd", "")];
        let words = all.map(|(folder, rest)| {
            let mounted =
                mounts.iter().any(|mount| places::is_at_or_below(folder.as_bytes(), mount.as_bytes()));
            let text = match folder {
                _ if mounted => return format!("{folder}=d700@7"),
                "usr/bin" => "f755:a",
                "data" => "f644:c",
                "etc/passwd" => "f644:d",
                _ => "f644:b",
            };
            format!("{folder}{rest}={text}")
        });
        compare(&shipped, &scan(&words.join(" "), mounts), options)
    };
    let none = Comparison::default();
    assert!(found(&[], &none).is_clean());
    assert_eq!(lines(&found(&["data"], &none)), ["warning mounted data"]);
    assert_eq!(lines(&found(&["usr/bin"], &none)), ["critical mounted usr/bin"]);
    assert_eq!(lines(&found(&["etc/passwd"], &none)), ["critical mounted etc/passwd"]);
    assert_eq!(lines(&found(&["usr/share/doc"], &none)), ["warning mounted usr/share/doc"]);
    assert_eq!(lines(&found(&["data", "data/inner"], &none)), ["warning mounted data"]);
    let report = found(&["data"], &none.with_mount(b"/data/"));
    assert!(report.is_clean());
    assert_eq!((report.ignored[0].reason, &*report.ignored[0].rule), (IgnoredReason::Mount, "data"));
}

#[test]
fn what_runtimes_make_for_a_declared_mount_is_expected() {
    let options = Comparison::default().with_mount(b"srv/data/files").with_mount(b"srv/config.json");
    let report = |words: &str| lines(&compare(&tree(""), &scan(words, &[]), &options));
    assert_eq!(report("srv/data/files=d755 srv/config.json=f755:"), Vec::<String>::new());
    assert_eq!(report("srv/data/files/x=f644:a"), ["warning added srv/data/files/x"]);
    assert_eq!(report("srv/config.json=f644:a"), ["warning added srv/config.json"]);
}

#[test]
fn what_was_not_read_is_not_removed_and_not_clean() {
    let shipped = tree("srv/a/b=f644:x srv/c=f644:y");
    let report = |words: &str, path: &str, why: Unread, options: &Comparison| {
        let mut scan = scan(words, &[]);
        scan.unread.insert(path.into(), why);
        compare(&shipped, &scan, options)
    };
    let none = Comparison::default();
    let found = report("srv/c=f644:y", "srv/a", Unread::Refused("permission denied".into()), &none);
    assert_eq!(lines(&found), ["warning unreadable srv/a"]);
    assert!(found.findings[0].message.ends_with("permission denied"));
    assert!(!found.complete && !found.drifted && !found.is_clean());
    // A folder of which only the names could not be read is in the tree all the same.
    let found = report("srv/a=d755 srv/c=f644:y", "srv/a", Unread::Refused("no".into()), &none);
    assert_eq!(lines(&found), ["warning unreadable srv/a"]);
    let found = report("srv/a/b=f644:x", "srv/c", Unread::Changing, &none);
    assert_eq!(lines(&found), ["warning changing srv/c"]);
    let found = report("srv/a/b=f644:x srv/c=f644:y", "tmp/x", Unread::Vanished, &none);
    assert_eq!(lines(&found), ["info vanished tmp/x"]);
    assert!(found.complete, "it was no part of the image");
    let found = report("srv/a/b=f644:x srv/c=f644:y", "var/log/x", Unread::Changing, &none);
    assert_eq!(lines(&found), ["info changing var/log/x"]);
    let found = report("srv/a/b=f644:x srv/c=f644:y", "var/log/x", Unread::Refused("no".into()), &none);
    assert!(!found.complete);
    let glob = "srv/c".parse().expect("a pattern");
    let found = report("srv/a/b=f644:x", "srv/c", Unread::Changing, &none.with_ignored(glob));
    assert!(found.is_clean() && found.ignored.len() == 1);
}

#[test]
fn what_podman_adds_to_passwd_is_found_and_explained() {
    let report = compare(&tree("etc/passwd=f644:a"), &scan("etc/passwd=f644:ab", &[]), &profile("podman"));
    assert!(report.drifted);
    assert!(report.findings[0].message.contains("podman adds a line"), "{}", report.findings[0].message);
}
