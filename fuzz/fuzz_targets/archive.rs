//! Any file as an archive, in both formats.
#![no_main]

use castline::{Format, Limits, sources::Archive};
use castline_fuzz::verify;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { archive_bytes: 16 << 20, ..Limits::default() };
    for format in [Format::OciLayout, Format::DockerArchive] {
        verify(&Archive::from_reader(bytes, format, &limits).expect("memory can be read"));
    }
});
