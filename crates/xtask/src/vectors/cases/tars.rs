//! The tars in layers: the dialects that occur, and what breaks the format.

use crate::vectors::{
    bytes::tar::{Header, Tar, pax_records},
    case::{Case, Section},
    layout::{Layer, layout},
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Tars in their dialects", cases: dialects() },
        Section { title: "Names that leave the root", cases: escapes() },
        Section { title: "Tars that are none, or break the format", cases: broken() },
    ]
}

/// An image of one layer that is this tar.
fn tar(name: &str, tar: &[u8]) -> Case {
    layout(name, |l| {
        l.plain_of(&[Layer::gzip(tar)]);
    })
}

fn whole(name: &str, content: Tar) -> Case {
    tar(name, &content.end())
}

fn file(name: &str) -> Header {
    Header::new(name, b'0')
}

/// An entry that follows the one in question: it is reached only when that one's length was understood.
fn then(content: Tar) -> Tar {
    content.file("after", b"after\n")
}

fn dialects() -> Vec<Case> {
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(150));
    vec![
        tar("tar-empty", &[0; 1024]).verify("intact").because("Docker's empty layer"),
        tar("tar-of-no-bytes", &[]).verify("intact").because("Go reads it as an empty archive"),
        whole("tar-whiteouts", {
            Tar::new().dir("a/").file("a/.wh..wh..opq", b"").file("a/.wh.gone", b"").file("a/new", b"new\n")
        })
        .verify("intact"),
        whole("tar-links", {
            Tar::new()
                .dir("bin/")
                .file("bin/busybox", b"\x7fELF")
                .hard_link("bin/sh", "bin/busybox")
                .symlink("bin/ls", "busybox")
                .symlink("etc-alternatives", "/etc/alternatives/x")
                .symlink("up", "../../../../outside")
        })
        .verify("intact")
        .because("a symlink's target is text; it may point anywhere"),
        whole("tar-through-a-symlink", Tar::new().symlink("etc", "/tmp").file("etc/passwd", b"root\n"))
            .verify("intact"),
        whole("tar-devices", {
            Tar::new()
                .entry(&Header::new("dev/null", b'3').device(1, 3), &[])
                .entry(&Header::new("dev/sda", b'4').device(8, 0), &[])
                .entry(&Header::new("run/pipe", b'6'), &[])
        })
        .verify("intact"),
        whole("tar-of-one-root-entry", Tar::new().dir("./").file("./a", b"a\n")).verify("intact"),
        whole("tar-same-name-twice", Tar::new().file("a", b"1\n").file("a", b"2\n")).verify("intact"),
        whole("tar-name-is-not-utf8", then(Tar::new().entry(&file("").bytes(0, b"caf\xe9").size(2), b"x\n")))
            .verify("intact"),
        whole("tar-dotdot-that-stays-inside", then(Tar::new().file("a/b/../c", b"c\n"))).verify("intact"),
        whole(
            "tar-pax-path",
            then(Tar::new().pax(&[("path", &long), ("mtime", "1.5")]).file("short", b"x\n")),
        )
        .verify("intact"),
        whole(
            "tar-pax-path-twice",
            then(Tar::new().pax(&[("path", "first"), ("path", "last")]).file("short", b"x\n")),
        )
        .verify("intact"),
        whole("tar-pax-empty-value", then(Tar::new().pax(&[("uname", "")]).file("a", b"x\n")))
            .verify("intact"),
        whole("tar-pax-size-wins-over-a-smaller-one", {
            let content = Tar::new().pax(&[("size", "600")]).entry(&file("a"), &[b'x'; 600]);
            then(content).file("b", b"b\n")
        })
        .verify("intact")
        .because("CVE-2025-62518: whoever trusts the header's size takes content for a header"),
        whole("tar-pax-size-wins-over-a-larger-one", {
            then(Tar::new().pax(&[("size", "6")]).entry(&file("a").size(1536), b"hello\n"))
        })
        .verify("intact"),
        whole("tar-pax-size-counts-for-one-entry", {
            then(Tar::new().pax(&[("size", "6")]).file("a", b"hello\n").file("b", &[b'x'; 700]))
        })
        .verify("intact"),
        whole("tar-pax-xattrs", {
            let capability = "\u{1}\u{2}=\u{3}\n";
            then(
                Tar::new()
                    .pax(&[("SCHILY.xattr.security.capability", capability), ("VENDOR.key", "x")])
                    .file("a", b""),
            )
        })
        .verify("intact"),
        whole("tar-pax-global", then(Tar::new().pax_bytes(b'g', &pax_records(&[("comment", "a commit")]))))
            .verify("intact")
            .because("git archive writes one"),
        whole("tar-pax-global-of-a-vendor", {
            then(Tar::new().pax_bytes(b'g', &pax_records(&[("VENDOR.key", "x"), ("charset", "BINARY")])))
        })
        .verify("intact"),
        whole("tar-gnu-long-name", then(Tar::new().gnu_long(b'L', &long).file("short", b"x\n")))
            .verify("intact"),
        whole("tar-gnu-long-link", then(Tar::new().gnu_long(b'K', &long).symlink("a", "short")))
            .verify("intact"),
        whole("tar-gnu-magic", then(Tar::new().entry(&file("a").bytes(257, b"ustar  \0").size(2), b"x\n")))
            .verify("intact"),
        whole("tar-gnu-binary-size", then(Tar::new().entry(&file("a").binary_size(600), &[b'x'; 600])))
            .verify("intact"),
        whole("tar-gnu-negative-time", then(Tar::new().entry(&file("a").bytes(136, &[0xff; 12]), &[])))
            .verify("intact"),
        whole("tar-gnu-sparse", {
            // One piece of 512 bytes at 1,024 of a file of 1,536.
            let header = file("a")
                .bytes(156, b"S")
                .bytes(257, b"ustar  \0")
                .bytes(386, b"00000002000\x0000000001000\0")
                .bytes(483, b"00000003000\0")
                .size(512);
            then(Tar::new().entry(&header, &[b'x'; 512]))
        })
        .verify("intact"),
        whole("tar-pax-sparse", {
            let records = [
                ("GNU.sparse.major", "1"),
                ("GNU.sparse.minor", "0"),
                ("GNU.sparse.name", "a"),
                ("GNU.sparse.realsize", "1536"),
            ];
            let mut data = b"1\n1024\n512\n".to_vec();
            data.resize(512, 0);
            data.extend([b'x'; 512]);
            then(Tar::new().pax(&records).file("GNUSparseFile.0/a", &data))
        })
        .verify("intact"),
        whole(
            "tar-v7",
            then(Tar::new().entry(&file("a").bytes(257, &[0; 8]).bytes(156, &[0]).size(2), b"x\n")),
        )
        .verify("intact"),
        whole(
            "tar-prefix",
            then(Tar::new().entry(&file("name").bytes(345, b"a/long/prefix").size(2), b"x\n")),
        )
        .verify("intact"),
        whole(
            "tar-numbers-with-spaces",
            then(Tar::new().entry(&file("a").bytes(124, b"         12 "), b"0123456789")),
        )
        .verify("intact"),
        tar("tar-without-an-end", &then(Tar::new()).unfinished()).verify("intact"),
        tar("tar-with-half-an-end", &then(Tar::new()).raw(&[0; 512]).unfinished()).verify("intact"),
        tar("tar-padded-to-a-record", &then(Tar::new()).raw(&[0; 10240 - 1024]).unfinished())
            .verify("intact"),
        tar("tar-bytes-after-the-end", &{
            let mut bytes = then(Tar::new()).end();
            bytes.extend(b"no reader of tars sees this\n");
            bytes
        })
        .verify("intact")
        .because("the diffID covers these bytes"),
    ]
}

