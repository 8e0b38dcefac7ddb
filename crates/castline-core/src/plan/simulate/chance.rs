/// `SplitMix64`: every seed gives a sequence of its own, the same on every machine. For simulations, not for secrets.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both among them.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        match most.saturating_sub(least).checked_add(1) {
            Some(width) => least + self.next() % width,
            None => self.next(),
        }
    }

    /// Whether something happens that happens so often in a thousand.
    pub(super) fn happens(&mut self, in_a_thousand: u32) -> bool {
        self.between(0, 999) < u64::from(in_a_thousand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_between_their_bounds_and_reach_them() {
        let mut chance = Chance::new(7);
        let numbers: Vec<u64> = (0..1000).map(|_| chance.between(3, 5)).collect();
        assert!((3..=5).all(|number| numbers.contains(&number)));
        assert!(numbers.iter().all(|number| (3..=5).contains(number)));
        assert_eq!(chance.between(4, 4), 4);
        assert!(!chance.happens(0) && chance.happens(1000));
    }
}
