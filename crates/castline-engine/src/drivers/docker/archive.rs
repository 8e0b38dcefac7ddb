//! The tree that an engine packs into a tar of a container's files.

use castline_core::{
    Limits, Rootfs,
    rootfs::Collector,
    tar::{self, Parser},
};

use crate::DriverError;

/// Reads such a tar as it comes by. Contents are hashed, not kept.
pub(super) struct Tree {
    parser: Parser,
    collector: Collector,
    bytes: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        let collector = Collector::of_archive(Limits::default().layer_bytes);
        Self { parser: Parser::new(tar::Limits::default()), collector, bytes: 0 }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), DriverError> {
        self.bytes += bytes.len() as u64;
        self.parser.feed(bytes, &mut self.collector).map_err(DriverError::temporary)
    }

    /// The tree, and how many bytes it was read from.
    pub(super) fn finish(mut self) -> Result<(Rootfs, u64), DriverError> {
        self.parser.finish().map_err(DriverError::temporary)?;
        let layer = self.collector.finish().ok_or_else(|| {
            DriverError::permanent("the sparse files of the container are larger than a layer may be")
        })?;
        Ok((Rootfs::merge([&layer]).map_err(DriverError::temporary)?, self.bytes))
    }
}
