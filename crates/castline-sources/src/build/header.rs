//! Headers of a tar, in one form each: POSIX ustar, and a PAX header before it for what does not fit.

use castline_core::tar::Mtime;

/// One entry to be written, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// The path; a folder's ends in `/`.
    pub(super) path: &'a [u8],
    /// The type, as POSIX writes it: `0` to `6`.
    pub(super) flag: u8,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) size: u64,
    pub(super) mtime: Mtime,
    pub(super) link: &'a [u8],
    pub(super) device: (u64, u64),
    /// Extended attributes, in the order in which they are written.
    pub(super) xattrs: &'a [(Vec<u8>, Vec<u8>)],
}

const BLOCK: usize = 512;

/// Zeros that fill up the last block of a content.
pub(super) fn padding(size: u64) -> usize {
    usize::try_from(size.wrapping_neg() % BLOCK as u64).unwrap_or_default()
}

/// The two blocks of zeros that end a tar.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

impl Header<'_> {
    /// Its bytes: whole blocks.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut records = Vec::new();
        if self.path.len() > 100 {
            record(&mut records, b"path", self.path);
        }
        if self.link.len() > 100 {
            record(&mut records, b"linkpath", self.link);
        }
        for (key, value) in [("uid", self.uid), ("gid", self.gid)] {
            if value > SHORT {
                record(&mut records, key.as_bytes(), value.to_string().as_bytes());
            }
        }
        if self.size > LONG {
            record(&mut records, b"size", self.size.to_string().as_bytes());
        }
        let seconds = u64::try_from(self.mtime.secs).ok().filter(|seconds| *seconds <= LONG);
        if seconds.is_none() || self.mtime.nanos != 0 {
            record(&mut records, b"mtime", time(self.mtime).as_bytes());
        }
        for (name, value) in self.xattrs {
            record(&mut records, &[b"SCHILY.xattr.", &name[..]].concat(), value);
        }
        let mut bytes = Vec::with_capacity(BLOCK);
        if !records.is_empty() {
            let size = records.len() as u64;
            // The header's own name and times are nobody's business, so they are always the same.
            let own = Fields { name: b"pax", mode: 0o644, size, flag: b'x', ..Fields::default() };
            bytes.extend(own.block());
            bytes.extend(&records);
            bytes.resize(bytes.len() + padding(size), 0);
        }
        let fields = Fields {
            name: &self.path[..self.path.len().min(100)],
            mode: self.mode,
            uid: if self.uid > SHORT { 0 } else { self.uid },
            gid: if self.gid > SHORT { 0 } else { self.gid },
            size: if self.size > LONG { 0 } else { self.size },
            mtime: seconds.unwrap_or(0),
            flag: self.flag,
            link: &self.link[..self.link.len().min(100)],
            device: self.device,
        };
        bytes.extend(fields.block());
        bytes
    }
}

/// The most that seven and eleven octal digits hold.
const SHORT: u64 = 0o7_777_777;
const LONG: u64 = 0o77_777_777_777;

/// Whether a device's number fits into its field, for which PAX has no other place.
pub(super) const fn fits_device(device: (u64, u64)) -> bool {
    device.0 <= SHORT && device.1 <= SHORT
}

/// A PAX record: its length in decimal, which counts itself, then `KEY=VALUE\n`.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend(length.to_string().as_bytes());
    records.extend(b" ");
    records.extend(key);
    records.extend(b"=");
    records.extend(value);
    records.extend(b"\n");
}

/// Seconds since 1970 in decimal, with as many digits after the point as there is need for.
fn time(time: Mtime) -> String {
    let nanos = i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos);
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, fraction) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    if fraction == 0 {
        return format!("{sign}{seconds}");
    }
    let digits = format!("{fraction:09}");
    format!("{sign}{seconds}.{}", digits.trim_end_matches('0'))
}

/// What one block says.
#[derive(Default)]
struct Fields<'a> {
    name: &'a [u8],
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
    mtime: u64,
    flag: u8,
    link: &'a [u8],
    device: (u64, u64),
}

impl Fields<'_> {
    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..self.name.len()].copy_from_slice(self.name);
        octal(&mut block[100..107], self.mode.into());
        octal(&mut block[108..115], self.uid);
        octal(&mut block[116..123], self.gid);
        octal(&mut block[124..135], self.size);
        octal(&mut block[136..147], self.mtime);
        block[148..156].fill(b' ');
        block[156] = self.flag;
        block[157..157 + self.link.len()].copy_from_slice(self.link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        octal(&mut block[329..336], self.device.0);
        octal(&mut block[337..344], self.device.1);
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        octal(&mut block[148..154], sum);
        block[154] = 0;
        block
    }
}

/// Writes octal digits, as many as there is room for.
fn octal(field: &mut [u8], mut value: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value & 7) as u8;
        value >>= 3;
    }
}

#[cfg(test)]
mod tests {
    use castline_core::tar::{Entry, Kind, Limits, Parser, Visitor};
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Entries(Vec<Entry>);

    impl Visitor for Entries {
        fn entry(&mut self, entry: Entry) {
            self.0.push(entry);
        }
    }

    fn read(bytes: &[u8]) -> Vec<Entry> {
        let mut entries = Entries::default();
        let mut parser = Parser::new(Limits::default());
        parser.feed(bytes, &mut entries).expect("a tar");
        parser.feed(&END, &mut entries).expect("a tar");
        assert!(parser.finish().expect("a tar").end_marker);
        entries.0
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            path in prop::collection::vec(1..=255_u8, 1..300),
            link in prop::collection::vec(1..=255_u8, 1..300),
            mode in 0..=0o7777_u32,
            (uid, gid) in (0..=u64::from(u32::MAX), 0..=u64::from(u32::MAX)),
            secs in -(1_i64 << 36)..1 << 36,
            nanos in prop_oneof![Just(0), 0..1_000_000_000_u32],
            xattrs in prop::collection::btree_map("user\\.[a-z]{1,9}", prop::collection::vec(any::<u8>(), 1..120), 0..3),
        ) {
            let xattrs: Vec<_> = xattrs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
            let mtime = Mtime { secs, nanos };
            let header = Header { path: &path, flag: b'2', mode, uid, gid, size: 0, mtime, link: &link, device: (0, 0), xattrs: &xattrs };
            let bytes = header.to_bytes();
            prop_assert_eq!(bytes.len() % BLOCK, 0);
            let entries = read(&bytes);
            let [entry] = &entries[..] else { return Err(TestCaseError::fail("one entry")) };
            prop_assert_eq!((&entry.path, &entry.link, entry.kind), (&path, &link, Kind::Symlink));
            prop_assert_eq!((entry.mode, entry.uid, entry.gid, entry.mtime), (mode, uid, gid, mtime));
            prop_assert_eq!(entry.xattrs.clone().into_iter().collect::<Vec<_>>(), xattrs);
        }
    }

    #[test]
    fn a_size_beyond_the_field_is_said_by_pax() {
        let header = Header {
            path: b"big",
            flag: b'0',
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: LONG + 1,
            mtime: Mtime::default(),
            link: b"",
            device: (0, 0),
            xattrs: &[],
        };
        let mut entries = Entries::default();
        Parser::new(Limits::default()).feed(&header.to_bytes(), &mut entries).expect("a tar");
        assert_eq!(entries.0[0].size, LONG + 1);
    }
}
