//! castline's pure core: digests, images and findings as immutable values, and the parallel verifier.
//!
//! Nothing here opens a file or a socket, reads a clock or the environment, or waits for a future: bytes come
//! through a [`BlobSource`], and what comes out are values. So the same code serves a command line, a controller
//! and another language's binding, and can be tested, replayed and fuzzed without a machine around it.
//! `castline-sources` has the sources for folders and archives; most programs add `castline`, which has both.

#![forbid(unsafe_code)]

mod canonical;
pub mod decode;
pub mod diff;
mod digest;
pub mod drift;
mod error;
mod fleet;
mod image;
pub mod import;
mod json;
pub mod ledger;
mod limits;
mod media_type;
pub mod plan;
mod platform;
pub mod policy;
pub mod preview;
mod release;
pub mod rollout;
pub mod rootfs;
mod strict;
pub mod tar;
mod time;
mod unique;
mod verify;

pub use canonical::Document;
pub use digest::{Algorithm, Digest, Hasher};
pub use error::{Error, ErrorCode, Result, shown, shown_whole};
pub use fleet::{Fleet, Health, Instance, Integrity, Phase};
pub use image::{Config, Descriptor, Identities, Image, Runtime, Verified};
pub use limits::Limits;
pub use media_type::Compression;
pub use platform::Platform;
pub use release::{Match, ProviderImage, Release, ReleaseImage, Revision};
pub use rootfs::Rootfs;
pub use strict::{from_json, strictly};
pub use time::Time;
pub use verify::{
    Blob, BlobName, BlobSource, Cancel, Finding, FindingCode, Format, ImageKind, ImageSummary,
    InspectedImage, InspectedLayer, Inspection, Level, OpenFault, Options, Platforms, Progress, Report,
    Selection, Stored, Verification, Watch, inspect, tree, verify,
};
