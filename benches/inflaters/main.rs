//! CPU time of inflaters on one gzip member: `cargo run --release -- FILE.gz [ROUNDS]`.
//!
//! All but libdeflate are given 256 KiB at a time and have 256 KiB of room, as a verification has; libdeflate decodes
//! whole buffers only, so it gets the memory for all of it, which no verifier can afford.

use std::{env, error::Error, fs, mem::MaybeUninit};

use rustix::time::{ClockId, clock_gettime};

const PIECE: usize = 256 << 10;
const HISTORY: usize = 32 << 10;

type Inflater = fn(&[u8], &mut [u8]) -> u64;

const INFLATERS: [(&str, Inflater); 6] = [
    ("ISA-L (isal-sys)", isal),
    ("castline-inflate", castline),
    ("zlib-ng (libz-ng-sys)", zlib_ng),
    ("zlib-rs (libz-rs-sys)", zlib_rs),
    ("miniz_oxide", miniz),
    ("libdeflate, whole buffer", libdeflate),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let file = fs::read(arguments.next().ok_or("name a gzip file of one member")?)?;
    let rounds: usize = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    let body = &file[header(&file)..file.len() - 8];
    let size = u32::from_le_bytes(*file.last_chunk().ok_or("too short")?);
    let mut room = vec![1; size as usize + HISTORY + PIECE];
    let mut times = vec![Vec::new(); INFLATERS.len()];
    for _ in 0..rounds {
        for ((name, inflate), times) in INFLATERS.iter().zip(&mut times) {
            let began = cpu();
            let produced = inflate(body, &mut room);
            times.push(cpu() - began);
            assert_eq!(produced as u32, size, "{name}");
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let medians: Vec<f64> = times.iter_mut().map(median).collect();
    println!("{:.0} MB, median CPU of {rounds} rounds, ratio to the first", f64::from(size) / 1e6);
    for ((name, _), time) in INFLATERS.iter().zip(&medians) {
        println!(
            "{name:26} {time:6.3} s  {:5.0} MB/s  {:.2}",
            f64::from(size) / 1e6 / time,
            time / medians[0]
        );
    }
    Ok(())
}

/// Seconds of this process on all cores.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The length of a gzip header that has a name at the most.
fn header(file: &[u8]) -> usize {
    let name =
        if file[3] & 8 == 0 { 0 } else { 1 + file[10..].iter().take_while(|&&byte| byte != 0).count() };
    10 + name
}

fn castline(stream: &[u8], buffer: &mut [u8]) -> u64 {
    use castline_inflate::{Inflate, Status};
    let buffer = &mut buffer[..HISTORY + PIECE];
    let mut inflate = Inflate::new();
    let (mut at, mut total) = (0, 0);
    for mut input in stream.chunks(PIECE) {
        loop {
            if at == buffer.len() {
                buffer.copy_within(at - HISTORY.., 0);
                at = HISTORY;
            }
            let step = inflate.inflate(input, buffer, at).expect("a sound stream");
            at += step.produced;
            total += step.produced as u64;
            input = &input[step.consumed..];
            match step.status {
                Status::Done => return total,
                Status::NeedsInput => break,
                Status::NeedsOutput => {}
            }
        }
    }
    panic!("the stream is cut")
}

fn isal(stream: &[u8], buffer: &mut [u8]) -> u64 {
    use isal_sys::igzip_lib::{
        inflate_state, isal_block_state_ISAL_BLOCK_FINISH, isal_inflate, isal_inflate_init,
    };
    let output = &mut buffer[..PIECE];
    // SAFETY: plain data, for which zeros are a value; `isal_inflate_init` sets what has a meaning. Pointers and lengths
    // are those of slices that live until the call returns.
    unsafe {
        let mut state: Box<inflate_state> = Box::new(MaybeUninit::zeroed().assume_init());
        isal_inflate_init(&mut *state);
        let mut total = 0;
        for input in stream.chunks(PIECE) {
            (state.next_in, state.avail_in) = (input.as_ptr().cast_mut(), input.len() as u32);
            loop {
                (state.next_out, state.avail_out) = (output.as_mut_ptr(), PIECE as u32);
                assert_eq!(isal_inflate(&mut *state), 0, "a sound stream");
                total += (PIECE as u32 - state.avail_out) as u64;
                if state.block_state == isal_block_state_ISAL_BLOCK_FINISH {
                    return total;
                }
                if state.avail_out > 0 {
                    break;
                }
            }
        }
    }
    panic!("the stream is cut")
}

/// The two libraries with zlib's interface.
macro_rules! zlib {
    ($name:ident, $library:ident) => {
        fn $name(stream: &[u8], buffer: &mut [u8]) -> u64 {
            use $library::{inflate, inflateEnd, inflateInit2_, z_stream, zlibVersion};
            let output = &mut buffer[..PIECE];
            let mut state: Box<MaybeUninit<z_stream>> = Box::new(MaybeUninit::zeroed());
            // SAFETY: as zlib's manual asks: zeroed, then initialised; pointers and lengths are those of slices that
            // live until the call returns.
            unsafe {
                let started =
                    inflateInit2_(state.as_mut_ptr(), -15, zlibVersion(), size_of::<z_stream>() as i32);
                assert_eq!(started, 0);
                let state = &mut *state.as_mut_ptr();
                let mut total = 0;
                for input in stream.chunks(PIECE) {
                    (state.next_in, state.avail_in) = (input.as_ptr().cast_mut(), input.len() as u32);
                    loop {
                        (state.next_out, state.avail_out) = (output.as_mut_ptr(), PIECE as u32);
                        let status = inflate(state, 0);
                        total += (PIECE as u32 - state.avail_out) as u64;
                        if status == 1 {
                            inflateEnd(state);
                            return total;
                        }
                        assert!(status == 0 || status == -5, "a sound stream");
                        if state.avail_out > 0 {
                            break;
                        }
                    }
                }
            }
            panic!("the stream is cut")
        }
    };
}

zlib!(zlib_ng, libz_ng_sys);
zlib!(zlib_rs, libz_rs_sys);

fn miniz(stream: &[u8], buffer: &mut [u8]) -> u64 {
    use miniz_oxide::{
        DataFormat, MZFlush, MZStatus,
        inflate::stream::{InflateState, inflate},
    };
    let output = &mut buffer[..PIECE];
    let mut state = InflateState::new_boxed(DataFormat::Raw);
    let mut total = 0;
    for mut input in stream.chunks(PIECE) {
        loop {
            let result = inflate(&mut state, input, output, MZFlush::None);
            total += result.bytes_written as u64;
            input = &input[result.bytes_consumed..];
            if result.status == Ok(MZStatus::StreamEnd) {
                return total;
            }
            if input.is_empty() && result.bytes_written < PIECE {
                break;
            }
        }
    }
    panic!("the stream is cut")
}

fn libdeflate(stream: &[u8], buffer: &mut [u8]) -> u64 {
    libdeflater::Decompressor::new().deflate_decompress(stream, buffer).expect("a sound stream") as u64
}
