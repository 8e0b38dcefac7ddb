//! The formats that vectors are made of, written by hand: the same bytes on every machine and under every
//! version of every compressor, and faults exactly where a case wants them.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the vectors are small, and the fields of the formats are narrow"
)]

pub(super) mod base64;
pub(super) mod digest;
pub(super) mod gzip;
pub(super) mod jcs;
pub(super) mod json;
pub(super) mod tar;
pub(super) mod xz;
pub(super) mod zstd;
