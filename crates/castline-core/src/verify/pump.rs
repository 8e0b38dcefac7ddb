use std::{io::Read, sync::Arc};

use super::{
    buffer::{Buffer, Chunk, Pool},
    source::{Blob, OpenFault},
    tar_check::{TarCheck, TarOutcome, Tree},
};
use crate::{
    Compression, Limits,
    decode::{self, Decode, DecodeFault, HISTORY, Tail},
};

/// Bytes of a chunk. Large enough that a lock per chunk costs nothing, small enough that the chunks in flight
/// stay in the processor's caches.
const CHUNK: usize = 256 << 10;

/// Reads one blob and, where it is a layer, decompresses it: once, from front to back. The hashing is done by
/// whoever takes the chunks.
pub(super) struct Pump<'a> {
    reader: Box<dyn Read + Send + 'a>,
    pool: Arc<Pool>,
    limits: &'a Limits,
    input: Option<Chunk>,
    at_end: bool,
    mode: Mode,
    output: Option<Output>,
    stored: u64,
    content: u64,
    outcome: Option<LayerOutcome>,
    /// Whether the content of a layer that is not compressed has digests of its own to be computed.
    plain_content: bool,
    tar: Option<TarCheck>,
}

/// What happens to the bytes beside being hashed as stored.
enum Mode {
    /// A layer whose first bytes are not known yet.
    Sniff,
    /// No layer, or one that is given up on: only the stored bytes count.
    Opaque,
    /// The content is what is stored.
    Plain,
    /// The content is decompressed.
    Decode(Box<dyn Decode>),
}

/// The output buffer being filled: history, then what is new from `from` to `to`.
struct Output {
    buffer: Buffer,
    from: usize,
    to: usize,
}

/// What one step yields.
#[derive(Default)]
pub(super) struct Step {
    /// Newly read bytes, as stored.
    pub(super) stored: Option<Chunk>,
    /// New bytes of the layer's content.
    pub(super) content: Option<Chunk>,
    /// There will be no more.
    pub(super) ended: bool,
}

/// What was learnt about a layer's content, beside its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LayerOutcome {
    pub(super) compression: Compression,
    pub(super) size: u64,
    pub(super) fault: Option<LayerFault>,
    pub(super) trailing_zeros: u64,
    pub(super) tar: TarOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LayerFault {
    Decode(DecodeFault),
    /// The content is larger than the limit, in bytes.
    TooLarge(u64),
    /// The content is more than this many times its stored size.
    Expands(u64),
}

/// Why a blob could not be read to its end.
pub(super) enum ReadFault {
    Failed(OpenFault),
    /// The blob is larger than the limit, in bytes.
    TooLarge(u64),
}

impl<'a> Pump<'a> {
    /// `plain_content`: whether content that is stored as it is comes out as content, too; `tree`: whether to note what
    /// the layer adds and removes.
    pub(super) fn new(
        blob: Blob<'a>,
        is_layer: bool,
        plain_content: bool,
        tree: Tree,
        pool: &Arc<Pool>,
        limits: &'a Limits,
    ) -> Self {
        Self {
            reader: blob.reader,
            pool: Arc::clone(pool),
            limits,
            input: None,
            at_end: false,
            mode: if is_layer { Mode::Sniff } else { Mode::Opaque },
            output: None,
            stored: 0,
            content: 0,
            outcome: None,
            plain_content,
            tar: is_layer.then(|| TarCheck::new(limits, tree)),
        }
    }

    /// Bytes read so far.
    pub(super) const fn stored(&self) -> u64 {
        self.stored
    }

    /// What was learnt about the layer; call it at the end.
    pub(super) fn into_outcome(self) -> Option<LayerOutcome> {
        let tar = self.tar.map(TarCheck::finish).unwrap_or_default();
        self.outcome.map(|outcome| LayerOutcome { size: self.content, tar, ..outcome })
    }

