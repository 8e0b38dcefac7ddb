//! OCI archives: a layout in a tar.

use crate::vectors::{
    bytes::{
        gzip,
        tar::{Header, Tar, pax_records},
        xz, zstd,
    },
    case::{Case, Node, Section, Tree},
    layout::{Layer, Layout, files, flip_in_greeting, greeting, path_of, tagged},
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "OCI archives, in the forms that tools write", cases: forms() },
        Section { title: "OCI archives that are broken", cases: broken() },
    ]
}

/// A case that is one file.
pub(super) fn archive(name: &str, bytes: Vec<u8>) -> Case {
    let place = format!("archives/{name}");
    Case { tree: Tree::from([(place.clone(), Node::File(bytes))]), place, rows: Vec::new(), why: None }
}

/// The files of a layout as members, in the order of their names.
pub(super) fn members(l: &Layout) -> Tar {
    let folders = Tar::new().dir("blobs/").dir("blobs/sha256/");
    l.tree.iter().fold(folders, |tar, (path, node)| match node {
        Node::File(bytes) => named(tar, path, |tar, name| tar.file(name, bytes)),
        Node::Link(target) => named(tar, path, |tar, name| tar.symlink(name, target)),
    })
}

/// Names that are too long for a header go into a pax record.
fn named(tar: Tar, path: &str, entry: impl FnOnce(Tar, &str) -> Tar) -> Tar {
    if path.len() <= 100 { entry(tar, path) } else { entry(tar.pax(&[("path", path)]), "long") }
}

fn oci(name: &str, build: impl FnOnce(&mut Layout)) -> Case {
    let mut layout = Layout::new();
    build(&mut layout);
    archive(name, members(&layout).end())
}

fn plain() -> Layout {
    let mut layout = Layout::new();
    layout.plain();
    layout
}

/// A sound archive, and a member of this name that is another image's index.
fn other_index(name: &str) -> Vec<u8> {
    let mut other = plain();
    let parts = other.image(&[Layer::gzip(&files("other\n"))]);
    other.index(&[tagged(&parts.manifest, "other")]);
    let Node::File(index) = other.remove("index.json") else { unreachable!("an index is a file") };
    gzip::fixed(&Tar::new().file(name, &index).raw(&members(&plain()).end()).unfinished())
}

trait OciArchive {
    fn read(self, expected: &str) -> Self;
}

impl OciArchive for Case {
    fn read(self, expected: &str) -> Self {
        self.read_as("oci-archive", "", expected)
    }
}

fn forms() -> Vec<Case> {
    let tar = members(&plain()).end();
    vec![
        archive("oci.tar", tar.clone())
            .read("intact")
            .read_as("oci-archive", ":v1", "intact")
            .read_as("oci-archive", ":@0", "intact")
            .read_as("oci-archive", ":v2", "reference-not-found"),
        archive("oci-dot-names.tar", {
            let l = plain();
            l.tree
                .iter()
                .fold(Tar::new().dir("./"), |tar, (path, node)| match node {
                    Node::File(bytes) => tar.file(&format!("./{path}"), bytes),
                    Node::Link(target) => tar.symlink(&format!("./{path}"), target),
                })
                .end()
        })
        .read("intact")
        .because("`tar -C layout -cf - .` names its members so"),
        archive("oci-absolute-names.tar.gz", {
            let l = plain();
            let tar = l
                .tree
                .iter()
                .fold(Tar::new().dir("/"), |tar, (path, node)| match node {
                    Node::File(bytes) => tar.file(&format!("/{path}"), bytes),
                    Node::Link(target) => tar.symlink(&format!("/{path}"), target),
                })
                .end();
            gzip::fixed(&tar)
        })
        .read("intact")
        .because("extractors take the leading slash away"),
        archive("oci-index-first.tar", {
            let l = plain();
            l.tree
                .iter()
                .rev()
                .fold(Tar::new(), |tar, (path, node)| match node {
                    Node::File(bytes) => tar.file(path, bytes),
                    Node::Link(target) => tar.symlink(path, target),
                })
                .end()
        })
        .read("intact"),
        archive("oci-without-an-end.tar", members(&plain()).unfinished()).read("intact"),
        archive("oci.tar.gz", gzip::fixed(&tar)).read("intact"),
        archive("oci-multi-member.tar.gz", tar.chunks(3000).flat_map(gzip::fixed).collect()).read("intact"),
        archive("oci.tar.zst", zstd::frame(&tar)).read("intact"),
        archive("oci.tar.xz", xz::stream(&tar)).read("intact"),
        oci("oci-three-layers.tar", |l| {
            l.plain_of(&[
                Layer::gzip(&files("one\n")),
                Layer::tar(&files("two\n")),
                Layer::zstd(&files("three\n")),
            ]);
        })
        .read("intact"),
        oci("oci-blob-is-a-link-inside.tar", |l| {
            let parts = l.plain();
            let node = l.remove_blob(&parts.layers[0]);
            l.tree.insert("rootfs.tar.gz".into(), node);
            l.link(&path_of(&parts.layers[0]), "../../rootfs.tar.gz");
        })
        .read("intact"),
        archive("oci-blob-is-a-hard-link.tar", {
            let mut l = plain();
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let path = path_of(&parts.layers[0]);
            let Node::File(bytes) = l.remove(&path) else { unreachable!("a layer is a file") };
            let tar = Tar::new().file("first", &bytes).hard_link(&path, "first");
            tar.raw(&members(&l).end()).unfinished()
        })
        .read("intact"),
        archive("oci-same-member-twice.tar", {
            let l = plain();
            members(&l).raw(&members(&l).end()).unfinished()
        })
        .read("intact")
        .because("the same bytes twice have one reading"),
        archive("oci-pax-names.tar", {
            plain()
                .tree
                .iter()
                .fold(
                    Tar::new().pax_bytes(b'g', &pax_records(&[("comment", "a commit")])),
                    |tar, (path, node)| match node {
                        Node::File(bytes) => {
                            tar.pax(&[("path", path), ("mtime", "1.25")]).file("short", bytes)
                        }
                        Node::Link(_) => tar,
                    },
                )
                .end()
        })
        .read("intact"),
    ]
}

