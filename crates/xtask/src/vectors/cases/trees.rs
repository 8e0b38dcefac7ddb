//! Layers that merge into a tree, or that cannot.

use crate::vectors::{
    bytes::tar::{Header, Tar},
    case::{Case, Section},
    layout::{Layer, layout},
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Layers over each other", cases: merged() },
        Section { title: "Layers that cannot be laid over each other", cases: conflicts() },
    ]
}

/// An image of these layers, lowest first, and its tree.
fn tree<const N: usize>(name: &str, layers: [Tar; N], expected: &str) -> Case {
    layout(name, |l| {
        l.plain_of(&layers.map(|layer| Layer::tar(&layer.end())));
    })
    .row("tree", "", expected)
}

fn new() -> Tar {
    Tar::new()
}

fn merged() -> Vec<Case> {
    let lower =
        || new().dir("a/").file("a/one", b"1").file("a/two", b"22").dir("a/b/").file("a/b/three", b"333");
    vec![
        tree("tree-of-one-layer", [lower()], "d:a d:a/b f:a/b/three:3 f:a/one:1 f:a/two:2"),
        tree(
            "tree-later-layer-wins",
            [lower(), new().file("a/one", b"other")],
            "d:a d:a/b f:a/b/three:3 f:a/one:5 f:a/two:2",
        ),
        tree("tree-later-entry-wins", [new().file("a", b"1").file("a", b"22")], "f:a:2"),
        tree(
            "tree-folder-over-folder-keeps-its-files",
            [lower(), new().entry(&Header::new("a/", b'5').mode(0o700), &[])],
            "d:a:0700 d:a/b f:a/b/three:3 f:a/one:1 f:a/two:2",
        ),
        tree("tree-file-over-folder", [lower(), new().file("a/b", b"1")], "d:a f:a/b:1 f:a/one:1 f:a/two:2"),
        tree(
            "tree-folder-over-file",
            [lower(), new().dir("a/one").file("a/one/x", b"")],
            "d:a d:a/b f:a/b/three:3 d:a/one f:a/one/x:0 f:a/two:2",
        ),
        tree(
            "tree-link-over-folder",
            [lower(), new().symlink("a/b", "one")],
            "d:a l:a/b->one f:a/one:1 f:a/two:2",
        ),
        tree("tree-whiteout", [lower(), new().file("a/.wh.one", b"")], "d:a d:a/b f:a/b/three:3 f:a/two:2"),
        tree("tree-whiteout-of-a-folder", [lower(), new().file("a/.wh.b", b"")], "d:a f:a/one:1 f:a/two:2"),
        tree(
            "tree-whiteout-before-its-own-file",
            [lower(), new().file("a/.wh.one", b"").file("a/one", b"new")],
            "d:a d:a/b f:a/b/three:3 f:a/one:3 f:a/two:2",
        ),
        tree(
            "tree-whiteout-after-its-own-file",
            [lower(), new().file("a/one", b"new").file("a/.wh.one", b"")],
            "d:a d:a/b f:a/b/three:3 f:a/one:3 f:a/two:2",
        )
        .because("whiteouts apply to lower layers only (layer.md, Whiteouts)"),
        tree(
            "tree-whiteout-of-nothing",
            [lower(), new().file("a/.wh.none", b"").file("none/.wh.x", b"")],
            "d:a d:a/b f:a/b/three:3 f:a/one:1 f:a/two:2",
        ),
        tree("tree-whiteout-in-the-lowest-layer", [new().file(".wh.a", b"").file("b", b"")], "f:b:0"),
        tree(
            "tree-opaque",
            [lower(), new().dir("a/").file("a/.wh..wh..opq", b"").file("a/new", b"1")],
            "d:a f:a/new:1",
        ),
        tree(
            "tree-opaque-after-its-own-files",
            [lower(), new().dir("a/").file("a/new", b"1").file("a/.wh..wh..opq", b"")],
            "d:a f:a/new:1",
        ),
        tree("tree-opaque-root", [lower(), new().file(".wh..wh..opq", b"").file("x", b"")], "f:x:0"),
        tree(
            "tree-opaque-and-whiteout-in-one-layer",
            [
                lower(),
                new()
                    .file("a/.wh.two", b"")
                    .file("a/b/.wh..wh..opq", b"")
                    .file("a/b/four", b"4444")
                    .file("a/two", b"2"),
            ],
            "d:a d:a/b f:a/b/four:4 f:a/one:1 f:a/two:1",
        ),
        tree(
            "tree-whiteout-then-again",
            [lower(), new().file(".wh.a", b""), new().file("a/back", b"")],
            "D:a f:a/back:0",
        ),
        tree(
            "tree-aufs-meta-files",
            [new().file(".wh..wh.plnk", b"").file(".wh..wh.aufs", b"").file("a", b"")],
            "f:a:0",
        ),
        tree("tree-missing-folders-are-made", [new().file("a/b/c", b"")], "D:a D:a/b f:a/b/c:0"),
        tree(
            "tree-names-in-other-spellings",
            [new().dir("./").file("./a//b/./c", b"").file("/d", b"").file("../../e", b"")],
            "D:a D:a/b f:a/b/c:0 f:d:0 f:e:0",
        ),
        tree("tree-hard-link", [new().file("a", b"1").hard_link("b", "a")], "f:a:1 h:b=a"),
        tree(
            "tree-hard-link-to-a-lower-layer",
            [new().file("a", b"1"), new().hard_link("b", "./a")],
            "f:a:1 h:b=a",
        ),
        tree(
            "tree-hard-link-outlives-its-first-name",
            [new().file("a", b"1").hard_link("b", "a"), new().file(".wh.a", b"")],
            "f:b:1",
        ),
        tree(
            "tree-hard-link-is-broken-by-a-new-file",
            [new().file("a", b"1").hard_link("b", "a"), new().file("a", b"22")],
            "f:a:2 f:b:1",
        ),
        tree(
            "tree-hard-link-to-a-symbolic-link",
            [new().symlink("a", "x").hard_link("b", "a")],
            "l:a->x h:b=a",
        ),
        tree(
            "tree-entries-through-a-linked-folder",
            [
                new().dir("usr/").dir("usr/lib/").symlink("lib", "usr/lib"),
                new().file("lib/x", b"1").hard_link("lib/y", "lib/x"),
            ],
            "l:lib->usr/lib d:usr d:usr/lib f:usr/lib/x:1 h:usr/lib/y=usr/lib/x",
        )
        .because("engines follow links in an entry's folder, inside the root"),
        tree(
            "tree-whiteout-through-a-linked-folder",
            [new().dir("usr/").file("usr/x", b"").symlink("lib", "/usr"), new().file("lib/.wh.x", b"")],
            "l:lib->/usr d:usr",
        ),
        tree(
            "tree-link-that-leaves-the-root",
            [new().symlink("up", "../../etc").file("up/x", b"")],
            "D:etc f:etc/x:0 l:up->../../etc",
        ),
        tree(
            "tree-devices-and-pipes",
            [new()
                .entry(&Header::new("null", b'3').device(1, 3).mode(0o666), &[])
                .entry(&Header::new("pipe", b'6'), &[])
                .entry(&Header::new("sda", b'4').device(8, 0), &[])],
            "c:null:1,3:0666 p:pipe b:sda:8,0",
        ),
        tree("tree-setuid", [new().entry(&Header::new("su", b'0').mode(0o104_755), &[])], "f:su:0:4755"),
        tree(
            "tree-attributes",
            [new().pax(&[("SCHILY.xattr.user.x", "y")]).file("a", b"")],
            "f:a:0:user.x=eQ==",
        ),
        tree(
            "tree-name-is-not-utf8",
            [new().entry(&Header::new("", b'0').bytes(0, b"caf\xe9 b"), &[])],
            "f:caf\\xe9\\x20b:0",
        ),
        tree(
            "tree-sorted-by-bytes",
            [new().dir("a/").file("a/x", b"").file("a.b", b"").file("a-b", b"")],
            "d:a f:a-b:0 f:a.b:0 f:a/x:0",
        ),
    ]
}

fn conflicts() -> Vec<Case> {
    vec![
        tree("tree-entry-in-a-file", [new().file("a", b"").file("a/b", b"")], "rootfs-conflict"),
        tree(
            "tree-entry-in-a-file-of-a-lower-layer",
            [new().file("a", b""), new().file("a/b", b"")],
            "rootfs-conflict",
        ),
        tree(
            "tree-entry-through-a-circle-of-links",
            [new().symlink("a", "b").symlink("b", "a").file("a/x", b"")],
            "rootfs-conflict",
        ),
        tree("tree-hard-link-to-nothing", [new().hard_link("b", "a")], "rootfs-conflict"),
        tree("tree-hard-link-to-a-folder", [new().dir("a/").hard_link("b", "a")], "rootfs-conflict"),
        tree(
            "tree-hard-link-to-what-a-layer-removed",
            [new().file("a", b""), new().file(".wh.a", b"").hard_link("b", "a")],
            "rootfs-conflict",
        ),
    ]
}
