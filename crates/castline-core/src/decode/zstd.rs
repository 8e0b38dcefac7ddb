use super::{Decode, DecodeFault, Tail};

#[cfg(feature = "native")]
use native::Frame;
#[cfg(all(feature = "pure-rust", not(feature = "native")))]
use pure::Frame;

#[cfg(not(any(feature = "native", feature = "pure-rust")))]
compile_error!("castline needs a zstd decoder: enable the feature `native` (default) or `pure-rust`");

/// zstd (RFC 8878): frames, some of them skippable, one after another.
pub(super) struct Zstd {
    state: State,
    frame: Frame,
    window_limit: u64,
    /// A frame has ended: what comes next must be another one, or nothing.
    follows_a_frame: bool,
}

enum State {
    /// At the start of a frame: what came of its header so far.
    Header(Vec<u8>),
    /// In a frame.
    /// In a frame whose content is to go on for so many bytes, where its header says it.
    Body { left: Option<u64> },
    /// In a skippable frame: bytes left.
    Skip(u32),
}

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The longest frame header: magic 4, descriptor 1, window 1, dictionary 4, content size 8.
const MAX_HEADER: usize = 18;

impl Zstd {
    pub(super) fn new(window_limit: u64) -> Self {
        Self {
            state: State::Header(Vec::with_capacity(MAX_HEADER)),
            frame: Frame::new(window_limit),
            window_limit,
            follows_a_frame: false,
        }
    }

    /// Takes one more byte of a header; the state after it.
    fn header(&mut self, mut header: Vec<u8>, byte: u8) -> Result<State, DecodeFault> {
        header.push(byte);
        let skippable = |header: &[u8]| {
            header.iter().enumerate().all(|(at, &byte)| match at {
                0 => (0x50..=0x5f).contains(&byte),
                1 => byte == 0x2a,
                2 => byte == 0x4d,
                _ => byte == 0x18,
            })
        };
        let magic = &header[..header.len().min(4)];
        if !MAGIC.starts_with(magic) && !skippable(magic) {
            return Err(if self.follows_a_frame {
                DecodeFault::TrailingGarbage
            } else {
                DecodeFault::Corrupt("a zstd frame does not start with its magic number".into())
            });
        }
        if header.len() >= 4 && header[..4] != MAGIC {
            return Ok(match header[4..] {
                [a, b, c, d] => match u32::from_le_bytes([a, b, c, d]) {
                    0 => {
                        self.follows_a_frame = true;
                        State::Header(Vec::with_capacity(MAX_HEADER))
                    }
                    length => State::Skip(length),
                },
                _ => State::Header(header),
            });
        }
        let Some(FrameHeader { window, content_size }) = FrameHeader::read(&header)? else {
            return Ok(State::Header(header));
        };
        if window > self.window_limit {
            return Err(DecodeFault::Window { window, limit: self.window_limit });
        }
        self.frame.start(&header)?;
        Ok(State::Body { left: content_size })
    }
}

impl Decode for Zstd {
    fn decode(&mut self, input: &[u8], buffer: &mut [u8], at: &mut usize) -> Result<usize, DecodeFault> {
        let mut used = 0;
        loop {
            match &mut self.state {
                State::Header(header) => {
                    let Some(&byte) = input.get(used) else { return Ok(used) };
                    let header = std::mem::take(header);
                    self.state = self.header(header, byte)?;
                    used += 1;
                }
                State::Skip(left) => {
                    let skipped = (*left as usize).min(input.len() - used);
                    if skipped == 0 {
                        return Ok(used);
                    }
                    used += skipped;
                    *left -= u32::try_from(skipped).unwrap_or(*left);
                    if *left == 0 {
                        self.follows_a_frame = true;
                        self.state = State::Header(Vec::with_capacity(MAX_HEADER));
                    }
                }
                State::Body { left } => {
                    let before = (used, *at);
                    let ended = self.frame.decode(input, &mut used, buffer, at)?;
                    let produced = (*at - before.1) as u64;
                    if let Some(left) = left {
                        *left = left.checked_sub(produced).ok_or_else(wrong_size)?;
                    }
                    if ended && left.is_some_and(|left| left > 0) {
                        return Err(wrong_size());
                    }
                    if ended {
                        self.follows_a_frame = true;
                        self.state = State::Header(Vec::with_capacity(MAX_HEADER));
                    } else if *at == buffer.len() || before == (used, *at) {
                        return Ok(used);
                    }
                }
            }
        }
    }

