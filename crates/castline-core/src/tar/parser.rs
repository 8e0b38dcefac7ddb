use std::mem;

use super::{
    BLOCK, Block, Limits, TarFault, Visitor,
    content::Content,
    draft::{Draft, Extensions, Next},
    fault::Defect,
    header::Header,
    padding, sparse,
};

/// Reads one tar, fed in pieces of any length: where the pieces are cut makes no difference.
///
/// After a fault every call gives the same fault. What is kept between calls is one block, the records of extended
/// headers and the map of a sparse file, all within the [`Limits`]; contents are never kept.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    state: State,
    /// Bytes taken so far.
    offset: u64,
    /// The header that is being worked on.
    header: u64,
    block: Block,
    filled: usize,
    /// The body of an extended header.
    body: Vec<u8>,
    extensions: Extensions,
    entries: u64,
    trailing: bool,
    fault: Option<TarFault>,
}

/// What the next bytes are.
#[derive(Debug)]
enum State {
    Header,
    /// The body of an extended header of this type, of which so many bytes are to come.
    Extended {
        flag: u8,
        left: u64,
    },
    /// Blocks between a sparse file's header and its content.
    Sparse(Box<Draft>),
    Content(Content),
    /// What follows one block of zeros.
    Zeros,
    /// What follows the end.
    End,
}

/// What a whole tar was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many entries it has; extended headers do not count.
    pub entries: u64,
    /// Whether two blocks of zeros end it. Many writers leave them out, and readers accept that.
    pub end_marker: bool,
    /// Whether bytes other than zeros follow the end. No reader of tars sees them.
    pub trailing_bytes: bool,
}

