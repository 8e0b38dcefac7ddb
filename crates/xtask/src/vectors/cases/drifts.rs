//! Trees that differ from what was shipped, and how bad each difference is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::vectors::{
    bytes::digest,
    case::{Case, Node, Row, Section, Tree},
    layout::with,
};

/// Entries by their paths.
type Entries = BTreeMap<&'static str, Value>;

const SHIPPED: &str = "trees/shipped.jsonl";

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Drift: what was written, and how bad that is", cases: severities() },
        Section { title: "Drift: what is left out", cases: left_out() },
    ]
}

fn entry(kind: &str, mode: &str) -> Value {
    json!({"type": kind, "mode": mode, "uid": 0, "gid": 0, "mtime": 0})
}

fn directory() -> Value {
    entry("directory", "0755")
}

fn file(mode: &str, content: &str) -> Value {
    let file = with(&entry("file", mode), "size", content.len());
    with(&file, "digest", digest::of(content.as_bytes()))
}

fn link(target: &str) -> Value {
    with(&entry("symlink", "0777"), "target", target)
}

/// What `setcap cap_net_raw+ep` leaves.
fn capable(file: &Value) -> Value {
    with(file, "xattrs", json!({"security.capability": "AQAAAgAgAAAAAAAAAAAAAAAAAAA="}))
}

/// What was shipped.
fn shipped() -> Entries {
    Entries::from([
        ("", with(&directory(), "implicit", true)),
        ("bin", link("usr/bin")),
        ("dev", directory()),
        ("etc", directory()),
        ("etc/app.conf", file("0644", "listen 80\n")),
        ("etc/passwd", file("0644", "root:x:0:0::/root:/bin/sh\n")),
        ("srv", directory()),
        ("srv/a", file("0644", "shared")),
        ("srv/b", with(&file("0644", "shared"), "sameAs", "srv/a")),
        ("tmp", entry("directory", "1777")),
        ("usr", directory()),
        ("usr/bin", directory()),
        ("usr/bin/ping", capable(&file("0755", "ping"))),
        ("usr/bin/sh", link("tool")),
        ("usr/bin/su", file("4755", "su")),
        ("usr/bin/tool", file("0755", "tool")),
        ("usr/lib", directory()),
        ("usr/lib/libc.so.6", file("0644", "libc")),
        ("usr/share", directory()),
        ("usr/share/doc", file("0644", "read me")),
        ("var", directory()),
        ("var/log", directory()),
    ])
}

fn lines(entries: &Entries) -> Node {
    let line = |(path, entry): (&&str, &Value)| {
        let named = if entry["pathBytes"].is_null() { with(entry, "path", *path) } else { entry.clone() };
        named.to_string() + "\n"
    };
    Node::File(entries.iter().map(line).collect::<String>().into_bytes())
}

/// A tree in which something was done to what was shipped, compared with it.
fn drift(name: &str, flags: &str, expected: &str, edit: impl FnOnce(&mut Entries)) -> Case {
    let mut entries = shipped();
    edit(&mut entries);
    let place = format!("trees/{name}.jsonl");
    let operation = if flags.is_empty() { "drift".to_owned() } else { format!("drift {flags}") };
    let rows = vec![Row::new(&operation, &format!("{SHIPPED} {place}"), expected)];
    let tree = Tree::from([(SHIPPED.into(), lines(&shipped())), (place.clone(), lines(&entries))]);
    Case { place, tree, rows, why: None }
}

/// Another value of one member.
fn change(entries: &mut Entries, path: &str, key: &str, value: impl Into<Value>) {
    let entry = entries.get_mut(path).expect("an entry");
    *entry = with(entry, key, value);
}

fn write(entries: &mut Entries, path: &'static str, content: &str) {
    let mode = entries[path]["mode"].as_str().expect("a mode").to_owned();
    entries.insert(path, file(&mode, content));
}

