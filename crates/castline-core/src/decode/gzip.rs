use castline_inflate::{Inflate, Status};

use super::{Decode, DecodeFault, Tail};

/// gzip (RFC 1952): members, each a header, a DEFLATE stream and a trailer of CRC-32 and size.
pub(super) struct Gzip {
    state: State,
    inflate: Inflate,
    crc: crc32fast::Hasher,
    /// Bytes of the member's output, modulo 2^32.
    size: u32,
    /// Zero bytes after the last member.
    zeros: u64,
}

enum State {
    /// In a member's header; the bytes of it that came so far.
    Header(Header),
    Body,
    /// In the trailer: its bytes so far.
    Trailer([u8; 8], usize),
    /// After a member.
    Between,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            state: State::Header(Header::default()),
            inflate: Inflate::new(),
            crc: crc32fast::Hasher::new(),
            size: 0,
            zeros: 0,
        }
    }
}

impl Decode for Gzip {
    fn decode(&mut self, input: &[u8], buffer: &mut [u8], at: &mut usize) -> Result<usize, DecodeFault> {
        let mut used = 0;
        while used < input.len() {
            match &mut self.state {
                State::Header(header) => {
                    if header.take(input[used])? {
                        self.inflate.reset();
                        self.crc.reset();
                        self.size = 0;
                        self.state = State::Body;
                    }
                    used += 1;
                }
                State::Body => {
                    if *at == buffer.len() {
                        break;
                    }
                    let step = self.inflate.inflate(&input[used..], buffer, *at).map_err(|fault| {
                        DecodeFault::Corrupt(format!("the DEFLATE stream is corrupt: {fault}"))
                    })?;
                    used += step.consumed;
                    let produced = &buffer[*at..*at + step.produced];
                    self.crc.update(produced);
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "the trailer holds the size modulo 2^32"
                    )]
                    {
                        self.size = self.size.wrapping_add(produced.len() as u32);
                    }
                    *at += step.produced;
                    match step.status {
                        Status::Done => self.state = State::Trailer([0; 8], 0),
                        Status::NeedsOutput => break,
                        Status::NeedsInput => {}
                    }
                }
                State::Trailer(trailer, filled) => {
                    trailer[*filled] = input[used];
                    *filled += 1;
                    used += 1;
                    if *filled == 8 {
                        let [crc, size] = [0, 4].map(|at| {
                            let mut word = [0; 4];
                            word.copy_from_slice(&trailer[at..at + 4]);
                            u32::from_le_bytes(word)
                        });
                        if crc != self.crc.clone().finalize() {
                            return Err(DecodeFault::Corrupt("the CRC-32 of a gzip member is wrong".into()));
                        }
                        if size != self.size {
                            return Err(DecodeFault::Corrupt(
                                "the size in a gzip member's trailer is wrong".into(),
                            ));
                        }
                        self.state = State::Between;
                    }
                }
                State::Between => match input[used] {
                    0 => {
                        self.zeros += 1;
                        used += 1;
                    }
                    0x1f if self.zeros == 0 => {
                        self.state = State::Header(Header { follows_a_member: true, ..Header::default() });
                    }
                    _ => return Err(DecodeFault::TrailingGarbage),
                },
            }
        }
        Ok(used)
    }

    fn finish(&mut self) -> Result<Tail, DecodeFault> {
        match &self.state {
            State::Between if self.zeros == 0 => Ok(Tail::Clean),
            State::Between => Ok(Tail::Zeros(self.zeros)),
            // `1f` alone after a member is no header that was cut: nothing says that it is one.
            State::Header(header) if header.follows_a_member && header.taken < 2 => {
                Err(DecodeFault::TrailingGarbage)
            }
            _ => Err(DecodeFault::Truncated),
        }
    }
}

/// A member's header as it comes in, byte by byte: ten fixed bytes, then what the flags ask for.
#[derive(Default)]
struct Header {
    follows_a_member: bool,
    taken: usize,
    flags: u8,
    crc: crc32fast::Hasher,
    /// What is left of the optional field that is being read.
    field: Field,
}

#[derive(Default, Clone, Copy)]
enum Field {
    #[default]
    Fixed,
    ExtraLength(u16, u8),
    Extra(u16),
    Name,
    Comment,
    Check(u16, u8),
    Done,
}

const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xe0;

impl Header {
    /// Takes the next byte. Whether the header is complete with it.
    fn take(&mut self, byte: u8) -> Result<bool, DecodeFault> {
        let corrupt = |what: &str| Err(DecodeFault::Corrupt(format!("a gzip member's header {what}")));
        if !matches!(self.field, Field::Check(..)) {
            self.crc.update(&[byte]);
        }
        match self.field {
            Field::Fixed => {
                match (self.taken, byte) {
                    (0, 0x1f) | (1, 0x8b) | (2, 8) | (4.., _) => {}
                    (3, flags) if flags & RESERVED == 0 => self.flags = flags,
                    (0 | 1, _) if self.follows_a_member => return Err(DecodeFault::TrailingGarbage),
                    (0 | 1, _) => return corrupt("does not start with 1f 8b"),
                    (2, _) => return corrupt("names an unknown compression method"),
                    _ => return corrupt("has reserved flags"),
                }
                self.taken += 1;
                if self.taken == 10 {
                    self.field = self.after(Field::Fixed);
                }
            }
            Field::ExtraLength(length, 0) => self.field = Field::ExtraLength(length | u16::from(byte), 1),
            Field::ExtraLength(length, _) => {
                let length = length | (u16::from(byte) << 8);
                self.field = if length == 0 { self.after(Field::Extra(0)) } else { Field::Extra(length) };
            }
            Field::Extra(1) => self.field = self.after(Field::Extra(0)),
            Field::Extra(left) => self.field = Field::Extra(left - 1),
            Field::Name | Field::Comment if byte != 0 => {}
            Field::Name | Field::Comment => self.field = self.after(self.field),
            Field::Check(low, 0) => self.field = Field::Check(low | u16::from(byte), 1),
            Field::Check(low, _) => {
                let expected = self.crc.clone().finalize() & 0xffff;
                if u32::from(low | (u16::from(byte) << 8)) != expected {
                    return corrupt("has a wrong checksum");
                }
                self.field = Field::Done;
            }
            Field::Done => {}
        }
        Ok(matches!(self.field, Field::Done))
    }

    /// The field that follows `field`, by the flags.
    fn after(&self, field: Field) -> Field {
        let flag = |flag| self.flags & flag != 0;
        match field {
            Field::Fixed if flag(FEXTRA) => Field::ExtraLength(0, 0),
            Field::Fixed | Field::Extra(_) if flag(FNAME) => Field::Name,
            Field::Fixed | Field::Extra(_) | Field::Name if flag(FCOMMENT) => Field::Comment,
            _ if flag(FHCRC) => Field::Check(0, 0),
            _ => Field::Done,
        }
    }
}
