//! What parses and what does not: digests, references, platforms. No files belong to these rows.

use crate::vectors::{
    bytes::digest::{self, Algorithm},
    case::Row,
};

/// The operations on text, each with the sentence that explains it and its rows.
pub(in crate::vectors) fn sections() -> Vec<(&'static str, Vec<Row>)> {
    vec![
        ("Digests (OCI image-spec, descriptor.md): the canonical text", digests()),
        ("References to images (containers-transports(5)): transport, path and selection", references()),
        ("Platforms: the canonical text, normalised as containerd does", platforms()),
    ]
}

const INVALID_DIGEST: &str = "!INVALID_DIGEST";
const INVALID_REFERENCE: &str = "!INVALID_REFERENCE";
const INVALID_PLATFORM: &str = "!INVALID_PLATFORM";

fn digests() -> Vec<Row> {
    let sha256 = digest::of(b"hello");
    let encoded = digest::encoded(&sha256).to_owned();
    let of = |algorithm| digest::by(algorithm, b"hello");
    let mut rows = Vec::new();
    for valid in [
        sha256.clone(),
        of(Algorithm::Sha384),
        of(Algorithm::Sha512),
        of(Algorithm::Blake3),
        format!("sha256:{}", "0".repeat(64)),
        // Of algorithms that nobody registered, the grammar alone is asked for.
        "md5:5d41402abc4b2a76b9719d911017c592".into(),
        "sha3-256:a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a".into(),
        "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564".into(),
        "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8".into(),
        "tree.sha256_v2-a+b:AAAA==".into(),
        "x:y".into(),
        "0:0".into(),
        "sha1:a".into(),
        "unknown:ABCDEF".into(),
        "a:=_-".into(),
    ] {
        rows.push(Row::new("digest.parse", &valid, &valid));
    }
    for invalid in [
        String::new(),
        ":".into(),
        "sha256".into(),
        "sha256:".into(),
        encoded.clone(),
        format!(":{encoded}"),
        format!("sha256:{}", encoded.to_uppercase()),
        format!("sha256:{}A", &encoded[..63]),
        format!("sha256:{}g", &encoded[..63]),
        format!("sha256:{}", &encoded[..63]),
        format!("sha256:{encoded}0"),
        format!("sha256:{}", of(Algorithm::Sha512).replace("sha512:", "")),
        format!("sha384:{encoded}"),
        format!("sha512:{encoded}"),
        format!("blake3:{}", encoded.to_uppercase()),
        format!("blake3:{}", &encoded[..62]),
        format!("SHA256:{encoded}"),
        format!("sha256::{encoded}"),
        format!("sha256:sha256:{encoded}"),
        format!("sha256/{encoded}"),
        format!("sha256@{encoded}"),
        format!(" sha256:{encoded}"),
        format!("sha256:{encoded} "),
        format!("sha256:{encoded}\n"),
        format!("sha256:{}\0", &encoded[..63]),
        format!("sha256: {encoded}"),
        format!("sha256:0x{}", &encoded[..62]),
        format!("sha256:{}é", &encoded[..62]),
        format!("sha256:{}", "０".repeat(64)),
        "sha256:../../etc/passwd".into(),
        "sha256:..".into(),
        "unknown:../../etc/passwd".into(),
        "unknown:..".into(),
        "unknown:a/b".into(),
        "unknown:a.b".into(),
        "unknown:a:b".into(),
        "unknown:a+b".into(),
        "unknown:".into(),
        "../unknown:abc".into(),
        "un/known:abc".into(),
        "Unknown:abc".into(),
        "+sha256:abc".into(),
        "sha256+:abc".into(),
        "sha256++b64u:abc".into(),
        "sha256+.b64u:abc".into(),
        "-:abc".into(),
        ".:abc".into(),
        "..:abc".into(),
        "sha 256:abc".into(),
        "ｓha256:abc".into(),
    ] {
        rows.push(Row::new("digest.parse", &invalid, INVALID_DIGEST));
    }
    rows
}

