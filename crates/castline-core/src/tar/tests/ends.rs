use super::build::{Header, Heard, ended, fault, file, member, pax, read};
use crate::tar::{BLOCK, Limits, Parser, Summary, TarFault};

#[test]
fn a_tar_may_end_at_any_header() {
    let one = file("a", b"aa");
    let zeros = |blocks: usize| vec![0; blocks * BLOCK];
    for (tar, entries, end_marker, trailing_bytes) in [
        (vec![], 0, false, false),
        (zeros(1), 0, false, false),
        (zeros(2), 0, true, false),
        (one.clone(), 1, false, false),
        ([one.clone(), zeros(1)].concat(), 1, false, false),
        ([one.clone(), zeros(2)].concat(), 1, true, false),
        ([one.clone(), zeros(20)].concat(), 1, true, false),
        ([one.clone(), zeros(2), vec![0]].concat(), 1, true, false),
        ([one.clone(), zeros(2), vec![0, 1]].concat(), 1, true, true),
        ([one.clone(), zeros(2), one].concat(), 1, true, true),
    ] {
        assert_eq!(read(&tar).1, Ok(Summary { entries, end_marker, trailing_bytes }));
    }
}

#[test]
fn a_tar_that_ends_elsewhere_is_truncated() {
    let whole = ended(&[file("a", b"aa"), pax(&[("path", b"b")]), file("c", &[b'x'; 600])]);
    let headers = [0, 1024, 2048];
    let sound = [0, 1024, 3584, 4096, 4608];
    for length in (0..whole.len()).filter(|length| !sound.contains(length)) {
        let offset = match length {
            0..BLOCK => {
                assert_eq!(fault(&whole[..length]), TarFault::NotATar { offset: 0 });
                continue;
            }
            // An extended header that misses its entry.
            2048 => 1024,
            3584..4096 => 3584,
            4096..4608 => 4096,
            _ => *headers.iter().rfind(|&&header| header < length).expect("one is before"),
        };
        assert_eq!(fault(&whole[..length]), TarFault::Truncated { offset: offset as u64 }, "{length}");
    }
}

#[test]
fn a_header_after_a_block_of_zeros_is_a_fault() {
    let tar = [file("a", b""), vec![0; BLOCK], file("b", b"")].concat();
    assert_eq!(fault(&tar), TarFault::BadHeader { offset: 1024, reason: "it follows a block of zeros" });
}

#[test]
fn an_extended_header_needs_an_entry() {
    let long = member(Header::gnu("l", b'L'), b"name\0");
    for waiting in [pax(&[("path", b"b")]), long] {
        let at_end = ended(&[file("a", b""), waiting.clone()]);
        let reason = "an extended header without an entry";
        assert_eq!(fault(&at_end), TarFault::BadHeader { offset: 512, reason });
        assert_eq!(fault(&[file("a", b""), waiting].concat()), TarFault::Truncated { offset: 512 });
    }
}

#[test]
fn a_fault_stays() {
    let (mut parser, mut heard) = (Parser::new(Limits::default()), Heard::default());
    let first = parser.feed(&[b'x'; 512], &mut heard).expect_err("it is no tar");
    assert_eq!(first, TarFault::NotATar { offset: 0 });
    assert_eq!(parser.feed(&file("a", b""), &mut heard), Err(first.clone()));
    assert_eq!(parser.finish(), Err(first));
    assert_eq!((parser.skippable(), heard.0.len()), (0, 0));
}
