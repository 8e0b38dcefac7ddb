//! Any `index.json`, over blobs of a sound image.
#![no_main]

use castline_fuzz::{Memory, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut layout, manifest) = Memory::image(&[0; 1024], &[0; 1024], "");
    // The input may refer to the image by `@`.
    let text = String::from_utf8_lossy(bytes).replace('@', &manifest);
    layout.file("index.json", text);
    verify(&layout);
});
