use super::*;

#[test]
fn every_change_has_its_attributes_and_its_severity() {
    // What was shipped, what is there, and what is found.
    for (expected, actual, found) in [
        // Programs
        ("bin/su=f755:a", "bin/su=f755:b", "critical modified bin/su content"),
        ("bin/su=f755:a", "bin/su=f755:ab", "critical modified bin/su size,content"),
        ("bin/su=f755:a", "bin/su=f755:", "critical modified bin/su size,content"),
        ("srv/run=f644:a", "srv/run=f755:a", "critical modified srv/run mode"),
        ("bin/su=f755:a", "bin/su=f644:a", "warning modified bin/su mode"),
        ("bin/su=f755:a bin/sh=f755:b", "bin/sh=f755:b", "warning removed bin/su"),
        ("bin/sh=f755:b", "bin/sh=f755:b tmp/x=f755:a", "critical added tmp/x"),
        ("tmp=d1777", "tmp=d1777 tmp/x=f755:a", "critical added tmp/x"),
        ("bin=d755", "bin=d755 bin/x=f755:", "warning added bin/x"),
        ("bin/su=f755:a", "bin/su=f755:a@7", "critical modified bin/su uid"),
        // setuid, setgid, capabilities
        ("bin/su=f755:a", "bin/su=f4755:a", "critical modified bin/su mode"),
        ("bin/su=f4755:a", "bin/su=f755:a", "critical modified bin/su mode"),
        ("opt=d755", "opt=d755 opt/x=f2644:a", "critical added opt/x"),
        ("bin/ping=f755:a", "bin/ping=f755:a+cap", "critical modified bin/ping xattr:security.capability"),
        ("bin/ping=f755:a+cap", "bin/ping=f755:a", "critical modified bin/ping xattr:security.capability"),
        ("bin/ping=f755:a+cap", "bin/ping=f755:b+cap", "critical modified bin/ping content"),
        ("srv/x=f644:a", "srv/x=f644:a+user.note", "warning modified srv/x xattr:user.note"),
        // Libraries and links
        ("lib/libc.so.6=f644:a", "lib/libc.so.6=f644:b", "critical modified lib/libc.so.6 content"),
        ("srv=d755", "srv=d755 srv/x.so=f644:a", "critical added srv/x.so"),
        ("bin/sh=l:dash", "bin/sh=l:/tmp/x", "critical modified bin/sh target"),
        ("bin=d755", "bin=d755 bin/ls=l:/tmp/x", "critical added bin/ls"),
        ("bin=l:usr/bin", "bin=l:tmp", "critical modified bin target"),
        ("srv/x=l:a", "srv/x=l:b", "warning modified srv/x target"),
        ("bin/su=f755:a", "bin/su=l:/tmp/x", "critical modified bin/su type,mode,size,content,target"),
        // Devices
        ("dev=d755", "dev=d755 dev/x=c:3", "critical added dev/x"),
        ("dev/x=c:3", "dev/x=c:8", "critical modified dev/x device"),
        ("srv/x=f644:a", "srv/x=c:3", "critical modified srv/x type,mode,size,content,device"),
        // Who may do what
        ("etc/passwd=f644:a", "etc/passwd=f644:b", "critical modified etc/passwd content"),
        ("etc/shadow=f600:a", "etc/shadow=f644:a", "critical modified etc/shadow mode"),
        ("etc=d755", "etc=d755 etc/ld.so.preload=f644:a", "critical added etc/ld.so.preload"),
        ("etc/cron.d=d755", "etc/cron.d=d755 etc/cron.d/x=f644:a", "critical added etc/cron.d/x"),
        ("u/.ssh=d700", "u/.ssh=d700 u/.ssh/authorized_keys=f600:a", "critical added u/.ssh/authorized_keys"),
        ("etc/pam.d/su=f644:a", "etc/pam.d=d755", "critical removed etc/pam.d/su"),
        ("etc/motd=f644:a", "etc/motd=f644:b", "warning modified etc/motd content"),
        // Open to everyone
        ("usr/bin=d755", "usr/bin=d777", "critical modified usr/bin mode"),
        ("usr/bin=d755", "usr/bin=d1777", "warning modified usr/bin mode"),
        ("bin/x=f755:a", "bin/x=f757:a", "critical modified bin/x mode"),
        ("bin/x=f755:a", "bin/x=f755:a+acl", "critical modified bin/x xattr:system.posix_acl_access"),
        ("srv/x=f644:a", "srv/x=f666:a", "warning modified srv/x mode"),
        // What programs leave
        ("var/log=d755", "var/log=d755 var/log/x=f644:a", "info added var/log/x"),
        ("var/log/x=f644:a", "var/log/x=f644:ab", "info modified var/log/x size,content"),
        ("tmp=d1777", "tmp=d1777 tmp/x=s755", "info added tmp/x"),
        ("tmp/x=f644:a", "tmp=d755", "info removed tmp/x"),
        ("var/log=d755", "var/log=d777", "warning modified var/log mode"),
        ("srv=d755", "srv=d755 srv/x=f644:a", "warning added srv/x"),
    ] {
        let report = drift(expected, actual, &Comparison::default());
        let lines = lines(&report);
        assert!(lines.iter().any(|line| line == found), "{expected} -> {actual}: {lines:?}");
        // The folder of a new file may be new as well.
        let others: Vec<_> = lines.iter().filter(|line| *line != found).collect();
        assert!(others.iter().all(|line| line.contains(" added tmp")), "{expected} -> {actual}: {lines:?}");
        assert_eq!(report.drifted, !found.starts_with("info"), "{expected} -> {actual}");
        assert!(report.complete);
    }
}

