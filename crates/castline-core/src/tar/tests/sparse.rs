use super::build::{
    Event, Header, contents, ended, entries, exact, fault, file, member, pax, read, read_pieces,
};
use crate::tar::{BLOCK, Limits, TarFault};

/// The file: 5 zeros, `abc`, 4 zeros, `de`, 6 zeros.
const MAP: [(u64, u64); 3] = [(5, 3), (12, 2), (20, 0)];
const STORED: &[u8] = b"abcde";
const LOGICAL: &[u8] = b"\0\0\0\0\0abc\0\0\0\0de\0\0\0\0\0\0";

fn old(map: &[(u64, u64)], size: u64, stored: &[u8]) -> Vec<u8> {
    let pair = |(offset, length): &(u64, u64)| format!("{offset:011o}\0{length:011o}\0").into_bytes();
    let (first, more) = map.split_at(map.len().min(4));
    let header = Header::gnu("sparse", b'S').put(386, &first.iter().flat_map(pair).collect::<Vec<_>>());
    let header = header.put(483, format!("{size:011o}\0").as_bytes()).put(482, &[u8::from(!more.is_empty())]);
    let mut tar = header.size(stored.len()).sealed().to_vec();
    for (number, pairs) in more.chunks(21).enumerate() {
        let mut block = pairs.iter().flat_map(pair).collect::<Vec<_>>();
        block.resize(504, 0);
        block.push(u8::from((number + 1) * 21 < more.len()));
        block.resize(BLOCK, 0);
        tar.extend(block);
    }
    tar.extend(stored);
    tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    tar
}

fn pax_0_0(map: &[(u64, u64)], size: u64, stored: &[u8]) -> Vec<u8> {
    let numbers =
        map.iter().map(|(offset, length)| (offset.to_string(), length.to_string())).collect::<Vec<_>>();
    let (size, count) = (size.to_string(), map.len().to_string());
    let mut records = vec![("GNU.sparse.size", size.as_bytes()), ("GNU.sparse.numblocks", count.as_bytes())];
    for (offset, length) in &numbers {
        records.push(("GNU.sparse.offset", offset.as_bytes()));
        records.push(("GNU.sparse.numbytes", length.as_bytes()));
    }
    [pax(&records), file("sparse", stored)].concat()
}

fn pax_0_1(map: &[(u64, u64)], size: u64, stored: &[u8]) -> Vec<u8> {
    let text = map.iter().map(|(offset, length)| format!("{offset},{length}")).collect::<Vec<_>>().join(",");
    let (size, count) = (size.to_string(), map.len().to_string());
    let records: [(&str, &[u8]); 4] = [
        ("GNU.sparse.size", size.as_bytes()),
        ("GNU.sparse.numblocks", count.as_bytes()),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.map", text.as_bytes()),
    ];
    [pax(&records), file("GNUSparseFile.1/sparse", stored)].concat()
}

fn one_zero(content: &[u8], size: u64) -> Vec<u8> {
    let size = size.to_string();
    let records: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.realsize", size.as_bytes()),
    ];
    [pax(&records), file("GNUSparseFile.1/sparse", content)].concat()
}

fn pax_1_0(map: &[(u64, u64)], size: u64, stored: &[u8]) -> Vec<u8> {
    let lines = map
        .iter()
        .flat_map(|(offset, length)| [format!("{offset}\n"), format!("{length}\n")])
        .collect::<String>();
    let mut content = format!("{}\n{lines}", map.len()).into_bytes();
    content.resize(content.len().next_multiple_of(BLOCK), 0);
    one_zero(&[&content, stored].concat(), size)
}

type Writer = fn(&[(u64, u64)], u64, &[u8]) -> Vec<u8>;
const WRITERS: [Writer; 4] = [old, pax_0_0, pax_0_1, pax_1_0];

#[test]
fn every_format_tells_of_data_and_holes() {
    for writer in WRITERS {
        let tar = ended(&[writer(&MAP, 20, STORED), file("after", b"after")]);
        let (events, _) = read(&tar);
        let (data, hole) = (|bytes: &[u8]| Event::Data(bytes.to_vec()), Event::Hole);
        assert_eq!(events[1..7], [hole(5), data(b"abc"), hole(4), data(b"de"), hole(6), Event::End]);
        let entry = &entries(&tar)[0];
        assert_eq!((&*entry.path, entry.size, entry.stored), (&b"sparse"[..], 20, 5));
        let start = usize::try_from(entry.offset).expect("a small tar");
        assert_eq!(&tar[start..start + 5], STORED);
        assert_eq!(contents(&tar)[1], ("after".to_owned(), b"after".to_vec()));
        assert_eq!(contents(&tar)[0].1, LOGICAL);
    }
}

#[test]
fn maps_may_be_longer_than_a_block() {
    for count in [1, 4, 5, 25, 26, 46, 47, 300] {
        let map = (0..count).map(|number| (number * 100 + 7, 2)).collect::<Vec<_>>();
        let stored = vec![b'x'; map.len() * 2];
        for writer in WRITERS {
            let seen = contents(&ended(&[writer(&map, count * 100, &stored), file("after", b"")]));
            assert_eq!(seen.len(), 2);
            assert_eq!(seen[0].1.len() as u64, count * 100);
            let data = |place: usize| place % 100 == 7 || place % 100 == 8;
            assert!(seen[0].1.iter().enumerate().all(|(place, &byte)| (byte == b'x') == data(place)));
        }
    }
}