fn broken() -> Vec<Case> {
    let tar = members(&plain()).end();
    vec![
        oci("oci-missing-layer.tar", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
        })
        .read("blob-missing"),
        oci("oci-flipped-bit-in-a-layer.tar", |l| {
            let parts = l.plain_of(&[Layer::gzip_stored(&greeting())]);
            l.edit(&parts.layers[0], |bytes| flip_in_greeting(bytes));
        })
        .read("blob-digest-mismatch layer-gzip-corrupt"),
        oci("oci-missing-marker.tar", |l| {
            l.plain();
            l.remove("oci-layout");
        })
        .read("oci-layout-missing"),
        oci("oci-missing-index.tar", |l| {
            l.plain();
            l.remove("index.json");
        })
        .read("index-missing"),
        oci("oci-blob-is-a-link-outside.tar", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.link(&path_of(&parts.layers[0]), "../../../../../../../../etc/hostname");
        })
        .read("blob-outside-layout"),
        oci("oci-blob-is-an-absolute-link.tar", |l| {
            let parts = l.plain();
            l.remove_blob(&parts.layers[0]);
            l.link(&path_of(&parts.layers[0]), "/etc/hostname");
        })
        .read("blob-outside-layout"),
        oci("oci-blob-is-a-link-to-itself.tar", |l| {
            let parts = l.plain();
            let path = path_of(&parts.layers[0]);
            l.remove(&path);
            l.link(&path, path.rsplit('/').next().expect("a name"));
        })
        .read("blob-unreadable"),
        archive("oci-blob-is-a-folder.tar", {
            let mut l = plain();
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let path = path_of(&parts.layers[0]);
            l.remove(&path);
            members(&l).dir(&format!("{path}/")).end()
        })
        .read("blob-not-a-file"),
        archive("oci-blob-is-a-device.tar", {
            let mut l = plain();
            let parts = l.image(&[Layer::gzip(&greeting())]);
            let path = path_of(&parts.layers[0]);
            l.remove(&path);
            members(&l).entry(&Header::new(&path, b'3').device(1, 5), &[]).end()
        })
        .read("blob-not-a-file"),
        archive("oci-two-indexes.tar", {
            let mut other = plain();
            let parts = other.image(&[Layer::gzip(&files("other\n"))]);
            other.index(&[tagged(&parts.manifest, "other")]);
            members(&plain()).raw(&members(&other).end()).unfinished()
        })
        .read("archive-duplicate-entry")
        .because("readers disagree on whether the first or the last member counts"),
        archive("oci-two-indexes-one-absolute.tar.gz", other_index("/index.json"))
            .read("archive-duplicate-entry")
            .because("some readers take the leading slash away, and others the member for another one"),
        archive("oci-two-indexes-one-by-a-detour.tar.gz", other_index("blobs/../index.json"))
            .read("archive-duplicate-entry"),
        archive("oci-member-above-the-root.tar.gz", other_index("../index.json"))
            .read("archive-unreadable")
            .because("no writer of images makes such a name, and readers disagree on where it leads"),
        archive("oci-absolute-member-above-the-root.tar.gz", other_index("/blobs/../../index.json"))
            .read("archive-unreadable"),
        archive("oci-global-path.tar.gz", {
            let globals = pax_records(&[("path", "index.json")]);
            gzip::fixed(&Tar::new().pax_bytes(b'g', &globals).raw(&tar).unfinished())
        })
        .read("archive-unreadable")
        .because("Go ignores what a global header says of entries, other readers apply it"),
        archive("oci-name-of-20-kib.tar.gz", {
            let long = Tar::new().pax(&[("path", &"x".repeat(20 << 10))]).file("short", b"");
            gzip::fixed(&long.raw(&tar).unfinished())
        })
        .read("limit-exceeded"),
        archive("oci-truncated.tar", tar[..tar.len() - 1024 - 300].to_vec()).read("archive-unreadable"),
        archive("oci-damaged-header.tar", {
            let mut bytes = tar.clone();
            bytes[512] ^= 1;
            bytes
        })
        .read("archive-unreadable"),
        archive("oci-size-of-8-eib.tar", {
            Tar::new().entry(&Header::new("index.json", b'0').binary_size(1 << 63), b"{}").end()
        })
        .read("archive-unreadable"),
        archive("oci-truncated.tar.gz", {
            let bytes = gzip::fixed(&tar);
            bytes[..bytes.len() / 2].to_vec()
        })
        .read("archive-unreadable"),
        archive("oci-wrong-crc.tar.gz", {
            let mut bytes = gzip::fixed(&tar);
            let at = bytes.len() - 8;
            bytes[at] ^= 1;
            bytes
        })
        .read("archive-unreadable"),
        archive("empty-file.tar", Vec::new()).read("archive-is-not-an-image").read_as(
            "docker-archive",
            "",
            "docker-manifest-json-missing",
        ),
        archive("text.tar", b"no archive\n".to_vec()).read("archive-unreadable").read_as(
            "docker-archive",
            "",
            "archive-unreadable",
        ),
        archive("other-content.tar", files("no image\n")).read("archive-is-not-an-image").read_as(
            "docker-archive",
            "",
            "docker-manifest-json-missing",
        ),
    ]
}
