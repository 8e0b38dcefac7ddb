use proptest::prelude::*;

use super::build::{Event, Header, Heard, ended, extended, file, member, pax, read, read_pieces};
use crate::tar::{Limits, Parser, normalize};

/// A tar with something of everything.
fn rich() -> Vec<u8> {
    ended(&[
        extended(b'g', &[("comment", b"a commit")]),
        file("empty", b""),
        member(Header::new("dir/", b'5'), b"ignored"),
        pax(&[("path", b"long/path"), ("SCHILY.xattr.user.a", b"\0\xff")]),
        file("a", &[b'a'; 1300]),
        member(Header::gnu("l", b'L'), b"gnu/long\0"),
        member(Header::gnu("l", b'K'), b"gnu/link\0"),
        member(Header::gnu("b", b'2'), b""),
        super::sparse::all_formats(),
        member(Header::new("other", b'V'), &[b'v'; 512]),
        file("c", &[b'c'; 512]),
    ])
}

fn pieces<'a>(mut tar: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        if tar.is_empty() {
            break;
        }
        let (piece, rest) = tar.split_at(length.min(tar.len()));
        pieces.push(piece);
        tar = rest;
    }
    pieces
}

/// Some lengths, not all of them 0.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    let length = prop_oneof![0_usize..8, 500_usize..520, 0_usize..3000];
    prop::collection::vec(length, 1..8).prop_map(|mut lengths| {
        lengths.push(1 + lengths[0]);
        lengths
    })
}

/// Everything but contents.
fn outline(events: Vec<Event>) -> Vec<Event> {
    events.into_iter().filter(|event| matches!(event, Event::Entry(_) | Event::End)).collect()
}

#[test]
fn byte_by_byte_is_as_all_at_once() {
    let tar = rich();
    assert_eq!(read_pieces(tar.chunks(1), &Limits::default()), read(&tar));
    assert!(read(&tar).1.is_ok_and(|summary| summary.entries == 14));
}

proptest! {
    #[test]
    fn where_the_pieces_are_cut_makes_no_difference(
        lengths in lengths(),
        cut in any::<prop::sample::Index>(),
        change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut tar = rich();
        if let Some((place, byte)) = change {
            let place = place.index(tar.len());
            tar[place] = byte;
            tar.truncate(cut.index(tar.len() + 1));
        }
        prop_assert_eq!(read_pieces(pieces(&tar, &lengths), &Limits::default()), read(&tar));
    }

    #[test]
    fn skipping_is_as_feeding(lengths in lengths(), skips in prop::collection::vec(0_u64..1500, 1..8)) {
        let tar = rich();
        let (mut parser, mut heard) = (Parser::new(Limits::default()), Heard::default());
        let mut turns = lengths.iter().cycle().zip(skips.iter().cycle());
        while let Some(rest) = usize::try_from(parser.offset()).ok().and_then(|at| tar.get(at..)) {
            if rest.is_empty() {
                break;
            }
            let (&length, &skip) = turns.next().expect("they cycle");
            prop_assert_eq!(parser.feed(&rest[..length.min(rest.len())], &mut heard), Ok(()));
            let (before, skippable) = (parser.offset(), parser.skippable());
            // Beyond what is skippable nothing is skipped.
            parser.skip(skip);
            prop_assert_eq!(parser.offset(), before + skip.min(skippable));
            prop_assert_eq!(parser.skippable(), skippable.saturating_sub(skip));
        }
        prop_assert_eq!(parser.feed(&[], &mut heard), Ok(()));
        let (events, end) = read(&tar);
        prop_assert_eq!(parser.finish(), end);
        prop_assert_eq!(outline(heard.0), outline(events));
    }

    #[test]
    fn no_header_breaks_the_parser(
        fields in prop::collection::vec((0_usize..512, prop::collection::vec(any::<u8>(), 1..13)), 0..6),
        flag in prop::sample::select(&b"\x000123456S7xgLKVZ"[..]),
        gnu in any::<bool>(),
        body in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let mut header = if gnu { Header::gnu("a", flag) } else { Header::new("a", flag) };
        header = header.size(body.len());
        for (at, bytes) in fields {
            header = header.put(at.min(512 - bytes.len()), &bytes);
        }
        let tar = [file("first", b""), header.sealed().to_vec(), body, file("last", b"x")].concat();
        prop_assert_eq!(read_pieces(tar.chunks(100), &Limits::default()), read(&tar));
    }

    #[test]
    fn no_pax_records_break_the_parser(
        keys in prop::collection::vec(
            prop::sample::select(&[
                "path", "size", "uid", "mtime", "SCHILY.xattr.a", "LIBARCHIVE.xattr.%61", "GNU.sparse.major",
                "GNU.sparse.minor", "GNU.sparse.map", "GNU.sparse.offset", "GNU.sparse.numbytes",
                "GNU.sparse.size", "GNU.sparse.realsize", "GNU.sparse.numblocks",
            ][..]),
            0..6,
        ),
        values in prop::collection::vec("[0-9]{0,22}|1|0|[0-9,.=%-]{0,12}", 6),
        body in "([0-9]{1,3}\n){0,9}.{0,600}",
    ) {
        let records = keys.iter().zip(&values).map(|(key, value)| (*key, value.as_bytes())).collect::<Vec<_>>();
        let tar = ended(&[pax(&records), file("a", body.as_bytes()), file("b", b"b")]);
        prop_assert_eq!(read_pieces(tar.chunks(77), &Limits::default()), read(&tar));
    }

    #[test]
    fn no_bytes_break_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(read_pieces(bytes.chunks(13), &Limits::default()), read(&bytes));
    }

    #[test]
    fn a_normal_path_has_only_names(path in "[/.ab]{0,16}") {
        let normal = normalize(path.as_bytes());
        let parts = || normal.path.split(|&byte| byte == b'/');
        prop_assert!(normal.path.is_empty() || parts().all(|part| !matches!(part, b"" | b"." | b"..")));
        prop_assert_eq!(&normalize(&normal.path).path, &normal.path);
        prop_assert!(!normalize(&normal.path).escapes);
    }
}

#[test]
fn names_lead_somewhere() {
    for (path, normal, escapes) in [
        ("", "", false),
        (".", "", false),
        ("./", "", false),
        ("/", "", true),
        ("a", "a", false),
        ("a/", "a", false),
        ("./a//b/./c/", "a/b/c", false),
        ("a/b/../c", "a/c", false),
        ("a/..", "", false),
        ("..", "", true),
        ("../a", "a", true),
        ("a/../../b", "b", true),
        ("/a/b", "a/b", true),
        ("...", "...", false),
        ("a/..b/b..", "a/..b/b..", false),
    ] {
        let seen = normalize(path.as_bytes());
        assert_eq!((&*seen.path, seen.escapes), (normal.as_bytes(), escapes), "{path}");
    }
}
