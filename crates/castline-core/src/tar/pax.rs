//! PAX extended headers (POSIX `pax`, *pax Extended Header*).

use std::collections::BTreeMap;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    Limits, Mtime,
    fault::Defect,
    sparse::{Segment, paired},
};

/// Records that matter here, by key. An empty value is kept: it takes an attribute away that the other prefix sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// `GNU.sparse.offset` and `GNU.sparse.numbytes` of sparse format 0.0, the one format in which keys repeat.
    pairs: Vec<u64>,
}

const SCHILY: &[u8] = b"SCHILY.xattr.";
const LIBARCHIVE: &[u8] = b"LIBARCHIVE.xattr.";
const SPARSE: &[u8] = b"GNU.sparse.";

impl Records {
    /// Reads `length key=value\n` until the body ends.
    pub(super) fn parse(mut body: &[u8]) -> Result<Self, Defect> {
        let mut records = Self::default();
        while !body.is_empty() {
            let (key, value, rest) = record(body)?;
            records.add(key, value)?;
            body = rest;
        }
        Ok(records)
    }

    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Defect> {
        match key {
            b"path" | b"linkpath" | b"uname" | b"gname" | b"GNU.sparse.name" if value.contains(&0) => {
                return Err(Defect::Pax("a zero byte in a name"));
            }
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                if (key == b"GNU.sparse.offset") != self.pairs.len().is_multiple_of(2) {
                    return Err(Defect::Pax("the offsets and lengths of a sparse file do not alternate"));
                }
                self.pairs.push(decimal(value, "sparse map")?);
                return Ok(());
            }
            b"size" if !value.is_empty() => {
                decimal(value, "size")?;
            }
            b"uid" if !value.is_empty() => {
                decimal(value, "uid")?;
            }
            b"gid" if !value.is_empty() => {
                decimal(value, "gid")?;
            }
            b"mtime" if !value.is_empty() => {
                time(value)?;
            }
            _ => {}
        }
        let kept = matches!(key, b"path" | b"linkpath" | b"size" | b"uid" | b"gid" | b"mtime")
            || [SCHILY, LIBARCHIVE, SPARSE].iter().any(|prefix| key.starts_with(prefix));
        if kept {
            self.values.insert(key.to_vec(), value.to_vec());
        }
        Ok(())
    }

    /// The records of a global header, which Go's `archive/tar` only shows and others apply to every entry that
    /// follows: what matters here may not be among them, be it empty.
    pub(super) fn refuse_as_global(&self) -> Result<(), Defect> {
        if self.values.is_empty() && self.pairs.is_empty() {
            return Ok(());
        }
        Err(Defect::Pax("a global header says what some readers apply to entries and others ignore"))
    }
}

/// Key and value of the first record of a body, and what follows it.
type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn record(body: &[u8]) -> Result<Record<'_>, Defect> {
    const LENGTH: Defect = Defect::Pax("a record's length is wrong");
    // A length of more digits than these is beyond any limit.
    let blank = body.iter().take(20).position(|&byte| byte == b' ').ok_or(LENGTH)?;
    let length = decimal(&body[..blank], "length").ok().and_then(|length| usize::try_from(length).ok());
    let (record, rest) = length.and_then(|length| body.split_at_checked(length)).ok_or(LENGTH)?;
    let line = record.get(blank + 1..).ok_or(LENGTH)?;
    let line = line.strip_suffix(b"\n").ok_or(Defect::Pax("a record does not end with its line"))?;
    let equals = line.iter().position(|&byte| byte == b'=').ok_or(Defect::Pax("a record without `=`"))?;
    let (key, value) = (&line[..equals], &line[equals + 1..]);
    if key.is_empty() || key.contains(&0) {
        return Err(Defect::Pax("a key that is empty or has a zero byte"));
    }
    Ok((key, value, rest))
}

/// What PAX records say about a sparse file.
#[derive(Debug)]
pub(super) struct Sparse {
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// `None` when the map stands before the content (1.0).
    pub(super) segments: Option<Vec<Segment>>,
}

