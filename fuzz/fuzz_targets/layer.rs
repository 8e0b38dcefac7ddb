//! Any layer, as stored, under each of the three media types.
#![no_main]

use castline_fuzz::{Memory, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (suffix, tar) = match bytes {
        [0x1f, 0x8b, ..] => ("+gzip", false),
        [0x28, 0xb5, ..] => ("+zstd", false),
        _ => ("", true),
    };
    let (layout, _) = Memory::image(bytes, suffix);
    let report = verify(&layout);
    // The diffID is that of the stored bytes, so nothing compressed can be intact.
    assert!(tar || !report.is_intact());
    assert!(report.findings.iter().all(|finding| finding.code.name() != "blob-digest-mismatch"));
});