fn references() -> Vec<Row> {
    let digest = digest::of(b"hello");
    let sha512 = digest::by(Algorithm::Sha512, b"hello");
    let mut rows = Vec::new();
    for (text, expected) in [
        ("oci:images/app".to_owned(), "oci path=images/app".to_owned()),
        ("oci:.".into(), "oci path=.".into()),
        ("oci:/srv/images/app".into(), "oci path=/srv/images/app".into()),
        ("oci:../with space/é".into(), "oci path=../with space/é".into()),
        ("oci:images/app:v1".into(), "oci path=images/app tag=v1".into()),
        ("oci:images/app:busybox:1.38.0-musl".into(), "oci path=images/app tag=busybox:1.38.0-musl".into()),
        ("oci:images/app:registry.example:5000/team/app:1.0".into(), {
            "oci path=images/app tag=registry.example:5000/team/app:1.0".into()
        }),
        ("oci:images/app:v1.0+build.7".into(), "oci path=images/app tag=v1.0+build.7".into()),
        (format!("oci:images/app@{digest}"), format!("oci path=images/app digest={digest}")),
        (format!("oci:images/app@{sha512}"), format!("oci path=images/app digest={sha512}")),
        (format!("oci:images/app:v1@{digest}"), format!("oci path=images/app tag=v1 digest={digest}")),
        (
            format!("oci:images/app:team/app:1@{digest}"),
            format!("oci path=images/app tag=team/app:1 digest={digest}"),
        ),
        // An `@` that no known algorithm follows belongs to the folder or the tag.
        ("oci:job@2/layout:v1".into(), "oci path=job@2/layout tag=v1".into()),
        ("oci:job@2:v1".into(), "oci path=job@2 tag=v1".into()),
        ("oci:job@2".into(), "oci path=job@2".into()),
        ("oci:job@20261123/layout:20261123".into(), "oci path=job@20261123/layout tag=20261123".into()),
        ("oci:sha256@1/layout:v1".into(), "oci path=sha256@1/layout tag=v1".into()),
        ("oci:layout:team@2/app".into(), "oci path=layout tag=team@2/app".into()),
        ("oci:job@sha1:v1".into(), "oci path=job@sha1 tag=v1".into()),
        ("oci:job@sha256/layout:v1".into(), "oci path=job@sha256/layout tag=v1".into()),
        (format!("oci:job@2/layout:v1@{digest}"), format!("oci path=job@2/layout tag=v1 digest={digest}")),
        ("oci-archive:job@2/app.tar:v1".into(), "oci-archive path=job@2/app.tar tag=v1".into()),
        (
            "docker-archive:job@2/app.tar:example/app:1.0".into(),
            "docker-archive path=job@2/app.tar tag=example/app:1.0".into(),
        ),
        ("oci:images/app:@0".into(), "oci path=images/app index=0".into()),
        ("oci:images/app:@12".into(), "oci path=images/app index=12".into()),
        ("oci-archive:app.tar".into(), "oci-archive path=app.tar".into()),
        ("oci-archive:/srv/app.tar.gz:v1".into(), "oci-archive path=/srv/app.tar.gz tag=v1".into()),
        ("oci-archive:app.tar:@1".into(), "oci-archive path=app.tar index=1".into()),
        (
            format!("oci-archive:app.tar:v1@{digest}"),
            format!("oci-archive path=app.tar tag=v1 digest={digest}"),
        ),
        ("docker-archive:app.tar".into(), "docker-archive path=app.tar".into()),
        (
            "docker-archive:app.tar:example/app:1.0".into(),
            "docker-archive path=app.tar tag=example/app:1.0".into(),
        ),
        ("docker-archive:app.tar:registry.example:5000/app:1.0".into(), {
            "docker-archive path=app.tar tag=registry.example:5000/app:1.0".into()
        }),
        ("docker-archive:app.tar:@0".into(), "docker-archive path=app.tar index=0".into()),
        ("docker://registry.example/app".into(), "docker path=registry.example/app".into()),
        (
            "docker://registry.example/team/app:1.0".into(),
            "docker path=registry.example/team/app tag=1.0".into(),
        ),
        (
            "docker://registry.example:5000/app:1.0".into(),
            "docker path=registry.example:5000/app tag=1.0".into(),
        ),
        ("docker://registry.example:5000/app".into(), "docker path=registry.example:5000/app".into()),
        ("docker://localhost/app:1.0".into(), "docker path=localhost/app tag=1.0".into()),
        ("docker://[::1]:5000/app:1.0".into(), "docker path=[::1]:5000/app tag=1.0".into()),
        (
            format!("docker://registry.example/app@{digest}"),
            format!("docker path=registry.example/app digest={digest}"),
        ),
        (format!("docker://registry.example/app:1.0@{digest}"), {
            format!("docker path=registry.example/app tag=1.0 digest={digest}")
        }),
        (format!("docker://registry.example/app:{}", "t".repeat(128)), {
            format!("docker path=registry.example/app tag={}", "t".repeat(128))
        }),
        ("docker://registry.example/a.b_c-d/e__f/g--h:_1".into(), {
            "docker path=registry.example/a.b_c-d/e__f/g--h tag=_1".into()
        }),
    ] {
        rows.push(Row::new("reference.parse", &text, &expected));
    }
    for invalid in [
        String::new(),
        ":".into(),
        "images/app".into(),
        "busybox".into(),
        "busybox:latest".into(),
        "/srv/images/app".into(),
        "dir:images/app".into(),
        "containers-storage:app".into(),
        "OCI:images/app".into(),
        " oci:images/app".into(),
        "oci".into(),
        "oci:".into(),
        "oci::v1".into(),
        format!("oci:@{digest}"),
        "oci::@0".into(),
        "oci:images/app:".into(),
        "oci:images/app\n".into(),
        "oci:images/app\0".into(),
        "oci:images/app:v1\t".into(),
        "oci:images/app:v1\u{1b}[31m".into(),
        "oci:images/app:@-1".into(),
        "oci:images/app:@+1".into(),
        "oci:images/app:@".into(),
        "oci:images/app:@one".into(),
        "oci:images/app:@99999999999999999999".into(),
        "oci:images/app@sha256:abcd".into(),
        "oci:images/app:v1@sha256:abcd".into(),
        "oci:images/app@sha256:zz".into(),
        "oci:images/app@sha256:".into(),
        "oci:images/app@blake3:abcd".into(),
        format!("oci:images/app@{}", digest.replace("sha", "SHA")),
        format!("oci:images/app@{digest}@x"),
        "oci:images/app@sha256:abcd/layout:v1".into(),
        // Digests of algorithms that are not computed.
        "oci:images/app@sha1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d".into(),
        "oci:images/app:v1@md5:5d41402abc4b2a76b9719d911017c592".into(),
        "oci:images/app:v1@sha256:../../etc/passwd".into(),
        format!("oci:images/app:v1@{}", digest.to_uppercase().replace("SHA", "sha")),
        "oci:images/app:v1@".into(),
        "oci-archive:".into(),
        "oci-archive::v1".into(),
        "docker-archive:".into(),
        "docker-archive:app.tar:Example/App:1.0".into(),
        format!("docker-archive:app.tar:example/app@{digest}"),
        "docker-archive:app.tar:@x".into(),
        "docker:registry.example/app".into(),
        "docker:/registry.example/app".into(),
        "docker://".into(),
        "docker:///app".into(),
        "docker://registry.example/".into(),
        "docker://registry.example//app".into(),
        "docker://registry.example/App".into(),
        "docker://registry.example/app/".into(),
        "docker://registry.example/-app".into(),
        "docker://registry.example/a..b".into(),
        "docker://registry.example/../app".into(),
        "docker://registry.example/app:".into(),
        "docker://registry.example/app:-1".into(),
        "docker://registry.example/app:.1".into(),
        "docker://registry.example/app:a b".into(),
        format!("docker://registry.example/app:{}", "t".repeat(129)),
        "docker://registry.example/app@".into(),
        "docker://registry.example/app@sha256:abcd".into(),
        "docker://registry.example/app?x=1".into(),
        "docker://user@registry.example/app".into(),
        "docker://registry.example:port/app".into(),
        "docker://https://registry.example/app".into(),
    ] {
        rows.push(Row::new("reference.parse", &invalid, INVALID_REFERENCE));
    }
    rows
}