    /// Reads at most one chunk and yields at most one chunk of content.
    pub(super) fn step(&mut self) -> Result<Step, ReadFault> {
        let mut step = Step::default();
        if self.input.as_ref().is_none_or(|input| input.is_empty()) && !self.at_end {
            let chunk = self.read()?;
            if matches!(self.mode, Mode::Sniff) {
                self.sniff(&chunk);
            }
            if !chunk.is_empty() {
                step.stored = Some(chunk.clone());
            }
            self.input = Some(chunk);
        }
        let drained = match self.mode {
            Mode::Sniff | Mode::Opaque => {
                self.input = None;
                true
            }
            Mode::Plain => {
                if let Some(content) = self.input.take().filter(|content| !content.is_empty()) {
                    self.content += content.len() as u64;
                    self.look(&content);
                    step.content = Some(content).filter(|_| self.plain_content);
                }
                true
            }
            Mode::Decode(_) => match self.decode() {
                Ok((content, drained)) => {
                    step.content = content;
                    drained
                }
                Err(fault) => {
                    self.give_up(fault);
                    true
                }
            },
        };
        step.ended = drained && self.at_end;
        Ok(step)
    }

    fn look(&mut self, content: &[u8]) {
        if let Some(tar) = &mut self.tar {
            tar.feed(content);
        }
    }

    fn give_up(&mut self, fault: LayerFault) {
        if let Some(outcome) = &mut self.outcome {
            outcome.fault = Some(fault);
        }
        self.mode = Mode::Opaque;
        self.output = None;
        self.input = None;
    }

    fn read(&mut self) -> Result<Chunk, ReadFault> {
        let mut buffer = self.pool.take(CHUNK);
        let mut filled = 0;
        while filled < CHUNK {
            match self.reader.read(&mut buffer.bytes[filled..]) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(ReadFault::Failed(OpenFault::Unreadable { reason: error.to_string() }));
                }
            }
        }
        self.stored += filled as u64;
        if self.stored > self.limits.blob_bytes {
            return Err(ReadFault::TooLarge(self.limits.blob_bytes));
        }
        Ok(Chunk::new(buffer, 0..filled))
    }

    fn sniff(&mut self, head: &[u8]) {
        let compression = decode::sniff(head);
        self.mode = decode::decoder(compression, self.limits).map_or(Mode::Plain, Mode::Decode);
        self.outcome = Some(LayerOutcome {
            compression,
            size: 0,
            fault: None,
            trailing_zeros: 0,
            tar: TarOutcome::default(),
        });
    }

    /// Decodes what input there is until a chunk of content is full. Whether the input is used up.
    fn decode(&mut self) -> Result<(Option<Chunk>, bool), LayerFault> {
        let Mode::Decode(decoder) = &mut self.mode else { return Ok((None, true)) };
        let output = self.output.get_or_insert_with(|| Output {
            buffer: self.pool.take(HISTORY + CHUNK),
            from: 0,
            to: 0,
        });
        let mut drained = true;
        if let Some(input) = &mut self.input {
            let used = decoder
                .decode(input, &mut output.buffer.bytes, &mut output.to)
                .map_err(LayerFault::Decode)?;
            input.advance(used);
            drained = input.is_empty() && output.to < output.buffer.bytes.len();
        }
        let ended = drained && self.at_end;
        if ended
            && let Tail::Zeros(count) = decoder.finish().map_err(LayerFault::Decode)?
            && let Some(outcome) = &mut self.outcome
        {
            outcome.trailing_zeros = count;
        }
        if output.to < output.buffer.bytes.len() && !ended {
            return Ok((None, drained));
        }
        let content = self.retire(ended);
        self.content += content.len() as u64;
        self.look(&content);
        if self.content > self.limits.layer_bytes {
            return Err(LayerFault::TooLarge(self.limits.layer_bytes));
        }
        if self.content > self.limits.expansion_grace
            && self.content / self.limits.expansion.max(1) > self.stored
        {
            return Err(LayerFault::Expands(self.limits.expansion));
        }
        Ok((Some(content).filter(|content| !content.is_empty()), drained))
    }

    /// Takes the output buffer out; the next one starts with its last bytes as history.
    fn retire(&mut self, last: bool) -> Chunk {
        let Some(Output { buffer, from, to }) = self.output.take() else {
            return Chunk::new(self.pool.take(CHUNK), 0..0);
        };
        if !last {
            let mut next = self.pool.take(HISTORY + CHUNK);
            let history = to.min(HISTORY);
            next.bytes[..history].copy_from_slice(&buffer.bytes[to - history..to]);
            self.output = Some(Output { buffer: next, from: history, to: history });
        }
        Chunk::new(buffer, from..to)
    }
}
