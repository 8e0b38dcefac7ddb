//! The file `head`: how much of the ledger was acknowledged.

use castline_core::Digest;

/// How many bytes each of the two slots has: what disks write at once.
pub(super) const SLOT: usize = 512;

/// How far the ledger was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// How often a head was written before. Its parity says into which slot this one goes.
    pub(super) counter: u64,
    /// How many entries there are.
    pub(super) entries: u64,
    /// How many bytes they have.
    pub(super) bytes: u64,
    /// The digest of the last one.
    pub(super) digest: Option<Digest>,
}

impl Head {
    /// Of a ledger without entries.
    pub(super) const EMPTY: Self = Self { counter: 0, entries: 0, bytes: 0, digest: None };

    /// Where in the file it stands. The head before it is in the other slot, and is whole while this one is written.
    pub(super) const fn offset(&self) -> u64 {
        (self.counter % 2) * SLOT as u64
    }

    /// As it is written: one line of text, and blanks.
    pub(super) fn to_slot(&self) -> Vec<u8> {
        let digest = self.digest.as_ref().map_or("-".into(), ToString::to_string);
        let text = format!("castline-head 1 {} {} {} {digest}", self.counter, self.entries, self.bytes);
        let mut slot = format!("{text} {}", Digest::of(text.as_bytes()).encoded()).into_bytes();
        slot.resize(SLOT - 1, b' ');
        slot.push(b'\n');
        slot
    }

    /// The last head that was written whole; none where neither slot has one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let heads = bytes.chunks(SLOT).take(2).filter_map(Self::of_slot);
        heads.max_by_key(|head| head.counter)
    }

    fn of_slot(slot: &[u8]) -> Option<Self> {
        let line = str::from_utf8(slot).ok()?.strip_suffix('\n')?.trim_end_matches(' ');
        let (text, check) = line.rsplit_once(' ')?;
        if slot.len() != SLOT || Digest::of(text.as_bytes()).encoded() != check {
            return None;
        }
        let mut words = text.strip_prefix("castline-head 1 ")?.split(' ');
        let mut number = || words.next()?.parse().ok();
        let (counter, entries, bytes) = (number()?, number()?, number()?);
        let digest = match words.next()? {
            "-" => None,
            digest => Some(digest.parse().ok()?),
        };
        Some(Self { counter, entries, bytes, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_was_cut_or_changed_is_not_taken() {
        let old = Head { counter: 6, entries: 3, bytes: 900, digest: Some(Digest::of(b"c")) };
        let new = Head { counter: 7, entries: 4, bytes: 1200, digest: Some(Digest::of(b"d")) };
        let file = [old.to_slot(), new.to_slot()].concat();
        assert_eq!((old.offset(), new.offset()), (0, SLOT as u64));
        assert_eq!(Head::read(&file), Some(new));
        for at in SLOT..2 * SLOT {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            assert_eq!(Head::read(&flipped), Some(old.clone()), "byte {at}");
            assert_eq!(Head::read(&file[..at]), Some(old.clone()), "cut at {at}");
        }
        assert_eq!(Head::read(b""), None);
    }
}
