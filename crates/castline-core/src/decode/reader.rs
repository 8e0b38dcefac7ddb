use std::io::{self, Read};

use super::{Decode, HISTORY, decoder};
use crate::{Compression, Limits};

/// What is read when a whole archive is compressed: the decompressed bytes of another reader.
pub struct Decompress<R> {
    source: R,
    decoder: Option<Box<dyn Decode>>,
    input: Vec<u8>,
    input_at: usize,
    input_len: usize,
    output: Vec<u8>,
    output_from: usize,
    output_to: usize,
    ended: bool,
}

const CHUNK: usize = 256 << 10;

impl<R: Read> Decompress<R> {
    /// Decompresses `source`, which is compressed as `compression` says.
    pub fn new(source: R, compression: Compression, limits: &Limits) -> Self {
        Self {
            source,
            decoder: decoder(compression, limits),
            input: vec![0; CHUNK],
            input_at: 0,
            input_len: 0,
            output: vec![0; HISTORY + CHUNK],
            output_from: 0,
            output_to: 0,
            ended: false,
        }
    }

    /// How a stream that begins with `head` (four bytes suffice) is compressed, by its magic number.
    pub fn sniff(head: &[u8]) -> Compression {
        super::sniff(head)
    }

    fn fill(&mut self) -> io::Result<()> {
        let invalid =
            |fault: super::DecodeFault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string());
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        if self.output_to == self.output.len() {
            self.output.copy_within(self.output_to - HISTORY.., 0);
            self.output_from = HISTORY;
            self.output_to = HISTORY;
        }
        while self.output_from == self.output_to && !self.ended {
            if self.input_at == self.input_len {
                self.input_at = 0;
                self.input_len = self.source.read(&mut self.input)?;
                if self.input_len == 0 {
                    decoder.finish().map_err(invalid)?;
                    self.ended = true;
                }
            }
            let input = &self.input[self.input_at..self.input_len];
            self.input_at += decoder.decode(input, &mut self.output, &mut self.output_to).map_err(invalid)?;
        }
        Ok(())
    }
}

impl<R: Read> Read for Decompress<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.decoder.is_none() {
            return self.source.read(buffer);
        }
        if self.output_from == self.output_to {
            self.fill()?;
        }
        let taken = buffer.len().min(self.output_to - self.output_from);
        buffer[..taken].copy_from_slice(&self.output[self.output_from..self.output_from + taken]);
        self.output_from += taken;
        Ok(taken)
    }
}

impl<R> std::fmt::Debug for Decompress<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decompress").field("ended", &self.ended).finish_non_exhaustive()
    }
}
