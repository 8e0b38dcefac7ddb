//! Tars written by hand, and what a visitor hears of them.

use crate::tar::{BLOCK, Entry, Limits, Parser, Summary, TarFault, Visitor, padding};

/// A header block, with its checksum once it is sealed.
#[derive(Clone)]
pub(super) struct Header(pub(super) [u8; BLOCK]);

impl Header {
    /// ustar: mode 0644, owner 0:0, size 0, time 0.
    pub(super) fn new(name: &str, flag: u8) -> Self {
        let zeros = |header: Self, at| header.put(at, b"0000000\0");
        let header = Self([0; BLOCK]).put(0, name.as_bytes()).put(100, b"0000644\0");
        let header = zeros(zeros(header, 108), 116).put(136, b"00000000000\0");
        header.put(156, &[flag]).put(257, b"ustar\x0000").size(0)
    }

    pub(super) fn gnu(name: &str, flag: u8) -> Self {
        Self::new(name, flag).put(257, b"ustar  \0")
    }

    pub(super) fn put(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(super) fn size(self, size: usize) -> Self {
        self.put(124, format!("{size:011o}\0").as_bytes())
    }

    /// The block, its checksum that of unsigned bytes.
    pub(super) fn sealed(self) -> [u8; BLOCK] {
        let blank = self.put(148, b"        ");
        let sum = blank.0.iter().map(|&byte| u32::from(byte)).sum::<u32>();
        blank.put(148, format!("{sum:06o}\0 ").as_bytes()).0
    }
}

/// A header whose size is right, and its content.
pub(super) fn member(header: Header, content: &[u8]) -> Vec<u8> {
    exact(header.size(content.len()), content)
}

/// A header as it is, and its content.
pub(super) fn exact(header: Header, content: &[u8]) -> Vec<u8> {
    let fill = usize::try_from(padding(content.len() as u64)).expect("less than a block");
    [&header.sealed()[..], content, &[0; BLOCK][..fill]].concat()
}

pub(super) fn file(name: &str, content: &[u8]) -> Vec<u8> {
    member(Header::new(name, b'0'), content)
}

pub(super) fn extended(flag: u8, records: &[(&str, &[u8])]) -> Vec<u8> {
    let body = records.iter().flat_map(|(key, value)| record(key, value)).collect::<Vec<_>>();
    member(Header::new("pax", flag), &body)
}

pub(super) fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    extended(b'x', records)
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let digits = (1..20).find(|digits| (rest + digits).to_string().len() == *digits).expect("there is one");
    [format!("{} {key}=", rest + digits).as_bytes(), value, b"\n"].concat()
}

pub(super) fn ended(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 2 * BLOCK]].concat()
}

/// What a visitor hears; neighbouring pieces of data are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Entry(Entry),
    Data(Vec<u8>),
    Hole(u64),
    End,
}

#[derive(Default)]
pub(super) struct Heard(pub(super) Vec<Event>);

impl Visitor for Heard {
    fn entry(&mut self, entry: Entry) {
        self.0.push(Event::Entry(entry));
    }

    fn data(&mut self, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        match self.0.last_mut() {
            Some(Event::Data(data)) => data.extend_from_slice(bytes),
            _ => self.0.push(Event::Data(bytes.to_vec())),
        }
    }

    fn hole(&mut self, length: u64) {
        assert_ne!(length, 0);
        self.0.push(Event::Hole(length));
    }

    fn end(&mut self) {
        self.0.push(Event::End);
    }
}

/// Everything about a tar that is fed in these pieces.
pub(super) fn read_pieces<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limits: &Limits,
) -> (Vec<Event>, Result<Summary, TarFault>) {
    let (mut parser, mut heard) = (Parser::new(limits.clone()), Heard::default());
    let fed = pieces.into_iter().try_for_each(|piece| parser.feed(piece, &mut heard));
    let end = fed.and_then(|()| parser.finish());
    (heard.0, end)
}

pub(super) fn read(tar: &[u8]) -> (Vec<Event>, Result<Summary, TarFault>) {
    read_pieces([tar], &Limits::default())
}

/// The entries of a sound tar.
pub(super) fn entries(tar: &[u8]) -> Vec<Entry> {
    let (events, end) = read(tar);
    end.expect("the tar is sound");
    let entry = |event| match event {
        Event::Entry(entry) => Some(entry),
        _ => None,
    };
    events.into_iter().filter_map(entry).collect()
}

/// The one entry of these parts.
pub(super) fn entry(parts: &[Vec<u8>]) -> Entry {
    let [entry] = <[Entry; 1]>::try_from(entries(&ended(parts))).expect("there is one entry");
    entry
}

/// Names and contents of the entries; holes are zeros.
pub(super) fn contents(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (events, end) = read(tar);
    end.expect("the tar is sound");
    let mut contents = Vec::<(String, Vec<u8>)>::new();
    for event in events {
        let content = contents.last_mut().map(|(_, content)| content);
        match (event, content) {
            (Event::Entry(entry), _) => {
                contents.push((String::from_utf8_lossy(&entry.path).into_owned(), Vec::new()));
            }
            (Event::Data(data), Some(content)) => content.extend(data),
            (Event::Hole(length), Some(content)) => {
                content.resize(content.len() + usize::try_from(length).expect("a small hole"), 0);
            }
            _ => {}
        }
    }
    contents
}

pub(super) fn fault(tar: &[u8]) -> TarFault {
    read(tar).1.expect_err("the tar is not sound")
}
