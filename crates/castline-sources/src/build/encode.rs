//! Compression in blocks of a fixed size, each of which is a function of the bytes: on however many threads they are
//! compressed, the same bytes come out.
//!
//! gzip is one member, one DEFLATE stream. Each block is compressed on its own, with the 32 KiB before it as its
//! dictionary, and ends on a byte (a sync flush), so that blocks can be put one after the other; so does pigz. Every
//! reader takes it for what it is, an ordinary gzip file, where one of several members has readers that stop after the
//! first. The encoder is zlib-rs, in Rust, whichever features are on; it looks for matches in the same way on every
//! processor. Another version of it may write
//! other bytes: `Cargo.lock` holds the program to one, and tests pin digests, so that nobody takes another unawares.
//!
//! zstd is one frame per block, which every reader decodes one after the other. It needs the C library: the encoder in
//! Rust writes other bytes, and a digest that depends on a feature would be none.

use castline_core::Compression;
use crc32fast::Hasher as Crc32;
use flate2::{Compress, FlushCompress, Status};

use crate::{Error, Result};

/// Bytes of content that a block of gzip has.
const GZIP_BLOCK: usize = 1 << 20;

/// Bytes of content that a frame of zstd has: twice the window of its level, so that little is lost at the seams.
const ZSTD_BLOCK: usize = 4 << 20;

/// How far back DEFLATE looks.
const WINDOW: usize = 32 << 10;

/// See `benches/README.md` for what each costs.
const GZIP_LEVEL: u32 = 5;

#[cfg(feature = "native")]
const ZSTD_LEVEL: i32 = 3;

/// RFC 1952: DEFLATE, no name, no time, from no system in particular.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// One way of compressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding(Compression);

/// A block that is to be compressed.
pub(super) struct Block {
    /// What came before, as far as the encoder looks back; then the block.
    pub(super) bytes: Vec<u8>,
    /// Where the block begins.
    pub(super) start: usize,
    /// Whether it is the last one.
    pub(super) last: bool,
}

/// A block that was compressed.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    crc: Crc32,
    length: u64,
}

/// What stands around the blocks.
pub(super) struct Frame {
    compression: Compression,
    crc: Crc32,
    length: u64,
}

impl Encoding {
    /// # Errors
    ///
    /// [`Error::Unsupported`] for zstd in a build without the C library.
    pub(super) fn new(compression: Compression) -> Result<Self> {
        let zstd = matches!(compression, Compression::Zstd) && cfg!(feature = "native");
        if zstd || matches!(compression, Compression::None | Compression::Gzip) {
            return Ok(Self(compression));
        }
        Err(Error::Unsupported {
            what: format!("writing {}", compression.name()).into(),
            advice: "use gzip, or a build with the feature `native`, which has the zstd of the C library",
        })
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self.0 {
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            _ => "application/vnd.oci.image.layer.v1.tar",
        }
    }

    /// How many bytes of content a block has.
    pub(super) const fn block(self) -> usize {
        match self.0 {
            Compression::Zstd => ZSTD_BLOCK,
            _ => GZIP_BLOCK,
        }
    }

    /// How many bytes before a block its encoder wants.
    pub(super) const fn window(self) -> usize {
        match self.0 {
            Compression::Gzip => WINDOW,
            _ => 0,
        }
    }

    pub(super) const fn compresses(self) -> bool {
        !matches!(self.0, Compression::None)
    }

    /// Compresses a block.
    pub(super) fn encode(self, block: Block) -> std::io::Result<Encoded> {
        let content = &block.bytes[block.start..];
        let (mut crc, length) = (Crc32::new(), content.len() as u64);
        let bytes = match self.0 {
            Compression::Gzip => {
                crc.update(content);
                deflate(&block.bytes[..block.start], content, block.last)?
            }
            #[cfg(feature = "native")]
            Compression::Zstd => zstd(content)?,
            _ => {
                let mut bytes = block.bytes;
                bytes.drain(..block.start);
                return Ok(Encoded { bytes, crc, length });
            }
        };
        Ok(Encoded { bytes, crc, length })
    }

    pub(super) fn frame(self) -> Frame {
        Frame { compression: self.0, crc: Crc32::new(), length: 0 }
    }
}

impl Frame {
    pub(super) fn head(&self) -> &'static [u8] {
        if self.compression == Compression::Gzip { &GZIP_HEADER } else { &[] }
    }

    /// Takes note of the next block.
    pub(super) fn add(&mut self, block: &Encoded) {
        self.crc.combine(&block.crc);
        self.length += block.length;
    }

    #[expect(clippy::cast_possible_truncation, reason = "gzip wants the length modulo 2^32")]
    pub(super) fn tail(self) -> Vec<u8> {
        if self.compression != Compression::Gzip {
            return Vec::new();
        }
        [self.crc.finalize().to_le_bytes(), (self.length as u32).to_le_bytes()].concat()
    }
}

fn deflate(dictionary: &[u8], content: &[u8], last: bool) -> std::io::Result<Vec<u8>> {
    let mut encoder = Compress::new(flate2::Compression::new(GZIP_LEVEL), false);
    if !dictionary.is_empty() {
        encoder.set_dictionary(dictionary)?;
    }
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut output = Vec::with_capacity(content.len() + (content.len() >> 8) + 64);
    loop {
        let taken = usize::try_from(encoder.total_in()).unwrap_or(usize::MAX).min(content.len());
        let status = encoder.compress_vec(&content[taken..], &mut output, flush)?;
        let taken = encoder.total_in() == content.len() as u64;
        // A flush is complete once there is room left in the output.
        if status == Status::StreamEnd || (!last && taken && output.len() < output.capacity()) {
            return Ok(output);
        }
        output.reserve(64 << 10);
    }
}

#[cfg(feature = "native")]
fn zstd(content: &[u8]) -> std::io::Result<Vec<u8>> {
    use zstd_safe::{CCtx, CParameter, compress_bound, get_error_name};
    let failed = |code| std::io::Error::other(get_error_name(code));
    let mut encoder = CCtx::create();
    encoder.set_parameter(CParameter::CompressionLevel(ZSTD_LEVEL)).map_err(failed)?;
    encoder.set_parameter(CParameter::ChecksumFlag(true)).map_err(failed)?;
    let mut output = vec![0; compress_bound(content.len())];
    let length = encoder.compress2(&mut output[..], content).map_err(failed)?;
    output.truncate(length);
    Ok(output)
}
