//! One header block. Offsets are those of POSIX's ustar and of GNU tar's `tar.h`.

use super::{
    Block,
    fault::{Defect, within},
    sparse::Segment,
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a>(&'a Block);

/// What the magic says about the fields after the link name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// They are not there.
    V7,
    Ustar,
    /// Times stand in the prefix's last 24 bytes.
    Star,
    /// Times and a sparse map stand in the prefix's place.
    Gnu,
}

impl<'a> Header<'a> {
    /// `None` when the checksum is wrong. It is the sum of the bytes with the checksum itself as blanks; some old
    /// writers summed signed bytes.
    pub(super) fn parse(block: &'a Block) -> Option<Self> {
        let written = octal(&block[148..156])?;
        let unsigned = |bytes: &[u8]| bytes.iter().map(|&byte| i64::from(byte)).sum::<i64>();
        let high = |bytes: &[u8]| bytes.iter().map(|&byte| i64::from(byte >> 7)).sum::<i64>();
        let blanks = 8 * i64::from(b' ');
        let sum = unsigned(&block[..148]) + blanks + unsigned(&block[156..]);
        let signed = sum - 256 * (high(&block[..148]) + high(&block[156..]));
        (written == sum || written == signed).then_some(Self(block))
    }

    fn dialect(self) -> Dialect {
        match &self.0[257..265] {
            b"ustar  \0" => Dialect::Gnu,
            magic if magic.starts_with(b"ustar\0") && &self.0[508..] == b"tar\0" => Dialect::Star,
            magic if magic.starts_with(b"ustar\0") => Dialect::Ustar,
            _ => Dialect::V7,
        }
    }

    pub(super) fn flag(self) -> u8 {
        self.0[156]
    }

    pub(super) fn path(self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        let prefix = match self.dialect() {
            Dialect::Ustar => text(&self.0[345..500]),
            Dialect::Star => text(&self.0[345..476]),
            Dialect::V7 | Dialect::Gnu => b"",
        };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub(super) fn link(self) -> Vec<u8> {
        text(&self.0[157..257]).to_vec()
    }

    pub(super) fn mode(self) -> Result<u32, Defect> {
        let mode = number(&self.0[100..108]).and_then(|mode| u32::try_from(mode).ok());
        mode.ok_or(Defect::Number("mode"))
    }

    pub(super) fn uid(self) -> Result<u64, Defect> {
        natural(&self.0[108..116], "uid")
    }

    pub(super) fn gid(self) -> Result<u64, Defect> {
        natural(&self.0[116..124], "gid")
    }

    pub(super) fn size(self) -> Result<u64, Defect> {
        natural(&self.0[124..136], "size")
    }

    pub(super) fn mtime(self) -> Result<i64, Defect> {
        number(&self.0[136..148]).ok_or(Defect::Number("mtime"))
    }

    /// Major and minor number.
    pub(super) fn device(self) -> Result<(u64, u64), Defect> {
        if self.dialect() == Dialect::V7 {
            return Ok((0, 0));
        }
        Ok((natural(&self.0[329..337], "device")?, natural(&self.0[337..345], "device")?))
    }

    /// The real size of a file of type `S`.
    pub(super) fn real_size(self) -> Result<u64, Defect> {
        if self.dialect() != Dialect::Gnu {
            return Err(Defect::Header("a sparse file in a header that is not GNU's"));
        }
        natural(&self.0[483..495], "real size")
    }

    /// Adds the segments of a file of type `S`; true when a block with more of them follows.
    pub(super) fn segments(self, segments: &mut Vec<Segment>, limit: u64) -> Result<bool, Defect> {
        add_segments(&self.0[386..482], segments, limit)?;
        Ok(self.0[482] != 0)
    }
}

/// The same for a block that follows.
pub(super) fn more_segments(block: &Block, segments: &mut Vec<Segment>, limit: u64) -> Result<bool, Defect> {
    add_segments(&block[..504], segments, limit)?;
    Ok(block[504] != 0)
}

fn add_segments(table: &[u8], segments: &mut Vec<Segment>, limit: u64) -> Result<(), Defect> {
    for pair in table.chunks_exact(24).take_while(|pair| pair[0] != 0) {
        let (offset, length) = pair.split_at(12);
        within(segments.len() + 1, limit, "sparseSegments")?;
        segments
            .push(Segment { offset: natural(offset, "sparse map")?, length: natural(length, "sparse map")? });
    }
    Ok(())
}

/// The bytes before the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or(field)
}

fn natural(field: &[u8], name: &'static str) -> Result<u64, Defect> {
    number(field).and_then(|number| u64::try_from(number).ok()).ok_or(Defect::Number(name))
}

/// Octal digits or, when the first bit is set, two's complement in base 256 (GNU, star).
fn number(field: &[u8]) -> Option<i64> {
    let first = *field.first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    // The first bit is the mark; the second is the sign.
    let sign = if first & 0x40 == 0 { 0 } else { 0xff };
    let top = (first ^ sign) & 0x7f;
    let digits = std::iter::once(top).chain(field[1..].iter().map(|&byte| byte ^ sign));
    let magnitude =
        digits.into_iter().try_fold(0_i64, |sum, digit| sum.checked_mul(256)?.checked_add(digit.into()))?;
    Some(if sign == 0 { magnitude } else { !magnitude })
}

/// Octal digits between blanks and NULs; nothing at all is 0. Bytes after a NUL do not count.
fn octal(field: &[u8]) -> Option<i64> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !padding(byte)).unwrap_or(field.len());
    let digits = text(&field[start..]);
    let digits = &digits[..digits.iter().rposition(|byte| !padding(byte)).map_or(0, |last| last + 1)];
    digits.iter().try_fold(0_i64, |sum, &digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add((digit - b'0').into()),
        _ => None,
    })
}
