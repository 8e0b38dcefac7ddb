//! Manifests and configurations are kept as they are read.
#![no_main]

use castline::{Config, Digest, Image};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(image) = Image::from_manifest(bytes) {
        assert_eq!(image.raw(), bytes);
        assert_eq!(*image.digest(), Digest::of(bytes));
    }
    if let Ok(config) = Config::from_bytes(bytes) {
        assert_eq!(*config.digest(), Digest::of(bytes));
    }
});