fn escapes() -> Vec<Case> {
    let escape = "warning:layer-path-escape";
    vec![
        whole("tar-name-above-the-root", then(Tar::new().file("../../etc/passwd", b"x\n"))).verify(escape),
        whole("tar-name-above-the-root-by-a-detour", then(Tar::new().file("a/../../b", b"x\n")))
            .verify(escape),
        whole("tar-name-absolute", then(Tar::new().file("/etc/passwd", b"x\n"))).verify(escape),
        whole("tar-pax-name-above-the-root", then(Tar::new().pax(&[("path", "../x")]).file("x", b"x\n")))
            .verify(escape),
        whole("tar-hard-link-above-the-root", then(Tar::new().hard_link("a", "../../etc/shadow")))
            .verify(escape),
        whole("tar-whiteout-of-the-parent", then(Tar::new().file("a/.wh...", b""))).verify(escape),
        whole("tar-name-above-the-root-twice", Tar::new().file("../a", b"").file("../b", b""))
            .verify("warning:layer-path-escape warning:layer-path-escape"),
    ]
}

fn broken() -> Vec<Case> {
    let malformed = "layer-tar-malformed";
    let pax = |name, body: &[u8]| {
        whole(name, then(Tar::new().pax_bytes(b'x', body).file("a", b"x\n"))).verify(malformed)
    };
    let global = |name, records| {
        let content = Tar::new().pax_bytes(b'g', &pax_records(records));
        whole(name, then(content.file("a", b"x\n"))).verify(malformed)
    };
    vec![
        tar("not-a-tar", b"plain text\n").verify("layer-not-a-tar"),
        tar("not-a-tar-of-a-whole-block", &[b'x'; 1024]).verify("layer-not-a-tar"),
        tar("not-a-tar-but-json", b"{\"schemaVersion\":2}").verify("layer-not-a-tar"),
        tar("tar-checksum-of-the-first-header", &{
            let mut bytes = then(Tar::new()).end();
            bytes[0] ^= 1;
            bytes
        })
        .verify("layer-not-a-tar"),
        tar("tar-checksum-of-the-second-header", &{
            let mut bytes = then(Tar::new().file("before", b"")).end();
            bytes[512] ^= 1;
            bytes
        })
        .verify(malformed),
        tar("tar-truncated-in-a-header", &{
            let mut bytes = then(Tar::new().file("before", b"")).end();
            bytes.truncate(512 + 100);
            bytes
        })
        .verify(malformed),
        tar("tar-truncated-in-a-file", &{
            let mut bytes = Tar::new().file("a", &[b'x'; 2000]).end();
            bytes.truncate(512 + 700);
            bytes
        })
        .verify(malformed),
        tar("tar-size-beyond-the-end", &Tar::new().entry(&file("a").size(1 << 30), b"x\n").end())
            .verify(malformed),
        tar("tar-size-of-8-eib", &Tar::new().entry(&file("a").binary_size(1 << 63), b"x\n").end())
            .verify(malformed),
        tar("tar-size-negative", &Tar::new().entry(&file("a").bytes(124, &[0xff; 12]), b"").end())
            .verify(malformed),
        tar("tar-size-not-a-number", &then(Tar::new().entry(&file("a").bytes(124, b"twelve"), b"")).end())
            .verify(malformed),
        tar(
            "tar-owner-of-33-bits",
            &then(Tar::new().entry(&file("a").bytes(108, &[0x80, 0, 0, 1, 0, 0, 0, 0]), b"")).end(),
        )
        .verify(malformed)
        .because("a reader that keeps 32 bits makes this root's file (CVE-2024-40635)"),
        whole("tar-pax-owner-of-33-bits", then(Tar::new().pax(&[("uid", "4294967296")]).file("a", b"x\n")))
            .verify(malformed),
        pax("tar-pax-length-not-a-number", b"xx path=a\n"),
        pax("tar-pax-length-zero", b"0 path=a\n"),
        pax("tar-pax-length-too-small", b"5 path=a\n"),
        pax("tar-pax-length-beyond-the-end", b"99 path=a\n"),
        pax("tar-pax-length-huge", b"99999999999999999999999 path=a\n"),
        pax("tar-pax-without-an-equals-sign", b"8 patha\n"),
        pax("tar-pax-without-a-line-end", b"10 path=ab"),
        pax("tar-pax-size-not-a-number", &pax_records(&[("size", "six")])),
        pax("tar-pax-size-negative", &pax_records(&[("size", "-6")])),
        pax("tar-pax-size-over-64-bits", &pax_records(&[("size", "18446744073709551616")])),
        pax("tar-pax-path-with-a-zero-byte", &pax_records(&[("path", "a\0b")])),
        global("tar-pax-global-path", &[("comment", "a commit"), ("path", "b")])
            .because("Go ignores what a global header says of entries, other readers apply it"),
        global("tar-pax-global-size", &[("size", "512")]),
        global("tar-pax-global-attribute", &[("SCHILY.xattr.user.a", "1")]),
        whole("tar-pax-without-an-entry", Tar::new().file("a", b"").pax(&[("path", "b")])).verify(malformed),
        whole("tar-gnu-long-name-without-an-entry", Tar::new().file("a", b"").gnu_long(b'L', "b"))
            .verify(malformed),
        whole(
            "tar-pax-path-of-20-kib",
            then(Tar::new().pax(&[("path", &"x".repeat(20 << 10))]).file("a", b"x\n")),
        )
        .verify("limit-exceeded"),
        whole(
            "tar-gnu-long-name-of-20-kib",
            then(Tar::new().gnu_long(b'L', &"x".repeat(20 << 10)).file("a", b"x\n")),
        )
        .verify("limit-exceeded"),
        tar(
            "tar-pax-header-of-8-gib",
            &Tar::new().file("a", b"").entry(&Header::new("pax", b'x').size((8 << 30) - 1), b"").end(),
        )
        .verify("limit-exceeded")
        .because("nothing may be allocated for a size that is only claimed"),
        layout("tar-broken-with-a-wrong-diffid", |l| {
            let mut bytes = then(Tar::new().file("before", b"")).end();
            bytes[512] ^= 1;
            l.plain_of(&[Layer::new(crate::vectors::layout::TAR, bytes, b"other bytes")]);
        })
        .verify("diffid-mismatch layer-tar-malformed"),
    ]
}
