//! Laws that hold for any image.

mod support;

use std::{collections::BTreeMap, num::NonZeroUsize};

use castline::{
    BlobName, Digest, Options, Platform, Platforms, Rootfs, Watch,
    rootfs::{Change, Layer, Node, NodeKind},
    sources::Reference,
    tar::Mtime,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use support::{Form, Memory, tar};

/// Layers of any content: random, repetitive, empty.
fn image() -> impl Strategy<Value = Memory> {
    let content = prop_oneof![
        vec(any::<u8>(), 0..4_000),
        (any::<u8>(), 0..700_000_usize).prop_map(|(byte, length)| vec![byte; length]),
        ("[a-z ]{1,40}", 0..4_000_usize).prop_map(|(text, times)| text.repeat(times).into_bytes()),
    ];
    let form = prop_oneof![Just(Form::Tar), Just(Form::Gzip), Just(Form::Zstd)];
    vec((form, content.prop_map(|content| tar("etc/file", &content))), 0..4)
        .prop_map(|layers| Memory::image(&layers))
}

/// Damage to a file: which, where, and what.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Append(Vec<u8>),
    Remove,
}

fn damage() -> impl Strategy<Value = (Index, Damage)> {
    let damage = prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        any::<Index>().prop_map(Damage::Cut),
        vec(any::<u8>(), 1..600).prop_map(Damage::Append),
        Just(Damage::Remove),
    ];
    (any::<Index>(), damage)
}

fn damaged(mut image: Memory, damages: &[(Index, Damage)]) -> Memory {
    for (file, damage) in damages {
        let paths: Vec<String> = image.files.keys().cloned().collect();
        let Some(path) = paths.get(file.index(paths.len().max(1))) else { break };
        let Some(bytes) = image.files.get_mut(path) else { break };
        match damage {
            Damage::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Damage::Flip(..) => {}
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Damage::Append(tail) => bytes.extend(tail),
            Damage::Remove => drop(image.files.remove(path)),
        }
    }
    image
}

fn blobs(image: &Memory) -> Vec<String> {
    image.files.keys().filter(|path| path.starts_with("blobs/")).cloned().collect()
}

fn jobs(count: usize) -> Options {
    Options::default().with_unreferenced(true).with_jobs(NonZeroUsize::new(count).expect("not 0"))
}