impl Parser {
    /// A parser at the start of a tar.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Header,
            offset: 0,
            header: 0,
            block: [0; BLOCK],
            filled: 0,
            body: Vec::new(),
            extensions: Extensions::default(),
            entries: 0,
            trailing: false,
            fault: None,
        }
    }

    /// Takes the next bytes, all of them. A piece of a file's content costs one call of the visitor, whatever its
    /// length.
    ///
    /// # Errors
    /// The first fault. The visitor has heard of everything before it.
    pub fn feed(&mut self, bytes: &[u8], visitor: &mut dyn Visitor) -> Result<(), TarFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.advance(bytes, visitor).inspect_err(|fault| self.fault = Some(fault.clone()))
    }

    /// How many of the next bytes are content and padding of the current entry. A reader that can seek may jump over
    /// any number of them, and tells so with [`Self::skip`].
    pub fn skippable(&self) -> u64 {
        match &self.state {
            State::Content(content) if self.fault.is_none() => content.left(),
            _ => 0,
        }
    }

    /// Passes over the next `count` bytes, at most [`Self::skippable`]. The visitor does not hear of them, nor of holes among
    /// them; of the entry's end it hears with the next [`Self::feed`], be that of no bytes.
    pub fn skip(&mut self, count: u64) {
        if let State::Content(content) = &mut self.state
            && self.fault.is_none()
        {
            self.offset += content.skip(count);
        }
    }

    /// Where in the tar the next byte stands: bytes fed and skipped.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// No bytes follow. A tar may end where a header could begin, with or without blocks of zeros, as Go's reader and
    /// GNU's have it; one of no bytes at all is empty.
    ///
    /// # Errors
    /// [`TarFault::Truncated`], or the fault that `feed` gave. [`TarFault::NotATar`] when not even one block came.
    pub fn finish(&mut self) -> Result<Summary, TarFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.concluded().inspect_err(|fault| self.fault = Some(fault.clone()))
    }

    fn concluded(&self) -> Result<Summary, TarFault> {
        let begun = self.offset.saturating_sub(self.filled as u64);
        let truncated = |offset| Err(TarFault::Truncated { offset });
        match &self.state {
            State::Header if self.filled > 0 && begun == 0 => return Err(TarFault::NotATar { offset: 0 }),
            State::Header | State::Zeros if self.filled > 0 => return truncated(begun),
            State::Content(content) if content.left() > 0 => return truncated(self.header),
            State::Extended { .. } | State::Sparse(_) => return truncated(self.header),
            State::Header | State::Content(_) | State::Zeros | State::End => {}
        }
        if let Some(offset) = self.extensions.waiting() {
            return truncated(offset);
        }
        let end_marker = matches!(self.state, State::End);
        Ok(Summary { entries: self.entries, end_marker, trailing_bytes: self.trailing })
    }

    fn advance(&mut self, mut bytes: &[u8], visitor: &mut dyn Visitor) -> Result<(), TarFault> {
        loop {
            match &mut self.state {
                State::Content(content) => {
                    let used = content.feed(bytes, visitor);
                    bytes = &bytes[used..];
                    self.offset += used as u64;
                    if !content.is_over() {
                        return Ok(());
                    }
                    self.state = State::Header;
                }
                State::End => {
                    self.trailing = self.trailing || bytes.iter().any(|&byte| byte != 0);
                    self.offset = self.offset.saturating_add(bytes.len() as u64);
                    return Ok(());
                }
                State::Header | State::Extended { .. } | State::Sparse(_) | State::Zeros => {
                    let count = bytes.len().min(BLOCK - self.filled);
                    let (taken, rest) = bytes.split_at(count);
                    self.block[self.filled..][..count].copy_from_slice(taken);
                    self.filled += count;
                    self.offset = self.offset.saturating_add(count as u64);
                    bytes = rest;
                    if self.filled < BLOCK {
                        return Ok(());
                    }
                    self.filled = 0;
                    self.take_block(visitor)?;
                }
            }
        }
    }

    /// The block is full.
    fn take_block(&mut self, visitor: &mut dyn Visitor) -> Result<(), TarFault> {
        let zeros = || self.block.iter().all(|&byte| byte == 0);
        let begun = self.offset.saturating_sub(BLOCK as u64);
        match mem::replace(&mut self.state, State::Header) {
            State::Zeros if zeros() => self.state = State::End,
            State::Zeros => return Err(Defect::Header("it follows a block of zeros").at(begun)),
            State::Header if zeros() => {
                if let Some(offset) = self.extensions.waiting() {
                    return Err(Defect::Header("an extended header without an entry").at(offset));
                }
                self.state = State::Zeros;
            }
            State::Header => {
                self.header = begun;
                self.take_header(visitor)?;
            }
            State::Extended { flag, left } => {
                let count = left.min(BLOCK as u64);
                // `count` is at most 512.
                self.body.extend(self.block.iter().take(usize::try_from(count).unwrap_or(BLOCK)));
                self.take_extended(flag, left - count)?;
            }
            State::Sparse(mut draft) => {
                draft.feed(&self.block, &self.limits).map_err(|defect| defect.at(self.header))?;
                self.begin(draft, visitor)?;
            }
            // They are not fed in blocks.
            state @ (State::Content(_) | State::End) => self.state = state,
        }
        Ok(())
    }

    fn take_header(&mut self, visitor: &mut dyn Visitor) -> Result<(), TarFault> {
        let at = |defect: Defect| defect.at(self.header);
        let Some(header) = Header::parse(&self.block) else {
            return Err(match self.header {
                0 => TarFault::NotATar { offset: 0 },
                _ => at(Defect::Header("its checksum is wrong")),
            });
        };
        if let flag @ (b'x' | b'g' | b'L' | b'K') = header.flag() {
            let size = header.size().map_err(at)?;
            if size > self.limits.extended_bytes {
                return Err(at(Defect::Limit("extendedBytes", self.limits.extended_bytes)));
            }
            self.body.clear();
            return self.take_extended(flag, size);
        }
        if self.entries >= self.limits.entries {
            return Err(at(Defect::Limit("entries", self.limits.entries)));
        }
        let draft = Draft::new(header, &mut self.extensions, &self.limits).map_err(at)?;
        self.begin(Box::new(draft), visitor)
    }

    /// Waits for more of an extended header, or applies it.
    fn take_extended(&mut self, flag: u8, left: u64) -> Result<(), TarFault> {
        if left > 0 {
            self.state = State::Extended { flag, left };
            return Ok(());
        }
        self.extensions.add(flag, &self.body, self.header, &self.limits)
    }

    /// Waits for more of a sparse map, or announces the entry.
    fn begin(&mut self, draft: Box<Draft>, visitor: &mut dyn Visitor) -> Result<(), TarFault> {
        if !matches!(draft.next, Next::Content) {
            self.state = State::Sparse(draft);
            return Ok(());
        }
        let at = |defect: Defect| defect.at(self.header);
        let Draft { mut entry, carries, stored, segments, .. } = *draft;
        let end = self.offset.checked_add(stored).and_then(|end| end.checked_add(padding(stored)));
        // So that no offset in this entry overflows.
        end.ok_or(Defect::Number("size")).map_err(at)?;
        let segments =
            segments.map(|segments| sparse::checked(segments, entry.size, stored)).transpose().map_err(at)?;
        entry.offset = self.offset;
        entry.stored = stored;
        self.entries += 1;
        self.state = State::Content(Content::new(carries, stored, entry.size, segments));
        visitor.entry(entry);
        Ok(())
    }
}
