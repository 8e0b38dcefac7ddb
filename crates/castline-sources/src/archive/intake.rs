use std::{
    cell::Cell,
    io::{self, Read},
};

use castline_core::{Progress, Watch};

/// The bytes of an archive as stored, on their way to be spooled: counted, told to the watch, and no more of them once
/// it asks for a stop. A stream that yields nothing when decompressed can be stopped here only.
pub(super) struct Intake<'a, R> {
    source: R,
    count: &'a Cell<u64>,
    /// 0 where it is not known.
    total: u64,
    watch: &'a Watch<'a>,
}

impl<'a, R> Intake<'a, R> {
    pub(super) fn new(source: R, count: &'a Cell<u64>, total: u64, watch: &'a Watch<'a>) -> Self {
        Self { source, count, total, watch }
    }
}

impl<R: Read> Read for Intake<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watch.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        let count = self.source.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        self.watch.report(Progress::of_bytes(self.count.get(), self.total));
        Ok(count)
    }
}
