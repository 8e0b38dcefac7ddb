use super::build::{Header, ended, entry, exact, extended, fault, file, member, pax, read, read_pieces};
use crate::tar::{Limits, TarFault};

/// The fault of a tar that begins with a sound entry of one block.
fn second(parts: &[Vec<u8>]) -> TarFault {
    fault(&ended(&[vec![file("first", b"")], parts.to_vec()].concat()))
}

#[test]
fn numbers_out_of_range_are_named() {
    let binary = |length: usize, low: &[u8]| [&[0x80][..], &vec![0; length - 1 - low.len()], low].concat();
    for (field, at, flag, bytes) in [
        ("size", 124, b'0', vec![0xff; 12]),
        ("size", 124, b'0', b"-0000000001\0".to_vec()),
        ("size", 124, b'0', b"twelve".to_vec()),
        ("size", 124, b'0', b"12 34".to_vec()),
        ("size", 124, b'0', b"8".to_vec()),
        ("size", 124, b'0', binary(12, &[0x80, 0, 0, 0, 0, 0, 0, 0])),
        ("size", 124, b'0', vec![0xbf; 12]),
        ("size", 124, b'2', vec![0xff; 12]),
        ("size", 124, b'x', vec![0xff; 12]),
        ("mode", 100, b'0', vec![0xff; 8]),
        ("mode", 100, b'0', b"rw-r--r-".to_vec()),
        ("uid", 108, b'0', binary(8, &[1, 0, 0, 0, 0])),
        ("uid", 108, b'0', vec![0xff; 8]),
        ("gid", 116, b'0', binary(8, &[1, 0, 0, 0, 0])),
        ("mtime", 136, b'0', b"yesterday".to_vec()),
        ("mtime", 136, b'0', vec![0xbf; 12]),
        ("device", 329, b'3', b"x".to_vec()),
        ("device", 337, b'4', vec![0xff; 8]),
    ] {
        let mut header = Header::new("a", flag);
        header.0[at..at + if matches!(at, 124 | 136) { 12 } else { 8 }].fill(0);
        let tar = [exact(header.put(at, &bytes), b"")];
        assert_eq!(second(&tar), TarFault::BadNumber { offset: 512, field }, "{bytes:?}");
    }
    // 32 bits are enough for everybody.
    let most = Header::new("a", b'0').put(108, &binary(8, &[0xff; 4]));
    assert_eq!(entry(&[exact(most, b"")]).uid, u64::from(u32::MAX));
}

#[test]
fn pax_numbers_out_of_range_are_named() {
    for (field, value) in [
        ("uid", "4294967296"),
        ("gid", "99999999999999999999999"),
        ("size", "18446744073709551616"),
        ("size", "9223372036854775808"),
        ("mtime", "9223372036854775808"),
        ("GNU.sparse.realsize", "18446744073709551616"),
    ] {
        let mut records = vec![(field, value.as_bytes())];
        if field.starts_with("GNU") {
            records.extend([("GNU.sparse.major", &b"1"[..]), ("GNU.sparse.minor", b"0")]);
        }
        let found = second(&[pax(&records), file("a", b"")]);
        assert!(matches!(found, TarFault::BadNumber { field: name, .. } if name == field), "{found:?}");
    }
    let end = ended(&[pax(&[("size", b"9223372036854775807")]), file("a", b"")]);
    assert_eq!(fault(&end), TarFault::Truncated { offset: 1024 });
}

#[test]
fn malformed_pax_is_a_fault() {
    for body in [
        &b"xx path=a\n"[..],
        b"path=a\n",
        b"0 path=a\n",
        b"1 path=a\n",
        b"2 path=a\n",
        b"5 path=a\n",
        b"8 path=a\n",
        b"11 path=a\n",
        b"-9 path=a\n",
        b"+9 path=a\n",
        b" 9 path=a\n",
        b"99999999999999999999999 path=a\n",
        b"00000000000000000000009 path=a\n",
        b"9 path=a!",
        b"8 patha\n",
        b"5 =a\n",
        b"9 path=a\n\0",
        b"12 path=a\0b\n",
        b"11 pa\0th=a\n",
        b"15 linkpath=a\0\n",
        b"12 size=six\n",
        b"11 size=-6\n",
        b"11 size=+6\n",
        b"11 size=6 \n",
        b"12 size=0x6\n",
        b"9 uid=-1\n",
        b"8 gid=x\n",
        b"11 mtime=x\n",
        b"12 mtime=.5\n",
        b"13 mtime=1.x\n",
        b"14 mtime=1.-5\n",
        b"15 mtime=1.5.5\n",
        b"9",
        b"9 ",
        b" ",
        b"\n",
    ] {
        for flag in [b'x', b'g'] {
            let tar = [member(Header::new("pax", flag), body), file("a", b"")];
            let found = read(&ended(&[vec![file("first", b"")], tar.to_vec()].concat())).1;
            assert!(matches!(found, Err(TarFault::BadPax { offset: 512, .. })), "{body:?}: {found:?}");
        }
    }
    for (key, value) in [
        ("LIBARCHIVE.xattr.a", &b"a"[..]),
        ("LIBARCHIVE.xattr.a", b"aGk!"),
        ("LIBARCHIVE.xattr.a", b"a==="),
        ("LIBARCHIVE.xattr.%4", b"aGk="),
        ("LIBARCHIVE.xattr.%zz", b"aGk="),
        ("LIBARCHIVE.xattr.%00", b"aGk="),
    ] {
        let found = second(&[pax(&[(key, value)]), file("a", b"")]);
        assert!(matches!(found, TarFault::BadPax { .. }), "{key} {value:?}: {found:?}");
    }
}

