//! An entry put together from its header and what came before it.

use std::mem;

use super::{
    BLOCK, Block, Entry, Kind, Limits, Mtime, TarFault,
    entry::Carries,
    fault::{Defect, within},
    header::{Header, text},
    pax::Records,
    sparse::{Map, Segment},
};

/// What extended headers say about the entries after them.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    local: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    /// The first extended header that still waits for its entry.
    waiting: Option<u64>,
}

impl Extensions {
    /// The body of the extended header of this type at `offset` is complete.
    pub(super) fn add(
        &mut self,
        flag: u8,
        body: &[u8],
        offset: u64,
        limits: &Limits,
    ) -> Result<(), TarFault> {
        let at = |defect: Defect| defect.at(offset);
        if flag == b'g' {
            if self.waiting.is_some() {
                // Readers disagree on whether the waiting one still applies then.
                return Err(at(Defect::Header("a global header between an extended header and its entry")));
            }
            return Records::parse(body).and_then(|records| records.refuse_as_global()).map_err(at);
        }
        self.waiting.get_or_insert(offset);
        if flag == b'x' {
            self.local = Some(Records::parse(body).map_err(at)?);
            return Ok(());
        }
        let name = text(body);
        within(name.len(), limits.path_bytes, "pathBytes").map_err(at)?;
        let name = Some(name.to_vec()).filter(|name| !name.is_empty());
        *(if flag == b'L' { &mut self.long_name } else { &mut self.long_link }) = name;
        Ok(())
    }

    pub(super) fn waiting(&self) -> Option<u64> {
        self.waiting
    }
}

/// An entry whose content has not begun.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) entry: Entry,
    pub(super) carries: Carries,
    /// Bytes from here to the end of the content, without padding.
    pub(super) stored: u64,
    /// `None` when the file is not sparse.
    pub(super) segments: Option<Vec<Segment>>,
    pub(super) next: Next,
}

/// What stands between a header and its content.
#[derive(Debug)]
pub(super) enum Next {
    Content,
    /// More segments of a file of type `S`.
    Segments,
    /// The map of PAX sparse format 1.0.
    Map(Map),
}

impl Draft {
    /// The entry of a header; the extensions that waited for it are used up.
    pub(super) fn new(header: Header<'_>, ext: &mut Extensions, limits: &Limits) -> Result<Self, Defect> {
        let pax = mem::take(&mut ext.local).unwrap_or_default();
        let (long_name, long_link) = (mem::take(&mut ext.long_name), mem::take(&mut ext.long_link));
        ext.waiting = None;

        let path =
            long_name.or_else(|| pax.text("path").map(<[u8]>::to_vec)).unwrap_or_else(|| header.path());
        let kind = Kind::of(header.flag(), &path);
        let mut draft = Self {
            entry: Entry {
                kind,
                mode: header.mode()?,
                uid: owner(&pax, "uid", header.uid()?)?,
                gid: owner(&pax, "gid", header.gid()?)?,
                size: 0,
                stored: 0,
                offset: 0,
                mtime: pax.mtime()?.unwrap_or(Mtime { secs: header.mtime()?, nanos: 0 }),
                link: long_link
                    .or_else(|| pax.text("linkpath").map(<[u8]>::to_vec))
                    .unwrap_or_else(|| header.link()),
                device: match kind {
                    Kind::CharDevice | Kind::BlockDevice => Some(header.device()?),
                    _ => None,
                },
                xattrs: pax.xattrs()?,
                path,
            },
            carries: kind.carries(),
            stored: 0,
            segments: None,
            next: Next::Content,
        };
        // A header's own size must be sound even where PAX overrides it.
        let size = header.size()?;
        let size = pax.number("size")?.unwrap_or(size);
        if i64::try_from(size).is_err() {
            return Err(Defect::Number("size"));
        }
        if draft.carries != Carries::Nothing {
            draft.entry.size = size;
            draft.stored = size;
        }
        draft.read_sparse(header, &pax, limits)?;
        within(draft.entry.path.len(), limits.path_bytes, "pathBytes")?;
        within(draft.entry.link.len(), limits.path_bytes, "pathBytes")?;
        Ok(draft)
    }

    fn read_sparse(&mut self, header: Header<'_>, pax: &Records, limits: &Limits) -> Result<(), Defect> {
        if header.flag() == b'S' {
            self.entry.size = header.real_size()?;
            let mut segments = Vec::new();
            if header.segments(&mut segments, limits.sparse_segments)? {
                self.next = Next::Segments;
            }
            self.segments = Some(segments);
        } else if let Some(sparse) = pax.sparse(limits)? {
            if self.carries != Carries::Data {
                return Err(Defect::Header("a sparse map for what is no file"));
            }
            self.entry.size = sparse.size.unwrap_or(self.entry.size);
            self.entry.path = sparse.name.unwrap_or(mem::take(&mut self.entry.path));
            if sparse.segments.is_none() {
                self.next = Next::Map(Map::default());
                self.need_block()?;
            }
            self.segments = Some(sparse.segments.unwrap_or_default());
        }
        Ok(())
    }

    /// Takes a block that stands between header and content.
    pub(super) fn feed(&mut self, block: &Block, limits: &Limits) -> Result<(), Defect> {
        match &mut self.next {
            Next::Content => {}
            Next::Segments => {
                let segments = self.segments.get_or_insert_default();
                if !super::header::more_segments(block, segments, limits.sparse_segments)? {
                    self.next = Next::Content;
                }
            }
            Next::Map(map) => {
                self.stored = self.stored.saturating_sub(BLOCK as u64);
                if map.feed(block, limits.sparse_segments)? {
                    self.segments = Some(mem::take(map).into_segments());
                    self.next = Next::Content;
                } else {
                    self.need_block()?;
                }
            }
        }
        Ok(())
    }

    /// A map is part of the stored content, in whole blocks.
    fn need_block(&self) -> Result<(), Defect> {
        if self.stored < BLOCK as u64 {
            return Err(Defect::Header("the map of a sparse file is longer than its content"));
        }
        Ok(())
    }
}

/// Above 32 bits readers disagree: some keep the low bits, which may be those of root (CVE-2024-40635).
fn owner(pax: &Records, key: &'static str, header: u64) -> Result<u64, Defect> {
    let id = pax.number(key)?.unwrap_or(header);
    if id > u64::from(u32::MAX) { Err(Defect::Number(key)) } else { Ok(id) }
}
