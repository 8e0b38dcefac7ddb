//! ustar, pax and GNU tar, written by hand.

const BLOCK: usize = 512;

/// A tar being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.entry(&Header::new(name, b'5').mode(0o755), &[])
    }

    pub(crate) fn file(self, name: &str, data: &[u8]) -> Self {
        self.entry(&Header::new(name, b'0').size(data.len()), data)
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(&Header::new(name, b'2').mode(0o777).link(target), &[])
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(&Header::new(name, b'1').link(target), &[])
    }

    /// Records that hold for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        self.pax_bytes(b'x', &pax_records(records))
    }

    /// A pax header of kind `x` or `g` whose body is given.
    pub(crate) fn pax_bytes(self, kind: u8, body: &[u8]) -> Self {
        self.entry(&Header::new("pax_header", kind).size(body.len()), body)
    }

    /// A GNU header, `L` or `K`, that holds the name or link of the next entry.
    pub(crate) fn gnu_long(self, kind: u8, text: &str) -> Self {
        let body = [text.as_bytes(), b"\0"].concat();
        self.entry(&Header::new("././@LongLink", kind).size(body.len()), &body)
    }

    /// A header and its data, padded to whole blocks.
    pub(crate) fn entry(mut self, header: &Header, data: &[u8]) -> Self {
        self.0.extend(header.sealed());
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// Bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// The whole tar: two blocks of zeros end it.
    pub(crate) fn end(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).unfinished()
    }

    /// The tar without an end.
    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.0
    }
}

/// `length key=value\n`, where the length counts itself.
pub(crate) fn pax_records(records: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        body.extend(format!("{length} {key}={value}\n").into_bytes());
    }
    body
}

/// One header block.
#[derive(Clone, Debug)]
pub(crate) struct Header([u8; BLOCK]);

impl Header {
    /// A ustar header: owner 0:0, mode 0644, size 0, time 0.
    pub(crate) fn new(name: &str, kind: u8) -> Self {
        Self([0; BLOCK])
            .bytes(0, name.as_bytes())
            .mode(0o644)
            .number(108, 7, 0)
            .number(116, 7, 0)
            .number(124, 11, 0)
            .number(136, 11, 0)
            .bytes(156, &[kind])
            .bytes(257, b"ustar\x0000")
    }

    pub(crate) fn mode(self, mode: u64) -> Self {
        self.number(100, 7, mode)
    }

    pub(crate) fn owner(self, uid: u64, gid: u64) -> Self {
        self.number(108, 7, uid).number(116, 7, gid)
    }

    pub(crate) fn time(self, seconds: u64) -> Self {
        self.number(136, 11, seconds)
    }

    pub(crate) fn size(self, size: usize) -> Self {
        self.number(124, 11, size as u64)
    }

    pub(crate) fn link(self, target: &str) -> Self {
        self.bytes(157, target.as_bytes())
    }

    pub(crate) fn device(self, major: u64, minor: u64) -> Self {
        self.number(329, 7, major).number(337, 7, minor)
    }

    /// Overwrites a part of the header; offsets are those of POSIX's ustar.
    pub(crate) fn bytes(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// A size that octal digits cannot hold, in base 256 (GNU, star).
    pub(crate) fn binary_size(self, size: u64) -> Self {
        self.bytes(124, &[0x80, 0, 0, 0]).bytes(128, &size.to_be_bytes())
    }

    fn number(self, at: usize, digits: usize, value: u64) -> Self {
        self.bytes(at, format!("{value:0digits$o}\0").as_bytes())
    }

    /// The block with its checksum.
    pub(crate) fn sealed(&self) -> [u8; BLOCK] {
        let unsealed = self.clone().bytes(148, b"        ");
        let sum: u32 = unsealed.0.iter().map(|&byte| u32::from(byte)).sum();
        unsealed.bytes(148, format!("{sum:06o}\0 ").as_bytes()).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pax_length_counts_its_own_digits() {
        assert_eq!(pax_records(&[("path", "a")]), b"9 path=a\n");
        assert_eq!(pax_records(&[("path", "ab")]), b"11 path=ab\n");
        assert_eq!(pax_records(&[("path", &"x".repeat(90))]).len(), 99);
        assert_eq!(pax_records(&[("path", &"x".repeat(91))]).len(), 101);
    }
}