/// What a layer does at some path of a small tree.
fn change() -> impl Strategy<Value = Change> {
    let node = |kind| Node {
        kind,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: Mtime::default(),
        xattrs: BTreeMap::new(),
        implicit: false,
        verity: None,
    };
    let path = "[ab](/[ab]){0,2}".prop_map(String::into_bytes);
    let kind = prop_oneof![
        4 => Just(NodeKind::Directory),
        3 => any::<u8>().prop_map(|byte| NodeKind::File { size: 1, digest: Digest::of(&[byte]) }),
        1 => "[ab]".prop_map(|target| NodeKind::Symlink { target: target.into_bytes() }),
    ];
    (path, kind, 0..8_u8).prop_map(move |(path, kind, what)| match what {
        0..=4 => Change::Add { path, node: node(kind) },
        5 | 6 => Change::Remove { path },
        _ => Change::Empty { path },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_whole_is_intact(image in image()) {
        let report = image.verify(&Options::default());
        prop_assert!(report.is_complete(), "{:?}", report.findings);
        prop_assert_eq!(report.findings, []);
        prop_assert_eq!(report.blobs, image.files.len() as u64);
        prop_assert_eq!(report.bytes, image.files.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    }

    #[test]
    fn any_flipped_bit_in_any_blob_is_found(image in image(), blob: Index, at: Index, bit in 0..8_u8) {
        let blobs = blobs(&image);
        let path = &blobs[blob.index(blobs.len())];
        let mut altered = image;
        let bytes = altered.files.get_mut(path).expect("it is there");
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let report = altered.verify(&Options::default());
        prop_assert!(!report.is_intact());
        let named = report.findings.iter().any(|finding| {
            finding.code.to_string() == "blob-digest-mismatch" && finding.path.as_ref() == Some(path)
        });
        prop_assert!(named, "{:?}", report.findings);
    }

    #[test]
    fn jobs_and_the_lengths_of_reads_do_not_matter(
        image in image(),
        damages in vec(damage(), 0..4),
        stride in 1..5_000_usize,
    ) {
        let image = damaged(image, &damages);
        let report = |image: &Memory, count| serde_json::to_string(&image.verify(&jobs(count))).expect("JSON");
        let one = report(&image, 1);
        prop_assert_eq!(&report(&image, 2), &one);
        prop_assert_eq!(&report(&image, 7), &one);
        prop_assert_eq!(&report(&Memory { stride, ..image }, 2), &one);
    }

    #[test]
    fn nothing_of_a_verified_image_is_altered(
        image in image(),
        damages in vec(damage(), 0..3),
        platforms in prop_oneof![
            Just(Platforms::Present),
            Just(Platforms::All),
            Just(Platforms::One("linux/amd64".parse().expect("a platform"))),
        ],
    ) {
        let image = damaged(image.with_more_paths(), &damages);
        let options = Options::default().with_platforms(platforms);
        let verification = castline::verify(&image, &options, &Watch::none()).expect("verifies");
        for verified in &verification.images {
            let config = verified.config_descriptor().expect("a descriptor");
            let layers = verified.layers().iter().map(|layer| &layer.digest);
            for digest in [verified.digest(), &config.digest].into_iter().chain(layers) {
                let bytes = image.files.get(&BlobName::Digest(digest.clone()).path());
                let actual = bytes.map(|bytes| Digest::of(bytes));
                prop_assert_eq!(actual.as_ref(), Some(digest));
            }
        }
        if damages.is_empty() {
            // One path calls the first an index.
            prop_assert_eq!(verification.images.len(), 1, "{:?}", verification.report);
        }
    }

    #[test]
    fn without_any_one_file_it_is_not_intact(image in image(), file: Index) {
        let paths: Vec<String> = image.files.keys().cloned().collect();
        let mut image = image;
        image.files.remove(&paths[file.index(paths.len())]);
        prop_assert!(!image.verify(&Options::default()).is_intact());
    }

    #[test]
    fn where_whiteouts_stand_in_their_layer_does_not_matter(
        lower in vec(change(), 0..12),
        upper in vec(change(), 0..12),
    ) {
        let is_whiteout = |change: &Change| matches!(change, Change::Remove { .. } | Change::Empty { .. });
        let lower: Layer = lower.into_iter().filter(|change| !is_whiteout(change)).collect();
        let (whiteouts, others): (Vec<_>, Vec<_>) = upper.iter().cloned().partition(is_whiteout);
        let merged = |upper: Vec<Change>| Rootfs::merge([&lower, &upper.into_iter().collect()]).ok();
        let as_is = merged(upper.clone());
        prop_assert_eq!(&merged([&whiteouts[..], &others[..]].concat()), &as_is);
        prop_assert_eq!(&merged([&others[..], &whiteouts[..]].concat()), &as_is);
        // A tree and one more layer are that layer among the others.
        if let Ok(tree) = Rootfs::merge([&lower]) {
            prop_assert_eq!(tree.with_layer(&upper.into_iter().collect()).ok(), as_is);
        }
    }

    #[test]
    fn what_a_layer_removes_is_gone_and_what_it_adds_is_there(
        lower in vec(change(), 0..12),
        whiteouts in vec(change(), 0..4),
    ) {
        let adds: Layer = lower.into_iter().filter(|change| matches!(change, Change::Add { .. })).collect();
        let removes: Vec<_> =
            whiteouts.into_iter().filter(|change| matches!(change, Change::Remove { .. })).collect();
        let Ok(before) = Rootfs::merge([&adds]) else { return Ok(()) };
        let after = before.with_layer(&removes.iter().cloned().collect()).expect("removing needs nothing");
        prop_assert!(after.iter().all(|(path, node)| before.get(path) == Some(node)));
        for change in &removes {
            let Change::Remove { path } = change else { continue };
            // A link on the way leads the whiteout elsewhere.
            let through_link = (0..path.len()).filter(|&at| path[at] == b'/').any(|at| {
                before.get(&path[..at]).is_some_and(|node| matches!(node.kind, NodeKind::Symlink { .. }))
            });
            prop_assert!(through_link || after.get(path).is_none());
        }
    }

    #[test]
    fn digests_are_printed_as_they_are_read(bytes in vec(any::<u8>(), 0..200)) {
        let digest = Digest::of(&bytes);
        prop_assert_eq!(digest.to_string().parse::<Digest>().expect("a digest"), digest);
    }

    #[test]
    fn no_text_breaks_a_parser(text in any::<String>()) {
        if let Ok(digest) = text.parse::<Digest>() {
            prop_assert_eq!(digest.to_string(), &*text);
        }
        if let Ok(platform) = text.parse::<Platform>() {
            prop_assert_eq!(platform.to_string().parse::<Platform>().expect("a platform"), platform);
        }
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>().expect("a reference"), reference);
        }
    }

    #[test]
    fn references_are_printed_as_they_are_read(
        transport in "oci|oci-archive|docker-archive",
        path in "[a-z/._-]{1,20}",
        tag in proptest::option::of("[a-z0-9]{1,20}"),
    ) {
        let text = tag.map_or(format!("{transport}:{path}"), |tag| format!("{transport}:{path}:{tag}"));
        let reference: Reference = text.parse().expect(&text);
        prop_assert_eq!(reference.to_string(), text);
    }
}
