use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use crate::{
    Algorithm, BlobName, BlobSource, Digest, Hasher, Limits, Watch,
    decode::Decompress,
    tar::{self, Entry, Mtime, Parser, Visitor, normalize},
};

/// One entry of a layer: its header, and the digest of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: Vec<u8>,
    pub(super) kind: tar::Kind,
    pub(super) mode: u32,
    pub(super) owners: (u64, u64),
    pub(super) size: u64,
    pub(super) mtime: Mtime,
    pub(super) link: Vec<u8>,
    pub(super) device: Option<(u64, u64)>,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) content: Option<Digest>,
}

#[derive(Default)]
struct Listing {
    entries: Vec<Listed>,
    hasher: Option<Hasher>,
}

impl Visitor for Listing {
    fn entry(&mut self, entry: Entry) {
        self.hasher = if entry.kind == tar::Kind::File { Hasher::new(&Algorithm::Sha256) } else { None };
        self.entries.push(Listed {
            path: normalize(&entry.path).path,
            kind: entry.kind,
            mode: entry.mode & 0o7777,
            owners: (entry.uid, entry.gid),
            size: entry.size,
            mtime: entry.mtime,
            link: entry.link,
            device: entry.device,
            xattrs: entry.xattrs,
            content: None,
        });
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
    }

    fn hole(&mut self, mut length: u64) {
        let zeros = [0; 4096];
        while length > 0 {
            let now = length.min(zeros.len() as u64);
            self.data(&zeros[..usize::try_from(now).unwrap_or(zeros.len())]);
            length -= now;
        }
    }

    fn end(&mut self) {
        let content = self.hasher.take().map(Hasher::finish);
        if let Some(entry) = self.entries.last_mut() {
            entry.content = content;
        }
    }
}

/// The entries of a layer in their order. `None` where the blob is no longer what was verified.
pub(super) fn read(
    source: &dyn BlobSource,
    digest: &Digest,
    limits: &Limits,
    watch: &Watch<'_>,
) -> Option<Vec<Listed>> {
    let mut reader = source.open(&BlobName::Digest(digest.clone())).ok()?.reader;
    let mut head = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut head).ok()?;
    let compression = Decompress::<&[u8]>::sniff(&head);
    let mut reader = Decompress::new(Cursor::new(head).chain(reader), compression, limits);
    let mut parser = Parser::new(tar::Limits { entries: limits.entries, ..tar::Limits::default() });
    let mut listing = Listing::default();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let length = reader.read(&mut buffer).ok()?;
        if watch.is_cancelled() {
            return None;
        }
        if length == 0 {
            parser.finish().ok()?;
            return Some(listing.entries);
        }
        parser.feed(&buffer[..length], &mut listing).ok()?;
    }
}