    fn finish(&mut self) -> Result<Tail, DecodeFault> {
        match &self.state {
            State::Header(header) if header.is_empty() && self.follows_a_frame => Ok(Tail::Clean),
            State::Header(header) if header.len() < 4 && self.follows_a_frame => {
                Err(DecodeFault::TrailingGarbage)
            }
            _ => Err(DecodeFault::Truncated),
        }
    }
}

fn wrong_size() -> DecodeFault {
    DecodeFault::Corrupt("a zstd frame is not as long as its header says".into())
}

/// What a frame's header says (RFC 8878, section 3.1.1.1).
#[derive(Debug, PartialEq, Eq)]
struct FrameHeader {
    /// Bytes of memory that decoding it takes.
    window: u64,
    /// Bytes of its content.
    content_size: Option<u64>,
}

impl FrameHeader {
    /// `None` while the header is incomplete.
    fn read(header: &[u8]) -> Result<Option<Self>, DecodeFault> {
        let Some(&descriptor) = header.get(4) else { return Ok(None) };
        if descriptor & 0x08 != 0 {
            return Err(DecodeFault::Corrupt("a zstd frame header has its reserved bit set".into()));
        }
        let single_segment = descriptor & 0x20 != 0;
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content_size = match (descriptor >> 6, single_segment) {
            (0, false) => 0,
            (0, true) => 1,
            (flag, _) => 1 << flag,
        };
        let content_at = 5 + usize::from(!single_segment) + dictionary;
        if header.len() < content_at + content_size {
            return Ok(None);
        }
        if header[content_at - dictionary..content_at].iter().any(|&byte| byte != 0) {
            return Err(DecodeFault::Corrupt(
                "a zstd frame asks for a dictionary, which layers do not have".into(),
            ));
        }
        let mut size = [0; 8];
        size[..content_size].copy_from_slice(&header[content_at..content_at + content_size]);
        let offset = if content_size == 2 { 256 } else { 0 };
        let size = u64::from_le_bytes(size).saturating_add(offset);
        let content_size = (content_size > 0).then_some(size);
        if single_segment {
            return Ok(Some(Self { window: size, content_size }));
        }
        let exponent = u64::from(header[5] >> 3);
        let mantissa = u64::from(header[5] & 7);
        let base = 1u64 << (10 + exponent);
        Ok(Some(Self { window: base + (base >> 3) * mantissa, content_size }))
    }
}

#[cfg(feature = "native")]
mod native {
    use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

    use super::DecodeFault;

    /// A frame decoded by the C library.
    pub(super) struct Frame(DCtx<'static>);

    fn corrupt(code: usize) -> DecodeFault {
        DecodeFault::Corrupt(format!("the zstd stream is corrupt: {}", zstd_safe::get_error_name(code)))
    }

    impl Frame {
        pub(super) fn new(window_limit: u64) -> Self {
            let mut context = DCtx::create();
            // The header was checked already; this lets frames through that are over the library's own default.
            let log = (64 - window_limit.saturating_sub(1).leading_zeros()).clamp(10, 31);
            let _ = context.set_parameter(DParameter::WindowLogMax(log));
            Self(context)
        }

        pub(super) fn start(&mut self, header: &[u8]) -> Result<(), DecodeFault> {
            self.0.reset(ResetDirective::SessionOnly).map_err(corrupt)?;
            let mut input = InBuffer::around(header);
            let mut nothing = [0u8; 0];
            let mut output = OutBuffer::around(&mut nothing[..]);
            while input.pos() < header.len() {
                self.0.decompress_stream(&mut output, &mut input).map_err(corrupt)?;
            }
            Ok(())
        }

        pub(super) fn decode(
            &mut self,
            input: &[u8],
            used: &mut usize,
            buffer: &mut [u8],
            at: &mut usize,
        ) -> Result<bool, DecodeFault> {
            let mut source = InBuffer { src: input, pos: *used };
            let mut target = OutBuffer::around_pos(buffer, *at);
            let hint = self.0.decompress_stream(&mut target, &mut source).map_err(corrupt)?;
            *at = target.pos();
            *used = source.pos();
            Ok(hint == 0)
        }
    }
}

#[cfg(all(feature = "pure-rust", not(feature = "native")))]
mod pure {
    use ruzstd::decoding::FrameDecoder;

    use super::DecodeFault;