fn severities() -> Vec<Case> {
    let device = || with(&entry("charDevice", "0666"), "device", json!([1, 1]));
    vec![
        drift("untouched", "", "clean", |_| ()),
        drift("a-byte-of-a-program", "", "critical:modified:usr/bin/tool:content", |e| {
            write(e, "usr/bin/tool", "t00l");
        }),
        drift("a-longer-program", "", "critical:modified:usr/bin/tool:size,content", |e| {
            write(e, "usr/bin/tool", "tool and more");
        }),
        drift("a-new-program", "", "critical:added:srv/miner", |e| {
            e.insert("srv/miner", file("0755", "x"));
        }),
        drift("a-new-program-in-tmp", "", "critical:added:tmp/x", |e| {
            e.insert("tmp/x", file("0755", "x"));
        }),
        drift("a-new-setuid-program", "", "critical:added:usr/bin/sudo", |e| {
            e.insert("usr/bin/sudo", file("4755", "sudo"));
        }),
        drift("a-program-becomes-setuid", "", "critical:modified:usr/bin/tool:mode", |e| {
            change(e, "usr/bin/tool", "mode", "4755");
        }),
        drift("a-file-becomes-a-program", "", "critical:modified:usr/share/doc:mode", |e| {
            change(e, "usr/share/doc", "mode", "0755");
        }),
        drift("a-program-is-no-longer-setuid", "", "critical:modified:usr/bin/su:mode", |e| {
            change(e, "usr/bin/su", "mode", "0755");
        }),
        drift(
            "a-capability-is-gained",
            "",
            "critical:modified:usr/bin/tool:xattr:security.capability",
            |e| {
                let tool = capable(&e["usr/bin/tool"]);
                e.insert("usr/bin/tool", tool);
            },
        ),
        drift("a-capability-is-lost", "", "critical:modified:usr/bin/ping:xattr:security.capability", |e| {
            e.insert("usr/bin/ping", file("0755", "ping"));
        }),
        drift("a-library-is-altered", "", "critical:modified:usr/lib/libc.so.6:content", |e| {
            write(e, "usr/lib/libc.so.6", "l1bc");
        }),
        drift("a-link-leads-elsewhere", "", "critical:modified:usr/bin/sh:target", |e| {
            change(e, "usr/bin/sh", "target", "/srv/miner");
        }),
        drift(
            "a-folder-of-programs-is-a-link",
            "",
            "critical:modified:usr/lib:type,mode,target warning:removed:usr/lib/libc.so.6",
            |e| {
                e.insert("usr/lib", link("/srv"));
                e.remove("usr/lib/libc.so.6");
            },
        ),
        drift(
            "a-program-is-now-a-link",
            "",
            "critical:modified:usr/bin/tool:type,mode,size,content,target",
            |e| {
                e.insert("usr/bin/tool", link("/srv/miner"));
            },
        ),
        drift("an-account-is-added", "", "critical:modified:etc/passwd:size,content", |e| {
            write(e, "etc/passwd", "root::0:0::/root:/bin/sh\nme::0:0::/:/bin/sh\n");
        }),
        drift("a-preloaded-library-is-named", "", "critical:added:etc/ld.so.preload", |e| {
            e.insert("etc/ld.so.preload", file("0644", "/srv/x.so"));
        }),
        drift("a-device-is-made", "", "critical:added:srv/mem", |e| {
            e.insert("srv/mem", device());
        }),
        drift("a-program-is-open-to-all", "", "critical:modified:usr/bin/tool:mode", |e| {
            change(e, "usr/bin/tool", "mode", "0777");
        }),
        drift("a-setting-is-changed", "", "warning:modified:etc/app.conf:content", |e| {
            write(e, "etc/app.conf", "listen 81\n");
        }),
        drift("a-file-is-removed", "", "warning:removed:usr/share/doc", |e| {
            e.remove("usr/share/doc");
        }),
        drift("an-owner-is-changed", "", "warning:modified:usr/share/doc:uid,gid", |e| {
            change(e, "usr/share/doc", "uid", 1000);
            change(e, "usr/share/doc", "gid", 1000);
        }),
        drift("an-attribute-is-added", "", "warning:modified:usr/share/doc:xattr:user.a", |e| {
            change(e, "usr/share/doc", "xattrs", json!({"user.a": "eA=="}));
        }),
        drift("a-folder-of-files-is-added", "", "warning:added:srv/new warning:added:srv/new/file", |e| {
            e.insert("srv/new", directory());
            e.insert("srv/new/file", file("0644", "x"));
        }),
        drift("a-log-is-written", "", "info:added:var/log/app.log", |e| {
            e.insert("var/log/app.log", file("0644", "started\n"));
        }),
        drift("a-hard-link-is-broken", "", "info:modified:srv/a:links info:modified:srv/b:links", |e| {
            e.insert("srv/b", file("0644", "shared"));
        }),
        drift("a-time-differs", "", "clean", |e| change(e, "usr/bin/tool", "mtime", 1)),
        drift("a-time-differs-and-is-compared", "--mtime", "info:modified:usr/bin/tool:mtime", |e| {
            change(e, "usr/bin/tool", "mtime", 1);
        }),
        drift("a-folder-that-no-layer-has-differs", "", "clean", |e| {
            change(e, "", "mode", "0555");
            change(e, "", "uid", 7);
        }),
        drift("a-folder-that-no-layer-has-is-open-to-all", "", "critical:modified::mode", |e| {
            change(e, "", "mode", "0777");
        }),
        drift("a-name-that-is-not-utf8", "", "warning:added:srv/caf\\xe9", |e| {
            let entry = with(&file("0644", "x"), "pathBytes", "c3J2L2NhZuk=");
            e.insert("srv/caf", entry);
        }),
    ]
}