fn platforms() -> Vec<Row> {
    let mut rows = Vec::new();
    for (text, expected) in [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm64/v9", "linux/arm64/v9"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/aarch64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/arm/5", "linux/arm/v5"),
        ("linux/arm/v8", "linux/arm/v8"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/386", "linux/386"),
        ("linux/i386", "linux/386"),
        ("linux/ppc64le", "linux/ppc64le"),
        ("linux/s390x", "linux/s390x"),
        ("linux/riscv64", "linux/riscv64"),
        ("linux/mips64le", "linux/mips64le"),
        ("windows/amd64", "windows/amd64"),
        ("darwin/arm64", "darwin/arm64"),
        ("macos/arm64", "darwin/arm64"),
        ("Linux/AMD64", "linux/amd64"),
        ("linux/ARM/V7", "linux/arm/v7"),
        ("wasip1/wasm", "wasip1/wasm"),
        ("unknown/unknown", "unknown/unknown"),
    ] {
        rows.push(Row::new("platform.parse", text, expected));
    }
    for invalid in [
        "",
        "/",
        "//",
        "linux",
        "linux/",
        "/amd64",
        "linux//v7",
        "linux/arm/",
        "linux/arm/v7/",
        "/linux/amd64",
        "linux/arm/v7/neon",
        "linux/amd 64",
        " linux/amd64",
        "linux/amd64 ",
        "linux/amd64\n",
        "linux/amd64;",
        "linux/amd64:v1",
        "linux/*",
        "linux\\amd64",
        "linux,amd64",
        "linüx/amd64",
        "linux/amd64\0",
    ] {
        rows.push(Row::new("platform.parse", invalid, INVALID_PLATFORM));
    }
    rows
}