#[test]
fn a_header_with_a_wrong_checksum_is_none() {
    for at in [0, 99, 147, 156, 257, 511] {
        let mut tar = ended(&[file("a", b""), file("b", b"")]);
        tar[512 + at] ^= 1;
        let reason = "its checksum is wrong";
        assert_eq!(fault(&tar), TarFault::BadHeader { offset: 512, reason });
        assert_eq!(fault(&tar[512..]), TarFault::NotATar { offset: 0 });
    }
}

#[test]
fn a_global_header_may_not_part_an_extended_header_from_its_entry() {
    let found = second(&[pax(&[("size", b"1")]), extended(b'g', &[("comment", b"x")]), file("a", b"")]);
    assert!(matches!(found, TarFault::BadHeader { offset: 1536, .. }), "{found:?}");
}

#[test]
fn limits_hold_before_anything_is_kept() {
    let limits = Limits { entries: 2, path_bytes: 10, extended_bytes: 100, sparse_segments: 2 };
    let long = |flag, length: usize| member(Header::gnu("l", flag), &[vec![b'x'; length], vec![0]].concat());
    let one = || file("a", b"");
    let claim = |flag| exact(Header::new("a", flag).put(124, b"77777777777"), b"");
    for (what, parts) in [
        ("", vec![one(), one()]),
        ("entries", vec![one(), one(), one()]),
        ("", vec![file(&"x".repeat(10), b"")]),
        ("pathBytes", vec![file(&"x".repeat(11), b"")]),
        ("", vec![long(b'L', 10), one()]),
        ("pathBytes", vec![long(b'L', 11), one()]),
        ("pathBytes", vec![long(b'K', 11), one()]),
        ("pathBytes", vec![member(Header::new("a", b'2').put(157, &[b'x'; 11]), b"")]),
        ("", vec![pax(&[("path", &[b'x'; 10])]), one()]),
        ("pathBytes", vec![pax(&[("path", &[b'x'; 11])]), one()]),
        ("pathBytes", vec![pax(&[("linkpath", &[b'x'; 11])]), one()]),
        ("", vec![pax(&[("comment", &[b'x'; 87])]), one()]),
        ("extendedBytes", vec![pax(&[("comment", &[b'x'; 88])]), one()]),
        ("extendedBytes", vec![claim(b'x')]),
        ("extendedBytes", vec![claim(b'g')]),
        ("extendedBytes", vec![claim(b'L')]),
        ("extendedBytes", vec![claim(b'K')]),
    ] {
        match (what, read_pieces([&ended(&parts)[..]], &limits).1) {
            ("", result) => assert!(result.is_ok(), "{result:?}"),
            (what, Err(TarFault::LimitExceeded { what: found, .. })) => assert_eq!(found, what),
            (what, result) => panic!("{what}: {result:?}"),
        }
    }
}

#[test]
fn a_global_header_may_not_say_what_only_some_readers_apply() {
    for (key, value) in [
        ("path", &b"b"[..]),
        ("path", b""),
        ("linkpath", b"b"),
        ("size", b"1"),
        ("size", b""),
        ("uid", b"0"),
        ("gid", b"0"),
        ("mtime", b"1.5"),
        ("SCHILY.xattr.security.capability", b"\x01"),
        ("LIBARCHIVE.xattr.user.a", b"aGk"),
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.offset", b"0"),
        ("GNU.sparse.name", b"b"),
    ] {
        let records = [("comment", &b"a commit"[..]), (key, value)];
        let found = second(&[extended(b'g', &records), file("a", b"")]);
        assert!(matches!(found, TarFault::BadPax { offset: 512, .. }), "{key}: {found:?}");
    }
}
