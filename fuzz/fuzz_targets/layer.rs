//! Any layer, as stored: intact only as the content that another decoder finds in it.
#![no_main]

use std::io::Read;

use castline_fuzz::{Memory, verify};
use flate2::read::MultiGzDecoder;
use libfuzzer_sys::fuzz_target;
use ruzstd::decoding::FrameDecoder;

const LIMIT: usize = 1 << 20;

/// The ending of the media type, what miniz_oxide or ruzstd give for the content, and whether they accept it.
fn decoded(stored: &[u8]) -> (&'static str, Vec<u8>, bool) {
    let mut content = Vec::new();
    match stored {
        [0x1f, 0x8b, ..] => {
            let read = MultiGzDecoder::new(stored).take(LIMIT as u64 + 1).read_to_end(&mut content);
            ("+gzip", content, read.is_ok())
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            content.reserve(LIMIT + 1);
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(8 << 20);
            let read = decoder.decode_all_to_vec(stored, &mut content);
            ("+zstd", content, read.is_ok())
        }
        _ => ("", stored.to_vec(), true),
    }
}

/// Mends the checksums of a tar's headers, or nothing behind them would be reached.
fn mend(tar: &mut [u8]) {
    for header in tar.chunks_exact_mut(512).filter(|block| block[257..].starts_with(b"ustar")) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
}

fuzz_target!(|input: &[u8]| {
    let mut stored = input.to_vec();
    if stored.len().is_multiple_of(512) {
        mend(&mut stored);
    }
    let stored = &stored[..];
    let (suffix, content, whole) = decoded(stored);
    let (layout, _) = Memory::image(stored, &content, suffix);
    let report = verify(&layout);
    let has = |start: &str| report.findings.iter().any(|finding| finding.code.name().starts_with(start));
    assert!(!has("blob-digest-mismatch"));
    if content.len() > LIMIT {
        return;
    }
    if whole {
        // Only of zstd is castline's decoder the stricter one: it checks the checksum.
        let refused = suffix == "+zstd" && (has("layer-zstd") || has("limit-exceeded"));
        assert!(refused || !has("diffid-mismatch"), "the decoders differ");
        assert!(!has("layer-gzip"), "what decodes is refused");
    } else {
        assert!(!report.is_intact() || has("layer-gzip-trailing-zeros"), "what does not decode is intact");
    }
});