#[test]
fn a_file_may_be_one_hole_or_none() {
    for writer in WRITERS {
        for (map, size, stored) in [(&[(9, 0)][..], 9, &b""[..]), (&[(0, 5)], 5, STORED), (&[(0, 0)], 0, b"")]
        {
            assert_eq!(contents(&ended(&[writer(map, size, stored)]))[0].1.len() as u64, size);
        }
    }
}

#[test]
fn a_map_that_does_not_fit_is_a_fault() {
    for writer in WRITERS {
        for (map, size) in [
            // Backwards, overlapping, beyond the end, less and more than is stored, past 64 bits.
            (&[(12, 2), (5, 3)][..], 20),
            (&[(5, 3), (7, 2)], 20),
            (&[(5, 3), (12, 2)], 13),
            (&[(5, 3), (12, 1)], 20),
            (&[(5, 3), (12, 3)], 20),
            (&[(8_589_934_591, 5)], 20),
        ] {
            let found = fault(&ended(&[writer(map, size, STORED)]));
            assert!(matches!(found, TarFault::BadHeader { .. }), "{map:?}: {found:?}");
        }
    }
    for writer in [pax_0_0, pax_0_1, pax_1_0] {
        let found = fault(&ended(&[writer(&[(u64::MAX, 5)], 20, STORED)]));
        assert!(matches!(found, TarFault::BadHeader { .. }), "{found:?}");
    }
}

#[test]
fn malformed_maps_are_faults() {
    let block = |text: &str| {
        let mut block = text.as_bytes().to_vec();
        block.resize(BLOCK, 0);
        block
    };
    for content in [
        &b""[..],
        b"1\n0\n5\n",
        &block(""),
        &block("\n"),
        &block("x\n"),
        &block("1\n0\n"),
        &block("-1\n"),
        &block("1 \n0\n0\n"),
        &block("99999999999999999999\n"),
        &vec![b'1'; BLOCK],
        &vec![b'\n'; BLOCK],
        "1000\n".repeat(100)[..].as_bytes(),
    ] {
        let found = fault(&ended(&[one_zero(content, 20)]));
        assert!(matches!(found, TarFault::BadHeader { .. }), "{content:?}: {found:?}");
    }
    for records in [
        &[("GNU.sparse.map", &b"1"[..])][..],
        &[("GNU.sparse.map", b"1,")],
        &[("GNU.sparse.map", b"a,b")],
        &[("GNU.sparse.map", b"0,1"), ("GNU.sparse.numblocks", b"2")],
        &[("GNU.sparse.offset", b"0")],
        &[("GNU.sparse.numbytes", b"0")],
        &[("GNU.sparse.offset", b"0"), ("GNU.sparse.offset", b"1")],
        &[("GNU.sparse.offset", b"0"), ("GNU.sparse.numbytes", b"x")],
        &[("GNU.sparse.major", b"1")],
        &[("GNU.sparse.major", b"2"), ("GNU.sparse.minor", b"0")],
        &[("GNU.sparse.name", b"a\0b")],
    ] {
        let found = fault(&ended(&[pax(records), file("a", b"x")]));
        assert!(matches!(found, TarFault::BadPax { .. }), "{records:?}: {found:?}");
    }
    let link = ended(&[pax(&[("GNU.sparse.map", b"0,1")]), member(Header::new("a", b'2'), b"")]);
    assert!(matches!(fault(&link), TarFault::BadHeader { .. }));
    let ustar = ended(&[exact(Header::new("a", b'S'), b"")]);
    assert!(matches!(fault(&ustar), TarFault::BadHeader { .. }));
}

#[test]
fn the_count_of_segments_is_limited() {
    let limits = |sparse_segments| Limits { sparse_segments, ..Limits::default() };
    for writer in WRITERS {
        let tar = ended(&[writer(&MAP, 20, STORED)]);
        assert!(read_pieces([&tar[..]], &limits(3)).1.is_ok());
        let found = read_pieces([&tar[..]], &limits(2)).1;
        assert!(matches!(found, Err(TarFault::LimitExceeded { what: "sparseSegments", limit: 2, .. })));
    }
    // Only claimed.
    let mut claim = b"999999999999999\n".to_vec();
    claim.resize(BLOCK, b'0');
    let found = fault(&ended(&[one_zero(&claim, 20)]));
    assert!(matches!(found, TarFault::LimitExceeded { what: "sparseSegments", .. }));
}

#[test]
fn a_map_that_ends_is_truncated() {
    let tar = old(&[(0, 1); 5].map(|(offset, _)| (offset, 0)), 0, b"");
    assert_eq!(fault(&tar[..BLOCK]), TarFault::Truncated { offset: 0 });
    let tar = pax_1_0(&MAP, 20, STORED);
    assert_eq!(fault(&tar[..3 * BLOCK]), TarFault::Truncated { offset: 1024 });
}

/// A tar with every sparse format, for the laws.
pub(super) fn all_formats() -> Vec<u8> {
    let long = (0..30).map(|number| (number * 100, 20)).collect::<Vec<_>>();
    WRITERS
        .iter()
        .flat_map(|writer| [writer(&MAP, 20, STORED), writer(&long, 3000, &[b'y'; 600])].concat())
        .collect()
}
