//! The memory of a verification: chunks that go from the reader to the hashers and back into a pool.

use std::{
    ops::{Deref, Range},
    sync::{Arc, Mutex, PoisonError},
};

/// Buffers that are free at the moment, by size class.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Vec<u8>>>);

/// At most this many buffers wait in the pool; the rest are given back to the allocator.
const KEPT: usize = 64;

impl Pool {
    /// A buffer of exactly `length` bytes, whose content is whatever was there.
    pub(super) fn take(self: &Arc<Self>, length: usize) -> Buffer {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = free.iter().rposition(|buffer| buffer.len() == length);
        let bytes = match found {
            Some(position) => free.swap_remove(position),
            None => {
                drop(free);
                vec![0; length]
            }
        };
        Buffer { bytes, pool: Arc::clone(self) }
    }
}

/// A buffer that goes back to its pool when the last user drops it.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// A part of a buffer, shared by the pump and the hashers.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    buffer: Arc<Buffer>,
    range: Range<usize>,
}

impl Chunk {
    pub(super) fn new(buffer: Buffer, range: Range<usize>) -> Self {
        Self { buffer: Arc::new(buffer), range }
    }

    /// Drops the first `count` bytes.
    pub(super) fn advance(&mut self, count: usize) {
        self.range.start = (self.range.start + count).min(self.range.end);
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer.bytes[self.range.clone()]
    }
}
