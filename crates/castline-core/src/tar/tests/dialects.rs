use super::build::{Header, contents, ended, entries, entry, exact, extended, file, member, pax};
use crate::tar::{Kind, Mtime};

fn named(name: &str, content: &[u8]) -> (String, Vec<u8>) {
    (name.to_owned(), content.to_vec())
}

#[test]
fn a_pax_size_governs_what_is_skipped_for_one_entry_only() {
    // TARmageddon (CVE-2025-62518): whoever trusts the header takes the nested tar's entries for this one's.
    let nested = file("nested", b"inner");
    let long = member(Header::gnu("././@LongLink", b'L'), b"long\0");
    let size = nested.len().to_string();
    let sized = || pax(&[("size", size.as_bytes())]);
    let liar = || exact(Header::new("a", b'0').size(0), &nested);
    for (name, parts) in [
        ("a", vec![sized(), liar()]),
        ("long", vec![sized(), long.clone(), liar()]),
        ("long", vec![long.clone(), sized(), liar()]),
    ] {
        let tar = ended(&[parts, vec![file("b", b"bb")]].concat());
        assert_eq!(contents(&tar), [named(name, &nested), named("b", b"bb")]);
    }
    let smaller = [pax(&[("size", b"2")]), exact(Header::new("a", b'0').size(9999), b"aa"), file("b", b"")];
    assert_eq!(contents(&ended(&smaller)), [named("a", b"aa"), named("b", b"")]);
}

#[test]
fn the_last_of_two_pax_keys_wins_and_an_empty_value_is_none() {
    for (records, path) in [
        (vec![("path", "one"), ("path", "two")], "two"),
        (vec![("path", "")], "a"),
        (vec![("path", "one"), ("path", "")], "a"),
        (vec![("size", ""), ("mtime", ""), ("uid", ""), ("path", "x=y\nz")], "x=y\nz"),
    ] {
        let records = records.iter().map(|(key, value)| (*key, value.as_bytes())).collect::<Vec<_>>();
        assert_eq!(entry(&[pax(&records), file("a", b"")]).path, path.as_bytes());
    }
}

#[test]
fn global_records_that_no_reader_applies_to_entries_are_passed_over() {
    let ignored = |key| extended(b'g', &[(key, &b"x"[..])]);
    let keys =
        ["comment", "charset", "VENDOR.key", "SCHILY.acl.access", "path.", "xpath", "GNU.volume.label"];
    for key in keys {
        let tar = ended(&[ignored(key), file("a", b"aa"), ignored(key), ignored(key), file("b", b"")]);
        assert_eq!(contents(&tar), [named("a", b"aa"), named("b", b"")], "{key}");
    }
}

#[test]
fn gnu_long_names_end_at_a_zero_byte_and_hold_for_one_entry() {
    let (name, link) = ("n".repeat(300), "l".repeat(700));
    let long = |flag, text: &str| member(Header::gnu("././@LongLink", flag), format!("{text}\0").as_bytes());
    let tar = ended(&[
        long(b'K', &link),
        long(b'L', &name),
        member(Header::gnu("short", b'2').put(157, b"target"), b""),
        member(Header::gnu("b", b'2').put(157, b"target"), b""),
        pax(&[("path", b"pax")]),
        long(b'L', "gnu"),
        file("c", b""),
    ]);
    let seen = entries(&tar).into_iter().map(|entry| (entry.path, entry.link)).collect::<Vec<_>>();
    let expected = [(&*name, &*link), ("b", "target"), ("gnu", "")];
    assert_eq!(seen, expected.map(|(path, link)| (path.as_bytes().to_vec(), link.as_bytes().to_vec())));
}

#[test]
fn numbers_are_octal_or_base_256() {
    for (field, size) in [
        (&b"00000000003\0"[..], 3),
        (b"         3 \0", 3),
        (b"3           ", 3),
        (b"\0\0       3\0\0", 3),
        (b"3\0\0junk\0\0\0\0\0", 3),
        (b"000000000003", 3),
        (&[0; 12], 0),
        (&[b' '; 12], 0),
        (&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3], 3),
    ] {
        let tar = ended(&[exact(Header::new("a", b'0').put(124, field), &[b'x'; 3][..size])]);
        assert_eq!(contents(&tar), [named("a", &[b'x'; 3][..size])], "{field:?}");
    }
    for (field, secs) in [
        (&b"00000000144\0"[..], 100),
        (&[0xff; 12], -1),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x9c], -100),
        (&[0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], i64::MIN),
        (&[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX),
    ] {
        let parts = [member(Header::new("a", b'0').put(136, field), b"")];
        assert_eq!(entry(&parts).mtime, Mtime { secs, nanos: 0 }, "{field:?}");
    }
}

#[test]
fn pax_times_have_fractions_and_round_down() {
    for (text, secs, nanos) in [
        ("0", 0, 0),
        ("1", 1, 0),
        ("1.", 1, 0),
        ("1.5", 1, 500_000_000),
        ("1.000000001", 1, 1),
        ("1.0000000019", 1, 1),
        ("-1", -1, 0),
        ("-1.5", -2, 500_000_000),
        ("-0.25", -1, 750_000_000),
        ("-0", 0, 0),
        ("1350244992.023960108", 1_350_244_992, 23_960_108),
        ("9223372036854775807.9", i64::MAX, 900_000_000),
        ("-9223372036854775807.9", i64::MIN, 100_000_000),
    ] {
        let parts = [pax(&[("mtime", text.as_bytes())]), file("a", b"")];
        assert_eq!(entry(&parts).mtime, Mtime { secs, nanos }, "{text}");
    }
}

