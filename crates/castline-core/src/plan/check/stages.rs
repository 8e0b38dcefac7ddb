//! Which stages come before which.

use super::{Violation, ViolationCode};
use crate::plan::Plan;

/// Bits for all pairs of stages are kept.
pub(super) const MOST: usize = 16_384;

/// A set of stages.
#[derive(Clone, Debug)]
pub(super) struct Set(Vec<u64>);

impl Set {
    pub(super) fn new(of: usize) -> Self {
        Self(vec![0; of.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, stage: usize) {
        self.0[stage / 64] |= 1 << (stage % 64);
    }

    pub(super) fn has(&self, stage: usize) -> bool {
        self.0[stage / 64] & (1 << (stage % 64)) != 0
    }

    fn unite(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// The first stage that is in the other one and not in this.
    pub(super) fn lacks(&self, other: &Self) -> Option<usize> {
        let mut words = self.0.iter().zip(&other.0).enumerate();
        words.find_map(|(position, (mine, others))| {
            let lacking = others & !mine;
            (lacking != 0).then(|| position * 64 + lacking.trailing_zeros() as usize)
        })
    }
}

/// The order of the stages, and all that follows from it.
#[derive(Debug)]
pub(super) struct Stages {
    /// What is done before each begins.
    before: Vec<Set>,
    /// What may be under way while each is: neither before nor after it.
    beside: Vec<Vec<usize>>,
}

impl Stages {
    pub(super) fn of(plan: &Plan) -> Result<Self, Violation> {
        let count = plan.stages.len();
        if count > MOST {
            let message = format!("{count} stages are more than the {MOST} that can be proved");
            return Err(Violation::new(ViolationCode::TooManyStages, message));
        }
        let mut before: Vec<Set> = Vec::with_capacity(count);
        for (position, stage) in plan.stages.iter().enumerate() {
            let mut set = Set::new(count);
            for &earlier in &stage.after {
                let earlier = earlier as usize;
                let Some(earliest) = before.get(earlier) else {
                    let message = format!("`{}` comes after a stage that stands behind it", stage.name);
                    return Err(Violation::new(ViolationCode::Malformed, message).in_stage(position));
                };
                set.unite(earliest);
                set.insert(earlier);
            }
            before.push(set);
        }
        let beside = beside(&before);
        Ok(Self { before, beside })
    }

    /// Whether the one is done before the other begins.
    pub(super) fn ordered(&self, one: usize, other: usize) -> bool {
        self.before[other].has(one)
    }

    pub(super) fn before(&self, stage: usize) -> &Set {
        &self.before[stage]
    }

    pub(super) fn beside(&self, stage: usize) -> &[usize] {
        &self.beside[stage]
    }
}

fn beside(before: &[Set]) -> Vec<Vec<usize>> {
    let mut beside = vec![Vec::new(); before.len()];
    for (later, set) in before.iter().enumerate() {
        // Whole words of a long chain are passed over at once.
        for (position, &word) in set.0.iter().enumerate() {
            let upto = later.saturating_sub(position * 64).min(64);
            let all = if upto == 64 { u64::MAX } else { (1 << upto) - 1 };
            let mut lacking = all & !word;
            while lacking != 0 {
                let earlier = position * 64 + lacking.trailing_zeros() as usize;
                beside[earlier].push(later);
                beside[later].push(earlier);
                lacking &= lacking - 1;
            }
        }
    }
    beside
}
