//! From values to places: integers only, so that a drawing is the same everywhere.

use super::words::{duration, number};

/// `value` of `whole` as so much of `size`; held within it.
pub(super) fn part(value: u64, whole: u64, size: u32) -> u32 {
    let whole = whole.max(1);
    let place = u128::from(value.min(whole)) * u128::from(size) / u128::from(whole);
    u32::try_from(place).unwrap_or(size)
}

/// What the horizontal axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Milliseconds.
    Time,
    /// Waves, each [`WAVE`] long.
    Waves,
}

/// How long a wave is, where the axis counts waves.
pub(super) const WAVE: u64 = 1000;

/// Distances of ticks that people count in, in milliseconds.
const STEPS: &[u64] = &[
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
];

/// The ticks of a horizontal axis from 0 to `span`, no more than `most` and the one at 0: where, and what they say.
pub(super) fn ticks(by: By, span: u64, most: u64) -> Vec<(u64, String)> {
    let most = most.max(1);
    let step = match by {
        By::Time => STEPS.iter().copied().find(|step| span / step <= most).unwrap_or_else(|| {
            (span / most).div_ceil(604_800_000).saturating_add(1).saturating_mul(604_800_000)
        }),
        By::Waves => round(span.div_ceil(WAVE).div_ceil(most)).saturating_mul(WAVE),
    };
    let label = |at: u64| match by {
        By::Time => duration(at),
        By::Waves if at == 0 => "0".into(),
        By::Waves => format!("wave {}", number(at / WAVE)),
    };
    (0..=span / step).map(|tick| (tick * step, label(tick * step))).collect()
}

/// The least of 1, 2, 5, 10, 20 … that is not less.
pub(super) fn round(least: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let candidate = unit.saturating_mul(factor);
            if candidate >= least {
                return candidate;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The numbers that a vertical axis shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vertical {
    /// The lowest; 0, but where all of interest is far above it.
    pub(super) low: u64,
    /// The highest; more than the lowest.
    pub(super) high: u64,
}

impl Vertical {
    /// The axis for numbers of which these are the least and the most.
    pub(super) fn new(least: u64, most: u64) -> Self {
        let most = most.max(1);
        let least = least.min(most);
        let low = if least > most / 2 && most > 20 {
            // Between 9,750 and 10,250, nothing could be told from the top of a chart that begins at 0.
            least.saturating_sub((most - least) / 3 + 1)
        } else {
            0
        };
        Self { low, high: most.saturating_add((most - low) / 12) }
    }

    /// How far up a number stands, of `size`.
    pub(super) fn up(self, value: u64, size: u32) -> u32 {
        part(value.saturating_sub(self.low), self.high - self.low, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        let labels = |by, span, most| {
            ticks(by, span, most).into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" | ")
        };
        for (by, span, most, text) in [
            (By::Time, 1, 6, "0 | 1 ms"),
            (By::Time, 390_000, 6, "0 | 1 min | 2 min | 3 min | 4 min | 5 min | 6 min"),
            (By::Time, 5_400_000, 6, "0 | 15 min | 30 min | 45 min | 1 h | 1 h 15 min | 1 h 30 min"),
            (By::Waves, 3000, 6, "0 | wave 1 | wave 2 | wave 3"),
            (By::Waves, 40_000_000, 4, "0 | wave 10,000 | wave 20,000 | wave 30,000 | wave 40,000"),
        ] {
            assert_eq!(labels(by, span, most), text);
        }
        for by in [By::Time, By::Waves] {
            assert!(ticks(by, u64::MAX, 6).len() <= 7);
        }
    }

    #[test]
    fn a_place_is_always_on_the_axis() {
        assert_eq!(part(5, 10, 100), 50);
        assert_eq!(part(50, 10, 100), 100);
        assert_eq!(part(5, 0, 100), 100);
        assert_eq!(Vertical::new(8, 13), Vertical { low: 0, high: 14 });
        assert_eq!(Vertical::new(9_750, 10_250), Vertical { low: 9_583, high: 10_305 });
        assert_eq!(Vertical::new(u64::MAX, u64::MAX).up(u64::MAX, 10), 10);
        assert_eq!(Vertical::new(0, 0), Vertical { low: 0, high: 1 });
    }
}