#[test]
fn a_finding_shows_the_values_that_differ_and_why_it_matters() {
    let report = drift("bin/su=f755:a", "bin/su=f4755:b", &Comparison::default());
    let value = serde_json::to_value(&report).expect("JSON");
    let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
    assert_eq!(
        value["findings"],
        serde_json::json!([{
            "code": "modified",
            "severity": "critical",
            "path": "bin/su",
            "attributes": ["mode", "content"],
            "expected": {"mode": "0755", "content": a},
            "actual": {"mode": "4755", "content": b},
            "message": "/bin/su differs in its mode, content; it runs with the rights of its owner or group (setuid, setgid)",
        }])
    );
    assert_eq!(serde_json::from_value::<DriftReport>(value).expect("reads"), report);
}

#[test]
fn a_path_that_is_not_utf_8_keeps_its_bytes() {
    let with = |path: &[u8]| -> Rootfs {
        [(vec![], Arc::new(node("d755"))), (path.to_vec(), Arc::new(node("f644:a")))].into_iter().collect()
    };
    let report = compare(&tree(""), &Scan::of(with(b"a\xff")), &Comparison::default());
    assert_eq!(report.findings[0].path, "a\u{fffd}");
    assert_eq!(report.findings[0].path_bytes.as_deref(), Some("Yf8="));
}

#[test]
fn of_a_folder_that_no_layer_has_only_the_type_counts_unless_everyone_may_write_there() {
    let implicit: Rootfs = [(vec![], Arc::new(Node::implicit_directory()))].into_iter().collect();
    let report = |root: &str| {
        let actual: Rootfs = [(vec![], Arc::new(node(root)))].into_iter().collect();
        lines(&compare(&implicit, &Scan::of(actual), &Comparison::default().with_mtime(true)))
    };
    assert_eq!(report("d700@7+selinux"), Vec::<String>::new());
    assert_eq!(report("d1777"), Vec::<String>::new());
    assert_eq!(report("d777"), ["critical modified  mode"]);
    assert!(report("f644:a")[0].starts_with("warning modified  type,mode"));
}

#[test]
fn times_are_compared_on_request_and_are_no_drift_alone() {
    let mut later = node("f644:a");
    later.mtime.secs = 7;
    let of = |node: Node| -> Rootfs { [(b"a".to_vec(), Arc::new(node))].into_iter().collect() };
    let (expected, scan) = (of(node("f644:a")), Scan::of(of(later)));
    assert!(compare(&expected, &scan, &Comparison::default()).findings.is_empty());
    let report = compare(&expected, &scan, &Comparison::default().with_mtime(true));
    assert_eq!(lines(&report), ["info modified a mtime"]);
    assert!(report.is_clean());
}

#[test]
fn names_of_one_file_are_told_from_equal_files() {
    let links = |expected, actual| lines(&drift(expected, actual, &Comparison::default()));
    assert_eq!(links("a=f644:x b=&a", "a=f644:x b=&a"), Vec::<String>::new());
    assert_eq!(
        links("a=f644:x b=&a", "a=f644:x b=f644:x"),
        ["info modified a links", "info modified b links"]
    );
    assert_eq!(links("a=f644:x", "a=f644:x b=&a"), ["warning added b"]);
    assert_eq!(links("a=f644:x b=&a", "a=f644:x"), ["warning removed b"]);
}