#[test]
fn the_prefix_belongs_to_ustar_alone() {
    let header = Header::new("name", b'0').put(345, b"pre/fix");
    for (magic, path) in [
        (&b"ustar\x0000"[..], "pre/fix/name"),
        (b"ustar  \0", "name"),
        (&[0; 8], "name"),
        (b"USTAR\x0000", "name"),
    ] {
        assert_eq!(entry(&[member(header.clone().put(257, magic), b"")]).path, path.as_bytes(), "{magic:?}");
    }
    // star keeps times in the prefix's end.
    let star = Header::new("name", b'0').put(345, &[b'p'; 131]).put(476, b"00000000001 ").put(508, b"tar\0");
    assert_eq!(entry(&[member(star, b"")]).path, [&[b'p'; 131][..], b"/name"].concat());
    let full = Header::new(&"n".repeat(100), b'0').put(345, &[b'p'; 155]);
    assert_eq!(entry(&[member(full, b"")]).path.len(), 256);
}

#[test]
fn checksums_sum_unsigned_or_signed_bytes() {
    for signed in [false, true] {
        let mut block = Header::new("caf\u{e9}", b'0').put(148, b"        ").0;
        let byte = |&byte: &u8| if signed { i64::from(byte.cast_signed()) } else { i64::from(byte) };
        let sum = block.iter().map(byte).sum::<i64>();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert_eq!(entries(&ended(&[block.to_vec()]))[0].path, "caf\u{e9}".as_bytes());
    }
}

#[test]
fn types_have_kinds_and_kinds_have_contents() {
    // Whether a size of 512 stands for a block of content, and whether the visitor hears of it.
    let (nothing, silent, data) = ((false, false), (true, false), (true, true));
    for (flag, name, kind, (skips, tells)) in [
        (b'0', "a", Kind::File, data),
        (b'0', "a/", Kind::File, data),
        (0, "a", Kind::File, data),
        (b'7', "a", Kind::File, data),
        (0, "a/", Kind::Directory, silent),
        (b'5', "a", Kind::Directory, silent),
        (b'V', "a", Kind::Other(b'V'), silent),
        (b'D', "a", Kind::Other(b'D'), silent),
        (b'1', "a", Kind::HardLink, nothing),
        (b'2', "a", Kind::Symlink, nothing),
        (b'3', "a", Kind::CharDevice, nothing),
        (b'4', "a", Kind::BlockDevice, nothing),
        (b'6', "a", Kind::Fifo, nothing),
    ] {
        let block = vec![if skips { b'x' } else { 0 }; if skips { 512 } else { 0 }];
        let tar = ended(&[exact(Header::new(name, flag).size(512), &block), file("after", b"after")]);
        let seen = entries(&tar);
        let size = if skips { 512 } else { 0 };
        assert_eq!((seen[0].kind, seen[0].size, seen[0].stored), (kind, size, size));
        let told: &[u8] = if tells { &block } else { b"" };
        assert_eq!(contents(&tar), [named(name, told), named("after", b"after")]);
    }
}

#[test]
fn only_devices_have_device_numbers() {
    let numbered = |flag| Header::new("a", flag).put(329, b"0000010\0").put(337, b"0000003\0");
    for (header, device) in [
        (numbered(b'3'), Some((8, 3))),
        (numbered(b'4'), Some((8, 3))),
        (numbered(b'0'), None),
        (numbered(b'6'), None),
        (numbered(b'3').put(257, &[0; 8]), Some((0, 0))),
    ] {
        assert_eq!(entry(&[member(header, b"")]).device, device);
    }
}

#[test]
fn attributes_are_any_bytes() {
    for (records, expected) in [
        (vec![("SCHILY.xattr.user.a", &b"\0\xff=\n"[..])], vec![(&b"user.a"[..], &b"\0\xff=\n"[..])]),
        (vec![("LIBARCHIVE.xattr.user.%41%3d", b"AAH/")], vec![(b"user.A=", b"\0\x01\xff")]),
        (
            vec![("LIBARCHIVE.xattr.a", b"aGk"), ("LIBARCHIVE.xattr.b", b"aGk=")],
            vec![(b"a", b"hi"), (b"b", b"hi")],
        ),
        (vec![("LIBARCHIVE.xattr.a", b"aA")], vec![(b"a", b"h")]),
        (vec![("SCHILY.xattr.a", b"raw"), ("LIBARCHIVE.xattr.a", b"aGk=")], vec![(b"a", b"raw")]),
        (vec![("SCHILY.acl.access", b"user::rwx"), ("comment", b"x")], vec![]),
    ] {
        let xattrs = entry(&[pax(&records), file("a", b"")]).xattrs;
        let seen = xattrs.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>();
        assert_eq!(seen, expected);
    }
}

#[test]
fn offsets_are_those_of_the_content() {
    let tar = ended(&[file("a", b"aa"), pax(&[("path", b"long")]), file("b", b"bbb")]);
    for entry in entries(&tar) {
        let start = usize::try_from(entry.offset).expect("a small tar");
        let size = usize::try_from(entry.stored).expect("a small file");
        assert!(tar[start..start + size].iter().all(|byte| b"ab".contains(byte)) && size >= 2);
    }
}
