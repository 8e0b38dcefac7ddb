//! How layers are compressed. In all of these the blob's digest is right: it is the layer itself that is odd.

use crate::vectors::{
    bytes::{
        gzip,
        zstd::{self, Header},
    },
    case::{Case, Section},
    layout::{Layer, TAR, TAR_GZIP, TAR_ZSTD, greeting, layout},
};

/// The greeting's tar as the `zstd` tool 1.5.4 compressed it at level 3: with Huffman and FSE tables.
const ZSTD_OF_THE_TOOL: &[u8] = include_bytes!("greeting.tar.zst");

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "gzip layers", cases: gzip_layers() },
        Section { title: "zstd layers", cases: zstd_layers() },
        Section { title: "Layers compressed otherwise than they say", cases: mismatches() },
    ]
}

/// An image of one layer of the greeting.
fn layer(name: &str, media_type: &'static str, stored: Vec<u8>) -> Case {
    layout(name, |l| {
        l.plain_of(&[Layer::new(media_type, stored, &greeting())]);
    })
}

fn gzip_layer(name: &str, stored: Vec<u8>) -> Case {
    layer(name, TAR_GZIP, stored)
}

fn zstd_layer(name: &str, stored: Vec<u8>) -> Case {
    layer(name, TAR_ZSTD, stored)
}

fn edited(mut bytes: Vec<u8>, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    edit(&mut bytes);
    bytes
}

fn gzip_layers() -> Vec<Case> {
    let tar = greeting();
    let (head, tail) = tar.split_at(700);
    let members = [gzip::fixed(head), gzip::stored(tail)].concat();
    let fixed = gzip::fixed(&tar);
    let length = fixed.len();
    vec![
        gzip_layer("gzip-stored-blocks", gzip::stored(&tar)).verify("intact"),
        gzip_layer("gzip-dynamic-codes", gzip::dynamic(&tar)).verify("intact"),
        gzip_layer("gzip-every-header-field", gzip::with_every_header_field(&tar)).verify("intact"),
        gzip_layer("gzip-multi-member", members.clone()).verify("intact").because("estargz is written so"),
        gzip_layer("gzip-member-per-byte-block", tar.chunks(512).flat_map(gzip::fixed).collect())
            .verify("intact"),
        gzip_layer("gzip-empty-members", [gzip::fixed(&[]), fixed.clone(), gzip::stored(&[])].concat())
            .verify("intact"),
        gzip_layer("gzip-trailing-zeros", [fixed.clone(), vec![0; 512]].concat())
            .verify("warning:layer-gzip-trailing-zeros")
            .because("padding of tapes and of some builders; gzip itself ignores it"),
        gzip_layer("gzip-trailing-zeros-then-garbage", [fixed.clone(), vec![0; 20], vec![7]].concat())
            .verify("layer-gzip-trailing-garbage"),
        gzip_layer("gzip-trailing-garbage", [fixed.clone(), b"garbage".to_vec()].concat())
            .verify("layer-gzip-trailing-garbage"),
        gzip_layer("gzip-trailing-byte", [fixed.clone(), vec![0x1f]].concat())
            .verify("layer-gzip-trailing-garbage")
            .because("half a magic number is no member"),
        gzip_layer(
            "gzip-second-member-of-another-method",
            [fixed.clone(), vec![0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0]].concat(),
        )
        .verify("layer-gzip-corrupt"),
        gzip_layer("gzip-wrong-crc", edited(fixed.clone(), |bytes| bytes[length - 8] ^= 1))
            .verify("layer-gzip-corrupt"),
        gzip_layer("gzip-wrong-length", edited(fixed.clone(), |bytes| bytes[length - 4] ^= 1))
            .verify("layer-gzip-corrupt"),
        gzip_layer(
            "gzip-wrong-crc-of-the-first-member",
            edited(members.clone(), |bytes| {
                let at = gzip::fixed(head).len() - 8;
                bytes[at] ^= 1;
            }),
        )
        .verify("layer-gzip-corrupt"),
        gzip_layer(
            "gzip-wrong-crc-of-the-second-member",
            edited(members.clone(), |bytes| {
                let at = bytes.len() - 8;
                bytes[at] ^= 1;
            }),
        )
        .verify("layer-gzip-corrupt"),
        gzip_layer(
            "gzip-wrong-crc-of-the-header",
            edited(gzip::with_every_header_field(&tar), |bytes| bytes[4] ^= 1),
        )
        .verify("layer-gzip-corrupt"),
        gzip_layer("gzip-reserved-flags", edited(fixed.clone(), |bytes| bytes[3] = 0xe0))
            .verify("layer-gzip-corrupt"),
        gzip_layer("gzip-reserved-block-type", gzip::member(&[0b111, 0], &tar)).verify("layer-gzip-corrupt"),
        gzip_layer("gzip-distance-before-the-start", gzip::member(&[0b011, 0b10, 0, 0], &[0; 3]))
            .verify("layer-gzip-corrupt"),
        gzip_layer("gzip-stored-length-wrong", edited(gzip::stored(&tar), |bytes| bytes[13] ^= 1))
            .verify("layer-gzip-corrupt"),
        gzip_layer("gzip-truncated-in-the-header", fixed[..7].to_vec()).verify("layer-gzip-truncated"),
        gzip_layer("gzip-truncated-in-the-data", fixed[..length / 2].to_vec()).verify("layer-gzip-truncated"),
        gzip_layer("gzip-truncated-in-the-trailer", fixed[..length - 1].to_vec())
            .verify("layer-gzip-truncated"),
        gzip_layer("gzip-truncated-before-the-trailer", fixed[..length - 8].to_vec())
            .verify("layer-gzip-truncated"),
        gzip_layer("gzip-truncated-second-member", members[..members.len() - 100].to_vec())
            .verify("layer-gzip-truncated"),
        gzip_layer("gzip-of-nothing", gzip::fixed(&[])).verify("diffid-mismatch"),
    ]
}