fn left_out() -> Vec<Case> {
    let hosts = |e: &mut Entries| {
        e.insert("etc/hosts", file("0644", "127.0.0.1 localhost\n"));
        e.insert("run", directory());
        e.insert("run/.containerenv", file("0755", ""));
    };
    vec![
        drift("what-podman-writes", "--profile podman", "clean", hosts),
        drift(
            "what-podman-writes-without-a-profile",
            "",
            "warning:added:etc/hosts warning:added:run info:added:run/.containerenv",
            hosts,
        ),
        drift("what-docker-writes", "--profile docker", "clean", |e| {
            e.insert(".dockerenv", file("0755", ""));
            e.insert("dev/pts", directory());
            e.insert("dev/console", file("0755", ""));
            e.insert("etc/hosts", file("0755", ""));
            e.insert("etc/mtab", link("/proc/mounts"));
            e.insert("proc", directory());
        }),
        drift("hosts-is-a-program", "--profile podman", "critical:added:etc/hosts", |e| {
            e.insert("etc/hosts", file("0755", "#!/bin/sh\n"));
        }),
        drift("mtab-leads-elsewhere", "--profile docker", "warning:added:etc/mtab", |e| {
            e.insert("etc/mtab", link("/srv/miner"));
        }),
        drift("labels-of-selinux", "--profile docker", "clean", |e| {
            change(e, "usr/share/doc", "xattrs", json!({"security.selinux": "eA=="}));
        }),
        drift("a-folder-is-ignored", "--ignore srv/**", "warning:modified:etc/app.conf:content", |e| {
            e.insert("srv/miner", file("0755", "x"));
            write(e, "etc/app.conf", "listen 81\n");
        }),
        drift("a-pattern-for-names", "--ignore **/*.pid", "clean", |e| {
            e.insert("srv/app.pid", file("0644", "17"));
        }),
        drift("a-declared-mount", "--mount /srv/data", "clean", |e| {
            e.insert("srv/data", directory());
        }),
    ]
}