/// What they say about the entry that follows them.
impl Records {
    /// The value of a key; an empty one is none.
    pub(super) fn text(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key.as_bytes()).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&self, key: &'static str) -> Result<Option<u64>, Defect> {
        self.text(key).map(|value| decimal(value, key)).transpose()
    }

    pub(super) fn mtime(&self) -> Result<Option<Mtime>, Defect> {
        self.text("mtime").map(time).transpose()
    }

    /// libarchive writes attributes under both prefixes; the plain form wins.
    pub(super) fn xattrs(&self) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Defect> {
        let mut xattrs = BTreeMap::new();
        let keys = |prefix: &'static [u8]| {
            self.values.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
        };
        for (name, value) in keys(LIBARCHIVE) {
            let name = percent_decoded(name).ok_or(Defect::Pax("the name of an attribute is malformed"))?;
            if value.is_empty() {
                xattrs.remove(&name);
            } else {
                let value = base64(value).ok_or(Defect::Pax("the value of an attribute is not base64"))?;
                xattrs.insert(name, value);
            }
        }
        for (name, value) in keys(SCHILY) {
            if value.is_empty() {
                xattrs.remove(name);
            } else {
                xattrs.insert(name.to_vec(), value.clone());
            }
        }
        Ok(xattrs)
    }

    /// GNU's sparse formats 0.0, 0.1 and 1.0 (GNU tar manual, *Storing Sparse Files*).
    pub(super) fn sparse(&self, limits: &Limits) -> Result<Option<Sparse>, Defect> {
        let version = (self.text("GNU.sparse.major"), self.text("GNU.sparse.minor"));
        let map = self.text("GNU.sparse.map");
        let mapped = map.is_some() || !self.pairs.is_empty();
        let segments = match version {
            (None, None) if !mapped => return Ok(None),
            (Some(b"1"), Some(b"0")) => None,
            (None, None) | (Some(b"0"), Some(b"0" | b"1")) => Some(self.segments(map, limits)?),
            _ => return Err(Defect::Pax("a sparse format that is not known")),
        };
        let size = match self.number("GNU.sparse.realsize")? {
            None => self.number("GNU.sparse.size")?,
            size => size,
        };
        if size.is_some_and(|size| i64::try_from(size).is_err()) {
            return Err(Defect::Number("real size"));
        }
        Ok(Some(Sparse { name: self.text("GNU.sparse.name").map(<[u8]>::to_vec), size, segments }))
    }

    fn segments(&self, map: Option<&[u8]>, limits: &Limits) -> Result<Vec<Segment>, Defect> {
        let segments = match map {
            Some(map) if self.pairs.is_empty() => {
                let numbers = map.split(|&byte| byte == b',').map(|number| decimal(number, "sparse map"));
                paired(&numbers.collect::<Result<Vec<_>, _>>()?, limits.sparse_segments)?
            }
            _ => paired(&self.pairs, limits.sparse_segments)?,
        };
        match self.number("GNU.sparse.numblocks")? {
            Some(count) if count != segments.len() as u64 => {
                Err(Defect::Pax("a sparse map of another length"))
            }
            _ => Ok(segments),
        }
    }
}

/// Digits, and nothing else.
fn decimal(value: &[u8], field: &'static str) -> Result<u64, Defect> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Defect::Pax("a number that is none"));
    }
    let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add((digit - b'0').into());
    value.iter().try_fold(0, add).ok_or(Defect::Number(field))
}

/// Seconds with a fraction, e.g. `-1.5`. Digits below nanoseconds are dropped.
fn time(value: &[u8]) -> Result<Mtime, Defect> {
    const BAD: Defect = Defect::Pax("a time that is none");
    const RANGE: Defect = Defect::Number("mtime");
    let (negative, digits) = value.strip_prefix(b"-").map_or((false, value), |rest| (true, rest));
    let point = digits.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = point.map_or((digits, &b""[..]), |at| (&digits[..at], &digits[at + 1..]));
    if !fraction.iter().all(u8::is_ascii_digit) {
        return Err(BAD);
    }
    let whole = i64::try_from(decimal(whole, "mtime")?).map_err(|_| RANGE)?;
    let digits = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
    let nanos = digits.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Ok(match (negative, nanos) {
        (false, nanos) => Mtime { secs: whole, nanos },
        (true, 0) => Mtime { secs: -whole, nanos: 0 },
        (true, nanos) => Mtime { secs: (-whole).checked_sub(1).ok_or(RANGE)?, nanos: 1_000_000_000 - nanos },
    })
}

/// Undoes `%41`; `None` when it is not of that form, or hides a zero byte.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        decoded.push(match (byte, tail) {
            (b'%', [high, low, tail @ ..]) => {
                rest = tail;
                Some(digit(*high)? * 16 + digit(*low)?).filter(|&byte| byte != 0)?
            }
            (b'%', _) => return None,
            _ => byte,
        });
    }
    Some(decoded)
}

/// RFC 4648 with or without `=` at the end, which libarchive leaves out.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    const EITHER: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    EITHER.decode(text).ok()
}