fn zstd_layers() -> Vec<Case> {
    let tar = greeting();
    let (head, tail) = tar.split_at(512);
    let frame = zstd::frame(&tar);
    let length = frame.len();
    let plain = Header { window: 0x58, ..Header::default() };
    vec![
        zstd_layer("zstd-raw-and-run-length-blocks", frame.clone()).verify("intact"),
        zstd_layer("zstd-compressed-blocks", ZSTD_OF_THE_TOOL.to_vec()).verify("intact"),
        zstd_layer("zstd-without-size-and-checksum", zstd::frame_with(plain, &tar)).verify("intact"),
        zstd_layer("zstd-multi-frame", [zstd::frame(head), zstd::frame_with(plain, tail)].concat())
            .verify("intact"),
        zstd_layer("zstd-skippable-frames", {
            [
                zstd::skippable(b"index"),
                zstd::frame(head),
                zstd::skippable(&[]),
                zstd::frame(tail),
                zstd::skippable(&[0; 64]),
            ]
            .concat()
        })
        .verify("intact")
        .because("zstd:chunked keeps its table of contents in such frames"),
        zstd_layer(
            "zstd-empty-frames",
            [zstd::frame(&[]), frame.clone(), zstd::frame_with(plain, &[])].concat(),
        )
        .verify("intact"),
        zstd_layer("zstd-window-128-mib", zstd::frame_with(Header { window: 0x88, ..plain }, &tar))
            .verify("intact"),
        zstd_layer("zstd-window-144-mib", zstd::frame_with(Header { window: 0x89, ..plain }, &tar))
            .verify("limit-exceeded"),
        zstd_layer("zstd-window-huge", zstd::frame_with(Header { window: 0xff, ..plain }, &tar))
            .verify("limit-exceeded")
            .because("3.75 TiB: an unwary decoder allocates it"),
        zstd_layer("zstd-window-huge-in-the-second-frame", {
            [zstd::frame(head), zstd::frame_with(Header { window: 0xff, ..plain }, tail)].concat()
        })
        .verify("limit-exceeded"),
        zstd_layer("zstd-content-size-huge", {
            zstd::frame_with(Header { content_size: Some(u32::MAX), ..Header::default() }, &tar)
        })
        .verify("limit-exceeded")
        .because("in a single-segment frame the content size is the window"),
        zstd_layer("zstd-content-size-wrong", {
            zstd::frame_with(Header { content_size: Some(5000), checksum: true, ..Header::default() }, &tar)
        })
        .verify("layer-zstd-corrupt"),
        zstd_layer("zstd-checksum-wrong", edited(frame.clone(), |bytes| bytes[length - 1] ^= 1))
            .verify("layer-zstd-corrupt"),
        zstd_layer(
            "zstd-reserved-block-type",
            [zstd::head(plain), zstd::block(true, 3, 1).to_vec(), vec![0]].concat(),
        )
        .verify("layer-zstd-corrupt"),
        zstd_layer("zstd-reserved-bit", edited(frame.clone(), |bytes| bytes[4] |= 8))
            .verify("layer-zstd-corrupt"),
        zstd_layer("zstd-with-a-dictionary", zstd::frame_with(Header { dictionary: Some(7), ..plain }, &tar))
            .verify("layer-zstd-corrupt"),
        zstd_layer("zstd-truncated-in-the-header", frame[..5].to_vec()).verify("layer-zstd-truncated"),
        zstd_layer("zstd-truncated-in-a-block", frame[..length / 2].to_vec()).verify("layer-zstd-truncated"),
        zstd_layer("zstd-truncated-before-the-checksum", frame[..length - 4].to_vec())
            .verify("layer-zstd-truncated"),
        zstd_layer("zstd-truncated-second-frame", {
            let second = zstd::frame(tail);
            [zstd::frame(head), second[..second.len() / 2].to_vec()].concat()
        })
        .verify("layer-zstd-truncated"),
        zstd_layer("zstd-truncated-skippable-frame", {
            let skippable = zstd::skippable(&[1; 40]);
            [frame.clone(), skippable[..20].to_vec()].concat()
        })
        .verify("layer-zstd-truncated"),
        zstd_layer("zstd-trailing-garbage", [frame.clone(), b"garbage".to_vec()].concat())
            .verify("layer-zstd-trailing-garbage"),
        zstd_layer("zstd-trailing-zeros", [frame.clone(), vec![0; 512]].concat())
            .verify("layer-zstd-trailing-garbage"),
        zstd_layer("zstd-skippable-frames-only", zstd::skippable(b"nothing")).verify("diffid-mismatch"),
    ]
}

