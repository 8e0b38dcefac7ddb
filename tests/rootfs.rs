//! The trees that real images merge into, entry by entry. See `xtask::images`.

use std::{collections::BTreeMap, fs};

use castline::{
    Options, Watch,
    rootfs::{Node, NodeKind, Rootfs},
    sources::{Reference, Source},
};
use serde_json::{Value, json};
use xtask::images;

/// As the folder of real images writes an entry.
fn shown(path: &[u8], node: &Node) -> Value {
    let kind = match &node.kind {
        NodeKind::Directory => "dir",
        other => other.name(),
    };
    let mut entry = json!({
        "path": String::from_utf8_lossy(path), "type": kind, "mode": node.mode, "uid": node.uid, "gid": node.gid,
        "mtime": node.mtime.secs,
    });
    let members = entry.as_object_mut().expect("an object");
    if node.implicit {
        members.remove("mtime");
        members.insert("implicit".into(), true.into());
    }
    match &node.kind {
        NodeKind::File { size, digest } => {
            members.insert("size".into(), (*size).into());
            members.insert("sha256".into(), digest.encoded().into());
        }
        NodeKind::Symlink { target } => {
            members.insert("link".into(), String::from_utf8_lossy(target).into());
        }
        _ => {}
    }
    entry
}

#[test]
fn real_images_merge_into_their_trees() {
    let Some(images) = images::real() else { return };
    let scratch = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for image in images {
        let reference: Reference =
            image.reference(scratch.path()).expect("a reference").parse().expect("a reference");
        let source = Source::open(&reference).expect("opens");
        let options = Options::default().with_rootfs(true);
        let verification = castline::verify(&source, &options, &Watch::none()).expect("verifies");
        for (digest, tree) in &verification.rootfs {
            let Some(path) = image.tree(&digest.encoded()) else { continue };
            let text = fs::read_to_string(&path).expect("a tree");
            let expected: BTreeMap<String, Value> = text
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).expect("an entry"))
                .map(|entry| (entry["path"].as_str().expect("a path").to_owned(), entry))
                .collect();
            let actual: BTreeMap<String, Value> = tree
                .iter()
                .map(|(path, node)| (String::from_utf8_lossy(path).into_owned(), shown(path, node)))
                .collect();
            for (path, entry) in &expected {
                assert_eq!(actual.get(path), Some(entry), "{}: {path}", image.name);
            }
            for path in actual.keys() {
                assert!(expected.contains_key(path), "{}: {path} should not be there", image.name);
            }
            let mut lines = Vec::new();
            tree.write_json_lines(&mut lines).expect("memory");
            assert_eq!(Rootfs::read_json_lines(&mut &lines[..]).expect("reads"), *tree, "{}", image.name);
            compared += 1;
        }
    }
    assert!(compared >= 14, "only {compared} trees were compared");
}