    /// A frame decoded in Rust. The library decodes all blocks that it is given before it hands out a byte, so it
    /// is given one at a time: a block yields at most 128 KiB.
    pub(super) struct Frame {
        decoder: FrameDecoder,
        /// The block, or checksum, that is being collected.
        pending: Vec<u8>,
        part: Part,
        checksummed: bool,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Part {
        Block,
        Checksum,
        Drain,
    }

    fn corrupt(error: impl std::fmt::Display) -> DecodeFault {
        DecodeFault::Corrupt(format!("the zstd stream is corrupt: {error}"))
    }

    impl Frame {
        pub(super) fn new(window_limit: u64) -> Self {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(window_limit);
            Self { decoder, pending: Vec::new(), part: Part::Block, checksummed: false }
        }

        pub(super) fn start(&mut self, header: &[u8]) -> Result<(), DecodeFault> {
            self.pending.clear();
            self.part = Part::Block;
            self.checksummed = header[4] & 0x04 != 0;
            self.decoder.reset(header).map_err(corrupt)
        }

        /// Takes input until `length` bytes are pending; whether they are.
        fn collect(&mut self, length: usize, input: &[u8], used: &mut usize) -> bool {
            let wanted = length.saturating_sub(self.pending.len()).min(input.len() - *used);
            self.pending.extend_from_slice(&input[*used..*used + wanted]);
            *used += wanted;
            self.pending.len() >= length
        }

        pub(super) fn decode(
            &mut self,
            input: &[u8],
            used: &mut usize,
            buffer: &mut [u8],
            at: &mut usize,
        ) -> Result<bool, DecodeFault> {
            loop {
                let drained = std::io::Read::read(&mut self.decoder, &mut buffer[*at..]).map_err(corrupt)?;
                *at += drained;
                if drained > 0 || *at == buffer.len() {
                    return Ok(false);
                }
                match self.part {
                    Part::Block => {
                        if !self.collect(3, input, used) {
                            return Ok(false);
                        }
                        let head = u32::from_le_bytes([self.pending[0], self.pending[1], self.pending[2], 0]);
                        let stored = match (head >> 1) & 3 {
                            1 => 1,
                            _ => (head >> 3) as usize,
                        };
                        if stored > 128 << 10 {
                            return Err(corrupt("a block is larger than 128 KiB"));
                        }
                        if !self.collect(3 + stored, input, used) {
                            return Ok(false);
                        }
                        let (_, written) = self
                            .decoder
                            .decode_from_to(&self.pending, &mut buffer[*at..])
                            .map_err(corrupt)?;
                        *at += written;
                        self.pending.clear();
                        if head & 1 == 1 {
                            self.part = if self.checksummed { Part::Checksum } else { Part::Drain };
                        }
                    }
                    Part::Checksum => {
                        if !self.collect(4, input, used) {
                            return Ok(false);
                        }
                        self.decoder.decode_from_to(&self.pending, &mut []).map_err(corrupt)?;
                        self.pending.clear();
                        if self.decoder.get_calculated_checksum() != self.decoder.get_checksum_from_data() {
                            return Err(corrupt("the checksum of a frame is wrong"));
                        }
                        self.part = Part::Drain;
                    }
                    Part::Drain => return Ok(true),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_headers_are_read() {
        let header = |window, content_size| Some(FrameHeader { window, content_size });
        for (bytes, expected) in [
            (&b"\x28\xb5\x2f\xfd"[..], None),
            (b"\x28\xb5\x2f\xfd\x00", None),
            (b"\x28\xb5\x2f\xfd\x00\x58", header(2 << 20, None)),
            (b"\x28\xb5\x2f\xfd\x20\x05", header(5, Some(5))),
            (b"\x28\xb5\x2f\xfd\x40\x58\x05", None),
            (b"\x28\xb5\x2f\xfd\x40\x58\x05\x00", header(2 << 20, Some(261))),
            (b"\x28\xb5\x2f\xfd\x60\x05\x00", header(261, Some(261))),
            (b"\x28\xb5\x2f\xfd\x00\xff", header((1 << 41) + 7 * (1 << 38), None)),
        ] {
            assert_eq!(FrameHeader::read(bytes), Ok(expected), "{bytes:x?}");
        }
        assert!(FrameHeader::read(b"\x28\xb5\x2f\xfd\x08").is_err(), "reserved bit");
        assert!(FrameHeader::read(b"\x28\xb5\x2f\xfd\x01\x58\x07").is_err(), "dictionary");
    }
}