fn mismatches() -> Vec<Case> {
    let tar = greeting();
    vec![
        layer("gzip-type-over-a-tar", TAR_GZIP, tar.clone()).verify("layer-compression-mismatch"),
        layer("gzip-type-over-zstd", TAR_GZIP, zstd::frame(&tar)).verify("layer-compression-mismatch"),
        layer("zstd-type-over-a-tar", TAR_ZSTD, tar.clone()).verify("layer-compression-mismatch"),
        layer("zstd-type-over-gzip", TAR_ZSTD, gzip::fixed(&tar)).verify("layer-compression-mismatch"),
        layer("tar-type-over-gzip", TAR, gzip::fixed(&tar)).verify("layer-compression-mismatch"),
        layer("tar-type-over-zstd", TAR, zstd::frame(&tar)).verify("layer-compression-mismatch"),
        layer("gzip-type-over-text", TAR_GZIP, b"no gzip and no tar\n".to_vec()).verify("layer-gzip-corrupt"),
        layer("zstd-type-over-text", TAR_ZSTD, b"no zstd and no tar\n".to_vec()).verify("layer-zstd-corrupt"),
        layer("gzip-in-gzip", TAR_GZIP, gzip::fixed(&gzip::fixed(&tar)))
            .verify("diffid-mismatch layer-not-a-tar"),
        layout("gzip-type-over-a-tar-with-a-wrong-diffid", |l| {
            let layer = Layer::new(TAR_GZIP, tar.clone(), b"other bytes");
            l.plain_of(&[layer]);
        })
        .verify("layer-compression-mismatch diffid-mismatch"),
        layer(
            "docker-gzip-type-over-a-tar",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            tar.clone(),
        )
        .verify("layer-compression-mismatch"),
    ]
}
