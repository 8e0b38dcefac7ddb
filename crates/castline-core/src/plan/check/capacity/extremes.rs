//! How far capacity can get in each limit's scope by what the plan does.

use std::collections::BTreeMap;

use super::{Capacity, signed, unsigned};
use crate::plan::check::Held;

/// What a stage does to what a limit counts.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    present: i64,
    available: i64,
    /// How far all of it together can take it up.
    up: i64,
    /// How far all of it together can take it down.
    down: i64,
    /// How far those can that the limit is not about.
    free_up: i64,
    free_down: i64,
}

/// For each limit, the least that can be available and the most that can be present.
///
/// Two bounds, and the tighter one holds: what all that can be under way at once may take; and what the limit leaves to
/// those that it is about, since none of them is begun that could break it.
pub(in super::super) fn extremes(capacity: &Capacity) -> Vec<Held> {
    let shares: Vec<BTreeMap<usize, Share>> =
        capacity.classes_of.iter().map(|classes| shares(capacity, classes)).collect();
    let count = capacity.limits.len();
    let (mut present, mut available): (Vec<i64>, Vec<i64>) =
        capacity.now.iter().map(|now| (now.present, now.available)).unzip();
    let (mut most, mut least) = (present.clone(), available.clone());
    let (mut free_up, mut free_down) = (vec![0; count], vec![0; count]);
    for (stage, own) in shares.iter().enumerate() {
        for (&limit, share) in own {
            let (mut high, mut low) = (present[limit] + share.up, available[limit] - share.down);
            for &other in capacity.stages.beside(stage) {
                let Some(beside) = shares[other].get(&limit) else { continue };
                // What is beside it and stands before it was counted as done.
                let done = if other < stage { *beside } else { Share::default() };
                high += beside.up - done.present;
                low -= beside.down + done.available;
            }
            most[limit] = most[limit].max(high);
            least[limit] = least[limit].min(low);
            free_up[limit] += share.free_up;
            free_down[limit] += share.free_down;
        }
        for (&limit, share) in own {
            present[limit] += share.present;
            available[limit] += share.available;
        }
    }
    let held = |(position, limit): (usize, &crate::plan::Limit)| {
        let now = capacity.now[position];
        let (mut most, mut least) = (most[position], least[position]);
        if limit.window.is_none() {
            if let Some(floor) = limit.floor {
                least = least.max(signed(floor).min(now.available) - free_down[position]);
            }
            if let Some(ceiling) = limit.ceiling {
                most = most.min(signed(ceiling).max(now.present) + free_up[position]);
            }
        }
        Held { limit: limit.name.clone(), least_available: unsigned(least), most_present: unsigned(most) }
    };
    capacity.limits.iter().enumerate().map(held).collect()
}

fn shares(capacity: &Capacity, classes: &[usize]) -> BTreeMap<usize, Share> {
    let mut shares = BTreeMap::<usize, Share>::new();
    for class in classes.iter().map(|class| &capacity.classes[*class]) {
        for effect in &class.effects {
            let share = shares.entry(effect.limit).or_default();
            share.present += class.count * effect.present;
            share.available += class.count * effect.available;
            let (up, down) = (class.count * i64::from(effect.rises), class.count * i64::from(effect.falls));
            share.up += up;
            share.down += down;
            if !effect.governed {
                share.free_up += up;
                share.free_down += down;
            }
        }
    }
    shares
}
